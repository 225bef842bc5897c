package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// TargetStatus is the database as observed in AWS.
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

	// engineVersion is the version of the engine, for example 15.4.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	EngineVersion string `json:"engineVersion,omitempty"`

	// capacityRange is the minimum and the maximum capacity of an Aurora
	// Serverless v2 cluster, for example "0.5 ACU to 16 ACU".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CapacityRange string `json:"capacityRange,omitempty"`

	// upgradeTime is when the operator last observed a change of engineVersion.
	// It is absent when it never observed one.
	// +optional
	UpgradeTime *metav1.Time `json:"upgradeTime,omitempty"`

	// resourceID is the DbClusterResourceId of the cluster, or the DbiResourceId
	// of the instance.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ResourceID string `json:"resourceID,omitempty"`

	// replaceTime is when the operator last observed another database with the
	// same name, as after the switchover of a blue/green deployment. It is absent
	// when it never observed one.
	// +optional
	ReplaceTime *metav1.Time `json:"replaceTime,omitempty"`

	// globalCluster is the identifier of the Aurora global database that the
	// cluster belongs to. It is absent when it belongs to none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	GlobalCluster string `json:"globalCluster,omitempty"`

	// globalRole is the role of the cluster in the global database.
	// +optional
	GlobalRole GlobalRole `json:"globalRole,omitempty"`

	// promotionTime is when the operator first observed the cluster as the
	// primary after it had been a secondary. It is absent when it never did.
	// +optional
	PromotionTime *metav1.Time `json:"promotionTime,omitempty"`
}

// GlobalRole is the role of a cluster in an Aurora global database.
//
// +kubebuilder:validation:Enum=Primary;Secondary
type GlobalRole string

// The roles.
const (
	// GlobalRolePrimary: the cluster has the writer of the global database.
	GlobalRolePrimary GlobalRole = "Primary"
	// GlobalRoleSecondary: the cluster replicates from the primary.
	GlobalRoleSecondary GlobalRole = "Secondary"
)
