package convert

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// AppendHistory adds a record to a history, newest first, and drops what state.TrimHistory does not keep.
func AppendHistory(history []v1alpha1.OperationRecord, record v1alpha1.OperationRecord, now time.Time) []v1alpha1.OperationRecord {
	all := slices.Insert(slices.Clone(history), 0, record)
	var kept []v1alpha1.OperationRecord
	for _, r := range state.TrimHistory(History(all), now) {
		if !r.KeepInstances {
			all[r.Index].Instances = onlyUnserved(all[r.Index].Instances)
		}
		kept = append(kept, all[r.Index])
	}
	return kept
}

// AccessDenial returns AWS's message when it denied the newest operation and the denial still counts, or "".
func AccessDenial(history []v1alpha1.OperationRecord, now time.Time) string {
	if len(history) == 0 || history[0].Reason != v1alpha1.ReasonAccessDenied || !state.IsDenialCurrent(history[0].CompletionTime.Time, now) {
		return ""
	}
	return history[0].Message
}

// Refusals converts the refusals in status.
func Refusals(in []v1alpha1.Refusal) []scaling.Refusal {
	var out []scaling.Refusal
	for _, r := range in {
		out = append(out, scaling.Refusal{
			Pool: scaling.Pool(r.Pool), Action: scaling.Action(r.Action), InstanceClass: r.InstanceClass, Instance: r.Instance,
			Message: r.Message, Generation: r.Generation, ExpiresAt: r.ExpiryTime.Time,
		})
	}
	return out
}

// RefusalsStatus converts refusals for status.
func RefusalsStatus(in []scaling.Refusal) []v1alpha1.Refusal {
	var out []v1alpha1.Refusal
	for _, r := range in {
		out = append(out, v1alpha1.Refusal{
			Pool: v1alpha1.Pool(r.Pool), Action: v1alpha1.StepAction(r.Action), InstanceClass: r.InstanceClass, Instance: r.Instance,
			Message: truncate(r.Message, maxAnswerBytes), Generation: r.Generation, ExpiryTime: metav1.NewTime(r.ExpiresAt),
		})
	}
	return out
}

// CapacityShortagesStatus writes the classes that AWS had no instance of.
func CapacityShortagesStatus(in []scaling.CapacityShortage) []v1alpha1.CapacityShortage {
	var out []v1alpha1.CapacityShortage
	for _, s := range in {
		out = append(out, v1alpha1.CapacityShortage{
			InstanceClass: s.InstanceClass, AvailabilityZone: s.Zone, ExpiryTime: metav1.NewTime(s.ExpiresAt),
		})
	}
	return out
}
