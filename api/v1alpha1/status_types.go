package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DBScalingPolicyStatus is what the operator has found, decided and is
// doing. AWS is the source of truth for the database; this holds what AWS
// can't tell, and what a person wants to see.
//
// +kubebuilder:validation:MinProperties=1
type DBScalingPolicyStatus struct {
	// conditions say whether the policy is in force and what stands in its way.
	// Ready sums up the others.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is
	// about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// target is the database as it was found in AWS.
	// +optional
	Target *TargetStatus `json:"target,omitempty"`

	// writer is what the writer runs on.
	// +optional
	Writer *PoolStatus `json:"writer,omitempty"`

	// readers is what the readers run on.
	// +optional
	Readers *PoolStatus `json:"readers,omitempty"`

	// decision is what the operator last decided, and why.
	// +optional
	Decision *DecisionStatus `json:"decision,omitempty"`

	// operation is the change that is being carried out, if any. It is written
	// before the first call to AWS, so that it survives a restart.
	// +optional
	Operation *OperationStatus `json:"operation,omitempty"`

	// capacityShortages are the classes that AWS had no instance of, and when it
	// is worth asking again. Meanwhile another zone or class is tried.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	CapacityShortages []CapacityShortage `json:"capacityShortages,omitempty"`

	// history holds the operations of the last 24 hours and at least the last
	// three of each direction of the readers and of the writer, newest first.
	// Cooldowns, daily limits and the time that a resize takes are read from it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	History []OperationRecord `json:"history,omitempty"`

	// ownership is what others did to what the operator had set.
	// +optional
	Ownership *OwnershipStatus `json:"ownership,omitempty"`
}

// OwnershipStatus is what others did to what the operator had set.
//
// +kubebuilder:validation:MinProperties=1
type OwnershipStatus struct {
	// reverts are the changes of the last week by which somebody undid what the
	// operator had set, oldest first. While there is a conflict, they are what
	// it is about.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Reverts []Revert `json:"reverts,omitempty"`

	// conflict is there from the second reverted operation on, until a person
	// acts. Meanwhile nothing is changed.
	// +optional
	Conflict *OwnershipConflict `json:"conflict,omitempty"`

	// resolvedTime is when a person last ended a conflict. What was set before
	// counts no more.
	// +optional
	ResolvedTime *metav1.Time `json:"resolvedTime,omitempty"`
}

// Revert is something that the operator had set and that somebody else
// changed.
type Revert struct {
	// time is when it was seen.
	// +required
	Time metav1.Time `json:"time,omitzero"`

	// operation is the id of the operation whose work it was.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Operation string `json:"operation,omitempty"`

	// pool is the pool that the operation changed.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// instance is the DB instance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Instance string `json:"instance,omitempty"`

	// from is the class that the operator had set; absent for an instance that
	// it had removed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	ExpectedInstanceClass string `json:"from,omitempty"`

	// to is the class that was found; absent when the instance was gone.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	ObservedInstanceClass string `json:"to,omitempty"`
}

// OwnershipConflict says that the operator keeps its hands off, until the
// generation or the annotation scaling.dbscaler.io/resolve-conflict is
// another one than here.
type OwnershipConflict struct {
	// time is when it began.
	// +required
	Time metav1.Time `json:"time,omitzero"`

	// generation is the spec's when it began.
	// +required
	// +kubebuilder:validation:Minimum=1
	Generation int64 `json:"generation,omitempty"`

	// resolveAnnotation is the value that the annotation had when it began.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ResolveAnnotation string `json:"resolveAnnotation,omitempty"`
}

// CapacityShortage is a class that AWS had no instance of.
type CapacityShortage struct {
	// instanceClass is the class.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// availabilityZone is the zone; without it, all that could be asked for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	// expiryTime is when it is worth asking again.
	// +required
	ExpiryTime metav1.Time `json:"expiryTime,omitzero"`
}

// TargetStatus is the database as it was found in AWS.
type TargetStatus struct {
	// arn is the Amazon Resource Name of the cluster or instance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ARN string `json:"arn,omitempty"`

	// engine is the database engine, for example aurora-postgresql.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Engine string `json:"engine,omitempty"`

	// engineVersion is the engine's version.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	EngineVersion string `json:"engineVersion,omitempty"`

	// upgradeTime is when the engine's version was first seen to be another than
	// before. It is absent when it never was.
	// +optional
	UpgradeTime *metav1.Time `json:"upgradeTime,omitempty"`
}

// PoolStatus is what the instances of one role run on.
//
// +kubebuilder:validation:MinProperties=1
type PoolStatus struct {
	// shape is the number and class in one line, for example "2 x
	// db.r6g.xlarge".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Shape string `json:"shape,omitempty"`

	// since is when the pool was first seen to consist of these instances, each
	// in service with its present class. It is absent while the pool is
	// changing. Metrics from before it are left out of decisions.
	// +optional
	LastChangeTime *metav1.Time `json:"since,omitempty"`

	// instances are the members, by name.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MaxItems=32
	Instances []InstanceStatus `json:"instances,omitempty"`

	// pastCapacity is how many vCPUs there were before, over the last two weeks,
	// oldest first. It is what makes the percentages in CloudWatch's history
	// comparable.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	CapacityHistory []CapacityPeriod `json:"pastCapacity,omitempty"`
}

// CapacityPeriod is the vCPUs of the instances of one role over a stretch of
// time.
type CapacityPeriod struct {
	// startTime is when they were first seen so.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// endTime is when they were seen to change.
	// +required
	EndTime metav1.Time `json:"endTime,omitzero"`

	// vcpus is the number of vCPUs together.
	// +required
	// +kubebuilder:validation:Minimum=1
	VCPUs int32 `json:"vcpus,omitempty"`
}

// InstanceStatus is one DB instance.
type InstanceStatus struct {
	// identifier is the DB instance identifier.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Identifier string `json:"identifier,omitempty"`

	// instanceClass is the class that it has now.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// pendingInstanceClass is the class that it is changing to.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	PendingInstanceClass string `json:"pendingInstanceClass,omitempty"`

	// status is its status as the RDS API writes it, for example available.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Status string `json:"status,omitempty"`

	// createdBy is dbscaler for a reader that the operator created, and absent
	// otherwise.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CreatedBy string `json:"createdBy,omitempty"`
}

// DecisionStatus is what the operator decided.
type DecisionStatus struct {
	// reason says in one word what the operator is doing, or why it does
	// nothing.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"reason,omitempty"`

	// message explains the reason: the figures, the rule and what comes next.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// pool is the pool that would change, if any.
	// +optional
	Pool Pool `json:"pool,omitempty"`

	// desired is the shape that the pool should have, if it should change.
	// +optional
	Desired *Shape `json:"desired,omitempty"`

	// heldBackBy names the guard that vetoed the change, if one did.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	HeldBackBy string `json:"heldBackBy,omitempty"`

	// alsoHeldBackBy names the other guards that vetoed the change.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	AlsoHeldBackBy []string `json:"alsoHeldBackBy,omitempty"`

	// urgency is Emergency while the database is saturated, with a demand far
	// above its vCPUs, and the change is held back.
	// +optional
	Urgency Urgency `json:"urgency,omitempty"`

	// hash names the change. With spec.mode Approve it is carried out once the
	// annotation scaling.dbscaler.io/approve has this value.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// cause is the figures when this became the decision: what was seen, the
	// threshold, and what the change was sized for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Cause string `json:"cause,omitempty"`

	// alternatives are shapes that were looked at when this became the decision,
	// the chosen one first, then those that came closest, and why each lost.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Alternatives []Alternative `json:"alternatives,omitempty"`

	// time is when this became the decision.
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

// Alternative is a shape that was looked at.
type Alternative struct {
	// shape is what the readers, or the writer, would consist of.
	// +required
	Shape Shape `json:"shape,omitzero"`

	// verdict says in one word why it lost, or Chosen.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"verdict,omitempty"`

	// predictedPercent is the CPU utilization that it would have.
	// +optional
	// +kubebuilder:validation:Minimum=0
	PredictedUtilizationPercent *int32 `json:"predictedPercent,omitempty"`

	// usdPerHour is what it would cost in US dollars; absent when that is not
	// known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	HourlyCostUSD string `json:"usdPerHour,omitempty"`
}

// Urgency is how urgent a change is.
//
// +kubebuilder:validation:Enum=Normal;Emergency
type Urgency string

// The urgencies.
const (
	// UrgencyNormal keeps to every window and cooldown.
	UrgencyNormal Urgency = "Normal"
	// UrgencyEmergency was begun while the database was saturated, with a demand
	// far above its vCPUs.
	UrgencyEmergency Urgency = "Emergency"
)

// Pool is the instances of one role.
//
// +kubebuilder:validation:Enum=Writer;Readers
type Pool string

// The pools.
const (
	// PoolWriter is the writer of a cluster, or the instance of a DBInstance
	// target.
	PoolWriter Pool = "Writer"
	// PoolReaders is all readers of a cluster.
	PoolReaders Pool = "Readers"
)

// Shape is what a pool consists of.
type Shape struct {
	// instanceClass is the class of each instance. It is absent when the
	// instances differ.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// replicas is the number of instances.
	// +required
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas,omitempty"`
}

// Direction is whether an operation adds or removes capacity.
//
// +kubebuilder:validation:Enum=Up;Down;Cleanup
type Direction string

// The directions.
const (
	// DirectionUp adds capacity.
	DirectionUp Direction = "Up"
	// DirectionDown removes capacity.
	DirectionDown Direction = "Down"
	// DirectionCleanup removes what an operation that did not finish left
	// behind.
	DirectionCleanup Direction = "Cleanup"
)
