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
	// minUnservedVCPUSeconds is the work in vCPU seconds below which nothing was refused: what sums of fractions are off by.
	minUnservedVCPUSeconds = 1e-6
	// maxBuckets is the greatest number of buckets of a track, and maxEvents of events of a run.
	maxBuckets, maxEvents = 2000, 1000
)

// scorer scores a run as it goes, minute by minute, from what is really the case in the model.
type scorer struct {
	setup Setup
	world *model.World
	// billedSize is the vCPUs that are paid for, and what an hour of them costs, of what is no RDS instance; nil otherwise.
	billedSize func() (vcpus, cost float64)
	// nextMinute is the minute from which on nothing was scored yet.
	nextMinute time.Time
	score      Score
	// microdollars are what the pool cost, in millionths of a dollar.
	microdollars float64
	timeline     Timeline
	events       []Event
}

func newScorer(w *model.World, s Setup) *scorer {
	m := &scorer{setup: s, world: w}
	m.startTimeline()
	return m
}

// startTimeline makes room for the track.
func (m *scorer) startTimeline() {
	r := m.setup.Recording
	m.nextMinute = r.Start.UTC().Truncate(time.Minute)
	minutes := int(r.End().Sub(m.nextMinute) / time.Minute)
	m.score.CostKnown = m.setup.hasPrices()
	m.timeline = Timeline{Start: m.nextMinute, BucketLength: time.Duration((minutes+maxBuckets-1)/maxBuckets) * time.Minute}
}

// recordEvent notes an event.
func (m *scorer) recordEvent(e Event) {
	if m.isInScoredTime(e.Time) && (e.Kind == EventScaleUp || e.Kind == EventScaleDown) {
		m.score.Changes++
	}
	if m.events = append(m.events, e); len(m.events) > 2*maxEvents {
		m.events = append(m.events[:0], m.events[len(m.events)-maxEvents:]...)
	}
}

// scoreNewMinutes scores the minutes that have ended.
func (m *scorer) scoreNewMinutes() {
	target := m.setup.Policy.Target
	for _, minute := range m.world.MinutesSince(target.Scope.Region, target.Identifier, m.nextMinute) {
		m.nextMinute = minute.Time.Add(time.Minute)
		m.scoreMinute(minute)
	}
}

// scoreMinute scores a minute.
func (m *scorer) scoreMinute(minute model.MinuteSummary) {
	demand, capacity := minute.ReaderDemandVCPUs, minute.ReaderVCPUs
	if m.setup.Pool == scaling.Writer {
		demand, capacity = minute.WriterDemandVCPUs, minute.WriterVCPUs
	}
	overloaded := minute.HottestReaderPercent >= OverloadedPercent || minute.WriterPercent >= OverloadedPercent ||
		minute.ReaderUnservedVCPUSeconds+minute.WriterUnservedVCPUSeconds > minUnservedVCPUSeconds
	known := m.isScored(minute.Time)
	if known {
		m.score.ScoredMinutes++
		m.score.UnservedVCPUMinutes += (minute.ReaderUnservedVCPUSeconds + minute.WriterUnservedVCPUSeconds) / 60
		if overloaded {
			m.score.OverloadedMinutes++
		}
		m.addCost()
	} else {
		demand = math.NaN()
	}
	if minute.Disruptions > 0 && m.isInScoredTime(minute.Time) {
		m.score.Disruptions += minute.Disruptions
		m.recordEvent(Event{Time: minute.Time, Kind: EventDisruption, Message: "An instance in service was restarted, or the writer failed over"})
	}
	m.addToTimeline(minute.Time, demand, capacity, overloaded && known)
}

// isInScoredTime says whether a moment is in the time that is scored, and counts whether a minute is that was recorded.
func (m *scorer) isInScoredTime(at time.Time) bool {
	return !at.Before(m.setup.ScoredFrom) && (m.setup.ScoredUntil.IsZero() || at.Before(m.setup.ScoredUntil))
}

func (m *scorer) isScored(at time.Time) bool {
	return m.isInScoredTime(at) && isRecorded(m.setup.Recording, at)
}

// isRecorded says whether the recording has a value for a minute.
func isRecorded(r *recording.Recording, at time.Time) bool {
	n := int(at.Sub(r.Start) / r.Interval)
	return at.Before(r.Start) || n < len(r.Demand) && !math.IsNaN(r.Demand[n])
}

// addCost adds what a minute of the pool costs, and what the other pool had to become for it. An instance costs from when it was created
// until it is gone (RDS pricing; the ten minutes that each change costs at least are left out).
func (m *scorer) addCost() {
	if m.billedSize != nil {
		vcpus, cost := m.billedSize()
		m.score.VCPUHours += vcpus / 60
		m.microdollars += cost / 60
		return
	}
	target, other := m.setup.Policy.Target, m.setup.OtherPoolShape
	add := func(class string, count int) {
		m.score.VCPUHours += float64(count) * classVCPUs(class, m.setup.Engine) / 60
		m.microdollars += float64(count) * float64(m.setup.Policy.Prices[class]) / 60
	}
	m.world.ForEachInstance(target.Scope.Region, target.Identifier, func(i *model.Instance, writer bool) {
		if i.CreatedAt.IsZero() {
			return
		}
		mine := writer == (m.setup.Pool == scaling.Writer)
		if !mine && m.setup.Pool == scaling.Readers { // the writer stays as it is
			return
		}
		add(i.Class, 1)
	})
	if m.setup.Pool == scaling.Writer { // what the readers have become beyond what they were is the writer's: its successor, and surge readers
		add(other.InstanceClass, -other.Count)
	}
}

// addToTimeline adds a minute to the track.
func (m *scorer) addToTimeline(at time.Time, demand, capacity float64, overloaded bool) {
	t := &m.timeline
	n := int(at.Sub(t.Start) / t.BucketLength)
	for len(t.DemandVCPUs) <= n {
		t.DemandVCPUs, t.CapacityVCPUs, t.OverloadedMinutes = append(t.DemandVCPUs, math.NaN()), append(t.CapacityVCPUs, capacity), append(t.OverloadedMinutes, 0)
	}
	if math.IsNaN(t.DemandVCPUs[n]) || demand > t.DemandVCPUs[n] {
		t.DemandVCPUs[n] = demand
	}
	t.CapacityVCPUs[n] = min(t.CapacityVCPUs[n], capacity)
	if overloaded {
		t.OverloadedMinutes[n]++
	}
}

// result is the score, the track and the events.
func (m *scorer) result(r Run) Run {
	if m.score.CostKnown {
		m.score.Cost = scaling.Money(math.Round(m.microdollars))
	}
	r.Score, r.Timeline = m.score, m.timeline
	r.Events = m.events[max(0, len(m.events)-maxEvents):]
	return r
}
