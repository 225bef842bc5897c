package awsx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Execute implements scaling.Executor. It never repeats the request that changes something: after an error that matches
// scaling.ErrUnavailable, observe the target again before the next attempt.
func (c *Client) Execute(ctx context.Context, target scaling.Target, call scaling.Call) error {
	s := c.clientForScope(target.Scope)
	// Also after an error: a refused change can mean that the cached topology is out of date.
	defer s.invalidate(target)
	err := classify(s.execute(ctx, target, call), s.scope)
	if err == nil {
		return nil
	}
	var requestErr *awsError
	if errors.As(err, &requestErr) { // it names the scope
		return fmt.Errorf("%s of %s (%s %s): %w", call.Action, call.Instance, target.Kind, target.Identifier, err)
	}
	return fmt.Errorf("%s of %s (%s): %w", call.Action, call.Instance, target, err)
}

func (s *scopeClient) execute(ctx context.Context, target scaling.Target, call scaling.Call) error {
	if call.Instance == "" {
		return rejectCall("the call has no instance identifier")
	}
	clusterActions := []scaling.Action{scaling.Failover, scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity}
	if slices.Contains(clusterActions, call.Action) && target.Kind != scaling.DBCluster {
		return rejectCall("a %s has no members: the action is only valid for a %s", target.Kind, scaling.DBCluster)
	}
	switch call.Action {
	case scaling.ModifyInstanceClass:
		return s.modifyInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceClass: aws.String(call.InstanceClass)}, call)
	case scaling.ModifyPromotionTier:
		return s.modifyInstance(ctx, &rds.ModifyDBInstanceInput{PromotionTier: aws.Int32(int32(call.PromotionTier))}, call)
	case scaling.CreateReader:
		if target.Kind == scaling.DBInstance {
			return s.createReplica(ctx, target, call)
		}
		return s.createReader(ctx, target, call)
	case scaling.DeleteReader:
		if target.Kind == scaling.DBInstance {
			return s.deleteReplica(ctx, target, call)
		}
		return s.deleteReader(ctx, target, call)
	case scaling.Failover:
		return s.failover(ctx, target, call)
	case scaling.ModifyClusterClass:
		return s.modifyClusterClass(ctx, target, call)
	case scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		return s.modifyCapacity(ctx, target, call)
	default:
		return rejectCall("this version of dbscaler does not support the action")
	}
}

// modifyInstance changes an instance immediately. ApplyImmediately also applies every other modification that waits for the
// maintenance window (RDS API reference, ModifyDBInstance); a guard has checked that there is none.
func (s *scopeClient) modifyInstance(ctx context.Context, input *rds.ModifyDBInstanceInput, call scaling.Call) error {
	input.DBInstanceIdentifier = aws.String(call.Instance)
	input.ApplyImmediately = aws.Bool(true)
	_, err := s.writer(call.Policy).ModifyDBInstance(ctx, input)
	return err
}

// modifyClusterClass immediately changes the class of every member of a Multi-AZ DB cluster.
func (s *scopeClient) modifyClusterClass(ctx context.Context, target scaling.Target, call scaling.Call) error {
	if _, err := s.describeUnmodifiedCluster(ctx, target.Identifier); err != nil {
		return err
	}
	_, err := s.writer(call.Policy).ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier:    aws.String(target.Identifier),
		DBClusterInstanceClass: aws.String(call.InstanceClass),
		ApplyImmediately:       aws.Bool(true),
	})
	return err
}

// describeUnmodifiedCluster reads one cluster past the cache. The error matches scaling.ErrBusy when somebody deferred modifications
// of the cluster since the guards passed: ApplyImmediately could apply them, too.
func (s *scopeClient) describeUnmodifiedCluster(ctx context.Context, identifier string) (types.DBCluster, error) {
	cluster, err := s.describeCluster(ctx, identifier)
	if pending := clusterPendingChanges(cluster); err == nil && len(pending) > 0 {
		err = &awsError{
			cause: scaling.ErrBusy, operation: "rds:DescribeDBClusters", scope: s.scope,
			detail: fmt.Sprintf("the DB cluster %s has modifications pending for its maintenance window (%s), which ModifyDBCluster would "+
				"also apply: apply or cancel them", identifier, strings.Join(pending, ", ")),
		}
	}
	return cluster, err
}

// failover promotes the reader that the call names. AWS could otherwise choose a reader of a smaller class.
func (s *scopeClient) failover(ctx context.Context, target scaling.Target, call scaling.Call) error {
	_, err := s.writer(call.Policy).FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{
		DBClusterIdentifier:        aws.String(target.Identifier),
		TargetDBInstanceIdentifier: aws.String(call.Instance),
	})
	return err
}

// deleteReader deletes an instance after a fresh read shows that it is a reader of the target and created by dbscaler.
func (s *scopeClient) deleteReader(ctx context.Context, target scaling.Target, call scaling.Call) error {
	cluster, err := s.describeCluster(ctx, target.Identifier)
	if err != nil {
		return err
	}
	db, err := s.describeOwnedInstance(ctx, call.Instance)
	if err != nil {
		return err
	}
	role, member := memberOf(cluster, call.Instance)
	switch {
	case !member || aws.ToString(db.DBClusterIdentifier) != target.Identifier:
		return rejectCall("the instance is not a member of the cluster, so it is not deleted")
	case aws.ToBool(role.IsClusterWriter):
		return rejectCall("the instance is the cluster's writer, so it is not deleted")
	}
	return s.deleteInstance(ctx, call)
}

// deleteInstance deletes a reader without a final snapshot: a reader has no data of its own, and AWS refuses the snapshot.
func (s *scopeClient) deleteInstance(ctx context.Context, call scaling.Call) error {
	_, err := s.writer(call.Policy).DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: aws.String(call.Instance), SkipFinalSnapshot: aws.Bool(true),
	})
	return err
}

// describeOwnedInstance reads one instance past the cache, and rejects one that dbscaler did not create.
func (s *scopeClient) describeOwnedInstance(ctx context.Context, identifier string) (types.DBInstance, error) {
	db, err := s.describeInstance(ctx, identifier)
	if err != nil {
		return db, err
	}
	found := []scaling.Instance{newInstance(db)}
	scaling.MarkOtherClusters(found, s.clusterName)
	switch i := found[0]; {
	case i.OtherCluster != "":
		err = rejectCall("the instance has the tag %s=%s: the operator of that Kubernetes cluster created it, and dbscaler deletes only "+
			"instances that it created", scaling.TagOperatedBy, i.OtherCluster)
	case !i.CreatedByOperator():
		err = rejectCall("the instance does not have the tag %s=%s: dbscaler deletes only instances that it created",
			scaling.TagCreatedBy, scaling.TagCreatedByValue)
	}
	return db, err
}

// describeInstance reads one instance past the cache.
func (s *scopeClient) describeInstance(ctx context.Context, identifier string) (types.DBInstance, error) {
	out, err := s.rdsReader.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(identifier)})
	if err != nil {
		return types.DBInstance{}, err
	}
	if len(out.DBInstances) != 1 {
		return types.DBInstance{}, &awsError{
			cause: scaling.ErrNotFound, operation: "rds:DescribeDBInstances", scope: s.scope, detail: "there is no DB instance " + identifier,
		}
	}
	return out.DBInstances[0], nil
}

// describeCluster reads one cluster past the cache.
func (s *scopeClient) describeCluster(ctx context.Context, identifier string) (types.DBCluster, error) {
	out, err := s.rdsReader.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String(identifier)})
	if err != nil {
		return types.DBCluster{}, err
	}
	if len(out.DBClusters) != 1 {
		return types.DBCluster{}, &awsError{
			cause: scaling.ErrNotFound, operation: "rds:DescribeDBClusters", scope: s.scope, detail: "there is no DB cluster " + identifier,
		}
	}
	return out.DBClusters[0], nil
}
