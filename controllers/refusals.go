package controllers

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// completeRefused ends an operation whose call AWS refused, and remembers the refusal.
func (s *reconcileScope) completeRefused(call scaling.Call, reason string, err error) {
	s.rememberRefusal(call, err)
	retracted := operation.RetractRefusedAttempt(*s.operation, call)
	s.operation = &retracted
	s.completeOperation(v1alpha1.OutcomeFailed, reason, publicMessage(err.Error()))
}

// rememberRefusal adds a refusal to status, so that the change is not requested again for a time.
func (s *reconcileScope) rememberRefusal(call scaling.Call, err error) {
	refusals := state.AddRefusal(s.observation.Refusals, s.operation.Pool, call, err, s.object.Generation, s.now)
	s.observation.Refusals = refusals
	s.object.Status.Refusals = convert.RefusalsStatus(refusals)
}

// recordAnswer keeps the answer of AWS to a call in its step.
func (s *reconcileScope) recordAnswer(call scaling.Call, err error) {
	op := operation.RecordAnswer(*s.operation, call, err)
	s.operation, s.object.Status.Operation = &op, convert.OperationStatus(op)
}

// reportReplicasWithoutClients sets the condition ReplicaWithoutClients, and records an event when it begins.
func (s *reconcileScope) reportReplicasWithoutClients() {
	var names []string
	for _, pool := range s.assessments {
		names = append(names, pool.Load.WithoutClients...)
	}
	if len(names) == 0 {
		s.conditions.Remove(v1alpha1.ConditionReplicaWithoutClients)
		return
	}
	message := fmt.Sprintf("No client is connected to %s. Read replicas of a DB instance have no reader endpoint, so that these are not "+
		"counted as capacity. Let clients connect to the addresses in status.readers.instances, or delete the replicas",
		strings.Join(names, ", "))
	if meta.FindStatusCondition(s.original.Status.Conditions, v1alpha1.ConditionReplicaWithoutClients) == nil {
		s.recordWarning(events.ReplicaWithoutClients, "Observe", message)
	}
	s.conditions.Set(v1alpha1.ConditionReplicaWithoutClients, metav1.ConditionTrue, v1alpha1.ReasonNoConnections, message)
}
