package controllers

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// TestReconcile_DefersToOlderPolicy: of two policies for one database, only the older changes it, and the younger names it.
func TestReconcile_DefersToOlderPolicy(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p", "name: q", 1))
	h.runFor("q", time.Hour, nil)
	h.expectChanges()
	q := h.getPolicy("q")
	if got := conditionSummary(q, v1alpha1.ConditionAuthorized); got != "False PolicyConflict" {
		t.Fatalf("Authorized is %s, want False PolicyConflict", got)
	}
	if c := meta.FindStatusCondition(q.Status.Conditions, v1alpha1.ConditionStalled); c == nil || !strings.Contains(c.Message, h.namespace+"/p scales the same database") {
		t.Errorf("Stalled is %+v, want it to name the older policy", c)
	}
	h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_ReportsDeniedChange: AWS denies the change itself. The policy reports it and tries again after the cooldown, so that
// it recovers once the permission is granted.
func TestReconcile_ReportsDeniedChange(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "CreateDBInstance", Code: "AccessDenied", HTTPStatus: 403,
		Message: "User: x is not authorized to perform: rds:CreateDBInstance", ExpiresAt: scenarioStart.Add(30 * time.Minute)})
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "denied", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionAuthorized) == "False AccessDenied"
	})
	if got := conditionSummary(p, v1alpha1.ConditionReady); got != "False AccessDenied" || p.Status.Operation != nil {
		t.Errorf("Ready is %s with operation %+v, want False AccessDenied without one", got, p.Status.Operation)
	}
	first := len(h.awsChanges())
	h.runFor("p", 4*time.Minute, nil)
	if got := len(h.awsChanges()); first != 1 || got != 1 {
		t.Errorf("%d AWS changes, then %d within the cooldown; want 1", first, got)
	}
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	h.runUntil("p", "authorized", 2*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionAuthorized) == "True "+v1alpha1.ReasonAuthorized
	})
}
