package v1alpha1_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestUpdate_ImmutableFields checks which fields of a policy can be updated.
func TestUpdate_ImmutableFields(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	policy := parsePolicy(t, clusterPolicy, namespace)
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	const immutable = "kind, identifier and region are immutable: create another policy for another database"
	for _, test := range []struct {
		path, value    string
		field, message string
	}{
		{path: "spec.targetRef.identifier", value: "orders", field: "spec.targetRef", message: immutable},
		{path: "spec.targetRef.region", value: "eu-central-1", field: "spec.targetRef", message: immutable},
		{path: "spec.targetRef.kind", value: "DBInstance", field: "spec.targetRef", message: immutable},
		{path: "spec.targetRef.accountRef", value: "{name: production}"},
		{path: "spec.mode", value: "Recommend"},
		{path: "spec.readers.instanceClasses", value: "[db.r7g.large]"},
		{path: "spec.readers.maxReplicas", value: "2"},
		{path: "spec.writer", value: "{instanceClasses: [db.r6g.xlarge]}"},
		{path: "spec.cpu.scaleUpPercent", value: "80"},
		{path: "spec.cpu.scaleUpPercent", value: "60", field: "spec.cpu", message: targetMessage},
	} {
		t.Run(test.path+"="+test.value, func(t *testing.T) {
			changed := policy.DeepCopy()
			setField(t, changed, test.path, test.value)
			expectValidationError(t, c.Update(t.Context(), changed, client.DryRunAll), test.field, test.message)
		})
	}
}

// TestStatusSubresource checks that an update of the spec leaves the status unchanged, and the reverse.
func TestStatusSubresource(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	policy := parsePolicy(t, clusterPolicy, namespace)
	setField(t, policy, "status", "{observedGeneration: 7}")
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if got := getField(t, policy, "status"); got != "absent" {
		t.Errorf("the created policy has the status %s, want none", got)
	}

	setField(t, policy, "spec.mode", "Approve")
	setField(t, policy, "status", "{observedGeneration: 1}")
	if err := c.Status().Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if mode, generation := getField(t, policy, "spec.mode"), policy.GetGeneration(); mode != "Recommend" || generation != 1 {
		t.Errorf("the status update changed the spec to mode %s and generation %d, want Recommend and 1", mode, generation)
	}

	setField(t, policy, "spec.mode", "Approve")
	setField(t, policy, "status", "{observedGeneration: 2}")
	if err := c.Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if got := getField(t, policy, "status.observedGeneration"); got != "1" || policy.GetGeneration() != 2 {
		t.Errorf("after the spec update observedGeneration is %s and generation is %d, want 1 and 2", got, policy.GetGeneration())
	}
}

// TestStatusValidation checks that the API server rejects an invalid status.
func TestStatusValidation(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	policy := parsePolicy(t, clusterPolicy, namespace)
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	const at = `"2024-02-05T09:20:00Z"`
	condition := func(kind string) string {
		return `{type: ` + kind + `, status: "True", reason: Ready, message: "", lastTransitionTime: ` + at + `}`
	}
	operation := func(id, step string) string {
		return `{id: ` + id + `, pool: Readers, direction: Up, from: {replicas: 1}, to: {replicas: 2, instanceClass: db.r6g.large}, ` +
			`startTime: ` + at + `, steps: [` + step + `]}`
	}
	for _, test := range []struct{ path, value, field, message string }{
		{path: "status", value: "{}", message: "should have at least 1 properties"},
		{path: "status.observedGeneration", value: "0", message: "should be greater than or equal to 1"},
		{path: "status.conditions", value: "[" + condition("Ready") + ", " + condition("Accepted") + "]"},
		{path: "status.conditions", value: "[" + condition("Ready") + ", " + condition("Ready") + "]",
			field: "status.conditions[1]", message: "Duplicate value"},
		{path: "status.decision", value: `{reason: WithinThresholds, time: ` + at + `}`},
		{path: "status.decision", value: `{reason: within thresholds, time: ` + at + `}`, field: "status.decision.reason",
			message: "should match '^[A-Z][A-Za-z]*$'"},
		{path: "status.decision", value: "{reason: WithinThresholds}", field: "status.decision.time", message: "Required value"},
		{path: "status.decision", value: `{reason: ScaleUp, pool: Readers, desired: {replicas: 0}, time: ` + at + `}`},
		{path: "status.decision", value: `{reason: ScaleUp, pool: Readers, desired: {}, time: ` + at + `}`,
			field: "status.decision.desired.replicas", message: "Required value"},
		{path: "status.decision", value: `{reason: ScaleUp, blockedBy: [Cooldown, Paused], time: ` + at + `}`},
		{path: "status.decision", value: `{reason: ScaleUp, blockedBy: [""], time: ` + at + `}`,
			field: "status.decision.blockedBy[0]", message: "should be at least 1 chars long"},
		{path: "status.decision", value: `{reason: ScaleUp, blockedBy: ` + repeatElement(34, "Cooldown") + `, time: ` + at + `}`,
			field: "status.decision.blockedBy", message: "must have at most 33 items"},
		{path: "status.readers", value: `{shape: 1 x db.r6g.large, instances: [{identifier: a}, {identifier: b}]}`},
		{path: "status.readers", value: `{instances: [{identifier: a}, {identifier: a}]}`, field: "status.readers.instances[1]",
			message: "Duplicate value"},
		{path: "status.operation", value: operation("a1", "{action: CreateReader, instance: a, surge: true}")},
		{path: "status.operation", value: operation("a1", "{action: Reboot, instance: a}"),
			field: "status.operation.steps[0].action", message: "supported values"},
		{path: "status.operation", value: operation("a1", ""), field: "status.operation.steps", message: "should have at least 1 items"},
		{path: "status.operation", value: operation(`""`, "{action: Failover, instance: a}"), field: "status.operation.id",
			message: "should be at least 1 chars long"},
	} {
		t.Run(test.path+"="+test.value, func(t *testing.T) {
			changed := policy.DeepCopy()
			unstructured.RemoveNestedField(changed.Object, "status")
			setField(t, changed, test.path, test.value)
			field := test.field
			if field == "" {
				field = test.path
			}
			expectValidationError(t, c.Status().Update(t.Context(), changed, client.DryRunAll), field, test.message)
		})
	}
}
