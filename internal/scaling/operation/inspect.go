package operation

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// stepState is the state of a step that an observation shows.
type stepState int

const (
	// stateNotVisible: nothing shows that the step was ever requested.
	stateNotVisible stepState = iota
	// stateInProgress: AWS is carrying out the step, or another change.
	stateInProgress
	// stateDone: the effect of the step is visible.
	stateDone
	// stateImpossible: the step can no longer be done.
	stateImpossible
)

// inspectStep returns the state of a step and a message: what the operator waits for, or why the step is impossible.
func inspectStep(s scaling.Step, o scaling.Observation) (stepState, string) {
	if s.ChangesAllMembers() {
		return inspectCluster(s, o)
	}
	i, exists := o.Instance(s.Instance)
	if exists && i.IsFailedReader() {
		if s.Action == scaling.DeleteReader {
			return stateNotVisible, describe(s)
		}
		return stateImpossible, fmt.Sprintf("AWS failed to create %s, a %s in %s: it is %s. The operator deletes it", s.Instance, i.Class,
			cmp.Or(i.AvailabilityZone, "an availability zone that AWS chose"), i.Status)
	}
	if exists && scaling.IsBroken(i.Status) {
		return stateImpossible, fmt.Sprintf("%s is %s, a status that does not end without intervention: repair or remove it",
			s.Instance, i.Status)
	}
	if !exists && s.Action != scaling.CreateReader && s.Action != scaling.DeleteReader {
		return stateImpossible, s.Instance + " no longer exists"
	}
	switch s.Action {
	case scaling.ModifyInstanceClass:
		return inspectResize(s, o, i)
	case scaling.ModifyPromotionTier:
		if i.PromotionTier == s.PromotionTier {
			return stateDone, ""
		}
		return stateNotVisible, describe(s)
	case scaling.CreateReader:
		return inspectCreate(s, o, i, exists)
	case scaling.DeleteReader:
		return inspectDelete(s, o, i, exists)
	case scaling.Failover:
		return inspectFailover(s, o, i)
	case scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity: // handled above
	}
	return stateImpossible, fmt.Sprintf("this version of dbscaler does not support the action %q", s.Action)
}

func inspectResize(s scaling.Step, o scaling.Observation, i scaling.Instance) (stepState, string) {
	switch {
	case i.Class == s.InstanceClass && i.PendingClass == "" && i.IsAvailable():
		return stateDone, ""
	case i.PendingClass == s.InstanceClass, !i.IsAvailable():
		return stateInProgress, fmt.Sprintf("Waiting for %s to become %s; it is %s", s.Instance, s.InstanceClass, i.Status)
	case i.Writer && canPromoteReader(o): // a plan resizes a writer in place only when no reader can be promoted
		return stateImpossible, s.Instance + " has become the writer, so it is not resized in place"
	default:
		return stateNotVisible, describe(s)
	}
}

// inspectCluster examines the members: the RDS API lists neither a class nor a serverless capacity among the pending modifications
// of a cluster (ClusterPendingModifiedValues). Other modifications that are pending do not keep the step from being done.
func inspectCluster(s scaling.Step, o scaling.Observation) (stepState, string) {
	changed := 0
	for _, i := range o.Instances {
		if scaling.IsBroken(i.Status) {
			return stateImpossible, fmt.Sprintf("%s is %s, a status that does not end without intervention: repair or remove it",
				i.Identifier, i.Status)
		}
		isChanged := i.Class == s.InstanceClass
		if s.Action == scaling.ModifyMinCapacity {
			isChanged = catalog.ServerlessClassName(o.MinCapacity) == s.InstanceClass
		}
		if isChanged {
			changed++
		}
	}
	switch {
	case changed == len(o.Instances) && unavailableReason(o) == "":
		return stateDone, ""
	case changed > 0 || !scaling.IsAvailable(o.Status):
		return stateInProgress, fmt.Sprintf("Waiting for %s to become %s; %d of %d members are",
			s.Instance, s.InstanceClass, changed, len(o.Instances))
	default:
		return stateNotVisible, describe(s)
	}
}

func inspectCreate(s scaling.Step, o scaling.Observation, i scaling.Instance, exists bool) (stepState, string) {
	switch {
	case !exists:
		return stateNotVisible, describe(s)
	case !i.CreatedByOperator():
		return stateImpossible, fmt.Sprintf("%s already exists and was not created by dbscaler", s.Instance)
	case i.Status == "deleting":
		return stateImpossible, s.Instance + " is being deleted"
	case !i.IsAvailable():
		return stateInProgress, fmt.Sprintf("Waiting for the new reader %s; it is %s", s.Instance, i.Status)
	case i.ReplicaLag == nil || i.ReplicaLag.Value < 0: // a negative lag stands for replication that is not running
		return stateInProgress, fmt.Sprintf("Waiting for the first replica lag sample of the new reader %s", s.Instance)
	case i.ReplicaLag.Value > o.MaxReaderLag():
		return stateInProgress, fmt.Sprintf("Waiting for the replica lag of the new reader %s to fall to %s", s.Instance,
			scaling.FormatDuration(o.MaxReaderLag()))
	default:
		return stateDone, ""
	}
}

func inspectDelete(s scaling.Step, o scaling.Observation, i scaling.Instance, exists bool) (stepState, string) {
	switch {
	case !exists:
		return stateDone, ""
	case !i.CreatedByOperator():
		return stateImpossible, s.Instance + " was not created by dbscaler, so it is not deleted"
	case i.Writer:
		return stateImpossible, s.Instance + " has become the writer, so it is not deleted"
	case i.Status == "deleting":
		return stateInProgress, fmt.Sprintf("Waiting for the deletion of %s", s.Instance)
	case i.HasReplicas():
		return stateImpossible, fmt.Sprintf("%s is the source of other replicas (%s), so it is not deleted", s.Instance,
			strings.Join(i.Replicas, ", "))
	case o.WithoutFailedReaders().Shape(scaling.Readers).Count < 2:
		return stateImpossible, s.Instance + " is the last reader, so it is not deleted"
	default:
		return stateNotVisible, describe(s)
	}
}

func inspectFailover(s scaling.Step, o scaling.Observation, i scaling.Instance) (stepState, string) {
	switch {
	case i.Writer && i.IsAvailable() && scaling.IsAvailable(o.Status):
		return stateDone, ""
	case i.Writer, o.Status == "failing-over":
		return stateInProgress, fmt.Sprintf("Waiting for %s to take over as the writer", s.Instance)
	default:
		return stateNotVisible, describe(s)
	}
}

// describe returns what a step does, as an imperative for messages.
func describe(s scaling.Step) string {
	switch s.Action {
	case scaling.ModifyInstanceClass:
		return fmt.Sprintf("resize %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyPromotionTier:
		return fmt.Sprintf("set the promotion tier of %s to %d", s.Instance, s.PromotionTier)
	case scaling.CreateReader:
		if s.Surge {
			return fmt.Sprintf("add the surge reader %s, a %s", s.Instance, s.InstanceClass)
		}
		return fmt.Sprintf("add the reader %s, a %s", s.Instance, s.InstanceClass)
	case scaling.DeleteReader:
		return fmt.Sprintf("remove the reader %s", s.Instance)
	case scaling.Failover:
		return fmt.Sprintf("fail over to %s", s.Instance)
	case scaling.ModifyClusterClass:
		return fmt.Sprintf("resize the cluster %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyCapacity:
		return fmt.Sprintf("set the maximum capacity of the cluster %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyMinCapacity:
		return fmt.Sprintf("set the minimum capacity of the cluster %s to %s", s.Instance, s.InstanceClass)
	}
	return string(s.Action)
}
