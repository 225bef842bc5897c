package operation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxAnswerBytes bounds the answer of AWS that a step keeps.
const maxAnswerBytes = 1024

// RecordAnswer records in the step of a call how AWS answered it; nil means that AWS accepted it. The answer is kept without what
// differs between attempts.
func RecordAnswer(op scaling.Operation, call scaling.Call, err error) scaling.Operation {
	op.Steps = slices.Clone(op.Steps)
	step := &op.Steps[stepOf(op, call)]
	if err == nil {
		step.Answer, step.SameAnswers = "", 0
		return op
	}
	answer := scaling.StableMessage(err)
	if len(answer) > maxAnswerBytes {
		answer = strings.ToValidUTF8(answer[:maxAnswerBytes-len("…")], "") + "…"
	}
	same := step.SameAnswers
	if answer != step.Answer {
		same = 0
	}
	step.Answer, step.SameAnswers = answer, same+1
	if isInconclusive(err) {
		step.SameAnswers = 0
	}
	return op
}

// isInconclusive reports whether an error says nothing about the request itself.
func isInconclusive(err error) bool {
	return slices.ContainsFunc([]error{scaling.ErrThrottled, scaling.ErrUnavailable, context.Canceled, context.DeadlineExceeded},
		func(target error) bool { return errors.Is(err, target) })
}

// giveUp ends an operation whose step was requested maxAttempts times without effect. When AWS answered each time the same while
// every instance was available, it will not answer otherwise soon: the state that it objects to is no state that passes. While it
// works on the storage of an instance, it may.
func giveUp(op scaling.Operation, step scaling.Step, o scaling.Observation) *Progress {
	p := fail(op, fmt.Sprintf("AWS was asked %d times to %s, without a visible effect%s", step.Attempts, describe(step), describeAnswer(step)))
	isStorageBusy := slices.ContainsFunc(o.WithoutFailedReaders().Instances, func(i scaling.Instance) bool {
		return i.Status != scaling.StatusAvailable
	})
	if step.SameAnswers >= maxAttempts && !isStorageBusy {
		p.Refused = &step
	}
	return p
}

// describeAnswer returns the last answer of AWS to a step, for the end of a message.
func describeAnswer(s scaling.Step) string {
	if s.Answer == "" {
		return ""
	}
	return "; its last answer was: " + s.Answer
}

// describeAddress says which address the clients of a read replica lose. The members of a cluster have a common endpoint.
func describeAddress(o scaling.Observation, i scaling.Instance) string {
	if o.Kind != scaling.DBInstance || i.Endpoint == "" {
		return ""
	}
	return fmt.Sprintf(", and those that use its own address, %s, lose it", i.Endpoint)
}
