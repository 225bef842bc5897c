package scaling

import (
	"slices"
	"strings"
	"time"
)

// The tags that dbscaler reads and writes on AWS resources.
const (
	// TagOptIn is the tag by which a database takes part: its value is the namespace whose policies may change it, or
	// "*". It must be on the DB cluster and on each DB instance that is to be changed.
	TagOptIn = "dbscaler.io/policy-namespace"
	// TagCreatedBy marks what dbscaler created. Only such instances are ever deleted.
	TagCreatedBy = "dbscaler.io/created-by"
	// TagCreatedByValue is the value of TagCreatedBy.
	TagCreatedByValue = "dbscaler"
	// TagPolicy names the policy, as namespace/name, that an instance was created for.
	TagPolicy = "dbscaler.io/policy"
	// TagSurge names the operation that a surge reader was added for.
	TagSurge = "dbscaler.io/surge-operation"
)

// Observation is a timestamped snapshot of one target.
type Observation struct {
	// ObservedAt is when the topology was read.
	ObservedAt time.Time
	// Found says whether the target exists. When it does not, Account, Region and Why are all that is set.
	Found bool
	// Kind of the target as it was found: an instance's readers are its read replicas, which never become the writer.
	Kind TargetKind
	// ResizedAsUnit says that all members have one class, which changes for all of them: a Multi-AZ DB cluster, or Serverless v2. The pool
	// Writer then stands for the cluster.
	ResizedAsUnit bool
	// Serverless says that all members are Aurora Serverless v2: their Class is the cluster's maximum capacity, which changes for
	// all of them without an interruption. Then Whole is true as well.
	Serverless bool
	// ARN is the target's Amazon Resource Name.
	ARN string
	// Engine as the RDS API writes it, for example aurora-postgresql.
	Engine string
	// EngineVersion as the RDS API writes it.
	EngineVersion string
	// Status of the cluster, or of the instance for a plain one.
	Status string
	// Unsupported says why the target cannot be scaled although it exists, or is empty.
	Unsupported string
	// MultiAZ says whether a plain instance has a standby.
	MultiAZ bool
	// Tags of the cluster, or of the instance for a plain one.
	Tags map[string]string
	// Instances are all members, the writer first, then by name.
	Instances []Instance
	// WriterChangedAt and ReadersChangedAt say when the pool was first seen to consist of its present instances, each in service
	// with its present class. Samples from before are about another pool than the one there is now. Zero means that the
	// pool is changing.
	WriterChangedAt, ReadersChangedAt time.Time
	// UpgradedAt is when the engine's version was first seen to be another than before; zero when it never was.
	UpgradedAt time.Time
	// WriterCPU and ReadersCPU are the role's mean CPUUtilization in percent over the last two weeks, in samples of a
	// quarter of an hour. They are for foresight alone.
	WriterCPU, ReadersCPU Series
	// WriterCapacityHistory and ReadersCapacityHistory say how many vCPUs the pool had when, oldest first: what it takes to read the above.
	WriterCapacityHistory, ReadersCapacityHistory []CapacityPeriod
	// Orderable lists the instance classes that AWS offers for the engine and version in this region; nil when that could
	// not be read.
	Orderable []string
	// Shortages are the classes that AWS had no instance of a short time ago.
	Shortages []CapacityShortage
	// Prices are what an hour of one instance of a class costs here. A class that is not in it has no known price.
	Prices map[string]Money
	// AutoScaling says that Aurora Auto Scaling manages the number of readers; nil when it does not, or when AWS could not be
	// asked: then only the names of its readers tell.
	AutoScaling *AutoScaling
	// Declarations are the objects of this cluster that declare the class of an instance, and would change it back.
	Declarations []ClassDeclaration
	// DeclarationsUnknown says why it is not known what such objects declare, or is empty.
	DeclarationsUnknown string
	// OwnershipConflict says why nothing may change because somebody else has changed back what we set, or is empty.
	OwnershipConflict string
	// History is what the policy did before, newest first.
	History History
	// Fleet is what the other policies are doing.
	Fleet Fleet
}

// ClassDeclaration is an object that declares the class of an instance.
type ClassDeclaration struct {
	Instance, InstanceClass string
	// DeclaredBy names the object for people, and Remedy says what to change in it so that it leaves the class alone.
	DeclaredBy, Remedy string
}

// AutoScaling is a cluster's registration with Aurora Auto Scaling: the least and greatest number of readers that it sets.
// All readers count, whoever created them; it removes its own alone (Aurora user guide, "Amazon Aurora Auto Scaling with
// Aurora Replicas").
type AutoScaling struct{ Min, Max int }

// CapacityShortage is a class that AWS had no instance of.
type CapacityShortage struct {
	InstanceClass string
	// Zone is the availability zone; empty means in all that could be asked for.
	Zone string
	// ExpiresAt is when it is worth asking again.
	ExpiresAt time.Time
}

// CapacityShortages lists the zones that have no instance of a class at now, and says whether none has.
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

// CapacityPeriod is the vCPUs of a pool over a stretch of time.
type CapacityPeriod struct {
	// StartedAt is when the pool was first seen so, and Until when it was last.
	StartedAt, EndedAt time.Time
	VCPUs              float64
}

// Instance is one member of a target.
type Instance struct {
	Identifier string
	ARN        string
	// Class as the RDS API has it now.
	Class string
	// PendingClass is the class it is changing or waiting to change to, or empty.
	PendingClass string
	// OtherPendingModifications lists other modifications that wait, by name. ApplyImmediately would flush them.
	OtherPendingModifications []string
	// Status as the RDS API writes it, for example available.
	Status string
	Writer bool
	// PromotionTier is the failover priority, 0 (first) to 15.
	PromotionTier int
	// AvailabilityZone it runs in.
	AvailabilityZone string
	// CreatedAt is the instance's creation time; zero while it is being created.
	CreatedAt time.Time
	Tags      map[string]string
	// CPU holds its CPUUtilization in percent, one sample a minute, oldest first. A minute without a sample is missing.
	CPU Series
	// DBLoadCPU holds the average number of sessions that have or want a CPU, which is a demand in vCPUs that saturation does
	// not hide: one sample a minute of the last hour or so. It is empty without Performance Insights or Database Insights,
	// and has no sample for an idle minute.
	DBLoadCPU Series
	// FreeableMemory holds the least freeable memory in bytes of each five minutes, Connections the greatest number of client
	// connections.
	FreeableMemory, Connections Series
	// ReplicaLag is the newest replica lag, or nil when it is unknown.
	ReplicaLag *Lag
	// RestartedAt is when its engine last started as EngineUptime tells; zero when that is unknown.
	RestartedAt time.Time
	// BackupWindow is the daily UTC time of automated backups, for example "03:10-03:40", or empty. Aurora's interrupt
	// nothing, so its instances have none here.
	BackupWindow string
	// PendingMaintenance is what AWS is about to do to it.
	PendingMaintenance []PendingMaintenance
}

// MaintenanceUnknown is the action that stands for what AWS could not be asked.
const MaintenanceUnknown = "unknown"

// PendingMaintenance is a maintenance action that waits.
type PendingMaintenance struct {
	// Action as the RDS API names it, for example system-update or os-upgrade.
	Action string
	// ScheduledAt is when AWS will apply it: the start of the window that it is scheduled for. Zero when AWS waits to be asked.
	ScheduledAt time.Time
}

// MaxSampleAge is the age of the newest sample above which there is nothing to decide on. RDS publishes a minute's sample within
// one to two minutes of its end.
const MaxSampleAge = 5 * time.Minute

// MaxReplicaLag is the lag at or below which a reader is in step with the writer. Aurora replicas are usually below 100 ms
// behind (Aurora user guide, "Aurora Replicas").
const MaxReplicaLag = 5 * time.Second

// Lag is a replication lag and when it was measured.
type Lag struct {
	MeasuredAt time.Time
	Value      time.Duration
}

// StatusAvailable is the status of a cluster or instance that takes changes.
const StatusAvailable = "available"

// servingStatuses are the statuses, besides available, in which an instance serves at full capacity and has not been restarted
// (RDS user guide, "Viewing DB instance status").
var servingStatuses = []string{
	"backing-up", "storage-optimization", "configuring-enhanced-monitoring", "configuring-iam-database-auth",
	"configuring-log-exports",
}

// IsServing says whether an instance with this status serves at full capacity.
func IsServing(status string) bool {
	return status == StatusAvailable || slices.Contains(servingStatuses, status)
}

// brokenStatuses are the statuses that an instance or cluster does not leave by itself.
var brokenStatuses = []string{
	"failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
	"incompatible-network", "incompatible-option-group", "incompatible-parameters", "incompatible-restore",
	"insufficient-capacity", "restore-error", "storage-full", "stopped", "cloning-failed", "migration-failed",
}

// IsBroken says whether a database with this status needs a person. Any status that is neither available nor broken,
// unknown ones included, means busy.
func IsBroken(status string) bool { return slices.Contains(brokenStatuses, status) }

// IsAvailable says whether the instance is in service and takes changes.
func (i Instance) IsAvailable() bool { return i.Status == StatusAvailable }

// CreatedByOperator says whether dbscaler created the instance.
func (i Instance) CreatedByOperator() bool { return i.Tags[TagCreatedBy] == TagCreatedByValue }

// SurgeOperation names the operation that the instance was added for as a surge reader, or is empty.
func (i Instance) SurgeOperation() string {
	if !i.CreatedByOperator() {
		return ""
	}
	return i.Tags[TagSurge]
}

// autoScalingPrefix begins the names of readers that Aurora Auto Scaling created (Aurora user guide, "Amazon Aurora Auto
// Scaling with Aurora Replicas").
const autoScalingPrefix = "application-autoscaling-"

// CreatedByAutoScaling says whether Aurora Auto Scaling created the instance.
func (i Instance) CreatedByAutoScaling() bool {
	return strings.HasPrefix(i.Identifier, autoScalingPrefix)
}

// IsOptedIn says whether tags let policies of the namespace change what carries them.
func IsOptedIn(tags map[string]string, namespace string) bool {
	value := tags[TagOptIn]
	return value == "*" || value == namespace && namespace != ""
}

// PoolInstances lists the instances of one role.
func (o Observation) PoolInstances(p Pool) []Instance {
	var out []Instance
	for _, i := range o.Instances {
		if i.Writer == (p == Writer) {
			out = append(out, i)
		}
	}
	return out
}

// Instance finds a member by its identifier.
func (o Observation) Instance(identifier string) (Instance, bool) {
	n := slices.IndexFunc(o.Instances, func(i Instance) bool { return i.Identifier == identifier })
	if n < 0 {
		return Instance{}, false
	}
	return o.Instances[n], true
}

// ChangedAt is when the pool was first seen to consist of what it consists of now; zero while it is changing.
func (o Observation) ChangedAt(p Pool) time.Time {
	if p == Writer {
		return o.WriterChangedAt
	}
	return o.ReadersChangedAt
}

// Shape is what a pool consists of now.
func (o Observation) Shape(p Pool) Shape {
	instances := o.PoolInstances(p)
	s := Shape{Count: len(instances)}
	for n, i := range instances {
		if n == 0 {
			s.InstanceClass = i.Class
		} else if s.InstanceClass != i.Class {
			s.InstanceClass = ""
		}
	}
	return s
}
