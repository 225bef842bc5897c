package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// undersizedInstances is a scenario of that many RDS instances, all too small for their load.
func undersizedInstances(count int) string {
	var out strings.Builder
	out.WriteString("start: \"2024-02-05T08:00:00Z\"\nseed: 7\naccountID: \"123456789012\"\ndatabases:\n")
	for n := range count {
		database := strings.ReplaceAll(rdsInstance("db.m6g.large", 1.8, false), "ledger", fmt.Sprintf("ledger-%d", n))
		out.WriteString(database[strings.Index(database, "- identifier"):])
	}
	return out.String()
}

// applyPolicies creates a policy for each of them and returns the names of the policies.
func (h *harness) applyPolicies(count int) []string {
	var names []string
	for n := range count {
		name := fmt.Sprintf("p%d", n)
		names = append(names, name)
		h.applyPolicy(strings.NewReplacer("name: p}", "name: "+name+"}", "ledger", fmt.Sprintf("ledger-%d", n)).Replace(rdsInstancePolicy))
	}
	return names
}

// reconcileInTurn reconciles policies in turn, every 15 seconds, and calls each after every turn.
func (h *harness) reconcileInTurn(names []string, length time.Duration, each func() (done bool)) {
	h.t.Helper()
	for end := h.clock.Now().Add(length); h.clock.Now().Before(end) && !each(); h.clock.Step(15 * time.Second) {
		for _, name := range names {
			if _, err := h.reconcile(name); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// TestReconcile_LimitsDisruptiveOperations: of four databases that are too small at the same time, two are resized at a time, until
// all are. A new process knows which policies hold a slot.
func TestReconcile_LimitsDisruptiveOperations(t *testing.T) {
	t.Parallel()
	h := newHarness(t, undersizedInstances(4))
	h.reconciler.MaxDisruptiveOperations = 2
	names := h.applyPolicies(4)
	maxBusy, waited := 0, 0
	h.reconcileInTurn(names, 3*time.Hour, func() bool {
		busy, done := 0, 0
		for _, name := range names {
			p := h.readPolicy(h.client, name)
			if p.Status.Operation != nil {
				busy++
			}
			if isBlockedBy(guard.FleetSlot)(p) {
				waited++
			}
			if hasSucceeded(p) {
				done++
			}
		}
		if busy > 2 {
			t.Fatalf("%d operations are in progress at %s, want at most 2", busy, h.clock.Now())
		}
		if maxBusy = max(maxBusy, busy); busy == 2 && waited == 2 {
			h.restartReconciler()
			h.reconciler.MaxDisruptiveOperations = 2
		}
		return done == 4
	})
	if maxBusy != 2 || waited == 0 || len(h.awsChanges()) != 4 {
		t.Errorf("at most %d operations at once, %d times a policy waited, AWS changes %q; want 2, some and 4", maxBusy, waited, h.awsChanges())
	}
}

// TestReconcile_ReleasesSlotLostToAnotherPolicy: two policies that take the last slot at once see each other past the cache, so that not
// both start.
func TestReconcile_ReleasesSlotLostToAnotherPolicy(t *testing.T) {
	h := newHarness(t, undersizedInstances(2))
	names := h.applyPolicies(2)
	other := &v1alpha1.DBScalingPolicy{}
	h.reconciler.MaxDisruptiveOperations = 1
	h.reconciler.APIReader = listHookClient{Client: h.apiReader, beforeList: func() {
		// The manager of the other policy has not seen this operation in its cache, and persists its own.
		other = h.getPolicy(names[1])
		if other.Status.Operation == nil {
			other.Status.Operation = h.getPolicy(names[0]).Status.Operation
			if err := h.client.Status().Update(t.Context(), other); err != nil {
				t.Fatal(err)
			}
		}
	}}
	h.reconcileInTurn(names[:1], time.Hour, func() bool { return other.Name != "" })
	p := h.getPolicy(names[0])
	if p.Status.Operation != nil || !isBlockedBy(guard.FleetSlot)(p) || len(h.awsChanges()) > 0 {
		t.Errorf("the slot was not released: AWS changes %q, status:\n%s", h.awsChanges(), statusYAML(p))
	}
	if !strings.Contains(p.Status.Decision.Message, h.namespace+"/"+names[1]) {
		t.Errorf("the message %q does not name the policy that holds the slot", p.Status.Decision.Message)
	}
}
