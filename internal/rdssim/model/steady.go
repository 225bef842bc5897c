package model

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// steadyState is the state of a database whose load is a function of time only and which nothing changes. Its samples are computed
// when they are queried, so that thousands of such databases cost neither time nor memory. It also has the past before the scenario's
// start. From the first tick after a change the database is simulated like all others; what it published before stays.
type steadyState struct {
	writer, readers *dailyDemand // nil for no load
	instances       []steadyInstance
	// start is the scenario's start, from which the demands count.
	start time.Time
	// until is the start of the first tick after the change; zero while nothing has changed.
	until time.Time
}

// steadyInstance is what of an instance must not change.
type steadyInstance struct {
	state                            *instanceState
	isWriter, changeInProgress       bool
	vcpus, memoryBytes, clientWeight float64
	inServiceSince                   time.Time
}

// minSteadyAge is the least age of a steady database: its caches are warm and its connections distributed.
const minSteadyAge = time.Hour

// validateSteady checks the age, and that nothing but time determines the load of a steady database.
func (d Database) validateSteady() error {
	if d.Age.Duration < 0 {
		return fmt.Errorf("age %s: want a duration >= 0s, such as 24h", d.Age.Duration)
	}
	if !d.Steady {
		return nil
	}
	switch {
	case !isAurora(d.Engine) || d.Serverless != nil || len(d.Instances) < 2:
		return errors.New("steady: want an Aurora cluster with at least one reader, and no Serverless v2")
	case d.Age.Duration != 0 && d.Age.Duration < minSteadyAge:
		return errors.New("steady: want an age of at least 1h")
	case d.IO != nil || len(d.CustomEndpoints) > 0:
		return errors.New("steady: want no io and no customEndpoints")
	}
	readerVCPUs := 0.0
	for n, m := range d.Instances {
		class, err := catalog.Lookup(m.Class)
		if err != nil || strings.HasPrefix(m.Class, "db.t") {
			return errors.New("steady: want classes of the catalog that are not burstable")
		}
		vcpus := class.VCPUFor(d.Engine) * (1 - overheadShare)
		switch {
		case n == 0:
			if d.Load.Writer.highestDailyDemand() > vcpus {
				return errors.New("steady: want a load that the writer can serve")
			}
		case n > 1 && m.Class != d.Instances[1].Class:
			return errors.New("steady: want readers of one class")
		default:
			readerVCPUs += vcpus
		}
	}
	if d.Load.Readers.highestDailyDemand() > readerVCPUs {
		return errors.New("steady: want a load that the readers can serve")
	}
	return nil
}

// highestDailyDemand returns the highest demand of a curve that a steady database may have, and infinity for every other curve.
func (c Curve) highestDailyDemand() float64 {
	switch {
	case c.NoisePercent != 0 || len(c.Multipliers) > 0:
		return math.Inf(1)
	case c.Daily != nil:
		return c.Daily.MeanVCPUs * (1 + c.Daily.VariationPercent/100)
	case c.countSources() == 0:
		return 0
	}
	return math.Inf(1)
}

// makeSteady records the state of a database of the scenario, so that its samples are computed until something changes.
func (g *instanceGroup) makeSteady(start time.Time) {
	g.steady = &steadyState{writer: g.writer.demand.daily, readers: g.readers.demand.daily, start: start}
	for _, s := range g.instances {
		g.steady.instances = append(g.steady.instances, s.steadyInstance())
	}
}

func (s *instanceState) steadyInstance() steadyInstance {
	return steadyInstance{
		state: s, isWriter: s.isWriter(), vcpus: s.vcpus, memoryBytes: s.memoryBytes, clientWeight: s.clientWeight,
		inServiceSince: s.inServiceSince, changeInProgress: s.changeInProgress,
	}
}

// staysSteady reports whether nothing has changed a steady database since the last tick, so that this tick need not be simulated. After
// a change it ends the steady state, with the ticks of this minute until then counted.
func (w *World) staysSteady(g *instanceGroup) bool {
	past := g.steady
	if past == nil || !past.until.IsZero() {
		return false
	}
	if g.isUnchanged() {
		return true
	}
	past.until = w.lastTick.Add(-tickInterval)
	for at := past.until.Truncate(time.Minute).Add(tickInterval); !at.After(past.until); at = at.Add(tickInterval) {
		past.countTick(at)
	}
	return false
}

// isUnchanged reports whether every instance of a steady database is as it was at the start, and so is the load.
func (g *instanceGroup) isUnchanged() bool {
	if len(g.instances) != len(g.steady.instances) || g.loadChanged || g.costFactor != 1 || len(g.endpointDemands) > 0 {
		return false
	}
	for n, s := range g.instances {
		if !s.isInService() || s.steadyInstance() != g.steady.instances[n] {
			return false
		}
	}
	return true
}

// countTick adds a tick of the steady state to the current minute of its instances.
func (p *steadyState) countTick(at time.Time) {
	for _, i := range p.instances {
		requested := p.requestedVCPUs(i.isWriter, at)
		i.state.minuteTotals.ticks++
		i.state.minuteTotals.usedVCPUs += requested
		i.state.minuteTotals.requestedVCPUs += requested
	}
}

// requestedVCPUs returns what the clients of an instance ask for at a time.
func (p *steadyState) requestedVCPUs(isWriter bool, at time.Time) float64 {
	switch {
	case isWriter && p.writer != nil:
		return p.writer.at(at.Sub(p.start))
	case !isWriter && p.readers != nil:
		return p.readers.at(at.Sub(p.start)) / float64(len(p.instances)-1)
	}
	return 0
}

// meanTick is the middle of the ticks of a minute, at the end of each of which the load is taken.
const meanTick = (time.Minute + tickInterval) / 2

// forEachSteady calls handle with the samples of an instance in its steady state, for minutes with from <= start < to, oldest first, as
// far as metrics are kept and published. With a period of several minutes only the first, the middle and the last minute of each period
// are computed: the load changes so slowly that their mean, minimum and maximum are those of all.
func (w *World) forEachSteady(s *instanceState, from, to time.Time, period time.Duration, handle func(*sample)) {
	instance := s.group.steady.find(s)
	if instance == nil {
		return
	}
	past := s.group.steady
	first := laterTime(from, laterTime(instance.inServiceSince, w.now.Add(-w.retention())))
	if rounded := first.Truncate(time.Minute); rounded.Before(first) {
		first = rounded.Add(time.Minute)
	} else {
		first = rounded
	}
	last := to
	if end := w.newestPublished().Add(time.Minute); end.Before(last) {
		last = end
	}
	if end := past.until.Truncate(time.Minute); !past.until.IsZero() && end.Before(last) { // the minute of the change is simulated
		last = end
	}
	p := sample{isWriter: instance.isWriter, io: s.serveIO(w.now)}
	positions := sampledMinutes(period)
	for start := first.Truncate(period); start.Before(last); start = start.Add(period) {
		for _, position := range positions {
			minute := start.Add(position)
			if minute.Before(first) || !minute.Before(last) {
				continue
			}
			requested := past.requestedVCPUs(instance.isWriter, minute.Add(meanTick))
			p.time, p.activeSessions = minute, requested
			p.cpuPercent = 100 * (overheadShare + requested/instance.vcpus)
			p.uptimeSeconds = minute.Add(time.Minute).Sub(instance.inServiceSince).Seconds()
			p.lagMillis = idleLagMillis + loadLagMillis*p.cpuPercent/100
			p.freeableMemoryBytes = max(0, freeableMemoryShare*instance.memoryBytes-bytesPerConnection*p.connections())
			handle(&p)
		}
	}
}

// sampledMinutes returns which minutes of a period are computed, as offsets from its start.
func sampledMinutes(period time.Duration) []time.Duration {
	if period <= 2*time.Minute {
		return []time.Duration{0, time.Minute}[:period/time.Minute]
	}
	middle := (period / 2).Truncate(time.Minute)
	return []time.Duration{0, middle, period - time.Minute}
}

// find returns the steady state of an instance; nil if it has none.
func (p *steadyState) find(s *instanceState) *steadyInstance {
	if p == nil {
		return nil
	}
	for n := range p.instances {
		if p.instances[n].state == s {
			return &p.instances[n]
		}
	}
	return nil
}

// newestPublished returns the start of the newest minute whose metrics are published.
func (w *World) newestPublished() time.Time {
	newest := w.now.Truncate(time.Minute).Add(-time.Minute)
	for w.PublishTime(newest).After(w.now) {
		newest = newest.Add(-time.Minute)
	}
	return newest
}

func laterTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
