package model

import (
	"cmp"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	minCapacityChangeDuration, maxCapacityChangeDuration = 20 * time.Second, 60 * time.Second

	// acusPerVCPU is the number of Aurora capacity units per vCPU: the memory-optimized classes have 8 GiB per vCPU.
	acusPerVCPU = 4
	// capacityStepACUs is the step of capacities.
	capacityStepACUs = 0.5
	// defaultAutoPauseSeconds is the time without clients until a pause (RDS API reference, ServerlessV2ScalingConfiguration), and
	// minAutoPauseSeconds and maxAutoPauseSeconds bound it.
	defaultAutoPauseSeconds, minAutoPauseSeconds, maxAutoPauseSeconds = 300, 300, 86400
	// capacityTargetShare is the share of its CPU that an instance uses when it neither grows nor shrinks.
	capacityTargetShare = 0.7
	// capacityGrowthShare and capacityShrinkShare are how much of its present capacity an instance gains and loses at most in a tick,
	// and at least a step and a sixth of a step: "The scaling rate for an Aurora Serverless v2 DB instance depends on its current
	// capacity. The higher the current capacity, the faster it can scale up" (Aurora user guide, "Choosing the minimum Aurora
	// Serverless v2 capacity setting for a cluster"). The guide gives no figures.
	capacityGrowthShare, capacityShrinkShare = 0.25, 0.02
)

// ModifyServerlessCapacity is ModifyDBCluster with the capacity range of Aurora Serverless v2. The new range applies at once and
// without an outage; the cluster is modifying for 20 to 60 seconds. Parameters whose defaults depend on the range are pending-reboot
// (Aurora user guide, "Performance and scaling for Aurora Serverless v2"). With ApplyImmediately the pending changes are applied, too.
// The error is an *APIError.
func (w *World) ModifyServerlessCapacity(region, id string, capacity ServerlessCapacity, applyImmediately bool) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, id)
	switch {
	case c.Capacity == nil:
		return nil, invalidCombination("DB cluster %s: the simulator has no Serverless v2 scaling configuration of it.", id)
	case c.Status != statusAvailable:
		return nil, clusterNotAvailable(c)
	}
	if err := capacity.check(c.Engine, c.EngineVersion); err != nil {
		return nil, err
	}
	capacity = capacity.withDefaults()
	rangeChanged := capacity.Min != c.Capacity.Min || capacity.Max != c.Capacity.Max
	c.Status, c.Capacity = statusModifying, &capacity
	for _, s := range g.instances {
		s.updateCapacity()
		if rangeChanged {
			s.ParameterStatus = ParametersPendingReboot
		}
	}
	w.schedule(w.drawDuration(minCapacityChangeDuration, maxCapacityChangeDuration), func() {
		if c.Status == statusModifying {
			c.Status = statusAvailable
		}
	})
	if applyImmediately {
		w.applyClusterChanges(g)
	}
	return c.copy(), nil
}

// check refuses a range that RDS refuses. The message about a maximum below 1 is that of RDS; the others are in its style.
func (c ServerlessCapacity) check(engine, version string) error {
	lowest := capacityStepACUs
	if catalog.SupportsAutoPause(engine, version) {
		lowest = 0
	}
	for _, acus := range []float64{c.Min, c.Max} {
		if acus/capacityStepACUs != math.Trunc(acus/capacityStepACUs) {
			return invalidValue("Serverless v2 capacity %v isn't valid. The capacity must be specified in increments of 0.5.", acus)
		}
	}
	switch {
	case c.Max < catalog.MinMaximumACUs:
		return invalidValue("Serverless v2 maximum capacity %.1f isn't valid. The maximum capacity must be at least 1.0.", c.Max)
	case c.Max > catalog.MaxACUs:
		return invalidValue("Serverless v2 maximum capacity %.1f isn't valid. The maximum capacity can't be greater than 256.0.", c.Max)
	case c.Min < lowest:
		return invalidValue("Serverless v2 minimum capacity %.1f isn't valid. The minimum capacity must be at least %.1f.", c.Min, lowest)
	case c.Min > c.Max:
		return invalidValue("Serverless v2 minimum capacity %.1f isn't valid. The minimum capacity can't be greater than the maximum "+
			"capacity %.1f.", c.Min, c.Max)
	case c.Min > 0 && c.SecondsUntilAutoPause != 0:
		return invalidCombination("SecondsUntilAutoPause can only be specified when the minimum capacity is 0.")
	case c.SecondsUntilAutoPause != 0 && (c.SecondsUntilAutoPause < minAutoPauseSeconds || c.SecondsUntilAutoPause > maxAutoPauseSeconds):
		return invalidValue("SecondsUntilAutoPause must be between %d and %d.", minAutoPauseSeconds, maxAutoPauseSeconds)
	}
	return nil
}

// withDefaults returns the range with the default time until a pause, if it allows one.
func (c ServerlessCapacity) withDefaults() ServerlessCapacity {
	if c.Min == 0 {
		c.SecondsUntilAutoPause = cmp.Or(c.SecondsUntilAutoPause, defaultAutoPauseSeconds)
	}
	return c
}

// isServerless reports whether the instance is Aurora Serverless v2 and its cluster has a capacity range.
func (s *instanceState) isServerless() bool {
	return s.Class == serverlessClass && s.group.cluster != nil && s.group.cluster.Capacity != nil
}

// scaleCapacity moves the capacity of a Serverless v2 instance in service towards what its clients ask for, as Aurora does within the
// range of the cluster. With a minimum of 0 the instance pauses when it had no clients for a time.
func (s *instanceState) scaleCapacity(now time.Time) {
	if !s.isServerless() || !s.isInService() {
		return
	}
	limits, before, isFirstTick := *s.group.cluster.Capacity, s.capacityACUs, s.lastRequestAt.IsZero()
	if s.requestedVCPUs > 0 || isFirstTick {
		s.lastRequestAt = now
	}
	isIdle := now.Sub(s.lastRequestAt) >= time.Duration(limits.SecondsUntilAutoPause)*time.Second
	if limits.Min == 0 && isIdle {
		s.capacityACUs = 0
		return
	}
	needed := s.requestedVCPUs * acusPerVCPU / capacityTargetShare
	needed = max(math.Ceil(needed/capacityStepACUs)*capacityStepACUs, limits.Min, capacityStepACUs)
	switch {
	case isFirstTick:
		s.capacityACUs = needed
	case needed > before:
		s.capacityACUs = min(needed, before+max(capacityGrowthShare*before, capacityStepACUs))
	default:
		s.capacityACUs = max(needed, before-max(capacityShrinkShare*before, capacityStepACUs/6))
	}
	s.capacityACUs = min(s.capacityACUs, limits.Max)
}

// SetVCPUs changes the number of vCPUs of an instance at once and without an outage. RDS cannot do this: it models platforms
// that can. The class and the memory stay the same. The error is an *APIError.
func (w *World) SetVCPUs(region, id string, vcpus float64) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	if vcpus <= 0 {
		return invalidValue("An instance with %g vCPUs isn't valid.", vcpus)
	}
	s.vcpus = vcpus
	return nil
}
