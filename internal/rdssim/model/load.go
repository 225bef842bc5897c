package model

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// patience is how long clients wait: unserved work is bounded by what the pool can do in this time, and what is above
	// it times out and is lost. A quarter of an hour is a queue of jobs, rather than a person in front of a screen.
	patience = 15 * time.Minute
	// retryWithin is how soon waiting work is asked for again. It makes a backlog of so many vCPU seconds show as backlog
	// divided by retryWithin sessions that want a CPU, beside those of new work.
	retryWithin = 10 * time.Minute
)

// group is the instances that share a load: those of a cluster, or a plain one.
type group struct {
	region, identifier string
	cluster            *Cluster // nil for a plain instance
	servers            []*server
	// failing says that a failover is under way, and modifying that the members of a Multi-AZ DB cluster get another class.
	failing         bool
	modifying       bool
	writer, readers pool
	// cost multiplies the demand: what upgrades have made of the queries.
	cost float64
	// random is for noise alone, so that a load is the same whatever is done to the database.
	random  *rand.Rand
	minutes []Minute
	minute  tally
	// disruptions counts the restarts of instances in service and the failovers.
	disruptions int
}

// pool is the instances of one role, and their work.
type pool struct {
	demand demand
	noise  float64 // this minute's factor
	// asked is the vCPUs that clients asked for in the last tick, and backlog the vCPU seconds that wait.
	asked, backlog float64
	// unserved is the vCPUs that could not be served in the last tick, and refused those of it that were asked for the first time.
	unserved, refused float64
	// capacity is the vCPUs that the pool had when it last had any.
	capacity float64
	serving  []*server
}

// SetLoad changes what a cluster, or a plain instance, is asked to do from now on. Moments count from the scenario's start.
// The error says what is wrong with the load.
func (w *World) SetLoad(region, identifier string, l Load) error {
	g, found := w.group(region, identifier)
	if !found {
		return fmt.Errorf("there is no database %q in %s", identifier, region)
	}
	readers := g.cluster != nil || len(g.servers) > 1
	if err := l.validate(w.scenario, readers); err != nil {
		return err
	}
	writer, err := w.scenario.resolve(l.Writer)
	if err != nil {
		return fmt.Errorf("load.writer.recording: %w", err)
	}
	reading, err := w.scenario.resolve(l.Readers)
	if err != nil {
		return fmt.Errorf("load.readers.recording: %w", err)
	}
	g.writer.demand, g.readers.demand = writer, reading
	return nil
}

// drawNoise draws the noise of the next minute.
func (g *group) drawNoise() {
	for _, p := range []*pool{&g.writer, &g.readers} {
		p.noise = 1 + p.demand.noise*(2*g.random.Float64()-1)
	}
}

// serve lets a group work for the tick that ends now.
func (g *group) serve(now time.Time, since time.Duration) {
	g.writer.serving, g.readers.serving = g.writer.serving[:0], g.readers.serving[:0]
	for _, s := range g.servers {
		s.used, s.wanted = 0, 0
		switch {
		case !s.serving():
		case s.writer():
			g.writer.serving = append(g.writer.serving, s)
		default:
			g.readers.serving = append(g.readers.serving, s)
		}
	}
	g.writer.ask(g.cost, since)
	g.readers.ask(g.cost, since)
	if len(g.readers.serving) == 0 && len(g.writer.serving) > 0 {
		// The reader endpoint then names the writer (Aurora user guide, "Reader endpoints"); clients of read replicas are taken to
		// turn to their source.
		g.writer.backlog += g.readers.backlog
		g.readers.backlog, g.readers.unserved, g.readers.refused = 0, 0, 0
		g.writer.work(g.writer.asked+g.readers.asked, now)
	} else {
		g.readers.work(g.readers.asked, now)
		g.writer.work(g.writer.asked, now)
	}
	g.minute.add(g)
}

func (p *pool) ask(cost float64, since time.Duration) { p.asked = p.demand.at(since) * cost * p.noise }

// work spreads a demand and the backlog over the instances in service, by their connections.
func (p *pool) work(demand float64, now time.Time) {
	weights, capacity := 0.0, 0.0
	for _, s := range p.serving {
		weights += s.weight(now)
		capacity += s.vcpus
	}
	p.unserved, p.refused = demand, demand
	if len(p.serving) > 0 {
		p.capacity, p.unserved = capacity, 0
		retried := p.backlog / retryWithin.Seconds()
		p.backlog -= retried * tick.Seconds()
		for _, s := range p.serving {
			share := s.weight(now) / weights
			s.wanted = share * (demand*s.coldness(now) + retried)
			s.used = min(s.wanted, s.usable())
			p.unserved += s.wanted - s.used
			s.sum.ticks++
			s.sum.used += s.used
			s.sum.wanted += s.wanted
		}
		p.refused = min(max(0, p.unserved-retried), demand)
	}
	p.backlog = min(p.backlog+p.unserved*tick.Seconds(), p.capacity*patience.Seconds())
}
