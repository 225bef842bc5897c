package backtest

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
)

// The load on the hosts includes work that waits for a CPU, where the CPU percentage ends at 100.
func TestBaselineObserver_CountsBacklogAsLoad(t *testing.T) {
	s := mustValidate(t, newFixedSetup("db.r6g.large", newHourlyRecording(4)))
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	observer, observation := newBaselineObserver(w, s, baseline.Autoscaler{Interval: 15 * time.Second}), baseline.Observation{}
	for now := monday; now.Before(monday.Add(20 * time.Minute)); now = now.Add(15 * time.Second) {
		w.Advance(now)
		observer.observe(now, &observation)
	}
	// Clients wait for 15 minutes, so that after 20 minutes 15 × 2 vCPU minutes wait. They are requested again within ten minutes.
	if newest, _ := observation.CPUPercent.NewestSample(); math.Abs(observation.RunningVCPUs-(4+30/10)) > 0.1 || newest.Value < 99 {
		t.Errorf("the load is %.2f vCPUs at %.0f %% CPU, want 7 vCPUs at 99 %% or more", observation.RunningVCPUs, newest.Value)
	}
}

// Nothing is observed in a gap of the recording.
func TestBaselineObserver_HasNoLoadInGap(t *testing.T) {
	s := mustValidate(t, newFixedSetup("db.r6g.large", newHourlyRecording(1, math.NaN(), 1)))
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	observer, observation := newBaselineObserver(w, s, baseline.Autoscaler{Interval: time.Minute}), baseline.Observation{}
	for minute := range 170 {
		now := monday.Add(time.Duration(minute) * time.Minute)
		w.Advance(now)
		if observer.observe(now, &observation); math.IsNaN(observation.RunningVCPUs) != (minute >= 60 && minute < 120) {
			t.Errorf("minute %d: the load is %g vCPUs", minute, observation.RunningVCPUs)
		}
	}
}
