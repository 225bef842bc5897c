package controllers

import (
	"context"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

const (
	// indexScope finds the policies of one account and region.
	indexScope = "scope"
	// indexAccount finds the policies that name one AWSAccount.
	indexAccount = "account"
	// indexTarget finds the policies that name one database, through any account.
	indexTarget = "target"
	// indexFleet finds the policies that hold a fleet slot or wait for one; their value is inFleet.
	indexFleet = "fleet"
	inFleet    = "true"
)

const (
	// minSampleWindow is the minimum that is read, so that a policy whose window is extended need not wait for samples.
	minSampleWindow = 4 * time.Hour
	// sampleWindowMargin covers the minutes whose samples are not published or not final yet.
	sampleWindowMargin = 15 * time.Minute
)

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for field, key := range map[string]func(*v1alpha1.DBScalingPolicy) string{
		indexScope: scopeKey, indexTarget: targetKey, indexAccount: accountKey, indexFleet: fleetKey,
	} {
		extract := func(o client.Object) []string {
			policy, ok := o.(*v1alpha1.DBScalingPolicy)
			if !ok {
				return nil
			}
			return []string{key(policy)}
		}
		if err := indexer.IndexField(ctx, &v1alpha1.DBScalingPolicy{}, field, extract); err != nil {
			return err
		}
	}
	return nil
}

// LongestSampleWindow returns a function that says how far back samples must be read for all policies, in the time of
// Reconciler.Clock: the longest scale-down window, and a margin.
func LongestSampleWindow(ctx context.Context, reader client.Reader) func() time.Duration {
	return func() time.Duration {
		longest := minSampleWindow
		var policies v1alpha1.DBScalingPolicyList
		if err := reader.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
			return longest // a shorter window has too few samples for a scale-down, which is safe
		}
		for n := range policies.Items {
			down := policies.Items[n].Spec.Behavior.ScaleDown
			seconds := max(down.WindowSeconds, ptr.Deref(down.ClassWindowSeconds, 0))
			longest = max(longest, time.Duration(seconds)*time.Second)
		}
		return longest + sampleWindowMargin
	}
}

func scopeKey(p *v1alpha1.DBScalingPolicy) string {
	return p.Spec.TargetRef.Region + "|" + accountKey(p)
}

// accountKey is the name of the AWSAccount of a policy, or empty.
func accountKey(p *v1alpha1.DBScalingPolicy) string {
	if ref := p.Spec.TargetRef.AccountRef; ref.Name != "" {
		return ref.Name
	}
	return ""
}

func fleetKey(p *v1alpha1.DBScalingPolicy) string {
	if convert.CountsInFleet(p) {
		return inFleet
	}
	return ""
}

func targetKey(p *v1alpha1.DBScalingPolicy) string {
	ref := p.Spec.TargetRef
	return ref.Region + "|" + string(ref.Kind) + "|" + ref.Identifier
}
