package controllers

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// The fields by which the API server selects policies: selectableFields of the CRD, which Kubernetes has by default since 1.31 and for
// good since 1.32 (KEP-4358).
const (
	fieldIdentifier = "spec.targetRef.identifier"
	fieldKind       = "spec.targetRef.kind"
	fieldRegion     = "spec.targetRef.region"
	fieldOperation  = "status.operation.id"
)

// listPageSize is how many policies are requested at once. client-go's pager and kubectl use the same number.
const listPageSize = 500

// savedPolicies are policies as the API server has them, whichever of them this operator watches and owns.
type savedPolicies struct {
	items []v1alpha1.DBScalingPolicy
	// complete says that all namespaces were listed. Otherwise the operator may list those that it watches only.
	complete bool
}

// listCompetitors lists, past the cache, the policies that name the same database.
func (r *Reconciler) listCompetitors(ctx context.Context, own *v1alpha1.DBScalingPolicy) (savedPolicies, error) {
	ref, key := own.Spec.TargetRef, targetKey(own)
	selector := fields.Set{fieldIdentifier: ref.Identifier, fieldKind: string(ref.Kind), fieldRegion: ref.Region}.AsSelector()
	return r.listSavedPolicies(ctx, selector, func(p *v1alpha1.DBScalingPolicy) bool { return targetKey(p) == key })
}

// listOperating lists, past the cache, the policies with an operation in progress: all that can hold a fleet slot. Where the API server
// cannot select them, those that wait for a slot are listed too.
func (r *Reconciler) listOperating(ctx context.Context) (savedPolicies, error) {
	return r.listSavedPolicies(ctx, fields.OneTermNotEqualSelector(fieldOperation, ""), convert.CountsInFleet)
}

// listSavedPolicies lists the policies that match the selector and for which keep is true, from all namespaces, or from those that this
// operator watches when it may list no more.
func (r *Reconciler) listSavedPolicies(
	ctx context.Context, selector fields.Selector, keep func(*v1alpha1.DBScalingPolicy) bool,
) (savedPolicies, error) {
	items, err := r.listNamespace(ctx, "", selector, keep)
	if !apierrors.IsForbidden(err) || len(r.WatchNamespaces) == 0 {
		return savedPolicies{items: items, complete: true}, err
	}
	r.logOnce(ctx, &r.namespacesListed, "this operator may list policies in the namespaces of --watch-namespaces only: the limit of "+
		"--max-disruptive-operations counts those, and databases with the tag value @any are not changed", err)
	out := savedPolicies{}
	for _, namespace := range r.WatchNamespaces {
		items, err := r.listNamespace(ctx, namespace, selector, keep)
		if err != nil {
			return savedPolicies{}, err
		}
		out.items = append(out.items, items...)
	}
	return out, nil
}

// listNamespace lists policies of a namespace, or of all. An API server that cannot select by these fields is asked for all policies.
func (r *Reconciler) listNamespace(
	ctx context.Context, namespace string, selector fields.Selector, keep func(*v1alpha1.DBScalingPolicy) bool,
) ([]v1alpha1.DBScalingPolicy, error) {
	items, err := r.listPages(ctx, namespace, selector, keep)
	if !apierrors.IsBadRequest(err) { // "field label not supported: ...": the CRD or the API server is an older one
		return items, err
	}
	r.logOnce(ctx, &r.allListed, "the API server does not select policies by field, so that all are listed before an operation starts: apply "+
		"config/crd of this version, and use Kubernetes 1.31 or later", err)
	return r.listPages(ctx, namespace, nil, keep)
}

// listPages lists policies page by page. All pages show the state at the time of the first one (Kubernetes API concepts, "Retrieving large
// results sets in chunks").
func (r *Reconciler) listPages(
	ctx context.Context, namespace string, selector fields.Selector, keep func(*v1alpha1.DBScalingPolicy) bool,
) ([]v1alpha1.DBScalingPolicy, error) {
	var out []v1alpha1.DBScalingPolicy
	options := client.ListOptions{Namespace: namespace, FieldSelector: selector, Limit: listPageSize}
	for {
		var page v1alpha1.DBScalingPolicyList
		if err := r.APIReader.List(ctx, &page, &options); err != nil {
			return nil, fmt.Errorf("listing policies past the cache: %w", err)
		}
		for n := range page.Items {
			if keep(&page.Items[n]) {
				out = append(out, page.Items[n])
			}
		}
		if page.Continue == "" {
			return out, nil
		}
		options.Continue = page.Continue
	}
}

// logOnce logs a limitation of the API server or of the operator's permissions once in the life of the process.
func (r *Reconciler) logOnce(ctx context.Context, once *sync.Once, message string, err error) {
	once.Do(func() { ctrllog.FromContext(ctx).Info(message, "error", err.Error()) })
}
