package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// coldFor is how long an instance's cache is cold after a start, and coldCost how much dearer its work is at first.
	coldFor  = 5 * time.Minute
	coldCost = 0.3
	// joinFor is how long a reader takes to get its share of the connections: clients keep the ones they have.
	joinFor = 150 * time.Second
	// joinShare is the part of its share that it has at once.
	joinShare = 0.1
	// backlogLimit is how much unserved work waits, as time at the pool's capacity: clients give up after that.
	backlogLimit = 10 * time.Minute
	// overheadPercent is what an idle instance uses.
	overheadPercent = 1.5
	// saturatedPercent is the CPU at which an instance cannot serve all that it is asked.
	saturatedPercent = 99.5
)

// group is the instances that share a load: a cluster, or a plain instance.
type group struct {
	cluster *Cluster
	plain   *server
	servers []*server
	load    Load
	// cost multiplies the demand: what an upgrade made of the queries. noise is this minute's deviation.
	cost, noise float64
	// backlog is the work that could not be served, in vCPU seconds, by pool.
	writerBacklog, readerBacklog float64
	minutes                      []Minute
	minute                       Minute
}

// server is an instance and what it is doing.
type server struct {
	Instance
	group *group
	vcpus float64
	// changing says that a modification is under way, also before its status shows it; gone that it is being deleted.
	changing, gone bool
	// up says whether it serves, and since when.
	up    bool
	since time.Time
	// utilization is the share of its vCPUs in use in the last tick, and sessions those that want a CPU.
	utilization, sessions float64
	// sums over the ticks of the current minute in which it was up.
	ticks                int
	usedSum, sessionsSum float64
	metrics              map[string][]Point
}

// Minute is the truth about a database in one minute, which CloudWatch shows later and only in part.
type Minute struct {
	// At is its start.
	At time.Time
	// HottestReader is the CPU of the busiest reader in percent, averaged over the minute; 0 when no reader was in service.
	HottestReader float64
	// Writer is the CPU of the writer in percent; 0 when it was not in service.
	Writer float64
	// ReaderVCPUs is the least vCPUs of readers that were in service at any time within the minute.
	ReaderVCPUs float64
	// ReaderDemand is what clients asked of the readers, in vCPUs.
	ReaderDemand float64
	// Unserved is the work that waits at the end of the minute, in vCPU seconds.
	Unserved float64
	// Saturated says that a reader that was in service could not serve all that it was asked for most of the minute.
	Saturated bool

	ticks, saturatedTicks int
}

// Minutes is the truth about a database, minute by minute, oldest first.
func (w *World) Minutes(region, identifier string) []Minute {
	for _, g := range w.groups {
		if g.cluster != nil && g.cluster.Region == region && g.cluster.Identifier == identifier ||
			g.plain != nil && g.plain.Region == region && g.plain.Identifier == identifier {
			return append([]Minute(nil), g.minutes...)
		}
	}
	return nil
}

// start puts an instance into service with a cold cache.
func (s *server) start(now time.Time) { s.up, s.since = true, now }

// resize looks the class up; the scenario and every change have checked that it exists.
func (s *server) resize() {
	if class, err := catalog.Lookup(s.Class); err == nil {
		s.vcpus = float64(class.VCPUFor(s.Engine))
	}
}

func (s *server) writer() bool {
	return s.group.cluster == nil || s.group.cluster.Writer == s.Identifier
}

// coldness is how much dearer its work is now.
func (s *server) coldness(now time.Time) float64 {
	if age := now.Sub(s.since); age < coldFor {
		return 1 + coldCost*(1-float64(age)/float64(coldFor))
	}
	return 1
}

// weight is its share of the connections of its pool.
func (s *server) weight(now time.Time) float64 {
	if age := now.Sub(s.since); age < joinFor {
		return joinShare + (1-joinShare)*float64(age)/float64(joinFor)
	}
	return 1
}

// serve lets a group work for one tick.
func (w *World) serve(g *group) {
	since := w.now.Sub(w.scenario.Start.Time)
	writes := g.load.Writer.at(since) * g.cost * g.noise
	reads := g.load.Readers.at(since) * g.cost * g.noise
	var writer *server
	var readers []*server
	for _, s := range g.servers {
		s.utilization, s.sessions = 0, 0
		switch {
		case !s.up:
		case s.writer():
			writer = s
		default:
			readers = append(readers, s)
		}
	}
	g.minute.ReaderDemand += reads
	if len(readers) == 0 && writer != nil { // the reader endpoint names the writer then (Aurora user guide, "Reader endpoints")
		writes, reads = writes+reads, 0
		g.writerBacklog, g.readerBacklog = g.writerBacklog+g.readerBacklog, 0
	}
	g.writerBacklog = w.share([]*server{writer}, writes, g.writerBacklog)
	g.readerBacklog = w.share(readers, reads, g.readerBacklog)
	g.account(writer, readers)
}

// share spreads a demand and a backlog over instances by their connections, and returns the backlog that is left.
func (w *World) share(servers []*server, demand, backlog float64) float64 {
	seconds := tick.Seconds()
	weights, capacity := 0.0, 0.0
	for _, s := range servers {
		if s != nil {
			weights += s.weight(w.now)
			capacity += s.vcpus
		}
	}
	if weights == 0 {
		return backlog + demand*seconds
	}
	left := 0.0
	for _, s := range servers {
		part := s.weight(w.now) / weights
		wanted := part*demand*s.coldness(w.now) + part*backlog/seconds
		served := min(wanted, s.vcpus)
		left += (wanted - served) * seconds
		s.sessions = wanted
		s.utilization = served / s.vcpus
		s.usedSum += min(100, overheadPercent+100*s.utilization)
		s.sessionsSum += wanted
		s.ticks++
	}
	return min(left, capacity*backlogLimit.Seconds())
}

// account adds a tick to the truth of the minute.
func (g *group) account(writer *server, readers []*server) {
	m := &g.minute
	m.ticks++
	hottest, vcpus, saturated := 0.0, 0.0, false
	for _, r := range readers {
		percent := min(100, overheadPercent+100*r.utilization)
		hottest = max(hottest, percent)
		vcpus += r.vcpus
		saturated = saturated || percent >= saturatedPercent
	}
	m.HottestReader += hottest
	if writer != nil {
		m.Writer += min(100, overheadPercent+100*writer.utilization)
	}
	if saturated {
		m.saturatedTicks++
	}
	if m.ticks == 1 || vcpus < m.ReaderVCPUs {
		m.ReaderVCPUs = vcpus
	}
	m.Unserved = g.writerBacklog + g.readerBacklog
}
