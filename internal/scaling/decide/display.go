package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxAlternatives is how many candidates are shown beside the chosen one.
const maxAlternatives = 5

// Alternatives returns the candidates of a pool to show with a decision: the chosen one first, then those closest to it in
// vCPUs. Without a chosen one they are those closest to the pool's capacity. Candidates that scale in the wrong direction are
// left out.
func Alternatives(d scaling.Decision, pool scaling.Pool) []scaling.Candidate {
	n := slices.IndexFunc(d.Pools, func(a scaling.PoolAssessment) bool { return a.Load.Pool == pool })
	if n < 0 {
		return nil
	}
	shown := slices.DeleteFunc(slices.Clone(d.Pools[n].Candidates), func(c scaling.Candidate) bool {
		return c.Verdict == "" || c.Verdict == scaling.VerdictWrongDirection
	})
	reference := d.Pools[n].Load.Capacity
	if k := slices.IndexFunc(shown, func(c scaling.Candidate) bool { return c.Verdict == scaling.VerdictChosen }); k >= 0 {
		reference = shown[k].VCPUs
	}
	distance := func(c scaling.Candidate) float64 {
		if c.Verdict == scaling.VerdictChosen {
			return -1
		}
		return max(c.VCPUs-reference, reference-c.VCPUs)
	}
	slices.SortStableFunc(shown, func(a, b scaling.Candidate) int { return cmp.Compare(distance(a), distance(b)) })
	return shown[:min(len(shown), 1+maxAlternatives)]
}

// HoldAlternatives returns the Alternatives of the pool that the decision's hold is about.
func HoldAlternatives(d scaling.Decision) []scaling.Candidate {
	for _, pool := range d.Pools {
		if pool.Hold == d.Hold {
			return Alternatives(d, pool.Load.Pool)
		}
	}
	return nil
}

// IsScalingLimit reports whether a hold prevents a change that the load calls for. Such a hold is shown as a limit.
func IsScalingLimit(reason scaling.Reason) bool {
	return slices.Contains([]scaling.Reason{
		scaling.ReasonAtMaximum, scaling.ReasonNoSuitableShape, scaling.ReasonScalingIneffective, scaling.ReasonUpgradeWatch,
		scaling.ReasonCPUCreditsExhausted,
		scaling.ReasonRegionSwitch,
	}, reason)
}

// DescribeIO gives the figures that the I/O check of a candidate compared; empty where it compared none.
func DescribeIO(io scaling.CandidateIO) string {
	const megabyte = 1e6
	var parts []string
	if io.CacheHitPercent > 0 {
		parts = append(parts, fmt.Sprintf("%.2f%% cache hits of %d%%", io.CacheHitPercent, minCacheHitPercent))
	}
	if io.MaxIOPS > 0 {
		parts = append(parts, fmt.Sprintf("%.0f IOPS of %.0f", io.IOPS, io.MaxIOPS))
	}
	if io.MaxBytesPerSecond > 0 {
		parts = append(parts, fmt.Sprintf("%.1f MB/s of %.1f", io.BytesPerSecond/megabyte, io.MaxBytesPerSecond/megabyte),
			fmt.Sprintf("EBS balance %.0f%%", io.BalancePercent), fmt.Sprintf("queue of %.1f", io.QueueDepth))
	}
	return strings.Join(parts, ", ")
}
