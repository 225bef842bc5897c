package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

	// urgency is Emergency when it was begun in an emergency.
	// +optional
	Urgency Urgency `json:"urgency,omitempty"`

	// utilizationPercent is the CPU utilization that called for it.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationPercent *int32 `json:"utilizationPercent,omitempty"`

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
// +kubebuilder:validation:Enum=ModifyInstanceClass;ModifyPromotionTier;CreateReader;DeleteReader;Failover;ModifyClusterClass;ModifyCapacity
type StepAction string

// OperationStep is one call to AWS and the state that shows that it is done.
type OperationStep struct {
	// action is what is done.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instance is the DB instance that it is done to, or the cluster where that
	// is changed as a whole.
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

	// seenTime is when its effect was first seen. A second look confirms it.
	// +optional
	ObservedTime *metav1.Time `json:"seenTime,omitempty"`

	// completionTime is when a second look showed its effect.
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

	// leadSeconds is how long it took until capacity was added.
	// +optional
	// +kubebuilder:validation:Minimum=0
	LeadTimeSeconds *int32 `json:"leadSeconds,omitempty"`

	// utilizationBeforePercent is the CPU utilization that called for it.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationBeforePercent *int32 `json:"utilizationBeforePercent,omitempty"`

	// utilizationAfterPercent is the CPU utilization once it had taken effect.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationAfterPercent *int32 `json:"utilizationAfterPercent,omitempty"`

	// startTime is when it was started.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// completionTime is when it ended.
	// +required
	CompletionTime metav1.Time `json:"completionTime,omitzero"`

	// instances are those that it touched, and what it left them at. They are
	// kept for 24 hours: what somebody else changes within that time is a
	// revert.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Instances []ChangedInstance `json:"instances,omitempty"`
}

// ChangedInstance is what an operation left an instance at.
type ChangedInstance struct {
	// identifier is the DB instance identifier.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Identifier string `json:"identifier,omitempty"`

	// action is what was last done to it.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instanceClass is the class that it got; absent when it was removed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`
}
