package guard

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// stepChain is what is looked at once more right before AWS is asked for a step of an operation that was approved earlier:
// somebody may have paused it or withdrawn consent since, and a window may have closed.
var stepChain = []check{
	{"Paused", paused},
	{"ModeRecommend", recommendMode},
	{"OptInTagMissing", optInTagMissing},
	{"DisruptionWindow", disruptionWindow},
}

// CheckStep looks at one step of an operation under way. It returns nil when the step may be taken.
func CheckStep(p scaling.Policy, o scaling.Observation, op scaling.Operation, call scaling.Call, now time.Time) *Veto {
	in := Input{
		Policy: p, Observation: o, Now: now, Proposal: scaling.Proposal{Emergency: op.Emergency},
		Operation: scaling.Operation{Steps: []scaling.Step{{Action: call.Action, Instance: call.Instance}}},
	}
	if interruptsWriter(o, call) {
		in.Proposal.Pool = scaling.Writer
	}
	vetoes := runChecks(stepChain, in)
	if len(vetoes) == 0 {
		return nil
	}
	first := vetoes[0]
	first.Message = fmt.Sprintf("%s of %s waits: %s", call.Action, call.Instance, first.Message)
	return &first
}

// interruptsWriter says whether a call takes the writer out of service.
func interruptsWriter(o scaling.Observation, call scaling.Call) bool {
	i, exists := o.Instance(call.Instance)
	switch call.Action {
	case scaling.Failover, scaling.ModifyClusterClass:
		return true
	case scaling.ModifyInstanceClass:
		return exists && i.Writer
	case scaling.CreateReader, scaling.DeleteReader, scaling.ModifyPromotionTier, scaling.ModifyCapacity:
	}
	return false
}
