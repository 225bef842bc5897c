package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DBScalingPolicyStatus is the observed state of a DBScalingPolicy. AWS is the
// source of truth for the database. The status holds what cannot be read from
// AWS, and a summary for people.
//
// +kubebuilder:validation:MinProperties=1
type DBScalingPolicyStatus struct {
	// conditions report whether the policy is in force, and if not, why. Ready
	// summarizes the conditions Accepted, TargetFound, Authorized and
	// MetricsAvailable.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status
	// describes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// target is the database as observed in AWS.
	// +optional
	Target *TargetStatus `json:"target,omitempty"`

	// writer is the observed state of the writer pool.
	// +optional
	Writer *PoolStatus `json:"writer,omitempty"`

	// readers is the observed state of the reader pool.
	// +optional
	Readers *PoolStatus `json:"readers,omitempty"`

	// decision is the latest decision of the operator and its reason.
	// +optional
	Decision *DecisionStatus `json:"decision,omitempty"`

	// operation is the operation in progress, if any. It is written before the
	// first call to AWS, so that it survives a restart of the operator.
	// +optional
	Operation *OperationStatus `json:"operation,omitempty"`

	// capacityShortages are the classes for which AWS reported insufficient
	// capacity. Until a shortage expires, the operator tries another zone or
	// class.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	CapacityShortages []CapacityShortage `json:"capacityShortages,omitempty"`

	// refusals are the changes that AWS refused. Until a refusal expires, or the
	// spec changes, the operator does not request the change again and chooses
	// another one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Refusals []Refusal `json:"refusals,omitempty"`

	// history holds the completed operations of the last 24 hours, and at least
	// the last three of each direction of the readers and of the writer, newest
	// first. Cooldowns, daily limits and the expected duration of a resize are
	// derived from it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	History []OperationRecord `json:"history,omitempty"`

	// ownership records changes by others to what the operator had set.
	// +optional
	Ownership *OwnershipStatus `json:"ownership,omitempty"`

	// notifications are those that were not delivered yet, and what prevents that
	// one is repeated. It is absent unless the operator sends notifications.
	// +optional
	Notifications *NotificationStatus `json:"notifications,omitempty"`
}

// PoolStatus is the observed state of the instances of one role.
//
// +kubebuilder:validation:MinProperties=1
type PoolStatus struct {
	// shape is the number of instances and their class in one line, for example
	// "2 × db.r6g.xlarge".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Shape string `json:"shape,omitempty"`

	// endpoint is the address and port of the pool, for example
	// "orders.cluster-ro-c1.eu-west-1.rds.amazonaws.com:5432": the writer or reader
	// endpoint of a DB cluster, or the DB instance of a DBInstance target. Its
	// read replicas have no common endpoint: see instances. It is absent unless
	// the database opts in with the AWS tag.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Endpoint string `json:"endpoint,omitempty"`

	// lastChangeTime is when the pool was first observed to consist of these
	// instances, each in service with its current class. It is absent while the
	// pool is changing. Decisions ignore metrics from before this time, except
	// that a scale-up uses those since unchangedSinceTime.
	// +optional
	LastChangeTime *metav1.Time `json:"lastChangeTime,omitempty"`

	// unchangedSinceTime is since when, before lastChangeTime, the pool has been
	// the same by RDS events, which are read once when the policy observes the
	// database for the first time. It is absent when that is not known, and from
	// the next change of the pool on.
	// +optional
	UnchangedSinceTime *metav1.Time `json:"unchangedSinceTime,omitempty"`

	// instances are the DB instances of the pool, sorted by identifier.
	// +optional
	// +listType=map
	// +listMapKey=identifier
	// +kubebuilder:validation:MaxItems=32
	Instances []InstanceStatus `json:"instances,omitempty"`

	// capacityHistory is the capacity of the pool in earlier periods of the last
	// 15 days, oldest first. It converts the utilization percentages in the
	// history of CloudWatch into vCPUs.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	CapacityHistory []CapacityPeriod `json:"capacityHistory,omitempty"`
}

// CapacityPeriod is the capacity of a pool during a period of time.
type CapacityPeriod struct {
	// startTime is when the pool was first observed with this capacity.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// endTime is when the pool was observed to change.
	// +required
	EndTime metav1.Time `json:"endTime,omitzero"`

	// vcpus is the number of vCPUs of the pool. It is a fraction only for Aurora
	// Serverless v2.
	// +required
	VCPUs *resource.Quantity `json:"vcpus,omitempty"`
}

// InstanceStatus is the observed state of one DB instance.
type InstanceStatus struct {
	// identifier is the DB instance identifier.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Identifier string `json:"identifier,omitempty"`

	// instanceClass is the current class of the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// pendingInstanceClass is the class that the instance is changing to.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	PendingInstanceClass string `json:"pendingInstanceClass,omitempty"`

	// status is the DB instance status that the RDS API reports, for example
	// available.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Status string `json:"status,omitempty"`

	// resourceID is the DbiResourceId of the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ResourceID string `json:"resourceID,omitempty"`

	// availabilityZone is the zone that the instance runs in, for example
	// eu-west-1a. It is absent while AWS creates the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	// promotionTier is the failover priority of a member of an Aurora cluster:
	// after a failure of the writer, AWS promotes the reader with the lowest one.
	// It is absent for all other instances.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	PromotionTier *int32 `json:"promotionTier,omitempty"`

	// endpoint is the address and port of this instance. Clients of a read replica
	// of a DBInstance target must connect to it, because the replicas have no
	// reader endpoint. It is absent while the instance is being created, and
	// unless the database opts in with the AWS tag.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Endpoint string `json:"endpoint,omitempty"`

	// createdBy is dbscaler for a reader that the operator created, and absent
	// otherwise.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CreatedBy string `json:"createdBy,omitempty"`
}

// DecisionStatus is a decision of the operator.
type DecisionStatus struct {
	// reason says in one word what the operator is doing, or why it changes
	// nothing.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"reason,omitempty"`

	// message explains the reason: the figures, the rule and what happens next.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// pool is the pool to change, if any.
	// +optional
	Pool Pool `json:"pool,omitempty"`

	// desired is the desired shape of the pool, if it is to change.
	// +optional
	Desired *Shape `json:"desired,omitempty"`

	// blockedBy names the guards that vetoed the change, most important first. It
	// is absent when no guard did.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=33
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	BlockedBy []string `json:"blockedBy,omitempty"`

	// urgency is Emergency while the change is blocked and the database is
	// saturated with a demand far above its vCPUs, or with a demand that no
	// metric shows.
	// +optional
	Urgency Urgency `json:"urgency,omitempty"`

	// hash identifies the change. With spec.mode Approve, the operator carries
	// out the change once the annotation scaling.dbscaler.io/approve has this
	// value.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// cause holds the figures at the time of the decision: the observed
	// utilization, the threshold, and the demand that the change is sized for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Cause string `json:"cause,omitempty"`

	// alternatives are the shapes that were evaluated for this decision: the
	// chosen shape first, then the best of the rejected ones with the reason for
	// the rejection.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Alternatives []Alternative `json:"alternatives,omitempty"`

	// time is when the decision was made. It is unchanged while the decision
	// stays the same.
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

// FirstBlocker returns the most important guard that blocks the decision, or
// an empty string when none does.
func (d *DecisionStatus) FirstBlocker() string {
	if d == nil || len(d.BlockedBy) == 0 {
		return ""
	}
	return d.BlockedBy[0]
}

// Alternative is a shape that was evaluated.
type Alternative struct {
	// shape is the shape that the readers, or the writer, would have.
	// +required
	Shape Shape `json:"shape,omitzero"`

	// reason is Chosen, or says in one word why the shape was rejected.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
	Reason string `json:"reason,omitempty"`

	// io is what was compared with the I/O limits of the shape, for example "2600
	// IOPS of 2520". It is absent where the I/O was not compared.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	IO string `json:"io,omitempty"`

	// predictedUtilizationPercent is the CPU utilization predicted for the
	// shape.
	// +optional
	// +kubebuilder:validation:Minimum=0
	PredictedUtilizationPercent *int32 `json:"predictedUtilizationPercent,omitempty"`

	// hourlyCostUSD is the cost of the shape per hour in US dollars. It is absent
	// when the price is not known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	HourlyCostUSD string `json:"hourlyCostUSD,omitempty"`
}

// Urgency is the urgency of a change.
//
// +kubebuilder:validation:Enum=Normal;Emergency
type Urgency string

// The urgencies.
const (
	// UrgencyNormal respects every window and cooldown. It is what an absent
	// urgency means.
	UrgencyNormal Urgency = "Normal"
	// UrgencyEmergency: the database was saturated with a demand far above its
	// vCPUs, or with a demand that no metric shows.
	UrgencyEmergency Urgency = "Emergency"
)

// Pool is the role of a group of instances, or the minimum capacity of Aurora
// Serverless v2.
//
// +kubebuilder:validation:Enum=Writer;Readers;MinCapacity
type Pool string

// The pools.
const (
	// PoolWriter is the writer of a cluster, or the instance of a DBInstance
	// target.
	PoolWriter Pool = "Writer"
	// PoolReaders is all readers of a cluster, or all read replicas of the
	// instance of a DBInstance target.
	PoolReaders Pool = "Readers"
	// PoolMinCapacity stands for the minimum capacity of an Aurora Serverless v2
	// cluster.
	PoolMinCapacity Pool = "MinCapacity"
)

// Shape is the instance class and the number of instances of a pool.
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

// Direction says whether an operation adds or removes capacity.
//
// +kubebuilder:validation:Enum=Up;Down;Cleanup
type Direction string

// The directions.
const (
	// DirectionUp adds capacity.
	DirectionUp Direction = "Up"
	// DirectionDown removes capacity.
	DirectionDown Direction = "Down"
	// DirectionCleanup removes surge readers that an ended operation left behind.
	DirectionCleanup Direction = "Cleanup"
)
