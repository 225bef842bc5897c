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
	// serverlessClass is that of Aurora Serverless v2 instances.
	serverlessClass = "db.serverless"
	// overhead is the share of an instance's vCPUs that it uses by itself.
	overhead = 0.015
)

// server is an instance and what it is doing.
type server struct {
	Instance
	group  *group
	vcpus  float64
	memory float64 // bytes
	// changing says that a modification is under way, also before its status shows it; gone that it is being deleted.
	changing, gone bool
	// outages counts the reasons why it is out of service; with none it serves, since a moment.
	outages int
	since   time.Time
	// readyAt is when it became available; zero when it has been all along.
	readyAt time.Time
	// used and wanted are the vCPUs in use in the last tick, without overhead, and those that its clients could have used.
	used, wanted float64
	// sum is over the ticks of the current minute in which it was in service.
	sum struct {
		ticks        int
		used, wanted float64
	}
	samples []sample
}

// serving says whether it is in service.
func (s *server) serving() bool { return s.outages == 0 }

// stop takes it out of service.
func (s *server) stop() { s.outages++ }

// interrupted is stop of an instance that may be in service, which its clients then notice.
func (s *server) interrupted() {
	if s.serving() {
		s.group.disruptions++
	}
	s.stop()
}

// start ends one reason to be out of service. After the last it serves, with a cold cache.
func (s *server) start(now time.Time) {
	if s.outages--; s.outages == 0 {
		s.since = now
	}
}

// resize looks the class up; the scenario and every change have checked that it exists. Of Serverless v2 it is the maximum
// capacity, which CPUUtilization is a percentage of (Aurora user guide, "Performance and scaling for Aurora Serverless v2").
func (s *server) resize() {
	name := s.Class
	if c := s.group.cluster; name == serverlessClass && c != nil && c.Capacity != nil {
		name = catalog.Capacity(c.Capacity.Max)
	}
	if class, err := catalog.Lookup(name); err == nil {
		s.vcpus, s.memory = float64(class.VCPUFor(s.Engine)), float64(class.MemoryBytes)
	}
}

// ready makes it available.
func (s *server) ready(now time.Time) { s.Status, s.readyAt = available, now }

// usable is the vCPUs that it has for its clients.
func (s *server) usable() float64 { return s.vcpus * (1 - overhead) }

// percent is its CPU at that many vCPUs in use.
func (s *server) percent(used float64) float64 { return 100 * (overhead + used/s.vcpus) }

// saturated says whether its clients can't get all that they ask for.
func (s *server) saturated() bool { return s.wanted > s.usable() }

// writer says whether it takes writes. A plain instance does, and its read replicas do not.
func (s *server) writer() bool {
	if s.group.cluster == nil {
		return s.Source == ""
	}
	return s.group.cluster.Writer == s.Identifier
}

// coldness is how much dearer its work is now.
func (s *server) coldness(now time.Time) float64 {
	if age := now.Sub(s.since); age < coldFor {
		return 1 + coldCost*(1-float64(age)/float64(coldFor))
	}
	return 1
}

// weight is its share of the connections of its pool, before they are divided by their sum.
func (s *server) weight(now time.Time) float64 {
	if age := now.Sub(s.since); age < joinFor {
		return joinShare + (1-joinShare)*float64(age)/float64(joinFor)
	}
	return 1
}
