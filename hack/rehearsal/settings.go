package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// readSettings makes the reads that the operator makes only of a database with parameter groups or custom endpoints of its own, which
// a rehearsal does not create.
func (s *session) readSettings(ctx context.Context) error {
	clusters, err := s.target.rds.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String(s.identifier)})
	if err != nil {
		return err
	}
	writers, err := s.target.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{
		DBInstanceIdentifier: aws.String(s.writerIdentifier()),
	})
	if err != nil {
		return err
	}
	if len(clusters.DBClusters) != 1 || len(writers.DBInstances) != 1 || len(writers.DBInstances[0].DBParameterGroups) == 0 {
		return errors.New("the cluster, its writer or the parameter group of the writer is missing")
	}
	_, errCluster := s.target.rds.DescribeDBClusterParameters(ctx, &rds.DescribeDBClusterParametersInput{
		DBClusterParameterGroupName: clusters.DBClusters[0].DBClusterParameterGroup, Source: aws.String("user"),
	})
	_, errInstance := s.target.rds.DescribeDBParameters(ctx, &rds.DescribeDBParametersInput{
		DBParameterGroupName: writers.DBInstances[0].DBParameterGroups[0].DBParameterGroupName, Source: aws.String("user"),
	})
	_, errEndpoints := s.target.rds.DescribeDBClusterEndpoints(ctx, &rds.DescribeDBClusterEndpointsInput{
		Filters: []types.Filter{{Name: aws.String("db-cluster-endpoint-type"), Values: []string{"custom"}}},
	})
	return errors.Join(errCluster, errInstance, errEndpoints)
}
