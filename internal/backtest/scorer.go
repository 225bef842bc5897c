package backtest

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// OverloadedPercent is the CPU at which an instance in service counts as overloaded.
	OverloadedPercent = 90
	// minUnservedVCPUSeconds is the unserved work, in vCPU seconds, that counts as overload. Less is a rounding error.
	minUnservedVCPUSeconds = 1e-6
	// maxBuckets is the maximum number of buckets in a timeline.
	maxBuckets = 2000
	// maxEvents is the maximum number of events in a run.
	maxEvents = 1000
)

// scorer scores a run minute by minute, from the true state of the model.
type scorer struct {
	setup Setup
	world *model.World
	// billedSize returns the billed vCPUs and their cost per hour on another platform. It is nil for RDS instances, whose classes are
	// billed.
	billedSize func() (vcpus, cost float64)
	// nextMinute is the first minute that was not scored yet.
	nextMinute time.Time
	score      Score
	// microdollars is the cost of the pool, in millionths of a dollar.
	microdollars float64
	timeline     Timeline
	events       []Event
	capacity     capacityTracker
}

func newScorer(world *model.World, s Setup) *scorer {
	sc := &scorer{setup: s, world: world}
	sc.startTimeline()
	return sc
}

// startTimeline sets the start and the bucket length of the timeline.
func (sc *scorer) startTimeline() {
	r := sc.setup.Recording
	sc.nextMinute = r.Start.UTC().Truncate(time.Minute)
	minutes := int(r.End().Sub(sc.nextMinute) / time.Minute)
	sc.score.CostKnown = sc.setup.hasPrices()
	sc.timeline = Timeline{Start: sc.nextMinute, BucketLength: time.Duration((minutes+maxBuckets-1)/maxBuckets) * time.Minute}
	if from, until := sc.setup.TimelineFrom, sc.setup.TimelineUntil; !until.IsZero() {
		minutes = int(until.Sub(from) / time.Minute)
		sc.timeline = Timeline{Start: from, BucketLength: time.Duration((minutes+maxBuckets-1)/maxBuckets) * time.Minute}
	}
}

// recordEvent adds an event, and counts it if it is a change.
func (sc *scorer) recordEvent(e Event) {
	if sc.isInScoredTime(e.Time) && (e.Kind == EventScaleUp || e.Kind == EventScaleDown) {
		sc.score.Changes++
		if e.Foreseen && e.Kind == EventScaleUp {
			sc.capacity.addForeseenGrowth(&sc.score, e.Time)
		}
	}
	if !sc.isInTimeline(e.Time) {
		return
	}
	if sc.events = append(sc.events, e); len(sc.events) > 2*maxEvents {
		sc.events = append(sc.events[:0], sc.events[len(sc.events)-maxEvents:]...)
	}
}

// scoreNewMinutes scores the minutes that have ended since the last call.
func (sc *scorer) scoreNewMinutes() {
	target := sc.setup.Policy.Target
	for _, minute := range sc.world.MinutesSince(target.Scope.Region, target.Identifier, sc.nextMinute) {
		sc.nextMinute = minute.Time.Add(time.Minute)
		sc.scoreMinute(minute)
	}
}

// scoreMinute scores one minute.
func (sc *scorer) scoreMinute(minute model.MinuteSummary) {
	demand, capacity := minute.ReaderDemandVCPUs, minute.ReaderVCPUs
	if sc.setup.Pool == scaling.Writer {
		demand, capacity = minute.WriterDemandVCPUs, minute.WriterVCPUs
	}
	overloaded := IsOverloaded(minute)
	scored := sc.isScored(minute.Time)
	if scored {
		sc.score.ScoredMinutes++
		sc.score.UnservedVCPUMinutes += (minute.ReaderUnservedVCPUSeconds + minute.WriterUnservedVCPUSeconds) / 60
		if overloaded {
			sc.score.OverloadedMinutes++
		}
		sc.addCost()
		unserved := minute.ReaderUnservedVCPUSeconds
		if sc.setup.Pool == scaling.Writer {
			unserved = minute.WriterUnservedVCPUSeconds
		}
		sc.score.UsedVCPUHours += max(0, demand-unserved/60) / 60
	} else {
		demand = math.NaN()
	}
	sc.capacity.addMinute(&sc.score, capacityMinute{
		at: minute.Time, demand: demand, vcpus: capacity, isOverloaded: overloaded, scaleUpPercent: sc.setup.Policy.CPU.ScaleUp,
	})
	if minute.Disruptions > 0 && sc.isInScoredTime(minute.Time) {
		sc.score.Disruptions += minute.Disruptions
		const message = "An instance in service was restarted, or the writer failed over"
		sc.recordEvent(Event{Time: minute.Time, Kind: EventDisruption, Message: message})
	}
	sc.addToTimeline(minute.Time, demand, capacity, overloaded && scored)
}

// IsOverloaded reports whether an instance in service was at OverloadedPercent or more in a minute, or demand was not served.
func IsOverloaded(minute model.MinuteSummary) bool {
	return minute.HottestReaderPercent >= OverloadedPercent || minute.WriterPercent >= OverloadedPercent ||
		minute.ReaderUnservedVCPUSeconds+minute.WriterUnservedVCPUSeconds > minUnservedVCPUSeconds
}

// isInScoredTime reports whether a time is between ScoredFrom and ScoredUntil.
func (sc *scorer) isInScoredTime(at time.Time) bool {
	return !at.Before(sc.setup.ScoredFrom) && (sc.setup.ScoredUntil.IsZero() || at.Before(sc.setup.ScoredUntil))
}

// isScored reports whether a minute is in the scored time and not in a gap of the recording.
func (sc *scorer) isScored(at time.Time) bool {
	return sc.isInScoredTime(at) && isRecorded(sc.setup.Recording, at)
}

// isRecorded reports whether the recording has a value for a minute, or the minute is before the first value.
func isRecorded(r *recording.Recording, at time.Time) bool {
	n := int(at.Sub(r.Start) / r.Interval)
	return at.Before(r.Start) || n < len(r.Demand) && !math.IsNaN(r.Demand[n])
}

// addCost adds the cost of one minute of the pool. An instance costs from its creation until its deletion (RDS pricing; the minimum
// charge of ten minutes for each change is left out). For the writer pool, the cost includes what the readers exceed their initial
// shape by.
func (sc *scorer) addCost() {
	if sc.billedSize != nil {
		vcpus, cost := sc.billedSize()
		sc.score.VCPUHours += vcpus / 60
		sc.microdollars += cost / 60
		return
	}
	target, other := sc.setup.Policy.Target, sc.setup.OtherPoolShape
	add := func(class string, count int) {
		sc.score.VCPUHours += float64(count) * classVCPUs(class, sc.setup.Engine) / 60
		sc.microdollars += float64(count) * float64(sc.setup.Policy.Prices[class]) / 60
	}
	sc.world.ForEachInstance(target.Scope.Region, target.Identifier, func(i *model.Instance, writer bool) {
		if i.CreatedAt.IsZero() {
			return
		}
		inPool := writer == (sc.setup.Pool == scaling.Writer)
		if !inPool && sc.setup.Pool == scaling.Readers { // the writer does not change
			return
		}
		add(i.Class, 1)
	})
	if sc.setup.Pool == scaling.Writer { // the readers above included promotion candidates that grew, and surge readers
		add(other.InstanceClass, -other.Count)
	}
}

// isInTimeline reports whether a time is in the part of the recording that has a timeline.
func (sc *scorer) isInTimeline(at time.Time) bool {
	from, until := sc.setup.TimelineFrom, sc.setup.TimelineUntil
	return until.IsZero() || !at.Before(from) && at.Before(until)
}

// addToTimeline adds one minute to the timeline.
func (sc *scorer) addToTimeline(at time.Time, demand, capacity float64, overloaded bool) {
	if !sc.isInTimeline(at) {
		return
	}
	t := &sc.timeline
	n := int(at.Sub(t.Start) / t.BucketLength)
	for len(t.DemandVCPUs) <= n {
		t.DemandVCPUs, t.CapacityVCPUs = append(t.DemandVCPUs, math.NaN()), append(t.CapacityVCPUs, capacity)
		t.OverloadedMinutes = append(t.OverloadedMinutes, 0)
	}
	if math.IsNaN(t.DemandVCPUs[n]) || demand > t.DemandVCPUs[n] {
		t.DemandVCPUs[n] = demand
	}
	t.CapacityVCPUs[n] = min(t.CapacityVCPUs[n], capacity)
	if overloaded {
		t.OverloadedMinutes[n]++
	}
}

// result returns the run with its score, timeline and events.
func (sc *scorer) result(r Run) Run {
	if sc.score.CostKnown {
		sc.score.Cost = scaling.Money(math.Round(sc.microdollars))
	}
	r.Score, r.Timeline = sc.score, sc.timeline
	r.Events = sc.events[max(0, len(sc.events)-maxEvents):]
	return r
}
