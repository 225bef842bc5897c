package awsx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// serverlessClass is the class of an Aurora Serverless v2 instance, which has no size of its own (Aurora user guide,
	// "Using Aurora Serverless v2").
	serverlessClass = "db.serverless"
	// statusStopped is the status of a stopped cluster or instance.
	statusStopped = "stopped"
)

// unsupportedClusterReason says why a cluster cannot be scaled, or nothing when it can.
func unsupportedClusterReason(c types.DBCluster, members []types.DBInstance) string {
	engine := aws.ToString(c.Engine)
	serverless := slices.IndexFunc(members, func(i types.DBInstance) bool {
		return aws.ToString(i.DBInstanceClass) == serverlessClass
	})
	tuned := slices.IndexFunc(members, func(i types.DBInstance) bool { return len(i.ProcessorFeatures) > 0 })
	switch {
	case engine == "docdb" || engine == "neptune":
		return fmt.Sprintf("it is a %s cluster, which the RDS API lists too: dbscaler scales Aurora and RDS", engine)
	case !isAurora(engine) && tuned >= 0:
		return fmt.Sprintf("the processor features of its member %s are set, so that its vCPUs are not those of its class: remove them",
			aws.ToString(members[tuned].DBInstanceIdentifier))
	case aws.ToString(c.EngineMode) == "serverless":
		return "it is an Aurora Serverless v1 cluster, which has no instances to resize"
	case c.ClusterScalabilityType == types.ClusterScalabilityTypeLimitless:
		return "it is an Aurora Limitless Database, which scales its shards by itself"
	case isSecondary(c):
		return "it replicates from another cluster (a global database's secondary, or a cross-Region replica), so it has no " +
			"writer of its own: name the primary cluster"
	case serverless >= 0 && !hasOnlyServerless(members):
		return fmt.Sprintf("its member %s is Serverless v2 and others are not: dbscaler scales clusters that are all one or all the other",
			aws.ToString(members[serverless].DBInstanceIdentifier))
	case serverless >= 0 && maxCapacityClass(c) == "":
		return "the maximum capacity of its Serverless v2 members is not a multiple of 4 ACUs, which stand for a vCPU: set one that is"
	case aws.ToString(c.Status) == statusStopped:
		return "it is stopped: start it first"
	default:
		return ""
	}
}

// hasOnlyServerless says whether every member is Aurora Serverless v2.
func hasOnlyServerless(members []types.DBInstance) bool {
	return len(members) > 0 && !slices.ContainsFunc(members, func(i types.DBInstance) bool {
		return aws.ToString(i.DBInstanceClass) != serverlessClass
	})
}

// maxCapacityClass is how far Serverless v2 may scale up, as the catalogue names it; empty when that cannot be sized for.
func maxCapacityClass(c types.DBCluster) string {
	if c.ServerlessV2ScalingConfiguration == nil {
		return ""
	}
	return catalog.ServerlessClassName(aws.ToFloat64(c.ServerlessV2ScalingConfiguration.MaxCapacity))
}

// isSecondary says whether a cluster takes its data from another one. A global database's secondary has no writer among
// its members.
func isSecondary(c types.DBCluster) bool {
	hasWriter := slices.ContainsFunc(c.DBClusterMembers, func(m types.DBClusterMember) bool {
		return aws.ToBool(m.IsClusterWriter)
	})
	return aws.ToString(c.ReplicationSourceIdentifier) != "" || aws.ToString(c.GlobalClusterIdentifier) != "" && !hasWriter
}

// unsupportedInstanceReason says why an instance cannot be scaled by itself, or nothing when it can.
func unsupportedInstanceReason(i types.DBInstance, replicas []types.DBInstance) string {
	cluster, source := aws.ToString(i.DBClusterIdentifier), replicationSource(i)
	tuned := slices.IndexFunc(replicas, func(r types.DBInstance) bool { return len(r.ProcessorFeatures) > 0 })
	switch {
	case cluster != "":
		return fmt.Sprintf("it belongs to DB cluster %s: name the cluster instead", cluster)
	case source != "":
		return fmt.Sprintf("it is a read replica of %s, which is scaled along with its source: name that instead", source)
	case tuned >= 0:
		return fmt.Sprintf("the processor features of its read replica %s are set, so that its vCPUs are not those of its class: remove "+
			"them", aws.ToString(replicas[tuned].DBInstanceIdentifier))
	case len(i.ProcessorFeatures) > 0:
		return "its processor features are set, so that its vCPUs are not those of its class: remove them, or resize it by hand"
	case aws.ToString(i.DBInstanceStatus) == statusStopped:
		return "it is stopped: start it first"
	default:
		return ""
	}
}

// replicationSource is what an RDS read replica replicates from, or nothing when it is none.
func replicationSource(i types.DBInstance) string {
	if source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier); source != "" {
		return source
	}
	return aws.ToString(i.ReadReplicaSourceDBClusterIdentifier)
}

// isAurora says whether an engine, as the RDS API writes it, is Aurora.
func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora") }
