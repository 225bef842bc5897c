package operation

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Superseded returns why an approved operation should not continue, or "": the policy was edited or an override has ended since, and
// the target shape is no longer allowed. A writer operation that has requested its failover is always completed: before its
// last step no reader is large enough to replace the new writer.
func Superseded(p scaling.Policy, op scaling.Operation, now time.Time) string {
	if op.Direction == scaling.Cleanup || p.Allows(op.Pool, op.To) {
		return ""
	}
	if desired := p.ManualControl.DesiredShape(op.Pool, now); desired != nil && *desired == op.To {
		return ""
	}
	for _, s := range op.Steps {
		if s.Action == scaling.Failover && s.Attempts > 0 {
			return ""
		}
	}
	return fmt.Sprintf("the policy was edited, or an override has ended, and %s is no longer allowed", op.To)
}
