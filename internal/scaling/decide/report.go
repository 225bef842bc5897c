package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// urgentFirst sorts proposals: readers up, writer up, cleanup, writer down, readers down.
func urgentFirst(proposals []scaling.Proposal) {
	rank := func(p scaling.Proposal) int {
		switch {
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

// gravest picks the hold that a person should see first.
func gravest(holds []scaling.Hold) scaling.Hold {
	order := []scaling.Reason{
		scaling.ReasonUnknownClass, scaling.ReasonMetricsMissing, scaling.ReasonAtMaximum, scaling.ReasonSettling,
		scaling.ReasonWithinBand,
		scaling.ReasonAtMinimum,
	}
	for _, reason := range order {
		for _, h := range holds {
			if h.Reason == reason {
				return h
			}
		}
	}
	return scaling.Hold{Reason: scaling.ReasonWithinBand, Message: "The policy scales no pool that this database has"}
}

// noun is the pool in a sentence. Verbs after it are in the plural, which "writer instances" allows.
func noun(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}

func atLeast(censored bool) string {
	if censored {
		return " or more (saturated)"
	}
	return ""
}

func seconds(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
