// Package recording reads recorded demand: from a CSV file, from the output of aws cloudwatch get-metric-data, or from CloudWatch.
// Errors in the input name the file and the line.
package recording

import "time"

// Recording is the demand on one pool over time, in equal intervals.
type Recording struct {
	// Start is the start of the first interval, in UTC.
	Start time.Time
	// Interval is the length of an interval: 1 to 60 minutes.
	Interval time.Duration
	// Demand is the mean of each interval in vCPUs, NaN in a gap.
	Demand []float64
	// Censored marks the intervals in which the database was saturated without DBLoadCPU: the true demand is at least Demand. It is
	// nil if there are none, otherwise as long as Demand.
	Censored []bool
}

// End is the end of the last interval.
func (r *Recording) End() time.Time { return r.Start.Add(time.Duration(len(r.Demand)) * r.Interval) }
