package controllers

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// readPostMortem reads the scenario of the post-mortem, for the test's namespace, and the policy that is made for it.
func readPostMortem(t *testing.T) (scenario, policy string) {
	t.Helper()
	text, err := os.ReadFile("../hack/rdssim/scenarios/post-mortem.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile("../config/samples/clinical-engine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "policy-namespace: platform", "policy-namespace: NAMESPACE"), string(sample)
}

// TestReconcile_PostMortemDay plays 5 February 2024 by the sample policy: the operator acts before 08:49, when the first alarm came, once or
// twice, and no reader saturates at 10:00; whether or not DBLoadCPU shows the demand.
func TestReconcile_PostMortemDay(t *testing.T) {
	t.Parallel()
	for _, insights := range []bool{true, false} {
		t.Run(fmt.Sprintf("performanceInsights=%t", insights), func(t *testing.T) {
			t.Parallel()
			day, sample := readPostMortem(t)
			if !insights {
				day = strings.ReplaceAll(day, "performanceInsights: true", "performanceInsights: false")
			}
			h := newHarness(t, day)
			h.applyPolicy(sample)
			h.runFor("clinical-engine", 9*time.Hour, nil)
			p := h.getPolicy("clinical-engine")
			if n := len(p.Status.History); n < 1 || n > 2 || p.Status.Operation != nil {
				t.Errorf("%d operations, and %v in progress; want 1 or 2, and none", n, p.Status.Operation)
			}
			for n, r := range p.Status.History {
				t.Logf("%s: %v %d × %s → %d × %s, %d %% before", r.StartTime.UTC().Format("15:04"), r.Outcome, *r.From.Replicas,
					r.From.InstanceClass, *r.To.Replicas, r.To.InstanceClass, *r.UtilizationBeforePercent)
				if r.Outcome != v1alpha1.OutcomeSucceeded || n == len(p.Status.History)-1 && r.StartTime.UTC().Format("15:04") >= "08:49" {
					t.Errorf("operation %s started at %s with outcome %s, want the first before 08:49 and each succeeded", r.ID, r.StartTime.UTC().Format("15:04"), r.Outcome)
				}
			}
			for _, m := range h.groundTruth("clinical-engine") {
				if m.ReadersSaturated {
					t.Errorf("at %s a reader was saturated", m.Time.Format("15:04"))
				}
			}
		})
	}
}
