package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NotificationStatus is what the operator remembers about the notifications of
// a policy, so that a restart neither loses nor repeats any.
// +kubebuilder:validation:MinProperties=1
type NotificationStatus struct {
	// pending are the notifications that were not delivered yet, oldest first.
	// Each is written together with the change of status that it reports, and
	// removed once every receiver has it.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Pending []PendingNotification `json:"pending,omitempty"`

	// operation is the id of the last operation whose start was reported.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Operation string `json:"operation,omitempty"`

	// approvals are the hashes of the last changes for which an approval was
	// asked, oldest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Approvals []string `json:"approvals,omitempty"`

	// blocked is the limit that prevents a change at present. It is absent when
	// nothing does.
	// +optional
	Blocked *BlockedChange `json:"blocked,omitempty"`

	// overloadedPools are the pools whose overload was reported and has not
	// ended.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	OverloadedPools []Pool `json:"overloadedPools,omitempty"`
}

// BlockedChange is a limit that prevents a change which the load requires.
type BlockedChange struct {
	// reason is the reason of the condition ScalingLimited: the name of a guard
	// or of a limit.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// sinceTime is since when this reason has been there without interruption.
	// +required
	SinceTime metav1.Time `json:"sinceTime,omitzero"`

	// reportTime is when it was reported. It is absent before.
	// +optional
	ReportTime *metav1.Time `json:"reportTime,omitempty"`
}

// NotificationType is what a notification reports.
//
// +kubebuilder:validation:Enum=OperationStarted;OperationSucceeded;OperationFailed;ApprovalWanted;ChangeBlocked;OwnershipConflict;OverloadSeen
type NotificationType string

// The types of notifications.
const (
	// NotificationOperationStarted: the first request of an operation is about to be made.
	NotificationOperationStarted NotificationType = "OperationStarted"
	// NotificationOperationSucceeded: the pool has the desired shape.
	NotificationOperationSucceeded NotificationType = "OperationSucceeded"
	// NotificationOperationFailed: the operation was abandoned.
	NotificationOperationFailed NotificationType = "OperationFailed"
	// NotificationApprovalWanted: with spec.mode Approve, a change waits for an approval.
	NotificationApprovalWanted NotificationType = "ApprovalWanted"
	// NotificationChangeBlocked: the same guard or limit has prevented a change for some time.
	NotificationChangeBlocked NotificationType = "ChangeBlocked"
	// NotificationOwnershipConflict: another client has reverted two operations.
	NotificationOwnershipConflict NotificationType = "OwnershipConflict"
	// NotificationOverloadSeen: a pool uses as good as all of its vCPUs.
	NotificationOverloadSeen NotificationType = "OverloadSeen"
)

// PendingNotification is a notification that was not delivered yet.
type PendingNotification struct {
	// id is the id of the CloudEvent. It starts with the hash of the decision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=192
	ID string `json:"id,omitempty"`

	// type is what it reports.
	// +required
	Type NotificationType `json:"type,omitempty"`

	// time is when it happened.
	// +required
	Time metav1.Time `json:"time,omitzero"`

	// pool is the pool that it is about, if any.
	// +optional
	Pool Pool `json:"pool,omitempty"`

	// direction is that of the operation, if it is about one.
	// +optional
	Direction Direction `json:"direction,omitempty"`

	// from is the present shape of the pool, or that before the operation.
	// +optional
	From *Shape `json:"from,omitempty"`

	// to is the desired shape of the pool, if it is to change.
	// +optional
	To *Shape `json:"to,omitempty"`

	// reason says in one word why: the reason of the decision, of the failure, or
	// the name of the guard or limit.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message explains it, and says what to do.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// cause holds the figures that led to the decision.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Cause string `json:"cause,omitempty"`

	// operation is the id of the operation, if it is about one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Operation string `json:"operation,omitempty"`

	// hash is the hash of the decision. It is absent for a decision that proposes
	// no change.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// utilizationPercent is the CPU utilization of the pool, if it is known.
	// +optional
	// +kubebuilder:validation:Minimum=0
	UtilizationPercent *int32 `json:"utilizationPercent,omitempty"`

	// fromHourlyCostUSD is the price of the shape from per hour in US dollars. It
	// is absent when the price is not known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	FromHourlyCostUSD string `json:"fromHourlyCostUSD,omitempty"`

	// toHourlyCostUSD is the price of the shape to per hour in US dollars. It is
	// absent when the price is not known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ToHourlyCostUSD string `json:"toHourlyCostUSD,omitempty"`
}
