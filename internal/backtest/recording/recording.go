// Package recording reads demands as teams have them recorded: a CSV file, what aws cloudwatch get-metric-data prints, or CloudWatch
// itself. Bad input is refused with the file and the line that are wrong.
package recording

import "time"

// Recording is the demand on one pool over time, evenly spaced.
type Recording struct {
	// Start is when the first interval begins, in UTC.
	Start time.Time
	// Interval is what each value is the mean of: 1 to 60 minutes.
	Interval time.Duration
	// Demand is in vCPUs, one value an interval; NaN where nothing was recorded.
	Demand []float64
	// Censored marks the intervals in which the database was saturated and nothing showed its demand: the truth is at least Demand.
	// It is nil where there are none, and as long as Demand otherwise.
	Censored []bool
}

// End is when the last interval ends.
func (r *Recording) End() time.Time { return r.Start.Add(time.Duration(len(r.Demand)) * r.Interval) }
