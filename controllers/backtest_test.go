package controllers

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestReconcile_DecidesAsTheBacktest runs a load twice: in the backtest, and with the operator on a real API server against the simulator
// over HTTP. Every reconcile and every step of an operation must be at the same time, and every decision and every raise the same.
func TestReconcile_DecidesAsTheBacktest(t *testing.T) {
	t.Parallel()
	day := func(demand func(hour float64) float64, gap int) *recording.Recording {
		r := &recording.Recording{Start: scenarioStart, Interval: time.Minute}
		for n := range 24 * 60 {
			r.Demand = append(r.Demand, demand(float64(n)/60))
			if gap > 0 && n >= gap && n < gap+20 {
				r.Demand[n] = math.NaN()
			}
		}
		return r
	}
	for _, test := range []struct {
		name, spec string
		load       *recording.Recording
		pool       scaling.Pool
		// minOperations and maxOperations bound the operations of the day.
		minOperations, maxOperations int
		// minRaises is how many times, at least, an operation in progress must get more readers.
		minRaises int
		insights  bool
		guards    []string // guards that must block a decision, so that the day tests them
	}{
		{
			name: "readers", pool: scaling.Readers, minOperations: 2, maxOperations: 6, insights: true,
			spec: "readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge, db.r6g.4xlarge], minReplicas: 1, maxReplicas: 4}",
			load: day(func(h float64) float64 { return 3.2 + 2.8*math.Sin((h-6)/24*2*math.Pi) + 0.3*math.Sin(h*50) }, 700),
		},
		{
			name: "writer with readers", pool: scaling.Writer, minOperations: 1, maxOperations: 6, insights: false,
			spec: "writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}\n  behavior: {scaleDown: {windowSeconds: 7200}}",
			load: day(func(h float64) float64 {
				if h > 4 && h < 12 {
					return 2.6 // saturates the first class
				}
				return 0.4
			}, 0),
		},
		{ // what may be done depends on earlier operations: cooldowns, operations a day, and lead times
			name: "load that changes every 90 minutes", pool: scaling.Readers, minOperations: 4, maxOperations: 12, insights: true, guards: []string{"Cooldown", "OperationsPerDay"},
			spec: `readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], minReplicas: 1, maxReplicas: 4, preference: Horizontal}
  behavior:
    scaleUp: {cooldownSeconds: 3600}
    scaleDown: {windowSeconds: 1800, cooldownSeconds: 10800}
  guardrails: {maxOperationsPerDay: 1}`,
			load: day(func(h float64) float64 { return 0.6 + 2.4*math.Mod(math.Floor(h/1.5), 3) }, 0),
		},
		{ // bursts outgrow operations in progress
			name: "bursts", pool: scaling.Readers, minOperations: 4, maxOperations: 10, minRaises: 2, insights: true,
			spec: "readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], minReplicas: 1, maxReplicas: 8}\n  guardrails: {maxOperationsPerDay: 20}",
			load: burstyHours(t),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			policy := `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: day}
spec:
  targetRef: {kind: DBCluster, identifier: day, region: eu-west-1}
  mode: Enforce
  ` + test.spec
			setup := backtest.Setup{Recording: test.load, Pool: test.pool, PerformanceInsights: test.insights, Seed: 3}
			if test.pool == scaling.Writer {
				setup.OtherPoolShape = scaling.Shape{InstanceClass: "db.r6g.large", Count: 2}
			}
			setup.Policy = defaultedPolicy(t, policy)
			scenario, err := setup.Scenario()
			if err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(scenario)
			if err != nil {
				t.Fatal(err)
			}
			h := newHarness(t, string(text))
			p := h.applyPolicy(policy)
			if setup.Policy, err = convert.Policy(p); err != nil { // the policy's name is part of the operation's
				t.Fatal(err)
			}
			var want []string
			var last backtest.ReconcileRecord
			raises := 0
			run, err := backtest.RunPolicy(t.Context(), setup, func(record backtest.ReconcileRecord) {
				if record.OperationID != "" && record.OperationID == last.OperationID && record.OperationTo != last.OperationTo {
					raises++
				}
				want, last = append(want, record.String()), record
			})
			if err != nil {
				t.Fatal(err)
			}
			if raises < test.minRaises {
				t.Errorf("%d raises of an operation in progress, want at least %d", raises, test.minRaises)
			}
			for _, guard := range test.guards {
				if !strings.Contains(strings.Join(want, "\n"), " "+guard+" ") {
					t.Errorf("%s blocked no decision, want at least one", guard)
				}
			}
			var got []string
			operations := 0
			h.runFor("day", time.Duration(len(test.load.Demand))*test.load.Interval, func(p *v1alpha1.DBScalingPolicy) bool {
				record := recordOf(p, h.clock.Now())
				record.OperationEnded = p.Status.Decision.Reason == v1alpha1.ReasonCompleted || p.Status.Decision.Reason == v1alpha1.ReasonStepFailed
				if record.OperationEnded {
					record.Reason = ""
					operations++
				}
				got = append(got, record.String())
				if n := len(got); n > len(want) || got[n-1] != want[n-1] {
					t.Fatalf("reconcile %d of the operator and of the backtest differ:\n%s\nbefore them:\n%s", n,
						strings.Join(append(got[n-1:], want[min(n-1, len(want)-1):min(n, len(want))]...), "\n"), strings.Join(got[max(0, n-4):n-1], "\n"))
				}
				return false
			})
			t.Logf("%d equal reconciles, %d operations, %d raises, %d minutes overloaded", len(got), operations, raises, run.Score.OverloadedMinutes)
			if len(got) != len(want) || operations < test.minOperations || operations > test.maxOperations {
				t.Errorf("%d reconciles of the operator and %d of the backtest, want as many; %d operations, want %d to %d", len(got), len(want),
					operations, test.minOperations, test.maxOperations)
			}
			overloaded := 0
			for _, m := range h.groundTruth("day") {
				n := int(m.Time.Sub(scenarioStart) / time.Minute)
				if n < len(test.load.Demand) && backtest.IsOverloaded(m) && !math.IsNaN(test.load.Demand[n]) {
					overloaded++
				}
			}
			if overloaded < run.Score.OverloadedMinutes-1 || overloaded > run.Score.OverloadedMinutes {
				t.Errorf("%d minutes overloaded with the operator, want %d as in the backtest, or one less", overloaded, run.Score.OverloadedMinutes)
			}
		})
	}
}

// burstyHours is the first ten hours of a day of random bursts, which rise to 3 to 10 times the demand for 15 to 90 minutes.
func burstyHours(t *testing.T) *recording.Recording {
	t.Helper()
	generators := workload.All()
	n := slices.IndexFunc(generators, func(g workload.Generator) bool { return g.Name == "bursts" })
	if n < 0 {
		t.Fatal(`no load has the name "bursts"`)
	}
	const day, length = 11, 10 * 60 // the first value is that of day 0
	demand := generators[n].Generate(3).Demand[day*24*60:]
	return &recording.Recording{Start: scenarioStart, Interval: time.Minute, Demand: demand[:length]}
}

// recordOf is the last reconcile of a policy as its status shows it.
func recordOf(p *v1alpha1.DBScalingPolicy, at time.Time) backtest.ReconcileRecord {
	record := backtest.ReconcileRecord{Time: at, Reason: scaling.Reason(p.Status.Decision.Reason), BlockedBy: p.Status.Decision.FirstBlocker()}
	if op := convert.Operation(p.Status.Operation); op != nil {
		record.Reason, record.OperationID, record.StepIndex, record.OperationTo = "", op.ID, op.CurrentStep(), op.To
		if record.StepIndex < len(op.Steps) {
			record.Attempts = op.Steps[record.StepIndex].Attempts
		}
	}
	return record
}

// defaultedPolicy is a policy with the defaults that the API server sets.
func defaultedPolicy(t *testing.T, text string) scaling.Policy {
	t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(text), p); err != nil {
		t.Fatal(err)
	}
	namespace, c := env.NewNamespace(t)
	p.Namespace = namespace
	if err := c.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	policy, err := convert.Policy(p)
	if err != nil {
		t.Fatalf("the policy with the defaults of the API server is invalid: %v", err)
	}
	return policy
}
