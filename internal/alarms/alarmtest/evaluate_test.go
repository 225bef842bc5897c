package alarmtest

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/alarms"
)

// TestEvaluate_MissingData follows the examples of the CloudWatch user guide for an alarm of three datapoints ("How alarm state is
// evaluated when data is missing"): 0 does not breach, X breaches, and - is missing; the newest is the last.
func TestEvaluate_MissingData(t *testing.T) {
	now := time.Date(2024, 2, 5, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		points            string
		breaching, absent State
	}{
		{"0-X-X", OK, OK},
		{"0----", OK, OK},
		{"-----", InAlarm, InsufficientData},
		{"0XX-X", InAlarm, InAlarm},
		{"--X--", InAlarm, InAlarm},
	} {
		for treat, want := range map[string]State{"breaching": test.breaching, "missing": test.absent} {
			a := alarms.Alarm{
				Metrics: []alarms.Metric{{ID: "m1", Statistic: "Average"}}, Period: time.Minute, EvaluationPeriods: 3, DatapointsToAlarm: 3,
				Comparison: "GreaterThanOrEqualToThreshold", Threshold: 1, TreatMissingData: treat,
			}
			got, err := Evaluate(&a, func(_ alarms.Metric, from, _, _ time.Time) []Sample {
				n := len(test.points) - int(now.Sub(from)/time.Minute)
				if n < 0 || test.points[n] == '-' {
					return nil
				}
				value := 0.0
				if test.points[n] == 'X' {
					value = 1
				}
				return []Sample{{from, value}}
			}, now)
			if err != nil || got != want {
				t.Errorf("%s, missing data is %s: got %s (%v), want %s", test.points, treat, got, err, want)
			}
		}
	}
}

// TestEvaluateExpression_NotScaled: the expression of the alarm not-scaled is the CPU, and 0 while an engine has started recently.
func TestEvaluateExpression_NotScaled(t *testing.T) {
	const expression = "IF((FILL(m2, 1800) >= 1800) AND (FILL(m3, 1800) >= 1800), m1, 0)"
	some := func(value float64) datapoint { return datapoint{value, true} }
	for name, test := range map[string]struct{ cpu, writer, readers, want datapoint }{
		"both engines have run for long":         {some(98), some(9000), some(9000), some(98)},
		"a reader has started":                   {some(98), some(9000), some(600), some(0)},
		"the writer has started":                 {some(98), some(600), some(9000), some(0)},
		"EngineUptime is missing":                {some(98), datapoint{}, datapoint{}, some(98)},
		"the CPU is missing":                     {datapoint{}, some(9000), some(9000), datapoint{}},
		"no readers, and the writer has started": {some(98), some(60), datapoint{}, some(0)},
	} {
		got, err := evaluateExpression(expression, map[string]datapoint{"m1": test.cpu, "m2": test.writer, "m3": test.readers})
		if err != nil || got != test.want {
			t.Errorf("%s: got %v (%v), want %v", name, got, err, test.want)
		}
	}
	for text, want := range map[string]float64{"AVG([m1, m2])": 40, "MAX([m1, m2, m3])": 60} {
		got, err := evaluateExpression(text, map[string]datapoint{"m1": some(20), "m2": some(60), "m3": {}})
		if err != nil || got != some(want) {
			t.Errorf("%s: got %v (%v), want %g", text, got, err, want)
		}
	}
	if _, err := evaluateExpression("SEARCH(m1)", map[string]datapoint{"m1": some(1)}); err == nil {
		t.Error("an unknown function is no error")
	}
}
