package awsx

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// modifyCapacity changes the maximum or the minimum capacity of an Aurora Serverless v2 cluster and keeps the other. The time until an
// instance pauses stays as it is; the RDS API shows it only while the minimum is 0 (ServerlessV2ScalingConfigurationInfo, API
// reference), so that AWS chooses it when the minimum becomes 0.
func (s *scopeClient) modifyCapacity(ctx context.Context, target scaling.Target, call scaling.Call) error {
	cluster, err := s.describeUnmodifiedCluster(ctx, target.Identifier)
	if err != nil {
		return err
	}
	acus, ok := catalog.ParseACUs(call.InstanceClass)
	current := cluster.ServerlessV2ScalingConfiguration
	switch {
	case !ok:
		return rejectCall("%q is not a capacity", call.InstanceClass)
	case current == nil:
		return rejectCall("the cluster is no longer an Aurora Serverless v2 cluster")
	}
	desired := types.ServerlessV2ScalingConfiguration{MinCapacity: current.MinCapacity, MaxCapacity: current.MaxCapacity}
	if call.Action == scaling.ModifyMinCapacity {
		desired.MinCapacity = aws.Float64(acus)
	} else {
		desired.MaxCapacity = aws.Float64(acus)
	}
	lowest, highest := aws.ToFloat64(desired.MinCapacity), aws.ToFloat64(desired.MaxCapacity)
	if lowest > highest {
		return rejectCall("the minimum capacity would be %g ACUs and the maximum %g ACUs: lower the minimum first, or raise the bounds in "+
			"spec.serverless", lowest, highest)
	}
	if lowest == 0 {
		desired.SecondsUntilAutoPause = current.SecondsUntilAutoPause
	}
	_, err = s.writer(call.Policy).ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
		DBClusterIdentifier: aws.String(target.Identifier), ApplyImmediately: aws.Bool(true), ServerlessV2ScalingConfiguration: &desired,
	})
	return err
}
