package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DBScalingPolicy keeps one AWS RDS or Aurora database the right size. It
// names the database and the limits within which it may change; the operator
// watches the database's CPU, works out the smallest shape that carries the
// load, and changes the database through the RDS API.
//
// The database takes part only if it carries the AWS tag
// dbscaler.io/policy-namespace with the policy's namespace (or "*") as its
// value, on the cluster and on each instance.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=dbsp,categories=dbscaler
// +kubebuilder:printcolumn:name="Database",type=string,JSONPath=`.spec.targetRef.identifier`,description="The DB cluster or instance"
// +kubebuilder:printcolumn:name="Writer",type=string,JSONPath=`.status.writer.shape`,description="What the writer runs on"
// +kubebuilder:printcolumn:name="Readers",type=string,JSONPath=`.status.readers.shape`,description="What the readers run on"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the policy is in force"
// +kubebuilder:printcolumn:name="Doing",type=string,JSONPath=`.status.decision.reason`,description="What the operator is doing, or why it does nothing"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Mode",type=string,priority=1,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Region",type=string,priority=1,JSONPath=`.spec.targetRef.region`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.decision.message`
type DBScalingPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the policy asks for. The operator never writes it.
	// +required
	Spec DBScalingPolicySpec `json:"spec,omitzero"`

	// status is what the operator has found, decided and is doing.
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

// DBScalingPolicySpec is what a policy asks for.
//
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.schedules.all(s, !has(s.readers) || has(self.readers))",message="a schedule names readers: say in spec.readers which they may be"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || self.schedules.all(s, !has(s.writer) || has(self.writer))",message="a schedule names the writer: say in spec.writer which classes it may have"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.readers) || self.schedules.all(s, !has(s.readers) || !has(s.readers.minReplicas) || s.readers.minReplicas <= self.readers.maxReplicas)",message="a schedule's readers.minReplicas must not be above spec.readers.maxReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.readers) || self.schedules.all(s, !has(s.readers) || !has(s.readers.minInstanceClass) || s.readers.minInstanceClass in self.readers.instanceClasses)",message="a schedule's readers.minInstanceClass must be one of spec.readers.instanceClasses"
// +kubebuilder:validation:XValidation:rule="!has(self.schedules) || !has(self.writer) || self.schedules.all(s, !has(s.writer) || s.writer.minInstanceClass in self.writer.instanceClasses)",message="a schedule's writer.minInstanceClass must be one of spec.writer.instanceClasses"
// +kubebuilder:validation:XValidation:rule="has(self.readers) || has(self.writer) || has(self.serverless)",message="name what may change: spec.readers, spec.writer or both, or spec.serverless"
// +kubebuilder:validation:XValidation:rule="!has(self.serverless) || !has(self.readers) && !has(self.writer) && self.targetRef.kind == 'DBCluster'",message="spec.serverless is for a DBCluster, and stands alone: its capacity is that of the writer and of the readers"
type DBScalingPolicySpec struct {
	// targetRef names the one database that this policy scales.
	// +required
	TargetRef TargetRef `json:"targetRef,omitzero"`

	// mode says how far the operator may go: Enforce decides and acts; Recommend
	// decides and reports in status, and never changes anything in AWS; Approve
	// decides, and acts once the annotation scaling.dbscaler.io/approve names
	// status.decision.hash. The default is Enforce.
	// +optional
	// +kubebuilder:default=Enforce
	Mode Mode `json:"mode,omitempty"`

	// readers bounds the readers of a DB cluster, or the read replicas of a DB
	// instance. Without it they are left alone.
	// +optional
	Readers *Readers `json:"readers,omitempty"`

	// writer bounds the writer of an Aurora cluster, all members of a Multi-AZ
	// DB cluster, or the instance when the target is a DBInstance. Without it
	// they are left alone.
	// +optional
	Writer *Writer `json:"writer,omitempty"`

	// serverless bounds the maximum capacity of an Aurora Serverless v2 cluster.
	// It stands in the place of readers and writer: the capacity is that of
	// all members.
	// +optional
	Serverless *Serverless `json:"serverless,omitempty"`

	// cpu holds the thresholds at which the database is too small or too large,
	// in percent of the vCPUs of the readers together, or of the writer.
	// +optional
	// +kubebuilder:default={targetPercent: 65, scaleUpPercent: 75, scaleDownPercent: 50}
	CPU CPUThresholds `json:"cpu,omitzero"`

	// behavior is how quickly each direction is taken.
	// +optional
	// +kubebuilder:default={scaleUp: {windowSeconds: 120, cooldownSeconds: 300}, scaleDown: {windowSeconds: 3600, classWindowSeconds: 86400, cooldownSeconds: 3600}}
	Behavior Behavior `json:"behavior,omitzero"`

	// guardrails bound what the operator may do whatever the load.
	// +optional
	// +kubebuilder:default={maxOperationsPerDay: 6, surgeReaders: 1, maxStepFactor: 4, emergencyDisruption: Forbid}
	Guardrails Guardrails `json:"guardrails,omitzero"`

	// foresight says which predictions may make the database grow before it has
	// to. None ever makes it smaller.
	// +optional
	// +kubebuilder:default={trend: Enabled, history: Enabled}
	PredictiveScaling PredictiveScaling `json:"foresight,omitzero"`

	// afterEngineUpgrade is how a database is watched whose engine has another
	// version than before: queries may have become dearer.
	// +optional
	// +kubebuilder:default={watchSeconds: 86400, scaleUpPercent: 60}
	AfterEngineUpgrade AfterEngineUpgrade `json:"afterEngineUpgrade,omitzero"`

	// schedules are the least that the database may be at certain times, for
	// example during a weekly import. Where several are open, the most that any
	// of them asks for holds.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Schedules []Schedule `json:"schedules,omitempty"`

	// prices are what an hour of one instance of a class costs, where it should
	// not be looked up. Prices make classes of different families comparable, and
	// guardrails.maxHourlyCostUSD possible.
	// +optional
	// +listType=map
	// +listMapKey=instanceClass
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Prices []Price `json:"prices,omitempty"`

	// disruptionWindows list when an operation that interrupts the writer (a
	// failover, or resizing it in place) may begin. Without any it may begin at
	// any time. Operations on readers alone are not bound by them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	DisruptionWindows []DisruptionWindow `json:"disruptionWindows,omitempty"`
}

// Mode says how far the operator may go.
//
// +kubebuilder:validation:Enum=Enforce;Recommend;Approve
type Mode string

// The modes.
const (
	// ModeEnforce decides and acts.
	ModeEnforce Mode = "Enforce"
	// ModeRecommend decides and reports, and never acts.
	ModeRecommend Mode = "Recommend"
	// ModeApprove decides, and acts once a person has approved the decision.
	ModeApprove Mode = "Approve"
)

// The annotations by which a person steers a policy without changing its
// spec, so that Git and the on-call engineer do not fight. Each has an end,
// or ends something. What cannot be read counts as a pause.
const (
	// AnnotationPausedUntil holds everything back until a time, in RFC 3339.
	AnnotationPausedUntil = "scaling.dbscaler.io/paused-until"
	// AnnotationApprove names the hash of the decision that may be carried out.
	AnnotationApprove = "scaling.dbscaler.io/approve"
	// AnnotationOverrideReaders is the shape that the readers should have,
	// whatever the load: "2 x db.r6g.2xlarge".
	AnnotationOverrideReaders = "scaling.dbscaler.io/override-readers"
	// AnnotationOverrideWriter is the class that the writer should have,
	// whatever the load.
	AnnotationOverrideWriter = "scaling.dbscaler.io/override-writer"
	// AnnotationOverrideUntil is when an override ends, in RFC 3339.
	AnnotationOverrideUntil = "scaling.dbscaler.io/override-until"
	// AnnotationResolveConflict ends an OwnershipConflict when it gets a value
	// that it did not have before, for example the time.
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

// TargetRef names a database in AWS.
//
// +kubebuilder:validation:XValidation:rule="self.kind == oldSelf.kind && self.identifier == oldSelf.identifier && self.region == oldSelf.region",message="the target cannot change: kind, identifier and region are immutable. Create another policy for another database"
type TargetRef struct {
	// kind is DBCluster for an Aurora cluster, or DBInstance for an RDS instance
	// outside any cluster. It cannot change.
	// +required
	Kind TargetKind `json:"kind,omitempty"`

	// identifier is the DB cluster identifier or DB instance identifier, in
	// lower case, as the RDS console shows it. It cannot change.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z](-?[a-z0-9])*$')",message="an RDS identifier is lower-case letters, digits and single hyphens; it begins with a letter and does not end with a hyphen"
	Identifier string `json:"identifier,omitempty"`

	// region is the AWS region of the database, for example eu-west-1. It cannot
	// change.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$')",message="an AWS region looks like eu-west-1"
	Region string `json:"region,omitempty"`

	// roleARN is the IAM role to assume for this database, for one in another
	// account. Without it the operator's own identity is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$')",message="a role ARN looks like arn:aws:iam::123456789012:role/dbscaler"
	RoleARN string `json:"roleARN,omitempty"`
}

// InstanceClass is a DB instance class as the RDS API writes it.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=48
// +kubebuilder:validation:XValidation:rule="self.matches('^db\\\\.[a-z][a-z0-9]*\\\\.(micro|small|medium|large|xlarge|[1-9][0-9]{0,2}xlarge)(\\\\.tpc[0-9]+\\\\.mem[0-9]+x)?$')",message="an instance class looks like db.r6g.xlarge"
type InstanceClass string

// Preference says which way the reader pool changes when several shapes
// would do.
//
// +kubebuilder:validation:Enum=Cheapest;Vertical;Horizontal
type Preference string

// The preferences.
const (
	// PreferenceCheapest takes the shape that costs least.
	PreferenceCheapest Preference = "Cheapest"
	// PreferenceVertical changes the class first, and the number only when no
	// class fits.
	PreferenceVertical Preference = "Vertical"
	// PreferenceHorizontal changes the number first, and the class only when no
	// number fits.
	PreferenceHorizontal Preference = "Horizontal"
)

// Readers bounds the readers of a DB cluster, or the read replicas of a DB
// instance.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="minReplicas must not be above maxReplicas"
type Readers struct {
	// instanceClasses are the classes that the readers may have, smallest first,
	// without duplicates. A class that the operator does not know is reported in
	// the Accepted condition and nothing is changed.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d == c))",message="instanceClasses must not name a class twice"
	// +kubebuilder:validation:XValidation:rule="self.map(c, c.contains('.micro') ? 1 : c.contains('.small') ? 2 : c.contains('.medium') ? 3 : c.contains('.large') ? 4 : c.contains('.xlarge') ? 5 : 4 + int('0' + c.find('[0-9]{1,3}xlarge').find('[0-9]+'))).isSorted()",message="instanceClasses must be sorted by size, smallest first"
	InstanceClasses []InstanceClass `json:"instanceClasses,omitempty"`

	// minReplicas is the least number of readers. The operator never removes a
	// reader that it did not create, whatever this says. The default is 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the greatest number of readers, surge readers not counted.
	// Aurora allows 15.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// preference says which way to change when several shapes would carry the
	// load: Cheapest takes the one that costs least (in vCPUs where prices are
	// not known, since within a family the price doubles with the size),
	// Vertical changes the class before the number, Horizontal the number before
	// the class. The default is Cheapest.
	// +optional
	// +kubebuilder:default=Cheapest
	Preference Preference `json:"preference,omitempty"`

	// redundancy says which readers a shape is sized with: with AllReaders the
	// load fits while all are in service, with OneReaderLost also while one is
	// not. The default is AllReaders.
	// +optional
	// +kubebuilder:default=AllReaders
	Redundancy Redundancy `json:"redundancy,omitempty"`
}

// Redundancy says which readers a shape is sized with.
//
// +kubebuilder:validation:Enum=AllReaders;OneReaderLost
type Redundancy string

// The redundancies.
const (
	// RedundancyAllReaders sizes for all readers in service.
	RedundancyAllReaders Redundancy = "AllReaders"
	// RedundancyOneReaderLost sizes for one reader lost.
	RedundancyOneReaderLost Redundancy = "OneReaderLost"
)

// Serverless bounds the maximum capacity of an Aurora Serverless v2 cluster.
type Serverless struct {
	// maxCapacities are the maximum capacities that the cluster may have, in
	// Aurora capacity units (ACUs), smallest first. Each is a multiple of 4,
	// which stands for one vCPU. The minimum capacity is left as it is.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=4
	// +kubebuilder:validation:items:Maximum=256
	// +kubebuilder:validation:items:MultipleOf=4
	// +kubebuilder:validation:XValidation:rule="self.isSorted() && self.all(c, self.exists_one(d, d == c))",message="maxCapacities must be sorted, smallest first, and name none twice"
	MaxCapacities []int32 `json:"maxCapacities,omitempty"`
}

// Writer bounds the writer of a DB cluster, or a DB instance.
type Writer struct {
	// instanceClasses are the classes that the writer may have, smallest first,
	// without duplicates. A class that the operator does not know is reported in
	// the Accepted condition and nothing is changed.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d == c))",message="instanceClasses must not name a class twice"
	// +kubebuilder:validation:XValidation:rule="self.map(c, c.contains('.micro') ? 1 : c.contains('.small') ? 2 : c.contains('.medium') ? 3 : c.contains('.large') ? 4 : c.contains('.xlarge') ? 5 : 4 + int('0' + c.find('[0-9]{1,3}xlarge').find('[0-9]+'))).isSorted()",message="instanceClasses must be sorted by size, smallest first"
	InstanceClasses []InstanceClass `json:"instanceClasses,omitempty"`
}
