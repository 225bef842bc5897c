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

// topology holds every database of a scope as the RDS API describes it. It is immutable.
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
	t := &topology{
		readAt: now, clusters: map[string]types.DBCluster{}, instances: map[string]types.DBInstance{},
		members: map[string][]types.DBInstance{}, replicas: map[string][]types.DBInstance{},
	}
	clusters := rds.NewDescribeDBClustersPaginator(client, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(describePageSize)})
	for clusters.HasMorePages() {
		page, err := clusters.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range page.DBClusters {
			t.clusters[aws.ToString(c.DBClusterIdentifier)] = c
		}
	}
	instances := rds.NewDescribeDBInstancesPaginator(client, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(describePageSize)})
	for instances.HasMorePages() {
		page, err := instances.NextPage(ctx)
		if err != nil {
			return nil, err
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
	return t, nil
}
