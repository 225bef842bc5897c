package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// withTopology edits the scenario of a cluster: lines before the list of databases, and fields of the cluster.
func withTopology(scenario, before, fields string) string {
	return strings.NewReplacer("databases:\n", before+"databases:\n", "  instances:\n", fields+"  instances:\n").Replace(scenario)
}

// TestReconcile_ResizesWriterWithoutPromotionCandidate: the only reader has another parameter group, so that a surge reader replaces the
// writer while it is resized.
func TestReconcile_ResizesWriterWithoutPromotionCandidate(t *testing.T) {
	h := newHarness(t, strings.Replace(withTopology(auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"),
		"parameterGroups: [{name: olap, region: eu-west-1, parameters: {work_mem: \"1048576\"}}]\n", ""),
		"{identifier: orders-2,", "{identifier: orders-2, parameterGroup: olap,", 1))
	h.applyPolicy(writerPolicy)
	p := h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	surge := "orders-dbscaler-" + p.Status.History[0].ID + "-1"
	h.expectChanges(
		"CreateDBInstance "+surge+" db.r6g.xlarge",
		"FailoverDBCluster "+surge,
		"ModifyDBInstance orders-1 db.r6g.xlarge",
		"FailoverDBCluster orders-1",
		"DeleteDBInstance "+surge,
	)
	h.expectShape("db.r6g.xlarge + db.r6g.large")
	for _, i := range p.Status.History[0].Instances { // the surge reader no longer has one
		if i.Identifier == "orders-1" && !strings.HasPrefix(i.ResourceID, "db-") {
			t.Errorf("the record has the resource ID %q", i.ResourceID)
		}
	}
}

// TestReconcile_ShowsTopology: custom endpoints and a global database are shown once, and do not make the policy unready.
func TestReconcile_ShowsTopology(t *testing.T) {
	h := newHarness(t, withTopology(auroraCluster("db.r6g.large", 0.8, 0.5, "db.r6g.large"), "",
		"  globalCluster: ledger\n  customEndpoints: [{identifier: reports, staticMembers: [orders-2]}, {identifier: analytics}]\n"))
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", time.Hour, nil)
	p := h.getPolicy("p")
	for condition, want := range map[string]string{
		v1alpha1.ConditionCustomEndpoints: "True StaticMembers", v1alpha1.ConditionGlobalDatabase: "True SecondariesNotScaled",
		v1alpha1.ConditionBlueGreenDeployment: "absent", v1alpha1.ConditionReady: "True Ready",
	} {
		if got := conditionSummary(p, condition); got != want {
			t.Errorf("%s is %s, want %s", condition, got, want)
		}
	}
	if p.Status.Decision.Reason != "StaticEndpoints" || p.Status.Target.GlobalRole != v1alpha1.GlobalRolePrimary {
		t.Errorf("decision %s, global role %s", p.Status.Decision.Reason, p.Status.Target.GlobalRole)
	}
	if n := len(h.events.withReason("CustomEndpoints")); n != 1 {
		t.Errorf("recorded %d events about custom endpoints, want 1", n)
	}
	h.expectChanges()
}

// TestReconcile_BlueGreenDeployment: nothing changes until the switchover, after which the policy scales the new instances.
func TestReconcile_BlueGreenDeployment(t *testing.T) {
	t.Parallel()
	h := newHarness(t, withTopology(auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"), "",
		"  blueGreenDeployments: [{name: upgrade, at: 0h, switchover: 3h}]\n"))
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 90*time.Minute, nil)
	p := h.getPolicy("p")
	if got := conditionSummary(p, v1alpha1.ConditionBlueGreenDeployment); got != "True NotSwitchedOver" || p.Status.Decision.FirstBlocker() != "BlueGreenDeployment" {
		t.Fatalf("the condition is %s, blocked by %s:\n%s", got, p.Status.Decision.FirstBlocker(), statusYAML(p))
	}
	h.expectChanges()
	before := p.Status.Target.ResourceID
	p = h.runUntil("p", "resized", 5*time.Hour, hasSucceeded)
	if p.Status.Target.ReplaceTime == nil || p.Status.Target.ResourceID == before || p.Status.Ownership != nil {
		t.Errorf("replaced at %v, resource %s, before %s, ownership %+v", p.Status.Target.ReplaceTime, p.Status.Target.ResourceID, before, p.Status.Ownership)
	}
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
}

// TestReconcile_RegionSwitch: a secondary is not scaled; once it is the primary, it is not scaled down for half a day.
func TestReconcile_RegionSwitch(t *testing.T) {
	t.Parallel()
	h := newHarness(t, withTopology(auroraCluster("db.r6g.2xlarge", 0.2, 0.2, "db.r6g.2xlarge"), "", "  globalCluster: ledger\n"))
	setSecondary := func(isSecondary bool) {
		h.aws.WithWorld(func(w *model.World) {
			if err := w.SetGlobalRole("eu-west-1", "orders", "ledger", isSecondary); err != nil {
				t.Fatal(err)
			}
		})
	}
	setSecondary(true)
	h.applyPolicy(writerPolicy + "  behavior: {scaleDown: {classWindowSeconds: 0}}\n")
	h.runFor("p", 10*time.Minute, nil)
	if p := h.getPolicy("p"); p.Status.Decision.Reason != "Unsupported" || p.Status.Target == nil || p.Status.Target.GlobalRole != v1alpha1.GlobalRoleSecondary {
		t.Fatalf("status is\n%s", statusYAML(p))
	}
	setSecondary(false)
	h.runFor("p", 9*time.Hour, nil)
	h.expectChanges()
	if p := h.getPolicy("p"); p.Status.Decision.Reason != "RegionSwitch" || p.Status.Target.PromotionTime == nil {
		t.Errorf("status is\n%s", statusYAML(p))
	}
	h.runUntil("p", "scaled down", 8*time.Hour, hasSucceeded)
}
