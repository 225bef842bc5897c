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
			t.Fatalf("got the conditions %v, want 1", list)
		}
		return list[0]
	}
	first := set(now, 1, metav1.ConditionTrue, "Accepted", "valid")
	if !first.LastTransitionTime.Time.Equal(now.Truncate(time.Second)) {
		t.Errorf("lastTransitionTime is %s, want %s", first.LastTransitionTime, now.Truncate(time.Second))
	}
	for _, test := range []struct {
		name    string
		status  metav1.ConditionStatus
		reason  string
		message string
		changes bool
	}{
		{"same condition keeps the transition time", metav1.ConditionTrue, "Accepted", "valid", false},
		{"new message keeps the transition time", metav1.ConditionTrue, "Accepted", "still valid", false},
		{"new reason keeps the transition time", metav1.ConditionTrue, "OtherReason", "valid", false},
		{"False changes the transition time", metav1.ConditionFalse, "InvalidSchedule", "invalid cron expression", true},
		{"Unknown changes the transition time", metav1.ConditionUnknown, "Pending", "not evaluated", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			list = []metav1.Condition{first}
			later := now.Add(time.Hour)
			got := set(later, 2, test.status, test.reason, test.message)
			if got.Status != test.status || got.Reason != test.reason || got.Message != test.message || got.ObservedGeneration != 2 {
				t.Errorf("got the condition %+v, want %s %s %q of generation 2", got, test.status, test.reason, test.message)
			}
			if changed := got.LastTransitionTime.Time.Equal(later.Truncate(time.Second)); changed != test.changes ||
				!changed && !got.LastTransitionTime.Equal(&first.LastTransitionTime) {
				t.Errorf("lastTransitionTime is %s, was %s; want a change: %t", got.LastTransitionTime, first.LastTransitionTime, test.changes)
			}
		})
	}
}

func TestSet_OrderIsIndependentOfInsertion(t *testing.T) {
	want := []string{
		"Ready", "Reconciling", "Stalled", "Accepted", "TargetFound", "Authorized", "MetricsAvailable", "ScalingLimited",
	}
	for n := range want { // the condition that is set first
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
		t.Errorf("the remaining conditions are %v, want only Accepted", got)
	}
}

func TestSummarize(t *testing.T) {
	const (
		yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
		absent           = metav1.ConditionStatus("")
	)
	for _, test := range []struct {
		name                                 string
		accepted, found, authorized, metrics metav1.ConditionStatus
		others                               map[string]metav1.ConditionStatus
		want                                 metav1.ConditionStatus
		reason                               string
	}{
		{"all True: Ready is True", yes, yes, yes, yes, nil, yes, "Ready"},
		{"operation in progress: Ready is True", yes, yes, yes, yes, map[string]metav1.ConditionStatus{"Reconciling": yes}, yes,
			"Ready"},
		{"scaling limited: Ready is True", yes, yes, yes, yes, map[string]metav1.ConditionStatus{"ScalingLimited": yes}, yes,
			"Ready"},
		{"ownership conflict: Ready is False", yes, yes, yes, yes, map[string]metav1.ConditionStatus{"OwnershipConflict": yes}, no,
			"OwnershipConflictTrue"},
		{"Accepted is False", no, absent, absent, absent, nil, no, "AcceptedFalse"},
		{"TargetFound is False", yes, no, absent, absent, nil, no, "TargetFoundFalse"},
		{"Authorized is False", yes, yes, no, yes, nil, no, "AuthorizedFalse"},
		{"MetricsAvailable is False", yes, yes, yes, no, nil, no, "MetricsAvailableFalse"},
		{"two are False: the more severe gives the reason", yes, yes, no, no, nil, no, "AuthorizedFalse"},
		{"False precedes Unknown", yes, unknown, yes, no, nil, no, "MetricsAvailableFalse"},
		{"ownership conflict precedes Unknown", yes, yes, yes, unknown, map[string]metav1.ConditionStatus{"OwnershipConflict": yes}, no,
			"OwnershipConflictTrue"},
		{"one is Unknown", yes, unknown, yes, yes, nil, unknown, "TargetFoundUnknown"},
		{"two are Unknown: the more severe gives the reason", yes, unknown, yes, unknown, nil, unknown, "TargetFoundUnknown"},
		{"absent counts as Unknown", yes, yes, absent, yes, nil, unknown, "Pending"},
		{"all absent: Ready is Unknown", absent, absent, absent, absent, nil, unknown, "Pending"},
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
			set("Authorized", test.authorized)
			set("MetricsAvailable", test.metrics)
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
