package controllers

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// policyState is what the metrics say about the policy at the end of a reconcile.
func (s *reconcileScope) policyState() telemetry.PolicyState {
	conditions := s.object.Status.Conditions
	state := telemetry.PolicyState{
		Conditions: conditions, InForce: meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady),
		AccountID: accountOf(s.observation.ARN), Region: s.policy.Target.Scope.Region,
		Instances: s.observation.Instances, ResizedAsUnit: s.observation.ResizedAsUnit, HourlyBudget: s.policy.Guardrails.MaxHourlyCost,
	}
	if s.limit != nil {
		state.Limit = s.limit.reason
	}
	if s.operation != nil && s.object.Status.Operation != nil {
		state.OperationStartedAt, state.OperationExpectedEnd = s.operation.StartedAt, operation.ExpectedEnd(*s.operation)
	}
	state.HourlyCost, state.HourlyCostKnown = s.hourlyCost()
	for n := range s.assessments {
		pool := &s.assessments[n]
		target := &state.Readers
		if pool.Load.Pool == scaling.Writer {
			target = &state.Writer
		}
		*target = telemetry.PoolState{
			Scaled: pool.Scaled, Load: &pool.Load,
			ThresholdPercent: decide.ScaleUpThreshold(&s.policy, &s.observation, pool.Load.Pool, s.now),
			DesiredVCPUs:     s.desiredVCPUs(&pool.Load), MaximumVCPUs: s.maximumVCPUs(pool.Load.Pool),
		}
	}
	return state
}

// accountOf is the account in an ARN: arn:partition:service:region:account:resource. Empty when there is none.
func accountOf(arn string) string {
	const fieldsBefore = 4
	for range fieldsBefore {
		_, arn, _ = strings.Cut(arn, ":")
	}
	account, _, _ := strings.Cut(arn, ":")
	return account
}

// hourlyCost is the price of all present instances per hour; false when one is unknown, or nothing is shown about the database.
func (s *reconcileScope) hourlyCost() (scaling.Money, bool) {
	total, known := scaling.Money(0), len(s.assessments) > 0 && len(s.observation.Instances) > 0
	for n := range s.observation.Instances {
		price, priced := scaling.ClassPrice(&s.policy, &s.observation, s.observation.Instances[n].Class)
		total += price
		known = known && priced
	}
	return total, known
}

// desiredVCPUs is the size that the operation in progress gives a pool, or else that which the decision asks for, or else the present one.
func (s *reconcileScope) desiredVCPUs(load *scaling.Load) float64 {
	if op := s.object.Status.Operation; op != nil && s.operation != nil {
		if s.operation.Pool == load.Pool {
			return s.vcpus(s.operation.To)
		}
		return load.Capacity
	}
	if d := s.object.Status.Decision; d != nil && d.Desired != nil && d.Pool == v1alpha1.Pool(load.Pool) {
		return s.vcpus(scaling.Shape{InstanceClass: d.Desired.InstanceClass, Count: int(ptr.Deref(d.Desired.Replicas, 1))})
	}
	return load.Capacity
}

// maximumVCPUs is the size of the largest shape that the policy allows for a pool; zero when the catalog lacks a class.
func (s *reconcileScope) maximumVCPUs(pool scaling.Pool) float64 {
	highest := 0.0
	switch {
	case pool == scaling.Writer && s.policy.Writer != nil:
		for _, class := range s.policy.Writer.InstanceClasses {
			highest = max(highest, s.vcpus(scaling.Shape{InstanceClass: class, Count: 1}))
		}
	case pool == scaling.Readers && s.policy.Readers != nil:
		for _, class := range s.policy.Readers.InstanceClasses {
			highest = max(highest, s.vcpus(scaling.Shape{InstanceClass: class, Count: s.policy.Readers.Max}))
		}
	}
	return highest
}

// vcpus is the size of a shape; zero when the catalog lacks its class.
func (s *reconcileScope) vcpus(shape scaling.Shape) float64 {
	class, err := catalog.Lookup(shape.InstanceClass)
	if err != nil {
		return 0
	}
	return float64(shape.Count) * class.VCPUFor(s.observation.Engine)
}
