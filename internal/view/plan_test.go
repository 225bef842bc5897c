package view

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// renderPlan makes the plan of an input and renders it.
func renderPlan(t *testing.T, in PlanInput) (Plan, string) {
	t.Helper()
	p, err := NewPlan(in)
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, func(w io.Writer) error { return WritePlan(w, p, Options{}) })
	expectNarrow(t, text, DefaultWidth)
	return p, text
}

func shape(count int, class string) *scaling.Shape {
	return &scaling.Shape{Count: count, InstanceClass: class}
}

func TestPlan_Golden(t *testing.T) {
	for name, in := range map[string]PlanInput{
		"steady": {Input: load(t, "steady")}, "changing": {Input: load(t, "changing")}, "blocked": {Input: load(t, "blocked")},
		"steady-readers": {Input: load(t, "steady"), Readers: shape(3, "db.r6g.xlarge")},
		"steady-same":    {Input: load(t, "steady"), Readers: shape(1, "db.r6g.large"), Writer: shape(1, "db.r6g.large")},
		"blocked-both":   {Input: load(t, "blocked"), Readers: shape(2, "db.r6g.xlarge"), Writer: shape(1, "db.r6g.xlarge")},
		"changing-down":  {Input: load(t, "changing"), Readers: shape(1, "db.r6g.large")},
	} {
		t.Run(name, func(t *testing.T) {
			p, text := renderPlan(t, in)
			expectGolden(t, name+".plan", text)
			if name == "blocked-both" {
				if after := p.Changes[1].Cost.AfterUSD; after == nil || math.Abs(*after-3*0.52) > 1e-9 {
					t.Errorf("got a price of %v after both changes, want that of 3 × db.r6g.xlarge", after)
				}
				document, err := json.MarshalIndent(p, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				expectGolden(t, name+".plan.json", string(document)+"\n")
			}
			for n := range p.Changes {
				var names []string
				for _, g := range p.Changes[n].Guards {
					names = append(names, g.Guard)
				}
				if p.Changes[n].Verdict != ChangeInProgress && !slices.Equal(names, guard.Names()) {
					t.Errorf("the guards are %v, want those of the chain in their order", names)
				}
			}
		})
	}
}

// TestPlan_IsTheOperation: the steps that a plan from status shows are those that the operator recorded when it started the operation.
func TestPlan_IsTheOperation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	planned := 0
	for line := range strings.Lines(string(text)) {
		var entry ledger.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		in := PlanInput{Input: load(t, "steady"), Live: &entry.Inputs}
		in.Now = entry.Inputs.Now
		p, err := NewPlan(in)
		if err != nil {
			t.Fatal(err)
		}
		for n, evaluation := range entry.Evaluations {
			planned++
			var want, got []string
			for _, s := range renameReaders(evaluation.Operation.Steps, evaluation.Operation.ID) {
				want = append(want, stepText(s))
			}
			for _, s := range p.Changes[n].Steps {
				got = append(got, s.Text)
			}
			if !slices.Equal(got, want) || (p.Changes[n].Verdict == ChangeBlocked) != (len(evaluation.Vetoes) > 0) {
				t.Errorf("%s: got %s with %v, want %v and the vetoes %v", entry.Inputs.Now, p.Changes[n].Verdict, got, want, evaluation.Vetoes)
			}
		}
		if p.WouldChange != (len(entry.Evaluations) > 0) {
			t.Errorf("%s: got %t: %s", entry.Inputs.Now, p.WouldChange, p.Answer)
		}
	}
	if planned < 2 {
		t.Errorf("the ledger has %d proposals", planned)
	}
}

// TestPlan_FromStatusAgreesWithAWS: with the same database, every verdict that the plan from status states is that of the plan from AWS.
func TestPlan_FromStatusAgreesWithAWS(t *testing.T) {
	entry := lastEntry(t)
	compared := 0
	for _, in := range []PlanInput{
		{Readers: shape(2, "db.r6g.xlarge")}, {Readers: shape(2, "db.r6g.2xlarge")}, {Writer: shape(1, "db.r6g.xlarge")},
		{Readers: shape(2, "db.r6g.2xlarge"), Writer: shape(1, "db.r6g.xlarge")},
	} {
		in.Input = load(t, "blocked")
		in.Now = entry.Now
		status, err := NewPlan(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Live = &entry
		live, err := NewPlan(in)
		if err != nil || len(live.Changes) != len(status.Changes) {
			t.Fatalf("%v: %d changes, want %d", err, len(status.Changes), len(live.Changes))
		}
		for n, c := range status.Changes {
			want := live.Changes[n]
			if mustJSON(t, c.Steps) != mustJSON(t, want.Steps) || mustJSON(t, c.Interruptions) != mustJSON(t, want.Interruptions) ||
				mustJSON(t, c.Cost) != mustJSON(t, want.Cost) {
				t.Errorf("%v: got %s, want %s", status.Requested, mustJSON(t, c), mustJSON(t, want))
			}
			for k, g := range c.Guards {
				if g.Verdict == GuardUnknown {
					continue
				}
				compared++
				if g != want.Guards[k] {
					t.Errorf("%v: %s says %+v, want %+v", status.Requested, g.Guard, g, want.Guards[k])
				}
			}
		}
	}
	if compared < 60 {
		t.Errorf("only %d verdicts were stated", compared)
	}
}

// lastEntry reads the inputs of the last record of the recorded ledger.
func lastEntry(t *testing.T) ledger.Inputs {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var entry ledger.Entry
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &entry); err != nil {
		t.Fatal(err)
	}
	return entry.Inputs
}

// TestPlan_StatesNothingUnknown: what the status lacks is Unknown in each kind of database, and neither a pass nor a veto.
func TestPlan_StatesNothingUnknown(t *testing.T) {
	verdict := func(t *testing.T, p Plan, name string) string {
		t.Helper()
		for _, g := range p.Changes[0].Guards {
			if g.Guard == name {
				return g.Verdict
			}
		}
		t.Fatalf("%s is no guard", name)
		return ""
	}
	for name := range missingInStatus {
		if !slices.Contains(guard.Names(), name) {
			t.Errorf("missingInStatus names %s, which is no guard", name)
		}
	}
	for _, test := range []struct {
		name   string
		change func(o *v1alpha1.DBScalingPolicy)
		in     PlanInput
		want   map[string]string
	}{
		{"Aurora writer", func(*v1alpha1.DBScalingPolicy) {}, PlanInput{Writer: shape(1, "db.r6g.xlarge")}, map[string]string{
			"ClassNotOrderable": GuardUnknown, "OptInTagMissing": GuardUnknown, "PromotionCandidate": GuardUnknown, "ReplicaLag": GuardUnknown,
			"PendingReboot": GuardUnknown, "BackupWindow": GuardPassed, "MetricsStale": GuardPassed, "Budget": GuardPassed,
			"DisruptionWindow": GuardBlocked, "LicenseGrowth": GuardPassed, "CannotReplicate": GuardPassed, "FleetSlot": GuardUnknown,
		}},
		{"only new readers", func(*v1alpha1.DBScalingPolicy) {}, PlanInput{Readers: shape(3, "db.r6g.xlarge")}, map[string]string{
			"OptInTagMissing": GuardPassed, "PendingReboot": GuardPassed, "DeclaredElsewhere": GuardPassed, "ReaderAutoScaling": GuardUnknown,
			"DisruptionWindow": GuardPassed, "FleetSlot": GuardPassed, "OperationsPerDay": GuardPassed,
		}},
		{"prices missing", func(o *v1alpha1.DBScalingPolicy) {
			o.Spec.Prices, o.Spec.Guardrails.MaxHourlyCostUSD = nil, "0.10"
		}, PlanInput{Readers: shape(3, "db.r6g.xlarge")}, map[string]string{"Budget": GuardUnknown}},
		{"over budget", func(o *v1alpha1.DBScalingPolicy) { o.Spec.Guardrails.MaxHourlyCostUSD = "0.10" },
			PlanInput{Readers: shape(3, "db.r6g.xlarge")}, map[string]string{"Budget": GuardBlocked}},
		{"Oracle replicas", func(o *v1alpha1.DBScalingPolicy) {
			o.Spec.TargetRef.Kind, o.Status.Target.Engine = "DBInstance", "oracle-ee"
		}, PlanInput{Readers: shape(2, "db.r5.xlarge")}, map[string]string{
			"LicenseGrowth": GuardUnknown, "CannotReplicate": GuardUnknown, "BackupWindow": GuardUnknown, "DisruptionWindow": GuardUnknown,
			"DatabaseBusy": GuardPassed,
		}},
		{"paused, recommended, conflict and a broken instance", func(o *v1alpha1.DBScalingPolicy) {
			o.Spec.Mode = v1alpha1.ModeRecommend
			o.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: "2026-02-06T00:00:00Z"}
			o.Status.Readers.Instances[0].Status = "modifying"
		}, PlanInput{Readers: shape(3, "db.r6g.xlarge")}, map[string]string{
			"Paused": GuardBlocked, "RecommendMode": GuardBlocked, "DatabaseBusy": GuardBlocked,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Input = load(t, "blocked")
			test.change(test.in.Object)
			p, _ := renderPlan(t, test.in)
			for name, want := range test.want {
				if got := verdict(t, p, name); got != want {
					t.Errorf("%s is %s, want %s", name, got, want)
				}
			}
		})
	}
}

// TestPlan_SaysWhatTheStatusIs: a plan for a policy that is being deleted, or whose spec is newer than its status, says so.
func TestPlan_SaysWhatTheStatusIs(t *testing.T) {
	in := load(t, "blocked")
	in.Object.Generation++
	in.Object.DeletionTimestamp = &metav1.Time{Time: in.Now}
	_, text := renderPlan(t, PlanInput{Input: in})
	for _, want := range []string{"The policy is being deleted", "the status describes an older version"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
}

// TestPlan_OfServerless: the change of a capacity from the status interrupts nothing, and the minimum has no price.
func TestPlan_OfServerless(t *testing.T) {
	for _, test := range []struct {
		pool         v1alpha1.Pool
		to, wantStep string
		direction    string
	}{
		{v1alpha1.PoolWriter, "16 ACU", "set the maximum capacity of orders to 16 ACU", "1 × 8 ACU → 1 × 16 ACU"},
		{v1alpha1.PoolMinCapacity, "2 ACU", "set the minimum capacity of orders to 2 ACU", "1 × 0.5 ACU → 1 × 2 ACU"},
	} {
		in := load(t, "blocked")
		o := in.Object
		lowest, highest := resource.MustParse("1"), resource.MustParse("32")
		o.Spec.Writer, o.Spec.Readers, o.Spec.Schedules = nil, nil, nil
		o.Spec.Serverless = &v1alpha1.Serverless{
			MaxCapacity: v1alpha1.CapacityRange{Min: &lowest, Max: &highest}, MinCapacity: &v1alpha1.CapacityRange{Min: &lowest, Max: &highest},
		}
		o.Status.Target.CapacityRange = "0.5 ACU to 8 ACU"
		o.Status.Writer.Instances[0].InstanceClass, o.Status.Readers.Instances[0].InstanceClass = "8 ACU", "8 ACU"
		o.Status.Decision.Pool, o.Status.Decision.Desired = test.pool, &v1alpha1.Shape{InstanceClass: test.to, Replicas: ptr.To(int32(1))}
		p, text := renderPlan(t, PlanInput{Input: in})
		if len(p.Changes) != 1 || len(p.Changes[0].Steps) != 1 || p.Changes[0].Steps[0].Text != test.wantStep || len(p.Changes[0].Interruptions) > 0 ||
			p.Changes[0].From+" → "+p.Changes[0].To != test.direction {
			t.Errorf("got\n%s", text)
		}
	}
}

// TestPlan_CannotPlan: without instances, and with an invalid spec, there is no plan.
func TestPlan_CannotPlan(t *testing.T) {
	invalid := load(t, "steady")
	invalid.Object.Spec.Readers.InstanceClasses = []v1alpha1.InstanceClass{"db.none.large"}
	for name, in := range map[string]Input{"new": load(t, "new"), "stalled": load(t, "stalled"), "invalid": invalid} {
		if _, err := NewPlan(PlanInput{Input: in}); !errors.Is(err, ErrCannotPlan) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestPlan_IsPure: the input stays as it was.
func TestPlan_IsPure(t *testing.T) {
	for _, name := range []string{"changing", "blocked"} {
		in := PlanInput{Input: load(t, name), Readers: shape(2, "db.r6g.xlarge"), Writer: shape(1, "db.r6g.xlarge")}
		before := mustJSON(t, in.Object)
		first, _ := renderPlan(t, in)
		second, _ := renderPlan(t, in)
		if mustJSON(t, first) != mustJSON(t, second) || mustJSON(t, in.Object) != before {
			t.Errorf("%s: a second plan differs, or the object was changed", name)
		}
	}
}
