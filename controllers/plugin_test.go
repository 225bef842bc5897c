package controllers

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// plugin runs a command of the kubectl plugin for a policy, whose name is the second argument, as alice, an administrator, in the namespace
// and with the clock of the harness.
func (h *harness) plugin(args ...string) string {
	h.t.Helper()
	h.t.Setenv("KUBECONFIG", env.Kubeconfig(h.t))
	var out bytes.Buffer
	root := app.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, h.clock)
	root.SetArgs(append(args, "-n", h.namespace, "--as", "alice", "--as-group", "system:masters"))
	if err := root.ExecuteContext(h.t.Context()); err != nil {
		h.t.Fatalf("kubectl dbscaler %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	h.awaitCache(args[1])
	return out.String()
}

// expectEvent reports an error unless an event of a reason contains a text.
func (h *harness) expectEvent(reason, text string) {
	h.t.Helper()
	got := h.events.withReason(reason)
	if !strings.Contains(strings.Join(got, "\n"), text) {
		h.t.Errorf("the events %s are %q, want one with %q", reason, got, text)
	}
}

// TestPlugin_PauseAndResume: the operator honors a pause of the plugin, says who requested it, and acts when it is resumed.
func TestPlugin_PauseAndResume(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.plugin("pause", "p", "--indefinitely", "--reason", "index rebuild")
	p := h.runUntil("p", "paused", time.Hour, isBlockedBy("Paused"))
	if !strings.Contains(p.Status.Decision.Message, "alice (index rebuild) paused the policy until it is resumed. To resume now: kubectl dbscaler resume p -n ") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	h.expectEvent(events.Paused, "alice (index rebuild) paused all changes until it is resumed. To resume now: kubectl dbscaler resume p -n "+h.namespace+"; ")
	h.runFor("p", 3*time.Hour, nil)
	h.expectChanges()
	h.plugin("pause", "p", "--for", "1h", "--replace")
	h.runFor("p", 5*time.Minute, nil)
	h.expectEvent(events.Paused, "alice paused all changes until "+h.getPolicy("p").Annotations[v1alpha1.AnnotationPausedUntil])
	h.plugin("resume", "p", "--reason", "ready")
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	h.expectEvent(events.Resumed, "The pause has ended, by alice (ready)")
	if p := h.getPolicy("p"); conditionSummary(p, v1alpha1.ConditionPaused) != "absent" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
}

// TestPlugin_Override: an override of the plugin leads to an operation, and its end to another one.
func TestPlugin_Override(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.5, "db.r6g.large"))
	h.applyPolicy(horizontalReadersPolicy)
	h.runFor("p", 15*time.Minute, nil)
	out := h.plugin("override", "p", "--readers", "3xdb.r6g.large", "--for", "3d", "--reason", "launch")
	if !strings.Contains(out, "3 × db.r6g.large, now 1 × db.r6g.large") {
		t.Errorf("the command prints\n%s", out)
	}
	h.runUntil("p", "overridden", 2*time.Hour, hasSucceeded)
	h.expectShape("db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large")
	h.expectEvent(events.Overridden, "alice (launch) set readers 3 × db.r6g.large until ")
	h.expectEvent(events.OperationStarted, ", requested by alice (launch). ")
	h.plugin("override", "p", "--end", "--reason", "over")
	h.runUntil("p", "scaled down", 8*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && h.clusterShape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	h.expectEvent(events.OverrideEnded, "The override has ended, by alice (over); scaling follows the load again")
}

// TestPlugin_Approve: in mode Approve nothing changes until the plugin approves the change, and then this change is made.
func TestPlugin_Approve(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "mode: Enforce", "mode: Approve", 1))
	p := h.runUntil("p", "waiting for an approval", time.Hour, isBlockedBy(guard.ApprovalRequired))
	out := h.plugin("approve", "p", "--dry-run")
	for _, want := range []string{"readers 1 × db.r6g.large → 1 × db.r6g.xlarge", p.Status.Decision.Hash} {
		if !strings.Contains(out, want) {
			t.Errorf("the command prints no %q:\n%s", want, out)
		}
	}
	h.runFor("p", time.Hour, nil)
	h.expectChanges()
	h.plugin("approve", "p", "--hash", p.Status.Decision.Hash, "--reason", "agreed")
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
	h.expectEvent(events.OperationStarted, ", approved by alice (agreed). ")
}

// TestPlugin_Resolve: the plugin ends an ownership conflict, and the operator acts again.
func TestPlugin_Resolve(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	for n := range 2 {
		h.runUntil("p", "resized", 3*time.Hour, succeededAtLeast(n+1))
		h.modifyExternally("orders-2", "db.r6g.large")
		h.runUntil("p", "reverted", time.Hour, revertedAtLeast(n+1))
	}
	h.runFor("p", time.Hour, nil)
	if out := h.plugin("resolve", "p", "--reason", "ignore_changes is set"); !strings.Contains(out, "orders-2: db.r6g.xlarge to db.r6g.large") {
		t.Errorf("the command prints\n%s", out)
	}
	p := h.runUntil("p", "resized after the conflict", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && h.clusterShape("orders") == "db.r6g.xlarge + db.r6g.xlarge"
	})
	if conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "absent" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
	h.expectEvent(events.ConflictResolved, "The ownership conflict is resolved, by alice (ignore_changes is set); scaling continues")
}
