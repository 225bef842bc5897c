package alarms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

const (
	// detectionDelay is what passes in addition to the scale-up window and the operation: CloudWatch publishes a minute a few minutes
	// late, the operator evaluates once a minute, and a new leader takes over within two.
	detectionDelay = 5 * time.Minute
	// maxLoadPeriod is the longest period of a datapoint of LoadHigh, so that it fires at most that much late.
	maxLoadPeriod = 5 * time.Minute
	// minNotScaled is the shortest time of NotScaled.
	minNotScaled = 10 * time.Minute
	// maxCooldown is how much of a long cooldown NotScaled waits for after the start of an instance.
	maxCooldown = time.Hour
	// saturatedMinutes and saturatedDatapoints are the N and M of Saturated.
	saturatedMinutes, saturatedDatapoints = 5, 4
	// missingMinutes is how long no metric is published before MetricsMissing.
	missingMinutes = 15
)

// source is the instances that alarms watch: a role, an instance, or several instances.
type source struct {
	// role is the part of the names, and title the words of the descriptions.
	role, title string
	pool        scaling.Pool
	// isScaled says that the policy scales the pool: only then there is something that should have happened.
	isScaled bool
	// isEachWatched says that other sources watch each instance of the pool, so that its mean needs no Saturated.
	isEachWatched bool
	// mustReport says that an instance always exists.
	mustReport bool
	// actions are the steps of the longest usual operation that relieves the pool.
	actions []scaling.Action
	// cpu is the CPUUtilization; of several metrics combine (AVG or MAX) is watched.
	cpu     []Metric
	combine string
	// acu is ACUUtilization, only for Aurora Serverless v2, and starts EngineUptime of all roles, only for other Aurora clusters.
	acu, starts []Metric
	// manual is how a person scales it without Kubernetes.
	manual string
}

// reactionTime is within what time the operator relieves the pool once it reaches the threshold.
func (s source) reactionTime(p scaling.Policy) time.Duration {
	return p.ScaleUp.Window + operation.UsualDuration(s.actions...) + detectionDelay
}

// loadPeriod is the period of the datapoints of LoadHigh: the scale-up window in whole minutes, within bounds.
func loadPeriod(p scaling.Policy) time.Duration {
	return min(max(p.ScaleUp.Window.Truncate(time.Minute), time.Minute), maxLoadPeriod)
}

// alarms returns the alarms of the source, without names and descriptions.
func (s source) alarms(p scaling.Policy, o Options) []Alarm {
	base := Alarm{
		Role: s.role, Pool: s.pool, IsPool: s.isScaled, Comparison: atLeast, TreatMissingData: missingIsMissing, Period: time.Minute,
	}
	var out []Alarm
	add := func(kind Kind, severity Severity, threshold float64, of, datapoints int, a Alarm) {
		a.Kind, a.Severity, a.Threshold, a.EvaluationPeriods, a.DatapointsToAlarm = kind, severity, threshold, of, datapoints
		out = append(out, a)
	}
	if s.isScaled {
		period := loadPeriod(p)
		reaction := int((s.reactionTime(p) + period - 1) / period)
		load := base
		load.Period = period
		add(LoadHigh, Warning, float64(p.CPU.ScaleUp), reaction, reaction, load.watching(s.combine, s.cpu))
		if s.acu != nil {
			add(CapacityAtMaximum, Warning, scaling.SaturationPercent, reaction, reaction, load.watching("", s.acu))
		}
	}
	if !s.isEachWatched {
		add(Saturated, Critical, scaling.SaturationPercent, saturatedMinutes, saturatedDatapoints, base.watching(s.combine, s.cpu))
	}
	if s.isScaled {
		minutes := s.notScaledMinutes(p)
		// A tenth is spared: the CPU of a saturated instance dips while clients reconnect.
		add(NotScaled, Critical, scaling.SaturationPercent, minutes, minutes-minutes/10,
			base.watching(s.combine, s.cpu).unlessStarted(s.starts, s.quietTime(p)))
	}
	if s.mustReport && !o.MayBeStopped {
		missing := base
		missing.Comparison, missing.TreatMissingData = lessThan, missingIsBreaching
		add(MetricsMissing, Critical, 0, missingMinutes, missingMinutes, missing.watching(s.combine, s.cpu))
	}
	return out
}

// notScaledMinutes is the time of NotScaled.
func (s source) notScaledMinutes(p scaling.Policy) int {
	return wholeMinutes(max(s.reactionTime(p), minNotScaled))
}

// quietTime is how long ago the newest instance must have started for NotScaled.
func (s source) quietTime(p scaling.Policy) time.Duration {
	return time.Duration(s.notScaledMinutes(p))*time.Minute + min(p.ScaleUp.Cooldown, maxCooldown)
}

// watching returns the alarm with the metrics, of which it watches the combination (AVG or MAX) if there are several.
func (a Alarm) watching(combine string, metrics []Metric) Alarm {
	a.Metrics = slices.Clone(metrics)
	ids := make([]string, len(metrics))
	for n := range a.Metrics {
		ids[n] = "m" + strconv.Itoa(n+1)
		a.Metrics[n].ID = ids[n]
	}
	if len(metrics) > 1 {
		a.Expression = fmt.Sprintf("%s([%s])", combine, strings.Join(ids, ", "))
	}
	return a
}

// unlessStarted returns the alarm with an expression that is 0 while an engine has run for less than the quiet time. An EngineUptime that
// is missing counts as long: then nothing is known to have started, and the alarm must not be silent.
func (a Alarm) unlessStarted(starts []Metric, quiet time.Duration) Alarm {
	if len(starts) == 0 {
		return a
	}
	seconds := int(quiet / time.Second)
	var conditions []string
	for _, m := range starts {
		m.ID = "m" + strconv.Itoa(len(a.Metrics)+1)
		a.Metrics = append(a.Metrics, m)
		conditions = append(conditions, fmt.Sprintf("(FILL(%s, %d) >= %d)", m.ID, seconds, seconds))
	}
	a.Expression = fmt.Sprintf("IF(%s, m1, 0)", strings.Join(conditions, " AND "))
	return a
}
