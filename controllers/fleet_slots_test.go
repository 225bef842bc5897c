package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// undersizedInstances is as many plain instances, all too small for their load.
func undersizedInstances(count int) string {
	var out strings.Builder
	out.WriteString("start: \"2024-02-05T08:00:00Z\"\nseed: 7\naccountID: \"123456789012\"\ndatabases:\n")
	for n := range count {
		one := strings.ReplaceAll(rdsInstance("db.m6g.large", 1.8, false), "ledger", fmt.Sprintf("ledger-%d", n))
		out.WriteString(one[strings.Index(one, "- identifier"):])
	}
	return out.String()
}

// applyPolicies applies a policy for each of them and returns their names.
func (l *harness) applyPolicies(count int) []string {
	var names []string
	for n := range count {
		name := fmt.Sprintf("p%d", n)
		names = append(names, name)
		l.applyPolicy(strings.NewReplacer("name: p}", "name: "+name+"}", "ledger", fmt.Sprintf("ledger-%d", n)).Replace(rdsInstancePolicy))
	}
	return names
}

// reconcileInTurn looks at policies in turn, every 15 seconds, and calls each after every turn.
func (l *harness) reconcileInTurn(names []string, length time.Duration, each func() (done bool)) {
	l.t.Helper()
	for end := l.clock.Now().Add(length); l.clock.Now().Before(end) && !each(); l.clock.Step(15 * time.Second) {
		for _, name := range names {
			if _, err := l.reconcile(name); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// Of four databases that are too small at the same time, two are resized at a time, and in the end all are. A new process
// knows who has a slot.
func TestReconcile_LimitsDisruptiveOperations(t *testing.T) {
	l := newHarness(t, undersizedInstances(4))
	l.reconciler.MaxDisruptiveOperations = 2
	names := l.applyPolicies(4)
	most, waited := 0, 0
	l.reconcileInTurn(names, 3*time.Hour, func() bool {
		busy, done := 0, 0
		for _, name := range names {
			p := l.getPolicy(name)
			if p.Status.Operation != nil {
				busy++
			}
			if d := p.Status.Decision; d != nil && d.FirstBlocker() == guard.FleetSlot {
				waited++
			}
			if hasSucceeded(p) {
				done++
			}
		}
		if busy > 2 {
			t.Fatalf("%d operations are under way at %s", busy, l.clock.Now())
		}
		if most = max(most, busy); busy == 2 && waited == 2 {
			l.restartReconciler()
			l.reconciler.MaxDisruptiveOperations = 2
		}
		return done == 4
	})
	if most != 2 || waited == 0 || len(l.awsChanges()) != 4 {
		t.Errorf("at most %d at once, %d times somebody waited; AWS was asked for %q", most, waited, l.awsChanges())
	}
}

// Two that claim the last slot at once see each other when they look again, so that not both begin.
func TestReconcile_ReleasesSlotLostToAnotherPolicy(t *testing.T) {
	l := newHarness(t, undersizedInstances(2))
	names := l.applyPolicies(2)
	other := &v1alpha1.DBScalingPolicy{}
	l.reconciler.MaxDisruptiveOperations = 1
	l.reconciler.APIReader = listHookClient{Client: l.client, beforeList: func() {
		// The other policy's manager has not seen our claim in its cache, and writes its own.
		other = l.getPolicy(names[1])
		if other.Status.Operation == nil {
			other.Status.Operation = l.getPolicy(names[0]).Status.Operation
			if err := l.client.Status().Update(t.Context(), other); err != nil {
				t.Fatal(err)
			}
		}
	}}
	l.reconcileInTurn(names[:1], time.Hour, func() bool { return other.Name != "" })
	p := l.getPolicy(names[0])
	if p.Status.Operation != nil || p.Status.Decision.FirstBlocker() != guard.FleetSlot || len(l.awsChanges()) > 0 {
		t.Errorf("the claim stands: %s; AWS was asked for %q", statusYAML(p), l.awsChanges())
	}
	if !strings.Contains(p.Status.Decision.Message, l.namespace+"/"+names[1]) {
		t.Errorf("it says %q", p.Status.Decision.Message)
	}
}

// An operation ends before its next step when the policy no longer allows what it leads to.
func TestReconcile_FailsOperationAfterPolicyChange(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 0.5, 1.8, "db.r6g.large"))
	l.applyPolicy(verticalReadersPolicy)
	p := l.runUntil("p", "resizing", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	p.Spec.Readers.InstanceClasses = []v1alpha1.InstanceClass{"db.r6g.large"}
	if err := l.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p = l.runUntil("p", "ended", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if r := p.Status.History[0]; r.Outcome != v1alpha1.OutcomeFailed || r.Reason != v1alpha1.ReasonPolicyChanged {
		t.Errorf("it ended as %+v", r)
	}
	if got := l.awsChanges(); slices.ContainsFunc(got, func(c string) bool { return strings.HasPrefix(c, "Modify") }) {
		t.Errorf("AWS was asked for %q", got)
	}
}
