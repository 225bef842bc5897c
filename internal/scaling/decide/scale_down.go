package decide

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// scaleDownDelayAfterChange is how long after a pool has changed, an instance of it has restarted or the writer has failed over nothing shrinks,
// however short the scale-down window is.
const scaleDownDelayAfterChange = time.Hour

// proposeScaleDown proposes the preferred cheaper shape that carries the peak of the whole window, and what is foreseen, at the target
// utilization, and has room for the memory and connections that there are.
func (e *poolEvaluation) proposeScaleDown() (*scaling.Proposal, scaling.Hold) {
	e.listCandidates()
	low := e.load.ScaleDownWindow
	requiredVCPUs := max(low.PeakDemand, low.SeasonalDemand, e.load.TrendDemand, e.load.SeasonalDemand)
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
	if hold := e.checkScaleDownDelay(); hold != nil {
		return nil, *hold
	}
	message := fmt.Sprintf("The %s have been below %d%% CPU for %s: %s → %s",
		poolNoun(e.pool), e.policy.CPU.ScaleDown, formatDuration(e.policy.ScaleDown.Window), e.currentShape(), best.Shape)
	cause := fmt.Sprintf("%s peaked at %.0f%% CPU over %s (threshold %d%%), demand %.1f vCPU; for %.1f vCPU %s would run at %.0f%%",
		poolNoun(e.pool), utilizationPercent(low.PeakDemand, e.load.UsableCapacity), formatDuration(e.policy.ScaleDown.Window), e.policy.CPU.ScaleDown, low.PeakDemand,
		requiredVCPUs, best.Shape, best.PredictedUtilization)
	return e.newProposal(scaling.ReasonScaleDown, scaling.Down, best, message, cause), scaling.Hold{}
}

// scaleDownVerdict says what is to be said against a candidate for shrinking.
func (e *poolEvaluation) scaleDownVerdict(c *candidate) scaling.Verdict {
	if e.usableVCPUs(c) >= e.load.UsableCapacity || c.VCPUs >= e.load.Capacity || !e.respectsPreference(c, len(e.instances)) {
		return scaling.VerdictWrongDirection
	}
	if v := e.checkLimits(c); v != "" {
		return v
	}
	switch {
	case e.pricing.isIncomparable(*c.class):
		return scaling.VerdictPriceUnknown
	case e.pricing.cost(c) >= e.pricing.currentCost:
		return scaling.VerdictMoreExpensive
	case c.PredictedUtilization > float64(e.policy.CPU.Target)+roundingTolerance:
		return scaling.VerdictTooSmall
	}
	return cmp.Or(e.checkMemoryAndConnections(c), e.checkClassChange(c), scaling.VerdictFits)
}

// checkClassChange says what is to be said against a smaller shape that resizes instances. It has to last for a day: itself, where it
// saves little, or where it saves a third with as many readers as the policy allows, since they come and go with the hours.
func (e *poolEvaluation) checkClassChange(c *candidate) scaling.Verdict {
	switch {
	case c.ResizedInstances == 0:
		return ""
	case e.weightedCost(c, c.ResizedInstances) <= e.pricing.currentCost+roundingTolerance || e.pool == scaling.Writer:
		if e.carriesDailyPeak(e.largestOfClass(c)) {
			return ""
		}
		return scaling.VerdictTooSmallForDailyPeak
	case minResizeSavingFactor*e.pricing.cost(c) > e.pricing.currentCost+roundingTolerance || !e.carriesDailyPeak(c):
		return scaling.VerdictMoreExpensive
	}
	return ""
}

// minResizeSavingFactor is how many times what it will cost a shape must cost now before readers are resized in order to save.
const minResizeSavingFactor = 1.2

// largestOfClass is the largest shape of a candidate's class.
func (e *poolEvaluation) largestOfClass(c *candidate) *candidate {
	for n := range e.candidates {
		if other := &e.candidates[n]; other.class == c.class && other.Shape.Count > c.Shape.Count {
			c = other
		}
	}
	return c
}

// carriesDailyPeak says whether a shape would have carried all of the window for a change of class, and carries what earlier days let expect of
// the next.
func (e *poolEvaluation) carriesDailyPeak(c *candidate) bool {
	fitsTarget := func(demand float64) bool {
		return utilizationPercent(demand, e.usableVCPUs(c)) <= float64(e.policy.CPU.Target)+roundingTolerance
	}
	if e.classChangeWindow == nil { // it is long, and seldom asked for
		l := e.summarizeClassChangeWindow(max(e.policy.ScaleDown.Window, e.policy.ScaleDownClassWindow))
		l.SeasonalDemand = -1
		e.classChangeWindow = &l
	}
	l := e.classChangeWindow
	if !l.Complete || l.Saturated || !fitsTarget(l.PeakDemand) {
		return false
	}
	if l.SeasonalDemand < 0 && e.policy.PredictiveScaling.History {
		l.SeasonalDemand = predictSeasonal(e.observation, e.pool, e.now, day)
	}
	return fitsTarget(l.SeasonalDemand)
}

// summarizeClassChangeWindow sums up the window for a change of class: by the minute where the pool has been the same for so long, and otherwise by
// the quarter of an hour, which is what is known of the shapes that it had before.
func (e *poolEvaluation) summarizeClassChangeWindow(window time.Duration) scaling.ScaleDownWindow {
	if since := e.observation.ChangedAt(e.pool); e.now.Sub(since) > window {
		if l := summarizeScaleDownWindow(newTimeline(e.instances, since, e.now, window), e.now); l.Complete {
			return l
		}
	}
	cpu, periods := poolHistory(e.observation, e.pool)
	l := e.load.ScaleDownWindow
	end := e.now.Add(-historyDelay).Truncate(quarterHour)
	begin := end.Add(-window).Truncate(quarterHour)
	cpu = cpu[cpu.IndexFrom(begin):]
	for at := begin; at.Before(end); at = at.Add(quarterHour) {
		if len(cpu) == 0 || !cpu[0].Time.Equal(at) || !scaling.IsValidSample(cpu[0].Value) {
			return scaling.ScaleDownWindow{}
		}
		vcpus, known := averageCapacity(periods, at, at.Add(quarterHour), math.Max)
		if !known {
			return scaling.ScaleDownWindow{}
		}
		l.Saturated = l.Saturated || cpu[0].Value >= SaturationPercent
		l.PeakDemand = max(l.PeakDemand, min(cpu[0].Value, 100)/100*vcpus)
		cpu = cpu[1:]
	}
	return l
}

// checkScaleDownDelay says why a pool that could shrink has to wait, or nothing.
func (e *poolEvaluation) checkScaleDownDelay() *scaling.Hold {
	if inUpgradeWatch(e.policy, e.observation, e.now) {
		return &scaling.Hold{Reason: scaling.ReasonUpgradeWatch, Message: fmt.Sprintf(
			"The %s (%s) could be smaller. The engine was upgraded at %s: nothing shrinks until %s", poolNoun(e.pool), e.currentShape(),
			formatTime(e.observation.UpgradedAt), formatTime(e.observation.UpgradedAt.Add(e.policy.AfterEngineUpgrade.Duration)))}
	}
	if until := e.observation.ChangedAt(e.pool).Add(scaleDownDelayAfterChange); e.now.Before(until) {
		return &scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) could be smaller, and have changed or restarted a short time ago: nothing shrinks until %s",
			poolNoun(e.pool), e.currentShape(), formatTime(until))}
	}
	return nil
}

// noSmallerShapeHold says why a pool that is too large stays as it is.
func (e *poolEvaluation) noSmallerShapeHold() scaling.Hold {
	refused := e.rejections()
	if len(refused) == 0 {
		return scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: fmt.Sprintf(
			"The %s (%s) are below %d%% CPU, and the policy allows nothing smaller", poolNoun(e.pool), e.currentShape(), e.policy.CPU.ScaleDown)}
	}
	return scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: fmt.Sprintf(
		"The %s (%s) are below %d%% CPU, and nothing smaller would do: %s", poolNoun(e.pool), e.currentShape(), e.policy.CPU.ScaleDown, describeRejections(refused...))}
}
