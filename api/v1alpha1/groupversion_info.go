// Package v1alpha1 is version v1alpha1 of the dbscaler API. A DBScalingPolicy scales an AWS RDS or Aurora database within
// limits. An AWSAccount is an AWS identity that the policies of some namespaces may use.
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
	scheme.AddKnownTypes(GroupVersion, &DBScalingPolicy{}, &DBScalingPolicyList{}, &AWSAccount{}, &AWSAccountList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
})

// AddToScheme adds the types of this API to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme
