package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// The databases of a rehearsal.
const (
	auroraName     = "aurora"
	rdsName        = "rds"
	serverlessName = "serverless"
	multiAZName    = "multi-az"
)

// databaseNames returns the names of the databases.
func databaseNames(multiAZCluster bool) []string {
	names := []string{auroraName, rdsName, serverlessName}
	if multiAZCluster {
		names = append(names, multiAZName)
	}
	return names
}

// The classes of the databases: the smallest that each kind supports, and the next one to change to. unknownClass does not exist.
const (
	auroraClass, largerAuroraClass   = "db.t4g.medium", "db.t4g.large"
	rdsClass, largerRDSClass         = "db.t4g.micro", "db.t4g.small"
	multiAZClass, largerMultiAZClass = "db.c6gd.medium", "db.c6gd.large"
	serverlessClass                  = "db.serverless"
	unknownClass                     = "db.t4g.unknown"
)

var rehearsedClasses = []string{
	auroraClass, largerAuroraClass, rdsClass, largerRDSClass, multiAZClass, largerMultiAZClass, serverlessClass,
}

const (
	// minACUs and maxACUs are the first capacity range of the serverless cluster, and largerMaxACUs and largerMinACUs the range that
	// it changes to.
	minACUs, maxACUs, largerMaxACUs, largerMinACUs = 0.5, 4, 8, 1
	// storageGiB is the storage of the RDS instance, and multiAZStorageGiB that of the Multi-AZ DB cluster, with gp3.
	storageGiB, multiAZStorageGiB = 20, 20
	storageType                   = "gp3"
	// backupDays is the retention of automated backups: without them AWS refuses read replicas, and clusters always have them.
	backupDays = 1
	// firstTier is the promotion tier of the new reader, and changedTier the one that it gets.
	firstTier, changedTier = 15, 0
	masterUsername         = "rehearsal"
	// optInNamespace is the value of the opt-in tag. No policy needs to exist in the namespace.
	optInNamespace = "rehearsal"
)

func (s *session) writerIdentifier() string { return s.identifier + "-1" }
func (s *session) readerIdentifier() string { return s.identifier + "-2" }

// steps returns the steps for the database of the session.
func (s *session) steps() []step {
	switch s.name {
	case auroraName:
		return s.auroraSteps()
	case rdsName:
		return s.rdsSteps()
	case serverlessName:
		return []step{
			{name: "create-cluster", run: s.createCluster, wait: s.waitUntilIdle()},
			{name: "create-writer", run: s.createMember(serverlessClass), wait: s.waitUntilMeasured(s.writerIdentifier())},
			{name: "observe", run: s.observe},
			{name: "modify-capacity", run: s.execute(scaling.Call{
				Action: scaling.ModifyCapacity, Instance: s.identifier, InstanceClass: catalog.ServerlessClassName(largerMaxACUs),
			}), wait: s.waitUntilIdle()},
			{name: "modify-min-capacity", run: s.execute(scaling.Call{
				Action: scaling.ModifyMinCapacity, Instance: s.identifier, InstanceClass: catalog.ServerlessClassName(largerMinACUs),
			}), wait: s.waitUntilIdle()},
		}
	default:
		return []step{
			{name: "create-cluster", run: s.createCluster, wait: s.waitUntilMeasured()},
			{name: "observe", run: s.observe},
			{name: "modify-cluster-class", run: s.execute(scaling.Call{
				Action: scaling.ModifyClusterClass, Instance: s.identifier, InstanceClass: largerMultiAZClass,
			}), wait: s.waitUntilIdle()},
		}
	}
}

// auroraSteps ends with the removal of the first writer, which is a reader after the failover.
func (s *session) auroraSteps() []step {
	writer, reader := s.writerIdentifier(), s.readerIdentifier()
	return []step{
		{name: "create-cluster", run: s.createCluster, wait: s.waitUntilIdle()},
		{name: "create-writer", run: s.createMember(auroraClass), wait: s.waitUntilIdle(writer)},
		{name: "refuse-tag-value", run: s.addInvalidTag, isRefused: true},
		{name: "create-reader", run: s.execute(scaling.Call{
			Action: scaling.CreateReader, Instance: reader, InstanceClass: auroraClass, PromotionTier: firstTier, Tags: s.readerTags(),
		}), wait: s.waitUntilMeasured(reader)},
		{name: "observe", run: s.observe},
		{name: "read-settings", run: s.readSettings},
		{name: "refuse-unknown-class", run: s.execute(scaling.Call{
			Action: scaling.ModifyInstanceClass, Instance: reader, InstanceClass: unknownClass,
		}), isRefused: true},
		{name: "refuse-final-snapshot", run: s.deleteWithFinalSnapshot(reader), isRefused: true},
		{name: "modify-promotion-tier", run: s.execute(scaling.Call{
			Action: scaling.ModifyPromotionTier, Instance: reader, PromotionTier: changedTier,
		}), wait: s.waitUntilIdle()},
		{name: "modify-instance-class", run: s.execute(scaling.Call{
			Action: scaling.ModifyInstanceClass, Instance: reader, InstanceClass: largerAuroraClass,
		}), wait: s.waitUntilClass(reader, largerAuroraClass)},
		{name: "failover", run: s.execute(scaling.Call{Action: scaling.Failover, Instance: reader}), wait: s.waitUntilWriter(reader)},
		{name: "delete-reader", run: s.execute(scaling.Call{Action: scaling.DeleteReader, Instance: writer})},
	}
}

func (s *session) rdsSteps() []step {
	reader := s.readerIdentifier()
	return []step{
		{name: "create-instance", run: s.createInstance, wait: s.waitUntilIdle(s.identifier)},
		{name: "refuse-parameter-group", run: s.createReplicaWithParameterGroup, isRefused: true},
		{name: "create-reader", run: s.execute(scaling.Call{
			Action: scaling.CreateReader, Instance: reader, InstanceClass: rdsClass, Tags: s.readerTags(),
		}), wait: s.waitUntilMeasured(reader)},
		{name: "observe", run: s.observe},
		{name: "refuse-without-backups", run: s.createReplicaWithoutBackups, isRefused: true},
		{name: "refuse-unknown-class", run: s.execute(scaling.Call{
			Action: scaling.ModifyInstanceClass, Instance: reader, InstanceClass: unknownClass,
		}), isRefused: true},
		{name: "refuse-missing-snapshot", run: s.deleteWithoutSnapshot, isRefused: true},
		{name: "modify-instance-class", run: s.execute(scaling.Call{
			Action: scaling.ModifyInstanceClass, Instance: reader, InstanceClass: largerRDSClass,
		}), wait: s.waitUntilClass(reader, largerRDSClass)},
		{name: "delete-reader", run: s.execute(scaling.Call{Action: scaling.DeleteReader, Instance: reader})},
	}
}

// execute returns a step that makes a call of the operator.
func (s *session) execute(call scaling.Call) func(context.Context) error {
	return func(ctx context.Context) error { return s.operator.Execute(ctx, s.databaseTarget, call) }
}

// observe makes all reads of the operator, with a client that has nothing in its cache.
func (s *session) observe(ctx context.Context) error {
	client, err := s.target.newOperatorClient(ctx)
	if err != nil {
		return err
	}
	now := s.target.clock.Now()
	result := client.Observe(ctx, []scaling.Target{s.databaseTarget}, now)[0]
	_, errEvents := client.ReadEvents(ctx, s.databaseTarget, now.Add(-scaling.EventLookBack), now)
	if result.Err == nil && !result.Observation.Found {
		result.Err = errors.New("the operator does not find the database")
	}
	return errors.Join(result.Err, result.MetricsErr, errEvents)
}

// waitUntilMeasured returns a wait until the database is idle and has metrics.
func (s *session) waitUntilMeasured(instances ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := s.waitUntilIdle(instances...)(ctx); err != nil {
			return err
		}
		return s.waitForMetrics(ctx)
	}
}

// waitUntilClass returns a wait until an instance has a class.
func (s *session) waitUntilClass(identifier, class string) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.waitUntil(ctx, identifier+" is a "+class, func(d databaseState) bool {
			i, _ := d.instance(identifier)
			return aws.ToString(i.DBInstanceClass) == class && d.isIdle()
		})
	}
}

// waitUntilWriter returns a wait until an instance is the writer.
func (s *session) waitUntilWriter(identifier string) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.waitUntil(ctx, identifier+" is the writer", func(d databaseState) bool { return d.writer() == identifier && d.isIdle() })
	}
}

// createCluster creates the cluster of the session. It never logs or stores the master password.
func (s *session) createCluster(ctx context.Context) error {
	in := &rds.CreateDBClusterInput{
		DBClusterIdentifier: aws.String(s.identifier), Engine: aws.String("aurora-postgresql"),
		MasterUsername: aws.String(masterUsername), MasterUserPassword: aws.String(s.newPassword()),
		BackupRetentionPeriod: aws.Int32(backupDays), DeletionProtection: aws.Bool(false), DBSubnetGroupName: s.subnetGroupName(),
		Tags: s.tags(),
	}
	switch s.name {
	case serverlessName:
		in.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfiguration{
			MinCapacity: aws.Float64(minACUs), MaxCapacity: aws.Float64(maxACUs),
		}
	case multiAZName:
		in.Engine, in.DBClusterInstanceClass = aws.String("postgres"), aws.String(multiAZClass)
		in.StorageType, in.AllocatedStorage = aws.String(storageType), aws.Int32(multiAZStorageGiB)
	}
	_, err := s.target.rds.CreateDBCluster(ctx, in, withoutRetries)
	return err
}

// createMember returns a step that creates the first instance of a cluster. It has the tag of dbscaler's readers, so that the
// operator may delete it once it is a reader.
func (s *session) createMember(class string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.target.rds.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: aws.String(s.writerIdentifier()), DBClusterIdentifier: aws.String(s.identifier),
			DBInstanceClass: aws.String(class), Engine: aws.String("aurora-postgresql"), Tags: append(s.tags(), createdByTag),
		}, withoutRetries)
		return err
	}
}

// createInstance creates the standalone instance. Automated backups make read replicas possible.
func (s *session) createInstance(ctx context.Context) error {
	_, err := s.target.rds.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String(s.identifier), DBInstanceClass: aws.String(rdsClass), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(storageGiB), StorageType: aws.String(storageType), MultiAZ: aws.Bool(false),
		MasterUsername: aws.String(masterUsername), MasterUserPassword: aws.String(s.newPassword()),
		BackupRetentionPeriod: aws.Int32(backupDays), DeletionProtection: aws.Bool(false), DBSubnetGroupName: s.subnetGroupName(),
		PubliclyAccessible: aws.Bool(false), Tags: s.tags(),
	}, withoutRetries)
	return err
}

// createdByTag marks what the operator may delete.
var createdByTag = types.Tag{Key: aws.String(scaling.TagCreatedBy), Value: aws.String(scaling.TagCreatedByValue)}

// tags returns the tags of a database.
func (s *session) tags() []types.Tag {
	return []types.Tag{
		{Key: aws.String(tagRun), Value: aws.String(s.runID)},
		{Key: aws.String(scaling.TagOptIn), Value: aws.String(optInNamespace)},
		{Key: aws.String("purpose"), Value: aws.String("dbscaler rehearsal")},
	}
}

// readerTags returns the tags in a call of the operator. The operator copies the others itself.
func (s *session) readerTags() map[string]string {
	return map[string]string{tagRun: s.runID, scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: "rehearsal/" + s.name}
}

func (s *session) subnetGroupName() *string {
	if s.subnetGroup == "" {
		return nil
	}
	return aws.String(s.subnetGroup)
}

// withoutRetries makes a request once: it has no client token, so a second attempt could make a second change.
func withoutRetries(o *rds.Options) { o.Retryer = aws.NopRetryer{} }
