package awsx

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// describePageSize is the largest page of the RDS API (RDS API reference, DescribeDBClusters, MaxRecords).
const describePageSize = 100

// topology holds every database of a scope, or some targets with all that belongs to them, as the RDS API describes them. It is
// immutable.
type topology struct {
	// readAt is when reading began: nothing in it is older.
	readAt time.Time
	// clusters and instances share what has not changed with the topology before: a database is described in three kilobytes.
	clusters  map[string]*types.DBCluster
	instances map[string]*types.DBInstance
	// memberIDs are the instances of each cluster, by the identifier of the cluster. replicaIDs are the read replicas of each instance in
	// its region, by the identifier of the instance. An instance is large, and held once.
	memberIDs, replicaIDs map[string][]string
	// partial receives each page while the topology is being read; nil where nobody wants it.
	partial *partialTopology
}

// cluster returns a cluster; the zero value when there is none.
func (t *topology) cluster(id string) types.DBCluster {
	if c := t.clusters[id]; c != nil {
		return *c
	}
	return types.DBCluster{}
}

// instance returns an instance; the zero value when there is none.
func (t *topology) instance(id string) types.DBInstance {
	if i := t.instances[id]; i != nil {
		return *i
	}
	return types.DBInstance{}
}

// members lists the instances of a cluster.
func (t *topology) members(cluster string) []*types.DBInstance {
	return t.listInstances(t.memberIDs[cluster])
}

// replicas lists the read replicas of an instance in its region.
func (t *topology) replicas(instance string) []*types.DBInstance {
	return t.listInstances(t.replicaIDs[instance])
}

// listInstances does not copy the instances: one has more than a kilobyte.
func (t *topology) listInstances(ids []string) []*types.DBInstance {
	list := make([]*types.DBInstance, len(ids))
	for n, id := range ids {
		if list[n] = t.instances[id]; list[n] == nil {
			list[n] = &types.DBInstance{}
		}
	}
	return list
}

// lacksMember reports whether a cluster names a member that was not read: one that was deleted meanwhile moves others to a page that was
// read before.
func (t *topology) lacksMember(cluster string) bool {
	return slices.ContainsFunc(t.cluster(cluster).DBClusterMembers, func(m types.DBClusterMember) bool {
		return t.instances[aws.ToString(m.DBInstanceIdentifier)] == nil
	})
}

// readTopology reads the topology of a scope, in pages of 100 databases. The previous one, and what receives the pages, may be nil.
func readTopology(
	ctx context.Context, client rdsReadAPI, previous *topology, partial *partialTopology, now time.Time,
) (*topology, error) {
	t, previous := newTopology(now), cmp.Or(previous, &topology{})
	t.partial = partial
	var reading sync.WaitGroup // at the same time, since each operation has its own rate limit
	var clustersErr, instancesErr error
	reading.Go(func() { clustersErr = t.readClusters(ctx, client, nil, previous) })
	reading.Go(func() { instancesErr = t.readInstances(ctx, client, nil, previous) })
	reading.Wait()
	if err := cmp.Or(clustersErr, instancesErr); err != nil { // always the same one of the two
		return nil, err
	}
	t.partial = nil
	return t, nil
}

func newTopology(readAt time.Time) *topology {
	return &topology{
		readAt: readAt, clusters: map[string]*types.DBCluster{}, instances: map[string]*types.DBInstance{},
		memberIDs: map[string][]string{}, replicaIDs: map[string][]string{},
	}
}

// readClusters reads the clusters that match the filters; all without filters.
func (t *topology) readClusters(ctx context.Context, client rdsReadAPI, filters []types.Filter, previous *topology) error {
	shared := interner{}
	pages := rds.NewDescribeDBClustersPaginator(client, &rds.DescribeDBClustersInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for n := range page.DBClusters {
			c := &page.DBClusters[n]
			c.EarliestRestorableTime, c.LatestRestorableTime, c.EarliestBacktrackTime = nil, nil, nil // they change all the time
			id := aws.ToString(c.DBClusterIdentifier)
			t.clusters[id] = keepUnchanged(previous.clusters[id], c, shared)
			t.partial.addCluster(id, t.clusters[id])
		}
		t.partial.endPage()
	}
	return nil
}

// readInstances reads the instances that match the filters; all without filters.
func (t *topology) readInstances(ctx context.Context, client rdsReadAPI, filters []types.Filter, previous *topology) error {
	shared := interner{}
	pages := rds.NewDescribeDBInstancesPaginator(client, &rds.DescribeDBInstancesInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for n := range page.DBInstances {
			i := &page.DBInstances[n]
			i.LatestRestorableTime = nil // it changes every five minutes
			id := aws.ToString(i.DBInstanceIdentifier)
			_, isKnown := t.instances[id] // an instance that was created meanwhile moves others to the next page
			t.instances[id] = keepUnchanged(previous.instances[id], i, shared)
			t.partial.addInstance(id, t.instances[id])
			if isKnown {
				continue
			}
			if cluster := aws.ToString(i.DBClusterIdentifier); cluster != "" {
				t.memberIDs[cluster] = append(t.memberIDs[cluster], id)
			}
			if source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier); source != "" { // an ARN when the source is in another region
				t.replicaIDs[source] = append(t.replicaIDs[source], id)
			}
		}
		t.partial.endPage()
	}
	return nil
}

// keepUnchanged returns the previous value where nothing has changed, which is nearly always so, and otherwise a copy of what was read:
// with the value itself, the whole page would stay in memory.
func keepUnchanged[T any](previous, read *T, shared interner) *T {
	if previous != nil && reflect.DeepEqual(previous, read) {
		return previous
	}
	shared.intern(read)
	changed := *read
	return &changed
}
