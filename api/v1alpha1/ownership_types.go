package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OwnershipStatus records changes by others to what the operator had set.
//
// +kubebuilder:validation:MinProperties=1
type OwnershipStatus struct {
	// reverts are the changes of the last week by which somebody else undid what
	// the operator had set, oldest first. During a conflict they are the changes
	// that caused it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Reverts []Revert `json:"reverts,omitempty"`

	// conflict is present from the second reverted operation until a person
	// resolves it. While it is present, the operator changes nothing.
	// +optional
	Conflict *OwnershipConflict `json:"conflict,omitempty"`

	// resolvedTime is when a person last resolved a conflict. Operations
	// completed before it are no longer checked for reverts.
	// +optional
	ResolvedTime *metav1.Time `json:"resolvedTime,omitempty"`
}

// Revert is a change by somebody else that undid what an operation had set.
type Revert struct {
	// time is when the revert was detected.
	// +required
	Time metav1.Time `json:"time,omitzero"`

	// operation is the id of the operation that was reverted.
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

	// expectedInstanceClass is the class that the operator had set. It is absent
	// when the operator had removed the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	ExpectedInstanceClass string `json:"expectedInstanceClass,omitempty"`

	// observedInstanceClass is the class that was found. It is absent when the
	// instance was gone.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	ObservedInstanceClass string `json:"observedInstanceClass,omitempty"`
}

// OwnershipConflict stops the operator from changing the database. It ends when
// the generation of the policy changes, or when the annotation
// scaling.dbscaler.io/resolve-conflict gets another non-empty value.
type OwnershipConflict struct {
	// time is when the conflict began.
	// +required
	Time metav1.Time `json:"time,omitzero"`

	// generation is the generation of the policy when the conflict began.
	// +required
	// +kubebuilder:validation:Minimum=1
	Generation int64 `json:"generation,omitempty"`

	// resolveAnnotation is the value of the annotation when the conflict began.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ResolveAnnotation string `json:"resolveAnnotation,omitempty"`
}
