// Package model simulates RDS and Aurora databases under load: their statuses, how long each change takes, and the CPU that a
// workload uses. It has no clock and no network: the caller advances the simulated time. Every figure that it returns is
// simulated.
package model

import (
	"fmt"
	"time"
)

// The statuses of clusters and instances, as the RDS API writes them.
const (
	statusAvailable             = "available"
	statusBackingUp             = "backing-up"
	statusConfiguringMonitoring = "configuring-enhanced-monitoring"
	statusCreating              = "creating"
	statusDeleting              = "deleting"
	statusFailingOver           = "failing-over"
	statusModifying             = "modifying"
	statusRebooting             = "rebooting"
	statusStorageInitialization = "storage-initialization"
	statusStorageOptimization   = "storage-optimization"
	statusUpgrading             = "upgrading"
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
	// Members are the identifiers of the instances, in the order of creation.
	Members []string
	// Writer is the identifier of the member that accepts writes; empty if the cluster has none.
	Writer      string
	StorageType string
	// InstanceClass is the class of all members of a Multi-AZ DB cluster; empty for Aurora.
	InstanceClass string
	// Capacity is the capacity range of Serverless v2 members, or nil.
	Capacity *ServerlessCapacity
	// PendingChanges are the PendingModifiedValues of the RDS API.
	PendingChanges     ClusterPendingChanges
	AvailabilityZones  []string
	DBSubnetGroup      string
	ParameterGroup     string
	BackupWindow       string
	MaintenanceWindow  string
	DeletionProtection bool
	CreatedAt          time.Time
	Tags               map[string]string
	// CustomEndpoints are those of an Aurora cluster.
	CustomEndpoints []CustomEndpoint
	// GlobalCluster is the global database that the cluster belongs to, or empty; GlobalSecondary says that the cluster is a secondary.
	GlobalCluster   string
	GlobalSecondary bool
}

// ARN returns the Amazon Resource Name of the cluster.
func (c *Cluster) ARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:cluster:%s", c.Region, c.AccountID, c.Identifier)
}

// Instance is a DB instance: a member of a cluster, a standalone instance or a read replica of one.
type Instance struct {
	Identifier string
	Region     string
	AccountID  string
	ResourceID string
	Cluster    string // empty for a standalone instance
	// ReplicationSource is the identifier of the instance that a read replica replicates. Replicas are the identifiers of the
	// instance's own read replicas.
	ReplicationSource string
	Replicas          []string
	Engine            string
	EngineVersion     string
	Class             string
	// Status as the RDS API writes it.
	Status string
	// PendingChanges are the PendingModifiedValues of the RDS API.
	PendingChanges            PendingChanges
	PromotionTier             int
	MultiAZ                   bool
	AvailabilityZone          string
	SecondaryAvailabilityZone string
	DBSubnetGroup             string
	ParameterGroup            string
	// ParameterStatus is the status of the DB parameter group, and ClusterParameterStatus that of the DB cluster parameter group for
	// this member, as the RDS API writes them; empty means in-sync. ParametersAppliedAt is when a restart last applied parameters that
	// were pending-reboot; zero if none did.
	ParameterStatus, ClusterParameterStatus string
	ParametersAppliedAt                     time.Time
	BackupWindow                            string
	MaintenanceWindow                       string
	PerformanceInsights                     bool
	MonitoringInterval                      int
	CACertificate                           string
	DeletionProtection                      bool
	// Settings are those of a standalone instance or a read replica; zero for a member of a cluster.
	Settings  InstanceSettings
	CreatedAt time.Time // zero while it is being created
	// AcceptedAt is when the creation was requested; zero without Scenario.CreateTimeAtAcceptance.
	AcceptedAt time.Time
	Tags       map[string]string
}

// ARN returns the Amazon Resource Name of the instance.
func (i *Instance) ARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", i.Region, i.AccountID, i.Identifier)
}

// ServerlessCapacity is the capacity range of Aurora Serverless v2, in Aurora capacity units.
type ServerlessCapacity struct {
	Min float64 `json:"minCapacity"`
	Max float64 `json:"maxCapacity"`
	// SecondsUntilAutoPause is the time without clients after which an instance pauses, if Min is 0; 0 means the default of RDS.
	SecondsUntilAutoPause int `json:"secondsUntilAutoPause,omitempty"`
}

// PendingChanges are modifications that have been accepted and not yet applied. Empty fields are not pending.
type PendingChanges struct {
	Class         string
	EngineVersion string
	MultiAZ       *bool
	CACertificate string
}

// ClusterPendingChanges are modifications of a cluster that have been accepted and not yet applied (RDS API reference,
// ClusterPendingModifiedValues). Empty fields are not pending. A change of the class or of the serverless capacity is never among
// them.
type ClusterPendingChanges struct {
	EngineVersion string `json:"engineVersion,omitempty"`
	// MasterUserPassword is masked, as in responses of the RDS API.
	MasterUserPassword string `json:"masterUserPassword,omitempty"`
	StorageType        string `json:"storageType,omitempty"`
	// BackupRetentionPeriod is in days.
	BackupRetentionPeriod int `json:"backupRetentionPeriod,omitempty"`
}

// APIError is an error response of an AWS API.
type APIError struct {
	// Code as it is on the wire, for example InvalidDBInstanceState.
	Code string
	// Message is the text of AWS where it is known.
	Message    string
	HTTPStatus int
}

// Error implements error.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// ModifyInstanceRequest is a ModifyDBInstance request. Nil fields stay unchanged.
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
	// Class defaults to that of the source.
	Class               string
	AvailabilityZone    string
	ParameterGroup      string
	PerformanceInsights bool
	MonitoringInterval  int
	CACertificate       string
	// Settings are those in the request. The zero value of a setting means that the request omits it.
	Settings InstanceSettings
	Tags     map[string]string
}

// Point is a published datapoint. Time is the start of its minute.
type Point struct {
	Time  time.Time
	Value float64
}
