package awsx

import (
	"context"
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
	// members are the instances of each cluster, by the identifier of the cluster. replicas are the read replicas of each
	// instance in its region, by the identifier of the instance.
	members, replicas map[string][]types.DBInstance
}

// readTopology reads the topology of a scope, in pages of 100 databases.
func readTopology(ctx context.Context, client rdsReadAPI, now time.Time) (*topology, error) {
	t := newTopology(now)
	if err := t.readClusters(ctx, client, nil); err != nil {
		return nil, err
	}
	return t, t.readInstances(ctx, client, nil)
}

func newTopology(readAt time.Time) *topology {
	return &topology{
		readAt: readAt, clusters: map[string]types.DBCluster{}, instances: map[string]types.DBInstance{},
		members: map[string][]types.DBInstance{}, replicas: map[string][]types.DBInstance{},
	}
}

// readClusters reads the clusters that match the filters; all without filters.
func (t *topology) readClusters(ctx context.Context, client rdsReadAPI, filters []types.Filter) error {
	pages := rds.NewDescribeDBClustersPaginator(client, &rds.DescribeDBClustersInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, c := range page.DBClusters {
			t.clusters[aws.ToString(c.DBClusterIdentifier)] = c
		}
	}
	return nil
}

// readInstances reads the instances that match the filters; all without filters.
func (t *topology) readInstances(ctx context.Context, client rdsReadAPI, filters []types.Filter) error {
	pages := rds.NewDescribeDBInstancesPaginator(client, &rds.DescribeDBInstancesInput{
		Filters: filters, MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range page.DBInstances {
			t.instances[aws.ToString(i.DBInstanceIdentifier)] = i
			if cluster := aws.ToString(i.DBClusterIdentifier); cluster != "" {
				t.members[cluster] = append(t.members[cluster], i)
			}
			if source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier); source != "" { // an ARN when the source is in another region
				t.replicas[source] = append(t.replicas[source], i)
			}
		}
	}
	return nil
}
