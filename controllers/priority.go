package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// The priorities of policies in the queue. When the operator is behind, those come first whose database needs it most. Quiet policies have
// the priority with which controller-runtime lists policies at the start, so that they do not delay those that were not looked at yet.
const (
	priorityQuiet         = handler.LowPriority
	priorityNearThreshold = 10
	priorityEmergency     = 20
	priorityOperation     = 30
)

// priority returns the priority of the next reconcile.
func (s *reconcileScope) priority() int {
	if s.object.Status.Operation != nil {
		return priorityOperation
	}
	highest := priorityQuiet
	loads := s.scaledPoolLoads()
	for n := range loads {
		switch load := &loads[n]; {
		case load.Emergency:
			highest = max(highest, priorityEmergency)
		case decide.IsNearThreshold(&s.policy, &s.observation, load, s.now):
			highest = max(highest, priorityNearThreshold)
		}
	}
	return highest
}
