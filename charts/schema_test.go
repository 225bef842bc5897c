package charts

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// schema is the part of JSON Schema that values.schema.json uses for its structure.
type schema struct {
	Type                 any               `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Enum                 []string          `json:"enum"`
}

// helmKeys are set by Helm and by charts that depend on the chart. They have no default.
var helmKeys = []string{"global", "enabled"}

// readSchema reads the schema of the chart dbscaler.
func readSchema(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("dbscaler/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// leaves calls yield with the path of each value that has no properties of its own, and of each map with properties.
func (s schema) leaves(path []string, yield func(path []string, s schema)) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if len(path) == 0 && slices.Contains(helmKeys, name) {
			continue
		}
		inner := append(slices.Clone(path), name)
		property := s.Properties[name]
		yield(inner, property)
		property.leaves(inner, yield)
	}
}

// isLeaf reports whether the value has no properties of its own.
func (s schema) isLeaf() bool { return len(s.Properties) == 0 }

// setValue sets the value at a path of nested maps.
func setValue(values map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		next, isMap := values[key].(map[string]any)
		if !isMap {
			next = map[string]any{}
			values[key] = next
		}
		values = next
	}
	values[path[len(path)-1]] = value
}

// refusedTemplate renders the chart with values in YAML, which must fail, and returns the message.
func refusedTemplate(t *testing.T, values string) string {
	t.Helper()
	_, message, err := runHelm(t, values, "template", release, "dbscaler", "--namespace", namespace)
	if err == nil {
		t.Fatalf("accepted: %s", values)
	}
	return message
}

// TestSchema_RefusesWrongTypes sets each value to one of another type. The message must name each of them.
func TestSchema_RefusesWrongTypes(t *testing.T) {
	values := map[string]any{}
	var paths []string
	readSchema(t).leaves(nil, func(path []string, s schema) {
		if !s.isLeaf() {
			return
		}
		paths = append(paths, "/"+strings.Join(path, "/"))
		switch {
		case s.Type == "object":
			setValue(values, path, "text")
		case s.Type == "string" || s.Enum != nil:
			setValue(values, path, 7)
		default:
			setValue(values, path, "text")
		}
	})
	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	message := refusedTemplate(t, string(text))
	for _, path := range paths {
		if !strings.Contains(message, "'"+path+"'") {
			t.Errorf("the message does not name %s", path)
		}
	}
	if len(paths) < 60 || t.Failed() {
		t.Errorf("%d values were set, want at least 60. The message was:\n%s", len(paths), message)
	}
}

// TestSchema_RefusesUnknownKeys adds an unknown key to each map that has fixed keys. The message must name the place of each.
func TestSchema_RefusesUnknownKeys(t *testing.T) {
	values := map[string]any{"misspelled": true}
	places := []string{"''"}
	readSchema(t).leaves(nil, func(path []string, s schema) {
		if s.isLeaf() {
			return
		}
		if s.AdditionalProperties != false {
			t.Errorf("%v accepts unknown keys", path)
		}
		setValue(values, append(path, "misspelled"), true)
		places = append(places, "'/"+strings.Join(path, "/")+"'")
	})
	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	message := refusedTemplate(t, string(text))
	for _, place := range places {
		if !strings.Contains(message, "at "+place+": additional properties 'misspelled' not allowed") {
			t.Errorf("the message does not name the unknown key at %s", place)
		}
	}
	if t.Failed() {
		t.Log(message)
	}
}

// TestSchema_RefusesImpossibleValues checks what the schema, or the templates for values that do not fit together, say.
func TestSchema_RefusesImpossibleValues(t *testing.T) {
	for _, test := range []struct{ values, message string }{
		{`concurrency: 0`, `at '/concurrency': minimum: got 0, want 1`},
		{`concurrency: 65`, `at '/concurrency': maximum: got 65, want 64`},
		{`maxDisruptiveOperations: -1`, `at '/maxDisruptiveOperations': minimum: got -1, want 0`},
		{`replicas: -1`, `at '/replicas': minimum: got -1, want 0`},
		{`shards: {total: 0}`, `at '/shards/total': minimum: got 0, want 1`},
		{`shards: {total: 1001}`, `at '/shards/total': maximum: got 1,001, want 1,000`},
		{`logLevel: debug`, `at '/logLevel': value must be one of 'DEBUG', 'INFO', 'WARN', 'ERROR'`},
		{`clusterName: prod*`, `at '/clusterName': 'prod*' does not match pattern`},
		{`clusterName: "aws:prod"`, `at '/clusterName': 'not' failed`},
		{`image: {digest: "sha256:12"}`, `at '/image/digest': 'sha256:12' does not match pattern '^(sha256:[0-9a-f]{64})?$'`},
		{`image: {repository: ""}`, `at '/image/repository': minLength: got 0, want 1`},
		{`image: {pullPolicy: Sometimes}`, `at '/image/pullPolicy': value must be one of '', 'Always', 'IfNotPresent', 'Never'`},
		{`pricing: {region: eu-west-1}`, `at '/pricing/region': value must be one of '', 'us-east-1', 'eu-central-1', 'ap-south-1'`},
		{`pricing: {priceList: [{instanceClass: db.r6g.large}]}`, `at '/pricing/priceList/0': missing property 'hourlyPriceUSD'`},
		{`pricing: {priceList: [{instanceClass: db.r6g.large, hourlyPriceUSD: 0.26}]}`, `hourlyPriceUSD': got number, want string`},
		{`watchNamespaces: [team-a, team-a]`, `at '/watchNamespaces': items at 0 and 1 are equal`},
		{`watchNamespaces: ["team a"]`, `at '/watchNamespaces/0': 'team a' does not match pattern`},
		{`proxy: {httpsProxy: "proxy:3128"}`, `at '/proxy/httpsProxy': 'proxy:3128' does not match pattern`},
		{`proxy: {noProxy: ["a,b"]}`, `at '/proxy/noProxy/0': 'a,b' does not match pattern`},
		{`networkPolicy: {ports: [443, 70000]}`, `at '/networkPolicy/ports/1': maximum: got 70,000, want 65,535`},
		{`networkPolicy: {ports: []}`, `at '/networkPolicy/ports': minItems: got 0, want 1`},
		{`podDisruptionBudget: {maxUnavailable: half}`, `at '/podDisruptionBudget/maxUnavailable': 'oneOf' failed`},
		{`metrics: {serviceMonitor: {renderMode: always}}`, `at '/metrics/serviceMonitor/renderMode': value must be one of 'skipIfMissing', 'alwaysRender', 'never'`},
		{`metrics: {serviceMonitor: {interval: 30}}`, `at '/metrics/serviceMonitor/interval': got number, want string`},
		{`commonLabels: {team: "a b"}`, `at '/commonLabels/team': 'a b' does not match pattern`},
		{`ledger: {persistence: {accessModes: [ReadOnlyMany]}}`, `at '/ledger/persistence/accessModes/0': value must be one of`},
		{`ledger: {persistence: {size: 1GB}}`, `at '/ledger/persistence/size': '1GB' does not match pattern`},
		{`extraArgs: [concurrency=3]`, `at '/extraArgs/0': 'concurrency=3' does not match pattern '^-'`},
		{`extraEnv: [{value: x}]`, `at '/extraEnv/0': missing property 'name'`},
		{`topologySpreadConstraints: [{maxSkew: 1}]`, `at '/topologySpreadConstraints/0': missing properties 'topologyKey', 'whenUnsatisfiable'`},
		{`notifications: {url: "relay.example/hook"}`, `at '/notifications/url': 'relay.example/hook' does not match pattern`},
		{`notifications: {snsTopicARN: dbscaler}`, `at '/notifications/snsTopicARN': 'dbscaler' does not match pattern`},
		{`notifications: {eventBus: "arn:aws:sns:eu-west-1:123456789012:x"}`, `at '/notifications/eventBus': 'arn:aws:sns:eu-west-1:123456789012:x' does not match pattern`},
		// Values that do not fit together.
		{`notifications: {url: "https://relay.example", urlSecretName: x}`, `notifications.url and notifications.urlSecretName are both set: remove one`},
		{`notifications: {hmacSecretName: x}`, `set notifications.url or notifications.urlSecretName`},
		{`leaderElection: {enabled: false}`, `leaderElection.enabled is false and replicas is 2: all pods would act at once. Enable it, or set replicas to 1`},
		{`rbac: {namespaced: true}`, `rbac.namespaced is true and watchNamespaces is empty`},
		{`serviceAccount: {create: false}`, `name the service account that exists in serviceAccount.name`},
		{`ledger: {enabled: true, persistence: {enabled: true}}`, `pods on two nodes cannot mount the volume. Set replicas to 1, or accessModes to [ReadWriteMany]`},
		{`{shards: {total: 2}, ledger: {enabled: true, persistence: {enabled: true, existingClaim: x}}}`, `each shard has a claim of its own. Remove existingClaim`},
	} {
		t.Run(test.values, func(t *testing.T) {
			if message := refusedTemplate(t, test.values); !strings.Contains(message, test.message) {
				t.Errorf("the message does not contain %q:\n%s", test.message, message)
			}
		})
	}
}

// TestSchema_HasSameValuesAsValuesFile checks that the schema has each value of values.yaml, and the other way round.
func TestSchema_HasSameValuesAsValuesFile(t *testing.T) {
	text, err := os.ReadFile("dbscaler/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	readSchema(t).leaves(nil, func(path []string, _ schema) {
		var value any = values
		for _, key := range path {
			m, _ := value.(map[string]any)
			inner, exists := m[key]
			if !exists {
				t.Errorf("values.yaml has no %s, which is in the schema", strings.Join(path, "."))
				return
			}
			value = inner
		}
	})
	// The schema refuses keys that it does not have, and the default values are accepted.
	template(t)
}

// TestValues_DefaultsAreThoseOfFlags checks that values that are omitted from the arguments when they have the default have the default
// of the operator's flags.
func TestValues_DefaultsAreThoseOfFlags(t *testing.T) {
	source, err := os.ReadFile("../main.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("dbscaler/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for flag, value := range map[string]string{"concurrency": "concurrency", "max-disruptive-operations": "maxDisruptiveOperations"} {
		match := regexp.MustCompile(`"` + flag + `", (\d+),`).FindSubmatch(source)
		if match == nil {
			t.Errorf("main.go has no flag %s with a number as its default", flag)
			continue
		}
		if want := "\n" + value + ": " + string(match[1]) + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("values.yaml does not have %q, the default of the flag", strings.TrimSpace(want))
		}
	}
}
