package controllers

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

const (
	// indexScope finds the policies of one account and region.
	indexScope = "scope"
	// indexTarget finds the policies that name one database, whatever role they see it through.
	indexTarget = "target"
)

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for field, key := range map[string]func(*v1alpha1.DBScalingPolicy) string{indexScope: scopeKey, indexTarget: targetKey} {
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

func scopeKey(p *v1alpha1.DBScalingPolicy) string {
	return p.Spec.TargetRef.Region + "|" + p.Spec.TargetRef.RoleARN
}

func targetKey(p *v1alpha1.DBScalingPolicy) string {
	ref := p.Spec.TargetRef
	return ref.Region + "|" + string(ref.Kind) + "|" + ref.Identifier
}
