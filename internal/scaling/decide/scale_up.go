package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// censoredGrowthFactor bounds a scale-up of a saturated pool whose demand is not known: its capacity is multiplied by this,
	// and the load is then measured again.
	censoredGrowthFactor = 2
	// ineffectiveAttempts is the number of ineffective scale-ups in a row after which none is tried for ineffectiveWindow.
	ineffectiveAttempts = 3
	ineffectiveWindow   = 24 * time.Hour
	// ineffectiveRatio: a scale-up is ineffective if the utilization after it is at least this fraction of the one before.
	ineffectiveRatio = 0.9
)

// scaleUpTrigger is the reason why a pool is too small.
type scaleUpTrigger struct {
	reason scaling.Reason
	text   string // does not change while the reason does not
}

// detectTooSmall decides whether a pool is too small; nil when it is not.
func (e *poolEvaluation) detectTooSmall() *scaleUpTrigger {
	threshold := e.scaleUpThreshold()
	l := &e.load
	switch {
	case l.UsableCapacity == 0 && l.Demand > 0:
		return &scaleUpTrigger{scaling.ReasonScaleUp, "No reader would be left to carry the load when one is lost"}
	case reaches(l.UtilizationPercent, threshold):
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf(
			"The %s has averaged at least %d%% CPU for %s", poolNoun(e.pool), threshold, scaling.FormatDuration(e.policy.ScaleUp.Window))}
	case l.Emergency:
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf("The %s is saturated", poolNoun(e.pool))}
	case e.hasHotReader():
		return &scaleUpTrigger{scaling.ReasonScaleUp, fmt.Sprintf(
			"One instance of the %s has averaged at least %d%% CPU for %s", poolNoun(e.pool), hotReaderPercent,
			scaling.FormatDuration(e.policy.ScaleUp.Window))}
	case reaches(utilizationPercent(max(l.TrendDemand, l.SeasonalDemand), l.UsableCapacity), threshold):
		return &scaleUpTrigger{scaling.ReasonPredictiveScaleUp, fmt.Sprintf(
			"The %s is predicted to reach %d%% CPU before a new size could be in service", poolNoun(e.pool), threshold)}
	}
	return nil
}

// scaleUpThreshold is ScaleUpThreshold of the pool.
func (e *poolEvaluation) scaleUpThreshold() int {
	return ScaleUpThreshold(e.policy, e.observation, e.pool, e.now)
}

// ScaleUpThreshold is the utilization, in percent, at which a pool is too small: cpu.scaleUpPercent, or the lower threshold of the
// upgrade watch until the pool has been scaled up since the upgrade. From then on it is sized for what queries cost now.
func ScaleUpThreshold(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) int {
	if !inUpgradeWatch(p, o, now) || p.AfterEngineUpgrade.ScaleUp == 0 || hasScaledUpSince(o.History, pool, o.UpgradedAt) {
		return p.CPU.ScaleUp
	}
	return min(p.CPU.ScaleUp, max(p.AfterEngineUpgrade.ScaleUp, p.CPU.Target+1))
}

// hasScaledUpSince reports whether a pool was scaled up after a time.
func hasScaledUpSince(h scaling.History, pool scaling.Pool, since time.Time) bool {
	return slices.ContainsFunc(h, func(r scaling.OperationRecord) bool {
		return r.Pool == pool && r.Direction == scaling.Up && r.Succeeded && r.StartedAt.After(since)
	})
}

// inUpgradeWatch reports whether the engine was upgraded so recently that its queries may still turn out more expensive.
func inUpgradeWatch(p *scaling.Policy, o *scaling.Observation, now time.Time) bool {
	return !o.UpgradedAt.IsZero() && now.Before(o.UpgradedAt.Add(p.AfterEngineUpgrade.Duration))
}

// hasHotReader reports whether one of several readers is too hot, whatever the load of the others.
func (e *poolEvaluation) hasHotReader() bool {
	return len(e.instances) > 1 && reaches(e.load.HottestPercent, hotReaderPercent)
}

// proposeScaleUp proposes the preferred shape that carries the required vCPUs at the target utilization, or the largest one when
// none does.
func (e *poolEvaluation) proposeScaleUp(trigger scaleUpTrigger) (*scaling.Proposal, scaling.Hold) {
	e.listCandidates()
	requiredVCPUs := e.scaleUpRequirement()
	best := e.pickForScaleUp(requiredVCPUs, e.pricing.isIncomparable)
	if best == nil || best.Verdict != scaling.VerdictFits { // nothing of the current family fits: capacity goes before cost
		anyFamily := e.pickForScaleUp(requiredVCPUs, func(*ladderClass) bool { return false })
		if best == nil || e.usableVCPUs(anyFamily) > e.usableVCPUs(best) {
			best = anyFamily
		}
	}
	if best == nil {
		return nil, e.noLargerShapeHold(trigger)
	}
	if best.Verdict == scaling.VerdictFits && e.resizesReaders(best) && e.policy.Readers.Preference != scaling.Vertical {
		if added := e.pickWithoutResize(); added != nil {
			best = added
		}
	}
	if e.resizesReaders(best) && e.isShortTrend() {
		return nil, scaling.Hold{}
	}
	if best.Verdict == scaling.VerdictFits {
		best = e.skipIntermediateShapes(best, requiredVCPUs)
	}
	if best.ResizedInstances == 0 && e.pool == scaling.Readers && e.load.RisingDemand > requiredVCPUs {
		requiredVCPUs = e.load.RisingDemand
		best = e.addReadersForRise(best)
	}
	best.Verdict = scaling.VerdictChosen
	if isScalingIneffective(e.policy, e.observation, e.pool, e.now) {
		return nil, scaling.Hold{Reason: scaling.ReasonScalingIneffective, Message: fmt.Sprintf(
			"%s, but %d scale-ups in the last %s have not lowered it. Check the workload of the database: more vCPUs do not help. "+
				"Scaling up is tried again after %[3]s", trigger.text, ineffectiveAttempts, scaling.FormatDuration(ineffectiveWindow))}
	}
	message := fmt.Sprintf("%s: %s → %s", trigger.text, e.currentShape(), best.Shape)
	return e.newProposal(trigger.reason, scaling.Up, best, message, e.scaleUpCause(requiredVCPUs, best)), scaling.Hold{}
}

// resizesReaders reports whether a candidate changes the class of readers.
func (e *poolEvaluation) resizesReaders(c *candidate) bool {
	return e.pool == scaling.Readers && c.ResizedInstances > 0
}

// isShortTrend reports whether only a trend says that the pool is too small, and only the last recentTrendWindow has it: a step looks like
// that. It adds readers, and is no reason to restart some.
func (e *poolEvaluation) isShortTrend() bool {
	l := &e.load
	isPresent := reaches(l.UtilizationPercent, e.scaleUpThreshold()) || l.Emergency || e.hasHotReader()
	if isPresent || reaches(utilizationPercent(l.SeasonalDemand, l.UsableCapacity), e.scaleUpThreshold()) {
		return false
	}
	var buffer [trendWindow / samplePeriod]minuteLoad
	t := e.loadTimeline(buffer[:], e.observation.SamplesSince(e.pool), trendWindow)
	t.minutes = t.minutes[:max(0, len(t.minutes)-minutesCovering(recentTrendWindow))]
	line, known := fitTrend(t)
	until := e.now.Add(estimateLeadTime(e.observation.History, e.pool))
	predicted := line.predict(until.Sub(t.newestMinute()).Minutes(), trendStandardErrors)
	return !known || !reaches(utilizationPercent(predicted, l.UsableCapacity), e.scaleUpThreshold())
}

// addReadersForRise returns the candidate of the same class with the fewest readers that carry the risen demand, or else the one with the
// most. A steep rise only adds readers: it may end in a minute, and a resize interrupts.
func (e *poolEvaluation) addReadersForRise(best *candidate) *candidate {
	for n := range e.candidates { // in the order of the count
		c := &e.candidates[n]
		isLarger := c.class == best.class && c.Shape.Count > best.Shape.Count && c.Verdict == scaling.VerdictFits
		if isLarger && exceeds(e.predictUtilization(best, e.load.RisingDemand), e.policy.CPU.Target) {
			best = c
		}
	}
	best.PredictedUtilization = e.predictUtilization(best, e.load.RisingDemand)
	return best
}

// scaleUpRequirement is the demand that a larger shape must carry, in vCPUs: the peak of the scale-up window, no less than what
// is predicted, and more when saturation hides the demand.
func (e *poolEvaluation) scaleUpRequirement() float64 {
	requiredVCPUs := max(e.load.Demand, e.load.TrendDemand, e.load.SeasonalDemand)
	if e.policy.PredictiveScaling.History { // also the hour after the new size is in service
		lead := estimateLeadTime(e.observation.History, e.pool)
		requiredVCPUs = max(requiredVCPUs, predictSeasonal(e.observation, e.pool, e.now, lead+time.Hour))
	}
	if e.load.Censored {
		requiredVCPUs = max(requiredVCPUs, censoredGrowthFactor*e.load.Capacity*float64(e.policy.CPU.Target)/100)
	}
	return requiredVCPUs
}

// pickForScaleUp gives every candidate its verdict for a scale-up. It returns the preferred one that fits, or else the largest
// of those that are only too small; nil when there is none.
func (e *poolEvaluation) pickForScaleUp(requiredVCPUs float64, isExcluded func(*ladderClass) bool) *candidate {
	var best, largest *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.PredictedUtilization = e.predictUtilization(c, requiredVCPUs)
		c.Verdict = e.scaleUpVerdict(c, isExcluded)
		tooSmall := c.Verdict == scaling.VerdictTooSmall || c.Verdict == scaling.VerdictTooSmallForHottest
		switch {
		case c.Verdict == scaling.VerdictFits && e.isPreferred(c, best):
			best = c
		case tooSmall && e.hasMoreUsableVCPUs(c, largest) && e.checkResources(c) == "":
			largest = c
		}
	}
	if best != nil {
		return best
	}
	return largest
}

// scaleUpVerdict judges a candidate for a scale-up.
func (e *poolEvaluation) scaleUpVerdict(c *candidate, isExcluded func(*ladderClass) bool) scaling.Verdict {
	if e.usableVCPUs(c) <= e.load.UsableCapacity || e.shrinksReplica(c) {
		return scaling.VerdictWrongDirection
	}
	if v := e.checkLimits(c); v != "" {
		return v
	}
	switch {
	case len(e.load.WithoutClients) > 0 && c.Shape.Count > len(e.instances):
		return scaling.VerdictReplicaWithoutClients
	case isExcluded(c.class):
		return scaling.VerdictPriceUnknown
	case exceeds(c.PredictedUtilization, e.policy.CPU.Target):
		return scaling.VerdictTooSmall
	case e.hasHotReader() && exceeds(e.hottestPercent(c), e.policy.CPU.ScaleUp):
		return scaling.VerdictTooSmallForHottest // the load is assumed to stay as uneven as it is
	}
	return cmp.Or(e.checkResources(c), scaling.VerdictFits)
}

// hasMoreUsableVCPUs reports whether candidate a has more usable vCPUs than b, which may be nil, or as many and is preferred.
func (e *poolEvaluation) hasMoreUsableVCPUs(a, b *candidate) bool {
	if b == nil || e.usableVCPUs(a) != e.usableVCPUs(b) {
		return b == nil || e.usableVCPUs(a) > e.usableVCPUs(b)
	}
	return e.isPreferred(a, b)
}

// maxPercentWithoutResize is the utilization up to which adding readers is accepted where the target would require to resize
// them: half way between the target and the threshold.
func (e *poolEvaluation) maxPercentWithoutResize() float64 {
	return float64(e.policy.CPU.Target+e.policy.CPU.ScaleUp) / 2
}

// pickWithoutResize returns the preferred candidate that only adds readers and stays below maxPercentWithoutResize; nil when
// there is none.
func (e *poolEvaluation) pickWithoutResize() *candidate {
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		acceptable := c.Verdict == scaling.VerdictTooSmall && c.ResizedInstances == 0 &&
			c.PredictedUtilization <= e.maxPercentWithoutResize()+roundingTolerance
		if acceptable && e.checkResources(c) == "" && e.isPreferred(c, best) {
			best = c
		}
	}
	return best
}

// noLargerShapeHold says why a pool that is too small stays as it is.
func (e *poolEvaluation) noLargerShapeHold(trigger scaleUpTrigger) scaling.Hold {
	rejections := e.rejections()
	if len(rejections) == 0 {
		return scaling.Hold{Reason: scaling.ReasonAtMaximum, Message: fmt.Sprintf(
			"%s, and it (%s) is already as large as the policy allows. Raise the limits of the policy, or reduce the load",
			trigger.text, e.currentShape())}
	}
	return scaling.Hold{Reason: scaling.ReasonNoSuitableShape, Message: fmt.Sprintf(
		"%s, but no larger shape is suitable now: %s", trigger.text, e.describeRejections(rejections...))}
}

// scaleUpCause gives the figures that led to a scale-up.
func (e *poolEvaluation) scaleUpCause(requiredVCPUs float64, best *candidate) string {
	l := e.load
	unit := "CPU"
	if l.UtilizationPercent > 100 { // DBLoadCPU shows demand beyond saturation, or the capacity is without the lost reader
		unit = "of capacity"
	}
	text := fmt.Sprintf("The %s was at %.0f%% %s over %s (threshold %d%%), demand %.1f vCPU%s", poolNoun(e.pool), l.UtilizationPercent, unit,
		scaling.FormatDuration(e.policy.ScaleUp.Window), e.scaleUpThreshold(), l.Demand, censoredSuffix(l.Censored)+e.basisSuffix())
	if predicted := max(l.TrendDemand, l.SeasonalDemand); predicted > l.Demand {
		text += fmt.Sprintf(", %.1f predicted", predicted)
	}
	if l.RisingDemand > l.Demand {
		text += fmt.Sprintf(", risen to %.1f by now", l.RisingDemand)
	}
	return text + e.describeFit(requiredVCPUs, best) + e.restartNote()
}

// restartNote says what a change of the maximum capacity of Aurora Serverless v2 does not change: max_connections of Aurora PostgreSQL
// is a static parameter, which follows only when an instance restarts (Aurora user guide, "Maximum connections for Aurora Serverless
// v2").
func (e *poolEvaluation) restartNote() string {
	if !e.observation.Serverless || e.observation.Engine != "aurora-postgresql" {
		return ""
	}
	return "; max_connections follows when the instances are restarted"
}

// describeFit gives the figures by which a candidate was chosen.
func (e *poolEvaluation) describeFit(requiredVCPUs float64, c *candidate) string {
	return fmt.Sprintf("; for %.1f vCPU, %s would run at %.0f%% (target %d%%)",
		requiredVCPUs, c.Shape, c.PredictedUtilization, e.policy.CPU.Target)
}

// isScalingIneffective reports whether the last ineffectiveAttempts scale-ups of the pool, all within ineffectiveWindow, left its
// utilization unchanged.
func isScalingIneffective(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) bool {
	attempts := 0
	for n := range o.History { // by index: a record is large to copy
		r := &o.History[n]
		if r.Pool != pool || r.Direction == scaling.Cleanup || !r.Succeeded {
			continue
		}
		unchanged := r.UtilizationBefore != nil && r.UtilizationAfter != nil && *r.UtilizationBefore > 0 &&
			float64(*r.UtilizationAfter) >= ineffectiveRatio*float64(*r.UtilizationBefore) && *r.UtilizationAfter >= p.CPU.ScaleUp
		if r.Direction != scaling.Up || !unchanged || now.Sub(r.CompletedAt) >= ineffectiveWindow {
			return false
		}
		if attempts++; attempts == ineffectiveAttempts {
			return true
		}
	}
	return false
}
