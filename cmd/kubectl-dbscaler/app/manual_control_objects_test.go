package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// controlScenario is a cluster whose readers have a load in vCPUs over time. Each of them has 2 vCPUs.
func controlScenario(start, readers string) string {
	return `
start: "` + start + `"
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: orders-1, class: db.r6g.xlarge, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-3, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load:
    writer: {points: [{at: 0h, vcpus: 2.4}]}
    readers: {points: ` + readers + `}
`
}

// The loads of two readers: between the thresholds, and too high after an hour. The last one is too high for one reader.
const (
	steadyReaders     = "[{at: 0h, vcpus: 2.4}]"
	overloadedReaders = "[{at: 0h, vcpus: 2.4}, {at: 1h, vcpus: 2.4}, {at: 1h5m, vcpus: 3.4}]"
	overloadedReader  = "[{at: 0h, vcpus: 1.7}]"
)

// withoutReader removes a reader from a scenario.
func withoutReader(scenario, identifier string) string {
	return regexp.MustCompile(`(?m)^  - \{identifier: `+identifier+`,.*\n`).ReplaceAllString(scenario, "")
}

// controlPolicy is the policy in a mode, with annotations.
func controlPolicy(mode, annotations string) string {
	return `
metadata: {name: orders, annotations: {` + annotations + `}}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: ` + mode + `
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: 1, maxReplicas: 4, preference: Vertical}
  writer: {instanceClasses: [db.r6g.xlarge, db.r6g.2xlarge]}
  prices:
  - {instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}
  - {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.52"}
`
}

// TestManualControl_Objects runs the operator with the simulated AWS until a policy is in the state that the other tests of manual control
// start from, and compares it with the recorded object in testdata/manual_control.
func TestManualControl_Objects(t *testing.T) {
	for _, test := range []struct {
		name, comment, scenario, policy string
		run                             func(t *testing.T, h *operatorHarness)
	}{
		{"enforce", "a policy in mode Enforce within its thresholds", controlScenario("2024-02-05T08:00:00Z", steadyReaders),
			controlPolicy("Enforce", ""), func(t *testing.T, h *operatorHarness) {
				t.Helper()
				h.runUntil(t, "steady for an hour", 2*time.Hour, func(*v1alpha1.DBScalingPolicy) bool { return h.clock.Now().UTC().Hour() == 9 })
			}},
		{"approval", "a policy in mode Approve whose readers are overloaded", controlScenario("2024-02-05T08:00:00Z", overloadedReaders),
			controlPolicy("Approve", ""), func(t *testing.T, h *operatorHarness) {
				t.Helper()
				h.runUntil(t, "waiting for an approval", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
					return p.Status.Decision.FirstBlocker() == guard.ApprovalRequired
				})
			}},
		{"conflict", "a policy two of whose operations another client has reverted", withoutReader(controlScenario("2024-02-05T00:00:00Z", overloadedReader), "orders-3"),
			controlPolicy("Enforce", `scaling.dbscaler.io/resolve-conflict: "1706000000"`), func(t *testing.T, h *operatorHarness) {
				t.Helper()
				for n := 1; n <= 2; n++ {
					h.runUntil(t, "resized", 4*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return isIdle(p) && succeeded(p) >= n })
					h.modifyExternally(t, "orders-2", "db.r6g.large")
					h.runUntil(t, "reverted", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
						return p.Status.Ownership != nil && len(p.Status.Ownership.Reverts) >= n
					})
				}
			}},
		{"invalid", "an override without an end, which counts as a pause", controlScenario("2024-02-05T08:00:00Z", steadyReaders),
			controlPolicy("Enforce", "scaling.dbscaler.io/override-writer: db.r6g.2xlarge"), func(t *testing.T, h *operatorHarness) {
				t.Helper()
				h.runUntil(t, "paused", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
					return meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionPaused)
				})
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := env.Client()
			if err != nil {
				t.Fatal(err)
			}
			createNamespace(t, c, "shop")
			h := newOperatorHarnessIn(t, "shop", c, test.scenario, test.policy)
			t.Cleanup(func() { h.deletePolicy(t) })
			test.run(t, h)
			h.expectObject(t, test.name, test.comment)
		})
	}
}

// succeeded is the number of operations that have succeeded.
func succeeded(p *v1alpha1.DBScalingPolicy) int {
	n := 0
	for _, r := range p.Status.History {
		if r.Outcome == v1alpha1.OutcomeSucceeded {
			n++
		}
	}
	return n
}

// modifyExternally changes the class of an instance as another client does.
func (h *operatorHarness) modifyExternally(t *testing.T, instance, class string) {
	t.Helper()
	h.aws.WithWorld(func(w *model.World) {
		request := model.ModifyInstanceRequest{Class: ptr.To(class), ApplyImmediately: true}
		if _, err := w.ModifyInstance("eu-west-1", instance, request); err != nil {
			t.Error(err)
		}
	})
}

// expectObject compares the policy with a recorded object, without what the API server generates.
func (h *operatorHarness) expectObject(t *testing.T, name, comment string) {
	t.Helper()
	p := h.policy(t)
	metadata := map[string]any{"name": p.Name}
	if len(p.Annotations) > 0 {
		metadata["annotations"] = p.Annotations
	}
	text, err := yaml.Marshal(map[string]any{"metadata": metadata, "spec": p.Spec, "status": p.Status})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("# Recorded by TestManualControl_Objects from the operator with the simulated AWS: %s.\n%s", comment, text)
	path := filepath.Join("testdata", "manual_control", name+".yaml")
	if *updateTranscripts {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("the policy differs from %s (%v); -update-manual-control writes it and the transcripts:\n%s", path, err, got)
	}
}

// deletePolicy deletes the policy without the operator.
func (h *operatorHarness) deletePolicy(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	p := &v1alpha1.DBScalingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: "orders"}}
	if err := h.client.Patch(ctx, p, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Error(err)
	}
	if err := h.client.Delete(ctx, p); err != nil {
		t.Error(err)
	}
}

func TestDescribeRevert(t *testing.T) {
	const at = "at 2026-02-05T10:00:00Z (operation 0a1b2c3d)"
	for _, test := range []struct{ expected, observed, want string }{
		{"db.r6g.xlarge", "db.r6g.large", "orders-2: db.r6g.xlarge to db.r6g.large, " + at},
		{"db.r6g.xlarge", "", "orders-2: deleted, " + at},
		{"", "db.r6g.large", "orders-2: created again, " + at},
	} {
		r := v1alpha1.Revert{Instance: "orders-2", ExpectedInstanceClass: test.expected, ObservedInstanceClass: test.observed, Operation: "0a1b2c3d"}
		r.Time.Time = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
		if got := describeRevert(r); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
