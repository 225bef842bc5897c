package guard

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// CheckStep looks once more, right before AWS is asked for a step of an operation that was approved earlier: consent may
// have been withdrawn since, and a window may have closed. It returns nil when the step may be taken.
func CheckStep(p scaling.Policy, o scaling.Observation, call scaling.Call, now time.Time) *Veto {
	in := Input{
		Policy: p, Observation: o, Now: now,
		Operation: scaling.Operation{Steps: []scaling.Step{{Action: call.Action, Instance: call.Instance}}},
	}
	if interrupts(o, call) {
		in.Proposal.Pool = scaling.Writer
	}
	for _, c := range []check{{"OptInTagMissing", optInTagMissing}, {"DisruptionWindow", disruptionWindow}} {
		message, retryAfter, err := c.run(in)
		if err != nil {
			message = "The guard could not be evaluated, so nothing changes: " + err.Error()
		}
		if message != "" {
			return &Veto{Guard: c.name, Message: fmt.Sprintf("%s of %s waits: %s", call.Action, call.Instance, message), RetryAfter: retryAfter}
		}
	}
	return nil
}

// interrupts says whether a call takes the writer out of service.
func interrupts(o scaling.Observation, call scaling.Call) bool {
	i, exists := o.Instance(call.Instance)
	return call.Action == scaling.Failover || call.Action == scaling.ModifyInstanceClass && exists && i.Writer
}
