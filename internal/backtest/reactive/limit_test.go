package reactive

import (
	"math"
	"testing"
	"time"
)

var start = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

// newRule has sizes of 2, 4 and 8 vCPUs, a target of 50 %, five minutes to grow and two to remove.
func newRule() Rule {
	return Rule{
		Sizes: []Size{{2, 1}, {4, 2}, {8, 3}}, TargetPercent: 50, GrowDuration: 5 * time.Minute, RemoveDuration: 2 * time.Minute,
	}
}

// A burst from 1 to 3 and to 4 vCPUs, by hand. At 50 % it needs 8 vCPUs from minute 1 on, which serve from minute 6 on. It ends at
// minute 8; the 6 vCPUs above the first size are paid for until minute 10.
func TestPool_ComputedByHand(t *testing.T) {
	demand := []float64{1, 3, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1}
	serving := []float64{2, 2, 2, 2, 2, 2, 8, 8, 2, 2, 2, 2}
	billed := []float64{2, 2, 2, 2, 2, 2, 8, 8, 8, 8, 2, 2}
	cost := []float64{1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 1, 1}
	p := NewPool(newRule(), 0)
	for minute, d := range demand {
		got := p.Advance(start.Add(time.Duration(minute)*time.Minute), d)
		if got.VCPUs != serving[minute] || got.BilledVCPUs != billed[minute] || got.HourlyCost != cost[minute] {
			t.Errorf("minute %d: got %+v, want %g vCPUs in service, %g billed at %g", minute, got, serving[minute], billed[minute], cost[minute])
		}
	}
}

// The size of a ramp is requested step by step, and each step serves five minutes after the demand asked for it.
func TestPool_RequestsWhileAnotherRequestRuns(t *testing.T) {
	p := NewPool(newRule(), 0)
	for minute, want := range []float64{2, 2, 2, 2, 2, 4, 4, 8, 8} {
		demand := 2.0 // needs 4 vCPUs
		if minute >= 2 {
			demand = 4 // needs 8 vCPUs
		}
		if got := p.Advance(start.Add(time.Duration(minute)*time.Minute), demand); got.VCPUs != want {
			t.Errorf("minute %d: %g vCPUs, want %g", minute, got.VCPUs, want)
		}
	}
}

// A request is completed although the demand is gone; then it is removed at once, and paid for until the removal ends.
func TestPool_CompletesRequest(t *testing.T) {
	p := NewPool(newRule(), 0)
	for minute, want := range []float64{2, 2, 2, 2, 2, 4, 4, 2} {
		demand := 1.0
		if minute == 0 {
			demand = 2
		}
		got := p.Advance(start.Add(time.Duration(minute)*time.Minute), demand)
		if got.VCPUs != 2 || got.BilledVCPUs != want {
			t.Errorf("minute %d: got %+v, want 2 vCPUs in service and %g billed", minute, got, want)
		}
	}
}

// With a keep duration, what is not needed serves until then, and is not removed if it is needed again.
func TestPool_KeepsForDuration(t *testing.T) {
	rule := newRule()
	rule.KeepDuration = 3 * time.Minute
	p := NewPool(rule, 1)
	demand := []float64{2, 1, 1, 2, 1, 1, 1, 1}
	serving := []float64{4, 4, 4, 4, 4, 4, 2, 2}
	billed := []float64{4, 4, 4, 4, 4, 4, 4, 4}
	for minute, d := range demand {
		if got := p.Advance(start.Add(time.Duration(minute)*time.Minute), d); got.VCPUs != serving[minute] || got.BilledVCPUs != billed[minute] {
			t.Errorf("minute %d: got %+v, want %g vCPUs in service and %g billed", minute, got, serving[minute], billed[minute])
		}
	}
}

// Without a demand nothing changes; a demand above all sizes needs the largest; the target itself is allowed.
func TestPool_KeepsSizeWithoutDemand(t *testing.T) {
	p := NewPool(newRule(), 2)
	if got := p.Advance(start, math.NaN()); got.VCPUs != 8 || got.RightSize != 2 {
		t.Errorf("without a demand: got %+v, want 8 vCPUs", got)
	}
	for demand, want := range map[float64]int{0: 0, 1: 0, 1.01: 1, 2: 1, 2.01: 2, 4: 2, 100: 2} {
		if got := newRule().RightSize(demand); got != want {
			t.Errorf("%g vCPUs: got size %d, want %d", demand, got, want)
		}
	}
}
