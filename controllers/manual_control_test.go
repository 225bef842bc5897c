package controllers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// annotate sets annotations on a policy as kubectl does; an empty value removes one.
func (l *harness) annotate(name string, annotations map[string]string) {
	l.t.Helper()
	p := l.getPolicy(name)
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	for key, value := range annotations {
		if p.Annotations[key] = value; value == "" {
			delete(p.Annotations, key)
		}
	}
	if err := l.client.Update(l.t.Context(), p); err != nil {
		l.t.Fatal(err)
	}
}

// timestampIn is a time so long from now, as an annotation has it.
func (l *harness) timestampIn(d time.Duration) string {
	return l.clock.Now().Add(d).UTC().Format(time.RFC3339)
}

func isBlockedBy(guard string) func(*v1alpha1.DBScalingPolicy) bool {
	return func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision != nil && p.Status.Decision.FirstBlocker() == guard
	}
}

// TestReconcile_WaitsForApproval: nothing happens until a person names the hash of the decision, and then it happens once.
func TestReconcile_WaitsForApproval(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(strings.Replace(verticalReadersPolicy, "spec:\n", "spec:\n  mode: Approve\n", 1))
	p := l.runUntil("p", "waiting for an approval", time.Hour, isBlockedBy("ApprovalMissing"))
	d := p.Status.Decision
	if d.Hash == "" || !strings.Contains(d.Message, "scaling.dbscaler.io/approve="+d.Hash) || !strings.Contains(d.Cause, "vCPU") {
		t.Errorf("the decision is %+v", d)
	}
	if conditionSummary(p, v1alpha1.ConditionScalingLimited) != "True ApprovalMissing" || conditionSummary(p, v1alpha1.ConditionReady) != "True Ready" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
	l.runFor("p", time.Hour, nil)
	l.annotate("p", map[string]string{v1alpha1.AnnotationApprove: "00000000"})
	l.runFor("p", 10*time.Minute, nil)
	if got := l.awsChanges(); len(got) > 0 {
		t.Fatalf("without an approval AWS was asked for\n%s", strings.Join(got, "\n"))
	}
	if got := l.events.withReason(events.ApprovalRequired); len(got) != 1 {
		t.Errorf("an approval was wanted %d times:\n%s", len(got), strings.Join(got, "\n"))
	}
	l.annotate("p", map[string]string{v1alpha1.AnnotationApprove: l.getPolicy("p").Status.Decision.Hash})
	l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
}

// TestReconcile_PauseBlocksChanges: a person holds everything back for a time, also in the middle of an operation, and then it goes on.
func TestReconcile_PauseBlocksChanges(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: l.timestampIn(time.Hour)})
	p := l.runUntil("p", "paused", 30*time.Minute, isBlockedBy("Paused"))
	if conditionSummary(p, v1alpha1.ConditionPaused) != "True PausedByAnnotation" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
	begun := l.clock.Now()
	p = l.runUntil("p", "begun", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !isIdle(p) })
	if waited := l.clock.Now().Sub(begun); waited < 40*time.Minute {
		t.Errorf("it began %s after it was paused for an hour", waited)
	}
	if conditionSummary(p, v1alpha1.ConditionPaused) != "absent" {
		t.Errorf("the pause is over, and it is shown: %s", conditionSummary(p, v1alpha1.ConditionPaused))
	}
	asked := len(l.awsChanges())
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: l.timestampIn(time.Hour)})
	l.runFor("p", 50*time.Minute, nil)
	if got := l.awsChanges(); len(got) != asked {
		t.Errorf("paused in the middle, AWS was asked for\n%s", strings.Join(got[asked:], "\n"))
	}
	l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	for reason, want := range map[string]int{events.Paused: 2, events.Resumed: 2} {
		if got := l.events.withReason(reason); len(got) != want {
			t.Errorf("%d events %s, want %d", len(got), reason, want)
		}
	}
}

// TestReconcile_InvalidAnnotationPauses, and says what is wrong with it.
func TestReconcile_InvalidAnnotationPauses(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: "tomorrow"})
	l.runFor("p", 2*time.Hour, nil)
	p := l.getPolicy("p")
	if len(l.awsChanges()) > 0 || conditionSummary(p, v1alpha1.ConditionPaused) != "True InvalidAnnotation" {
		t.Errorf("AWS was asked for %v; status:\n%s", l.awsChanges(), statusYAML(p))
	}
	if !strings.Contains(statusYAML(p), "should be a time such as") {
		t.Errorf("it does not say what is wrong:\n%s", statusYAML(p))
	}
}

// TestReconcile_AppliesReaderOverride: a person wants more readers for a time, gets them, and afterwards the load decides again.
func TestReconcile_AppliesReaderOverride(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.5, "db.r6g.large"))
	l.applyPolicy(horizontalReadersPolicy)
	l.runFor("p", 15*time.Minute, nil)
	l.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideReaders: "3 x db.r6g.large", v1alpha1.AnnotationOverrideUntil: l.timestampIn(4 * time.Hour),
	})
	p := l.runUntil("p", "overridden", 2*time.Hour, hasSucceeded)
	if l.clusterShape("orders") != "db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large" || conditionSummary(p, v1alpha1.ConditionOverridden) != "True OverriddenByAnnotation" {
		t.Fatalf("the cluster is %s; status:\n%s", l.clusterShape("orders"), statusYAML(p))
	}
	p = l.runUntil("p", "held", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Decision.Reason == "Overridden" })
	if !strings.Contains(p.Status.Decision.Message, "are held at 3 × db.r6g.large") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	p = l.runUntil("p", "shrunk", 8*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && l.clusterShape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if conditionSummary(p, v1alpha1.ConditionOverridden) != "absent" {
		t.Errorf("status:\n%s", statusYAML(p))
	}
}

// TestReconcile_WriterOverrideWaitsForWindow.
func TestReconcile_WriterOverrideWaitsForWindow(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 0.5, 0.5, "db.r6g.large"))
	l.applyPolicy(writerPolicy + `  disruptionWindows: [{startTime: "2024-02-05T12:00:00Z", durationSeconds: 7200}]
`)
	l.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideWriter: "db.r6g.2xlarge", v1alpha1.AnnotationOverrideUntil: l.timestampIn(24 * time.Hour),
	})
	p := l.runUntil("p", "waiting for the window", time.Hour, isBlockedBy("DisruptionWindow"))
	if !strings.Contains(p.Status.Decision.Message, "opens at 2024-02-05T12:00:00Z") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	l.runUntil("p", "resized", 8*time.Hour, hasSucceeded)
	if got := l.clusterShape("orders"); !strings.HasPrefix(got, "db.r6g.2xlarge + ") {
		t.Errorf("the cluster is %s", got)
	}
}

// TestReconcile_FollowsScheduledMinimum: a floor for two hours, without any load.
func TestReconcile_FollowsScheduledMinimum(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.3, "db.r6g.large"))
	l.applyPolicy(horizontalReadersPolicy + `  schedules: [{name: import, startTime: "2024-02-05T09:00:00Z", durationSeconds: 7200, readers: {minReplicas: 3}}]
`)
	p := l.runUntil("p", "grown", 3*time.Hour, hasSucceeded)
	if at := p.Status.History[0].StartTime.UTC().Format("15:04"); at != "09:00" || l.clusterShape("orders") != "db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large" {
		t.Errorf("at %s the cluster became %s", at, l.clusterShape("orders"))
	}
	p = l.runUntil("p", "shrunk", 12*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && l.clusterShape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if at := p.Status.History[0].StartTime.UTC(); at.Hour() < 11 {
		t.Errorf("it shrank at %s, before the schedule was over", at.Format("15:04"))
	}
}

// TestReconcile_LedgerEntriesReplay: each decision that differs from the one before is one line, and each line replays to the byte.
func TestReconcile_LedgerEntriesReplay(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	var file bytes.Buffer
	l.reconciler.Ledger = &file
	l.applyPolicy(verticalReadersPolicy)
	l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	lines := bytes.Split(bytes.TrimSpace(file.Bytes()), []byte("\n"))
	if len(lines) < 2 || len(lines) > 10 {
		t.Fatalf("the ledger has %d lines", len(lines))
	}
	for n, line := range lines {
		again, err := ledger.Replay(line)
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("line %d is not replayed: %v\n%s\nbecame\n%s", n+1, err, line, again)
		}
	}
	if !slices.ContainsFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"Verdict":"Chosen"`)) }) {
		t.Error("no line says what was chosen")
	}
}

// TestReconcile_StatusExplainsDecision: what would it do now, why, and what holds it back?
func TestReconcile_StatusExplainsDecision(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(strings.Replace(verticalReadersPolicy, "spec:\n", "spec:\n  mode: Recommend\n  guardrails: {maxHourlyCostUSD: \"9\"}\n  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: \"0.26\"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: \"0.52\"}, {instanceClass: db.r6g.2xlarge, hourlyPriceUSD: \"1.04\"}]\n", 1))
	p := l.runUntil("p", "recommended", time.Hour, isBlockedBy("ModeRecommend"))
	d := p.Status.Decision
	if d.Reason != "ScaleUp" && d.Reason != "PredictiveScaleUp" || d.Desired.InstanceClass != "db.r6g.xlarge" || len(d.BlockedBy) > 1 {
		t.Errorf("the decision is %+v", d)
	}
	if len(d.Alternatives) < 2 || d.Alternatives[0].Reason != "Chosen" || d.Alternatives[0].HourlyCostUSD == "" || d.Alternatives[0].PredictedUtilizationPercent == nil {
		t.Errorf("the alternatives are %+v", d.Alternatives)
	}
	for _, text := range []string{"threshold 75%", "vCPU", "65% is the target"} {
		if !strings.Contains(d.Cause, text) {
			t.Errorf("the cause %q does not say %q", d.Cause, text)
		}
	}
	writes := *l.statusWrites
	l.runFor("p", time.Hour, nil)
	if *l.statusWrites != writes {
		t.Errorf("status was written %d times while nothing changed:\n%s", *l.statusWrites-writes, fmt.Sprint(statusYAML(l.getPolicy("p"))))
	}
}

// failingListClient cannot list.
type failingListClient struct{ client.Client }

// List implements client.Reader.
func (failingListClient) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("etcd is away")
}

// TestReconcile_ChangesNothingWhenPoliciesCannotBeListed: then this one does nothing.
func TestReconcile_ChangesNothingWhenPoliciesCannotBeListed(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.reconciler.APIReader = failingListClient{l.client}
	l.runFor("p", time.Hour, nil)
	if got := l.awsChanges(); len(got) > 0 || l.getPolicy("p").Status.Operation != nil {
		t.Errorf("AWS was asked for\n%s\nand status is\n%s", strings.Join(got, "\n"), statusYAML(l.getPolicy("p")))
	}
	l.reconciler.APIReader = l.client
	l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
}
