package decide

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestDemandByQuarterHour: a quarter of an hour without a sample is left out, one whose capacity is not known has no demand, and CPU above
// 100 % counts as the capacity.
func TestDemandByQuarterHour(t *testing.T) {
	start := time.Date(2026, 2, 5, 1, 0, 0, 0, time.UTC)
	o := scaling.Observation{
		ReadersCPU: scaling.NewSeries(15*time.Minute, start, 10, 20, math.NaN(), 50, 101, 60),
		ReadersCapacityHistory: []scaling.CapacityPeriod{
			{StartedAt: start.Add(15 * time.Minute), EndedAt: start.Add(45 * time.Minute), VCPUs: 2},
			{StartedAt: start.Add(45 * time.Minute), EndedAt: start.Add(80 * time.Minute), VCPUs: 4},
		},
	}
	want := []QuarterHourDemand{
		{Time: start, Percent: 10}, // before the capacity is known
		{Time: start.Add(15 * time.Minute), Percent: 20, VCPUs: 0.4, CapacityKnown: true},
		{Time: start.Add(45 * time.Minute), Percent: 50, VCPUs: 2, CapacityKnown: true},
		{Time: start.Add(60 * time.Minute), Percent: 100, VCPUs: 4, CapacityKnown: true},
		{Time: start.Add(75 * time.Minute), Percent: 60}, // its end is not observed yet
	}
	got := DemandByQuarterHour(o, scaling.Readers, start.Add(-time.Hour), start.Add(2*time.Hour))
	if len(got) != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for n, q := range got {
		if !q.CapacityKnown {
			q.VCPUs = 0 // it means nothing
		}
		if math.Abs(q.VCPUs-want[n].VCPUs) > 1e-6 || q.Time != want[n].Time || q.Percent != want[n].Percent || q.CapacityKnown != want[n].CapacityKnown {
			t.Errorf("got %+v, want %+v", q, want[n])
		}
	}
	if got := DemandByQuarterHour(o, scaling.Readers, start.Add(45*time.Minute), start.Add(60*time.Minute)); len(got) != 1 || got[0].Percent != 50 {
		t.Errorf("between two times: got %+v", got)
	}
	if got := DemandByQuarterHour(o, scaling.Writer, start, start.Add(time.Hour)); len(got) != 0 {
		t.Errorf("a pool without samples: got %+v", got)
	}
}
