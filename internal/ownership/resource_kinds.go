package ownership

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The annotations and management policies that stop a controller from changing the database of an object.
const (
	// ackReadOnly stops ACK from changing the database (ACK, "ReadOnly Resources").
	ackReadOnly = "services.k8s.aws/read-only"
	// crossplanePaused stops Crossplane from reconciling the object (Crossplane, "Managed Resources").
	crossplanePaused = "crossplane.io/paused"
	// crossplaneExternalName is the annotation with the identifier of the AWS resource.
	crossplaneExternalName = "crossplane.io/external-name"
	// manageAll and manageUpdate are the management policies that let Crossplane change an existing resource (Crossplane,
	// "Managed Resources").
	manageAll, manageUpdate = "*", "Update"
)

// declaration is what one object declares about a DB instance.
type declaration struct {
	// declaredBy is a readable name of the object.
	declaredBy string
	// arn is from the status of the object; empty until its controller has set it. Then identifier and region identify the
	// instance.
	arn, identifier, region string
	// instanceClass is the class that the controller of the object would set; empty when it does not set the class.
	instanceClass string
}

// resourceKind is a kind of object that declares DB instances.
type resourceKind struct {
	resource schema.GroupResource
	// parse reads the declaration of an object.
	parse func(*unstructured.Unstructured) declaration
	// remedy is what to change in an object so that it no longer declares the class.
	remedy string
}

const (
	remedyACK    = "annotate it with " + ackReadOnly + `="true"`
	remedyUpjet  = "move spec.forProvider.instanceClass to spec.initProvider, and leave LateInitialize out of spec.managementPolicies"
	remedyLegacy = `leave "*" and Update out of spec.managementPolicies`
)

// resourceKinds are the kinds that declare DB instances. The kinds for clusters are not among them: they declare neither the
// class of an Aurora instance nor the number of readers.
var resourceKinds = []resourceKind{
	{groupResource("rds.services.k8s.aws", "dbinstances"), parseACK, remedyACK},
	{groupResource("rds.aws.upbound.io", "clusterinstances"), parseCrossplane, remedyUpjet},
	{groupResource("rds.aws.upbound.io", "instances"), parseCrossplane, remedyUpjet},
	{groupResource("rds.aws.m.upbound.io", "clusterinstances"), parseCrossplane, remedyUpjet},
	{groupResource("rds.aws.m.upbound.io", "instances"), parseCrossplane, remedyUpjet},
	{groupResource("rds.aws.crossplane.io", "dbinstances"), parseCrossplane, remedyLegacy},
	{groupResource("database.aws.crossplane.io", "rdsinstances"), parseCrossplane, remedyLegacy},
}

func groupResource(group, resource string) schema.GroupResource {
	return schema.GroupResource{Group: group, Resource: resource}
}

// matches reports whether the declaration is about an instance in a region.
func (d declaration) matches(i scaling.Instance, region string) bool {
	if d.arn != "" && i.ARN != "" {
		return d.arn == i.ARN
	}
	return strings.EqualFold(d.identifier, i.Identifier) && (d.region == "" || d.region == region)
}

// parseACK reads a DBInstance of the RDS controller of ACK.
func parseACK(o *unstructured.Unstructured) declaration {
	d := declaration{
		declaredBy: describeObject("ACK", o),
		identifier: stringField(o, "spec", "dbInstanceIdentifier"),
		arn:        stringField(o, "status", "ackResourceMetadata", "arn"),
		region:     stringField(o, "status", "ackResourceMetadata", "region"),
	}
	if o.GetAnnotations()[ackReadOnly] != "true" && o.GetDeletionTimestamp() == nil {
		d.instanceClass = stringField(o, "spec", "dbInstanceClass")
	}
	return d
}

// parseCrossplane reads a managed resource of one of Crossplane's AWS providers. The community provider has other names for
// some fields.
func parseCrossplane(o *unstructured.Unstructured) declaration {
	d := declaration{
		declaredBy: describeObject("Crossplane", o),
		identifier: cmp.Or(o.GetAnnotations()[crossplaneExternalName], stringField(o, "spec", "forProvider", "identifier"), o.GetName()),
		arn:        cmp.Or(stringField(o, "status", "atProvider", "arn"), stringField(o, "status", "atProvider", "dbInstanceARN")),
		region:     stringField(o, "spec", "forProvider", "region"),
	}
	policies, set, err := unstructured.NestedStringSlice(o.Object, "spec", "managementPolicies")
	manages := err != nil || !set || slices.Contains(policies, manageAll) || slices.Contains(policies, manageUpdate)
	if manages && o.GetAnnotations()[crossplanePaused] != "true" && o.GetDeletionTimestamp() == nil {
		d.instanceClass = cmp.Or(stringField(o, "spec", "forProvider", "instanceClass"), stringField(o, "spec", "forProvider", "dbInstanceClass"))
	}
	return d
}

func describeObject(tool string, o *unstructured.Unstructured) string {
	name := o.GetName()
	if o.GetNamespace() != "" {
		name = o.GetNamespace() + "/" + name
	}
	return fmt.Sprintf("%s's %s %s (%s)", tool, o.GetKind(), name, o.GroupVersionKind().Group)
}

// stringField returns the string at a path, or nothing when there is no string.
func stringField(o *unstructured.Unstructured, path ...string) string {
	value, _, err := unstructured.NestedString(o.Object, path...)
	if err != nil {
		return ""
	}
	return value
}
