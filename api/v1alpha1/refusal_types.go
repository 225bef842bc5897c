package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CapacityShortage is a class for which AWS reported insufficient capacity.
type CapacityShortage struct {
	// instanceClass is the DB instance class.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// availabilityZone is the zone. When absent, all zones that the database can
	// use are affected.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	// expiryTime is when the operator may request the class again.
	// +required
	ExpiryTime metav1.Time `json:"expiryTime,omitzero"`
}

// Refusal is a change that AWS refused.
type Refusal struct {
	// pool is the pool that was to change.
	// +required
	Pool Pool `json:"pool,omitempty"`

	// action is the refused change.
	// +required
	Action StepAction `json:"action,omitempty"`

	// instanceClass is the class that was refused. When absent, the refusal does
	// not depend on the class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	InstanceClass string `json:"instanceClass,omitempty"`

	// instance is the DB instance, for an action that does not depend on a class,
	// for example DeleteReader.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Instance string `json:"instance,omitempty"`

	// message is the answer of AWS.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// generation is the generation of the policy when AWS refused the change.
	// With another generation the refusal no longer applies.
	// +required
	// +kubebuilder:validation:Minimum=1
	Generation int64 `json:"generation,omitempty"`

	// expiryTime is when the operator may request the change again.
	// +required
	ExpiryTime metav1.Time `json:"expiryTime,omitzero"`
}
