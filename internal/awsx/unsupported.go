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
	// serverlessClass is the class of an Aurora Serverless v2 instance, which has no fixed size (Aurora user guide,
	// "Using Aurora Serverless v2").
	serverlessClass = "db.serverless"
	// statusStopped is the status of a stopped cluster or instance.
	statusStopped = "stopped"
)

// unsupportedClusterReason returns why a cluster cannot be scaled and what to do, or nothing when it can be scaled.
func unsupportedClusterReason(c types.DBCluster, members []*types.DBInstance) string {
	engine := aws.ToString(c.Engine)
	serverless := slices.IndexFunc(members, func(i *types.DBInstance) bool {
		return aws.ToString(i.DBInstanceClass) == serverlessClass
	})
	customized := slices.IndexFunc(members, func(i *types.DBInstance) bool { return len(i.ProcessorFeatures) > 0 })
	switch {
	case engine == "docdb" || engine == "neptune":
		return fmt.Sprintf("it is a %s cluster: dbscaler supports only Aurora and RDS", engine)
	case !isAurora(engine) && customized >= 0:
		return fmt.Sprintf("processor features are set on its member %s, so its vCPUs differ from those of its class: remove them",
			aws.ToString(members[customized].DBInstanceIdentifier))
	case aws.ToString(c.EngineMode) == "serverless":
		return "it is an Aurora Serverless v1 cluster, which has no instances to resize"
	case c.ClusterScalabilityType == types.ClusterScalabilityTypeLimitless:
		return "it is an Aurora Limitless Database, which scales its shards itself"
	case isSecondary(c):
		return "it replicates from another cluster (the secondary of a global database, or a cross-Region replica), so it has no " +
			"writer of its own: name the primary cluster"
	case serverless >= 0 && !hasOnlyServerless(members):
		return fmt.Sprintf("its member %s is Serverless v2 and others are not: dbscaler supports clusters whose members "+
			"are all Serverless v2 or all provisioned",
			aws.ToString(members[serverless].DBInstanceIdentifier))
	case serverless >= 0 && maxCapacityClass(c) == "":
		return "it has no Serverless v2 scaling configuration with a maximum capacity from 0.5 to 256 ACUs in steps of 0.5: set one"
	case aws.ToString(c.Status) == statusStopped:
		return "it is stopped: start it first"
	default:
		return ""
	}
}

// hasOnlyServerless reports whether there are members and all are Aurora Serverless v2.
func hasOnlyServerless(members []*types.DBInstance) bool {
	return len(members) > 0 && !slices.ContainsFunc(members, func(i *types.DBInstance) bool {
		return aws.ToString(i.DBInstanceClass) != serverlessClass
	})
}

// isResizedAsUnit reports whether all instances of a cluster have the same class or range of capacity: those of a Multi-AZ DB cluster, and
// of an Aurora cluster with only Serverless v2.
func isResizedAsUnit(c *types.DBCluster, members []*types.DBInstance) bool {
	return !isAurora(aws.ToString(c.Engine)) || hasOnlyServerless(members)
}

// maxCapacityClass returns the maximum capacity of an Aurora Serverless v2 cluster as the catalog names it; empty when
// the catalog does not have it.
func maxCapacityClass(c types.DBCluster) string {
	if c.ServerlessV2ScalingConfiguration == nil {
		return ""
	}
	return catalog.ServerlessClassName(aws.ToFloat64(c.ServerlessV2ScalingConfiguration.MaxCapacity))
}

// isSecondary reports whether a cluster replicates from another one. The secondary of a global database has no writer among
// its members.
func isSecondary(c types.DBCluster) bool {
	hasWriter := slices.ContainsFunc(c.DBClusterMembers, func(m types.DBClusterMember) bool {
		return aws.ToBool(m.IsClusterWriter)
	})
	return aws.ToString(c.ReplicationSourceIdentifier) != "" || aws.ToString(c.GlobalClusterIdentifier) != "" && !hasWriter
}

// unsupportedInstanceReason returns why an instance cannot be scaled as a target and what to do, or nothing when it can be.
func unsupportedInstanceReason(i types.DBInstance, replicas []*types.DBInstance) string {
	cluster, source := aws.ToString(i.DBClusterIdentifier), replicationSource(i)
	customized := slices.IndexFunc(replicas, func(r *types.DBInstance) bool { return len(r.ProcessorFeatures) > 0 })
	switch {
	case cluster != "":
		return fmt.Sprintf("it belongs to DB cluster %s: name the cluster instead", cluster)
	case source != "":
		return fmt.Sprintf("it is a read replica of %s, which is scaled together with its source: name the source instead", source)
	case customized >= 0:
		return fmt.Sprintf("processor features are set on its read replica %s, so its vCPUs differ from those of its class: remove them",
			aws.ToString(replicas[customized].DBInstanceIdentifier))
	case len(i.ProcessorFeatures) > 0:
		return "processor features are set on it, so its vCPUs differ from those of its class: remove them, or resize it manually"
	case aws.ToString(i.DBInstanceStatus) == statusStopped:
		return "it is stopped: start it first"
	default:
		return ""
	}
}

// replicationSource returns what an RDS read replica replicates from, or nothing when the instance is not a replica.
func replicationSource(i types.DBInstance) string {
	if source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier); source != "" {
		return source
	}
	return aws.ToString(i.ReadReplicaSourceDBClusterIdentifier)
}

// isAurora reports whether an engine, as the RDS API names it, is Aurora.
func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora") }
