package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The priorities of policies in the queue. When the operator is behind, those come first whose database needs it most. Quiet policies have
// the priority with which controller-runtime lists policies at the start, so that they do not delay those that were not looked at yet.
const (
	priorityQuiet         = handler.LowPriority
	priorityNearThreshold = 10
	priorityEmergency     = 20
	priorityOperation     = 30
)

// nearThresholdRatio times the scale-up threshold is the utilization from which on a pool counts as near it.
const nearThresholdRatio = 0.8

// priority returns the priority of the next reconcile.
func (s *reconcileScope) priority() int {
	if s.object.Status.Operation != nil {
		return priorityOperation
	}
	highest := priorityQuiet
	for _, load := range s.scaledPoolLoads() {
		switch {
		case load.Emergency:
			highest = max(highest, priorityEmergency)
		case isNearThreshold(load, s.policy.CPU.ScaleUp):
			highest = max(highest, priorityNearThreshold)
		}
	}
	return highest
}

// isNearThreshold reports whether the measured or the predicted utilization of a pool is near the scale-up threshold, in percent. A load
// that is not known may be.
func isNearThreshold(l scaling.Load, threshold int) bool {
	demand := max(l.Demand, l.TrendDemand, l.SeasonalDemand)
	return !l.Fresh || 100*demand >= nearThresholdRatio*float64(threshold)*l.UsableCapacity
}
