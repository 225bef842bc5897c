package awsx

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// Execute implements scaling.Executor. The request that changes something is never repeated here: after an error that
// matches scaling.ErrUnavailable, look again.
func (e *Client) Execute(ctx context.Context, target scaling.Target, call scaling.Call) error {
	s := e.clientForScope(target.Scope)
	// Whatever comes of it: a refused change can mean that what was known is out of date.
	defer s.invalidate()
	if err := s.execute(ctx, target, call); err != nil {
		return fmt.Errorf("%s of %s, %s: %w", call.Action, call.Instance, target, Classify(err))
	}
	return nil
}

func (s *scopeClient) execute(ctx context.Context, target scaling.Target, call scaling.Call) error {
	if call.Instance == "" {
		return rejectCall("the call names no instance")
	}
	ofCluster := []scaling.Action{scaling.Failover, scaling.ModifyClusterClass, scaling.ModifyCapacity}
	if slices.Contains(ofCluster, call.Action) && target.Kind != scaling.DBCluster {
		return rejectCall("a %s has no members: only a %s takes this", target.Kind, scaling.DBCluster)
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
	case scaling.ModifyCapacity:
		return s.modifyCapacity(ctx, target, call)
	default:
		return rejectCall("this version of dbscaler does not know the action")
	}
}

// modifyInstance changes an instance at once. Whatever else waits for its maintenance window is applied with it (ModifyDBInstance,
// ApplyImmediately), which a guard has looked for.
func (s *scopeClient) modifyInstance(ctx context.Context, input *rds.ModifyDBInstanceInput, call scaling.Call) error {
	input.DBInstanceIdentifier = aws.String(call.Instance)
	input.ApplyImmediately = aws.Bool(true)
	_, err := s.rdsWriter.ModifyDBInstance(ctx, input)
	return err
}

// modifyClusterClass changes the class of every member of a Multi-AZ DB cluster at once.
func (s *scopeClient) modifyClusterClass(ctx context.Context, target scaling.Target, call scaling.Call) error {
	_, err := s.rdsWriter.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier:    aws.String(target.Identifier),
		DBClusterInstanceClass: aws.String(call.InstanceClass),
		ApplyImmediately:       aws.Bool(true),
	})
	return err
}

// modifyCapacity changes how far Aurora Serverless v2 may scale up. How far down it may go stays as it is.
func (s *scopeClient) modifyCapacity(ctx context.Context, target scaling.Target, call scaling.Call) error {
	cluster, err := s.describeCluster(ctx, target.Identifier)
	if err != nil {
		return err
	}
	most, now := float64(catalog.ParseACUs(call.InstanceClass)), cluster.ServerlessV2ScalingConfiguration
	switch {
	case most == 0:
		return rejectCall("%q is no maximum capacity", call.InstanceClass)
	case now == nil:
		return rejectCall("it is no Aurora Serverless v2 cluster any more")
	case most < aws.ToFloat64(now.MinCapacity):
		return rejectCall("its minimum capacity is %g ACUs: lower that first, or raise spec.serverless.maxCapacities", aws.ToFloat64(now.MinCapacity))
	}
	_, err = s.rdsWriter.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier: aws.String(target.Identifier), ApplyImmediately: aws.Bool(true),
		ServerlessV2ScalingConfiguration: &types.ServerlessV2ScalingConfiguration{
			MinCapacity: now.MinCapacity, MaxCapacity: aws.Float64(most), SecondsUntilAutoPause: now.SecondsUntilAutoPause,
		},
	})
	return err
}

// failover always names the reader that is to take over: left to AWS, it could be one of a smaller class.
func (s *scopeClient) failover(ctx context.Context, target scaling.Target, call scaling.Call) error {
	_, err := s.rdsWriter.FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{
		DBClusterIdentifier:        aws.String(target.Identifier),
		TargetDBInstanceIdentifier: aws.String(call.Instance),
	})
	return err
}

// deleteReader looks at the instance once more and removes it only if it is a reader of the target that dbscaler created.
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
		return rejectCall("it is not a member of the cluster, so it is not deleted")
	case aws.ToBool(role.IsClusterWriter):
		return rejectCall("it is the cluster's writer, so it is not deleted")
	}
	return s.deleteInstance(ctx, call.Instance)
}

// deleteInstance deletes a reader, without a snapshot: it has no data of its own, and a final snapshot of one is refused.
func (s *scopeClient) deleteInstance(ctx context.Context, identifier string) error {
	_, err := s.rdsWriter.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: aws.String(identifier), SkipFinalSnapshot: aws.Bool(true),
	})
	return err
}

// describeOwnedInstance reads one instance anew, and wants it to be one that dbscaler created.
func (s *scopeClient) describeOwnedInstance(ctx context.Context, identifier string) (types.DBInstance, error) {
	db, err := s.describeInstance(ctx, identifier)
	if err == nil && !newInstance(db).CreatedByOperator() {
		err = rejectCall("it does not carry the tag %s=%s, and dbscaler deletes only what it created",
			scaling.TagCreatedBy, scaling.TagCreatedByValue)
	}
	return db, err
}

// describeInstance reads one instance anew.
func (s *scopeClient) describeInstance(ctx context.Context, identifier string) (types.DBInstance, error) {
	out, err := s.rdsReader.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(identifier)})
	if err != nil {
		return types.DBInstance{}, err
	}
	if len(out.DBInstances) != 1 {
		return types.DBInstance{}, fmt.Errorf("%w: the RDS API shows no DB instance %s", scaling.ErrNotFound, identifier)
	}
	return out.DBInstances[0], nil
}

// describeCluster reads one cluster anew.
func (s *scopeClient) describeCluster(ctx context.Context, identifier string) (types.DBCluster, error) {
	out, err := s.rdsReader.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String(identifier)})
	if err != nil {
		return types.DBCluster{}, err
	}
	if len(out.DBClusters) != 1 {
		return types.DBCluster{}, fmt.Errorf("%w: the RDS API shows no DB cluster %s", scaling.ErrNotFound, identifier)
	}
	return out.DBClusters[0], nil
}
