package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OperationStatus is the operation in progress.
type OperationStatus struct {
	// id identifies the operation in events, in logs and in the tags of the
	// instances that it creates.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id,omitempty"`

	// pool is the pool that changes.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// direction is Up when the operation adds capacity, Down when it removes
	// capacity, and Cleanup when it removes what an earlier operation left
	// behind.
	// +required
	Direction Direction `json:"direction,omitempty"`

	// from is the shape of the pool before the operation.
	// +required
	From Shape `json:"from,omitzero"`

	// to is the shape of the pool after the operation.
	// +required
	To Shape `json:"to,omitzero"`

	// cause states the figures that led to the operation.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Cause string `json:"cause,omitempty"`

	// decisionHash is the hash of the decision that started the operation.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=64
	DecisionHash string `json:"decisionHash,omitempty"`

	// urgency is Emergency when the operation was started in an emergency.
	// +optional
	Urgency Urgency `json:"urgency,omitempty"`

	// utilizationPercent is the CPU utilization of the pool when the operation
	// was started.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationPercent *int32 `json:"utilizationPercent,omitempty"`

	// startTime is when the operation was started, before the first call to AWS.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// steps are the calls to AWS, in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Steps []OperationStep `json:"steps,omitempty"`
}

// StepAction is a kind of change in AWS.
//
// +kubebuilder:validation:Enum=ModifyInstanceClass;ModifyPromotionTier;CreateReader;DeleteReader;Failover;ModifyClusterClass;ModifyCapacity;ModifyMinCapacity
type StepAction string

// OperationStep is one call to AWS and the progress of its effect.
type OperationStep struct {
	// action is the kind of change.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instance is the DB instance that the step changes, or the DB cluster when
	// the step changes the cluster as a whole.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Instance string `json:"instance,omitempty"`

	// instanceClass is the class that the step gives the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// promotionTier is the failover priority that the step gives the instance.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	PromotionTier *int32 `json:"promotionTier,omitempty"`

	// surge is true when the reader to create or delete exists only for the
	// duration of the operation.
	// +optional
	Surge *bool `json:"surge,omitempty"`

	// attempts is the number of attempts at this step. Each is recorded before
	// its call to AWS. It is absent before the first attempt.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempts int32 `json:"attempts,omitempty"`

	// message is what AWS answered to the last attempt, if it did not accept it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// sameAnswers is the number of attempts in a row that AWS answered with
	// message. It is absent when the last attempt was throttled or not answered.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SameAnswers int32 `json:"sameAnswers,omitempty"`

	// startTime is when the step was started, before its first call to AWS.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// lastAttemptTime is when the last attempt was recorded.
	// +optional
	LastAttemptTime *metav1.Time `json:"lastAttemptTime,omitempty"`

	// observedTime is when an observation first showed the effect of the step.
	// A second observation confirms it.
	// +optional
	ObservedTime *metav1.Time `json:"observedTime,omitempty"`

	// completionTime is when a second observation confirmed the effect of the
	// step.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// Outcome is how an operation ended.
//
// +kubebuilder:validation:Enum=Succeeded;Failed
type Outcome string

// The outcomes.
const (
	// OutcomeSucceeded: the pool has the desired shape.
	OutcomeSucceeded Outcome = "Succeeded"
	// OutcomeFailed: the operation was abandoned; message says why.
	OutcomeFailed Outcome = "Failed"
)

// Effect says what an operation changed.
//
// +kubebuilder:validation:Enum=None
type Effect string

// The effects.
const (
	// EffectNone: the operation changed nothing.
	EffectNone Effect = "None"
)

// OperationRecord is a completed operation.
type OperationRecord struct {
	// id identifies the operation.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ID string `json:"id,omitempty"`

	// pool is the pool that the operation changed.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// direction is Up when the operation added capacity, Down when it removed
	// capacity, and Cleanup when it removed what an earlier operation left
	// behind.
	// +required
	Direction Direction `json:"direction,omitempty"`

	// from is the shape of the pool before the operation.
	// +required
	From Shape `json:"from,omitzero"`

	// to is the desired shape of the pool.
	// +required
	To Shape `json:"to,omitzero"`

	// outcome is how the operation ended.
	// +required
	Outcome Outcome `json:"outcome,omitempty"`

	// reason says in one word why the operation failed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"reason,omitempty"`

	// message explains why the operation failed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// decisionHash is the hash of the decision that started the operation.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=64
	DecisionHash string `json:"decisionHash,omitempty"`

	// effect is None when AWS refused the first change of the operation. Such an
	// operation counts towards no limit and no cooldown. Otherwise it is absent.
	// +optional
	Effect Effect `json:"effect,omitempty"`

	// leadTimeSeconds is the time from the start of the operation until its first
	// new reader was in service or, when it adds none, until its first change of a
	// class or capacity was done. It is 0 when neither happened. Predictions look
	// as far ahead as the slowest of the last three scale-ups of the pool took,
	// plus 5 minutes.
	// +optional
	// +kubebuilder:validation:Minimum=0
	LeadTimeSeconds *int32 `json:"leadTimeSeconds,omitempty"`

	// utilizationBeforePercent is the CPU utilization of the pool when the
	// operation was started.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationBeforePercent *int32 `json:"utilizationBeforePercent,omitempty"`

	// utilizationAfterPercent is the CPU utilization of the pool once the
	// operation had taken effect.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationAfterPercent *int32 `json:"utilizationAfterPercent,omitempty"`

	// startTime is when the operation was started.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// completionTime is when the operation ended.
	// +required
	CompletionTime metav1.Time `json:"completionTime,omitzero"`

	// instances are the instances that the operation changed and the class that
	// it set. They are kept for 24 hours: a change by somebody else within that
	// time is a revert. A reader whose effect is None is kept as long as the
	// record.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Instances []ChangedInstance `json:"instances,omitempty"`
}

// ChangedInstance is an instance that an operation changed.
type ChangedInstance struct {
	// identifier is the DB instance identifier.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Identifier string `json:"identifier,omitempty"`

	// action is the last change that the operation made to the instance.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instanceClass is the class that the operation set. It is absent when the
	// operation removed the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// effect is None for a new reader that the operator has never seen in
	// service. When its status becomes one that does not end by itself, the
	// operator deletes it. Otherwise effect is absent.
	// +optional
	Effect Effect `json:"effect,omitempty"`

	// resourceID is the DbiResourceId of the instance, or the DbClusterResourceId
	// of the cluster, at the end of the operation.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ResourceID string `json:"resourceID,omitempty"`
}
