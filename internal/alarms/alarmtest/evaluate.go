// Package alarmtest evaluates alarms as CloudWatch does, so that tests can say when an alarm fires.
package alarmtest

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/alarms"
)

// State is the state of an alarm.
type State string

// The states of CloudWatch.
const (
	OK               State = "OK"
	InAlarm          State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// Samples returns the samples of a metric with from <= start < to that are published at now. A role has one sample for each instance.
type Samples func(m alarms.Metric, from, to, now time.Time) []Sample

// Sample is one minute of a metric.
type Sample struct {
	Start time.Time
	Value float64
}

// extraPeriods is how many periods more than an alarm evaluates CloudWatch looks at, so that late and missing datapoints can be replaced by
// older ones (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data"; the number is not documented).
const extraPeriods = 3

// datapoint is the watched value of one period.
type datapoint struct {
	value   float64
	present bool
}

// Evaluate returns the state of an alarm at a time: it fires when DatapointsToAlarm of the newest EvaluationPeriods datapoints breach the
// threshold. If fewer exist, missing ones count as TreatMissingData says. With "missing", those that exist must all breach, and the oldest
// must be as old as the alarm requires ("Avoiding premature transitions to alarm state").
func Evaluate(a *alarms.Alarm, samples Samples, now time.Time) (State, error) {
	end := now.Truncate(a.Period)
	existing, breaching, oldest := 0, 0, 0
	for n := 0; n < a.EvaluationPeriods+extraPeriods && existing < a.EvaluationPeriods; n++ {
		start := end.Add(-time.Duration(n+1) * a.Period)
		point, err := watchedValue(a, samples, start, now)
		if err != nil {
			return "", err
		}
		if !point.present {
			continue
		}
		existing, oldest = existing+1, n+1
		breaches, err := breachesThreshold(a, point.value)
		if err != nil {
			return "", err
		}
		if breaches {
			breaching++
		}
	}
	missing := a.EvaluationPeriods - existing
	switch a.TreatMissingData {
	case "breaching":
		breaching += missing
	case "missing":
		if existing == 0 {
			return InsufficientData, nil
		}
		if missing > 0 && breaching == existing && oldest >= a.DatapointsToAlarm {
			return InAlarm, nil
		}
	default:
		return "", fmt.Errorf("missing data is treated as %q, which this evaluation does not know", a.TreatMissingData)
	}
	if breaching >= a.DatapointsToAlarm {
		return InAlarm, nil
	}
	return OK, nil
}

func breachesThreshold(a *alarms.Alarm, value float64) (bool, error) {
	switch a.Comparison {
	case "GreaterThanOrEqualToThreshold":
		return value >= a.Threshold, nil
	case "LessThanThreshold":
		return value < a.Threshold, nil
	}
	return false, fmt.Errorf("unknown comparison %q", a.Comparison)
}

// watchedValue is the metric or the expression of one period.
func watchedValue(a *alarms.Alarm, samples Samples, start, now time.Time) (datapoint, error) {
	values := map[string]datapoint{}
	for _, m := range a.Metrics {
		point, err := aggregate(m.Statistic, samples(m, start, start.Add(a.Period), now))
		if err != nil {
			return datapoint{}, err
		}
		values[m.ID] = point
	}
	if a.Expression == "" {
		return values[a.Metrics[0].ID], nil
	}
	return evaluateExpression(a.Expression, values)
}

// aggregate applies a statistic to the samples of a period.
func aggregate(statistic string, samples []Sample) (datapoint, error) {
	if len(samples) == 0 {
		return datapoint{}, nil
	}
	out := datapoint{samples[0].Value, true}
	sum := 0.0
	for _, s := range samples {
		sum += s.Value
		switch statistic {
		case "Minimum":
			out.value = min(out.value, s.Value)
		case "Average":
			out.value = sum / float64(len(samples))
		default:
			return datapoint{}, fmt.Errorf("unknown statistic %q", statistic)
		}
	}
	return out, nil
}
