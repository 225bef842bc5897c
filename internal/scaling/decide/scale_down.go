package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// scaleDownDelayAfterChange is how long a pool is not scaled down after it changed, an instance restarted or the writer failed
	// over, however short the scale-down window is.
	scaleDownDelayAfterChange = time.Hour
	// regionSwitchWatch is how long no pool is scaled down after the cluster became the primary of its global database. ARC Region
	// switch scales a cluster up right before that, while its load is still low, and a switch may be reversed within hours.
	regionSwitchWatch = 12 * time.Hour
	// minResizeSavingFactor is the minimum ratio of the current cost to the new cost at which readers are resized to save cost.
	minResizeSavingFactor = 1.2
)

// isTooLarge decides whether a pool is too large: below cpu.scaleDownPercent in every minute of the scale-down window, with none
// saturated and hardly any missing.
func isTooLarge(p *scaling.Policy, l scaling.Load) bool {
	w := l.ScaleDownWindow
	return w.Complete && !w.Saturated && !reaches(utilizationPercent(w.PeakDemand, l.UsableCapacity), p.CPU.ScaleDown)
}

// proposeScaleDown proposes the preferred cheaper shape that carries the peak of the whole scale-down window, and what is
// predicted, at the target utilization, and that fits the memory, connections and I/O in use.
func (e *poolEvaluation) proposeScaleDown() (*scaling.Proposal, scaling.Hold) {
	e.listCandidates()
	w := e.load.ScaleDownWindow
	requiredVCPUs := max(w.PeakDemand, w.SeasonalDemand, e.load.TrendDemand, e.load.SeasonalDemand, e.load.DailyWorkDemand)
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.PredictedUtilization = e.predictUtilization(c, requiredVCPUs)
		c.Verdict = e.scaleDownVerdict(c)
		if c.Verdict == scaling.VerdictFits && e.isPreferred(c, best) {
			best = c
		}
	}
	if best == nil {
		return nil, e.noSmallerShapeHold()
	}
	best = e.skipIntermediateShapes(best, requiredVCPUs)
	best.Verdict = scaling.VerdictChosen
	if hold := cmp.Or(e.checkScaleDownDelay(scaleDownDelayAfterChange), e.checkCPUCredits()); hold.Reason != "" {
		return nil, hold
	}
	window := scaling.FormatDuration(e.policy.ScaleDown.Window)
	message := fmt.Sprintf("The %s has been below %d%% CPU for %s: %s → %s",
		poolNoun(e.pool), e.policy.CPU.ScaleDown, window, e.currentShape(), best.Shape)
	cause := fmt.Sprintf("The %s peaked at %.0f%% CPU over %s (threshold %d%%), demand %.1f vCPU", poolNoun(e.pool),
		utilizationPercent(w.PeakDemand, e.load.UsableCapacity), window, e.policy.CPU.ScaleDown, w.PeakDemand)
	cause += e.basisSuffix()
	cause += e.describeFit(requiredVCPUs, best) + e.restartNote()
	return e.newProposal(scaling.ReasonScaleDown, scaling.Down, best, message, cause), scaling.Hold{}
}

// scaleDownVerdict judges a candidate for a scale-down.
func (e *poolEvaluation) scaleDownVerdict(c *candidate) scaling.Verdict {
	if !e.hasLessCapacity(c) || c.VCPUs >= e.vcpus || !e.respectsPreference(c, len(e.instances)) {
		return scaling.VerdictWrongDirection
	}
	if v := e.checkLimits(c); v != "" {
		return v
	}
	switch {
	case e.pricing.isIncomparable(c.class):
		return scaling.VerdictPriceUnknown
	case e.pricing.cost(c) >= e.pricing.currentCost:
		return scaling.VerdictMoreExpensive
	case exceeds(c.PredictedUtilization, e.policy.CPU.Target):
		return scaling.VerdictTooSmall
	}
	return cmp.Or(e.checkResources(c), e.checkClassChange(c), scaling.VerdictFits)
}

// checkClassChange returns why a smaller shape that resizes instances must not be chosen; empty when it may be. The new class
// must carry the daily peak: with as many readers as the policy allows where the shape saves a third or more, since readers are
// added and removed within the day; the shape itself where it saves between a sixth and a third. Saving less does not justify to
// resize readers.
func (e *poolEvaluation) checkClassChange(c *candidate) scaling.Verdict {
	switch {
	case c.ResizedInstances == 0:
		return ""
	case e.load.DailyWorkDemand > 0: // its readers leave when it has begun and ended
		return scaling.VerdictTooSmallForDailyPeak
	case c.class.vcpus < e.largestVCPUs && !e.isCheaperOverHistory(c.class):
		return scaling.VerdictTooSmallForDailyPeak
	case e.weightedCost(c, c.ResizedInstances) <= e.pricing.currentCost+roundingTolerance || e.pool == scaling.Writer:
		if e.carriesDailyPeak(c.class.largest) {
			return ""
		}
		return scaling.VerdictTooSmallForDailyPeak
	case minResizeSavingFactor*e.pricing.cost(c) > e.pricing.currentCost+roundingTolerance || !e.carriesDailyPeak(c):
		return scaling.VerdictMoreExpensive
	}
	return ""
}

// carriesDailyPeak reports whether a shape would have carried, at the target utilization, the peak of the window for class
// changes, and carries the demand that earlier days predict for the next day.
func (e *poolEvaluation) carriesDailyPeak(c *candidate) bool {
	fitsTarget := func(demand float64) bool {
		return !exceeds(utilizationPercent(demand, e.usableVCPUs(c)), e.policy.CPU.Target)
	}
	const notPredicted = -1 // in SeasonalDemand, until it is needed
	if e.classChangeWindow == nil {
		w := e.summarizeClassChangeWindow(max(e.policy.ScaleDown.Window, e.policy.ScaleDownClassWindow))
		w.SeasonalDemand = notPredicted
		e.classChangeWindow = &w
	}
	w := e.classChangeWindow
	if !w.Complete || w.Saturated || !fitsTarget(w.PeakDemand) {
		return false
	}
	if w.SeasonalDemand == notPredicted && e.policy.PredictiveScaling.History {
		w.SeasonalDemand = predictSeasonal(e.observation, e.pool, e.now, day)
	}
	return fitsTarget(w.SeasonalDemand)
}

// summarizeClassChangeWindow describes the load over the window for class changes: by the minute when the pool has not changed
// for that long, and otherwise by the quarter of an hour, which is how the load of its earlier shapes is known.
func (e *poolEvaluation) summarizeClassChangeWindow(window time.Duration) scaling.ScaleDownWindow {
	if window == e.policy.ScaleDown.Window && e.load.ScaleDownWindow.Complete {
		return e.load.ScaleDownWindow // its minutes have been added up
	}
	changedAt := e.observation.ChangedAt(e.pool)
	if e.now.Sub(changedAt) > window && e.hasSamplesBefore(e.now.Add(-window)) {
		var buffer [day / samplePeriod]minuteLoad
		if w := summarizeScaleDownWindow(e.loadTimeline(buffer[:], changedAt, window), e.now); w.Complete {
			return w
		}
	}
	cpu, periods := poolHistory(e.observation, e.pool)
	w := e.load.ScaleDownWindow
	end := e.now.Add(-historyDelay).Truncate(quarterHour)
	begin := end.Add(-window).Truncate(quarterHour)
	p := newPast(cpu, periods, begin, math.Max)
	for n := range int(end.Sub(begin) / quarterHour) {
		percent, vcpus, known := p.quarter(n)
		if !known {
			return scaling.ScaleDownWindow{}
		}
		w.Saturated = w.Saturated || percent >= SaturationPercent
		w.PeakDemand = max(w.PeakDemand, min(percent, 100)/100*vcpus)
	}
	return w
}

// hasSamplesBefore reports whether every instance that carries load has a sample before a time. A window up to the newest published minute
// begins more than its length before now: without such samples it is not complete, and its minutes need not be added up.
func (e *poolEvaluation) hasSamplesBefore(at time.Time) bool {
	return !slices.ContainsFunc(excludeInstances(e.instances, e.load.WithoutClients), func(i poolInstance) bool {
		return i.CPU.IsEmpty() || !i.CPU.Start().Before(at)
	})
}

// checkScaleDownDelay returns why a pool that could be smaller must wait; an empty Hold when it need not.
func (e *poolEvaluation) checkScaleDownDelay(afterChange time.Duration) scaling.Hold {
	if inUpgradeWatch(e.policy, e.observation, e.now) {
		return scaling.Hold{Reason: scaling.ReasonUpgradeWatch, Message: fmt.Sprintf(
			"The %s (%s) could be smaller, but the engine was upgraded at %s: no scale-down until %s", poolNoun(e.pool), e.currentShape(),
			formatTime(e.observation.UpgradedAt), formatTime(e.observation.UpgradedAt.Add(e.policy.AfterEngineUpgrade.Duration)))}
	}
	if until := e.observation.PromotedAt.Add(regionSwitchWatch); !e.observation.PromotedAt.IsZero() && e.now.Before(until) {
		return scaling.Hold{Reason: scaling.ReasonRegionSwitch, Message: fmt.Sprintf(
			"The %s (%s) could be smaller, but the cluster became the primary of a global database at %s, and its clients may still be "+
				"moving: no scale-down until %s", poolNoun(e.pool), e.currentShape(), formatTime(e.observation.PromotedAt), formatTime(until))}
	}
	if until := e.observation.ChangedAt(e.pool).Add(afterChange); e.now.Before(until) {
		return scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) could be smaller, but changed or restarted less than %s ago: no scale-down until %s",
			poolNoun(e.pool), e.currentShape(), scaling.FormatDuration(afterChange), formatTime(until))}
	}
	return scaling.Hold{}
}

// noSmallerShapeHold says why a pool that is too large stays as it is.
func (e *poolEvaluation) noSmallerShapeHold() scaling.Hold {
	message := "The " + poolNoun(e.pool) + " (" + e.currentShape().String() + ") is below " + strconv.Itoa(e.policy.CPU.ScaleDown) + "% CPU, "
	if rejections := e.rejections(); len(rejections) > 0 {
		message += "but no smaller shape is suitable: " + e.describeRejections(rejections...)
	} else {
		message += "and the policy allows nothing smaller"
	}
	return scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: message}
}
