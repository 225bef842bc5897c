package convert

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// An absent preference depends on the kind of target; a set one is kept. The licence grows only when the policy says so.
func TestPolicy_DefaultPreference(t *testing.T) {
	for _, test := range []struct {
		kind v1alpha1.TargetKind
		set  v1alpha1.Preference
		want scaling.Preference
	}{
		{v1alpha1.TargetKindDBCluster, "", scaling.Cheapest},
		{v1alpha1.TargetKindDBInstance, "", scaling.Vertical},
		{v1alpha1.TargetKindDBInstance, v1alpha1.PreferenceHorizontal, scaling.Horizontal},
	} {
		in := &v1alpha1.DBScalingPolicy{}
		in.Spec.TargetRef.Kind = test.kind
		in.Spec.Readers = &v1alpha1.Readers{InstanceClasses: []v1alpha1.InstanceClass{"db.r6g.large"}, MinReplicas: 1, MaxReplicas: 2, Preference: test.set}
		p, err := Policy(in)
		if err != nil || p.Readers.Preference != test.want || p.Guardrails.AllowLicenseGrowth {
			t.Errorf("%s with %q: got %q, %t, %v", test.kind, test.set, p.Readers.Preference, p.Guardrails.AllowLicenseGrowth, err)
		}
	}
	in := &v1alpha1.DBScalingPolicy{}
	in.Spec.Guardrails.LicenseGrowth = v1alpha1.LicenseGrowthAllow
	if p, err := Policy(in); err != nil || !p.Guardrails.AllowLicenseGrowth {
		t.Errorf("got %t, %v", p.Guardrails.AllowLicenseGrowth, err)
	}
}

// Refusals and the answers of AWS survive status, within its limits.
func TestRefusalsStatus(t *testing.T) {
	at := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	call := scaling.Call{Action: scaling.CreateReader, Instance: "r", InstanceClass: "db.r6g.large"}
	want := state.AddRefusal(nil, scaling.Readers, call, errors.New("not here"), 3, at)
	if got := Refusals(RefusalsStatus(want)); len(got) != 1 || got[0] != want[0] {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want[0].Message = strings.Repeat("ü", 2000)
	if got := RefusalsStatus(want)[0].Message; len(got) > 1024 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("a long message has %d bytes", len(got))
	}
	op := scaling.Operation{ID: "1", Steps: []scaling.Step{{Action: scaling.CreateReader, Instance: "r", Attempts: 2, Answer: "busy", SameAnswers: 2}}}
	if got := Operation(OperationStatus(op)).Steps[0]; got.Answer != "busy" || got.SameAnswers != 2 {
		t.Errorf("the step is %+v", got)
	}
}

// An operation whose first change AWS refused changed nothing, and does not count. One that had changed something does.
func TestOperationRecord_Refused(t *testing.T) {
	at := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	refused := scaling.Operation{ID: "1", Pool: scaling.Readers, Direction: scaling.Up, StartedAt: at, Steps: []scaling.Step{{Action: scaling.CreateReader, Instance: "r"}}}
	changed := refused
	changed.Steps = []scaling.Step{{Action: scaling.DeleteReader, Instance: "r", CompletedAt: at}, {Action: scaling.DeleteReader, Instance: "s"}}
	for _, test := range []struct {
		name   string
		op     scaling.Operation
		reason string
		want   v1alpha1.Effect
	}{
		{"refused", refused, v1alpha1.ReasonRefusedByAWS, v1alpha1.EffectNone},
		{"quota", refused, v1alpha1.ReasonQuotaExceeded, v1alpha1.EffectNone},
		{"failed otherwise", refused, v1alpha1.ReasonStepFailed, ""},
		{"refused after a change", changed, v1alpha1.ReasonRefusedByAWS, ""},
	} {
		record := OperationRecord(test.op, v1alpha1.OutcomeFailed, test.reason, "no", at)
		nothingChanged := History([]v1alpha1.OperationRecord{record})[0].NothingChanged
		if record.Effect != test.want || nothingChanged != (test.want == v1alpha1.EffectNone) {
			t.Errorf("%s: got %+v", test.name, record)
		}
	}
}

func TestSetEndpoints(t *testing.T) {
	o := scaling.Observation{
		WriterEndpoint: "w:5432", ReaderEndpoint: "r:5432", Instances: []scaling.Instance{{Identifier: "a", Writer: true, Endpoint: "a:5432"}, {Identifier: "b"}},
	}
	for pool, want := range map[scaling.Pool][2]string{scaling.Writer: {"w:5432", "a:5432"}, scaling.Readers: {"r:5432", ""}} {
		status := PoolStatus(nil, o, pool)
		if status.Endpoint != "" {
			t.Errorf("%s: published without consent: %+v", pool, status)
		}
		SetEndpoints(status, o, pool)
		if status.Endpoint != want[0] || status.Instances[0].Endpoint != want[1] {
			t.Errorf("%s: got %+v", pool, status)
		}
	}
	SetEndpoints(nil, o, scaling.Writer) // an empty pool has no status
}
