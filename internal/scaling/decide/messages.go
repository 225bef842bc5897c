package decide

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// sortByUrgency sorts proposals: readers up, writer up, cleanup, writer down, readers down.
func sortByUrgency(proposals []scaling.Proposal) {
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

// holdSeverity lists the reasons of holds, the one that a person should see first at the front.
var holdSeverity = []scaling.Reason{
	scaling.ReasonUnknownClass, scaling.ReasonInvalidSchedule, scaling.ReasonMetricsUnavailable, scaling.ReasonScalingIneffective,
	scaling.ReasonNoSuitableShape, scaling.ReasonAtMaximum, scaling.ReasonOverridden, scaling.ReasonStabilizing, scaling.ReasonUpgradeWatch,
	scaling.ReasonWithinThresholds, scaling.ReasonAtMinimum,
}

// mostSevereHold picks the hold that a person should see first.
func mostSevereHold(pools []scaling.PoolAssessment) scaling.Hold {
	best := scaling.Hold{Reason: scaling.ReasonWithinThresholds, Message: "The policy scales no pool that this database has"}
	rank := len(holdSeverity)
	for n := range pools {
		h := pools[n].Hold
		if r := slices.Index(holdSeverity, h.Reason); r >= 0 && r < rank {
			best, rank = h, r
		}
	}
	return best
}

// verdictTexts say in a sentence what is to be said against candidates.
var verdictTexts = map[scaling.Verdict]string{
	scaling.VerdictTooSmall:                "the load would not fit",
	scaling.VerdictTooSmallForDailyPeak:    "the class would have to be changed back within the day",
	scaling.VerdictTooSmallForHottest:      "the hottest reader would stay hot",
	scaling.VerdictInsufficientMemory:      "there would be too little memory",
	scaling.VerdictInsufficientConnections: "there would be too few connections",
	scaling.VerdictMemoryUnknown:           "FreeableMemory samples are missing, so nobody knows whether memory would do",
	scaling.VerdictConnectionsUnknown:      "DatabaseConnections samples are missing, so nobody knows whether connections would do",
	scaling.VerdictStepTooLarge:            "it is further than guardrails.maxStepFactor lets one operation go",
	scaling.VerdictOverBudget:              "it would cost more than guardrails.maxHourlyCostUSD, or its price is not known",
	scaling.VerdictPriceUnknown:            "it is of another family, and without prices nobody knows whether that is cheaper",
	scaling.VerdictNotOrderable:            "AWS does not offer the class for this engine and version here",
	scaling.VerdictNoCapacity:              "AWS had no instances of the class a short time ago",
	scaling.VerdictNoPromotionCandidate:    "no reader would be large enough to succeed the writer",
	scaling.VerdictBelowSchedule:           "a schedule asks for more, now or within the hour",
	scaling.VerdictCountManaged:            "Aurora Auto Scaling manages the number of readers",
	scaling.VerdictMoreExpensive:           "it would not be cheaper",
}

// rejections lists what is to be said against the candidates of the wanted direction, each once, in the order of the verdicts' names so
// that it stays the same.
func (e *poolEvaluation) rejections() []scaling.Verdict {
	var refused []scaling.Verdict
	for n := range e.candidates {
		v := e.candidates[n].Verdict
		if at, known := slices.BinarySearch(refused, v); !known && v != scaling.VerdictWrongDirection {
			refused = slices.Insert(refused, at, v)
		}
	}
	return refused
}

// describeRejections says what is to be said against candidates.
func describeRejections(refused ...scaling.Verdict) string {
	parts := make([]string, len(refused))
	for n, v := range refused {
		parts[n] = verdictTexts[v]
	}
	return strings.Join(parts, "; or ")
}

// poolNoun is the pool in a sentence. Verbs after it are in the plural, which "writer instances" allows.
func poolNoun(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer instances"
	}
	return "readers"
}

func censoredSuffix(hidden bool) string {
	if hidden {
		return " or more (saturated)"
	}
	return ""
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func formatDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}
