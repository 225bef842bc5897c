// Package model is a world of RDS and Aurora databases under load: their statuses and how long each change takes, and
// the CPU that a workload makes them use. It has no clock and no network: the caller says how far time has come. Every
// figure that comes out of it is simulated.
package model

import (
	"fmt"
	"time"
)

// Cluster is an Aurora DB cluster, or a Multi-AZ DB cluster.
type Cluster struct {
	Identifier    string
	Region        string
	AccountID     string
	ResourceID    string
	Engine        string
	EngineVersion string
	// Status as the RDS API writes it, for example available or failing-over.
	Status string
	// Members are the identifiers of its instances, in the order of creation.
	Members []string
	// Writer is the identifier of the member that takes writes.
	Writer      string
	StorageType string
	// InstanceClass is that of all members of a Multi-AZ DB cluster; empty for Aurora.
	InstanceClass string
	// Capacity is the range of Serverless v2 members, or nil.
	Capacity           *ServerlessCapacity
	AvailabilityZones  []string
	DBSubnetGroup      string
	ParameterGroup     string
	BackupWindow       string
	MaintenanceWindow  string
	DeletionProtection bool
	CreatedAt          time.Time
	Tags               map[string]string
}

// ARN is the cluster's Amazon Resource Name.
func (c *Cluster) ARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:cluster:%s", c.Region, c.AccountID, c.Identifier)
}

// Instance is a DB instance, a member of a cluster or on its own.
type Instance struct {
	Identifier string
	Region     string
	AccountID  string
	ResourceID string
	Cluster    string // empty for a plain instance
	// ReplicationSource is what a read replica of a plain instance replicates, and Replicas are its own read replicas.
	ReplicationSource string
	Replicas          []string
	Engine            string
	EngineVersion     string
	Class             string
	// Status as the RDS API writes it.
	Status string
	// PendingChanges is what PendingModifiedValues shows.
	PendingChanges            PendingChanges
	PromotionTier             int
	MultiAZ                   bool
	AvailabilityZone          string
	SecondaryAvailabilityZone string
	DBSubnetGroup             string
	ParameterGroup            string
	BackupWindow              string
	MaintenanceWindow         string
	PerformanceInsights       bool
	MonitoringInterval        int
	CACertificate             string
	DeletionProtection        bool
	CreatedAt                 time.Time // zero while it is being created
	Tags                      map[string]string
}

// ARN is the instance's Amazon Resource Name.
func (i *Instance) ARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", i.Region, i.AccountID, i.Identifier)
}

// ServerlessCapacity is how far Aurora Serverless v2 scales, in Aurora capacity units.
type ServerlessCapacity struct {
	Min float64 `json:"minCapacity"`
	Max float64 `json:"maxCapacity"`
}

// PendingChanges is a set of modifications that have been accepted and not yet applied. Empty fields are not pending.
type PendingChanges struct {
	Class         string
	EngineVersion string
	MultiAZ       *bool
	CACertificate string
}

// APIError is an error as the RDS API answers it.
type APIError struct {
	// Code as it stands on the wire, for example InvalidDBInstanceState.
	Code string
	// Message for people, in AWS's words where they are known.
	Message string
	// HTTPStatus of the response.
	HTTPStatus int
}

// Error implements error.
func (f *APIError) Error() string { return f.Code + ": " + f.Message }

// ModifyInstanceRequest is a ModifyDBInstance request. Nil fields stay as they are.
type ModifyInstanceRequest struct {
	Class            *string
	PromotionTier    *int
	MultiAZ          *bool
	EngineVersion    *string
	CACertificate    *string
	ApplyImmediately bool
}

// CreateInstanceRequest is a CreateDBInstance request for a reader in a cluster.
type CreateInstanceRequest struct {
	Identifier          string
	Cluster             string
	Engine              string
	Class               string
	PromotionTier       *int
	AvailabilityZone    string
	ParameterGroup      string
	PerformanceInsights bool
	MonitoringInterval  int
	CACertificate       string
	MaintenanceWindow   string
	Tags                map[string]string
}

// CreateReplicaRequest is a CreateDBInstanceReadReplica request.
type CreateReplicaRequest struct {
	Identifier, Source string
	// Class is that of the source where it is empty.
	Class               string
	AvailabilityZone    string
	ParameterGroup      string
	PerformanceInsights bool
	MonitoringInterval  int
	CACertificate       string
	Tags                map[string]string
}

// Point is one published datapoint. At is the start of its minute.
type Point struct {
	Time  time.Time
	Value float64
}
