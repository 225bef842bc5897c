package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AWSAccount is an AWS identity of the operator, and the namespaces whose
// policies may use it. A policy names it in spec.targetRef.accountRef.
//
// It is cluster-scoped, so that the authors of policies can choose among the
// identities that an administrator offers to their namespace, and cannot name
// a role themselves.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,path=awsaccounts,singular=awsaccount,shortName=awsacc,categories=dbscaler
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.roleARN`,description="The role to assume; empty for the operator's own identity"
// +kubebuilder:printcolumn:name="Regions",type=string,JSONPath=`.spec.regions`,description="The allowed regions; empty for all"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type AWSAccount struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the identity and who may use it.
	// +required
	Spec AWSAccountSpec `json:"spec,omitzero"`
}

// AWSAccountList is a list of AWSAccount.
//
// +kubebuilder:object:root=true
type AWSAccountList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AWSAccount `json:"items"`
}

// AWSAccountSpec is an AWS identity of the operator, and who may use it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.externalID) || has(self.roleARN)",message="externalID requires roleARN: it is an argument of sts:AssumeRole"
type AWSAccountSpec struct {
	// roleARN is the IAM role that the operator assumes, for example in another
	// account. Without it the operator uses its own identity.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$')",message="must be a role ARN such as arn:aws:iam::123456789012:role/dbscaler"
	RoleARN string `json:"roleARN,omitempty"`

	// externalID is the external ID that the trust policy of the role requires.
	// It is not a secret.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=1224
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+=,.@:/-]+$')",message="may contain letters, digits and the characters _+=,.@:/-"
	ExternalID string `json:"externalID,omitempty"`

	// regions are the AWS regions in which policies may use the identity. Without
	// it they may use it in all regions.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Regions []Region `json:"regions,omitempty"`

	// namespaceSelector selects the namespaces whose policies may use the
	// identity, by their labels. The empty selector, {}, selects every namespace.
	// To select one by its name, match the label kubernetes.io/metadata.name.
	// +required
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
}

// Region is the name of an AWS region.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$')",message="must be an AWS region such as eu-west-1"
type Region string
