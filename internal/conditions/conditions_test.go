package conditions

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 500_000_000, time.UTC)

func TestSet(t *testing.T) {
	var list []metav1.Condition
	set := func(at time.Time, generation int64, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		Setter{Conditions: &list, Generation: generation, Now: at}.Set(v1alpha1.ConditionAccepted, status, reason, message)
		if len(list) != 1 {
			t.Fatalf("the list is %v", list)
		}
		return list[0]
	}
	first := set(now, 1, metav1.ConditionTrue, "Accepted", "fine")
	if !first.LastTransitionTime.Time.Equal(now.Truncate(time.Second)) {
		t.Errorf("it begins at %s, want whole seconds", first.LastTransitionTime)
	}
	for _, test := range []struct {
		name    string
		status  metav1.ConditionStatus
		reason  string
		message string
		moves   bool
	}{
		{"the same", metav1.ConditionTrue, "Accepted", "fine", false},
		{"another message", metav1.ConditionTrue, "Accepted", "quite fine", false},
		{"another reason", metav1.ConditionTrue, "Tolerated", "fine", false},
		{"another status", metav1.ConditionFalse, "InvalidSchedule", "what?", true},
		{"another status again", metav1.ConditionUnknown, "Pending", "hm", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			list = []metav1.Condition{first}
			later := now.Add(time.Hour)
			got := set(later, 2, test.status, test.reason, test.message)
			if got.Status != test.status || got.Reason != test.reason || got.Message != test.message || got.ObservedGeneration != 2 {
				t.Errorf("it is %+v", got)
			}
			if moved := got.LastTransitionTime.Time.Equal(later.Truncate(time.Second)); moved != test.moves ||
				!moved && !got.LastTransitionTime.Equal(&first.LastTransitionTime) {
				t.Errorf("its transition time is %s", got.LastTransitionTime)
			}
		})
	}
}

func TestSet_OrderIsIndependentOfInsertion(t *testing.T) {
	want := []string{
		"Ready", "Reconciling", "Stalled", "Accepted", "TargetFound", "Permitted", "MetricsFresh", "ScalingLimited",
	}
	for n := range want { // whichever is set first
		var list []metav1.Condition
		s := Setter{Conditions: &list, Now: now}
		for k := range want {
			s.Set(want[(n+5*k)%len(want)], metav1.ConditionTrue, "Because", "")
		}
		if got := conditionTypes(list); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func conditionTypes(list []metav1.Condition) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Type)
	}
	return out
}

func TestRemove(t *testing.T) {
	var list []metav1.Condition
	s := Setter{Conditions: &list, Now: now}
	for _, c := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionAccepted} {
		s.Set(c, metav1.ConditionTrue, "Because", "")
	}
	s.Remove(v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling, v1alpha1.ConditionAuthorized)
	if got := conditionTypes(list); !slices.Equal(got, []string{v1alpha1.ConditionAccepted}) {
		t.Errorf("what is left is %v", got)
	}
}

func TestSummarize(t *testing.T) {
	const (
		yes, no, maybe = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
		absent         = metav1.ConditionStatus("")
	)
	for _, test := range []struct {
		name                              string
		accepted, found, permitted, fresh metav1.ConditionStatus
		others                            map[string]metav1.ConditionStatus
		want                              metav1.ConditionStatus
		reason                            string
	}{
		{"all is well", yes, yes, yes, yes, nil, yes, "Ready"},
		{"an operation is under way", yes, yes, yes, yes, map[string]metav1.ConditionStatus{"Reconciling": yes}, yes,
			"Ready"},
		{"a change is held back", yes, yes, yes, yes, map[string]metav1.ConditionStatus{"ScalingLimited": yes}, yes,
			"Ready"},
		{"not accepted", no, absent, absent, absent, nil, no, "AcceptedFalse"},
		{"not found", yes, no, absent, absent, nil, no, "TargetFoundFalse"},
		{"not permitted", yes, yes, no, yes, nil, no, "PermittedFalse"},
		{"metrics are not fresh", yes, yes, yes, no, nil, no, "MetricsFreshFalse"},
		{"two are False: the gravest gives the reason", yes, yes, no, no, nil, no, "PermittedFalse"},
		{"False is graver than Unknown", yes, maybe, yes, no, nil, no, "MetricsFreshFalse"},
		{"one is Unknown", yes, maybe, yes, yes, nil, maybe, "TargetFoundUnknown"},
		{"two are Unknown", yes, maybe, yes, maybe, nil, maybe, "TargetFoundUnknown"},
		{"one is absent", yes, yes, absent, yes, nil, maybe, "Pending"},
		{"the first visit", absent, absent, absent, absent, nil, maybe, "Pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var list []metav1.Condition
			s := Setter{Conditions: &list, Generation: 3, Now: now}
			set := func(name string, status metav1.ConditionStatus) {
				if status != absent {
					s.Set(name, status, name+string(status), "the message of "+name)
				}
			}
			set("Accepted", test.accepted)
			set("TargetFound", test.found)
			set("Permitted", test.permitted)
			set("MetricsFresh", test.fresh)
			for name, status := range test.others {
				set(name, status)
			}
			s.Summarize()
			got := meta.FindStatusCondition(list, v1alpha1.ConditionReady)
			if got == nil || got.Status != test.want || got.Reason != test.reason || got.Message == "" || got.ObservedGeneration != 3 {
				t.Errorf("Ready is %+v, want %s because of %s", got, test.want, test.reason)
			}
		})
	}
}
