package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// censoredGrowthFactor is by how much a saturated pool grows whose demand nothing shows: by this factor, then it is looked at again.
	censoredGrowthFactor = 2
	// ineffectiveAttempts is how many times in a row growing may change nothing before it is no longer tried.
	ineffectiveAttempts = 3
	// ineffectiveWindow is how long it is then not tried.
	ineffectiveWindow = 24 * time.Hour
	// ineffectiveRatio is how much of the utilization is left when growing is said to have changed nothing.
	ineffectiveRatio = 0.9
)

// scaleUpTrigger is why a pool is too small.
type scaleUpTrigger struct {
	reason scaling.Reason
	text   string // stays the same while the reason does
}

// scaleUpThreshold is the utilization at which the pool is too small. It is lower for a time after an engine upgrade, for as long
// as the pool is what it was before: once it was sized for what the queries cost now, it is as good as any.
func (e *poolEvaluation) scaleUpThreshold() int {
	p, o := e.policy, e.observation
	scaledUpSince := slices.ContainsFunc(o.History, func(past scaling.OperationRecord) bool {
		return past.Pool == e.pool && past.Direction == scaling.Up && past.Succeeded && past.StartedAt.After(o.UpgradedAt)
	})
	if !inUpgradeWatch(p, o, e.now) || scaledUpSince || p.AfterEngineUpgrade.ScaleUp == 0 {
		return p.CPU.ScaleUp
	}
	return min(p.CPU.ScaleUp, max(p.AfterEngineUpgrade.ScaleUp, p.CPU.Target+1))
}

// inUpgradeWatch says whether the engine was upgraded so recently that its queries are not trusted yet.
func inUpgradeWatch(p *scaling.Policy, o *scaling.Observation, now time.Time) bool {
	return !o.UpgradedAt.IsZero() && now.Before(o.UpgradedAt.Add(p.AfterEngineUpgrade.Duration))
}

// detectTooSmall says why a pool is too small, or nothing.
func (e *poolEvaluation) detectTooSmall() *scaleUpTrigger {
	threshold := e.scaleUpThreshold()
	l := e.load
	window := formatDuration(e.policy.ScaleUp.Window)
	switch {
	case l.UsableCapacity == 0 && l.Demand > 0:
		return &scaleUpTrigger{scaling.ReasonScaleUp, "Nothing would be left with one reader lost"}
	case l.UtilizationPercent >= float64(threshold)-roundingTolerance:
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf("The %s have averaged %d%% CPU or more for %s", poolNoun(e.pool), threshold, window)}
	case l.Emergency:
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf("The %s are saturated", poolNoun(e.pool))}
	case e.hasHotReader():
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf(
			"One of the %s has averaged %d%% CPU or more for %s", poolNoun(e.pool), hotReaderPercent, window)}
	case utilizationPercent(max(l.TrendDemand, l.SeasonalDemand), l.UsableCapacity) >= float64(threshold)-roundingTolerance:
		return &scaleUpTrigger{scaling.ReasonPredictiveScaleUp, fmt.Sprintf(
			"The %s will reach %d%% CPU before a new size could be in service", poolNoun(e.pool), threshold)}
	}
	return nil
}

// proposeScaleUp proposes the preferred shape that carries the demand at the target utilization, or the largest when none does.
func (e *poolEvaluation) proposeScaleUp(trigger scaleUpTrigger) (*scaling.Proposal, scaling.Hold) {
	e.listCandidates()
	requiredVCPUs := e.scaleUpRequirement()
	best := e.pickForScaleUp(requiredVCPUs, e.pricing.isIncomparable)
	if best == nil || best.Verdict != scaling.VerdictFits { // of the present family, nothing fits: what it costs comes second
		if other := e.pickForScaleUp(requiredVCPUs, func(ladderClass) bool { return false }); best == nil || e.usableVCPUs(other) > e.usableVCPUs(best) {
			best = other
		}
	}
	if best == nil {
		return nil, e.noLargerShapeHold(trigger)
	}
	if best.Verdict == scaling.VerdictFits && best.ResizedInstances > 0 && e.pool == scaling.Readers && e.policy.Readers.Preference != scaling.Vertical {
		if more := e.pickWithoutResize(); more != nil {
			best = more
		}
	}
	if best.Verdict == scaling.VerdictFits {
		best = e.skipIntermediateShapes(best, requiredVCPUs)
	}
	best.Verdict = scaling.VerdictChosen
	if isScalingIneffective(e.policy, e.observation, e.pool, e.now) {
		return nil, scaling.Hold{Reason: scaling.ReasonScalingIneffective, Message: fmt.Sprintf(
			"%s, and growing %d times in the last day has not lowered it. Look at what the database is doing: more vCPUs do not help. "+
				"Growing is tried again once a day has passed", trigger.text, ineffectiveAttempts)}
	}
	message := fmt.Sprintf("%s: %s → %s", trigger.text, e.currentShape(), best.Shape)
	return e.newProposal(trigger.reason, scaling.Up, best, message, e.scaleUpCause(requiredVCPUs, best)), scaling.Hold{}
}

// maxPercentWithoutResize is the utilization up to which readers of the present class will do where the alternative is to resize them: half way
// from the target to the threshold.
func (e *poolEvaluation) maxPercentWithoutResize() float64 {
	return float64(e.policy.CPU.Target+e.policy.CPU.ScaleUp) / 2
}

// pickWithoutResize is the preferred candidate that only adds readers and would do when stretched; nil when there is none.
func (e *poolEvaluation) pickWithoutResize() *candidate {
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		if c.Verdict == scaling.VerdictTooSmall && c.ResizedInstances == 0 && c.PredictedUtilization <= e.maxPercentWithoutResize()+roundingTolerance && e.checkMemoryAndConnections(c) == "" && e.isPreferred(c, best) {
			best = c
		}
	}
	return best
}

// scaleUpRequirement is the demand that a larger shape has to carry: the peak of the window, more where the demand is hidden by
// saturation, and no less than what is foreseen.
func (e *poolEvaluation) scaleUpRequirement() float64 {
	requiredVCPUs := max(e.load.Demand, e.load.TrendDemand, e.load.SeasonalDemand)
	if e.policy.PredictiveScaling.History { // and what comes in the hour after that
		lead := estimateLeadTime(e.observation.History, e.pool)
		requiredVCPUs = max(requiredVCPUs, predictSeasonal(e.observation, e.pool, e.now, lead+time.Hour))
	}
	if e.load.Censored {
		requiredVCPUs = max(requiredVCPUs, censoredGrowthFactor*e.load.Capacity*float64(e.policy.CPU.Target)/100)
	}
	return requiredVCPUs
}

// pickForScaleUp gives every candidate its verdict for a growth and returns the preferred one that fits, or else the largest that is only too
// small.
func (e *poolEvaluation) pickForScaleUp(requiredVCPUs float64, isExcluded func(ladderClass) bool) *candidate {
	var fits, largest *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.PredictedUtilization = e.predictUtilization(c, requiredVCPUs)
		c.Verdict = e.scaleUpVerdict(c, isExcluded)
		tooSmall := c.Verdict == scaling.VerdictTooSmall || c.Verdict == scaling.VerdictTooSmallForHottest
		switch {
		case c.Verdict == scaling.VerdictFits && e.isPreferred(c, fits):
			fits = c
		case tooSmall && e.hasMoreUsableVCPUs(c, largest) && e.checkMemoryAndConnections(c) == "":
			largest = c
		}
	}
	if fits != nil {
		return fits
	}
	return largest
}

// hasMoreUsableVCPUs says whether a candidate carries more than another, which may be none, or as much and is preferred.
func (e *poolEvaluation) hasMoreUsableVCPUs(a, b *candidate) bool {
	if b == nil || e.usableVCPUs(a) != e.usableVCPUs(b) {
		return b == nil || e.usableVCPUs(a) > e.usableVCPUs(b)
	}
	return e.isPreferred(a, b)
}

// scaleUpVerdict says what is to be said against a candidate for a growth.
func (e *poolEvaluation) scaleUpVerdict(c *candidate, isExcluded func(ladderClass) bool) scaling.Verdict {
	if e.usableVCPUs(c) <= e.load.UsableCapacity {
		return scaling.VerdictWrongDirection
	}
	if v := e.checkLimits(c); v != "" {
		return v
	}
	switch {
	case isExcluded(*c.class):
		return scaling.VerdictPriceUnknown
	case c.PredictedUtilization > float64(e.policy.CPU.Target)+roundingTolerance:
		return scaling.VerdictTooSmall
	case e.hasHotReader() && utilizationPercent(e.load.HottestDemand*float64(len(e.instances)), c.VCPUs) > float64(e.policy.CPU.ScaleUp)+roundingTolerance:
		return scaling.VerdictTooSmallForHottest // the load stays as uneven as it is
	}
	return cmp.Or(e.checkMemoryAndConnections(c), scaling.VerdictFits)
}

// hasHotReader says whether one reader is too hot, whatever the others carry.
func (e *poolEvaluation) hasHotReader() bool {
	return len(e.instances) > 1 && e.load.HottestPercent >= hotReaderPercent-roundingTolerance
}

// noLargerShapeHold says why a pool that is too small stays as it is.
func (e *poolEvaluation) noLargerShapeHold(trigger scaleUpTrigger) scaling.Hold {
	refused := e.rejections()
	if len(refused) == 0 {
		return scaling.Hold{Reason: scaling.ReasonAtMaximum, Message: fmt.Sprintf(
			"%s, and they (%s) are already as large as the policy allows. Raise the limits in the policy, or lower the load", trigger.text, e.currentShape())}
	}
	return scaling.Hold{Reason: scaling.ReasonNoSuitableShape, Message: fmt.Sprintf("%s, and no larger shape may be taken now: %s",
		trigger.text, describeRejections(refused...))}
}

func (e *poolEvaluation) scaleUpCause(requiredVCPUs float64, best *candidate) string {
	l := e.load
	unit := "CPU"
	if l.UtilizationPercent > 100 { // what DBLoadCPU shows beyond saturation, or of what is left with one reader lost
		unit = "of capacity"
	}
	text := fmt.Sprintf("%s at %.0f%% %s over %s (threshold %d%%), demand %.1f vCPU%s", poolNoun(e.pool), l.UtilizationPercent, unit,
		formatDuration(e.policy.ScaleUp.Window), e.scaleUpThreshold(), l.Demand, censoredSuffix(l.Censored))
	if predicted := max(l.TrendDemand, l.SeasonalDemand); predicted > l.Demand {
		text += fmt.Sprintf(", %.1f foreseen", predicted)
	}
	return text + fmt.Sprintf("; for %.1f vCPU %s would run at %.0f%%, %d%% is the target", requiredVCPUs, best.Shape, best.PredictedUtilization,
		e.policy.CPU.Target)
}

// isScalingIneffective says whether the last times that the pool grew, all within a day, its utilization stayed where it was.
func isScalingIneffective(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) bool {
	n := 0
	for _, past := range o.History {
		if past.Pool != pool || past.Direction == scaling.Cleanup || !past.Succeeded {
			continue
		}
		changedNothing := past.UtilizationBefore != nil && past.UtilizationAfter != nil && *past.UtilizationBefore > 0 &&
			float64(*past.UtilizationAfter) >= ineffectiveRatio*float64(*past.UtilizationBefore) && *past.UtilizationAfter >= p.CPU.ScaleUp
		if past.Direction != scaling.Up || !changedNothing || now.Sub(past.CompletedAt) >= ineffectiveWindow {
			return false
		}
		if n++; n == ineffectiveAttempts {
			return true
		}
	}
	return false
}
