package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// All lists the autoscalers, each with a rule of its own. None of them does anything while a change is under way, and none goes
// beyond the ladder. What follows holds for all of them unless the rule says otherwise:
//
//   - A size is the vCPUs of the whole pool. "Rounded up to the ladder" is the smallest rung that has at least the wanted
//     vCPUs, or the largest rung when none has.
//   - "The newest n minutes" end with the newest published minute. They count only when none among them is missing and the
//     newest began at most 5 minutes ago.
//   - A cooldown of c is over c after its beginning, and not a second earlier.
//   - Demand above 100 % of the present size is not seen.
func All() []Autoscaler {
	return []Autoscaler{
		newAurora(3), newAurora(5), newAtlas(), newHPA(), newNeon(),
		newSpanner(), newCloudSpanner(), newLambda(), newClickHouse(), newDAS(),
	}
}

// maxPublishedAge is how long ago the newest published minute may have begun.
const maxPublishedAge = 5 * time.Minute

// roundingTolerance is what a sum may be off by since its parts are binary fractions: 100·2.2/4 is to be 55.
const roundingTolerance = 1e-9

// publishedSamples is the series until its newest number, or nothing when that is stale.
func publishedSamples(s scaling.Series, now time.Time) scaling.Series {
	for n := len(s); n > 0 && now.Sub(s[n-1].Time) <= maxPublishedAge; n-- {
		if scaling.IsValidSample(s[n-1].Value) {
			return s[:n]
		}
	}
	return nil
}

// newestMinutes is the newest n minutes, or nothing when one of them is missing.
func newestMinutes(s scaling.Series, now time.Time, n int) scaling.Series {
	s = publishedSamples(s, now)
	if len(s) < n {
		return nil
	}
	s = s[len(s)-n:]
	for k := range s {
		if !scaling.IsValidSample(s[k].Value) || k > 0 && s[k].Time.Sub(s[k-1].Time) != time.Minute {
			return nil
		}
	}
	return s
}

// allAbove says that there are values and all are above the limit.
func allAbove(s scaling.Series, limit float64) bool {
	for n := range s {
		if s[n].Value <= limit {
			return false
		}
	}
	return len(s) > 0
}

// allBelow says that there are values and all are below the limit.
func allBelow(s scaling.Series, limit float64) bool {
	for n := range s {
		if s[n].Value >= limit {
			return false
		}
	}
	return len(s) > 0
}

// mean is the average, and false when there is nothing to average.
func mean(s scaling.Series) (float64, bool) {
	sum := 0.0
	for n := range s {
		sum += s[n].Value
	}
	return sum / float64(len(s)), len(s) > 0
}

// roundUp rounds up to a whole number.
func roundUp(v float64) float64 { return math.Ceil(v - roundingTolerance) }

// smallestRung rounds vCPUs up to the ladder.
func smallestRung(ladder []float64, want float64) int {
	for n := range ladder {
		if ladder[n] >= want-roundingTolerance {
			return n
		}
	}
	return len(ladder) - 1
}

// laterOf is the later of two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// windowMaximum has the values that can still become the highest of a window that ends now: each is higher than all after it.
type windowMaximum struct {
	samples scaling.Series
	head    int
}

// add takes the value of a time that is not before those that it has.
func (c *windowMaximum) add(at time.Time, value float64) {
	for len(c.samples) > c.head && c.samples[len(c.samples)-1].Value <= value {
		c.samples = c.samples[:len(c.samples)-1]
	}
	if c.head > 0 && len(c.samples) == cap(c.samples) && 2*c.head >= len(c.samples) { // room at the front is used before more is asked for
		c.samples, c.head = c.samples[:copy(c.samples, c.samples[c.head:])], 0
	}
	c.samples = append(c.samples, scaling.Sample{Time: at, Value: value})
}

// dropBefore drops what was before t.
func (c *windowMaximum) dropBefore(t time.Time) {
	for c.head < len(c.samples) && c.samples[c.head].Time.Before(t) {
		c.head++
	}
}

// maxSince is the highest value of those at t and later, and false when there are none.
func (c *windowMaximum) maxSince(t time.Time) (float64, bool) {
	window := c.samples[c.head:]
	n, _ := slices.BinarySearchFunc(window, t, func(s scaling.Sample, t time.Time) int { return s.Time.Compare(t) })
	if n == len(window) {
		return 0, false
	}
	return window[n].Value, true
}
