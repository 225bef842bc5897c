package rdssim

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// percentiles are the supported percentiles, by the name of the statistic.
var percentiles = map[string]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99}

// isKnownStatistic reports whether the simulator supports a statistic.
func isKnownStatistic(name string) bool {
	_, isPercentile := percentiles[name]
	return isPercentile || slices.Contains([]string{"Average", "Maximum", "Minimum", "Sum", "SampleCount"}, name)
}

// aggregate computes a statistic of one-minute samples for each period, in seconds. A minute may have several samples. As in
// CloudWatch the statistic is over all samples: the Maximum of a role is that of its hottest instance.
func aggregate(samples []model.Point, stat string, period int) []model.Point {
	length := time.Duration(period) * time.Second
	var out []model.Point
	var values []float64
	flush := func(at time.Time) {
		if len(values) > 0 {
			out = append(out, model.Point{Time: at, Value: computeStatistic(values, stat)})
			values = nil
		}
	}
	var current time.Time
	for _, p := range samples {
		if at := p.Time.Truncate(length); !at.Equal(current) {
			flush(current)
			current = at
		}
		values = append(values, p.Value)
	}
	flush(current)
	return out
}

// computeStatistic returns a statistic of at least one value. A percentile is the value at the nearest rank.
func computeStatistic(values []float64, stat string) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch stat {
	case "Average":
		return sum / float64(len(values))
	case "Maximum":
		return slices.Max(values)
	case "Minimum":
		return slices.Min(values)
	case "Sum":
		return sum
	case "SampleCount":
		return float64(len(values))
	}
	rank := int(math.Ceil(float64(percentiles[stat]*len(values)) / 100))
	return slices.Sorted(slices.Values(values))[max(rank, 1)-1]
}
