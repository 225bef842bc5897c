package baseline

import (
	"testing"
	"time"
)

// runPredictive evaluates the rule each minute with a utilization by the hour since the start, on readers of 4 vCPUs. A change completes at
// once. It returns the readers at the end of each minute.
func runPredictive(hours int, percentOfOneReader func(hour, minute int) float64) []int {
	rule := newPredictive().NewRule()
	ladder := []float64{4, 8, 12, 16}
	index, changedAt := 0, time.Time{}
	var cpu, out = []float64{}, []int{}
	for minute := range hours * 60 {
		now := start.Add(time.Duration(minute+1) * time.Minute)
		cpu = append(cpu, min(100, percentOfOneReader(minute/60, minute%60)/float64(index+1)))
		o := Observation{
			Now: now, CPUPercent: newSeries(now, cpu[max(0, len(cpu)-15):]), LadderVCPUs: ladder, SizeIndex: index, ChangedAt: changedAt,
		}
		if desired := rule.DesiredSizeIndex(o); desired != index {
			index, changedAt = desired, now
		}
		out = append(out, index+1)
	}
	return out
}

// A job in the hour 10 of each day needs 100 % of a reader, so ceil(100/60) = 2 readers. On the first day target tracking adds the second
// one after three minutes. On the second day the forecast adds it 300 s before the hour, and target tracking does not remove it before the
// hour has ended, although the job needs only 20 % from its half on; 15 quiet minutes later, it does.
func TestPredictive_ComputedByHand(t *testing.T) {
	readers := runPredictive(48, func(hour, minute int) float64 {
		switch {
		case hour == 10:
			return 100
		case hour == 34 && minute < 30:
			return 100
		}
		return 20
	})
	day := 24 * 60
	for _, test := range []struct {
		name         string
		minute, want int
	}{
		{"first day, two minutes of the job", 10*60 + 1, 1}, {"first day, three minutes of the job", 10*60 + 2, 2},
		{"first day, after the job", 11*60 + 20, 1}, {"second day, 301 s before the hour", day + 10*60 - 7, 1},
		{"second day, 300 s before the hour", day + 10*60 - 6, 2}, {"second day, the job has ended", day + 10*60 + 55, 2},
		{"second day, after the hour", day + 11*60 + 1, 1},
	} {
		if readers[test.minute] != test.want {
			t.Errorf("%s: %d readers, want %d", test.name, readers[test.minute], test.want)
		}
	}
}

// The forecast is the mean of the same hour of the days: 100 % and 160 % of a reader give 130 %, which needs ceil(130/60) = 3 readers on the
// third day. Without 24 hours of history there is no forecast.
func TestPredictive_AveragesDays(t *testing.T) {
	readers := runPredictive(3*24, func(hour, _ int) float64 {
		switch hour {
		case 10:
			return 100
		case 34:
			return 160
		}
		return 10
	})
	if got := readers[2*24*60+10*60-6]; got != 3 {
		t.Errorf("third day: %d readers before the hour, want 3", got)
	}
	if got := readers[10*60-1]; got != 1 {
		t.Errorf("first day: %d readers before the hour, want 1", got)
	}
}
