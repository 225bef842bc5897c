package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// checkCPUCredits returns why a pool of burstable instances that could be smaller must not be; an empty Hold when it may be. An
// instance of t2 without credits runs at its baseline, so that its CPUUtilization does not show its demand. Those of t3 and t4g run
// in unlimited mode, and AWS bills what they use above the baseline (RDS user guide, "DB instance class types").
func (e *poolEvaluation) checkCPUCredits() scaling.Hold {
	from := e.now.Add(-max(e.policy.ScaleDown.Window, maxSlowSampleAge))
	for n := range e.instances {
		i := &e.instances[n]
		if !i.burstable {
			continue
		}
		cause := ""
		charged := i.Credits.SurplusCharged
		for _, credits := range charged.From(from).All() {
			if credits > 0 {
				cause = "AWS charges for CPU credits above its baseline (CPUSurplusCreditsCharged)"
			}
		}
		if i.standardCredits {
			// RDS has no unlimited mode for t2, so that a balance that is not known may hide any demand.
			switch lowest, _, known := seriesRange(i.Credits.Balance, laterOf(from, i.CreatedAt), e.now); {
			case !known:
				cause = "samples of its CPUCreditBalance are missing, so that it may have run at its baseline"
			case lowest < 1:
				cause = "its CPU credits were used up (CPUCreditBalance), so that it ran at its baseline and its CPU does not show its demand"
			}
		}
		if cause != "" {
			return scaling.Hold{Reason: scaling.ReasonCPUCreditsExhausted, Message: fmt.Sprintf(
				"The %s (%s) could be smaller, but %s has a burstable class, and %s: no scale-down. Classes that are not burstable have no "+
					"CPU credits", poolNoun(e.pool), e.currentShape(), i.Identifier, cause)}
		}
	}
	return scaling.Hold{}
}
