package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// observe reads the database from the snapshot that all policies of its account and region share.
func (r *Reconciler) observe(ctx context.Context, v *reconcileScope) (bool, error) {
	targets, err := r.targetsInScope(ctx, v)
	if err != nil {
		return false, err
	}
	var notBefore time.Time
	if v.operation != nil {
		notBefore = v.now.Add(-operation.PollInterval)
	}
	observed := r.Observer.Observe(ctx, targets, notBefore)[0]
	if observed.Err != nil {
		return false, r.setObservationFailed(ctx, v, observed.Err)
	}
	v.observation = observed.Observation
	if problem := targetProblem(v); problem != nil {
		v.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionFalse, problem.reason, problem.message)
		v.setDecisionReason(problem.reason, problem.message)
		if v.operation != nil && !v.observation.Found {
			r.completeOperation(v, v1alpha1.OutcomeFailed, problem.reason, problem.message)
		}
		if !v.observation.Found {
			return false, r.removeFinalizer(ctx, v)
		}
		return false, nil
	}
	v.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionTrue, v1alpha1.ReasonFound, "The database exists")
	r.restoreState(v)
	if v.observation.Fleet, err = r.loadFleet(ctx, r.Client, v); err != nil {
		return false, err
	}
	r.detectDrift(ctx, v)
	return true, r.assessLoad(v, observed.MetricsErr)
}

// restoreState brings what AWS cannot tell up to date, and adds it to what was observed: since when a pool has been what it is, how
// large it was before, when the engine was upgraded, what was done, and what instances cost where a file says so.
func (r *Reconciler) restoreState(v *reconcileScope) {
	status, o := &v.object.Status, &v.observation
	status.Target = convert.TargetStatus(status.Target, *o)
	status.Writer = convert.PoolStatus(status.Writer, *o, scaling.Writer)
	status.Readers = convert.PoolStatus(status.Readers, *o, scaling.Readers)
	o.UpgradedAt = convert.EngineUpgradedAt(status.Target)
	writer, readers := convert.PoolState(status.Writer), convert.PoolState(status.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = writer.ChangedAt, readers.ChangedAt
	o.WriterCapacityHistory, o.ReadersCapacityHistory = writer.FullCapacityHistory(nil, *o), readers.FullCapacityHistory(nil, *o)
	o.History = convert.History(status.History)
	status.CapacityShortages = slices.DeleteFunc(status.CapacityShortages, func(s v1alpha1.CapacityShortage) bool {
		return !v.now.Before(s.ExpiryTime.Time)
	})
	o.Shortages = convert.CapacityShortages(status.CapacityShortages)
	if r.PriceList == nil {
		return
	}
	if listed := r.PriceList(v.policy.Target.Scope.Region, o.Engine); len(listed) > 0 {
		prices := maps.Clone(o.Prices)
		if prices == nil {
			prices = map[string]scaling.Money{}
		}
		maps.Copy(prices, listed)
		o.Prices = prices
	}
}

// targetsInScope lists the policy's own target first, then those of every other policy of the same account and region, so
// that one batch of metrics serves them all.
func (r *Reconciler) targetsInScope(ctx context.Context, v *reconcileScope) ([]scaling.Target, error) {
	own := convert.Target(v.object)
	var peers v1alpha1.DBScalingPolicyList
	err := r.Client.List(ctx, &peers, client.MatchingFields{indexScope: scopeKey(v.object)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	targets := []scaling.Target{own}
	for n := range peers.Items {
		if target := convert.Target(&peers.Items[n]); target != own {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// awsUnavailableInterval is when to look again while AWS cannot be read. It does not grow: when AWS is back, the database may need
// something.
const awsUnavailableInterval = 30 * time.Second

// setObservationFailed says why the database cannot be seen.
func (r *Reconciler) setObservationFailed(ctx context.Context, v *reconcileScope, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	ctrllog.FromContext(ctx).Error(err, "AWS cannot be read", "target", v.policy.Target.String())
	if errors.Is(err, scaling.ErrDenied) {
		message := fmt.Sprintf("The operator may not read databases in %s: %s. Grant what config/iam/policy.json lists to its role",
			v.policy.Target.Scope, scaling.StableMessage(err))
		v.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAccessDenied, message)
		v.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied, message)
		v.setDecisionReason(v1alpha1.ReasonAccessDenied, message)
		return nil
	}
	v.requeueAfter = awsUnavailableInterval
	message := fmt.Sprintf("AWS cannot be read in %s, so nothing changes until it can. If this lasts, check spec.targetRef.region "+
		"and the operator's network", v.policy.Target.Scope)
	v.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAWSUnavailable, message)
	v.setDecisionReason(v1alpha1.ReasonAWSUnavailable, message)
	return nil
}

// targetProblem says why a database that was looked for cannot be scaled.
func targetProblem(v *reconcileScope) *scalingLimit {
	o, target := v.observation, v.policy.Target
	switch {
	case !o.Found:
		return &scalingLimit{v1alpha1.ReasonNotFound, fmt.Sprintf("There is no %s named %q in %s. Check spec.targetRef: identifier, region, and "+
			"roleARN when it is in another account", target.Kind, target.Identifier, target.Scope)}
	case o.Unsupported != "":
		return &scalingLimit{v1alpha1.ReasonUnsupported, o.Unsupported}
	case o.Serverless && !v.policy.Serverless:
		return &scalingLimit{v1alpha1.ReasonUnsupported, "it is Aurora Serverless v2, whose members have no class of their own: name the maximum " +
			"capacities that it may have in spec.serverless, instead of spec.readers and spec.writer"}
	case v.policy.Serverless && !o.Serverless:
		return &scalingLimit{v1alpha1.ReasonUnsupported, "spec.serverless is for Aurora Serverless v2, and not all its members are: name classes in " +
			"spec.readers and spec.writer instead"}
	case o.ResizedAsUnit && v.policy.Readers != nil:
		return &scalingLimit{v1alpha1.ReasonUnsupported, "it is a Multi-AZ DB cluster, which is resized as a whole: remove spec.readers, and name " +
			"the classes of all its members in spec.writer"}
	}
	for field, ladder := range map[string][]string{"readers": readerClasses(v.policy), "writer": writerClasses(v.policy)} {
		for _, name := range ladder {
			if class, err := catalog.Lookup(name); err == nil && !class.Supports(o.Engine) {
				return &scalingLimit{v1alpha1.ReasonClassNotOffered, fmt.Sprintf("spec.%s.instanceClasses: %s does not run on %s. Remove it from the list",
					field, o.Engine, name)}
			}
		}
	}
	return nil
}

// assessLoad works out what the pools carry, and says whether the samples are fresh.
func (r *Reconciler) assessLoad(v *reconcileScope, metricsErr error) error {
	v.assessments = decide.Evaluate(v.policy, v.observation, v.now).Pools
	v.measureEffect()
	if metricsErr != nil {
		if errors.Is(metricsErr, context.Canceled) {
			return metricsErr
		}
		reason := v1alpha1.ReasonAWSUnavailable
		message := "CPU samples cannot be read, so nothing changes until they can"
		if errors.Is(metricsErr, scaling.ErrDenied) {
			reason = v1alpha1.ReasonAccessDenied
			message = fmt.Sprintf("The operator may not read metrics: %s. Grant what config/iam/policy.json lists to its role",
				scaling.StableMessage(metricsErr))
		}
		v.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionFalse, reason, message)
		return nil
	}
	for _, pool := range v.assessments {
		load := pool.Load
		since := v.observation.ChangedAt(load.Pool)
		if !pool.Scaled || since.IsZero() || v.now.Sub(since) < scaling.MaxSampleAge {
			continue // a pool that has just changed has no samples yet, and that is as it should be
		}
		if v.now.Sub(load.NewestSampleAt) > scaling.MaxSampleAge {
			v.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionFalse, v1alpha1.ReasonMetricsUnavailable, fmt.Sprintf(
				"CloudWatch has no CPUUtilization of the last %s for some of the %s. Nothing changes until it has",
				scaling.MaxSampleAge, describePool(load.Pool)))
			return nil
		}
	}
	v.conditions.Set(v1alpha1.ConditionMetricsAvailable, metav1.ConditionTrue, v1alpha1.ReasonMetricsAvailable, "There are recent CPU samples")
	return nil
}

// measureEffect notes the utilization that an operation led to, once there is something to read it from.
func (v *reconcileScope) measureEffect() {
	if v.operation != nil {
		return
	}
	for _, pool := range v.assessments {
		if n, percent, known := state.MeasureEffect(v.observation.History, pool.Load); known {
			v.object.Status.History[n].UtilizationAfterPercent = ptr.To(int32(percent))
			v.observation.History[n].UtilizationAfter = &percent
		}
	}
}

func describePool(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}

func readerClasses(p scaling.Policy) []string {
	if p.Readers == nil {
		return nil
	}
	return p.Readers.InstanceClasses
}

func writerClasses(p scaling.Policy) []string {
	if p.Writer == nil {
		return nil
	}
	return p.Writer.InstanceClasses
}
