package backtest

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newPolicy is the default settings on readers.
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

// newDailyRecording is a load that follows the hours, one value a minute.
func newDailyRecording(days int) *recording.Recording {
	r := &recording.Recording{Start: time.Date(2024, 2, 5, 0, 0, 0, 0, time.UTC), Interval: time.Minute}
	for n := range days * 24 * 60 {
		h := float64(n) / 60
		r.Demand = append(r.Demand, 3.4+2.6*math.Sin((h-8)/24*2*math.Pi)+0.2*math.Sin(37*h))
	}
	return r
}

func newDailySetup(days int) Setup {
	return Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge"), Recording: newDailyRecording(days), Pool: scaling.Readers,
		PerformanceInsights: true, Seed: 1,
	}
}

// BenchmarkRunPolicy is a recording of two months, one value a minute.
func BenchmarkRunPolicy(b *testing.B) {
	s := newDailySetup(61)
	b.ReportAllocs()
	for b.Loop() {
		run, err := RunPolicy(b.Context(), s, nil)
		if err != nil || run.Score.Changes == 0 {
			b.Fatal(run.Score, err)
		}
		b.ReportMetric(float64(run.Score.Changes), "changes")
	}
}
