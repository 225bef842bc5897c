package awsx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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
	if reason := domainObstacle(source); reason != "" { // AWS would create it; what AWS refuses, it says itself
		return rejectCall("no read replica of %s is created: %s", target.Identifier, reason)
	}
	members := []types.DBInstance{source}
	for _, identifier := range source.ReadReplicaDBInstanceIdentifiers { // replicas in other regions are ARNs and are not found here
		if replica, err := s.describeInstance(ctx, identifier); err == nil {
			members = append(members, replica)
		}
	}
	return s.createInUntriedZone(usableZones(nil, members), call, func(zone *string) error {
		_, err := s.writer(call.Policy).CreateDBInstanceReadReplica(ctx, newReplicaInput(source, call, zone))
		return err
	})
}

// replicationObstacle returns why a DB instance can have no new read replica that serves its clients and what to do, or nothing.
// Missing information is no obstacle: AWS says whether it refuses.
func replicationObstacle(source types.DBInstance) string {
	switch {
	case source.BackupRetentionPeriod != nil && *source.BackupRetentionPeriod == 0:
		return "its automated backups are off; set a backup retention period of at least 1 day (RDS requires it for replication)"
	case source.MasterUserSecret != nil && !strings.HasPrefix(aws.ToString(source.Engine), "sqlserver"):
		// The RDS user guide, "Password management with AWS Secrets Manager", lists this limitation, except for SQL Server.
		return "RDS manages its master user password in Secrets Manager (ManageMasterUserPassword), with which it creates no read " +
			"replicas; set a password of your own, or leave readers out of the policy"
	default:
		return domainObstacle(source)
	}
}

// domainObstacle returns why the clients of a source could not log in to its replica, or nothing.
func domainObstacle(source types.DBInstance) string {
	if len(source.DomainMemberships) == 0 {
		return ""
	}
	return fmt.Sprintf("it is a member of the Active Directory domain %s, which a replica does not join by itself, so its clients could "+
		"not log in with Kerberos; create the replica by hand, or leave readers out of the policy", domainName(source.DomainMemberships[0]))
}

// newReplicaInput returns the request for a read replica with the settings of its source. It omits the allocated storage,
// credentials, the subnet, parameter and option groups and the engine version, which AWS takes from the source in the same
// Region; AWS even refuses a parameter group for PostgreSQL, MySQL and MariaDB. What has a default of its own when it is omitted
// is copied (RDS API reference, CreateDBInstanceReadReplica).
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
	in.EnableCloudwatchLogsExports, in.NetworkType = source.EnabledCloudwatchLogsExports, source.NetworkType
	for _, group := range source.VpcSecurityGroups {
		in.VpcSecurityGroupIds = append(in.VpcSecurityGroupIds, aws.ToString(group.VpcSecurityGroupId))
	}
	if aws.ToBool(source.IAMDatabaseAuthenticationEnabled) { // not every engine has it
		in.EnableIAMDatabaseAuthentication = aws.Bool(true)
	}
	setReplicaStorage(in, source)
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

// setReplicaStorage sets the storage settings of the source, as far as AWS accepts them in a request. Without them a replica has
// gp3 at its baseline performance, and cannot keep up with a faster source.
func setReplicaStorage(in *rds.CreateDBInstanceReadReplicaInput, source types.DBInstance) {
	allocated := aws.ToInt32(source.AllocatedStorage)
	switch aws.ToString(source.StorageType) {
	case "gp3":
		// AWS refuses provisioned performance for a smaller volume. gp3 is the default.
		if allocated >= minProvisionedGP3(aws.ToString(source.Engine)) {
			in.StorageType, in.Iops, in.StorageThroughput = source.StorageType, source.Iops, source.StorageThroughput
		}
	case "io1", "io2":
		in.StorageType, in.Iops = source.StorageType, source.Iops
	default:
		in.StorageType = source.StorageType
	}
	if aws.ToBool(source.DedicatedLogVolume) {
		in.DedicatedLogVolume = aws.Bool(true)
	}
	// A limit at the allocated storage means that storage autoscaling is off. AWS refuses one that is not 10 percent above it
	// (RDS user guide, "Managing capacity automatically with Amazon RDS storage autoscaling").
	if limit := aws.ToInt32(source.MaxAllocatedStorage); int64(limit)*10 >= int64(allocated)*11 && limit > 0 {
		in.MaxAllocatedStorage = source.MaxAllocatedStorage
	}
}

// minProvisionedGP3 returns the allocated storage, in GiB, from which gp3 accepts IOPS and throughput above the baseline (RDS
// user guide, "gp3 storage").
func minProvisionedGP3(engine string) int32 {
	switch {
	case strings.HasPrefix(engine, "sqlserver"):
		return 0
	case strings.HasPrefix(engine, "oracle"):
		return 200
	default:
		return 400
	}
}

// replicasOf returns what replicates from an instance: instances and Aurora clusters, in this Region or, by ARN, in another one.
func replicasOf(db types.DBInstance) []string {
	return slices.Concat(db.ReadReplicaDBInstanceIdentifiers, db.ReadReplicaDBClusterIdentifiers)
}

// domainName returns the name of an Active Directory domain, as far as AWS shows it.
func domainName(membership types.DomainMembership) string {
	return cmp.Or(aws.ToString(membership.Domain), aws.ToString(membership.FQDN), "(unnamed)")
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
	if replicas := replicasOf(db); len(replicas) > 0 {
		return rejectCall("the instance is the source of other replicas (%s), so it is not deleted", strings.Join(replicas, ", "))
	}
	return s.deleteInstance(ctx, call)
}
