package controllers

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// firstDecisionTime is how soon after a policy was applied an operation must have begun.
const firstDecisionTime = 2 * time.Minute

// saturatedDatabases are saturated from the start of the scenario on. The readers can only be resized, which early growth does not do.
var saturatedDatabases = []struct {
	name, scenario, spec string
	// isCluster says that the database is the cluster orders, and not the instance ledger.
	isCluster bool
}{
	{"readers", auroraCluster("db.r6g.large", 0.4, 3, "db.r6g.large"), `
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], maxReplicas: 1, preference: Vertical}
`, true},
	{"writer with a reader", auroraCluster("db.r6g.large", 3, 0.4, "db.r6g.xlarge"), `
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}
`, true},
	{"plain instance", rdsInstance("db.m6g.large", 3, false), `
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge, db.m6g.2xlarge]}
`, false},
}

func saturatedPolicy(spec string) string {
	return "metadata: {name: p}\nspec:" + spec + "  mode: Enforce\n  guardrails: {emergencyDisruption: Allow, maxOperationsPerDay: 12}\n"
}

// firstOperationStart reconciles until an operation has begun, and returns how long after the policy was applied that was.
func (h *harness) firstOperationStart(limit time.Duration) time.Duration {
	h.t.Helper()
	appliedAt := h.clock.Now()
	p := h.runUntil("p", "in an operation", limit, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	return p.Status.Operation.StartTime.Sub(appliedAt)
}

// countCalls counts the AWS calls of an operation.
func (h *harness) countCalls(operation string) int {
	n := 0
	for _, c := range h.aws.Calls() {
		if c.Operation == operation {
			n++
		}
	}
	return n
}

// TestFirstDecision_SaturatedFromTheStart: where CloudWatch has the past and no event says that the pool has changed, an operation begins
// within two minutes of the policy. The events are read once, also after a restart of the operator.
func TestFirstDecision_SaturatedFromTheStart(t *testing.T) {
	for _, d := range saturatedDatabases {
		t.Run(d.name, func(t *testing.T) {
			h := newHarness(t, d.scenario)
			h.clock.Step(2 * time.Hour)
			h.applyPolicy(saturatedPolicy(d.spec))
			if after := h.firstOperationStart(30 * time.Minute); after > firstDecisionTime {
				t.Errorf("the first operation began after %s, want at most %s", after, firstDecisionTime)
			}
			h.restartReconciler()
			h.runFor("p", 10*time.Minute, nil)
			if n := h.countCalls("DescribeEvents"); n != 1 {
				t.Errorf("events were read %d times, want once", n)
			}
		})
	}
}

// TestFirstDecision_WaitsAfterAChange: with a change ten minutes ago the pool is watched first, as without events. Afterwards it scales up.
func TestFirstDecision_WaitsAfterAChange(t *testing.T) {
	changes := map[string]func(*harness, bool) error{
		"restart": func(h *harness, isCluster bool) (err error) {
			h.aws.WithWorld(func(w *model.World) {
				for _, id := range instancesOf(isCluster) {
					_, rebootErr := w.RebootInstance("eu-west-1", id, false)
					err = firstError(err, rebootErr)
				}
			})
			return err
		},
		"class change": func(h *harness, isCluster bool) (err error) {
			h.aws.WithWorld(func(w *model.World) {
				for _, id := range instancesOf(isCluster) {
					class := map[bool]string{true: "db.r6g.2xlarge", false: "db.m6g.2xlarge"}[isCluster]
					_, modifyErr := w.ModifyInstance("eu-west-1", id, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true})
					err = firstError(err, modifyErr)
				}
			})
			return err
		},
		"failover": func(h *harness, isCluster bool) (err error) {
			h.aws.WithWorld(func(w *model.World) {
				if isCluster {
					_, err = w.FailoverCluster("eu-west-1", "orders", "")
				}
			})
			return err
		},
	}
	for _, d := range saturatedDatabases {
		for change, apply := range changes {
			if change == "failover" && !d.isCluster {
				continue
			}
			t.Run(d.name+" after a "+change, func(t *testing.T) {
				// Enough load to saturate the larger class as well, in either role.
				h := newHarness(t, strings.NewReplacer("vcpus: 3}", "vcpus: 40}", "vcpus: 0.4}", "vcpus: 40}").Replace(d.scenario))
				h.clock.Step(2 * time.Hour)
				if err := apply(h, d.isCluster); err != nil {
					t.Fatal(err)
				}
				h.stepUntilQuiet()
				h.clock.Step(10 * time.Minute)
				h.applyPolicy(saturatedPolicy(strings.ReplaceAll(strings.ReplaceAll(d.spec, "db.r6g.large,", ""), "2xlarge]", "2xlarge, "+
					map[bool]string{true: "db.r6g.8xlarge]", false: "db.m6g.8xlarge]"}[d.isCluster])))
				after := h.firstOperationStart(time.Hour)
				if after <= 5*time.Minute {
					t.Errorf("the first operation began after %s, want the warm-up first; status:\n%s", after, statusYAML(h.getPolicy("p")))
				}
			})
		}
	}
}

func instancesOf(isCluster bool) []string {
	if isCluster {
		return []string{"orders-1", "orders-2"}
	}
	return []string{"ledger"}
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// stepUntilQuiet advances the clock until no instance is changing and no event was recorded for a minute.
func (h *harness) stepUntilQuiet() {
	h.t.Helper()
	for range 120 {
		h.clock.Step(time.Minute)
		quiet := true
		h.aws.WithWorld(func(w *model.World) {
			for _, i := range w.Instances("eu-west-1") {
				quiet = quiet && i.Status == "available"
			}
			for _, c := range w.Clusters("eu-west-1") {
				quiet = quiet && c.Status == "available"
			}
			quiet = quiet && len(w.Events("eu-west-1", w.Now().Add(-time.Minute), w.Now())) == 0
		})
		if quiet {
			return
		}
	}
	h.t.Fatal("the database did not become available")
}

// TestFirstDecision_EventsDenied: without the permission the pool is watched first, and an event on the policy says why.
func TestFirstDecision_EventsDenied(t *testing.T) {
	shipped, err := os.ReadFile("../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(bytes.Replace(shipped, []byte(`"rds:DescribeEvents"`), []byte(`"rds:Nothing"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range saturatedDatabases {
		t.Run(d.name, func(t *testing.T) {
			h := newHarnessWithIAMPolicy(t, d.scenario, policy)
			h.clock.Step(2 * time.Hour)
			h.applyPolicy(saturatedPolicy(d.spec))
			if after := h.firstOperationStart(30 * time.Minute); after <= 5*time.Minute || after > 15*time.Minute {
				t.Errorf("the first operation began after %s, want the warm-up and the scale-up window", after)
			}
			got := h.events.withReason("PastUnknown")
			if len(got) != 1 || !strings.Contains(got[0], "rds:DescribeEvents") || !strings.Contains(got[0], grantPermissions) {
				t.Errorf("got the events %q, want one about rds:DescribeEvents", got)
			}
			if n := h.countCalls("DescribeEvents"); n != 1 {
				t.Errorf("events were requested %d times, want once", n)
			}
		})
	}
}
