package decide

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
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

// grave lists the reasons of holds, the one that a person should see first at the front.
var grave = []scaling.Reason{
	scaling.ReasonUnknownClass, scaling.ReasonInvalidSchedule, scaling.ReasonMetricsMissing, scaling.ReasonScalingIneffective,
	scaling.ReasonNothingFits, scaling.ReasonAtMaximum, scaling.ReasonOverridden, scaling.ReasonSettling, scaling.ReasonUpgradeWatch,
	scaling.ReasonWithinBand, scaling.ReasonAtMinimum,
}

// gravest picks the hold that a person should see first.
func gravest(pools []scaling.Assessment) scaling.Hold {
	best := scaling.Hold{Reason: scaling.ReasonWithinBand, Message: "The policy scales no pool that this database has"}
	rank := len(grave)
	for n := range pools {
		h := pools[n].Hold
		if r := slices.Index(grave, h.Reason); r >= 0 && r < rank {
			best, rank = h, r
		}
	}
	return best
}

// words say in a sentence what is to be said against candidates.
var words = map[scaling.Verdict]string{
	scaling.TooSmall:           "the load would not fit",
	scaling.TooSmallForDay:     "the class would have to be changed back within the day",
	scaling.TooSmallForHottest: "the hottest reader would stay hot",
	scaling.TooLittleMemory:    "there would be too little memory",
	scaling.TooFewConnections:  "there would be too few connections",
	scaling.MemoryUnknown:      "FreeableMemory samples are missing, so nobody knows whether memory would do",
	scaling.ConnectionsUnknown: "DatabaseConnections samples are missing, so nobody knows whether connections would do",
	scaling.StepTooLarge:       "it is further than guardrails.maxStepFactor lets one operation go",
	scaling.OverBudget:         "it would cost more than guardrails.maxHourlyCostUSD, or its price is not known",
	scaling.PriceUnknown:       "it is of another family, and without prices nobody knows whether that is cheaper",
	scaling.NotOrderable:       "AWS does not offer the class for this engine and version here",
	scaling.NoCapacity:         "AWS had no instances of the class a short time ago",
	scaling.LosesSuccessor:     "no reader would be large enough to succeed the writer",
	scaling.BelowScheduled:     "a schedule asks for more, now or within the hour",
	scaling.CountManaged:       "Aurora Auto Scaling manages the number of readers",
	scaling.Dearer:             "it would not be cheaper",
}

// refused lists what is to be said against the candidates of the wanted direction, each once, in the order of the verdicts' names so
// that it stays the same.
func (s *scene) refused() []scaling.Verdict {
	var refused []scaling.Verdict
	for n := range s.candidates {
		v := s.candidates[n].Verdict
		if at, known := slices.BinarySearch(refused, v); !known && v != scaling.WrongDirection {
			refused = slices.Insert(refused, at, v)
		}
	}
	return refused
}

// because says what is to be said against candidates.
func because(refused ...scaling.Verdict) string {
	parts := make([]string, len(refused))
	for n, v := range refused {
		parts[n] = words[v]
	}
	return strings.Join(parts, "; or ")
}

// noun is the pool in a sentence. Verbs after it are in the plural, which "writer instances" allows.
func noun(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}

func atLeast(hidden bool) string {
	if hidden {
		return " or more (saturated)"
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func seconds(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}
