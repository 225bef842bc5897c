package operation

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RetractAttempt undoes the last attempt at the current step, because AWS rejected the call and it had no effect. The step is
// then attempted again at once, and not only after stepRetryInterval.
func RetractAttempt(op scaling.Operation) scaling.Operation {
	op.Steps = slices.Clone(op.Steps)
	step := &op.Steps[op.CurrentStep()]
	step.LastAttemptAt, step.Attempts = time.Time{}, step.Attempts-1
	return op
}

// RetractRefusedAttempt undoes the only attempt at the current step after AWS refused it, so that the operation is known to have had no
// effect. Of several attempts, an earlier one may have had one.
func RetractRefusedAttempt(op scaling.Operation) scaling.Operation {
	if op.Steps[op.CurrentStep()].Attempts != 1 {
		return op
	}
	return RetractAttempt(op)
}

// lostRequestTimeout is how long after the last AWS request a reader that has not appeared is presumed not to have been created.
const lostRequestTimeout = 10 * time.Minute

// WaitForRequestedReader is how long to wait before an operation may be abandoned: a reader that was requested and has not
// appeared would otherwise be left behind when it does. Zero when there is nothing to wait for.
func WaitForRequestedReader(op scaling.Operation, o scaling.Observation, now time.Time) time.Duration {
	if requestedReaderExists(op, o) {
		return 0
	}
	return max(0, lastRequestAt(op).Add(lostRequestTimeout).Sub(now))
}

// requestedReaderExists reports whether the reader that the operation requested exists. It is true when none was requested.
func requestedReaderExists(op scaling.Operation, o scaling.Observation) bool {
	for _, s := range op.Steps {
		if s.Action == scaling.CreateReader && s.CompletedAt.IsZero() && !s.LastAttemptAt.IsZero() {
			_, exists := o.Instance(s.Instance)
			return exists
		}
	}
	return true
}

// lastRequestAt is when AWS was last asked for a step that has not completed.
func lastRequestAt(op scaling.Operation) time.Time {
	var last time.Time
	for _, s := range op.Steps {
		if s.CompletedAt.IsZero() && s.LastAttemptAt.After(last) {
			last = s.LastAttemptAt
		}
	}
	return last
}
