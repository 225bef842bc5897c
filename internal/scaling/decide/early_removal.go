package decide

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// minReturns is the number of times that a load must have ended in the known past before it decides how long readers are kept.
	minReturns = 3
	// unseenReturns is the share of them that is assumed to return at once in addition to those that did: two weeks do not show all that
	// can happen. So a small saving is no reason to remove readers early.
	unseenReturns = 0.02
)

// proposeEarlyRemoval proposes to remove readers of the current class before the scale-down window is over, when the load that they were
// added for has ended and the past says that keeping them longer costs more than adding them again; nil otherwise. Readers are only
// removed, which interrupts nothing.
func (e *poolEvaluation) proposeEarlyRemoval() *scaling.Proposal {
	o := e.observation
	class := e.currentShape().InstanceClass
	if e.pool != scaling.Readers || o.Kind != scaling.DBCluster || o.ResizedAsUnit || class == "" ||
		e.policy.OverloadedMinuteVCPUHours == 0 || reaches(e.load.UtilizationPercent, e.policy.CPU.ScaleDown) || !e.isChangedByOperation() {
		return nil
	}
	e.listCandidates()
	for n := range e.candidates { // in the order of the count
		c := &e.candidates[n]
		if c.class.name != class || c.Shape.Count >= len(e.instances) {
			continue
		}
		keep, saved := e.keepDuration(c)
		if keep >= e.policy.ScaleDown.Window {
			continue
		}
		w := summarizeScaleDownWindow(e.loadTimeline(nil, o.ReadersChangedAt, keep), e.now)
		if !w.Complete || w.Saturated || cmp.Or(e.checkScaleDownDelay(keep), e.checkCPUCredits()).Reason != "" {
			continue
		}
		required := max(w.PeakDemand, e.load.TrendDemand, e.load.SeasonalDemand, e.load.DailyWorkDemand)
		if e.policy.PredictiveScaling.History {
			required = max(required, predictSeasonal(o, e.pool, e.now, time.Hour))
		}
		c.PredictedUtilization = e.predictUtilization(c, required)
		if c.Verdict = e.scaleDownVerdict(c); c.Verdict != scaling.VerdictFits {
			continue
		}
		c.Verdict = scaling.VerdictChosen
		message := fmt.Sprintf("The load that the readers were added for has ended: %s → %s", e.currentShape(), c.Shape)
		cause := fmt.Sprintf("The readers used at most %.1f vCPU in the last %s%s; over the known past, removing readers that soon after such a "+
			"load would have cost %.0f vCPU hours less than after %s", w.PeakDemand, scaling.FormatDuration(keep),
			e.describeFit(required, c), saved, scaling.FormatDuration(e.policy.ScaleDown.Window))
		return e.newProposal(scaling.ReasonScaleDown, scaling.Down, c, message, cause)
	}
	return nil
}

// isChangedByOperation reports whether the last change of the readers was an operation of dbscaler.
func (e *poolEvaluation) isChangedByOperation() bool {
	changedAt := e.observation.ReadersChangedAt
	for _, r := range e.observation.History {
		if r.Pool == scaling.Readers {
			return r.Succeeded && !changedAt.IsZero() && !changedAt.After(r.CompletedAt.Add(ownChangeTolerance))
		}
	}
	return false
}

// keepDuration returns how long readers are to be kept after the load that a smaller shape would not carry has ended: of the quarters of
// an hour up to the scale-down window the one that would have cost least over the known past, and how many vCPU hours it would have
// saved. Readers that are kept cost their vCPUs; readers that are removed before the load returns cost an overload until they are there
// again. It is the scale-down window when the past knows too few such loads.
func (e *poolEvaluation) keepDuration(smaller *candidate) (keep time.Duration, savedVCPUHours float64) {
	window := e.policy.ScaleDown.Window
	longest := int(window / quarterHour)
	if e.pastDemands == nil {
		e.pastDemands = pastDemands(e.observation, e.pool)
	}
	if longest < 2 || time.Duration(len(e.pastDemands))*quarterHour < minHistory {
		return window, 0
	}
	usable := e.usableVCPUs(smaller)
	absences := e.absences(usable*float64(e.policy.CPU.Target)/100, usable*float64(e.policy.CPU.ScaleUp)/100, longest)
	if len(absences) < minReturns {
		return window, 0
	}
	overload := estimateLeadTime(e.observation.History, e.pool).Minutes() * float64(e.policy.OverloadedMinuteVCPUHours)
	removed := e.load.Capacity - smaller.VCPUs
	cost := func(quarters int) float64 {
		total := 0.0
		if quarters < longest {
			total = unseenReturns * float64(len(absences)) * overload
		}
		for _, absence := range absences {
			total += float64(min(absence, quarters)) * quarterHours * removed
			if absence > quarters && absence <= longest {
				total += overload
			}
		}
		return total
	}
	best := longest
	for quarters := longest - 1; quarters > 0; quarters-- {
		if cost(quarters) < cost(best) {
			best = quarters
		}
	}
	return time.Duration(best) * quarterHour, cost(longest) - cost(best)
}

// absences lists for how many quarters of an hour the demand stayed away each time that it had been above high and fell to low or below:
// at most one more than limit.
func (e *poolEvaluation) absences(low, high float64, limit int) []int {
	var out []int
	isHigh, away := false, 0
	for _, demand := range e.pastDemands {
		switch {
		case math.IsNaN(demand): // a return may be hidden
			isHigh, away = false, 0
		case demand > high:
			if !isHigh && away > 0 {
				out = append(out, min(away, limit+1))
			}
			isHigh, away = true, 0
		case isHigh && demand <= low:
			isHigh, away = false, 1
		case away > 0:
			away++
		}
	}
	if away > limit { // it has not returned yet
		out = append(out, limit+1)
	}
	return out
}
