package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// assess shows the database in status and works out its load.
func (r *Reconciler) assess(ctx context.Context, s *reconcileScope) (outcome, error) {
	if s.isDifferentDatabase() {
		return stop, nil
	}
	if problem := decide.CheckTarget(s.policy, s.observation); problem.Reason != "" {
		s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionFalse, string(problem.Reason), problem.Message)
		s.setDecisionReason(string(problem.Reason), problem.Message)
		s.object.Status.Target = convert.TargetStatus(s.object.Status.Target, s.observation) // so that a change of the role is noticed
		return stop, nil
	}
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionTrue, v1alpha1.ReasonFound, "The database exists")
	replacedBefore := convert.ReplacedAt(s.object.Status.Target)
	if result, err := r.readPastEvents(ctx, s); err != nil || result == pending {
		return result, err
	}
	r.restoreState(s)
	s.setTopologyConditions()
	if s.failOperationOfReplacedTarget(replacedBefore) {
		return stop, nil
	}
	var err error
	if s.observation.Fleet, err = r.loadFleet(ctx, s); err != nil {
		return stop, err
	}
	r.detectDrift(ctx, s)
	return proceed, s.assessLoad(s.metricsErr)
}

// isDifferentDatabase says whether the operation in progress was started on another database than the one that the policy now leads
// to: somebody has changed spec.targetRef.accountRef, or the role of the AWSAccount. The operation waits then.
func (s *reconcileScope) isDifferentDatabase() bool {
	target := s.object.Status.Target
	if s.operation == nil || target == nil || target.ARN == s.observation.ARN {
		return false
	}
	message := fmt.Sprintf("Operation %s was started on %s, and spec.targetRef.accountRef now leads to another database of that name. The "+
		"operation waits. Let the account lead to the first database again", s.operation.ID, target.ARN)
	if s.deleting {
		message += fmt.Sprintf(", or remove the finalizer %s", surgeReaderFinalizer)
	}
	s.denyAuthorization(v1alpha1.ReasonDifferentDatabase, message)
	return true
}

// restoreState updates what status remembers and adds it to the observation, because AWS does not tell it: when a pool last
// changed, how large it was before, when the engine was upgraded, which operations ended, and configured prices.
func (r *Reconciler) restoreState(s *reconcileScope) {
	status, o := &s.object.Status, &s.observation
	o.History = state.ForgetServingReaders(convert.History(status.History), o)
	convert.SetUnservedReaders(status.History, o.History)
	o.Instances = state.MarkUnservedReaders(o.Instances, s.operation, o.History) // before the pools, which failed readers are no part of
	status.Target = convert.TargetStatus(status.Target, *o)
	status.Writer = convert.PoolStatus(status.Writer, *o, scaling.Writer)
	status.Readers = convert.PoolStatus(status.Readers, *o, scaling.Readers)
	s.setUnchangedSince()
	convert.SetEndpoints(status.Writer, *o, scaling.Writer) // after consent
	convert.SetEndpoints(status.Readers, *o, scaling.Readers)
	o.UpgradedAt, o.PromotedAt = convert.EngineUpgradedAt(status.Target), convert.PromotedAt(status.Target)
	writer, readers := convert.PoolState(status.Writer), convert.PoolState(status.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = writer.ChangedAt, readers.ChangedAt
	o.WriterUnchangedSince, o.ReadersUnchangedSince = writer.UnchangedSince, readers.UnchangedSince
	o.WriterCapacityHistory, o.ReadersCapacityHistory = writer.FullCapacityHistory(nil, o), readers.FullCapacityHistory(nil, o)
	o.Shortages = state.UpdateShortages(convert.CapacityShortages(status.CapacityShortages), *o, s.now)
	status.CapacityShortages = convert.CapacityShortagesStatus(o.Shortages)
	o.Refusals = state.ActiveRefusals(convert.Refusals(status.Refusals), s.object.Generation, s.now)
	status.Refusals = convert.RefusalsStatus(o.Refusals)
	if r.PriceList == nil {
		return
	}
	if configured := r.PriceList(s.policy.Target.Scope.Region, o.Engine); len(configured) > 0 {
		prices := maps.Clone(o.Prices)
		if prices == nil {
			prices = map[string]scaling.Money{}
		}
		maps.Copy(prices, configured)
		o.Prices = prices
	}
}

// assessLoad works out the load of each pool and reports whether there are recent samples. Missing samples do not stop the
// reconcile: the guards veto changes, and an operation in progress goes on. It returns an error only when the reconcile was
// canceled.
func (s *reconcileScope) assessLoad(metricsErr error) error {
	s.evaluate()
	if s.recordOperationEffect() { // further decisions depend on it
		s.evaluate()
	}
	s.reportReplicasWithoutClients()
	unavailable := func(reason, message string) {
		s.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionFalse, reason, message)
	}
	if metricsErr != nil {
		cause := publicMessage(scaling.StableMessage(metricsErr))
		switch {
		case errors.Is(metricsErr, context.Canceled):
			return metricsErr
		case errors.Is(metricsErr, scaling.ErrDenied):
			unavailable(v1alpha1.ReasonAccessDenied, fmt.Sprintf("The operator may not read metrics: %s. %s", cause, grantPermissions))
		default:
			unavailable(v1alpha1.ReasonAWSUnavailable, fmt.Sprintf("CPU samples cannot be read: %s. Nothing changes until they can. "+
				"If this lasts, check the operator's network access to CloudWatch", cause))
		}
		return nil
	}
	if pool, missing := decide.PoolWithoutSamples(s.observation, s.assessments, s.now); missing {
		unavailable(v1alpha1.ReasonMetricsUnavailable, fmt.Sprintf("CloudWatch has no CPUUtilization of the last %s for at least one of the "+
			"%s. Nothing changes until it has. If this lasts, check the instance in the RDS console",
			scaling.FormatDuration(scaling.MaxSampleAge), describePool(pool)))
		return nil
	}
	s.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionTrue, v1alpha1.ReasonMetricsAvailable,
		"Recent CPU samples are available")
	return nil
}

// evaluate works out the load of each pool, and the decision, which the phase decide uses.
func (s *reconcileScope) evaluate() {
	s.evaluation = decide.Evaluate(s.policy, s.observation, s.now)
	s.assessments = s.evaluation.Pools
}

// recordOperationEffect records the utilization that an operation led to, once there are samples since its end. It reports whether it did.
func (s *reconcileScope) recordOperationEffect() bool {
	recorded := false
	if s.operation != nil {
		return recorded
	}
	for p := range s.assessments {
		if n, percent, known := state.MeasureEffect(s.observation.History, &s.assessments[p].Load); known {
			s.object.Status.History[n].UtilizationAfterPercent = ptr.To(int32(percent))
			s.observation.History[n].UtilizationAfter = &percent
			recorded = true
		}
	}
	return recorded
}

func describePool(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}
