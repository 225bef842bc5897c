package awsx

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ReaderRequest returns the request that creates a reader of a cluster in a zone, for stand-ins of AWS that take no requests of the SDK.
func ReaderRequest(writer types.DBInstance, cluster types.DBCluster, call scaling.Call, zone string) *rds.CreateDBInstanceInput {
	return newReaderInput(writer, cluster, call, aws.String(zone))
}

// ReplicaRequest returns the request that creates a read replica in a zone, for such stand-ins.
func ReplicaRequest(source types.DBInstance, call scaling.Call, zone string) *rds.CreateDBInstanceReadReplicaInput {
	return newReplicaInput(source, call, aws.String(zone))
}
