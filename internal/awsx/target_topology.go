package awsx

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxFilterValues is the largest number of values of a filter: "Only up to 100 unique filter values may be specified per filter"
// (RDS API, InvalidParameterCombination).
const maxFilterValues = 100

// The filters of the RDS API (RDS API reference, DescribeDBClusters and DescribeDBInstances).
const clusterFilter, instanceFilter = "db-cluster-id", "db-instance-id"

// identifiers are what to ask the RDS API for.
type identifiers struct{ clusters, instances map[string]bool }

// identifiersOf lists the clusters and instances of targets: a standalone instance with its read replicas that are known.
func identifiersOf(targets []scaling.Target, known func(scaling.Target) *topology) identifiers {
	ids := identifiers{map[string]bool{}, map[string]bool{}}
	for _, target := range targets {
		if target.Kind == scaling.DBCluster {
			ids.clusters[target.Identifier] = true
			continue
		}
		ids.instances[target.Identifier] = true
		if t := known(target); t != nil {
			for _, replica := range t.replicas(target.Identifier) {
				ids.instances[aws.ToString(replica.DBInstanceIdentifier)] = true
			}
		}
	}
	return ids
}

// fitsFilters reports whether one request of each kind can ask for all of them.
func (ids identifiers) fitsFilters() bool {
	return len(ids.clusters) <= maxFilterValues && len(ids.instances) <= maxFilterValues
}

// readTargetTopology reads only the given clusters with their members, and the given instances with their read replicas. The source
// names its replicas, and every one of them is asked for by its identifier: of one that is just being created, it may not know yet.
func readTargetTopology(
	ctx context.Context, client rdsReadAPI, ids identifiers, previous *topology, now time.Time,
) (*topology, error) {
	t, previous := newTopology(now), cmp.Or(previous, &topology{})
	if len(ids.clusters) > 0 {
		filters := newRDSFilters(clusterFilter, ids.clusters)
		if err := t.readClusters(ctx, client, filters, previous); err != nil {
			return nil, err
		}
		if err := t.readInstances(ctx, client, filters, previous); err != nil {
			return nil, err
		}
	}
	if len(ids.instances) == 0 {
		return t, nil
	}
	if err := t.readInstances(ctx, client, newRDSFilters(instanceFilter, ids.instances), previous); err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for id := range ids.instances {
		for _, replica := range t.instance(id).ReadReplicaDBInstanceIdentifiers {
			if isLocal := !strings.HasPrefix(replica, "arn:"); isLocal && !ids.instances[replica] {
				missing[replica] = true
			}
		}
	}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(missing)), maxFilterValues) {
		filter := types.Filter{Name: aws.String(instanceFilter), Values: batch}
		if err := t.readInstances(ctx, client, []types.Filter{filter}, previous); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// newRDSFilters is a filter with the values in order.
func newRDSFilters(name string, values map[string]bool) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: slices.Sorted(maps.Keys(values))}}
}
