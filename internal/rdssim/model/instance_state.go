package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// coldCacheDuration is how long an instance's cache is cold after a start, and coldCacheExtraCost how much dearer its work is at first.
	coldCacheDuration  = 5 * time.Minute
	coldCacheExtraCost = 0.3
	// connectionRampDuration is how long a reader takes to get its share of the connections: clients keep the ones they have.
	connectionRampDuration = 150 * time.Second
	// initialConnectionShare is the part of its share that it has at once.
	initialConnectionShare = 0.1
	// serverlessClass is that of Aurora Serverless v2 instances.
	serverlessClass = "db.serverless"
	// overheadShare is the share of an instance's vCPUs that it uses by itself.
	overheadShare = 0.015
)

// instanceState is an instance and what it is doing.
type instanceState struct {
	Instance
	group       *instanceGroup
	vcpus       float64
	memoryBytes float64 // bytes
	// changeInProgress says that a modification is under way, also before its status shows it; gone that it is being deleted.
	changeInProgress, isDeleting bool
	// outageCount counts the reasons why it is out of service; with none it serves, since a moment.
	outageCount    int
	inServiceSince time.Time
	// availableAt is when it became available; zero when it has been all along.
	availableAt time.Time
	// usedVCPUs and wanted are the vCPUs in use in the last tick, without overhead, and those that its clients could have used.
	usedVCPUs, requestedVCPUs float64
	// minuteTotals is over the ticks of the current minute in which it was in service.
	minuteTotals struct {
		ticks        int
		used, wanted float64
	}
	samples []sample
}

// isInService says whether it is in service.
func (s *instanceState) isInService() bool { return s.outageCount == 0 }

// beginOutage takes it out of service.
func (s *instanceState) beginOutage() { s.outageCount++ }

// disrupt is stop of an instance that may be in service, which its clients then notice.
func (s *instanceState) disrupt() {
	if s.isInService() {
		s.group.disruptions++
	}
	s.beginOutage()
}

// endOutage ends one reason to be out of service. After the last it serves, with a cold cache.
func (s *instanceState) endOutage(now time.Time) {
	if s.outageCount--; s.outageCount == 0 {
		s.inServiceSince = now
	}
}

// updateCapacity looks the class up; the scenario and every change have checked that it exists. Of Serverless v2 it is the maximum
// capacity, which CPUUtilization is a percentage of (Aurora user guide, "Performance and scaling for Aurora Serverless v2").
func (s *instanceState) updateCapacity() {
	name := s.Class
	if c := s.group.cluster; name == serverlessClass && c != nil && c.Capacity != nil {
		name = catalog.ServerlessClassName(c.Capacity.Max)
	}
	if class, err := catalog.Lookup(name); err == nil {
		s.vcpus, s.memoryBytes = float64(class.VCPUFor(s.Engine)), float64(class.MemoryBytes)
	}
}

// setAvailable makes it available.
func (s *instanceState) setAvailable(now time.Time) { s.Status, s.availableAt = statusAvailable, now }

// usableVCPUs is the vCPUs that it has for its clients.
func (s *instanceState) usableVCPUs() float64 { return s.vcpus * (1 - overheadShare) }

// cpuPercent is its CPU at that many vCPUs in use.
func (s *instanceState) cpuPercent(used float64) float64 { return 100 * (overheadShare + used/s.vcpus) }

// isSaturated says whether its clients can't get all that they ask for.
func (s *instanceState) isSaturated() bool { return s.requestedVCPUs > s.usableVCPUs() }

// isWriter says whether it takes writes. A plain instance does, and its read replicas do not.
func (s *instanceState) isWriter() bool {
	if s.group.cluster == nil {
		return s.ReplicationSource == ""
	}
	return s.group.cluster.Writer == s.Identifier
}

// cacheCostFactor is how much dearer its work is now.
func (s *instanceState) cacheCostFactor(now time.Time) float64 {
	if age := now.Sub(s.inServiceSince); age < coldCacheDuration {
		return 1 + coldCacheExtraCost*(1-float64(age)/float64(coldCacheDuration))
	}
	return 1
}

// connectionWeight is its share of the connections of its pool, before they are divided by their sum.
func (s *instanceState) connectionWeight(now time.Time) float64 {
	if age := now.Sub(s.inServiceSince); age < connectionRampDuration {
		return initialConnectionShare + (1-initialConnectionShare)*float64(age)/float64(connectionRampDuration)
	}
	return 1
}
