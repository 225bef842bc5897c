package guard

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// stepChain is checked again before each AWS call of an operation in progress: since the operation was approved, a user may have
// paused the policy, set mode Recommend, removed the opt-in tag or deferred a change of the database, or a disruption window may
// have closed.
var stepChain = []check{
	{"Paused", paused},
	{"RecommendMode", recommendMode},
	{"OptInTagMissing", optInTagMissing},
	{"BlueGreenDeployment", blueGreenDeployment},
	{"PendingModifications", pendingModifications},
	{"PendingReboot", pendingReboot},
	{"CustomEndpoints", customEndpoints},
	{"PromotionCandidate", promotionCandidate},
	{"DisruptionWindow", disruptionWindow},
}

// CheckStep checks one call of an operation in progress. It returns nil when the call is allowed. The guards of stepChain get the
// policy, the observation, the time, the emergency flag, the pool if the call interrupts the writer, and the one step; the rest
// of Input is zero.
func CheckStep(p scaling.Policy, o scaling.Observation, op scaling.Operation, call scaling.Call, now time.Time) *Veto {
	in := Input{
		Policy: p, Observation: o, Now: now, Proposal: scaling.Proposal{Emergency: op.Emergency},
		Operation:      scaling.Operation{Steps: []scaling.Step{{Action: call.Action, Instance: call.Instance}}},
		replacedWriter: replacedWriter(op),
	}
	if interruptsWriter(o, call) {
		in.Proposal.Pool = scaling.Writer
	}
	vetoes := runChecks(stepChain, in)
	if len(vetoes) == 0 {
		return nil
	}
	first := vetoes[0]
	first.Message = fmt.Sprintf("%s of %s is blocked: %s", call.Action, call.Instance, first.Message)
	return &first
}

// replacedWriter returns the instance that was the writer when an operation started, or "": it is resized after the failover. It was a
// member of its custom endpoints as the writer, and an operation that promotes it again leaves it so.
func replacedWriter(op scaling.Operation) string {
	failedOver := false
	for _, s := range op.Steps {
		if failedOver && s.Action == scaling.ModifyInstanceClass {
			return s.Instance
		}
		failedOver = failedOver || s.Action == scaling.Failover
	}
	return ""
}

// interruptsWriter reports whether a call takes the writer out of service.
func interruptsWriter(o scaling.Observation, call scaling.Call) bool {
	i, exists := o.Instance(call.Instance)
	switch call.Action {
	case scaling.Failover, scaling.ModifyClusterClass:
		return true
	case scaling.ModifyInstanceClass:
		return exists && i.Writer
	case scaling.CreateReader, scaling.DeleteReader, scaling.ModifyPromotionTier, scaling.ModifyCapacity,
		scaling.ModifyMinCapacity:
	}
	return false
}
