package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

// The steps below make requests that AWS refuses, to record its error codes and texts. Each is harmless if AWS accepts it: it then
// changes, creates or deletes only what this run removes anyway.

// addInvalidTag sets a tag whose value breaks the grammar of RDS.
func (s *session) addInvalidTag(ctx context.Context) error {
	state, err := s.describe(withoutRecording(ctx))
	if err != nil {
		return err
	}
	if state.cluster == nil {
		return errors.New("the cluster does not exist")
	}
	_, err = s.target.rds.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
		ResourceName: state.cluster.DBClusterArn,
		Tags:         append(s.tags(), types.Tag{Key: aws.String("dbscaler-rehearsal"), Value: aws.String("*")}),
	}, withoutRetries)
	return err
}

// createReplicaWithParameterGroup requests a read replica with the parameter group of its source.
func (s *session) createReplicaWithParameterGroup(ctx context.Context) error {
	state, err := s.describe(withoutRecording(ctx))
	if err != nil {
		return err
	}
	source, _ := state.instance(s.identifier)
	if len(source.DBParameterGroups) == 0 {
		return fmt.Errorf("the instance %s has no parameter group", s.identifier)
	}
	_, err = s.target.rds.CreateDBInstanceReadReplica(ctx, &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: aws.String(s.identifier + "-refused-1"), SourceDBInstanceIdentifier: aws.String(s.identifier),
		DBInstanceClass: aws.String(rdsClass), DBParameterGroupName: source.DBParameterGroups[0].DBParameterGroupName, Tags: s.tags(),
	}, withoutRetries)
	return err
}

// createReplicaWithoutBackups requests a read replica of the read replica, which has no automated backups.
func (s *session) createReplicaWithoutBackups(ctx context.Context) error {
	_, err := s.target.rds.CreateDBInstanceReadReplica(ctx, &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: aws.String(s.identifier + "-refused-2"), SourceDBInstanceIdentifier: aws.String(s.readerIdentifier()),
		DBInstanceClass: aws.String(rdsClass), Tags: s.tags(),
	}, withoutRetries)
	return err
}

// deleteWithFinalSnapshot returns a step that requests a final snapshot of a member of a cluster, which has no data of its own.
func (s *session) deleteWithFinalSnapshot(identifier string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.target.rds.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
			DBInstanceIdentifier: aws.String(identifier), FinalDBSnapshotIdentifier: aws.String(identifier + "-final"),
		}, withoutRetries)
		return err
	}
}

// deleteWithoutSnapshot requests the deletion of the instance without saying what becomes of its data.
func (s *session) deleteWithoutSnapshot(ctx context.Context) error {
	_, err := s.target.rds.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String(s.identifier)}, withoutRetries)
	return err
}

// networkErrorCodes are the error codes of a creation that needs another subnet group.
var networkErrorCodes = map[string]bool{
	"DBSubnetGroupNotFoundFault": true, "DBSubnetGroupNotFound": true, "DBSubnetGroupDoesNotCoverEnoughAZs": true, "InvalidSubnet": true,
	"InvalidVPCNetworkStateFault": true,
}

// explainNetwork says what to pass when a creation failed for want of subnets.
func explainNetwork(err error) error {
	var apiErr smithy.APIError
	if errors.As(err, &apiErr) && networkErrorCodes[apiErr.ErrorCode()] {
		return fmt.Errorf("%w; pass --subnet-group with the name of a DB subnet group that has subnets in two availability zones or more, "+
			"which `aws rds describe-db-subnet-groups` lists", err)
	}
	return err
}
