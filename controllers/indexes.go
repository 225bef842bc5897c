package controllers

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
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

// scopeKey is the account and region of a policy. All shards must agree on it, so it may not change between versions; see shard.Owner.
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

// targetIndexKey is targetKey of the policies of a target.
func targetIndexKey(t scaling.Target) string {
	return t.Scope.Region + "|" + string(t.Kind) + "|" + t.Identifier
}

func targetKey(p *v1alpha1.DBScalingPolicy) string {
	ref := p.Spec.TargetRef
	return ref.Region + "|" + string(ref.Kind) + "|" + ref.Identifier
}
