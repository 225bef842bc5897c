package decide

import (
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// verdictTexts say in a sentence why a candidate was rejected.
var verdictTexts = map[scaling.Verdict]string{
	scaling.VerdictTooSmall:                "it is too small for the load",
	scaling.VerdictTooSmallForDailyPeak:    "the class is too small for the daily peak and would have to be changed back",
	scaling.VerdictTooSmallForHottest:      "the hottest reader would stay hot",
	scaling.VerdictInsufficientMemory:      "it has too little memory",
	scaling.VerdictInsufficientConnections: "it allows too few connections",
	scaling.VerdictMemoryUnknown:           "FreeableMemory samples are missing, so it is not known whether memory fits",
	scaling.VerdictConnectionsUnknown:      "DatabaseConnections samples are missing, so it is not known whether connections fit",
	scaling.VerdictInsufficientIO:          "the I/O of the database is too much for the class",
	scaling.VerdictIOSaturated:             "the volumes are at the limit of the current class: their burst balance is low, or requests queue",
	scaling.VerdictInsufficientCache: "less than 99 % of the reads come from the buffer cache (BufferCacheHitRatio), " +
		"which would be smaller",
	scaling.VerdictIOUnknown: "samples of its I/O or the EBS limits of the class are missing, so it is not known whether the I/O " +
		"fits. guardrails.ioLimits: Ignore sizes without them",
	scaling.VerdictStepTooLarge:          "it is further than guardrails.maxStepFactor allows in one operation",
	scaling.VerdictOverBudget:            "it costs more than guardrails.maxHourlyCostUSD, or its price is not known",
	scaling.VerdictPriceUnknown:          "it is of another family, and without prices it is not known whether that is cheaper",
	scaling.VerdictNotOrderable:          "AWS does not offer the class for this engine and version in this region",
	scaling.VerdictNoCapacity:            "AWS had no instances of the class a short time ago",
	scaling.VerdictRefusedByAWS:          "AWS refused this change within the last day",
	scaling.VerdictCannotReplicate:       "AWS refuses more read replicas of this database",
	scaling.VerdictReplicaWithoutClients: "more replicas do not help while no client connects to one that is there",
	scaling.VerdictParametersDoNotFit: "the parameter group has a fixed value that is too large for a smaller class: set a formula or a " +
		"smaller value",
	scaling.VerdictParametersUnknown: "the parameters of the instances are not known, so no class with less memory is chosen: grant " +
		"rds:DescribeDBParameters and rds:DescribeDBClusterParameters, or set guardrails.trustParameterGroups to WhenUnreadable",
	scaling.VerdictStandbyTooSmall: "max_connections of a read replica would be lower than that of its source, which pauses replication: " +
		"replicas scale up first and down last; or set max_connections to a number in the parameter group",
	scaling.VerdictNoPromotionCandidate: "no reader would be large enough to be promoted to writer",
	scaling.VerdictBelowSchedule:        "a schedule requires more, now or within the hour",
	scaling.VerdictCountManaged:         "Aurora Auto Scaling manages the number of readers",
	scaling.VerdictBelowMinCapacity:     "it is below the minimum capacity of the cluster",
	scaling.VerdictMoreExpensive:        "it is not cheaper",
}

// rejections lists the verdicts on the candidates of the proposed direction, each once and sorted by name, so that a message
// made of them does not change from one evaluation to the next.
func (e *poolEvaluation) rejections() []scaling.Verdict {
	var verdicts []scaling.Verdict
	for n := range e.candidates {
		v := e.candidates[n].Verdict
		if at, known := slices.BinarySearch(verdicts, v); !known && v != scaling.VerdictWrongDirection {
			verdicts = slices.Insert(verdicts, at, v)
		}
	}
	return verdicts
}

// describeRejections says why candidates were rejected.
func (e *poolEvaluation) describeRejections(verdicts ...scaling.Verdict) string {
	parts := make([]string, len(verdicts))
	for n, v := range verdicts {
		parts[n] = verdictTexts[v] + e.verdictDetail(v)
		if detail := e.parameterDetail(v); detail != "" {
			parts[n] += " (" + detail + ")"
		}
	}
	return strings.Join(parts, "; or ")
}

// poolNoun names a pool in a sentence.
func poolNoun(p scaling.Pool) string {
	if p == scaling.Writer {
		return "writer pool"
	}
	return "reader pool"
}

// censoredSuffix marks a demand that is only known to be at least what was measured.
func censoredSuffix(censored bool) string {
	if censored {
		return " or more (saturated)"
	}
	return ""
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
