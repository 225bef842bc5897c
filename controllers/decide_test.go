package controllers

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// isBlockedBy reports whether a guard is the first that blocks the decision.
func isBlockedBy(guardName string) func(*v1alpha1.DBScalingPolicy) bool {
	return func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision.FirstBlocker() == guardName
	}
}

// TestReconcile_WaitsForDisruptionWindow: the writer is resized in its window, which is in Amsterdam time, an hour ahead of UTC.
func TestReconcile_WaitsForDisruptionWindow(t *testing.T) {
	h := newHarness(t, rdsInstance("db.m6g.large", 1.6, true))
	h.applyPolicy(rdsInstancePolicy + "  disruptionWindows: [{schedule: '0 12 * * *', durationSeconds: 3600, timeZone: Europe/Amsterdam}]\n")
	h.runFor("p", 2*time.Hour, nil)
	p := h.getPolicy("p")
	if got := conditionSummary(p, v1alpha1.ConditionScalingLimited); got != "True DisruptionWindow" {
		t.Fatalf("ScalingLimited is %s, want True DisruptionWindow", got)
	}
	if !isBlockedBy("DisruptionWindow")(p) || !strings.Contains(p.Status.Decision.Message, "opens at 2024-02-05T11:00:00Z") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	if got := len(h.events.withReason(events.ScalingBlocked)); got != 1 {
		t.Errorf("%d events say that the change is blocked, want 1", got)
	}
	p = h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	if started := p.Status.History[0].StartTime.UTC().Format("15:04"); started != "11:00" {
		t.Errorf("the operation started at %s, want 11:00", started)
	}
}

// TestReconcile_FollowsScheduledMinimum: a schedule raises the minimum for two hours, without any load.
func TestReconcile_FollowsScheduledMinimum(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.3, "db.r6g.large"))
	h.applyPolicy(horizontalReadersPolicy + `  schedules: [{name: import, startTime: "2024-02-05T09:00:00Z", durationSeconds: 7200, readers: {minReplicas: 3}}]
`)
	p := h.runUntil("p", "scaled up", 3*time.Hour, hasSucceeded)
	if at := p.Status.History[0].StartTime.UTC().Format("15:04"); at != "09:00" || h.clusterShape("orders") != "db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large" {
		t.Errorf("at %s the cluster was scaled up to %s, want 3 readers at 09:00", at, h.clusterShape("orders"))
	}
	p = h.runUntil("p", "scaled down", 12*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return isIdle(p) && h.clusterShape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if at := p.Status.History[0].StartTime.UTC(); at.Hour() < 11 {
		t.Errorf("scaled down at %s, want after the schedule ends at 11:00", at.Format("15:04"))
	}
}

// TestReconcile_LedgerEntriesReplay: each decision that differs from the one before is one line, and each line replays to the same
// bytes.
func TestReconcile_LedgerEntriesReplay(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	var file bytes.Buffer
	h.reconciler.Ledger = &file
	h.applyPolicy(verticalReadersPolicy)
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	lines := bytes.Split(bytes.TrimSpace(file.Bytes()), []byte("\n"))
	if len(lines) < 2 || len(lines) > 10 {
		t.Fatalf("the ledger has %d lines, want 2 to 10", len(lines))
	}
	for n, line := range lines {
		replayed, err := ledger.Replay(line)
		if err != nil || !bytes.Equal(replayed, line) {
			t.Errorf("line %d replays with error %v:\n%s\nbecomes\n%s", n+1, err, line, replayed)
		}
	}
	if !slices.ContainsFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"Verdict":"Chosen"`)) }) {
		t.Error("no line has a chosen candidate")
	}
}

// TestReconcile_StatusExplainsDecision: status says what would change, why, what blocks it, and which alternatives there are.
func TestReconcile_StatusExplainsDecision(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "  mode: Enforce\n", "  mode: Recommend\n  guardrails: {maxHourlyCostUSD: \"9\"}\n  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: \"0.26\"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: \"0.52\"}, {instanceClass: db.r6g.2xlarge, hourlyPriceUSD: \"1.04\"}]\n", 1))
	p := h.runUntil("p", "recommended", time.Hour, isBlockedBy("RecommendMode"))
	d := p.Status.Decision
	if d.Reason != "ScaleUp" && d.Reason != "PredictiveScaleUp" || d.Desired.InstanceClass != "db.r6g.xlarge" || len(d.BlockedBy) != 1 {
		t.Errorf("the decision is %+v", d)
	}
	if len(d.Alternatives) < 2 || d.Alternatives[0].Reason != "Chosen" || d.Alternatives[0].HourlyCostUSD == "" || d.Alternatives[0].PredictedUtilizationPercent == nil {
		t.Errorf("the alternatives are %+v, want the chosen one first, with its cost and utilization", d.Alternatives)
	}
	for _, text := range []string{"threshold 75%", "vCPU", "(target 65%)"} {
		if !strings.Contains(d.Cause, text) {
			t.Errorf("the cause %q does not say %q", d.Cause, text)
		}
	}
	h.expectNoStatusWrites("p", time.Hour)
}

// failingListClient fails to list.
type failingListClient struct{ client.Client }

// List implements client.Reader.
func (failingListClient) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("etcd is unavailable")
}

// TestReconcile_ChangesNothingWhenPoliciesCannotBeListed: an older policy might scale the same database.
func TestReconcile_ChangesNothingWhenPoliciesCannotBeListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.reconciler.APIReader = failingListClient{h.apiReader}
	h.runFor("p", time.Hour, nil)
	if got := h.awsChanges(); len(got) > 0 || h.getPolicy("p").Status.Operation != nil {
		t.Errorf("an operation was started: AWS changes\n%s\nstatus:\n%s", strings.Join(got, "\n"), statusYAML(h.getPolicy("p")))
	}
	h.reconciler.APIReader = h.apiReader
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
}
