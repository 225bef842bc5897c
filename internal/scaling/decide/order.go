package decide

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// sortByUrgency sorts proposals: emergencies, failed readers, readers up, writer up, cleanup, writer down, readers down. Within the
// emergencies the readers are first.
func sortByUrgency(proposals []scaling.Proposal) {
	rank := func(p scaling.Proposal) int {
		switch {
		case p.Emergency && p.Pool == scaling.Readers:
			return -3
		case p.Emergency:
			return -2
		case p.Reason == scaling.ReasonFailedReader: // otherwise failed attempts would leave one after the other
			return -1
		case p.Direction == scaling.Up && p.Pool == scaling.Readers:
			return 0
		case p.Direction == scaling.Up:
			return 1
		case p.Direction == scaling.Cleanup:
			return 2
		case p.Pool == scaling.Writer:
			return 3
		default:
			return 4
		}
	}
	slices.SortStableFunc(proposals, func(a, b scaling.Proposal) int { return cmp.Compare(rank(a), rank(b)) })
}

// holdSeverity lists the reasons for changing nothing, the most important to a person first.
var holdSeverity = []scaling.Reason{
	scaling.ReasonUnknownClass, scaling.ReasonInvalidSchedule, scaling.ReasonMetricsUnavailable, scaling.ReasonScalingIneffective,
	scaling.ReasonNoSuitableShape, scaling.ReasonAtMaximum, scaling.ReasonOverridden, scaling.ReasonStaticEndpoints, scaling.ReasonStabilizing,
	scaling.ReasonUpgradeWatch, scaling.ReasonRegionSwitch, scaling.ReasonCPUCreditsExhausted, scaling.ReasonWithinThresholds,
	scaling.ReasonAtMinimum,
}

// mostSevereHold returns the hold whose reason comes first in holdSeverity.
func mostSevereHold(pools []scaling.PoolAssessment) scaling.Hold {
	best := scaling.Hold{Reason: scaling.ReasonWithinThresholds, Message: "The policy scales no pool of this database"}
	rank := len(holdSeverity)
	for n := range pools {
		h := pools[n].Hold
		if r := slices.Index(holdSeverity, h.Reason); r >= 0 && r < rank {
			best, rank = h, r
		}
	}
	return best
}
