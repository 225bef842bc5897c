package alarms

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/manifest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const testTopic = "arn:aws:sns:eu-west-1:123456789012:on-call"

// kinds are the samples of config/samples, one for each kind of target.
var kinds = []struct {
	name, sample string
	options      Options
}{
	{"aurora", "clinical-engine", Options{AccountID: "123456789012"}},
	{"instance-with-replicas", "ledger", Options{Instances: []string{"ledger-read", "ledger-report"}}},
	{"multi-az-cluster", "payments", Options{MultiAZCluster: true}},
	{"serverless", "sessions", Options{AccountName: "production"}},
}

var newReader = sync.OnceValues(manifest.NewReader)

// readSample reads a policy of config/samples as the operator does.
func readSample(t *testing.T, name string) scaling.Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../config/samples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	u.SetNamespace("platform")
	reader, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	object, err := reader.ReadPolicy(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := convert.Policy(object)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// derive derives the alarms of a sample, with a topic and the usual runbooks.
func derive(t *testing.T, sample string, o Options) Set {
	t.Helper()
	o.TopicARNs, o.RunbookURL = []string{testTopic}, "https://github.com/dbscaler/dbscaler/blob/main/docs/runbooks"
	o.Prefix = "dbscaler-"
	set, err := Derive(readSample(t, sample), o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// find returns the alarm of a role and kind.
func find(t *testing.T, set Set, role string, kind Kind) *Alarm {
	t.Helper()
	for n := range set.Alarms {
		if a := &set.Alarms[n]; a.Role == role && a.Kind == kind {
			return a
		}
	}
	t.Fatalf("there is no alarm %s of %s", kind, role)
	return nil
}

// names lists the roles and kinds of the alarms.
func names(set Set) []string {
	var out []string
	for _, a := range set.Alarms {
		out = append(out, a.Role+" "+string(a.Kind))
	}
	return out
}
