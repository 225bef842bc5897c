package app

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// installedName and installedNamespace are those of the Deployment and ServiceAccount of config/default, and of the StatefulSet of
	// config/sharded.
	installedName, installedNamespace = "dbscaler", "dbscaler-system"
	// roleAnnotation is the annotation with which IRSA gives a ServiceAccount a role (EKS user guide, "Assign IAM roles to Kubernetes
	// service accounts").
	roleAnnotation = "eks.amazonaws.com/role-arn"
)

// installation is what the objects of the operator in the cluster say. It is empty when they do not exist or may not be read.
type installation struct {
	// roleARN is the operator's own role; empty with EKS Pod Identity, whose associations are not in the cluster.
	roleARN                    string
	clusterName, pricingRegion string
	requireAccount             bool
}

// readInstallation reads the role and the flags of the operator. Most users may read neither, and can state them by flags instead.
func (c *clusterReader) readInstallation(ctx context.Context) installation {
	var i installation
	name := types.NamespacedName{Namespace: installedNamespace, Name: installedName}
	var serviceAccount corev1.ServiceAccount
	if c.client.Get(ctx, name, &serviceAccount) == nil {
		i.roleARN = serviceAccount.Annotations[roleAnnotation]
	}
	for _, container := range c.readOperatorPod(ctx, name).Containers {
		for n, arg := range container.Args {
			flag, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if next := n + 1; !hasValue && next < len(container.Args) && !strings.HasPrefix(container.Args[next], "-") {
				value = container.Args[next]
			}
			switch flag {
			case "cluster-name":
				i.clusterName = value
			case "pricing-region":
				i.pricingRegion = value
			case "require-account":
				i.requireAccount = value != "false"
			}
		}
	}
	return i
}

// readOperatorPod returns the pod of the operator as its Deployment, or its StatefulSet, specifies it.
func (c *clusterReader) readOperatorPod(ctx context.Context, name types.NamespacedName) corev1.PodSpec {
	var deployment appsv1.Deployment
	if c.client.Get(ctx, name, &deployment) == nil {
		return deployment.Spec.Template.Spec
	}
	var shards appsv1.StatefulSet
	if c.client.Get(ctx, name, &shards) == nil {
		return shards.Spec.Template.Spec
	}
	return corev1.PodSpec{}
}
