package backtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

var monday = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

// newHourlyRecording has one value a minute, and each demand (vCPUs) for an hour.
func newHourlyRecording(demands ...float64) *recording.Recording {
	r := &recording.Recording{Start: monday, Interval: time.Minute}
	for _, d := range demands {
		r.Demand = append(r.Demand, slices.Repeat([]float64{d}, 60)...)
	}
	return r
}

// newFixedSetup is a setup with one instance of a class, which the policy cannot change.
func newFixedSetup(class string, r *recording.Recording) Setup {
	p := newPolicy(class)
	p.Readers.Max = 1
	return Setup{Policy: p, Recording: r, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1}
}

func runPolicy(t *testing.T, s Setup) Run {
	t.Helper()
	run, err := RunPolicy(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// newStepSetup has a load of 1 vCPU for 6 hours, 5 for 12 hours, and 1 for 36 hours.
func newStepSetup() Setup {
	r := newHourlyRecording(slices.Concat(slices.Repeat([]float64{1}, 6), slices.Repeat([]float64{5}, 12), slices.Repeat([]float64{1}, 36))...)
	return Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"), Recording: r, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1,
		InitialShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}
}

// newPolicy is a policy for readers with the default settings.
func newPolicy(classes ...string) scaling.Policy {
	return scaling.Policy{
		Name: "shop/orders", Namespace: "shop", Mode: scaling.Recommend,
		Target: scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "orders"},
		Readers: &scaling.ReaderLimits{
			InstanceClasses: classes, Min: 1, Max: 4, Preference: scaling.Cheapest, Redundancy: scaling.AllReaders,
		},
		CPU:                  scaling.CPU{Target: 65, ScaleUp: 75, ScaleDown: 50},
		ScaleUp:              scaling.Behavior{Window: 2 * time.Minute, Cooldown: 5 * time.Minute},
		ScaleDown:            scaling.Behavior{Window: time.Hour, Cooldown: time.Hour},
		ScaleDownClassWindow: 24 * time.Hour,
		Guardrails:           scaling.Guardrails{MaxOperationsPerDay: 6, SurgeReaders: 1, MaxStepFactor: 4},
		PredictiveScaling:    scaling.PredictiveScaling{Trend: true, History: true},
	}
}

// newDailyRecording has a daily cycle from about 0.6 to 6.2 vCPUs, one value a minute.
func newDailyRecording(days int) *recording.Recording {
	r := &recording.Recording{Start: time.Date(2024, 2, 5, 0, 0, 0, 0, time.UTC), Interval: time.Minute}
	for n := range days * 24 * 60 {
		h := float64(n) / 60
		r.Demand = append(r.Demand, 3.4+2.6*math.Sin((h-8)/24*2*math.Pi)+0.2*math.Sin(37*h))
	}
	return r
}

// newDailySetup has the daily recording and a ladder of four classes.
func newDailySetup(days int) Setup {
	return Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge"), Recording: newDailyRecording(days), Pool: scaling.Readers,
		PerformanceInsights: true, Seed: 1,
	}
}

// mustValidate returns the setup with its defaults.
func mustValidate(t *testing.T, s Setup) Setup {
	t.Helper()
	s, err := s.validated()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
