package model

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// clientTimeout is how long clients wait: unserved work is bounded by what the pool can do in this time, and what is above
	// it times out and is lost. A quarter of an hour is a queue of jobs, rather than a person in front of a screen.
	clientTimeout = 15 * time.Minute
	// retryInterval is how soon waiting work is asked for again. It makes a backlog of so many vCPU seconds show as backlog
	// divided by retryInterval sessions that want a CPU, beside those of new work.
	retryInterval = 10 * time.Minute
)

// instanceGroup is the instances that share a load: those of a cluster, or a plain one.
type instanceGroup struct {
	region, identifier string
	cluster            *Cluster // nil for a plain instance
	instances          []*instanceState
	// failoverInProgress says that a failover is under way, and modifying that the members of a Multi-AZ DB cluster get another class.
	failoverInProgress    bool
	classChangeInProgress bool
	writer, readers       pool
	// costFactor multiplies the demand: what upgrades have made of the queries.
	costFactor float64
	// noiseSource is for noise alone, so that a load is the same whatever is done to the database.
	noiseSource   *rand.Rand
	minutes       []MinuteSummary
	currentMinute minuteAccumulator
	// disruptions counts the restarts of instances in service and the failovers.
	disruptions int
}

// pool is the instances of one role, and their work.
type pool struct {
	demand      demand
	noiseFactor float64 // this minute's factor
	// demandVCPUs is the vCPUs that clients asked for in the last tick, and backlog the vCPU seconds that wait.
	demandVCPUs, backlogVCPUSeconds float64
	// unservedVCPUs is the vCPUs that could not be served in the last tick, and refused those of it that were asked for the first time.
	unservedVCPUs, newUnservedVCPUs float64
	// lastCapacityVCPUs is the vCPUs that the pool had when it last had any.
	lastCapacityVCPUs float64
	inService         []*instanceState
}

// SetLoad changes what a cluster, or a plain instance, is asked to do from now on. Moments count from the scenario's start.
// The error says what is wrong with the load.
func (w *World) SetLoad(region, identifier string, load Load) error {
	g, found := w.findGroup(region, identifier)
	if !found {
		return fmt.Errorf("there is no database %q in %s", identifier, region)
	}
	readers := g.cluster != nil || len(g.instances) > 1
	if err := load.validate(w.scenario, readers); err != nil {
		return err
	}
	writerDemand, err := w.scenario.resolveDemand(load.Writer)
	if err != nil {
		return fmt.Errorf("load.writer.recording: %w", err)
	}
	readerDemand, err := w.scenario.resolveDemand(load.Readers)
	if err != nil {
		return fmt.Errorf("load.readers.recording: %w", err)
	}
	g.writer.demand, g.readers.demand = writerDemand, readerDemand
	return nil
}

// drawNoise draws the noise of the next minute.
func (g *instanceGroup) drawNoise() {
	for _, p := range []*pool{&g.writer, &g.readers} {
		p.noiseFactor = 1 + p.demand.noiseShare*(2*g.noiseSource.Float64()-1)
	}
}

// serveTick lets a group work for the tick that ends now.
func (g *instanceGroup) serveTick(now time.Time, offset time.Duration) {
	g.writer.inService, g.readers.inService = g.writer.inService[:0], g.readers.inService[:0]
	for _, s := range g.instances {
		s.usedVCPUs, s.requestedVCPUs = 0, 0
		switch {
		case !s.isInService():
		case s.isWriter():
			g.writer.inService = append(g.writer.inService, s)
		default:
			g.readers.inService = append(g.readers.inService, s)
		}
	}
	g.writer.updateDemand(g.costFactor, offset)
	g.readers.updateDemand(g.costFactor, offset)
	if len(g.readers.inService) == 0 && len(g.writer.inService) > 0 {
		// The reader endpoint then names the writer (Aurora user guide, "Reader endpoints"); clients of read replicas are taken to
		// turn to their source.
		g.writer.backlogVCPUSeconds += g.readers.backlogVCPUSeconds
		g.readers.backlogVCPUSeconds, g.readers.unservedVCPUs, g.readers.newUnservedVCPUs = 0, 0, 0
		g.writer.serveDemand(g.writer.demandVCPUs+g.readers.demandVCPUs, now)
	} else {
		g.readers.serveDemand(g.readers.demandVCPUs, now)
		g.writer.serveDemand(g.writer.demandVCPUs, now)
	}
	g.currentMinute.addTick(g)
}

func (p *pool) updateDemand(costFactor float64, offset time.Duration) {
	p.demandVCPUs = p.demand.vcpusAt(offset) * costFactor * p.noiseFactor
}

// serveDemand spreads a demand and the backlog over the instances in service, by their connections.
func (p *pool) serveDemand(demand float64, now time.Time) {
	totalWeight, capacity := 0.0, 0.0
	for _, s := range p.inService {
		totalWeight += s.connectionWeight(now)
		capacity += s.vcpus
	}
	p.unservedVCPUs, p.newUnservedVCPUs = demand, demand
	if len(p.inService) > 0 {
		p.lastCapacityVCPUs, p.unservedVCPUs = capacity, 0
		retried := p.backlogVCPUSeconds / retryInterval.Seconds()
		p.backlogVCPUSeconds -= retried * tickInterval.Seconds()
		for _, s := range p.inService {
			share := s.connectionWeight(now) / totalWeight
			s.requestedVCPUs = share * (demand*s.cacheCostFactor(now) + retried)
			s.usedVCPUs = min(s.requestedVCPUs, s.usableVCPUs())
			p.unservedVCPUs += s.requestedVCPUs - s.usedVCPUs
			s.minuteTotals.ticks++
			s.minuteTotals.used += s.usedVCPUs
			s.minuteTotals.wanted += s.requestedVCPUs
		}
		p.newUnservedVCPUs = min(max(0, p.unservedVCPUs-retried), demand)
	}
	p.backlogVCPUSeconds = min(p.backlogVCPUSeconds+p.unservedVCPUs*tickInterval.Seconds(), p.lastCapacityVCPUs*clientTimeout.Seconds())
}
