package model

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// clientTimeout is how long clients wait: the backlog is limited to what the pool can do in this time, and the rest times
	// out and is lost. 15 minutes suits a queue of jobs rather than an interactive user.
	clientTimeout = 15 * time.Minute
	// retryInterval is the time within which clients retry waiting work. A backlog of b vCPU seconds therefore requests
	// b/retryInterval vCPUs, in addition to new work.
	retryInterval = 10 * time.Minute
)

// instanceGroup is a database: the instances of a cluster, or a standalone instance with its replicas, and their load.
type instanceGroup struct {
	region, identifier string
	cluster            *Cluster // nil for a standalone instance
	instances          []*instanceState
	failoverInProgress bool
	// newReplicaWeight is the client weight of new read replicas.
	newReplicaWeight float64
	// classChangeInProgress says that the members of a Multi-AZ DB cluster are changing to another class.
	classChangeInProgress bool
	writer, readers       pool
	// steady is the state whose samples are computed instead of simulated; nil for a database that is not steady. loadChanged says that
	// SetLoad was called after the start.
	steady      *steadyState
	loadChanged bool
	io          IOWorkload
	// endpointDemands are the demands of the custom endpoints of the cluster, in their order.
	endpointDemands []demand
	// createFailure is the status in which the next creation of an instance ends; empty if it succeeds.
	createFailure string
	// costFactor multiplies the demand: the cost of queries after engine upgrades.
	costFactor float64
	// createdByRequest says that a request created the database, rather than the scenario.
	createdByRequest bool
	// noiseSource is used for noise only, so that the load does not depend on the changes of the database.
	noiseSource   *rand.Rand
	minutes       []MinuteSummary
	currentMinute minuteAccumulator
	// disruptions counts the disruptions since the last minute was recorded.
	disruptions int
}

// pool is the instances of one role, and their load.
type pool struct {
	demand demand
	// noiseFactor multiplies the demand in the current minute.
	noiseFactor float64
	// demandVCPUs is the new work in the last tick; backlogVCPUSeconds is the work that waits.
	demandVCPUs, backlogVCPUSeconds float64
	// unservedVCPUs is the work that was not served in the last tick; newUnservedVCPUs is the part of it that was not retried
	// work.
	unservedVCPUs, newUnservedVCPUs float64
	// lastCapacityVCPUs is the vCPUs of the pool when an instance was last in service.
	lastCapacityVCPUs float64
	inService         []*instanceState
}

// SetLoad replaces the load of a cluster or a standalone instance from now on. Offsets count from the scenario's start. It
// returns an error if the database does not exist, the load is invalid or a recording cannot be read.
func (w *World) SetLoad(region, identifier string, load Load) error {
	g, found := w.findGroup(region, identifier)
	if !found {
		return fmt.Errorf("there is no database %q in %s", identifier, region)
	}
	hasReaders := g.cluster != nil || len(g.instances) > 1
	if err := load.validate(w.scenario, hasReaders); err != nil {
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
	g.loadChanged = g.steady != nil
	return nil
}

// drawNoise draws the noise of the next minute.
func (g *instanceGroup) drawNoise() {
	for _, p := range []*pool{&g.writer, &g.readers} {
		p.noiseFactor = 1 + p.demand.noiseShare*(2*g.noiseSource.Float64()-1)
	}
}

// serveTick simulates the load of a group for the tick that ends now, at an offset from the scenario's start.
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
	g.distributeEndpointLoad(offset)
	g.writer.updateDemand(g.costFactor, offset)
	g.readers.updateDemand(g.costFactor, offset)
	if !g.readers.hasClients() && len(g.writer.inService) > 0 {
		// The reader endpoint then resolves to the writer (Aurora user guide, "Reader endpoints"). Clients of read replicas are
		// assumed to use the source instance.
		g.writer.backlogVCPUSeconds += g.readers.backlogVCPUSeconds
		g.readers.backlogVCPUSeconds, g.readers.unservedVCPUs, g.readers.newUnservedVCPUs = 0, 0, 0
		g.readers.countIdleTick()
		g.writer.serveDemand(g.writer.demandVCPUs+g.readers.demandVCPUs, now)
	} else {
		g.readers.serveDemand(g.readers.demandVCPUs, now)
		g.writer.serveDemand(g.writer.demandVCPUs, now)
	}
	for _, s := range g.instances {
		s.scaleCapacity(now)
		if s.isInService() {
			s.minuteTotals.capacityACUs += s.capacityACUs
		}
	}
	g.currentMinute.addTick(g)
}

// updateDemand sets the demand of the tick at an offset from the scenario's start.
func (p *pool) updateDemand(costFactor float64, offset time.Duration) {
	p.demandVCPUs = p.demand.vcpusAt(offset) * costFactor * p.noiseFactor
}

// serveDemand distributes a demand in vCPUs and the backlog among the instances in service, by their connections.
func (p *pool) serveDemand(demand float64, now time.Time) {
	totalWeight, capacity := 0.0, 0.0
	for _, s := range p.inService {
		s.weight = s.connectionWeight(now)
		totalWeight += s.weight
		capacity += s.vcpus
	}
	p.unservedVCPUs, p.newUnservedVCPUs = demand, demand
	if !p.hasClients() {
		p.countIdleTick()
	} else {
		p.lastCapacityVCPUs, p.unservedVCPUs = capacity, 0
		retried := p.backlogVCPUSeconds / retryInterval.Seconds()
		p.backlogVCPUSeconds -= retried * tickInterval.Seconds()
		for _, s := range p.inService {
			share := s.weight / totalWeight
			s.requestedVCPUs = share*(demand*s.cacheCostFactor(now)+retried) + s.endpointVCPUs
			s.usedVCPUs = min(s.requestedVCPUs, s.usableVCPUs())
			p.unservedVCPUs += s.requestedVCPUs - s.usedVCPUs
			s.minuteTotals.ticks++
			s.minuteTotals.usedVCPUs += s.usedVCPUs
			s.minuteTotals.requestedVCPUs += s.requestedVCPUs
		}
		p.newUnservedVCPUs = min(max(0, p.unservedVCPUs-retried), demand)
	}
	p.backlogVCPUSeconds = min(p.backlogVCPUSeconds+p.unservedVCPUs*tickInterval.Seconds(), p.lastCapacityVCPUs*clientTimeout.Seconds())
}
