package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// InstanceSettings are the settings of a standalone instance that a read replica does not inherit when its request omits them,
// and those that decide whether it can have read replicas at all (RDS API reference, CreateDBInstanceReadReplica).
type InstanceSettings struct {
	// SecurityGroups are the IDs of the VPC security groups.
	SecurityGroups []string `json:"securityGroups,omitempty"`
	// IAMAuthentication allows users of the database to log in with IAM credentials.
	IAMAuthentication bool `json:"iamAuthentication,omitempty"`
	// LogExports are the logs that are exported to CloudWatch Logs, for example postgresql.
	LogExports []string `json:"logExports,omitempty"`
	// NetworkType is IPV4 (the default) or DUAL.
	NetworkType string `json:"networkType,omitempty"`
	// Domain is the ID of the Active Directory domain that the instance has joined; empty without one.
	Domain string `json:"domain,omitempty"`
	// ManagedMasterPassword keeps the master password in Secrets Manager.
	ManagedMasterPassword bool `json:"managedMasterPassword,omitempty"`
	// NoAutomatedBackups sets BackupRetentionPeriod to 0.
	NoAutomatedBackups bool `json:"noAutomatedBackups,omitempty"`
	// BackupRetentionDays is BackupRetentionPeriod; 0 means the default of 7 days.
	BackupRetentionDays int `json:"backupRetentionDays,omitempty"`
	// Storage is the storage of the instance.
	Storage Storage `json:"storage,omitempty"`
}

// Storage is the storage of a standalone instance.
type Storage struct {
	// Type is gp2, gp3 (the default), io1, io2 or standard.
	Type string `json:"type,omitempty"`
	// AllocatedGiB is the size. The default is 100 GiB.
	AllocatedGiB int `json:"allocatedGiB,omitempty"`
	// IOPS are the provisioned I/O operations per second of gp3, io1 and io2.
	IOPS int `json:"iops,omitempty"`
	// ThroughputMiBps is the provisioned throughput of gp3, in MiB per second.
	ThroughputMiBps int `json:"throughputMiBps,omitempty"`
	// MaxAllocatedGiB is the limit of storage autoscaling; 0 without it.
	MaxAllocatedGiB int `json:"maxAllocatedGiB,omitempty"`
	// DedicatedLogVolume stores the transaction logs on a volume of their own.
	DedicatedLogVolume bool `json:"dedicatedLogVolume,omitempty"`
}

// The storage types of standalone instances (RDS API reference, CreateDBInstance).
const (
	storageGP2, storageGP3, storageIO1, storageIO2, storageMagnetic = "gp2", "gp3", "io1", "io2", "standard"

	defaultAllocatedGiB = 100
	// minStripedGiB is the size from which gp3 is striped over four volumes and its IOPS can be chosen (RDS user guide,
	// "gp3 storage", MariaDB, MySQL and PostgreSQL).
	minStripedGiB                              = 400
	baselineIOPS, baselineThroughputMiBps      = 3000, 125
	stripedIOPS, stripedThroughputMiBps        = 12000, 500
	networkIPv4, networkDual                   = "IPV4", "DUAL"
	initialSecurityGroup, defaultSecurityGroup = "sg-00000000000000001", "sg-0000000000default"
)

// withDefaults returns the settings with defaults for those that are not set.
func (s InstanceSettings) withDefaults() InstanceSettings {
	if len(s.SecurityGroups) == 0 {
		s.SecurityGroups = []string{initialSecurityGroup}
	}
	s.NetworkType = cmp.Or(s.NetworkType, networkIPv4)
	s.Storage = s.Storage.withDefaults()
	return s
}

// withDefaults returns the storage with the defaults of AWS for what is not set.
func (s Storage) withDefaults() Storage {
	s.Type, s.AllocatedGiB = cmp.Or(s.Type, storageGP3), cmp.Or(s.AllocatedGiB, defaultAllocatedGiB)
	switch {
	case s.Type != storageGP3:
	case s.AllocatedGiB < minStripedGiB:
		s.IOPS, s.ThroughputMiBps = baselineIOPS, baselineThroughputMiBps
	default:
		s.IOPS, s.ThroughputMiBps = cmp.Or(s.IOPS, stripedIOPS), cmp.Or(s.ThroughputMiBps, stripedThroughputMiBps)
	}
	return s
}

// validate checks the settings of a database in a scenario.
func (s InstanceSettings) validate() error {
	types := []string{"", storageGP2, storageGP3, storageIO1, storageIO2, storageMagnetic}
	switch {
	case s.NetworkType != "" && s.NetworkType != networkIPv4 && s.NetworkType != networkDual:
		return fmt.Errorf("settings.networkType %q: want %s or %s", s.NetworkType, networkIPv4, networkDual)
	case !slices.Contains(types, s.Storage.Type):
		return fmt.Errorf("settings.storage.type %q: want one of %s", s.Storage.Type, strings.Join(types[1:], ", "))
	case min(s.Storage.AllocatedGiB, s.Storage.IOPS, s.Storage.ThroughputMiBps, s.Storage.MaxAllocatedGiB) < 0:
		return errors.New("settings.storage: want no negative number")
	}
	return nil
}

// replicaSettings returns the settings of a read replica: those of the request, and the defaults of AWS for what it omits. The
// parameters' own descriptions say that these settings are not inherited (RDS API reference, CreateDBInstanceReadReplica).
func replicaSettings(request InstanceSettings, source InstanceSettings) InstanceSettings {
	if len(request.SecurityGroups) == 0 {
		request.SecurityGroups = []string{defaultSecurityGroup}
	}
	request.NoAutomatedBackups = true // RDS creates read replicas with backups disabled
	request.Storage.AllocatedGiB = source.Storage.AllocatedGiB
	if request.Storage.Type == "" && request.Storage.IOPS > 0 {
		request.Storage.Type = storageIO1
	}
	return request.withDefaults()
}

// checkReplicaSettings returns the error with which AWS refuses a read replica because of the settings of its source or of
// the request, if it does.
func checkReplicaSettings(c CreateReplicaRequest, source *instanceState) error {
	storage, allocated := c.Settings.Storage, source.Settings.Storage.AllocatedGiB
	switch {
	case c.ParameterGroup != "" && hasOpenSourceEngine(source.Engine):
		return invalidCombination("A parameter group can't be specified during Read Replica creation for the following DB engine: %s",
			source.Engine)
	case source.Settings.NoAutomatedBackups:
		return &APIError{"InvalidDBInstanceState", "Automated backups are not enabled for this database instance. To enable automated " +
			"backups, use ModifyDBInstance to set the backup retention period to a non-zero value.", 400}
	case source.Settings.ManagedMasterPassword && !strings.HasPrefix(source.Engine, "sqlserver"):
		return invalidValue("Creating read replicas for source instance with engine %s where ManageMasterUserPassword is enabled is "+
			"not supported.", source.Engine)
	case (storage.Type == storageIO1 || storage.Type == storageIO2) && storage.IOPS == 0:
		return invalidCombination("The storage type %s requires iops to be specified.", storage.Type)
	case storage.Type == storageGP3 && storage.IOPS+storage.ThroughputMiBps > 0 && allocated < minStripedGiB &&
		hasOpenSourceEngine(source.Engine):
		return invalidCombination("You can't specify IOPS or storage throughput for engine %s and a storage size less than %d.",
			source.Engine, minStripedGiB)
	case storage.MaxAllocatedGiB > 0 && storage.MaxAllocatedGiB <= allocated:
		return invalidCombination("Max storage size must be greater than storage size")
	case storage.MaxAllocatedGiB > 0 && storage.MaxAllocatedGiB*10 < allocated*11:
		return invalidCombination("The maximum allocated storage must be increased by at least 10 percent.")
	}
	return nil
}

// hasOpenSourceEngine reports whether the engine is PostgreSQL, MySQL or MariaDB.
func hasOpenSourceEngine(engine string) bool {
	return slices.Contains([]string{"postgres", "mysql", "mariadb"}, engine)
}
