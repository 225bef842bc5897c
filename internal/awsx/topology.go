package awsx

import (
	"cmp"
	"context"
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
	readAt    time.Time
	clusters  map[string]types.DBCluster
	instances map[string]types.DBInstance
	// memberIDs are the instances of each cluster, by the identifier of the cluster. replicaIDs are the read replicas of each instance in
	// its region, by the identifier of the instance. An instance is large, and held once.
	memberIDs, replicaIDs map[string][]string
}

// members lists the instances of a cluster.
func (t *topology) members(cluster string) []types.DBInstance {
	return t.listInstances(t.memberIDs[cluster])
}

// replicas lists the read replicas of an instance in its region.
func (t *topology) replicas(instance string) []types.DBInstance {
	return t.listInstances(t.replicaIDs[instance])
}

func (t *topology) listInstances(ids []string) []types.DBInstance {
	list := make([]types.DBInstance, len(ids))
	for n, id := range ids {
		list[n] = t.instances[id]
	}
	return list
}

// readTopology reads the topology of a scope, in pages of 100 databases.
func readTopology(ctx context.Context, client rdsReadAPI, now time.Time) (*topology, error) {
	t := newTopology(now)
	var reading sync.WaitGroup // at the same time, since each operation has its own rate limit
	var clustersErr, instancesErr error
	reading.Go(func() { clustersErr = t.readClusters(ctx, client, nil) })
	reading.Go(func() { instancesErr = t.readInstances(ctx, client, nil) })
	reading.Wait()
	if err := cmp.Or(clustersErr, instancesErr); err != nil { // always the same one of the two
		return nil, err
	}
	return t, nil
}

func newTopology(readAt time.Time) *topology {
	return &topology{
		readAt: readAt, clusters: map[string]types.DBCluster{}, instances: map[string]types.DBInstance{},
		memberIDs: map[string][]string{}, replicaIDs: map[string][]string{},
	}
}

// readClusters reads the clusters that match the filters; all without filters.
func (t *topology) readClusters(ctx context.Context, client rdsReadAPI, filters []types.Filter) error {
	shared := interner{}
	pages := rds.NewDescribeDBClustersPaginator(client, &rds.DescribeDBClustersInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, c := range page.DBClusters {
			shared.intern(&c)
			t.clusters[aws.ToString(c.DBClusterIdentifier)] = c
		}
	}
	return nil
}

// readInstances reads the instances that match the filters; all without filters.
func (t *topology) readInstances(ctx context.Context, client rdsReadAPI, filters []types.Filter) error {
	shared := interner{}
	pages := rds.NewDescribeDBInstancesPaginator(client, &rds.DescribeDBInstancesInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range page.DBInstances {
			shared.intern(&i)
			id := aws.ToString(i.DBInstanceIdentifier)
			t.instances[id] = i
			if cluster := aws.ToString(i.DBClusterIdentifier); cluster != "" {
				t.memberIDs[cluster] = append(t.memberIDs[cluster], id)
			}
			if source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier); source != "" { // an ARN when the source is in another region
				t.replicaIDs[source] = append(t.replicaIDs[source], id)
			}
		}
	}
	return nil
}
