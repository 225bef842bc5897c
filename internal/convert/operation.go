package convert

import (
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// Operation converts the operation in status, or returns nil when there is none.
func Operation(in *v1alpha1.OperationStatus) *scaling.Operation {
	if in == nil {
		return nil
	}
	out := &scaling.Operation{
		ID: in.ID, Pool: scaling.Pool(in.Pool), Direction: scaling.Direction(in.Direction),
		From: shape(in.From), To: shape(in.To), Cause: in.Cause, StartedAt: in.StartTime.Time,
		DecisionHash: in.DecisionHash, Emergency: in.Urgency == v1alpha1.UrgencyEmergency,
		UtilizationPercent: int(ptr.Deref(in.UtilizationPercent, 0)),
	}
	for _, s := range in.Steps {
		out.Steps = append(out.Steps, scaling.Step{
			Action: scaling.Action(s.Action), Instance: s.Instance, InstanceClass: s.InstanceClass,
			PromotionTier: int(ptr.Deref(s.PromotionTier, 0)), Surge: ptr.Deref(s.Surge, false), Attempts: int(s.Attempts),
			Answer: s.Message, SameAnswers: int(s.SameAnswers),
			StartedAt: timeOrZero(s.StartTime), LastAttemptAt: timeOrZero(s.LastAttemptTime),
			ObservedAt: timeOrZero(s.ObservedTime), CompletedAt: timeOrZero(s.CompletionTime),
		})
	}
	return out
}

// OperationStatus converts an operation for status.
func OperationStatus(in scaling.Operation) *v1alpha1.OperationStatus {
	out := &v1alpha1.OperationStatus{
		ID: in.ID, Pool: v1alpha1.Pool(in.Pool), Direction: v1alpha1.Direction(in.Direction),
		From: ShapeStatus(in.From), To: ShapeStatus(in.To), Cause: in.Cause, StartTime: metav1.NewTime(in.StartedAt),
		UtilizationPercent: ptr.To(int32(in.UtilizationPercent)), DecisionHash: in.DecisionHash,
	}
	if in.Emergency {
		out.Urgency = v1alpha1.UrgencyEmergency
	}
	for _, s := range in.Steps {
		step := v1alpha1.OperationStep{
			Action: v1alpha1.StepAction(s.Action), Instance: s.Instance, InstanceClass: s.InstanceClass, Attempts: int32(s.Attempts),
			Message: truncate(s.Answer, maxAnswerBytes), SameAnswers: int32(s.SameAnswers),
			StartTime: optionalTime(s.StartedAt), LastAttemptTime: optionalTime(s.LastAttemptAt), ObservedTime: optionalTime(s.ObservedAt),
			CompletionTime: optionalTime(s.CompletedAt),
		}
		if s.Action == scaling.CreateReader || s.Action == scaling.ModifyPromotionTier {
			step.PromotionTier = ptr.To(int32(s.PromotionTier))
		}
		if s.Surge {
			step.Surge = ptr.To(true)
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// OperationRecord converts an operation that completed at now. Reason and message apply to failed operations.
func OperationRecord(op scaling.Operation, outcome v1alpha1.Outcome, reason, message string, now time.Time) v1alpha1.OperationRecord {
	out := v1alpha1.OperationRecord{
		ID: op.ID, Pool: v1alpha1.Pool(op.Pool), Direction: v1alpha1.Direction(op.Direction),
		From: ShapeStatus(op.From), To: ShapeStatus(op.To), Outcome: outcome, Reason: reason, Message: TruncateMessage(message),
		LeadTimeSeconds: ptr.To(int32(op.LeadTime() / time.Second)), UtilizationBeforePercent: ptr.To(int32(op.UtilizationPercent)),
		StartTime: metav1.NewTime(op.StartedAt), CompletionTime: metav1.NewTime(now), Instances: changedInstances(op),
		DecisionHash: op.DecisionHash,
	}
	if isRefused := reason == v1alpha1.ReasonRefusedByAWS || reason == v1alpha1.ReasonQuotaExceeded; isRefused && !op.MayHaveChanged() {
		out.Effect = v1alpha1.EffectNone
	}
	return out
}

// History converts the completed operations of a policy.
func History(in []v1alpha1.OperationRecord) scaling.History {
	var out scaling.History
	for _, r := range in {
		out = append(out, scaling.OperationRecord{
			Pool: scaling.Pool(r.Pool), Direction: scaling.Direction(r.Direction), Succeeded: r.Outcome == v1alpha1.OutcomeSucceeded,
			StartedAt: r.StartTime.Time, CompletedAt: r.CompletionTime.Time,
			NothingChanged: nothingChanged(r), Disruptive: scaling.IsDisruptive(scaling.Pool(r.Pool), shape(r.From), shape(r.To)),
			LeadTime:          time.Duration(ptr.Deref(r.LeadTimeSeconds, 0)) * time.Second,
			UtilizationBefore: optionalInt(r.UtilizationBeforePercent), UtilizationAfter: optionalInt(r.UtilizationAfterPercent),
			UnservedReaders: unservedReaders(r),
		})
	}
	return out
}

// nothingChanged reports whether an operation failed for insufficient capacity before it had added any, or was refused before it had
// changed anything.
func nothingChanged(r v1alpha1.OperationRecord) bool {
	return r.Effect == v1alpha1.EffectNone || r.Reason == v1alpha1.ReasonInsufficientCapacity && ptr.Deref(r.LeadTimeSeconds, 0) == 0
}

// CapacityShortages converts the capacity shortages in status.
func CapacityShortages(in []v1alpha1.CapacityShortage) []scaling.CapacityShortage {
	var out []scaling.CapacityShortage
	for _, s := range in {
		out = append(out, scaling.CapacityShortage{InstanceClass: s.InstanceClass, Zone: s.AvailabilityZone, ExpiresAt: s.ExpiryTime.Time})
	}
	return out
}

func optionalInt(p *int32) *int {
	if p == nil {
		return nil
	}
	return ptr.To(int(*p))
}

// ShapeStatus converts a shape.
func ShapeStatus(s scaling.Shape) v1alpha1.Shape {
	return v1alpha1.Shape{InstanceClass: s.InstanceClass, Replicas: ptr.To(int32(s.Count))}
}

// Alternative converts a candidate shape.
func Alternative(c scaling.Candidate) v1alpha1.Alternative {
	out := v1alpha1.Alternative{
		Shape: ShapeStatus(c.Shape), Reason: string(c.Verdict), PredictedUtilizationPercent: ptr.To(int32(math.Round(c.PredictedUtilization))),
	}
	out.IO = decide.DescribeIO(c.IO)
	if c.HourlyCost > 0 {
		out.HourlyCostUSD = strings.TrimPrefix(c.HourlyCost.String(), "$")
	}
	return out
}

// maxMessageBytes is the maximum length of a message in status, in bytes.
const maxMessageBytes = 2048

// maxAnswerBytes is the maximum length of an answer of AWS in status, in bytes.
const maxAnswerBytes = 1024

// TruncateMessage truncates a message to maxMessageBytes, between characters and with an ellipsis.
func TruncateMessage(message string) string { return truncate(message, maxMessageBytes) }

// truncate truncates a message to a number of bytes, between characters and with an ellipsis.
func truncate(message string, limit int) string {
	if len(message) <= limit {
		return message
	}
	end := limit - len("…")
	for end > 0 && message[end]&0xC0 == 0x80 { // back to the start of a character
		end--
	}
	return message[:end] + "…"
}

func shape(in v1alpha1.Shape) scaling.Shape {
	return scaling.Shape{InstanceClass: in.InstanceClass, Count: int(ptr.Deref(in.Replicas, 0))}
}

func timeOrZero(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func optionalTime(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return ptr.To(metav1.NewTime(t))
}
