// Package v1alpha1 is the API of dbscaler: the DBScalingPolicy, which keeps an AWS RDS or Aurora database the right
// size within limits.
//
// +kubebuilder:object:generate=true
// +groupName=scaling.dbscaler.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of this API.
var GroupVersion = schema.GroupVersion{Group: "scaling.dbscaler.io", Version: "v1alpha1"}

// SchemeBuilder registers the types of this API.
var SchemeBuilder = runtime.NewSchemeBuilder(func(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &DBScalingPolicy{}, &DBScalingPolicyList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
})

// AddToScheme adds the types of this API to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme
