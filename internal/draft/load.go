package draft

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// minKnownLoad is how much of the load must be known so that it counts: almost a day, which has a peak and a trough. The last minutes
	// are never known.
	minKnownLoad = 23 * time.Hour
	// minKnownForSmaller is how much must be known before a smaller class than the present one is allowed: a week has a weekend.
	minKnownForSmaller = 7*24*time.Hour - time.Hour
	// highPercentile is the demand that a smaller class has to carry: 5 % of the time may need more.
	highPercentile = 0.95
)

// Load is the demand of a pool over a time. Demand is in vCPUs.
type Load struct {
	// Unknown says why nothing is known, or is empty.
	Unknown string
	// From and To are the time that was asked for.
	From, To time.Time
	// Known is how much of it has a sample of every instance, and Start when the first one is.
	Known time.Duration
	Start time.Time
	// Peak is the highest demand of an interval, and PeakAt its start.
	Peak   float64
	PeakAt time.Time
	// Median and High are the demands that half and 95 % of the known time do not exceed.
	Median, High float64
	// Censored is how long the database was saturated without DBLoadCPU: the demand was then at least what was measured.
	Censored time.Duration
}

// Summarize computes a Load from a demand in equal intervals. A demand of NaN is missing.
func Summarize(from, to, start time.Time, interval time.Duration, demand []float64, censored []bool) Load {
	l := Load{From: from, To: to}
	var known []float64
	for n, d := range demand {
		if math.IsNaN(d) {
			continue
		}
		at := start.Add(time.Duration(n) * interval)
		if len(known) == 0 {
			l.Start = at
		}
		if len(known) == 0 || d > l.Peak {
			l.Peak, l.PeakAt = d, at
		}
		known = append(known, d)
		if n < len(censored) && censored[n] {
			l.Censored += interval
		}
	}
	if len(known) == 0 {
		l.Unknown = "CloudWatch has no CPUUtilization"
		return l
	}
	l.Known = time.Duration(len(known)) * interval
	slices.Sort(known)
	l.Median, l.High = percentile(known, 0.5), percentile(known, highPercentile)
	return l
}

// percentile returns the value that a share of the sorted values does not exceed.
func percentile(sorted []float64, share float64) float64 {
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// IsKnown reports whether enough is known to size a pool by it.
func (l Load) IsKnown() bool { return l.Unknown == "" && l.Known >= minKnownLoad }

// allowsSmaller reports whether enough is known to allow a smaller class.
func (l Load) allowsSmaller() bool {
	return l.IsKnown() && l.Known >= minKnownForSmaller && l.Censored == 0
}

// describe says in a sentence what is known.
func (l Load) describe(whose string) string {
	switch {
	case l.Unknown != "":
		return fmt.Sprintf("The load of %s is not known: %s.", whose, l.Unknown)
	case !l.IsKnown():
		return fmt.Sprintf("CloudWatch has only %s of the load of %s, less than a day: no value below relies on it.", formatKnown(l.Known), whose)
	}
	text := fmt.Sprintf("The peak of the last %s of %s was %s vCPU on %s; the median was %s, and 95 %% of the time needed at most %s vCPU.",
		days(l), whose, formatVCPUs(l.Peak), formatTime(l.PeakAt), formatVCPUs(l.Median), formatVCPUs(l.High))
	if asked := l.To.Sub(l.From); l.Known < asked*9/10 {
		text += fmt.Sprintf(" Only %s of %s is known, from %s on; the rest is missing, not idle.", formatKnown(l.Known), formatKnown(asked),
			formatTime(l.Start))
	}
	if l.Censored > 0 {
		text += fmt.Sprintf(" For %s an instance was saturated without DBLoadCPU, so that the true demand was higher.",
			scaling.FormatDuration(l.Censored))
	}
	return text
}

// formatKnown writes a duration in days, or in hours when it is short.
func formatKnown(d time.Duration) string {
	if d < 48*time.Hour {
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// formatVCPUs writes a number of vCPUs with one decimal, and two below one.
func formatVCPUs(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}
