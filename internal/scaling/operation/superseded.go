package operation

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Superseded says why an operation that was approved earlier should go no further, or nothing: the policy was edited since, or a
// person's wish has ended, and what it leads to is not allowed any more. A writer's operation that has failed over is finished
// in any case, since the new writer would have no reader as large as itself until then.
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
	return fmt.Sprintf("the policy was edited, or an override has ended, and %s is not allowed any more", op.To)
}
