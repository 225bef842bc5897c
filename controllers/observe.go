package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// grantPermissions says what to do when AWS denies a request.
const grantPermissions = "Grant the permissions in config/iam/policy.json to the operator's role"

// observe reads the database from the snapshot that all policies of its account and region share.
func (r *Reconciler) observe(ctx context.Context, s *reconcileScope) (outcome, error) {
	targets, err := r.targetsInScope(ctx, s)
	if err != nil {
		return stop, err
	}
	var notBefore time.Time
	if s.operation != nil {
		notBefore = s.now.Add(-operation.PollInterval)
		targets = targets[:1] // the others need not be as fresh
	}
	observed := r.Observer.Observe(ctx, targets, notBefore)[0]
	if observed.Err != nil {
		return stop, s.setObservationFailed(ctx, observed.Err)
	}
	s.observation = observed.Observation
	if problem := decide.CheckTarget(s.policy, s.observation); problem.Reason != "" {
		return stop, r.setTargetNotScalable(ctx, s, problem)
	}
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionTrue, v1alpha1.ReasonFound, "The database exists")
	r.restoreState(s)
	if s.observation.Fleet, err = r.loadFleet(ctx, r.Client, s); err != nil {
		return stop, err
	}
	r.detectDrift(ctx, s)
	return proceed, s.assessLoad(observed.MetricsErr)
}

// targetsInScope lists the policy's own target first, then those of every other policy of the same account and region, so
// that one batch of metrics serves them all.
func (r *Reconciler) targetsInScope(ctx context.Context, s *reconcileScope) ([]scaling.Target, error) {
	own := convert.Target(s.object)
	var policies v1alpha1.DBScalingPolicyList
	err := r.Client.List(ctx, &policies, client.MatchingFields{indexScope: scopeKey(s.object)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	targets := []scaling.Target{own}
	for n := range policies.Items {
		if target := convert.Target(&policies.Items[n]); target != own {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// awsUnavailableInterval is when to reconcile again while AWS cannot be read. It does not grow: once AWS is back, the database
// may need a change.
const awsUnavailableInterval = 30 * time.Second

// setObservationFailed reports that the database cannot be read, and why. It returns an error only when the reconcile was
// canceled.
func (s *reconcileScope) setObservationFailed(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	ctrllog.FromContext(ctx).Error(err, "AWS cannot be read", "target", s.policy.Target.String())
	cause := scaling.StableMessage(err)
	if errors.Is(err, scaling.ErrDenied) {
		message := fmt.Sprintf("The operator may not read databases in %s: %s. %s", s.policy.Target.Scope, cause, grantPermissions)
		s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAccessDenied, message)
		s.denyAuthorization(v1alpha1.ReasonAccessDenied, message)
		return nil
	}
	s.requeueAfter = awsUnavailableInterval
	message := fmt.Sprintf("The database cannot be read: %s. Nothing changes until it can. If this lasts, check spec.targetRef.region "+
		"and the operator's network access to AWS", cause)
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAWSUnavailable, message)
	s.setDecisionReason(v1alpha1.ReasonAWSUnavailable, message)
	return nil
}

// setTargetNotScalable reports that AWS can be read, but the policy cannot scale what was found. When there is no database, an
// operation in progress has failed, and no surge reader is left to remove.
func (r *Reconciler) setTargetNotScalable(ctx context.Context, s *reconcileScope, problem scaling.Hold) error {
	reason := string(problem.Reason)
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionFalse, reason, problem.Message)
	s.setDecisionReason(reason, problem.Message)
	if s.observation.Found {
		return nil
	}
	if s.operation != nil {
		s.completeOperation(v1alpha1.OutcomeFailed, reason, problem.Message)
	}
	return r.removeFinalizer(ctx, s)
}

// restoreState updates what status remembers and adds it to the observation, because AWS does not tell it: when a pool last
// changed, how large it was before, when the engine was upgraded, which operations ended, and configured prices.
func (r *Reconciler) restoreState(s *reconcileScope) {
	status, o := &s.object.Status, &s.observation
	status.Target = convert.TargetStatus(status.Target, *o)
	status.Writer = convert.PoolStatus(status.Writer, *o, scaling.Writer)
	status.Readers = convert.PoolStatus(status.Readers, *o, scaling.Readers)
	o.UpgradedAt = convert.EngineUpgradedAt(status.Target)
	writer, readers := convert.PoolState(status.Writer), convert.PoolState(status.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = writer.ChangedAt, readers.ChangedAt
	o.WriterCapacityHistory, o.ReadersCapacityHistory = writer.FullCapacityHistory(nil, *o), readers.FullCapacityHistory(nil, *o)
	o.History = convert.History(status.History)
	o.Shortages = state.UpdateShortages(convert.CapacityShortages(status.CapacityShortages), *o, s.now)
	status.CapacityShortages = convert.CapacityShortagesStatus(o.Shortages)
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
	s.assessments = decide.Evaluate(s.policy, s.observation, s.now).Pools
	s.recordOperationEffect()
	unavailable := func(reason, message string) {
		s.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionFalse, reason, message)
	}
	if metricsErr != nil {
		cause := scaling.StableMessage(metricsErr)
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

// recordOperationEffect records the utilization that an operation led to, once there are samples since its end.
func (s *reconcileScope) recordOperationEffect() {
	if s.operation != nil {
		return
	}
	for _, pool := range s.assessments {
		if n, percent, known := state.MeasureEffect(s.observation.History, pool.Load); known {
			s.object.Status.History[n].UtilizationAfterPercent = ptr.To(int32(percent))
			s.observation.History[n].UtilizationAfter = &percent
		}
	}
}

func describePool(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}
