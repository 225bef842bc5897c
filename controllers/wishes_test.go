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
func (l *lab) annotate(name string, annotations map[string]string) {
	l.t.Helper()
	p := l.get(name)
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

// in is a time so long from now, as an annotation has it.
func (l *lab) in(d time.Duration) string { return l.clock.Now().Add(d).UTC().Format(time.RFC3339) }

func heldBackBy(guard string) func(*v1alpha1.DBScalingPolicy) bool {
	return func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision != nil && p.Status.Decision.HeldBackBy == guard
	}
}

// TestApprove: nothing happens until a person names the hash of the decision, and then it happens once.
func TestApprove(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(strings.Replace(readersVertical, "spec:\n", "spec:\n  mode: Approve\n", 1))
	p := l.until("p", "waiting for an approval", time.Hour, heldBackBy("ApprovalMissing"))
	d := p.Status.Decision
	if d.Hash == "" || !strings.Contains(d.Message, "scaling.dbscaler.io/approve="+d.Hash) || !strings.Contains(d.Cause, "vCPU") {
		t.Errorf("the decision is %+v", d)
	}
	if condition(p, v1alpha1.ConditionScalingLimited) != "True ApprovalMissing" || condition(p, v1alpha1.ConditionReady) != "True Ready" {
		t.Errorf("status:\n%s", dump(p))
	}
	l.run("p", time.Hour, nil)
	l.annotate("p", map[string]string{v1alpha1.AnnotationApprove: "00000000"})
	l.run("p", 10*time.Minute, nil)
	if got := l.changes(); len(got) > 0 {
		t.Fatalf("without an approval AWS was asked for\n%s", strings.Join(got, "\n"))
	}
	if got := l.events.with(events.ApprovalWanted); len(got) != 1 {
		t.Errorf("an approval was wanted %d times:\n%s", len(got), strings.Join(got, "\n"))
	}
	l.annotate("p", map[string]string{v1alpha1.AnnotationApprove: l.get("p").Status.Decision.Hash})
	l.until("p", "resized", 3*time.Hour, succeeded)
	if got := l.shape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
}

// TestPause: a person holds everything back for a time, also in the middle of an operation, and then it goes on.
func TestPause(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(readersVertical)
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: l.in(time.Hour)})
	p := l.until("p", "paused", 30*time.Minute, heldBackBy("Paused"))
	if condition(p, v1alpha1.ConditionPaused) != "True PausedByAnnotation" {
		t.Errorf("status:\n%s", dump(p))
	}
	begun := l.clock.Now()
	p = l.until("p", "begun", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !idle(p) })
	if waited := l.clock.Now().Sub(begun); waited < 40*time.Minute {
		t.Errorf("it began %s after it was paused for an hour", waited)
	}
	if condition(p, v1alpha1.ConditionPaused) != "absent" {
		t.Errorf("the pause is over, and it is shown: %s", condition(p, v1alpha1.ConditionPaused))
	}
	asked := len(l.changes())
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: l.in(time.Hour)})
	l.run("p", 50*time.Minute, nil)
	if got := l.changes(); len(got) != asked {
		t.Errorf("paused in the middle, AWS was asked for\n%s", strings.Join(got[asked:], "\n"))
	}
	l.until("p", "resized", 3*time.Hour, succeeded)
	for reason, want := range map[string]int{events.Paused: 2, events.Resumed: 2} {
		if got := l.events.with(reason); len(got) != want {
			t.Errorf("%d events %s, want %d", len(got), reason, want)
		}
	}
}

// TestAnAnnotationThatCannotBeReadIsAPause, and says what is wrong with it.
func TestAnAnnotationThatCannotBeReadIsAPause(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(readersVertical)
	l.annotate("p", map[string]string{v1alpha1.AnnotationPausedUntil: "tomorrow"})
	l.run("p", 2*time.Hour, nil)
	p := l.get("p")
	if len(l.changes()) > 0 || condition(p, v1alpha1.ConditionPaused) != "True InvalidAnnotation" {
		t.Errorf("AWS was asked for %v; status:\n%s", l.changes(), dump(p))
	}
	if !strings.Contains(dump(p), "should be a time such as") {
		t.Errorf("it does not say what is wrong:\n%s", dump(p))
	}
}

// TestOverride: a person wants more readers for a time, gets them, and afterwards the load decides again.
func TestOverride(t *testing.T) {
	l := newLab(t, cluster("db.r6g.xlarge", 1, 0.5, "db.r6g.large"))
	l.apply(readersHorizontal)
	l.run("p", 15*time.Minute, nil)
	l.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideReaders: "3 x db.r6g.large", v1alpha1.AnnotationOverrideUntil: l.in(4 * time.Hour),
	})
	p := l.until("p", "overridden", 2*time.Hour, succeeded)
	if l.shape("orders") != "db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large" || condition(p, v1alpha1.ConditionOverridden) != "True OverriddenByAnnotation" {
		t.Fatalf("the cluster is %s; status:\n%s", l.shape("orders"), dump(p))
	}
	p = l.until("p", "held", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Decision.Reason == "Overridden" })
	if !strings.Contains(p.Status.Decision.Message, "are held at 3 × db.r6g.large") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	p = l.until("p", "shrunk", 8*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return idle(p) && l.shape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if condition(p, v1alpha1.ConditionOverridden) != "absent" {
		t.Errorf("status:\n%s", dump(p))
	}
}

// TestOverrideOfTheWriterWaitsForAWindow.
func TestOverrideOfTheWriterWaitsForAWindow(t *testing.T) {
	l := newLab(t, cluster("db.r6g.large", 0.5, 0.5, "db.r6g.large"))
	l.apply(writerOnly + `  disruptionWindows: [{startTime: "2024-02-05T12:00:00Z", durationSeconds: 7200}]
`)
	l.annotate("p", map[string]string{
		v1alpha1.AnnotationOverrideWriter: "db.r6g.2xlarge", v1alpha1.AnnotationOverrideUntil: l.in(24 * time.Hour),
	})
	p := l.until("p", "waiting for the window", time.Hour, heldBackBy("DisruptionWindow"))
	if !strings.Contains(p.Status.Decision.Message, "opens at 2024-02-05T12:00:00Z") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	l.until("p", "resized", 8*time.Hour, succeeded)
	if got := l.shape("orders"); !strings.HasPrefix(got, "db.r6g.2xlarge + ") {
		t.Errorf("the cluster is %s", got)
	}
}

// TestScheduleIsReachedAndLeft: a floor for two hours, without any load.
func TestScheduleIsReachedAndLeft(t *testing.T) {
	l := newLab(t, cluster("db.r6g.xlarge", 1, 0.3, "db.r6g.large"))
	l.apply(readersHorizontal + `  schedules: [{name: import, startTime: "2024-02-05T09:00:00Z", durationSeconds: 7200, readers: {minReplicas: 3}}]
`)
	p := l.until("p", "grown", 3*time.Hour, succeeded)
	if at := p.Status.History[0].StartTime.UTC().Format("15:04"); at != "09:00" || l.shape("orders") != "db.r6g.xlarge + db.r6g.large db.r6g.large db.r6g.large" {
		t.Errorf("at %s the cluster became %s", at, l.shape("orders"))
	}
	p = l.until("p", "shrunk", 12*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return idle(p) && l.shape("orders") == "db.r6g.xlarge + db.r6g.large"
	})
	if at := p.Status.History[0].StartTime.UTC(); at.Hour() < 11 {
		t.Errorf("it shrank at %s, before the schedule was over", at.Format("15:04"))
	}
}

// TestLedger: each decision that differs from the one before is one line, and each line replays to the byte.
func TestLedger(t *testing.T) {
	l := newLab(t, busyCluster())
	var file bytes.Buffer
	l.reconciler.Ledger = &file
	l.apply(readersVertical)
	l.until("p", "resized", 3*time.Hour, succeeded)
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

// TestStatusAnswers: what would it do now, why, and what holds it back?
func TestStatusAnswers(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(strings.Replace(readersVertical, "spec:\n", "spec:\n  mode: Recommend\n  guardrails: {maxHourlyCostUSD: \"9\"}\n  prices: [{instanceClass: db.r6g.large, usdPerHour: \"0.26\"}, {instanceClass: db.r6g.xlarge, usdPerHour: \"0.52\"}, {instanceClass: db.r6g.2xlarge, usdPerHour: \"1.04\"}]\n", 1))
	p := l.until("p", "recommended", time.Hour, heldBackBy("ModeRecommend"))
	d := p.Status.Decision
	if d.Reason != "ScaleUp" && d.Reason != "ScaleUpAhead" || d.Desired.InstanceClass != "db.r6g.xlarge" || len(d.AlsoHeldBackBy) != 0 {
		t.Errorf("the decision is %+v", d)
	}
	if len(d.Alternatives) < 2 || d.Alternatives[0].Verdict != "Chosen" || d.Alternatives[0].USDPerHour == "" || d.Alternatives[0].PredictedPercent == nil {
		t.Errorf("the alternatives are %+v", d.Alternatives)
	}
	for _, text := range []string{"threshold 75%", "vCPU", "65% is the target"} {
		if !strings.Contains(d.Cause, text) {
			t.Errorf("the cause %q does not say %q", d.Cause, text)
		}
	}
	writes := *l.writes
	l.run("p", time.Hour, nil)
	if *l.writes != writes {
		t.Errorf("status was written %d times while nothing changed:\n%s", *l.writes-writes, fmt.Sprint(dump(l.get("p"))))
	}
}

// blindClient cannot list.
type blindClient struct{ client.Client }

// List implements client.Reader.
func (blindClient) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("etcd is away")
}

// TestNobodyKnowsWhetherAnotherPolicyScalesTheDatabase: then this one does nothing.
func TestNobodyKnowsWhetherAnotherPolicyScalesTheDatabase(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(readersVertical)
	l.reconciler.Live = blindClient{l.client}
	l.run("p", time.Hour, nil)
	if got := l.changes(); len(got) > 0 || l.get("p").Status.Operation != nil {
		t.Errorf("AWS was asked for\n%s\nand status is\n%s", strings.Join(got, "\n"), dump(l.get("p")))
	}
	l.reconciler.Live = l.client
	l.until("p", "resized", 3*time.Hour, succeeded)
}
