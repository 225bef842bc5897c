package operator

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/shard"
)

// assignment returns which accounts and regions this operator takes. The error names the flag that is invalid and what to do.
func (o Options) assignment() (shard.Assignment, error) {
	switch {
	case o.TotalShards < 0 || o.TotalShards > shard.MaxTotal:
		return shard.Assignment{}, fmt.Errorf("--total-shards must be from 1, for one operator that takes everything, to %d, not %d",
			shard.MaxTotal, o.TotalShards)
	case o.TotalShards <= 1 && o.Shard > 0:
		return shard.Assignment{}, fmt.Errorf("--shard is %d, and there is only one shard: set --total-shards to the number of shards", o.Shard)
	case o.TotalShards <= 1:
		return shard.Assignment{}, nil
	case o.Shard >= o.TotalShards:
		return shard.Assignment{}, fmt.Errorf("--shard must be from 0 to %d, because --total-shards is %d, not %d", o.TotalShards-1,
			o.TotalShards, o.Shard)
	case o.Shard < 0:
		return shard.FromPodName(o.PodName, o.TotalShards)
	}
	return shard.Assignment{Index: o.Shard, Total: o.TotalShards}, nil
}

// watchesSubset reports whether the operator watches only some of the policies.
func (o Options) watchesSubset() bool {
	return len(o.WatchNamespaces) > 0 || o.WatchLabelSelector != ""
}

// validateWatches returns an error that names the flag that is invalid and what is wrong with its value.
func (o Options) validateWatches() error {
	for n, namespace := range o.WatchNamespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("--watch-namespaces: %q is not the name of a namespace: %s. List the names with commas and without spaces, such as "+
				"team-a,team-b", namespace, strings.Join(problems, "; "))
		}
		if slices.Contains(o.WatchNamespaces[:n], namespace) {
			return fmt.Errorf("--watch-namespaces: %q is listed twice. Remove one of the two", namespace)
		}
	}
	if _, err := labels.Parse(o.WatchLabelSelector); err != nil {
		return fmt.Errorf("--watch-label-selector: %q is not a label selector: %w. Write one as for kubectl get --selector, such as "+
			"team=payments", o.WatchLabelSelector, err)
	}
	return nil
}

// cacheOptions restricts the cache to the policies that the operator watches. AWSAccounts and namespaces belong to no namespace, and are
// all cached.
func (o Options) cacheOptions() (cache.Options, error) {
	out := cache.Options{DefaultTransform: cache.TransformStripManagedFields()}
	for _, namespace := range o.WatchNamespaces {
		if out.DefaultNamespaces == nil {
			out.DefaultNamespaces = map[string]cache.Config{}
		}
		out.DefaultNamespaces[namespace] = cache.Config{}
	}
	if o.WatchLabelSelector == "" {
		return out, nil
	}
	selector, err := labels.Parse(o.WatchLabelSelector)
	if err != nil {
		return out, err
	}
	out.ByObject = map[client.Object]cache.ByObject{&v1alpha1.DBScalingPolicy{}: {Label: selector}}
	return out, nil
}

// leaderElectionID returns the name of the lease of the replica that reconciles. Operators that take different policies have different
// leases, so that none waits for another: each shard has its own, and so has each set of watched policies, by a hash as in Flux
// (fluxcd/pkg, runtime/leaderelection, GenerateID). The number of shards is no part of the name: while it changes, the old and the new
// process of one index do not both reconcile.
func (o Options) leaderElectionID(assigned shard.Assignment) string {
	name := "dbscaler"
	if o.watchesSubset() {
		namespaces := slices.Sorted(slices.Values(o.WatchNamespaces))
		selector := o.WatchLabelSelector
		if parsed, err := labels.Parse(selector); err == nil {
			selector = parsed.String() // sorted by key
		}
		h := fnv.New32a()
		fmt.Fprintf(h, "%s|%s", strings.Join(namespaces, ","), selector)
		name += fmt.Sprintf("-%08x", h.Sum32())
	}
	if assigned.IsDivided() {
		name += fmt.Sprintf("-shard-%d", assigned.Index)
	}
	return name + "." + v1alpha1.GroupVersion.Group
}
