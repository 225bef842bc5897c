package scaling

import (
	"slices"
	"strings"
	"time"
)

// The tags that dbscaler reads and writes on AWS resources.
const (
	// TagOptIn allows policies to change a database: see IsOptedIn for its values. It must be set on the DB cluster and on each DB
	// instance to be changed.
	TagOptIn = "dbscaler.io/policy-namespace"
	// OptInAny as the value of TagOptIn allows policies of every namespace. It is a legal tag value of RDS, which "*" is not (RDS
	// API reference, Tag), and not a legal name of a namespace.
	OptInAny = "@any"
	// TagCreatedBy marks the instances that dbscaler created. No other instance is ever deleted.
	TagCreatedBy = "dbscaler.io/created-by"
	// TagCreatedByValue is the value of TagCreatedBy.
	TagCreatedByValue = "dbscaler"
	// TagPolicy is the policy, as namespace/name, that an instance was created for.
	TagPolicy = "dbscaler.io/policy"
	// TagOperatedBy is the name of the Kubernetes cluster whose operator created an instance. It is set when the operator has such a
	// name.
	TagOperatedBy = "dbscaler.io/operated-by"
	// TagSurge is the ID of the operation that a surge reader was created for.
	TagSurge = "dbscaler.io/surge-operation"
)

// Observation is a timestamped snapshot of one target.
type Observation struct {
	// ObservedAt is when the topology was read.
	ObservedAt time.Time
	// Found says whether the target exists. When it does not, no field that describes it is set.
	Found bool
	// Kind is that of the target found. The readers of a DBInstance are its read replicas, which are never promoted to writer.
	Kind TargetKind
	// ResizedAsUnit says that all instances have one class, which only changes for all of them: a Multi-AZ DB cluster, or Aurora
	// Serverless v2. The pool Writer then stands for the cluster.
	ResizedAsUnit bool
	// Serverless says that all instances are Aurora Serverless v2: their Class is the maximum capacity of the cluster, which
	// changes without an interruption. ResizedAsUnit is then true as well.
	Serverless bool
	// MinCapacity is the minimum capacity of an Aurora Serverless v2 cluster in Aurora capacity units (ACUs).
	MinCapacity float64
	// ARN is the target's Amazon Resource Name.
	ARN string
	// ResourceID is the DbClusterResourceId of the cluster, or the DbiResourceId of the instance: another database with the same name
	// has another one, for example after the switchover of a blue/green deployment.
	ResourceID string
	// Engine is the engine in the RDS API, for example aurora-postgresql.
	Engine string
	// EngineVersion is the version in the RDS API.
	EngineVersion string
	// Status is that of the cluster, or of the DB instance when there is no cluster.
	Status string
	// PendingModifications are the names of the modifications of the cluster that somebody deferred to its maintenance window, in
	// the RDS API, for example EngineVersion. ModifyDBCluster with ApplyImmediately would apply them, too. Those of an instance are
	// in Instances. They never name a change of the class or of the serverless capacity, which the RDS API does not list.
	PendingModifications []string
	// Unsupported says why a target that exists cannot be scaled, or is empty.
	Unsupported string
	// MultiAZ says whether a DB instance without a cluster has a standby.
	MultiAZ bool
	// Tags are those of the cluster, or of the DB instance when there is no cluster.
	Tags map[string]string
	// Instances are all instances, the writer first, then by name.
	Instances []Instance
	// WriterChangedAt and ReadersChangedAt are when the pool was first observed with its current instances, each in service with
	// its current class. Earlier samples do not describe the current pool. Zero means that the pool is changing.
	WriterChangedAt, ReadersChangedAt time.Time
	// WriterUnchangedSince and ReadersUnchangedSince are since when, before that first observation, the pool has been the same by RDS
	// events; zero when it is not known. See SamplesSince.
	WriterUnchangedSince, ReadersUnchangedSince time.Time
	// UpgradedAt is when another engine version was first observed; zero when it never changed.
	UpgradedAt time.Time
	// WriterCPU and ReadersCPU are the mean CPUUtilization of the pool in percent over the last two weeks, by quarters of an hour.
	// They are used for predictive scaling and for class changes.
	WriterCPU, ReadersCPU Series
	// WriterCapacityHistory and ReadersCapacityHistory are the capacity of the pool over time, oldest first, which converts these
	// percentages to vCPUs.
	WriterCapacityHistory, ReadersCapacityHistory []CapacityPeriod
	// Orderable lists the instance classes that AWS offers for the engine and version in this region, with the features that the
	// database uses and in a zone of its subnets; nil when they could not be read.
	Orderable []string
	// OrderableGaps is what AWS lacks of classes that it offers at all, by class; only those that lack something.
	OrderableGaps map[string]OrderableGap
	// CannotReplicate says why AWS refuses every new read replica of the DB instance and what to do, or is empty.
	CannotReplicate string
	// LicenseModel is that of the writer in the RDS API, for example bring-your-own-license.
	LicenseModel string
	// WriterEndpoint and ReaderEndpoint are the address:port of the cluster's endpoints, or of the DB instance; a DB instance has no
	// reader endpoint.
	WriterEndpoint, ReaderEndpoint string
	// Refusals are the changes that AWS refused.
	Refusals []Refusal
	// Shortages are the classes that AWS had no instances of a short time ago.
	Shortages []CapacityShortage
	// Prices are the hourly prices of one instance by class. A class that is not in the map has no known price.
	Prices map[string]Money
	// AutoScaling is the configuration of Aurora Auto Scaling, which then manages the number of readers; nil when there is none, or
	// when it could not be read: then only the names of readers show it.
	AutoScaling *AutoScaling
	// Declarations are the objects of this Kubernetes cluster that declare the class of an instance and would revert a change.
	Declarations []ClassDeclaration
	// DeclarationsUnknown says why such objects could not be read, or is empty.
	DeclarationsUnknown string
	// CustomEndpoints are the custom endpoints of an Aurora cluster, and CustomEndpointsUnknown says why they could not be read.
	CustomEndpoints        []CustomEndpoint
	CustomEndpointsUnknown string
	// BlueGreen is the blue/green deployment of the target that has not been switched over, or nil. BlueGreenUnknown says why it could
	// not be read.
	BlueGreen        *BlueGreenDeployment
	BlueGreenUnknown string
	// GlobalCluster is the Aurora global database that the cluster belongs to, or empty, and GlobalSecondary says whether the cluster
	// is a secondary of it.
	GlobalCluster   string
	GlobalSecondary bool
	// PromotedAt is when the cluster was first observed as the primary after it had been a secondary; zero when it never was.
	PromotedAt time.Time
	// OwnershipConflict says who reverted changes of the operator, so that it may change nothing, or is empty.
	OwnershipConflict string
	// History is the ended operations of the policy, newest first.
	History History
	// Fleet is the state of the other policies.
	Fleet Fleet
}

// ClassDeclaration is an object that declares the class of an instance.
type ClassDeclaration struct {
	Instance, InstanceClass string
	// DeclaredBy is the object for messages, and Remedy says how to change it so that it does not manage the class.
	DeclaredBy, Remedy string
}

// AutoScaling is the configuration of Aurora Auto Scaling for a cluster: the smallest and largest number of readers that it sets.
// All readers count, whoever created them, but it removes only its own (Aurora user guide, "Amazon Aurora Auto Scaling with
// Aurora Replicas").
type AutoScaling struct{ Min, Max int }

// CapacityShortage is a class that AWS had no instances of.
type CapacityShortage struct {
	InstanceClass string
	// Zone is the availability zone; empty means all zones that can be requested.
	Zone string
	// ExpiresAt is when the class may be requested again.
	ExpiresAt time.Time
}

// CapacityShortages lists the zones without instances of a class at now, and reports whether all zones are without.
func (o Observation) CapacityShortages(class string, now time.Time) (zones []string, everywhere bool) {
	for _, s := range o.Shortages {
		if s.InstanceClass != class || !now.Before(s.ExpiresAt) {
			continue
		}
		if s.Zone == "" {
			everywhere = true
		} else {
			zones = append(zones, s.Zone)
		}
	}
	return zones, everywhere
}

// CapacityPeriod is a period during which a pool had the same vCPUs.
type CapacityPeriod struct {
	// StartedAt is when the pool was first observed with these vCPUs, and EndedAt when it last was.
	StartedAt, EndedAt time.Time
	VCPUs              float64
}

// Instance is one DB instance of a target.
type Instance struct {
	Identifier string
	ARN        string
	// ResourceID is the DbiResourceId: another instance with the same name has another one.
	ResourceID string
	// Class is the current class.
	Class string
	// PendingClass is the class that it is being changed to, or will be, or empty.
	PendingClass string
	// OtherPendingModifications are the names of other pending modifications. ApplyImmediately would apply them, too.
	OtherPendingModifications []string
	// PendingReboot describes the parameter groups and option groups whose changes are not in effect and that a restart may apply,
	// for example "DB parameter group tuned is pending-reboot".
	PendingReboot []string
	// Status is the status in the RDS API, for example available.
	Status string
	Writer bool
	// PromotionTier is the failover priority, 0 (first) to 15.
	PromotionTier int
	// ParameterGroups are the names of its DB parameter groups, of which RDS allows one.
	ParameterGroups []string
	// Parameters are the parameters that users have set for it.
	Parameters Parameters
	// AvailabilityZone is the zone that it runs in.
	AvailabilityZone string
	// CreatedAt is the creation time. AWS may show none while it creates the instance.
	CreatedAt time.Time
	// NeverServed says that dbscaler requested the creation of the instance and has never seen it in service; see
	// state.MarkUnservedReaders. It is false when that is not known.
	NeverServed bool
	Tags        map[string]string
	// OtherCluster is the Kubernetes cluster whose operator created the instance, when it is not the cluster of this operator; see
	// MarkOtherClusters. Otherwise it is empty.
	OtherCluster string
	// Endpoint is its own address:port; empty while it is being created.
	Endpoint string
	// Replicas are what replicates from a reader: its own read replicas, by their identifiers or ARNs. It is empty for the writer.
	Replicas []string
	// CPU is its CPUUtilization in percent, one sample per minute.
	CPU Series
	// DBLoadCPU is the average number of sessions that use or wait for a CPU, which shows demand in vCPUs above saturation: one
	// sample per minute of about the last hour. It is empty without Performance Insights or Database Insights, and has no sample
	// for an idle minute.
	DBLoadCPU Series
	// FreeableMemory is the lowest freeable memory in bytes of each five minutes, Connections the highest number of client
	// connections.
	FreeableMemory, Connections Series
	// IO is what it reads and writes, and Credits are its CPU credits when its class is burstable.
	IO      IO
	Credits CPUCredits
	// UsedCapacity is the capacity of an Aurora Serverless v2 instance in ACUs, the mean of each five minutes. It is never below the
	// minimum capacity, except that it is 0 while the instance is paused.
	UsedCapacity Series
	// ReplicaLag is the newest replica lag; nil when it is unknown.
	ReplicaLag *Lag
	// RestartedAt is when its engine last started, computed from EngineUptime; zero when that is unknown.
	RestartedAt time.Time
	// BackupWindow is the daily UTC time of automated backups, for example "03:10-03:40". It is empty for Aurora, whose backups
	// interrupt nothing.
	BackupWindow string
	// PendingMaintenance lists the maintenance actions that AWS will apply.
	PendingMaintenance []PendingMaintenance
}

// Parameters are the parameters of an instance that users have set, as far as they concern memory, connections and promotion.
type Parameters struct {
	// Values are the values in the RDS API, which may be formulas, by name. The DB parameter group takes precedence over the DB cluster
	// parameter group.
	Values map[string]string
	// Unknown says why they could not be read, or is empty.
	Unknown string
}

// MaintenanceUnknown is the action that stands for maintenance that could not be read.
const MaintenanceUnknown = "unknown"

// PendingMaintenance is a pending maintenance action.
type PendingMaintenance struct {
	// Action is the name in the RDS API, for example system-update or os-upgrade.
	Action string
	// ScheduledAt is when AWS will apply it: the start of its maintenance window. Zero when it is not scheduled.
	ScheduledAt time.Time
}

// MaxSampleAge is the age up to which the newest sample may be used for a decision. RDS publishes the sample of a minute one to
// two minutes after its end.
const MaxSampleAge = 5 * time.Minute

// MaxReplicaLag is the lag up to which a reader of a cluster has caught up with the writer. The lag of Aurora replicas is usually
// below 100 ms (Aurora user guide, "Aurora Replicas").
const MaxReplicaLag = 5 * time.Second

// MaxIdleReplicaLag is the lag up to which a read replica of a DB instance has caught up. While no transactions run on the source,
// the lag of an RDS for PostgreSQL replica rises to five minutes, until the source switches the WAL segment (RDS user guide,
// "Monitoring and tuning the replication process"); the rest is the period of the metric.
const MaxIdleReplicaLag = 330 * time.Second

// MaxReaderLag is the lag up to which a new reader of the database has caught up. Only PostgreSQL is known to show a lag on an idle
// source. For MySQL and MariaDB the metric is Seconds_Behind_Master (RDS user guide, "Monitoring read replication"), which is 0 while no
// event is being processed (MySQL Reference Manual, "SHOW REPLICA STATUS"). For the other engines the longer limit applies.
func (o Observation) MaxReaderLag() time.Duration {
	if o.Kind == DBInstance && o.Engine != "mysql" && o.Engine != "mariadb" {
		return MaxIdleReplicaLag
	}
	return MaxReplicaLag
}

// Lag is a replication lag and the time of its measurement.
type Lag struct {
	MeasuredAt time.Time
	Value      time.Duration
}

// StatusAvailable is the status of a cluster or instance that can be changed.
const StatusAvailable = "available"

// StatusInsufficientCapacity is the status of an instance that AWS could not create for want of capacity (RDS user guide, "Viewing
// DB instance status").
const StatusInsufficientCapacity = "insufficient-capacity"

// storageStatuses are the statuses of an instance whose storage AWS is working on, for up to a day and more. The instance remains
// available for operations (RDS user guide, "Viewing DB instance status").
var storageStatuses = []string{"storage-optimization", "storage-initialization", "storage-config-upgrade"}

// servingStatuses are the statuses, besides available and those of the storage, in which an instance serves at full capacity and is
// not restarted (RDS user guide, "Viewing DB instance status").
var servingStatuses = []string{
	"backing-up", "configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports",
}

// IsAvailable reports whether a cluster or instance with this status is in service and can be changed. When AWS refuses a change
// while it works on the storage, the operator tries again later.
func IsAvailable(status string) bool {
	return status == StatusAvailable || slices.Contains(storageStatuses, status)
}

// IsServing reports whether an instance with this status serves at full capacity.
func IsServing(status string) bool {
	return IsAvailable(status) || slices.Contains(servingStatuses, status)
}

// brokenStatuses are the statuses that do not end without a person (RDS user guide, "Viewing DB instance status").
var brokenStatuses = []string{
	"failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
	statusIncompatibleCreate, "incompatible-network", "incompatible-option-group", "incompatible-parameters", "incompatible-restore",
	StatusInsufficientCapacity, "restore-error", "storage-full", "stopped", "cloning-failed", "migration-failed", "upgrade_failed",
}

// statusIncompatibleCreate is the status of an instance that AWS cannot create with the resources that it was given.
const statusIncompatibleCreate = "incompatible-create"

// IsBroken reports whether a database with this status needs a person. Any status that is neither available nor broken, also an
// unknown one, means busy.
func IsBroken(status string) bool { return slices.Contains(brokenStatuses, status) }

// IsAvailable reports whether the instance is in service and can be changed.
func (i Instance) IsAvailable() bool { return IsAvailable(i.Status) }

// CreatedByOperator reports whether this operator created the instance. One that the operator of another Kubernetes cluster created
// does not count.
func (i *Instance) CreatedByOperator() bool {
	return i.Tags[TagCreatedBy] == TagCreatedByValue && i.OtherCluster == ""
}

// ReaderNameInfix is between the name of the target and the ID of the operation in the names of the readers that dbscaler creates.
const ReaderNameInfix = "-dbscaler-"

// IsFailedReader reports whether the instance is a reader that dbscaler tried to create, by its tag and name, and that AWS failed to
// create: its status is broken, and it never served: the operator has never seen it in service, AWS shows no creation time, or it has
// one of two statuses that occur only when a creation fails. A reader that has served and broke later is left to a person.
func (i *Instance) IsFailedReader() bool {
	if i.Writer || !IsBroken(i.Status) || !i.CreatedByOperator() || !strings.Contains(i.Identifier, ReaderNameInfix) {
		return false
	}
	return i.NeverServed && !slices.Contains(laterStatuses, i.Status) || i.CreatedAt.IsZero() || i.Status == StatusInsufficientCapacity ||
		i.Status == statusIncompatibleCreate
}

// laterStatuses are the broken statuses that only an instance with data gets: the operator may have missed that it was in service.
var laterStatuses = []string{
	"storage-full", "stopped", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable", "upgrade_failed",
}

// SurgeOperation is the ID of the operation that created the instance as a surge reader, or empty.
func (i *Instance) SurgeOperation() string {
	operation := i.Tags[TagSurge]
	if operation == "" || !i.CreatedByOperator() {
		return ""
	}
	return operation
}

// autoScalingPrefix is the name prefix of readers that Aurora Auto Scaling created (Aurora user guide, "Amazon Aurora Auto
// Scaling with Aurora Replicas").
const autoScalingPrefix = "application-autoscaling-"

// CreatedByAutoScaling reports whether Aurora Auto Scaling created the instance.
func (i Instance) CreatedByAutoScaling() bool {
	return strings.HasPrefix(i.Identifier, autoScalingPrefix)
}

// FailedReaders lists the readers of dbscaler that AWS failed to create.
func (o *Observation) FailedReaders() []Instance {
	var failed []Instance
	for n := range o.Instances { // by index: an instance is large to copy
		if o.Instances[n].IsFailedReader() {
			failed = append(failed, o.Instances[n])
		}
	}
	return failed
}

// WithoutFailedReaders is the observation without the readers of dbscaler that AWS failed to create: they serve nobody, so that they
// neither count as capacity nor block a change.
func (o Observation) WithoutFailedReaders() Observation {
	for n := range o.Instances {
		if o.Instances[n].IsFailedReader() {
			o.Instances = slices.DeleteFunc(slices.Clone(o.Instances), func(i Instance) bool { return i.IsFailedReader() })
			break
		}
	}
	return o
}

// Instance finds an instance by its identifier.
func (o Observation) Instance(identifier string) (Instance, bool) {
	n := slices.IndexFunc(o.Instances, func(i Instance) bool { return i.Identifier == identifier })
	if n < 0 {
		return Instance{}, false
	}
	return o.Instances[n], true
}

// ChangedAt is when the pool was first observed with its current instances and classes; zero while it is changing.
func (o *Observation) ChangedAt(p Pool) time.Time {
	if p == Writer {
		return o.WriterChangedAt
	}
	return o.ReadersChangedAt
}

// SamplesSince is since when samples describe the pool well enough to scale it up: since it was first observed as it is, or since an
// earlier time if RDS events say that nothing changed in between. Zero while it is changing. Scaling down relies on ChangedAt only, because
// an event may be missing.
func (o *Observation) SamplesSince(p Pool) time.Time {
	since := o.WriterUnchangedSince
	if p == Readers {
		since = o.ReadersUnchangedSince
	}
	if changedAt := o.ChangedAt(p); since.IsZero() || changedAt.Before(since) {
		return changedAt
	}
	return since
}
