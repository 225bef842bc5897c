package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// annotate sets annotations on a policy as kubectl does; an empty value removes one.
func (h *harness) annotate(name string, annotations map[string]string) {
	h.t.Helper()
	p := h.getPolicy(name)
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	for key, value := range annotations {
		if p.Annotations[key] = value; value == "" {
			delete(p.Annotations, key)
		}
	}
	if err := h.client.Update(h.t.Context(), p); err != nil {
		h.t.Fatal(err)
	}
}

// timestampIn is the time after a duration from now, in the format of the annotations.
func (h *harness) timestampIn(d time.Duration) string {
	return h.clock.Now().Add(d).UTC().Format(time.RFC3339)
}

// TestReconcile_WaitsForApproval: nothing changes until the annotation has the hash of the decision, and then once.
func TestReconcile_WaitsForApproval(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "mode: Enforce", "mode: Approve", 1))
	p := h.runUntil("p", "waiting for an approval", time.Hour, isBlockedBy(guard.ApprovalRequired))
	d := p.Status.Decision
	if d.Hash == "" || !strings.Contains(d.Message, "scaling.dbscaler.io/approve="+d.Hash) ||
		!strings.Contains(d.Message, "kubectl dbscaler approve p -n "+h.namespace+" --hash "+d.Hash) || !strings.Contains(d.Cause, "vCPU") {
		t.Errorf("the decision is %+v", d)
	}
	if conditionSummary(p, v1alpha1.ConditionScalingLimited) != "True "+guard.ApprovalRequired ||
		conditionSummary(p, v1alpha1.ConditionReady) != "True Ready" {
		t.Errorf("the policy is not ready and limited; status:\n%s", statusYAML(p))
	}
	h.runFor("p", time.Hour, nil)
	h.annotate("p", map[string]string{v1alpha1.AnnotationApprove: "00000000"})
	h.runFor("p", 10*time.Minute, nil)
	h.expectChanges()
	if got := h.events.withReason(events.ApprovalRequired); len(got) != 1 {
		t.Errorf("%d events ask for an approval, want 1:\n%s", len(got), strings.Join(got, "\n"))
	}
	h.annotate("p", map[string]string{v1alpha1.AnnotationApprove: h.getPolicy("p").Status.Decision.Hash})
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
}

// TestReconcile_PauseBlocksChanges: nothing changes during a pause, whether an operation is in progress or not, and scaling resumes
// afterwards.
func TestReconcile_PauseBlocksChanges(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: h.timestampIn(time.Hour)})
	p := h.runUntil("p", "paused", 30*time.Minute, isBlockedBy("Paused"))
	if conditionSummary(p, v1alpha1.ConditionPaused) != "True PausedByAnnotation" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
	pausedAt := h.clock.Now()
	p = h.runUntil("p", "scaling", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !isIdle(p) })
	if waited := h.clock.Now().Sub(pausedAt); waited < 40*time.Minute {
		t.Errorf("the operation started %s after the pause of an hour was seen, want at least 40 minutes", waited)
	}
	if conditionSummary(p, v1alpha1.ConditionPaused) != "absent" {
		t.Errorf("Paused is %s after the pause, want it absent", conditionSummary(p, v1alpha1.ConditionPaused))
	}
	changes := len(h.awsChanges())
	h.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: h.timestampIn(time.Hour)})
	h.runFor("p", 50*time.Minute, nil)
	if got := h.awsChanges(); len(got) != changes {
		t.Errorf("AWS changes during a pause of the operation are\n%s\nwant none", strings.Join(got[changes:], "\n"))
	}
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	for reason, want := range map[string]int{events.Paused: 2, events.Resumed: 2} {
		if got := h.events.withReason(reason); len(got) != want {
			t.Errorf("%d events %s, want %d", len(got), reason, want)
		}
	}
}

// TestReconcile_InvalidAnnotationPauses: an annotation that cannot be parsed counts as a pause, and the condition says why.
func TestReconcile_InvalidAnnotationPauses(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: "tomorrow"})
	h.runFor("p", 2*time.Hour, nil)
	p := h.getPolicy("p")
	if len(h.awsChanges()) > 0 || conditionSummary(p, v1alpha1.ConditionPaused) != "True InvalidAnnotation" {
		t.Errorf("the policy is not paused: AWS changes %v, status:\n%s", h.awsChanges(), statusYAML(p))
	}
	if !strings.Contains(statusYAML(p), "should be a time such as") {
		t.Errorf("status does not say what is wrong with the annotation:\n%s", statusYAML(p))
	}
}

// TestReconcile_AppliesReaderOverride: an annotation adds readers for a time; afterwards scaling follows the load again.
func TestReconcile_AppliesReaderOverride(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.5, "db.r6g.large"))
	h.applyPolicy(horizontalReadersPolicy)
	h.runFor("p", 15*time.Minute, nil)
	h.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideReaders: "3 x db.r6g.large", v1alpha1.AnnotationOverrideUntil: h.timestampIn(4 * time.Hour),
	})
	p := h.runUntil("p", "overridden", 2*time.Hour, hasSucceeded)
	h.expectShape("db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large")
	if conditionSummary(p, v1alpha1.ConditionOverridden) != "True OverriddenByAnnotation" {
		t.Errorf("the override is not shown; status:\n%s", statusYAML(p))
	}
	p = h.runUntil("p", "kept at the override", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Decision.Reason == "Overridden" })
	if !strings.Contains(p.Status.Decision.Message, "keeps the reader pool at 3 × db.r6g.large") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	p = h.runUntil("p", "scaled down", 8*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && h.clusterShape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if conditionSummary(p, v1alpha1.ConditionOverridden) != "absent" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
}

// TestReconcile_WriterOverrideWaitsForWindow: an override of the writer interrupts it, so it waits for a disruption window.
func TestReconcile_WriterOverrideWaitsForWindow(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 0.5, 0.5, "db.r6g.large"))
	h.applyPolicy(writerPolicy + `  disruptionWindows: [{startTime: "2024-02-05T12:00:00Z", durationSeconds: 7200}]
`)
	h.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideWriter: "db.r6g.2xlarge", v1alpha1.AnnotationOverrideUntil: h.timestampIn(24 * time.Hour),
	})
	p := h.runUntil("p", "waiting for the window", time.Hour, isBlockedBy("DisruptionWindow"))
	if !strings.Contains(p.Status.Decision.Message, "opens at 2024-02-05T12:00:00Z") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	h.runUntil("p", "resized", 8*time.Hour, hasSucceeded)
	if got := h.clusterShape("orders"); !strings.HasPrefix(got, "db.r6g.2xlarge + ") {
		t.Errorf("the cluster is %s, want a writer of db.r6g.2xlarge", got)
	}
}
