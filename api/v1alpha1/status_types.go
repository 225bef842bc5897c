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

	// history holds the operations of the last 24 hours and at least the last
	// one of each direction, newest first. Cooldowns and daily limits count from
	// it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	History []OperationRecord `json:"history,omitempty"`
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
	Since *metav1.Time `json:"since,omitempty"`

	// instances are the members, by name.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MaxItems=32
	Instances []InstanceStatus `json:"instances,omitempty"`
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

	// time is when this became the decision.
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

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

// OperationStatus is a change that is being carried out.
type OperationStatus struct {
	// id identifies the operation, in events, logs and the tags of what it
	// creates.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id,omitempty"`

	// pool is the pool that changes.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// direction is whether capacity is added or removed.
	// +required
	Direction Direction `json:"direction,omitempty"`

	// from is the shape before.
	// +required
	From Shape `json:"from,omitzero"`

	// to is the shape after.
	// +required
	To Shape `json:"to,omitzero"`

	// reason says why it was started.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Reason string `json:"reason,omitempty"`

	// startTime is when it was started, before the first call to AWS.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// steps are what it does, in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Steps []OperationStep `json:"steps,omitempty"`
}

// StepAction is one kind of change in AWS.
//
// +kubebuilder:validation:Enum=ModifyInstanceClass;ModifyPromotionTier;CreateReader;DeleteReader;Failover
type StepAction string

// OperationStep is one call to AWS and the state that shows that it is done.
type OperationStep struct {
	// action is what is done.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instance is the DB instance that it is done to.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Instance string `json:"instance,omitempty"`

	// instanceClass is the class that the instance gets.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// promotionTier is the failover priority that the instance gets.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	PromotionTier *int32 `json:"promotionTier,omitempty"`

	// surge says that the reader to create or delete is there only for the
	// length of the operation.
	// +optional
	Surge *bool `json:"surge,omitempty"`

	// attempts is how often AWS was asked. It is absent until then.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempts int32 `json:"attempts,omitempty"`

	// startTime is when the step began, before AWS was asked the first time.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// lastAttemptTime is when AWS was last asked.
	// +optional
	LastAttemptTime *metav1.Time `json:"lastAttemptTime,omitempty"`

	// completionTime is when the step was seen to be done.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// Outcome is how an operation ended.
//
// +kubebuilder:validation:Enum=Succeeded;Failed
type Outcome string

// The outcomes.
const (
	// OutcomeSucceeded says that the database has the shape that was wanted.
	OutcomeSucceeded Outcome = "Succeeded"
	// OutcomeFailed says that the operation was given up; message says why.
	OutcomeFailed Outcome = "Failed"
)

// OperationRecord is an operation that has ended.
type OperationRecord struct {
	// id identifies the operation.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id,omitempty"`

	// pool is the pool that changed.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// direction is whether capacity was added or removed.
	// +required
	Direction Direction `json:"direction,omitempty"`

	// from is the shape before.
	// +required
	From Shape `json:"from,omitzero"`

	// to is the shape that was wanted.
	// +required
	To Shape `json:"to,omitzero"`

	// outcome is how it ended.
	// +required
	Outcome Outcome `json:"outcome,omitempty"`

	// reason says in one word why it failed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"reason,omitempty"`

	// message says why it failed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// startTime is when it was started.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// completionTime is when it ended.
	// +required
	CompletionTime metav1.Time `json:"completionTime,omitzero"`
}
