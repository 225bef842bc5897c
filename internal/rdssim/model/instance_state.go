package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// coldCacheDuration is how long the cache of an instance is cold after a start, and coldCacheExtraCost the extra cost of
	// its work at first, as a fraction. It falls linearly to 0.
	coldCacheDuration  = 5 * time.Minute
	coldCacheExtraCost = 0.3
	// connectionRampDuration is how long a reader takes to reach its share of the connections: clients keep their existing ones.
	connectionRampDuration = 150 * time.Second
	// initialConnectionShare is the fraction of that share that it has at once.
	initialConnectionShare = 0.1
	// serverlessClass is the class of Aurora Serverless v2 instances.
	serverlessClass = "db.serverless"
	// overheadShare is the fraction of its vCPUs that an instance uses without load.
	overheadShare = 0.015
)

// instanceState is an instance with the state that the RDS API does not show.
type instanceState struct {
	Instance
	group *instanceGroup
	// clientWeight is the number of clients relative to the other instances of the pool.
	clientWeight float64
	vcpus        float64
	memoryBytes  float64
	class        catalog.Class
	io           ioState
	credits      creditState
	// changeInProgress says that a change has been accepted and has not completed, even if the status does not show it yet.
	// isDeleting says that the instance is being deleted.
	changeInProgress, isDeleting bool
	// createFailed says that the creation of the instance failed, so that only its deletion is left.
	createFailed bool
	// outageCount counts the outages that overlap now. With none the instance is in service, since inServiceSince.
	outageCount    int
	inServiceSince time.Time
	// availableAt is when the status became available; zero if it has been available since the start.
	availableAt time.Time
	// capacityACUs is the capacity that a Serverless v2 instance has scaled to, and lastRequestAt when it last had clients.
	capacityACUs  float64
	lastRequestAt time.Time
	// usedVCPUs is the vCPUs in use in the last tick, without overhead; requestedVCPUs is what clients could have used.
	usedVCPUs, requestedVCPUs float64
	// endpointVCPUs is what the clients of custom endpoints request in this tick, and weight is the connectionWeight.
	endpointVCPUs, weight float64
	// minuteTotals are sums over the ticks of the current minute in which the instance was in service.
	minuteTotals struct {
		ticks                     int
		usedVCPUs, requestedVCPUs float64
		capacityACUs              float64
	}
	samples []sample
}

// isInService reports whether the instance serves clients.
func (s *instanceState) isInService() bool { return s.outageCount == 0 }

// beginOutage takes the instance out of service until a matching endOutage.
func (s *instanceState) beginOutage() { s.outageCount++ }

// disrupt begins an outage, and counts a disruption if the instance was in service.
func (s *instanceState) disrupt() {
	if s.isInService() {
		s.group.disruptions++
	}
	s.beginOutage()
}

// endOutage ends one outage. After the last one the instance is in service, with a cold cache and the parameters that were staged.
func (s *instanceState) endOutage(now time.Time) {
	if s.outageCount--; s.outageCount == 0 {
		s.inServiceSince = now
		s.applyStagedParameters(now)
	}
}

// updateCapacity sets vCPUs and memory from the class, which the scenario or the request has checked to exist. For Serverless
// v2 they are those of the maximum capacity, of which CPUUtilization is a percentage (Aurora user guide, "Performance and
// scaling for Aurora Serverless v2").
func (s *instanceState) updateCapacity() {
	name := s.Class
	if c := s.group.cluster; name == serverlessClass && c != nil && c.Capacity != nil {
		name = catalog.ServerlessClassName(c.Capacity.Max)
	}
	if class, err := catalog.Lookup(name); err == nil {
		s.vcpus, s.memoryBytes, s.class = class.VCPUFor(s.Engine), float64(class.MemoryBytes), class
	}
}

// setAvailable sets the status to available.
func (s *instanceState) setAvailable(now time.Time) { s.Status, s.availableAt = statusAvailable, now }

// usableVCPUs returns the vCPUs that clients can use: of a Serverless v2 instance those of the capacity that it has scaled to, and of
// a burstable instance without credits those of its baseline.
func (s *instanceState) usableVCPUs() float64 {
	vcpus := s.vcpus
	if s.isServerless() && !s.lastRequestAt.IsZero() {
		vcpus = min(vcpus, s.capacityACUs/acusPerVCPU)
	}
	usable := vcpus * (1 - overheadShare)
	if s.isThrottled() {
		return min(usable, creditsPerHour[s.Class]/60)
	}
	return usable
}

// cpuPercent returns the CPU utilization at a number of vCPUs in use.
func (s *instanceState) cpuPercent(used float64) float64 { return 100 * (overheadShare + used/s.vcpus) }

// isSaturated reports whether clients request more than the instance can serve.
func (s *instanceState) isSaturated() bool { return s.requestedVCPUs > s.usableVCPUs() }

// isWriter reports whether the instance accepts writes. A standalone instance does; its read replicas do not.
func (s *instanceState) isWriter() bool {
	if s.group.cluster == nil {
		return s.ReplicationSource == ""
	}
	return s.group.cluster.Writer == s.Identifier
}

// cacheCostFactor returns the factor by which a cold cache raises the cost of work now.
func (s *instanceState) cacheCostFactor(now time.Time) float64 {
	if age := now.Sub(s.inServiceSince); age < coldCacheDuration {
		return 1 + coldCacheExtraCost*(1-float64(age)/float64(coldCacheDuration))
	}
	return 1
}

// connectionWeight returns the instance's share of the connections of its pool, relative to the other instances.
func (s *instanceState) connectionWeight(now time.Time) float64 {
	return s.clientWeight * s.rampUpShare(now)
}

// rampUpShare returns the fraction of its clients that the instance has after a start.
func (s *instanceState) rampUpShare(now time.Time) float64 {
	if age := now.Sub(s.inServiceSince); age < connectionRampDuration {
		return initialConnectionShare + (1-initialConnectionShare)*float64(age)/float64(connectionRampDuration)
	}
	return 1
}
