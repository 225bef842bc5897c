package decide

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestAlternatives(t *testing.T) {
	candidate := func(vcpus float64, verdict scaling.Verdict) scaling.Candidate {
		return scaling.Candidate{VCPUs: vcpus, Verdict: verdict}
	}
	for _, test := range []struct {
		name       string
		candidates []scaling.Candidate
		want       []float64 // vCPUs
	}{
		{"no candidates, nothing shown", nil, nil},
		{
			"chosen first, then the closest to it",
			[]scaling.Candidate{
				candidate(2, scaling.VerdictTooSmall), candidate(16, scaling.VerdictFits), candidate(8, scaling.VerdictChosen),
				candidate(6, scaling.VerdictTooSmall),
			},
			[]float64{8, 6, 2, 16},
		},
		{
			"none chosen, the closest to the capacity of 4 vCPUs first",
			[]scaling.Candidate{candidate(16, scaling.VerdictTooSmall), candidate(8, scaling.VerdictTooSmall)},
			[]float64{8, 16},
		},
		{
			"wrong direction and no verdict left out",
			[]scaling.Candidate{candidate(2, scaling.VerdictWrongDirection), candidate(3, ""), candidate(8, scaling.VerdictChosen)},
			[]float64{8},
		},
		{
			"five beside the chosen one",
			[]scaling.Candidate{
				candidate(8, scaling.VerdictChosen), candidate(9, scaling.VerdictFits), candidate(10, scaling.VerdictFits),
				candidate(11, scaling.VerdictFits), candidate(12, scaling.VerdictFits), candidate(13, scaling.VerdictFits),
				candidate(14, scaling.VerdictFits),
			},
			[]float64{8, 9, 10, 11, 12, 13},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			hold := scaling.Hold{Reason: scaling.ReasonAtMaximum}
			d := scaling.Decision{Hold: hold, Pools: []scaling.PoolAssessment{
				{Load: scaling.Load{Pool: scaling.Writer}},
				{Load: scaling.Load{Pool: scaling.Readers, Capacity: 4}, Hold: hold, Candidates: test.candidates},
			}}
			for _, shown := range [][]scaling.Candidate{Alternatives(d, scaling.Readers), HoldAlternatives(d)} {
				var got []float64
				for _, c := range shown {
					got = append(got, c.VCPUs)
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("alternatives have %v vCPUs, want %v", got, test.want)
				}
			}
		})
	}
}

func TestAlternatives_UnknownPool(t *testing.T) {
	d := scaling.Decision{Hold: scaling.Hold{Reason: scaling.ReasonAtMaximum}}
	if got := append(Alternatives(d, scaling.Readers), HoldAlternatives(d)...); got != nil {
		t.Errorf("alternatives are %v, want none", got)
	}
}

func TestIsScalingLimit(t *testing.T) {
	for reason, want := range map[scaling.Reason]bool{
		scaling.ReasonAtMaximum: true, scaling.ReasonNoSuitableShape: true, scaling.ReasonScalingIneffective: true,
		scaling.ReasonUpgradeWatch: true, scaling.ReasonWithinThresholds: false, scaling.ReasonStabilizing: false,
		scaling.ReasonMetricsUnavailable: false, scaling.ReasonAtMinimum: false,
	} {
		if got := IsScalingLimit(reason); got != want {
			t.Errorf("%s is a limit: %t, want %t", reason, got, want)
		}
	}
}

func TestDescribeIO(t *testing.T) {
	for want, io := range map[string]scaling.CandidateIO{
		"": {},
		"2600 IOPS of 2520, 20.0 MB/s of 55.1, EBS balance 100%, queue of 1.5": {
			IOPS: 2600, MaxIOPS: 2520, BytesPerSecond: 20e6, MaxBytesPerSecond: 55.125e6, BalancePercent: 100, QueueDepth: 1.5,
		},
		"98.94% cache hits of 99%":                  {CacheHitPercent: 98.94, IOPS: 10},
		"99.50% cache hits of 99%, 10 IOPS of 2520": {CacheHitPercent: 99.5, IOPS: 10, MaxIOPS: 2520},
	} {
		if got := DescribeIO(io); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
