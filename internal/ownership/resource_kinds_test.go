package ownership

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestResourceKinds_ParseDeclaredClass reads the declared class, which is empty when the controller does not set it.
func TestResourceKinds_ParseDeclaredClass(t *testing.T) {
	const (
		ackObject = `
kind: DBInstance
metadata: {name: reader, namespace: default}
spec: {dbInstanceIdentifier: orders-2, dbInstanceClass: db.r6g.large}
status: {ackResourceMetadata: {region: eu-west-1}}
`
		upjet = `
kind: Instance
metadata: {name: reader, annotations: {crossplane.io/external-name: orders-2}}
spec: {forProvider: {region: eu-west-1, instanceClass: db.r6g.large}}
`
	)
	for _, test := range []struct {
		name, group, text string
		merge             map[string]any
		class             string
	}{
		{"ACK declares the class", "rds.services.k8s.aws", ackObject, nil, "db.r6g.large"},
		{"read-only ACK object declares nothing", "rds.services.k8s.aws", ackObject,
			map[string]any{"metadata": map[string]any{"annotations": map[string]any{"services.k8s.aws/read-only": "true"}}}, ""},
		{"ACK object of another region does not match", "rds.services.k8s.aws", ackObject,
			map[string]any{"status": map[string]any{"ackResourceMetadata": map[string]any{"region": "us-east-1"}}}, ""},
		{"ACK object of another account does not match", "rds.services.k8s.aws", ackObject,
			map[string]any{"status": map[string]any{"ackResourceMetadata": map[string]any{"arn": "arn:aws:rds:eu-west-1:999999999999:db:orders-2"}}}, ""},
		{"ACK object of another instance does not match", "rds.services.k8s.aws", ackObject,
			map[string]any{"spec": map[string]any{"dbInstanceIdentifier": "billing", "dbInstanceClass": "db.r6g.large"}}, ""},
		{"ACK object being deleted declares nothing", "rds.services.k8s.aws", ackObject,
			map[string]any{"metadata": map[string]any{"deletionTimestamp": "2026-02-05T10:00:00Z"}}, ""},
		{"Crossplane declares the class", "rds.aws.upbound.io", upjet, nil, "db.r6g.large"},
		{"namespaced Crossplane declares the class", "rds.aws.m.upbound.io", upjet, nil, "db.r6g.large"},
		{"paused Crossplane object declares nothing", "rds.aws.upbound.io", upjet,
			map[string]any{"metadata": map[string]any{"annotations": map[string]any{
				"crossplane.io/external-name": "orders-2", "crossplane.io/paused": "true"}}}, ""},
		{"observing Crossplane object declares nothing", "rds.aws.upbound.io", upjet,
			map[string]any{"spec": map[string]any{"managementPolicies": []any{"Observe"}, "forProvider": map[string]any{"instanceClass": "db.r6g.large"}}}, ""},
		{"Crossplane with Update declares the class", "rds.aws.upbound.io", upjet, map[string]any{"spec": map[string]any{
			"managementPolicies": []any{"Observe", "Update"}, "forProvider": map[string]any{"instanceClass": "db.r6g.large"}}}, "db.r6g.large"},
		{"Crossplane with all management policies declares the class", "rds.aws.upbound.io", upjet, map[string]any{"spec": map[string]any{
			"managementPolicies": []any{"*"}, "forProvider": map[string]any{"instanceClass": "db.r6g.large"}}}, "db.r6g.large"},
		{"class in initProvider is not declared", "rds.aws.upbound.io", upjet, map[string]any{"spec": map[string]any{
			"forProvider": map[string]any{"region": "eu-west-1"}, "initProvider": map[string]any{"instanceClass": "db.r6g.large"}}}, ""},
		{"community provider declares the class", "rds.aws.crossplane.io", upjet, map[string]any{"spec": map[string]any{
			"forProvider": map[string]any{"region": "eu-west-1", "dbInstanceClass": "db.r6g.large"}}}, "db.r6g.large"},
		{"community provider identified by the name of the object", "database.aws.crossplane.io", upjet, map[string]any{
			"metadata": map[string]any{"name": "orders-2"},
			"spec":     map[string]any{"forProvider": map[string]any{"region": "eu-west-1", "dbInstanceClass": "db.r6g.large"}}}, "db.r6g.large"},
		{"Crossplane identified by its ARN", "rds.aws.upbound.io", upjet, map[string]any{
			"metadata": map[string]any{"name": "x"},
			"status":   map[string]any{"atProvider": map[string]any{"arn": testObservation.Instances[1].ARN}}}, "db.r6g.large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := parseObject(t, test.text)
			for field, value := range test.merge {
				o.Object[field] = value
			}
			n := slices.IndexFunc(resourceKinds, func(k resourceKind) bool { return k.resource.Group == test.group })
			d := resourceKinds[n].parse(o)
			got := ""
			if d.matches(testObservation.Instances[1], "eu-west-1") {
				got = d.instanceClass
			}
			if got != test.class || d.matches(scaling.Instance{Identifier: "other"}, "eu-west-1") {
				t.Errorf("declares %q, want %q: %+v", got, test.class, d)
			}
		})
	}
}
