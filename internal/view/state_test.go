package view

import (
	"io"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// setCondition sets a condition of an object.
func setCondition(p *v1alpha1.DBScalingPolicy, conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&p.Status.Conditions, metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: message})
}

// TestPolicy_States changes a recorded object in the way the operator would, and checks the state, whether it is settled, and that the
// explanation says why nothing happens.
func TestPolicy_States(t *testing.T) {
	for _, test := range []struct {
		name, from string
		change     func(*Input)
		want       State
		settled    bool
		explained  string
	}{
		{"between the thresholds", "steady", func(*Input) {}, StateSteady, true, "readers up: the mean CPU"},
		{"no status yet", "new", func(*Input) {}, StateNew, false, "Nothing happens: The operator has not reconciled"},
		{"operation", "changing", func(*Input) {}, StateChanging, false, "is in progress"},
		{"blocked", "blocked", func(*Input) {}, StateBlocked, true, "DisruptionWindow: wait until a window"},
		{"needs a person", "stalled", func(*Input) {}, StateStalled, true, "Nothing changes until a person acts"},
		{"paused", "steady", func(in *Input) {
			in.Object.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: in.Now.Add(time.Hour).Format(time.RFC3339)}
			setCondition(in.Object, v1alpha1.ConditionPaused, metav1.ConditionTrue, "PausedByAnnotation", "An annotation pauses all changes")
		}, StatePaused, true, "Nothing changes: All changes are paused until 03:41:00Z. To resume: kubectl dbscaler resume orders -n shop. Without the pause: "},
		{"paused a moment ago", "steady", func(in *Input) {
			in.Object.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: v1alpha1.PausedIndefinitely}
		}, StatePaused, true, "All changes are paused until somebody resumes the policy. To resume: "},
		{"paused during an operation", "changing", func(in *Input) {
			in.Object.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: in.Now.Add(time.Hour).Format(time.RFC3339)}
		}, StatePaused, false, "takes no further step; 0 of 3 steps done. To resume: kubectl dbscaler resume"},
		{"deleted while paused", "changing", func(in *Input) {
			in.Object.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: in.Now.Add(time.Hour).Format(time.RFC3339)}
			in.Object.DeletionTimestamp = &metav1.Time{Time: in.Now}
		}, StateChanging, false, "is in progress"},
		{"samples missing", "steady", func(in *Input) {
			for _, c := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionMetricsAvailable} {
				setCondition(in.Object, c, metav1.ConditionFalse, "MetricsUnavailable", "CloudWatch has no CPUUtilization")
			}
		}, StateNotReady, true, "not in force: CloudWatch has no CPUUtilization"},
		{"at maximum", "steady", func(in *Input) {
			in.Object.Status.Decision.Reason, in.Object.Status.Decision.Message = "AtMaximum", "The reader pool is too small"
			setCondition(in.Object, v1alpha1.ConditionScalingLimited, metav1.ConditionTrue, "AtMaximum", "The reader pool is too small")
		}, StateLimited, true, "allow a larger shape in the policy"},
		{"about to start", "steady", func(in *Input) {
			in.Object.Status.Decision.Pool = v1alpha1.PoolReaders
			in.Object.Status.Decision.Desired = &v1alpha1.Shape{InstanceClass: "db.r6g.xlarge", Replicas: ptr.To(int32(1))}
		}, StatePending, false, "starts with the next reconcile"},
		{"approved", "blocked", func(in *Input) {
			in.Object.Status.Decision.BlockedBy, in.Object.Status.Decision.Hash = []string{"ApprovalRequired"}, "abcd1234"
			in.Object.Annotations = map[string]string{v1alpha1.AnnotationApprove: "abcd1234"}
		}, StateBlocked, false, "ApprovalRequired: approve the change"},
		{"new spec", "steady", func(in *Input) { in.Object.Generation++ }, StateSteady, false, "the status describes an older one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := load(t, test.from)
			test.change(&in)
			p := NewPolicy(in)
			if p.State != test.want || p.IsSettled() != test.settled || p.Summary == "" {
				t.Errorf("got %s (%s), settled %t; want %s, %t", p.State, p.Summary, p.IsSettled(), test.want, test.settled)
			}
			e := ExplainStatus(p)
			if text := e.Answer + "\n" + strings.Join(e.ToAct, "\n"); !strings.Contains(text, test.explained) {
				t.Errorf("the explanation lacks %q:\n%s", test.explained, text)
			}
		})
	}
}

// TestPolicy_SaysWhoPaused: the client that set an annotation, by the record of the API server, and the time that is left.
func TestPolicy_SaysWhoPaused(t *testing.T) {
	in := load(t, "steady")
	set := metav1.NewTime(in.Now.Add(-10 * time.Minute))
	in.Object.Annotations = map[string]string{
		v1alpha1.AnnotationPausedUntil: in.Now.Add(90 * time.Minute).Format(time.RFC3339), v1alpha1.AnnotationOverrideReaders: "two",
	}
	in.Object.ManagedFields = append(in.Object.ManagedFields, setByManager("kubectl-annotate", v1alpha1.AnnotationPausedUntil, set))
	p := NewPolicy(in)
	if len(p.ManualControls) != 2 || p.ManualControls[0].Kind != ControlInvalid || p.ManualControls[1].Kind != ControlPause ||
		p.ManualControls[1].SetBy != "kubectl-annotate" || !p.ManualControls[1].SetTime.Equal(set.Time) || p.ManualControls[1].Until.Sub(in.Now).Round(time.Second) != 90*time.Minute {
		t.Errorf("got %+v", p.ManualControls)
	}
}

// setByManager is the record of the API server that a client set an annotation.
func setByManager(manager, annotation string, at metav1.Time) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Time: &at, FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:annotations":{"f:` + annotation + `":{}}}}`),
	}
}

// TestWriteTree_ManualControls: the tree says who set each control, why, when and until when, as far as that is recorded for the present
// values.
func TestWriteTree_ManualControls(t *testing.T) {
	const (
		paused, pausedBy, pausedReason       = v1alpha1.AnnotationPausedUntil, v1alpha1.AnnotationPausedBy, v1alpha1.AnnotationPausedReason
		override, overrideBy, overrideReason = v1alpha1.AnnotationOverrideUntil, v1alpha1.AnnotationOverrideBy, v1alpha1.AnnotationOverrideReason
		writer                               = v1alpha1.AnnotationOverrideWriter
	)
	in := load(t, "steady")
	at := metav1.NewTime(in.Now.Add(-10 * time.Minute))
	end := in.Now.Add(90 * time.Minute).UTC().Format(time.RFC3339)
	clock := func(d time.Duration) string { return formatTime(in.Now.Add(d), in.Now) }
	hash := "0a1b2c3d"
	for _, test := range []struct {
		name        string
		annotations map[string]string
		want        string
	}{
		{"pause by alice", map[string]string{paused: end, pausedBy: "alice until " + end, pausedReason: "index rebuild"},
			"pause  All changes are paused, until " + clock(90*time.Minute) + " (90 min left); set by alice (index rebuild) at " + clock(-10*time.Minute)},
		{"pause without an end", map[string]string{paused: v1alpha1.PausedIndefinitely, pausedBy: "alice until " + v1alpha1.PausedIndefinitely},
			"pause  All changes are paused until somebody resumes the policy; set by alice at " + clock(-10*time.Minute)},
		{"the name is for another value", map[string]string{paused: end, pausedBy: "alice until 2020-01-01T00:00:00Z", pausedReason: "index rebuild"},
			"(90 min left); set with kubectl-dbscaler at " + clock(-10*time.Minute)},
		{"override by bob", map[string]string{override: end, writer: "db.r6g.xlarge", overrideBy: "bob until " + end + " writer db.r6g.xlarge", overrideReason: "launch"},
			"override  The shape is set regardless of the load: writer db.r6g.xlarge, until " + clock(90*time.Minute) + " (90 min left); set by bob (launch)"},
		{"invalid override by bob", map[string]string{override: "noon", writer: "db.r6g.xlarge", overrideBy: "bob until noon writer db.r6g.xlarge"},
			"such as 2026-02-05T12:00:00Z; set by bob"},
		{"approval by carol", map[string]string{v1alpha1.AnnotationApprove: hash, v1alpha1.AnnotationApproveBy: "carol for " + hash, v1alpha1.AnnotationApproveReason: "agreed"},
			"approval  The change 0a1b2c3d is approved; set by carol (agreed)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := in
			in.Object = in.Object.DeepCopy()
			in.Object.Annotations, in.Object.Status.Decision.Hash = test.annotations, hash
			in.Object.ManagedFields = []metav1.ManagedFieldsEntry{setByManager("kubectl-dbscaler", paused, at)}
			tree := render(t, func(w io.Writer) error { return WriteTree(w, NewPolicy(in), Options{Width: 1000}) })
			if !strings.Contains(tree, test.want) {
				t.Errorf("the tree lacks %q:\n%s", test.want, tree)
			}
		})
	}
}

// TestChanges_Golden: the lines of a watch from a calm night to an operation and its end.
func TestChanges_Golden(t *testing.T) {
	var lines []string
	var before *Policy
	for _, name := range []string{"new", "steady", "steady", "changing", "blocked"} {
		after := NewPolicy(load(t, name))
		lines = append(lines, Changes(before, &after)...)
		before = &after
	}
	expectGolden(t, "changes", strings.Join(lines, "\n")+"\n")
}

func TestFormats(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{formatAge(59 * time.Second), "59 s"}, {formatAge(119 * time.Minute), "119 min"}, {formatAge(2*time.Hour + 5*time.Minute), "2 h 5 min"},
		{formatAge(49 * time.Hour), "2 d 1 h"}, {formatAge(-time.Second), "0 s"},
		{formatUSD(0.52), "$0.52"}, {formatUSD(0.0175), "$0.0175"}, {formatUSD(-1), "-$1.00"}, {formatUSD(1234.5), "$1234.50"},
		{bar(0), "░░░░░░░░░░"}, {bar(55), "██████░░░░"}, {bar(140), "██████████"},
		{strings.Join(wrap("a bb ccc", 4), "|"), "a bb|ccc"}, {strings.Join(wrap("aaaaaa b", 3), "|"), "aaaaaa|b"},
		{formatLag(0.02), "20 ms"}, {formatLag(12), "12 s"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// TestNewFleet_Order: what needs a person most is first, and the costliest among equals.
func TestNewFleet_Order(t *testing.T) {
	policy := func(name string, state State, hourly float64, change func(*Policy)) Policy {
		p := Policy{Namespace: "shop", Name: name, State: state, Cost: Cost{HourlyUSD: &hourly}, Decision: &Decision{Reason: "WithinThresholds"}}
		if change != nil {
			change(&p)
		}
		return p
	}
	headroom := func(minutes float64) func(*Policy) {
		return func(p *Policy) {
			p.Pools = []Pool{{Name: "Readers", Scaled: true, Load: &Load{HeadroomMinutes: &minutes, UtilizationPercent: ptr.To(70.0)}}}
		}
	}
	blocked := func(reason string, emergency bool) func(*Policy) {
		return func(p *Policy) {
			p.Decision = &Decision{Reason: reason, BlockedBy: []Block{{Guard: "Cooldown"}}, Emergency: emergency, Desired: "x"}
		}
	}
	fleet := []Policy{
		policy("cheap", StateSteady, 0.1, nil), policy("dear", StateSteady, 9, nil), policy("soon", StateSteady, 1, headroom(12)),
		policy("full", StateSteady, 1, headroom(0)), policy("later", StateSteady, 1, headroom(300)), policy("stalled", StateStalled, 1, nil),
		policy("limited", StateLimited, 1, nil), policy("down", StateBlocked, 1, blocked("ScaleDown", false)),
		policy("up", StateBlocked, 1, blocked("ScaleUp", false)), policy("emergency", StateBlocked, 1, blocked("ScaleUp", true)),
		policy("slow", StateChanging, 1, func(p *Policy) { p.Operation = &Operation{Overdue: true} }), policy("unready", StateNotReady, 1, nil),
		policy("largest", StateSteady, 1, func(p *Policy) {
			p.Pools = []Pool{{Name: "Readers", Scaled: true, CapacityVCPUs: ptr.To(8.0), MaximumVCPUs: ptr.To(8.0)}}
		}),
	}
	names := func(order SortFleet) string {
		var out []string
		for _, r := range NewFleet(fleet, order) {
			out = append(out, r.Name)
		}
		return strings.Join(out, " ")
	}
	if got, want := names(SortByRisk), "emergency stalled full limited up slow unready soon largest down later dear cheap"; got != want {
		t.Errorf("by risk: got %s, want %s", got, want)
	}
	if got, want := names(SortByHeadroom), "full soon later emergency"; !strings.HasPrefix(got, want) {
		t.Errorf("by headroom: got %s, want %s first", got, want)
	}
	if got := names(SortByCost); !strings.HasPrefix(got, "dear emergency") || !strings.HasSuffix(got, "cheap") {
		t.Errorf("by cost: got %s", got)
	}
}
