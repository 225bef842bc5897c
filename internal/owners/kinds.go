package owners

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The annotations and the policies by which an object is told to leave its database alone.
const (
	// ackReadOnly keeps ACK from changing anything (ACK, "ReadOnly Resources").
	ackReadOnly = "services.k8s.aws/read-only"
	// crossplanePaused keeps Crossplane from reconciling (Crossplane, "Managed Resources").
	crossplanePaused = "crossplane.io/paused"
	// externalName is what Crossplane calls the resource in AWS.
	externalName = "crossplane.io/external-name"
	// everything and update are the management policies with which Crossplane changes what exists (Crossplane, "Managed
	// Resources").
	everything, update = "*", "Update"
)

// declaration is what one object says of a DB instance.
type declaration struct {
	// by names the object for people.
	by string
	// arn is what its controller has found; empty before that. Then identifier and region have to do.
	arn, identifier, region string
	// class is the one that its controller would set; empty when it leaves the class alone.
	class string
}

// kind is a kind of object that declares DB instances.
type kind struct {
	resource schema.GroupResource
	// read says what an object declares.
	read func(*unstructured.Unstructured) declaration
	// remedy is what to change in an object so that it leaves the class alone.
	remedy string
}

const (
	remedyACK    = "annotate it with " + ackReadOnly + `="true"`
	remedyUpjet  = "move spec.forProvider.instanceClass to spec.initProvider, and leave LateInitialize out of spec.managementPolicies"
	remedyLegacy = `leave "*" and Update out of spec.managementPolicies`
)

// kinds are those that declare DB instances. Objects for clusters are not among them: an Aurora cluster has no class, and
// declares no number of readers.
var kinds = []kind{
	{gr("rds.services.k8s.aws", "dbinstances"), ack, remedyACK},
	{gr("rds.aws.upbound.io", "clusterinstances"), crossplane, remedyUpjet},
	{gr("rds.aws.upbound.io", "instances"), crossplane, remedyUpjet},
	{gr("rds.aws.m.upbound.io", "clusterinstances"), crossplane, remedyUpjet},
	{gr("rds.aws.m.upbound.io", "instances"), crossplane, remedyUpjet},
	{gr("rds.aws.crossplane.io", "dbinstances"), crossplane, remedyLegacy},
	{gr("database.aws.crossplane.io", "rdsinstances"), crossplane, remedyLegacy},
}

func gr(group, resource string) schema.GroupResource {
	return schema.GroupResource{Group: group, Resource: resource}
}

// isAbout says whether it declares an instance in a region.
func (d declaration) isAbout(i scaling.Instance, region string) bool {
	if d.arn != "" && i.ARN != "" {
		return d.arn == i.ARN
	}
	return strings.EqualFold(d.identifier, i.Identifier) && (d.region == "" || d.region == region)
}

// ack reads a DBInstance of ACK's RDS controller.
func ack(o *unstructured.Unstructured) declaration {
	d := declaration{
		by:         nameOf("ACK", o),
		identifier: text(o, "spec", "dbInstanceIdentifier"),
		arn:        text(o, "status", "ackResourceMetadata", "arn"),
		region:     text(o, "status", "ackResourceMetadata", "region"),
	}
	if o.GetAnnotations()[ackReadOnly] != "true" && o.GetDeletionTimestamp() == nil {
		d.class = text(o, "spec", "dbInstanceClass")
	}
	return d
}

// crossplane reads a managed resource of one of Crossplane's AWS providers. The community's provider calls some fields
// otherwise.
func crossplane(o *unstructured.Unstructured) declaration {
	d := declaration{
		by:         nameOf("Crossplane", o),
		identifier: cmp.Or(o.GetAnnotations()[externalName], text(o, "spec", "forProvider", "identifier"), o.GetName()),
		arn:        cmp.Or(text(o, "status", "atProvider", "arn"), text(o, "status", "atProvider", "dbInstanceARN")),
		region:     text(o, "spec", "forProvider", "region"),
	}
	policies, set, err := unstructured.NestedStringSlice(o.Object, "spec", "managementPolicies")
	manages := err != nil || !set || slices.Contains(policies, everything) || slices.Contains(policies, update)
	if manages && o.GetAnnotations()[crossplanePaused] != "true" && o.GetDeletionTimestamp() == nil {
		d.class = cmp.Or(text(o, "spec", "forProvider", "instanceClass"), text(o, "spec", "forProvider", "dbInstanceClass"))
	}
	return d
}

func nameOf(tool string, o *unstructured.Unstructured) string {
	name := o.GetName()
	if o.GetNamespace() != "" {
		name = o.GetNamespace() + "/" + name
	}
	return fmt.Sprintf("%s's %s %s (%s)", tool, o.GetKind(), name, o.GroupVersionKind().Group)
}

// text reads a field that is a string, or nothing.
func text(o *unstructured.Unstructured, path ...string) string {
	value, _, err := unstructured.NestedString(o.Object, path...)
	if err != nil {
		return ""
	}
	return value
}
