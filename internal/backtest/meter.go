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
	// refusedLeast is the work in vCPU seconds below which nothing was refused: what sums of fractions are off by.
	refusedLeast = 1e-6
	// tracked is the greatest number of buckets of a track, and eventsKept of events of a run.
	tracked, eventsKept = 2000, 1000
)

// meter scores a run as it goes, minute by minute, from what is really the case in the model.
type meter struct {
	setup Setup
	world *model.World
	// billed is the vCPUs that are paid for, and what an hour of them costs, of what is no RDS instance; nil otherwise.
	billed func() (vcpus, cost float64)
	// next is the minute from which on nothing was scored yet.
	next  time.Time
	score Score
	// dollars are what the pool cost, in millionths of a dollar.
	dollars float64
	track   Track
	events  []Event
}

func newMeter(w *model.World, s Setup) *meter {
	m := &meter{setup: s, world: w}
	m.begin()
	return m
}

// begin makes room for the track.
func (m *meter) begin() {
	r := m.setup.Recording
	m.next = r.Start.UTC().Truncate(time.Minute)
	minutes := int(r.End().Sub(m.next) / time.Minute)
	m.score.Priced = m.setup.priced()
	m.track = Track{Start: m.next, Bucket: time.Duration((minutes+tracked-1)/tracked) * time.Minute}
}

// tell notes an event.
func (m *meter) tell(e Event) {
	if m.within(e.At) && (e.Kind == Grew || e.Kind == Shrank) {
		m.score.Changes++
	}
	if m.events = append(m.events, e); len(m.events) > 2*eventsKept {
		m.events = append(m.events[:0], m.events[len(m.events)-eventsKept:]...)
	}
}

// measure scores the minutes that have ended.
func (m *meter) measure() {
	target := m.setup.Policy.Target
	for _, minute := range m.world.MinutesSince(target.Scope.Region, target.Identifier, m.next) {
		m.next = minute.Time.Add(time.Minute)
		m.add(minute)
	}
}

// add scores a minute.
func (m *meter) add(minute model.MinuteSummary) {
	demand, capacity := minute.ReaderDemandVCPUs, minute.ReaderVCPUs
	if m.setup.Pool == scaling.Writer {
		demand, capacity = minute.WriterDemandVCPUs, minute.WriterVCPUs
	}
	overloaded := minute.HottestReaderPercent >= OverloadedPercent || minute.WriterPercent >= OverloadedPercent ||
		minute.ReaderUnservedVCPUSeconds+minute.WriterUnservedVCPUSeconds > refusedLeast
	known := m.counts(minute.Time)
	if known {
		m.score.Minutes++
		m.score.Unserved += (minute.ReaderUnservedVCPUSeconds + minute.WriterUnservedVCPUSeconds) / 60
		if overloaded {
			m.score.Overloaded++
		}
		m.charge()
	} else {
		demand = math.NaN()
	}
	if minute.Disruptions > 0 && m.within(minute.Time) {
		m.score.Disruptions += minute.Disruptions
		m.tell(Event{At: minute.Time, Kind: Disrupted, Text: "An instance in service was restarted, or the writer failed over"})
	}
	m.draw(minute.Time, demand, capacity, overloaded && known)
}

// within says whether a moment is in the time that is scored, and counts whether a minute is that was recorded.
func (m *meter) within(at time.Time) bool {
	return !at.Before(m.setup.From) && (m.setup.Until.IsZero() || at.Before(m.setup.Until))
}

func (m *meter) counts(at time.Time) bool { return m.within(at) && recorded(m.setup.Recording, at) }

// recorded says whether the recording has a value for a minute.
func recorded(r *recording.Recording, at time.Time) bool {
	n := int(at.Sub(r.Start) / r.Interval)
	return at.Before(r.Start) || n < len(r.Demand) && !math.IsNaN(r.Demand[n])
}

// charge adds what a minute of the pool costs, and what the other pool had to become for it. An instance costs from when it was created
// until it is gone (RDS pricing; the ten minutes that each change costs at least are left out).
func (m *meter) charge() {
	if m.billed != nil {
		vcpus, cost := m.billed()
		m.score.VCPUHours += vcpus / 60
		m.dollars += cost / 60
		return
	}
	target, other := m.setup.Policy.Target, m.setup.Other
	add := func(class string, count int) {
		m.score.VCPUHours += float64(count) * vcpus(class, m.setup.Engine) / 60
		m.dollars += float64(count) * float64(m.setup.Policy.Prices[class]) / 60
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

// draw adds a minute to the track.
func (m *meter) draw(at time.Time, demand, capacity float64, overloaded bool) {
	t := &m.track
	n := int(at.Sub(t.Start) / t.Bucket)
	for len(t.Demand) <= n {
		t.Demand, t.Capacity, t.Overloaded = append(t.Demand, math.NaN()), append(t.Capacity, capacity), append(t.Overloaded, 0)
	}
	if math.IsNaN(t.Demand[n]) || demand > t.Demand[n] {
		t.Demand[n] = demand
	}
	t.Capacity[n] = min(t.Capacity[n], capacity)
	if overloaded {
		t.Overloaded[n]++
	}
}

// result is the score, the track and the events.
func (m *meter) result(r Run) Run {
	if m.score.Priced {
		m.score.Cost = scaling.Money(math.Round(m.dollars))
	}
	r.Score, r.Track = m.score, m.track
	r.Events = m.events[max(0, len(m.events)-eventsKept):]
	return r
}
