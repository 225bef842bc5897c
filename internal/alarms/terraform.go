package alarms

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// formatTerraform prints the alarms as resources of the AWS provider. Preconditions refuse them in the wrong region or account.
func formatTerraform(set *Set) []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	suffix := "cluster"
	if set.Policy.Target.Kind != "DBCluster" {
		suffix = "instance"
	}
	where := terraformName("dbscaler-" + set.Policy.Target.Identifier + "-" + suffix)
	body.AppendNewBlock("data", []string{"aws_region", where})
	if set.AccountID != "" {
		body.AppendNewline()
		body.AppendNewBlock("data", []string{"aws_caller_identity", where})
	}
	for n := range set.Alarms {
		a := &set.Alarms[n]
		body.AppendNewline()
		name := terraformName(set.Policy.Target.Identifier + "-" + a.Role + "-" + string(a.Kind))
		resource := body.AppendNewBlock("resource", []string{"aws_cloudwatch_metric_alarm", name}).Body()
		setTerraformAlarm(resource, set, a)
		resource.AppendNewline()
		lifecycle := resource.AppendNewBlock("lifecycle", nil).Body()
		// The attribute id is the name of the region in all versions of the provider.
		addPrecondition(lifecycle, set.Region, "data", "aws_region", where, "id")
		if set.AccountID != "" {
			addPrecondition(lifecycle, set.AccountID, "data", "aws_caller_identity", where, "account_id")
		}
	}
	return hclwrite.Format(file.Bytes())
}

func setTerraformAlarm(body *hclwrite.Body, set *Set, a *Alarm) {
	text := func(body *hclwrite.Body, name, value string) { body.SetAttributeValue(name, cty.StringVal(value)) }
	number := func(body *hclwrite.Body, name string, value int) {
		body.SetAttributeValue(name, cty.NumberIntVal(int64(value)))
	}
	period := int(a.Period / time.Second)
	text(body, "alarm_name", a.Name)
	text(body, "alarm_description", a.Description)
	if a.Expression == "" {
		m := a.Metrics[0]
		text(body, "namespace", metricNamespace)
		text(body, "metric_name", m.Name)
		body.SetAttributeValue("dimensions", terraformMap(dimensionMap(m)))
		text(body, "statistic", m.Statistic)
		number(body, "period", period)
	}
	text(body, "comparison_operator", a.Comparison)
	body.SetAttributeValue("threshold", cty.NumberFloatVal(a.Threshold))
	number(body, "evaluation_periods", a.EvaluationPeriods)
	number(body, "datapoints_to_alarm", a.DatapointsToAlarm)
	text(body, "treat_missing_data", a.TreatMissingData)
	if len(set.TopicARNs) > 0 {
		topics := make([]cty.Value, len(set.TopicARNs))
		for n, arn := range set.TopicARNs {
			topics[n] = cty.StringVal(arn)
		}
		body.SetAttributeValue("alarm_actions", cty.ListVal(topics))
		body.SetAttributeValue("ok_actions", cty.ListVal(topics))
	}
	body.SetAttributeValue("tags", terraformMap(set.tags(a)))
	if a.Expression == "" {
		return
	}
	body.AppendNewline()
	watched := body.AppendNewBlock("metric_query", nil).Body()
	text(watched, "id", expressionID)
	text(watched, "expression", a.Expression)
	text(watched, "label", string(a.Kind))
	watched.SetAttributeValue("return_data", cty.True)
	for _, m := range a.Metrics {
		body.AppendNewline()
		query := body.AppendNewBlock("metric_query", nil).Body()
		text(query, "id", m.ID)
		query.AppendNewline()
		metric := query.AppendNewBlock("metric", nil).Body()
		text(metric, "namespace", metricNamespace)
		text(metric, "metric_name", m.Name)
		metric.SetAttributeValue("dimensions", terraformMap(dimensionMap(m)))
		text(metric, "stat", m.Statistic)
		number(metric, "period", period)
	}
}

// addPrecondition refuses the resource when the value that the traversal names is another one.
func addPrecondition(lifecycle *hclwrite.Body, want string, traversal ...string) {
	path := hcl.Traversal{hcl.TraverseRoot{Name: traversal[0]}}
	for _, name := range traversal[1:] {
		path = append(path, hcl.TraverseAttr{Name: name})
	}
	condition := hclwrite.TokensForTraversal(path)
	condition = append(condition, &hclwrite.Token{Type: hclsyntax.TokenEqualOp, Bytes: []byte("==")})
	condition = append(condition, hclwrite.TokensForValue(cty.StringVal(want))...)
	body := lifecycle.AppendNewBlock("precondition", nil).Body()
	body.SetAttributeRaw("condition", condition)
	body.SetAttributeValue("error_message", cty.StringVal("The database is in "+want+": alarms elsewhere have no data and never fire."))
}

func terraformMap(values map[string]string) cty.Value {
	out := make(map[string]cty.Value, len(values))
	for key, value := range values {
		out[key] = cty.StringVal(value)
	}
	return cty.MapVal(out)
}

// terraformName is the name of a block: identifiers have no underscores, so that the names stay apart.
func terraformName(name string) string { return strings.ReplaceAll(name, "-", "_") }
