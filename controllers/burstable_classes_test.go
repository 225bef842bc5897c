package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/events"
)

// TestReconcile_WarnsOfBurstableClassesOnce: one event for each version of the spec, however often it is reconciled.
func TestReconcile_WarnsOfBurstableClassesOnce(t *testing.T) {
	h := newHarness(t, rdsInstance("db.m6g.large", 0.9, true))
	h.applyPolicy(strings.Replace(rdsInstancePolicy, "[db.m6g.large,", "[db.t4g.medium,", 1))
	h.runFor("p", 10*time.Minute, nil)
	if got := h.events.withReason(events.BurstableClass); len(got) != 1 || !strings.Contains(got[0], "(db.t4g.medium)") {
		t.Fatalf("events are %v, want one that names db.t4g.medium", got)
	}
	p := h.getPolicy("p")
	p.Spec.CPU.TargetPercent++
	if err := h.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.runFor("p", 10*time.Minute, nil)
	if got := h.events.withReason(events.BurstableClass); len(got) != 2 {
		t.Errorf("events are %v, want one more for the new spec", got)
	}
}
