package controllers

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// observeAction is the action of events about the topology of the database.
const observeAction = "Observe"

// failOperationOfReplacedTarget ends the operation in progress when another database has taken the name of the target, as after the
// switchover of a blue/green deployment: its steps concern the instances of the database that it replaced. It says whether it did.
func (s *reconcileScope) failOperationOfReplacedTarget(replacedBefore time.Time) bool {
	if s.operation == nil || convert.ReplacedAt(s.object.Status.Target).Equal(replacedBefore) {
		return false
	}
	s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonTargetReplaced, fmt.Sprintf(
		"another database has taken the name %s (resource %s), for example by the switchover of a blue/green deployment; the next decision "+
			"is about that one", s.policy.Target.Identifier, s.observation.ResourceID))
	return true
}

// topologyCondition is a condition about the topology that is present while it is True.
type topologyCondition struct{ condition, reason, message, event string }

// setTopologyConditions reports what limits or surprises a user of the database without a fault: custom endpoints, a global database
// and a blue/green deployment.
func (s *reconcileScope) setTopologyConditions() {
	for _, c := range []topologyCondition{customEndpointsCondition(s.observation), globalDatabaseCondition(s.observation),
		blueGreenCondition(s.observation)} {
		if c.reason == "" {
			s.removeTransientCondition(c.condition, c.event, observeAction, fmt.Sprintf("The condition %s no longer applies", c.condition))
		} else {
			s.setTransientCondition(c.condition, c.reason, convert.TruncateMessage(publicMessage(c.message)), c.event, observeAction)
		}
	}
}

func customEndpointsCondition(o scaling.Observation) topologyCondition {
	c := topologyCondition{condition: v1alpha1.ConditionCustomEndpoints, event: events.CustomEndpoints}
	switch consequences := o.CustomEndpointConsequences(); {
	case o.CustomEndpointsUnknown != "":
		c.reason = v1alpha1.ReasonUnreadable
		c.message = fmt.Sprintf("The custom endpoints of the cluster cannot be read, so that no reader is promoted, resized or removed: %s",
			o.CustomEndpointsUnknown)
	case consequences == "":
	case len(o.StaticReaders()) > 0:
		c.reason, c.message = v1alpha1.ReasonStaticMembers, "The cluster has custom endpoints: "+consequences
	default:
		c.reason, c.message = v1alpha1.ReasonNewReadersJoin, "The cluster has custom endpoints: "+consequences
	}
	return c
}

func globalDatabaseCondition(o scaling.Observation) topologyCondition {
	c := topologyCondition{condition: v1alpha1.ConditionGlobalDatabase, event: events.GlobalDatabase}
	if o.GlobalCluster != "" && !o.GlobalSecondary {
		c.reason = v1alpha1.ReasonSecondariesNotScaled
		c.message = fmt.Sprintf("The cluster is the primary of the global database %s. The operator does not resize its secondary clusters: "+
			"keep them large enough for a failover, or let ARC Region switch scale them", o.GlobalCluster)
	}
	return c
}

func blueGreenCondition(o scaling.Observation) topologyCondition {
	c := topologyCondition{condition: v1alpha1.ConditionBlueGreenDeployment, event: events.BlueGreenDeployment}
	switch d := o.BlueGreen; {
	case o.BlueGreenUnknown != "":
		c.reason = v1alpha1.ReasonUnreadable
		c.message = "Blue/green deployments cannot be read, so that only emergencies are served: " + o.BlueGreenUnknown
	case d != nil:
		c.reason = v1alpha1.ReasonNotSwitchedOver
		c.message = fmt.Sprintf("The database is part of the blue/green deployment %s (%s, %s). Until its switchover the operator changes the "+
			"production database only in an emergency, and never its green copy, which goes into production with the size that it has",
			d.Name, d.Role, d.Status)
	}
	return c
}
