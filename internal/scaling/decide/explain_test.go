package decide

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// rising is a load that rises by a constant number of points a minute to a newest value.
func rising(newest, perMinute float64) scaling.Series {
	percents := make([]float64, 30)
	for n := range percents {
		percents[n] = newest - perMinute*float64(len(percents)-1-n)
	}
	return recentSamples(percents...)
}

// TestDemandByMinute_IsWhatEvaluateUses: the demand of the newest minutes has the peak and the mean of the assessed load, and a minute with a
// missing sample is not known.
func TestDemandByMinute_IsWhatEvaluateUses(t *testing.T) {
	p := newPolicy()
	o := newObservation(foreignReader("a", large, rising(60, 1)), foreignReader("b", xlarge, withoutMinute(constantLoad(40), 5)))
	load := Evaluate(p, o, now).Pools[0].Load
	minutes := DemandByMinute(p, o, scaling.Readers, now, 10*time.Minute)
	if len(minutes) != 10 || !minutes[9].Time.Equal(newestMinute) || minutes[4].Known || !minutes[5].Known {
		t.Fatalf("got %+v", minutes)
	}
	peak, sum := 0.0, 0.0
	for _, m := range minutes[7:] {
		peak, sum = max(peak, m.VCPUs), sum+m.VCPUs
	}
	if peak != load.Demand || 100*sum/3/load.UsableCapacity != load.UtilizationPercent {
		t.Errorf("got a peak of %g and a sum of %g, want those of %+v", peak, sum, load)
	}
	if minutes := DemandByMinute(p, newObservation(foreignReader("a", "db.none.large", constantLoad(1))), scaling.Readers, now, time.Hour); minutes != nil {
		t.Errorf("of an unknown class: got %v", minutes)
	}
	saturated := DemandByMinute(p, newObservation(foreignReader("a", large, constantLoad(100))), scaling.Readers, now, time.Minute)
	if len(saturated) != 1 || !saturated[0].Saturated || !saturated[0].Censored || saturated[0].VCPUs != 2 {
		t.Errorf("saturated: got %+v", saturated)
	}
}

func TestHeadroom(t *testing.T) {
	for _, test := range []struct {
		name          string
		cpu           scaling.Series
		want          time.Duration
		rising, known bool
	}{
		{"one point a minute, 35 points below saturation", rising(60, 1), 35 * time.Minute, true, true},
		{"two points a minute", rising(75, 2), 10 * time.Minute, true, true},
		{"constant", constantLoad(60), 0, false, true},
		{"falling", rising(40, -1), 0, false, true},
		{"too slow to matter", rising(60, 0.001), 0, false, true},
		{"saturated", constantLoad(100), 0, true, true},
		{"samples missing", recentSamples(60, 61, 62), 0, false, false},
		{"no samples", scaling.Series{}, 0, false, false},
	} {
		p, o := newPolicy(), newObservation(foreignReader("a", large, test.cpu))
		left, rising, known := Headroom(p, o, Evaluate(p, o, now).Pools[0].Load, now)
		if left.Round(time.Second) != test.want || rising != test.rising || known != test.known {
			t.Errorf("%s: got %s, %t, %t; want %s, %t, %t", test.name, left, rising, known, test.want, test.rising, test.known)
		}
	}
}

// TestVerdictText_ForEachVerdict reads the names of the verdicts from the source, so that a new one cannot be forgotten.
func TestVerdictText_ForEachVerdict(t *testing.T) {
	source, err := os.ReadFile("../decision.go")
	if err != nil {
		t.Fatal(err)
	}
	matches := regexp.MustCompile(`Verdict\w+\s+Verdict = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(matches) < 20 {
		t.Fatalf("found %d verdicts", len(matches))
	}
	for _, m := range matches {
		if VerdictText(scaling.Verdict(m[1])) == "" {
			t.Errorf("%s has no text: add it to verdictTexts", m[1])
		}
	}
}
