package awsx

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// createReplica adds a read replica to an instance.
func (s *scopeClient) createReplica(ctx context.Context, target scaling.Target, call scaling.Call) error {
	source, err := s.describeInstance(ctx, target.Identifier)
	if err != nil {
		return err
	}
	members := []types.DBInstance{source}
	for _, identifier := range source.ReadReplicaDBInstanceIdentifiers { // replicas in other regions are ARNs and are not found here
		if replica, err := s.describeInstance(ctx, identifier); err == nil {
			members = append(members, replica)
		}
	}
	return s.createInUntriedZone(usableZones(nil, members), call, func(zone *string) error {
		_, err := s.rdsWriter.CreateDBInstanceReadReplica(ctx, newReplicaInput(source, call, zone))
		return err
	})
}

// newReplicaInput returns the request for a read replica with the settings of its source. It omits storage, credentials,
// backups, the subnet and security groups and the engine version, which AWS takes from the source (RDS API reference,
// CreateDBInstanceReadReplica, same Region).
func newReplicaInput(source types.DBInstance, call scaling.Call, zone *string) *rds.CreateDBInstanceReadReplicaInput {
	in := &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier:       aws.String(call.Instance),
		SourceDBInstanceIdentifier: source.DBInstanceIdentifier,
		DBInstanceClass:            aws.String(call.InstanceClass),
		AvailabilityZone:           zone,
		MultiAZ:                    aws.Bool(false),
		PubliclyAccessible:         source.PubliclyAccessible,
		AutoMinorVersionUpgrade:    source.AutoMinorVersionUpgrade,
		CACertificateIdentifier:    source.CACertificateIdentifier,
		CopyTagsToSnapshot:         source.CopyTagsToSnapshot,
		DeletionProtection:         aws.Bool(false),
		MonitoringInterval:         source.MonitoringInterval,
		EnablePerformanceInsights:  source.PerformanceInsightsEnabled,
		Tags:                       readerTags(call.Tags, tagMap(source.TagList), tagMap(source.TagList)),
	}
	if len(source.DBParameterGroups) > 0 {
		in.DBParameterGroupName = source.DBParameterGroups[0].DBParameterGroupName
	}
	// AWS refuses these settings when the feature that they belong to is off.
	if aws.ToInt32(source.MonitoringInterval) > 0 {
		in.MonitoringRoleArn = source.MonitoringRoleArn
	}
	if aws.ToBool(source.PerformanceInsightsEnabled) {
		in.PerformanceInsightsKMSKeyId = source.PerformanceInsightsKMSKeyId
		in.PerformanceInsightsRetentionPeriod = source.PerformanceInsightsRetentionPeriod
	}
	return in
}

// deleteReplica deletes an instance after a fresh read shows that it is a read replica of the target and created by dbscaler.
func (s *scopeClient) deleteReplica(ctx context.Context, target scaling.Target, call scaling.Call) error {
	db, err := s.describeOwnedInstance(ctx, call.Instance)
	if err != nil {
		return err
	}
	if aws.ToString(db.ReadReplicaSourceDBInstanceIdentifier) != target.Identifier {
		return rejectCall("the instance is not a read replica of %s, so it is not deleted", target.Identifier)
	}
	return s.deleteInstance(ctx, call.Instance)
}
