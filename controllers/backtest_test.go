package controllers

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestReconcile_DecidesAsTheBacktest plays a day of load twice: in the backtest, and with the operator on a real API server against the
// simulator over HTTP. Every look has to be at the same time and to come to the same decision, and every step of every operation too.
func TestReconcile_DecidesAsTheBacktest(t *testing.T) {
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
		from, most int // operations
		insights   bool
		held       []string // guards that have to hold something back for the day to be worth it
	}{
		{
			name: "readers", pool: scaling.Readers, from: 2, most: 6, insights: true,
			spec: "readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge, db.r6g.4xlarge], minReplicas: 1, maxReplicas: 4}",
			load: day(func(h float64) float64 { return 3.2 + 2.8*math.Sin((h-6)/24*2*math.Pi) + 0.3*math.Sin(h*50) }, 700),
		},
		{
			name: "writer with readers", pool: scaling.Writer, from: 1, most: 6, insights: false,
			spec: "writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}\n  behavior: {scaleDown: {windowSeconds: 7200}}",
			load: day(func(h float64) float64 {
				if h > 4 && h < 12 {
					return 2.6 // which saturates what it begins with
				}
				return 0.4
			}, 0),
		},
		{ // what was done before decides what may be done: cooldowns, operations a day, a schedule, and how long it took
			name: "a restless day", pool: scaling.Readers, from: 4, most: 12, insights: true, held: []string{"Cooldown", "OperationsPerDay"},
			spec: `readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], minReplicas: 1, maxReplicas: 4, preference: Horizontal}
  behavior:
    scaleUp: {cooldownSeconds: 3600}
    scaleDown: {windowSeconds: 1800, cooldownSeconds: 10800}
  guardrails: {maxOperationsPerDay: 1}`,
			load: day(func(h float64) float64 { return 0.6 + 2.4*math.Mod(math.Floor(h/1.5), 3) }, 0),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: day}
spec:
  targetRef: {kind: DBCluster, identifier: day, region: eu-west-1}
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
			l := newHarness(t, string(text))
			p := l.applyPolicy(policy)
			if setup.Policy, err = convert.Policy(p); err != nil { // its name is part of an operation's
				t.Fatal(err)
			}
			var wanted []string
			run, err := backtest.RunPolicy(t.Context(), setup, func(look backtest.ReconcileRecord) { wanted = append(wanted, look.String()) })
			if err != nil {
				t.Fatal(err)
			}
			for _, guard := range test.held {
				if !strings.Contains(strings.Join(wanted, "\n"), " "+guard+" ") {
					t.Errorf("nothing was held back by %s", guard)
				}
			}
			var got []string
			ended := 0
			l.runFor("day", 24*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				look := evaluationOf(p, l.clock.Now())
				look.OperationEnded = p.Status.Decision.Reason == v1alpha1.ReasonCompleted || p.Status.Decision.Reason == v1alpha1.ReasonStepFailed
				if look.OperationEnded {
					look.Reason = ""
					ended++
				}
				got = append(got, look.String())
				if n := len(got); n > len(wanted) || got[n-1] != wanted[n-1] {
					t.Fatalf("look %d of the operator and of the backtest:\n%s\nbefore them:\n%s", n,
						strings.Join(append(got[n-1:], wanted[min(n-1, len(wanted)-1):min(n, len(wanted))]...), "\n"), strings.Join(got[max(0, n-4):n-1], "\n"))
				}
				return false
			})
			t.Logf("%d looks alike, %d operations, %d minutes overloaded", len(got), run.Score.Changes, run.Score.OverloadedMinutes)
			if len(got) != len(wanted) || ended < test.from || ended > test.most {
				t.Errorf("%d looks of the operator and %d of the backtest, with %d operations", len(got), len(wanted), ended)
			}
			overloaded := 0
			for _, m := range l.groundTruth("day") {
				n := int(m.Time.Sub(scenarioStart) / time.Minute)
				busy := m.HottestReaderPercent >= backtest.OverloadedPercent || m.WriterPercent >= backtest.OverloadedPercent || m.ReaderUnservedVCPUSeconds+m.WriterUnservedVCPUSeconds > 1e-6
				if n < len(test.load.Demand) && busy && !math.IsNaN(test.load.Demand[n]) {
					overloaded++
				}
			}
			if overloaded < run.Score.OverloadedMinutes-1 || overloaded > run.Score.OverloadedMinutes {
				t.Errorf("%d minutes overloaded with the operator, %d in the backtest", overloaded, run.Score.OverloadedMinutes)
			}
		})
	}
}

// evaluationOf is what a policy shows of the last look at it.
func evaluationOf(p *v1alpha1.DBScalingPolicy, at time.Time) backtest.ReconcileRecord {
	look := backtest.ReconcileRecord{Time: at, Reason: scaling.Reason(p.Status.Decision.Reason), BlockedBy: p.Status.Decision.FirstBlocker()}
	if op := convert.Operation(p.Status.Operation); op != nil {
		look.Reason, look.OperationID, look.StepIndex = "", op.ID, op.CurrentStep()
		if look.StepIndex < len(op.Steps) {
			look.Attempts = op.Steps[look.StepIndex].Attempts
		}
	}
	return look
}

// defaultedPolicy is a policy as the API server fills it in.
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
		t.Fatal(fmt.Errorf("as the API server has it: %w", err))
	}
	return policy
}
