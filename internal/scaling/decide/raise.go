package decide

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// EvaluateRaise decides whether an operation in progress, which adds readers, has to add more: the demand has outgrown the shape that it
// leads to. The proposal has the class of the operation and more readers, so that it interrupts nothing; there is none when the
// operation suffices. Only Aurora distributes connections to new readers, so that no operation on read replicas of a DB instance is
// raised.
//
// While the pool changes, some readers have no samples yet. The demand is then at least the sum of those that have: enough to know that
// the operation is too small, never that it is too large.
func EvaluateRaise(p scaling.Policy, o scaling.Observation, op scaling.Operation, now time.Time) scaling.Decision {
	d := scaling.Decision{RequeueAfter: RequeueInterval}
	if op.Pool != scaling.Readers || op.Direction != scaling.Up || op.To.InstanceClass == "" || p.Readers == nil ||
		o.Kind != scaling.DBCluster || o.ResizedAsUnit || p.ManualControl.DesiredShape(scaling.Readers, now) != nil {
		return d
	}
	o = o.WithoutFailedReaders().WithoutStaticReaders()
	serving, err := poolInstances(&o, scaling.Readers)
	if err != nil {
		return d // an unknown class: what the operation does is still right
	}
	room := readerRoom(&p, &o, op)
	o.Instances = instancesAfter(o.Instances, op)
	planned, err := poolInstances(&o, scaling.Readers)
	if err != nil {
		return d
	}
	load := leastLoad(&p, &o, serving, planned, now)
	if !load.Fresh {
		return d
	}
	if checkAllowedClasses(&p, scaling.Readers) != nil {
		return d
	}
	e := &poolEvaluation{
		policy: &p, observation: &o, now: now, pool: scaling.Readers, instances: planned, load: load, buffers: new(poolBuffers),
	}
	if e.minimum, err = scheduledMinimum(&p, o.Engine, scaling.Readers, now); err != nil {
		return d
	}
	if proposal := e.proposeMoreReaders(op.To.InstanceClass, room, "more than the operation in progress leads to"); proposal != nil {
		proposal.Emergency = op.Emergency
		d.Proposals = []scaling.Proposal{*proposal}
		d.Pools = []scaling.PoolAssessment{{Load: load, Scaled: true, Candidates: e.reported, RequiredVCPUs: proposal.Demand}}
	}
	return d
}

// readerRoom returns how many readers may be added while an operation is in progress: at its end there are at most the maximum, and with
// those that it is about to remove never more than the maximum and the surge readers of the policy.
func readerRoom(p *scaling.Policy, o *scaling.Observation, op scaling.Operation) int {
	present := 0
	for n := range o.Instances { // by index: an instance is large to copy
		if !o.Instances[n].Writer {
			present++
		}
	}
	for _, s := range op.Steps {
		if _, exists := o.Instance(s.Instance); s.Action == scaling.CreateReader && !exists {
			present++
		}
	}
	return min(p.Readers.Max-op.To.Count, p.Readers.Max+p.Guardrails.SurgeReaders-present)
}

// instancesAfter returns the instances as they are when an operation on readers is done.
func instancesAfter(instances []scaling.Instance, op scaling.Operation) []scaling.Instance {
	out := append(make([]scaling.Instance, 0, len(instances)+len(op.Steps)), instances...)
	indexOf := func(name string) int {
		return slices.IndexFunc(out, func(i scaling.Instance) bool { return i.Identifier == name })
	}
	for _, s := range op.Steps {
		n := indexOf(s.Instance)
		switch {
		case s.Action == scaling.CreateReader && n < 0:
			out = append(out, scaling.Instance{
				Identifier: s.Instance, Class: s.InstanceClass, Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
			})
		case s.Action == scaling.ModifyInstanceClass && n >= 0:
			out[n].Class, out[n].PendingClass = s.InstanceClass, ""
		case s.Action == scaling.DeleteReader && n >= 0:
			out = slices.Delete(out, n, n+1)
		}
	}
	return out
}

// leastLoad measures the demand of the readers that are in service, warmed up and have samples, and relates it to the planned ones. The
// actual demand is at least that.
func leastLoad(p *scaling.Policy, o *scaling.Observation, serving, planned []poolInstance, now time.Time) scaling.Load {
	load := scaling.Load{Pool: scaling.Readers, Capacity: totalVCPUs(planned), IsLowerBound: true}
	load.UsableCapacity = load.Capacity
	if p.Readers.Redundancy == scaling.OneReaderLost {
		load.UsableCapacity -= maxVCPUs(planned)
	}
	serving = slices.DeleteFunc(slices.Clone(serving), func(i poolInstance) bool {
		newest, known := i.CPU.NewestSample()
		return !scaling.IsServing(i.Status) || !known || newest.Time.Before(warmSince(i))
	})
	if len(serving) == 0 {
		return load
	}
	t := newTimeline(nil, serving, time.Time{}, now, trendWindow) // without samples
	for n := range serving {
		t.addSamples(&serving[n], laterOf(t.start, warmSince(serving[n])))
	}
	canRise, canTrend := t.lastMinutes(3*samplePeriod).hasSameInstances(), t.hasSameInstances()
	t.instanceCount = 1
	for n := range t.minutes {
		t.minutes[n].reporting = min(t.minutes[n].reporting, 1)
	}
	recent := t.lastMinutes(p.ScaleUp.Window)
	s := recent.summarize()
	load.NewestSampleAt = s.newestMinute
	load.Fresh = s.hasCoverage(len(recent.minutes)) && now.Sub(s.newestMinute) <= scaling.MaxSampleAge
	load.UtilizationPercent = utilizationPercent(s.meanDemand, load.UsableCapacity)
	load.Demand, load.Saturated, load.Censored = s.peakDemand, s.saturated, s.censored
	if s.censored { // the demand may be a multiple of what the readers in service can show
		load.Demand = max(load.Demand, censoredGrowthFactor*totalVCPUs(serving)*float64(p.CPU.Target)/100)
	}
	if p.PredictiveScaling.Trend && canRise {
		load.TrendDemand = predictRise(t)
	}
	if p.PredictiveScaling.Trend && canTrend {
		load.TrendDemand = max(load.TrendDemand, predictTrend(t, now.Add(estimateLeadTime(o.History, scaling.Readers))))
	}
	return load
}

// hasSameInstances reports whether as many instances have a sample in every minute. Otherwise a sample that is missing, or a reader that
// is new, would look like a change of the demand.
func (t timeline) hasSameInstances() bool {
	for n := range t.minutes {
		if t.minutes[n].reporting != t.minutes[0].reporting {
			return false
		}
	}
	return true
}

// warmSince returns from when on the samples of an instance count: it was created and restarted long enough ago.
func warmSince(i poolInstance) time.Time {
	return laterOf(i.CreatedAt, i.RestartedAt).Add(WarmUp)
}

// proposeMoreReaders proposes to add readers of one class to the planned ones, when the demand exceeds what those carry: as many as it
// takes to reach the target, or as many as there is room for. The comparison ends the sentence about the demand. It returns nil when the
// planned ones suffice, no more are allowed, the policy prefers larger readers to more, or more have not helped before.
func (e *poolEvaluation) proposeMoreReaders(class string, room int, comparison string) *scaling.Proposal {
	if e.policy.Readers.Preference == scaling.Vertical || isScalingIneffective(e.policy, e.observation, e.pool, e.now) {
		return nil
	}
	required := max(e.load.Demand, e.load.TrendDemand)
	if !reaches(utilizationPercent(required, e.load.UsableCapacity), e.scaleUpThreshold()) {
		return nil
	}
	best := e.pickMoreReaders(class, room, required)
	if best == nil {
		return nil
	}
	best.Verdict = scaling.VerdictChosen
	message := fmt.Sprintf("The readers need at least %.1f vCPU, %s: %s → %s", required, comparison, e.currentShape(), best.Shape)
	cause := fmt.Sprintf("The readers in service used %.1f vCPU, and need at least %.1f before more could be in service; %s would run at "+
		"%.0f%% (threshold %d%%)%s", e.load.Demand, required, e.currentShape(), utilizationPercent(required, e.load.UsableCapacity),
		e.scaleUpThreshold(), e.describeFit(required, best))
	return e.newProposal(scaling.ReasonScaleUp, scaling.Up, best, message, cause)
}

// pickMoreReaders returns the shape of one class with the fewest additional readers, and at most as many as there is room for, that carries
// a demand at the target, or else the largest one; nil when no more readers are allowed.
func (e *poolEvaluation) pickMoreReaders(class string, room int, required float64) *candidate {
	e.listCandidates()
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		if c.class.name != class || c.Shape.Count <= len(e.instances) || c.Shape.Count > len(e.instances)+room {
			continue
		}
		c.PredictedUtilization = e.predictUtilization(c, required)
		if c.Verdict = e.checkLimits(c); c.Verdict != "" {
			continue
		}
		fits := !exceeds(c.PredictedUtilization, e.policy.CPU.Target)
		if best == nil || exceeds(best.PredictedUtilization, e.policy.CPU.Target) {
			best = c // in the order of the count
		}
		c.Verdict = scaling.VerdictTooSmall
		if fits {
			c.Verdict = scaling.VerdictFits
		}
	}
	return best
}
