package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DBScalingPolicy scales one AWS RDS or Aurora database. It names the database
// and the limits within which it may change. The operator watches the CPU of
// the database, determines the cheapest shape that carries the load, and
// changes the database through the RDS API.
//
// The database must opt in: the cluster and each of its instances must carry
// the AWS tag dbscaler.io/policy-namespace with the namespace of the policy (or
// "@any") as its value. The value may also name one cluster, as
// namespace@cluster, where cluster is the operator's --cluster-name. Without
// this consent, status shows nothing about the database.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=dbsp,categories=dbscaler
// +kubebuilder:selectablefield:JSONPath=`.spec.targetRef.identifier`
// +kubebuilder:selectablefield:JSONPath=`.spec.targetRef.kind`
// +kubebuilder:selectablefield:JSONPath=`.spec.targetRef.region`
// +kubebuilder:selectablefield:JSONPath=`.status.operation.id`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRef.identifier`,description="The identifier of the DB cluster or DB instance"
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`,description="Whether the operator acts, recommends or waits for approval"
// +kubebuilder:printcolumn:name="Writer",type=string,JSONPath=`.status.writer.shape`,description="The number and class of the writer's instances"
// +kubebuilder:printcolumn:name="Readers",type=string,JSONPath=`.status.readers.shape`,description="The number and class of the readers"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the policy can be evaluated, and no ownership conflict stops it"
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.decision.reason`,description="What the operator does or would do, or why it changes nothing"
// +kubebuilder:printcolumn:name="Blocked-By",type=string,JSONPath=`.status.decision.blockedBy[0]`,description="The guard that blocks the change, if one does"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Region",type=string,priority=1,JSONPath=`.spec.targetRef.region`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.decision.message`
type DBScalingPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the desired behavior of the policy. The operator never writes it.
	// +required
	Spec DBScalingPolicySpec `json:"spec,omitzero"`

	// status is the observed state of the policy and of its database.
	// +optional
	Status DBScalingPolicyStatus `json:"status,omitzero"`
}

// DBScalingPolicyList is a list of DBScalingPolicy.
//
// +kubebuilder:object:root=true
type DBScalingPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DBScalingPolicy `json:"items"`
}

// DBScalingPolicySpec is the desired behavior of a policy. A field with
// defaults that is an object, such as cpu, must not be empty: leave it out, or
// set at least one of its fields.
//
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.schedules.all(s, !has(s.readers) || has(self.readers))",message="a schedule sets readers: spec.readers is required"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.schedules.all(s, !has(s.writer) || has(self.writer))",message="a schedule sets writer: spec.writer is required"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.readers) || self.schedules.all(s, !has(s.readers) || !has(s.readers.minReplicas) || s.readers.minReplicas <= self.readers.maxReplicas)",message="a schedule's readers.minReplicas must not be above spec.readers.maxReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.readers) || self.schedules.all(s, !has(s.readers) || !has(s.readers.minInstanceClass) || s.readers.minInstanceClass in self.readers.instanceClasses)",message="a schedule's readers.minInstanceClass must be one of spec.readers.instanceClasses"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.writer) || self.schedules.all(s, !has(s.writer) || s.writer.minInstanceClass in self.writer.instanceClasses)",message="a schedule's writer.minInstanceClass must be one of spec.writer.instanceClasses"
// +kubebuilder:validation:XValidation:rule="has(self.readers) || has(self.writer) || has(self.serverless)",message="at least one of spec.readers, spec.writer and spec.serverless is required"
// +kubebuilder:validation:XValidation:rule="!has(self.serverless) || !has(self.readers) && !has(self.writer) && self.targetRef.kind == 'DBCluster'",message="spec.serverless requires targetRef.kind DBCluster and excludes spec.readers and spec.writer: all members share one capacity range"
type DBScalingPolicySpec struct {
	// targetRef identifies the database that this policy scales.
	// +required
	TargetRef TargetRef `json:"targetRef,omitzero"`

	// mode says whether the operator carries out its decisions. Enforce carries
	// them out. Recommend only reports them in status. Approve carries one out
	// once the annotation scaling.dbscaler.io/approve has the value of
	// status.decision.hash. The default is Recommend.
	// +optional
	// +kubebuilder:default=Recommend
	Mode Mode `json:"mode,omitempty"`

	// readers limits the readers of a DB cluster, or the read replicas of a DB
	// instance. Without it the operator does not change them. New read replicas
	// are Single-AZ, also where the others are Multi-AZ.
	// +optional
	Readers *Readers `json:"readers,omitempty"`

	// writer limits the writer of an Aurora cluster, all members of a Multi-AZ
	// DB cluster, or the instance of a DBInstance target. Without it the operator
	// does not change them.
	// +optional
	Writer *Writer `json:"writer,omitempty"`

	// serverless limits the maximum and the minimum capacity of an Aurora
	// Serverless v2 cluster. It replaces readers and writer: all members share
	// one capacity range.
	// +optional
	Serverless *Serverless `json:"serverless,omitempty"`

	// cpu holds the thresholds for scaling up and down, in percent of the vCPUs
	// of all readers together, or of the writer.
	// +optional
	// +kubebuilder:default={targetPercent: 65, scaleUpPercent: 75, scaleDownPercent: 50}
	CPU CPUThresholds `json:"cpu,omitzero"`

	// behavior sets the windows and cooldowns of each direction.
	// +optional
	// +kubebuilder:default={scaleUp: {windowSeconds: 120, cooldownSeconds: 300}, scaleDown: {windowSeconds: 3600, classWindowSeconds: 86400, overloadedMinuteVCPUHours: 16, cooldownSeconds: 600}}
	Behavior Behavior `json:"behavior,omitzero"`

	// guardrails limit the operator regardless of the load.
	// +optional
	// +kubebuilder:default={maxOperationsPerDay: 6, surgeReaders: 1, maxStepFactor: 4, licenseGrowth: Forbid, emergencyDisruption: Forbid}
	Guardrails Guardrails `json:"guardrails,omitzero"`

	// predictiveScaling selects the predictions that may scale the database up
	// before its utilization requires it. Predictions never scale it down.
	// +optional
	// +kubebuilder:default={trend: Enabled, history: Enabled}
	PredictiveScaling PredictiveScaling `json:"predictiveScaling,omitzero"`

	// afterEngineUpgrade sets a watch period after a change of the engine
	// version, because queries may cost more CPU than before.
	// +optional
	// +kubebuilder:default={watchSeconds: 86400, scaleUpPercent: 60}
	AfterEngineUpgrade AfterEngineUpgrade `json:"afterEngineUpgrade,omitzero"`

	// schedules set minimum sizes at certain times, for example during a weekly
	// import. Where several schedules are active, the highest minimum applies.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Schedules []Schedule `json:"schedules,omitempty"`

	// prices override the looked-up prices of instance classes. Prices are needed
	// to compare classes of different families and to enforce
	// guardrails.maxHourlyCostUSD.
	// +optional
	// +listType=map
	// +listMapKey=instanceClass
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Prices []Price `json:"prices,omitempty"`

	// disruptionWindows list when a step that interrupts the writer (a failover,
	// or a resize in place) may start. A step that comes later waits for the next
	// window. Without any windows, such a step may start at any time. They do not
	// apply to steps that change only readers, except for a new read replica of a
	// Single-AZ DB instance: its snapshot suspends the I/O of the instance for a
	// moment.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	DisruptionWindows []DisruptionWindow `json:"disruptionWindows,omitempty"`
}

// Mode says whether the operator carries out its decisions.
//
// +kubebuilder:validation:Enum=Enforce;Recommend;Approve
type Mode string

// The modes.
const (
	// ModeEnforce carries out each decision.
	ModeEnforce Mode = "Enforce"
	// ModeRecommend reports decisions and carries out none.
	ModeRecommend Mode = "Recommend"
	// ModeApprove carries out a decision once a person has approved it.
	ModeApprove Mode = "Approve"
)

// The annotations for manual control. They leave the spec unchanged, so that
// the on-call engineer and GitOps do not overwrite each other. Pauses and
// overrides expire. The operator treats an invalid value as a pause.
const (
	// AnnotationPausedUntil pauses the policy until a time in RFC 3339.
	AnnotationPausedUntil = "scaling.dbscaler.io/paused-until"
	// AnnotationApprove is the hash of the approved decision.
	AnnotationApprove = "scaling.dbscaler.io/approve"
	// AnnotationOverrideReaders is the shape that the readers get regardless of
	// the load, for example "2 x db.r6g.2xlarge".
	AnnotationOverrideReaders = "scaling.dbscaler.io/override-readers"
	// AnnotationOverrideWriter is the class that the writer gets regardless of the
	// load.
	AnnotationOverrideWriter = "scaling.dbscaler.io/override-writer"
	// AnnotationOverrideUntil is when an override expires, in RFC 3339.
	AnnotationOverrideUntil = "scaling.dbscaler.io/override-until"
	// AnnotationResolveConflict resolves an OwnershipConflict when it gets a value
	// that it did not have when the conflict began, for example the time.
	AnnotationResolveConflict = "scaling.dbscaler.io/resolve-conflict"
)

// TargetKind is the kind of database.
//
// +kubebuilder:validation:Enum=DBCluster;DBInstance
type TargetKind string

// The kinds of target.
const (
	// TargetKindDBCluster is an Aurora DB cluster, or a Multi-AZ DB cluster, which
	// is resized as a whole through spec.writer.
	TargetKindDBCluster TargetKind = "DBCluster"
	// TargetKindDBInstance is an RDS DB instance, Single-AZ or Multi-AZ, that
	// belongs to no cluster. Its read replicas in the same region are its
	// readers.
	TargetKindDBInstance TargetKind = "DBInstance"
)

// TargetRef identifies a database in AWS.
//
// +kubebuilder:validation:XValidation:rule="self.kind == oldSelf.kind && self.identifier == oldSelf.identifier && self.region == oldSelf.region",message="kind, identifier and region are immutable: create another policy for another database"
type TargetRef struct {
	// kind is DBCluster for an Aurora or Multi-AZ DB cluster, or DBInstance for
	// an RDS instance that belongs to no cluster. It is immutable.
	// +required
	Kind TargetKind `json:"kind,omitempty"`

	// identifier is the DB cluster identifier or DB instance identifier, in
	// lower case, as the RDS console shows it. It is immutable.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z](-?[a-z0-9])*$')",message="must consist of lower-case letters, digits and single hyphens, start with a letter and not end with a hyphen"
	Identifier string `json:"identifier,omitempty"`

	// region is the AWS region of the database, for example eu-west-1. It is
	// immutable.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$')",message="must be an AWS region such as eu-west-1"
	Region string `json:"region,omitempty"`

	// accountRef names the AWSAccount through which the operator reaches this
	// database. Without it the operator uses its own identity, unless it runs with
	// --require-account.
	// +optional
	AccountRef AccountReference `json:"accountRef,omitzero"`
}

// AccountReference names an AWSAccount.
type AccountReference struct {
	// name is the name of the AWSAccount. Its namespaceSelector must select the
	// namespace of the policy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// InstanceClass is a DB instance class as the RDS API writes it.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=48
// +kubebuilder:validation:XValidation:rule="self.matches('^db\\\\.[a-z][a-z0-9]*\\\\.(micro|small|medium|large|xlarge|[1-9][0-9]{0,2}xlarge)(\\\\.tpc[0-9]+\\\\.mem[0-9]+x)?$')",message="must be an instance class such as db.r6g.xlarge"
type InstanceClass string

// Preference ranks the shapes of the reader pool when several carry the load.
//
// +kubebuilder:validation:Enum=Cheapest;Vertical;Horizontal
type Preference string

// The preferences.
const (
	// PreferenceCheapest selects the shape with the lowest cost.
	PreferenceCheapest Preference = "Cheapest"
	// PreferenceVertical changes the class first, and the number of readers only
	// when no class fits.
	PreferenceVertical Preference = "Vertical"
	// PreferenceHorizontal changes the number of readers first, and the class
	// only when no number fits.
	PreferenceHorizontal Preference = "Horizontal"
)

// Readers limits the readers of a DB cluster, or the read replicas of a DB
// instance.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="minReplicas must not be above maxReplicas"
type Readers struct {
	// instanceClasses are the allowed classes of the readers, smallest first,
	// without duplicates. If a class is unknown to the operator, the Accepted
	// condition becomes False and the operator changes nothing.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d == c))",message="instanceClasses must not contain duplicates"
	// +kubebuilder:validation:XValidation:rule="self.map(c, c.contains('.micro') ? 1 : c.contains('.small') ? 2 : c.contains('.medium') ? 3 : c.contains('.large') ? 4 : c.contains('.xlarge') ? 5 : 4 + int('0' + c.find('[0-9]{1,3}xlarge').find('[0-9]+'))).isSorted()",message="instanceClasses must be sorted by size, smallest first"
	InstanceClasses []InstanceClass `json:"instanceClasses,omitempty"`

	// minReplicas is the minimum number of readers. The operator never removes a
	// reader that it did not create, regardless of this value. The default is 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the maximum number of readers, not counting surge readers.
	// Aurora allows 15.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// preference ranks the shapes that carry the load. Cheapest selects the one
	// with the lowest cost (the fewest vCPUs where prices are not known: within a
	// family the price doubles with the size). Vertical changes the class before
	// the number of readers, Horizontal the number before the class. When absent
	// it is Cheapest for a DBCluster, and Vertical for a DBInstance: its read
	// replicas have no reader endpoint, so that a new one has no clients until
	// they are told its address (status.readers.instances).
	// +optional
	Preference Preference `json:"preference,omitempty"`

	// redundancy says whether the reader pool has spare capacity for the loss of a
	// reader. AllReaders: the load fits while all readers are in service.
	// OneReaderLost: the load still fits when the largest reader is lost. The
	// default is AllReaders.
	// +optional
	// +kubebuilder:default=AllReaders
	Redundancy Redundancy `json:"redundancy,omitempty"`

	// tags are AWS tags of new readers, surge readers included, for example one
	// that an organization requires in every request. They take precedence over
	// the tags that a new reader takes from the writer or the source. Existing
	// readers keep their tags.
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=40
	Tags []ReaderTag `json:"tags,omitempty"`
}

// ReaderTag is an AWS tag of a reader.
type ReaderTag struct {
	// key is the name of the tag. AWS reserves the prefixes aws: and rds:, and
	// application-autoscaling: marks the readers of Aurora Auto Scaling.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$')",message="may contain letters, digits, white space and the characters _.:/=+-@, which RDS accepts in a tag"
	// +kubebuilder:validation:XValidation:rule="!['aws:', 'rds:', 'application-autoscaling:', 'dbscaler.io/'].exists(p, self.lowerAscii().startsWith(p))",message="must not begin with aws:, rds:, application-autoscaling: or dbscaler.io/: AWS and dbscaler set these tags"
	Key string `json:"key,omitempty"`

	// value is the value of the tag.
	// +required
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$')",message="may contain letters, digits, white space and the characters _.:/=+-@, which RDS accepts in a tag"
	// +kubebuilder:validation:XValidation:rule="!['aws:', 'rds:'].exists(p, self.lowerAscii().startsWith(p))",message="must not begin with aws: or rds:, which AWS reserves"
	Value *string `json:"value,omitempty"`
}

// Redundancy says whether the reader pool has spare capacity for the loss of a
// reader.
//
// +kubebuilder:validation:Enum=AllReaders;OneReaderLost
type Redundancy string

// The redundancies.
const (
	// RedundancyAllReaders sizes the pool for all its readers.
	RedundancyAllReaders Redundancy = "AllReaders"
	// RedundancyOneReaderLost sizes the pool for the loss of its largest reader.
	RedundancyOneReaderLost Redundancy = "OneReaderLost"
)

// Serverless limits the capacity range of an Aurora Serverless v2 cluster.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minCapacity) || quantity(string(self.minCapacity.max)).compareTo(quantity(string(self.maxCapacity.max))) <= 0 && quantity(string(self.minCapacity.min)).compareTo(quantity(string(self.maxCapacity.min))) <= 0",message="minCapacity.min must not be above maxCapacity.min, nor minCapacity.max above maxCapacity.max"
type Serverless struct {
	// maxCapacity limits the maximum capacity that the operator sets for the
	// cluster, in Aurora capacity units (ACUs). AWS requires at least 1, and
	// older engine versions allow at most 128. Four ACUs count as one vCPU.
	// +required
	// +kubebuilder:validation:XValidation:rule="quantity(string(self.min)).compareTo(quantity('1')) >= 0",message="min must be at least 1 ACU: AWS allows no lower maximum capacity"
	MaxCapacity CapacityRange `json:"maxCapacity,omitzero"`

	// minCapacity limits the minimum capacity that the operator sets for the
	// cluster, in ACUs. The operator raises it to what the database usually
	// needs, and ahead of a load that recurs, and lowers it slowly. 0 lets AWS
	// pause instances without connections, if the engine version can. Without
	// minCapacity the operator does not change the minimum capacity.
	// +optional
	MinCapacity *CapacityRange `json:"minCapacity,omitempty"`
}

// CapacityRange limits a capacity of Aurora Serverless v2, in Aurora capacity
// units (ACUs). A fraction is written as a string, for example "0.5".
//
// +kubebuilder:validation:XValidation:rule="[self.min, self.max].all(c, quantity(string(c)).compareTo(quantity('0')) >= 0 && quantity(string(c)).compareTo(quantity('256')) <= 0 && quantity(string(c)).asApproximateFloat() * 2.0 == double(int(quantity(string(c)).asApproximateFloat() * 2.0)))",message="min and max must be from 0 to 256 ACUs in steps of 0.5"
// +kubebuilder:validation:XValidation:rule="quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0",message="min must not be above max"
type CapacityRange struct {
	// min is the lowest capacity that the operator sets.
	// +required
	Min *resource.Quantity `json:"min,omitempty"`

	// max is the highest capacity that the operator sets.
	// +required
	Max *resource.Quantity `json:"max,omitempty"`
}

// Writer limits the writer of a DB cluster, or a DB instance.
type Writer struct {
	// instanceClasses are the allowed classes of the writer, smallest first,
	// without duplicates. If a class is unknown to the operator, the Accepted
	// condition becomes False and the operator changes nothing.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d == c))",message="instanceClasses must not contain duplicates"
	// +kubebuilder:validation:XValidation:rule="self.map(c, c.contains('.micro') ? 1 : c.contains('.small') ? 2 : c.contains('.medium') ? 3 : c.contains('.large') ? 4 : c.contains('.xlarge') ? 5 : 4 + int('0' + c.find('[0-9]{1,3}xlarge').find('[0-9]+'))).isSorted()",message="instanceClasses must be sorted by size, smallest first"
	InstanceClasses []InstanceClass `json:"instanceClasses,omitempty"`
}
