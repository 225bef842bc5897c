package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// trackingInterval is how often the targets of all policies are listed for the observer.
	trackingInterval = 30 * time.Second
	// minSampleWindow is the least that is read, so that a policy whose window is extended need not wait for samples.
	minSampleWindow = 4 * time.Hour
	// sampleWindowMargin covers the minutes whose samples are not published or not final yet.
	sampleWindowMargin = 15 * time.Minute
)

// targetTracker makes the targets of all policies known to the observer, again and again, so that their samples are read together. It also
// runs where the replica is not the leader.
type targetTracker struct{ reconciler *Reconciler }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (t targetTracker) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (t targetTracker) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := t.reconciler.trackTargets(ctx); err != nil && ctx.Err() == nil {
			ctrllog.FromContext(ctx).Error(err, "the targets of all policies could not be listed: they are listed again", "after", trackingInterval)
		}
	}, t.reconciler.wallDuration(trackingInterval))
	return nil
}

// trackTargets makes the targets of all policies of this shard that may use their account known to the observer.
func (r *Reconciler) trackTargets(ctx context.Context) error {
	var policies v1alpha1.DBScalingPolicyList
	if err := r.Client.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	accounts, targets := accountResolver{reconciler: r}, make([]scaling.TrackedTarget, 0, len(policies.Items))
	for n := range policies.Items {
		if !r.Owns(&policies.Items[n]) {
			continue
		}
		scope, allowed, err := accounts.resolve(ctx, &policies.Items[n])
		if err != nil {
			return err
		}
		if allowed {
			targets = append(targets, r.trackedTarget(&policies.Items[n], scope))
		}
	}
	r.Observer.Track(targets)
	return nil
}

// trackedTarget is the target of a policy and what is needed of it: the samples of the longest scale-down window and those of memory and
// connections for the shorter one, each with a margin.
func (r *Reconciler) trackedTarget(p *v1alpha1.DBScalingPolicy, scope scaling.Scope) scaling.TrackedTarget {
	target, down := convert.Target(p), p.Spec.Behavior.ScaleDown
	target.Scope = scope
	seconds := max(down.WindowSeconds, ptr.Deref(down.ClassWindowSeconds, 0))
	window := max(minSampleWindow, time.Duration(seconds)*time.Second) + sampleWindowMargin
	scaleDownWindow := max(scaling.MaxSlowSampleAge, time.Duration(down.WindowSeconds)*time.Second) + sampleWindowMargin
	needs := r.queue.needsOf(client.ObjectKeyFromObject(p))
	return scaling.TrackedTarget{
		Target: target, Window: window, ScaleDownWindow: scaleDownWindow, ReadInterval: needs.readInterval, RiseLimits: needs.riseLimits,
		ReadersOnly: p.Spec.Writer == nil && p.Spec.Readers != nil, NeedsReplicaLag: needs.needsLag,
	}
}

// accountResolver resolves the accounts of many policies: each account is read once for each namespace.
type accountResolver struct {
	reconciler *Reconciler
	known      map[accountUse]accountScope
}

// accountUse is the use of an AWSAccount by the policies of a namespace in a region.
type accountUse struct{ account, namespace, region string }

type accountScope struct {
	scope   scaling.Scope
	allowed bool
}

// resolve returns the scope of a policy, and false when the policy may not use its account.
func (a *accountResolver) resolve(ctx context.Context, p *v1alpha1.DBScalingPolicy) (scaling.Scope, bool, error) {
	use := accountUse{accountKey(p), p.Namespace, p.Spec.TargetRef.Region}
	if known, found := a.known[use]; found {
		return known.scope, known.allowed, nil
	}
	scope, allowed, err := a.reconciler.resolveScope(ctx, p)
	if err != nil {
		return scaling.Scope{}, false, err
	}
	if a.known == nil {
		a.known = map[accountUse]accountScope{}
	}
	a.known[use] = accountScope{scope, allowed}
	return scope, allowed, nil
}
