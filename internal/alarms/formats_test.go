package alarms

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, format Format, set Set) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, format, set); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestWrite_Golden compares each format for each kind of target with a file in testdata.
func TestWrite_Golden(t *testing.T) {
	for _, kind := range kinds {
		for _, format := range Formats() {
			t.Run(kind.name+"/"+string(format), func(t *testing.T) {
				got := render(t, format, derive(t, kind.sample, kind.options))
				path := filepath.Join("testdata", kind.name+"."+string(format)+".golden")
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("differs from %s (error: %v): review with `go test ./internal/alarms -update` and git diff", path, err)
				}
			})
		}
	}
	if err := Write(&bytes.Buffer{}, "xml", Set{}); err == nil {
		t.Error("an unknown format is no error")
	}
}

// terraformAttributes are the arguments of aws_cloudwatch_metric_alarm and of its blocks that may appear (documentation of the AWS provider).
var terraformAttributes = map[string][]string{
	"alarm": {
		"alarm_name", "alarm_description", "namespace", "metric_name", "dimensions", "statistic", "period", "comparison_operator", "threshold",
		"evaluation_periods", "datapoints_to_alarm", "treat_missing_data", "alarm_actions", "ok_actions", "tags",
	},
	"metric_query": {"id", "expression", "label", "return_data"},
	"metric":       {"namespace", "metric_name", "dimensions", "stat", "period"},
	"lifecycle":    {},
	"precondition": {"condition", "error_message"},
}

// TestTerraform_IsHCL parses the output, evaluates it in the region of the database and in another one, and compares it with the alarms.
func TestTerraform_IsHCL(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			set := derive(t, kind.sample, kind.options)
			file, diagnostics := hclsyntax.ParseConfig(render(t, Terraform, set), "alarms.tf", hcl.InitialPos)
			if diagnostics.HasErrors() {
				t.Fatal(diagnostics)
			}
			body, ok := file.Body.(*hclsyntax.Body)
			if !ok {
				t.Fatalf("the body is a %T", file.Body)
			}
			alarms := map[string]hcl.Attributes{}
			seen := map[string]bool{}
			for _, block := range body.Blocks {
				id := strings.Join(append([]string{block.Type}, block.Labels...), ".")
				if seen[id] {
					t.Errorf("two blocks %s", id)
				}
				seen[id] = true
				if block.Type != "resource" {
					continue
				}
				if block.Labels[0] != "aws_cloudwatch_metric_alarm" {
					t.Errorf("unexpected resource %s", id)
				}
				checkTerraformBlock(t, "alarm", block.Body, kind.options.AccountID)
				attributes, _ := block.Body.JustAttributes()
				name, _ := attributes["alarm_name"].Expr.Value(nil)
				alarms[name.AsString()] = attributes
			}
			if len(alarms) != len(set.Alarms) {
				t.Errorf("%d resources, want %d", len(alarms), len(set.Alarms))
			}
			for _, a := range set.Alarms {
				for attribute, want := range map[string]cty.Value{
					"alarm_description": cty.StringVal(a.Description), "threshold": cty.NumberFloatVal(a.Threshold),
					"evaluation_periods": cty.NumberIntVal(int64(a.EvaluationPeriods)), "comparison_operator": cty.StringVal(a.Comparison),
					"alarm_actions": cty.TupleVal([]cty.Value{cty.StringVal(testTopic)}),
				} {
					got, _ := alarms[a.Name][attribute].Expr.Value(nil)
					if !got.RawEquals(want) && !got.Equals(want).True() {
						t.Errorf("%s: %s is %#v, want %#v", a.Name, attribute, got, want)
					}
				}
			}
		})
	}
}

// checkTerraformBlock checks the names of arguments, and that preconditions hold only in the right place.
func checkTerraformBlock(t *testing.T, kind string, body *hclsyntax.Body, accountID string) {
	t.Helper()
	for name, attribute := range body.Attributes {
		if !slices.Contains(terraformAttributes[kind], name) {
			t.Errorf("%s has no argument %s", kind, name)
		}
		if name != "condition" {
			continue
		}
		for region, want := range map[string]cty.Value{"eu-west-1": cty.True, "us-east-1": cty.False} {
			account := map[string]string{"eu-west-1": accountID, "us-east-1": "999999999999"}[region]
			variables := map[string]cty.Value{}
			for _, traversal := range attribute.Expr.Variables() {
				dataSource, ok := traversal[2].(hcl.TraverseAttr)
				if !ok {
					t.Fatalf("unexpected reference %v", traversal)
				}
				variables["data"] = cty.ObjectVal(map[string]cty.Value{
					"aws_region":          cty.ObjectVal(map[string]cty.Value{dataSource.Name: cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(region)})}),
					"aws_caller_identity": cty.ObjectVal(map[string]cty.Value{dataSource.Name: cty.ObjectVal(map[string]cty.Value{"account_id": cty.StringVal(account)})}),
				})
			}
			if got, diagnostics := attribute.Expr.Value(&hcl.EvalContext{Variables: variables}); diagnostics.HasErrors() || !got.RawEquals(want) {
				t.Errorf("the precondition is %#v in %s (%v), want %#v", got, region, diagnostics, want)
			}
		}
	}
	for _, block := range body.Blocks {
		if terraformAttributes[block.Type] == nil {
			t.Errorf("%s has no block %s", kind, block.Type)
		}
		checkTerraformBlock(t, block.Type, block.Body, accountID)
	}
}

// TestCloudFormation_MatchesSchema validates each resource with the schema of its type.
func TestCloudFormation_MatchesSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/cloudformation-alarm.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var excerpt struct {
		RequiredXor       []string
		DependentExcluded map[string][]string
		Schema            apiextensionsv1.JSONSchemaProps
	}
	if err := json.Unmarshal(text, &excerpt); err != nil {
		t.Fatal(err)
	}
	var schema apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&excerpt.Schema, &schema, nil); err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(&schema)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(properties map[string]any) error {
		if errs := validation.ValidateCustomResource(field.NewPath("Properties"), properties, validator); len(errs) > 0 {
			return errs.ToAggregate()
		}
		found := 0
		for _, name := range excerpt.RequiredXor {
			if properties[name] != nil {
				found++
			}
		}
		if found != 1 {
			return fmt.Errorf("%d of %q, want one", found, excerpt.RequiredXor)
		}
		for name, excluded := range excerpt.DependentExcluded {
			for _, other := range excluded {
				if properties[name] != nil && properties[other] != nil {
					return fmt.Errorf("%s and %s exclude each other", name, other)
				}
			}
		}
		return nil
	}
	if validate(map[string]any{"AlarmNane": "x", "MetricName": "x"}) == nil || validate(map[string]any{"AlarmName": "x"}) == nil {
		t.Fatal("the schema accepts an unknown property, or an alarm without a metric")
	}
	for _, kind := range kinds {
		set := derive(t, kind.sample, kind.options)
		var template struct {
			AWSTemplateFormatVersion, Description string
			Rules                                 map[string]any
			Resources                             map[string]struct {
				Type       string
				Properties map[string]any
			}
		}
		if err := yaml.UnmarshalStrict(render(t, CloudFormation, set), &template); err != nil {
			t.Fatal(err)
		}
		if len(template.Resources) != len(set.Alarms) || template.Rules["Region"] == nil {
			t.Errorf("%s: %d resources, want %d, and the rules %v", kind.name, len(template.Resources), len(set.Alarms), template.Rules)
		}
		for id, resource := range template.Resources {
			if !regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`).MatchString(id) || resource.Type != "AWS::CloudWatch::Alarm" {
				t.Errorf("unexpected resource %s of type %s", id, resource.Type)
			}
			if err := validate(resource.Properties); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}

// TestPrometheus_ChecksWithPromtool loads the rules into promtool, and checks that the operator exports each metric.
func TestPrometheus_ChecksWithPromtool(t *testing.T) {
	documented, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	promtool, err := exec.LookPath("../../bin/tools/promtool")
	if err != nil {
		promtool, err = exec.LookPath("promtool")
	}
	if err != nil {
		t.Skip("SKIPPED: promtool is not installed, so that the rules are not tested; it is part of Debian's package prometheus")
	}
	if promtool, err = filepath.Abs(promtool); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		var object struct {
			Kind string
			Spec ruleSpec
		}
		if err := yaml.Unmarshal(render(t, Prometheus, derive(t, kind.sample, kind.options)), &object); err != nil {
			t.Fatal(err)
		}
		if object.Kind != "PrometheusRule" || len(object.Spec.Groups) != 1 || len(object.Spec.Groups[0].Rules) < 3 {
			t.Fatalf("%s: got %+v", kind.name, object)
		}
		for _, r := range object.Spec.Groups[0].Rules {
			for _, metric := range regexp.MustCompile(`dbscaler_\w+`).FindAllString(r.Expr, -1) {
				if !bytes.Contains(documented, []byte("`"+metric+"`")) {
					t.Errorf("%s: docs/status.md has no metric %s", r.Alert, metric)
				}
			}
			runbook := filepath.Base(r.Annotations["runbook_url"])
			if _, err := os.Stat(filepath.Join("../../docs/runbooks", runbook)); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
		}
		content, err := yaml.Marshal(object.Spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", "--lint=all", "--lint-fatal", path).CombinedOutput(); err != nil {
			t.Errorf("%s: promtool: %v\n%s", kind.name, err, out)
		}
	}
}

// TestDescriptions_NameRunbooks: each runbook that a description names exists.
func TestDescriptions_NameRunbooks(t *testing.T) {
	for _, kind := range []Kind{LoadHigh, Saturated, NotScaled, CapacityAtMaximum, MetricsMissing} {
		if _, err := os.Stat(filepath.Join("../../docs/runbooks", kind.runbook()+".md")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestKubernetesName(t *testing.T) {
	for name, want := range map[string]string{
		"dbscaler-orders-writer-saturated": "dbscaler-orders-writer-saturated", "Team/A_b.c-orders": "team-a-b.c-orders", "./x..y-.z": "x-y-z",
		strings.Repeat("p", 300) + "-end": strings.Repeat("p", 249) + "-end",
	} {
		if got := kubernetesName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
