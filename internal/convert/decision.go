package convert

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Decision is what status shows as the decision.
type Decision struct {
	// Reason and Message say what was decided, or why nothing was.
	Reason, Message string
	// Change is what would change, or nil; Hash names it for an approval, and Cause has the figures that led to it.
	Change      *scaling.Change
	Hash, Cause string
	// BlockedBy names the guards that veto the change, the most important first.
	BlockedBy []string
	// Emergency says that a blocked change is urgent.
	Emergency bool
	// Alternatives are the candidates to show.
	Alternatives []scaling.Candidate
}

// DecisionStatus writes a decision that was made at now. Its time, cause and alternatives stay those of previous while its
// meaning does, so that status is not written for figures that differ each minute.
func DecisionStatus(d Decision, previous *v1alpha1.DecisionStatus, now time.Time) *v1alpha1.DecisionStatus {
	out := &v1alpha1.DecisionStatus{
		Reason: d.Reason, Message: TruncateMessage(d.Message), Hash: d.Hash, Cause: TruncateMessage(d.Cause), BlockedBy: d.BlockedBy,
		Time: metav1.NewTime(now),
	}
	for _, c := range d.Alternatives {
		out.Alternatives = append(out.Alternatives, Alternative(c))
	}
	if d.Change != nil {
		desired := ShapeStatus(d.Change.To)
		out.Pool, out.Desired = v1alpha1.Pool(d.Change.Pool), &desired
	}
	if len(d.BlockedBy) > 0 && d.Emergency {
		out.Urgency = v1alpha1.UrgencyEmergency
	}
	if IsSameDecision(previous, out) {
		out.Time, out.Cause, out.Alternatives = previous.Time, previous.Cause, previous.Alternatives
	}
	return out
}

// IsSameDecision reports whether two decisions mean the same: the same reason, the same change, and the same guard that blocks it
// first.
func IsSameDecision(a, b *v1alpha1.DecisionStatus) bool {
	if a == nil || b == nil {
		return a == b
	}
	sameShape := a.Desired == nil && b.Desired == nil ||
		a.Desired != nil && b.Desired != nil && a.Desired.InstanceClass == b.Desired.InstanceClass &&
			*a.Desired.Replicas == *b.Desired.Replicas
	return sameShape && a.Reason == b.Reason && a.Pool == b.Pool && a.FirstBlocker() == b.FirstBlocker() && a.Hash == b.Hash
}
