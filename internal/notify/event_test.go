package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the JSON Schema")

func testPolicy() *v1alpha1.DBScalingPolicy {
	return &v1alpha1.DBScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "orders"},
		Spec:       v1alpha1.DBScalingPolicySpec{TargetRef: v1alpha1.TargetRef{Kind: "DBCluster", Identifier: "orders", Region: "eu-west-1"}},
		Status:     v1alpha1.DBScalingPolicyStatus{Target: &v1alpha1.TargetStatus{ARN: "arn:aws:rds:eu-west-1:123456789012:cluster:orders"}},
	}
}

func testNotification(kind v1alpha1.NotificationType) v1alpha1.PendingNotification {
	return v1alpha1.PendingNotification{
		ID: "0a1b2c3d-1770285600-x", Type: kind, Time: metav1.NewTime(now), Pool: v1alpha1.PoolReaders, From: ptr.To(shape("db.r6g.large", 2)),
		To: ptr.To(shape("db.r6g.xlarge", 2)), Reason: "ScaleUp", Message: "too\nsmall", Hash: "0a1b2c3d", UtilizationPercent: ptr.To[int32](81),
		FromHourlyCostUSD: "0.52", ToHourlyCostUSD: "1.04",
	}
}

// TestEvent_ConformsToCloudEvents checks what CloudEvents 1.0 and its JSON format demand of every type of event: the required attributes,
// their syntax, and the members that the format allows.
func TestEvent_ConformsToCloudEvents(t *testing.T) {
	attributeName := regexp.MustCompile(`^[a-z0-9]{1,20}$`) // spec.md, "Attribute Naming Convention"
	mediaType := regexp.MustCompile(`^[a-z]+/[a-z+.-]+$`)
	if len(eventTypes) != 7 || len(summaries) != len(eventTypes) {
		t.Fatalf("there are %d types and %d summaries, want 7", len(eventTypes), len(summaries))
	}
	for kind, eventType := range eventTypes {
		body, err := NewEvent(testPolicy(), testNotification(kind), "prod/eu 1").Encode()
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatal(err)
		}
		text := func(name string) string {
			value, isText := members[name].(string)
			if !isText || value == "" {
				t.Errorf("%s: the attribute %s is %v, want a text that is not empty", kind, name, members[name])
			}
			return value
		}
		if text("specversion") != "1.0" || text("type") != eventType || !strings.HasPrefix(eventType, "io.dbscaler.") || !strings.HasSuffix(eventType, ".v1") {
			t.Errorf("%s: got %s", kind, body)
		}
		source, err := url.Parse(text("source"))
		if err != nil || source.String() != "/clusters/prod%2Feu%201/namespaces/payments/dbscalingpolicies/orders" {
			t.Errorf("%s: source is %q, no URI reference: %v", kind, members["source"], err)
		}
		if schema, err := url.Parse(text("dataschema")); err != nil || !schema.IsAbs() {
			t.Errorf("%s: dataschema is no URI: %v", kind, err)
		}
		if at, err := time.Parse(time.RFC3339, text("time")); err != nil || !at.Equal(now) {
			t.Errorf("%s: time is %v: %v", kind, members["time"], err)
		}
		if !mediaType.MatchString(text("datacontenttype")) || text("id") != "0a1b2c3d-1770285600-x" || text("subject") != "arn:aws:rds:eu-west-1:123456789012:cluster:orders" {
			t.Errorf("%s: got %s", kind, body)
		}
		if _, isObject := members["data"].(map[string]any); !isObject || members["data_base64"] != nil {
			t.Errorf("%s: data is %v, want an object", kind, members["data"])
		}
		for name := range members {
			if !attributeName.MatchString(name) {
				t.Errorf("%s: %q is no name of an attribute", kind, name)
			}
		}
	}
}

func TestNewEvent_Data(t *testing.T) {
	e := NewEvent(testPolicy(), testNotification(v1alpha1.NotificationApprovalWanted), "")
	const command = "kubectl dbscaler approve orders -n payments --hash 0a1b2c3d"
	const withoutPlugin = "kubectl annotate --overwrite dbsp -n payments orders scaling.dbscaler.io/approve=0a1b2c3d"
	if a := e.Data.Approval; a == nil || a.Command != command || a.CommandWithoutPlugin != withoutPlugin || a.Expiry == "" {
		t.Errorf("approval is %+v, want %s and %s", a, command, withoutPlugin)
	}
	const text = "payments/orders: approval wanted. Readers: 2 × db.r6g.large → 2 × db.r6g.xlarge. +0.52 USD per hour. CPU 81 %. To approve: " + command
	if e.Data.Text != text {
		t.Errorf("text is %q\nwant    %q", e.Data.Text, text)
	}
	if e.Source != "/namespaces/payments/dbscalingpolicies/orders" || e.Data.Policy != (PolicyReference{Namespace: "payments", Name: "orders"}) {
		t.Errorf("without a name of the cluster: %+v", e)
	}
	blocked := testNotification(v1alpha1.NotificationChangeBlocked)
	blocked.FromHourlyCostUSD, blocked.To, blocked.UtilizationPercent = "", nil, nil
	p := testPolicy()
	p.Status.Target = nil
	e = NewEvent(p, blocked, "")
	if e.Data.Approval != nil || e.Subject != "DBCluster/orders" || e.Data.HourlyCost.ChangeUSD != "" || e.Data.HourlyCost.ToUSD != "1.04" ||
		e.Data.Text != "payments/orders: change blocked. Readers: 2 × db.r6g.large. too small" {
		t.Errorf("got %+v", e)
	}
	for _, test := range []struct{ from, to, want string }{
		{"1.04", "0.52", "-0.52"}, {"0.52", "0.52", "+0.00"}, {"0.0175", "0.035", "+0.0175"}, {"", "0.5", ""}, {"x", "0.5", ""},
	} {
		if c := newCostChange(test.from, test.to); c.ChangeUSD != test.want {
			t.Errorf("from %q to %q: %q, want %q", test.from, test.to, c.ChangeUSD, test.want)
		}
	}
}

// TestSchema: docs/reference/notification.schema.json describes Data as it is. Run `go test ./internal/notify -update` after a change.
func TestSchema(t *testing.T) {
	const path = "../../docs/reference/notification.schema.json"
	schema := objectSchema(reflect.TypeFor[Data](), fieldComments(t))
	schema["$schema"], schema["$id"], schema["title"] = "https://json-schema.org/draft/2020-12/schema", SchemaURI, "Data of a notification of dbscaler"
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs from Data (error %v): run `go test ./internal/notify -update`", path, err)
	}
}

// objectSchema is the JSON Schema of a struct.
func objectSchema(of reflect.Type, comments map[string]string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for n := range of.NumField() {
		field := of.Field(n)
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		property := map[string]any{"type": "string"}
		switch kind.Kind() {
		case reflect.Struct:
			property = objectSchema(kind, comments)
		case reflect.Int32:
			property["type"] = "integer"
		}
		if comment := comments[of.Name()+"."+field.Name]; comment != "" {
			property["description"] = comment
		}
		properties[name] = property
		if option == "" {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// fieldComments are the doc comments of the fields in event.go, by Type.Field.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, isType := n.(*ast.TypeSpec)
		if !isType {
			return true
		}
		if s, isStruct := spec.Type.(*ast.StructType); isStruct {
			for _, f := range s.Fields.List {
				out[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			}
		}
		return false
	})
	return out
}
