package operation

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RetractAttempt undoes the last attempt at the step of a call, because AWS rejected the call and it had no effect. The step is
// then attempted again at once, and not only after stepRetryInterval.
func RetractAttempt(op scaling.Operation, call scaling.Call) scaling.Operation {
	op.Steps = slices.Clone(op.Steps)
	step := &op.Steps[stepOf(op, call)]
	step.LastAttemptAt, step.Attempts = time.Time{}, step.Attempts-1
	return op
}

// RetractRefusedAttempt undoes the only attempt at the step of a call after AWS refused it, so that the operation is known to have had
// no effect. Of several attempts, an earlier one may have had one.
func RetractRefusedAttempt(op scaling.Operation, call scaling.Call) scaling.Operation {
	if op.Steps[stepOf(op, call)].Attempts != 1 {
		return op
	}
	return RetractAttempt(op, call)
}

// stepOf returns the index of the step that a call belongs to: the one in progress with its action and instance.
func stepOf(op scaling.Operation, call scaling.Call) int {
	for n, s := range op.Steps {
		if s.CompletedAt.IsZero() && s.Action == call.Action && s.Instance == call.Instance {
			return n
		}
	}
	return op.CurrentStep()
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

// requestedReaderExists reports whether all readers that the operation requested exist. It is true when none was requested.
func requestedReaderExists(op scaling.Operation, o scaling.Observation) bool {
	return !slices.ContainsFunc(op.Steps, func(s scaling.Step) bool {
		_, exists := o.Instance(s.Instance)
		return s.Action == scaling.CreateReader && s.CompletedAt.IsZero() && !s.LastAttemptAt.IsZero() && !exists
	})
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
