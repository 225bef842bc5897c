package peer

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
func All() []Peer {
	return []Peer{
		auroraPeer(3), auroraPeer(5), atlasPeer(), hpaPeer(), neonPeer(),
		spannerPeer(), cloudSpannerPeer(), lambdaPeer(), clickhousePeer(), dasPeer(),
	}
}

// stale is how long ago the newest published minute may have begun.
const stale = 5 * time.Minute

// tiny is what a sum may be off by since its parts are binary fractions: 100·2.2/4 is to be 55.
const tiny = 1e-9

// published is the series until its newest number, or nothing when that is stale.
func published(s scaling.Series, now time.Time) scaling.Series {
	for n := len(s); n > 0 && now.Sub(s[n-1].Time) <= stale; n-- {
		if scaling.IsValidSample(s[n-1].Value) {
			return s[:n]
		}
	}
	return nil
}

// newest is the newest n minutes, or nothing when one of them is missing.
func newest(s scaling.Series, now time.Time, n int) scaling.Series {
	s = published(s, now)
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

// above says that there are values and all are above the limit.
func above(s scaling.Series, limit float64) bool {
	for n := range s {
		if s[n].Value <= limit {
			return false
		}
	}
	return len(s) > 0
}

// below says that there are values and all are below the limit.
func below(s scaling.Series, limit float64) bool {
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

// whole rounds up to a whole number.
func whole(v float64) float64 { return math.Ceil(v - tiny) }

// fit rounds vCPUs up to the ladder.
func fit(ladder []float64, want float64) int {
	for n := range ladder {
		if ladder[n] >= want-tiny {
			return n
		}
	}
	return len(ladder) - 1
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// crest has the values that can still become the highest of a window that ends now: each is higher than all after it.
type crest struct {
	kept scaling.Series
	head int
}

// add takes the value of a time that is not before those that it has.
func (c *crest) add(at time.Time, value float64) {
	for len(c.kept) > c.head && c.kept[len(c.kept)-1].Value <= value {
		c.kept = c.kept[:len(c.kept)-1]
	}
	if c.head > 0 && len(c.kept) == cap(c.kept) && 2*c.head >= len(c.kept) { // room at the front is used before more is asked for
		c.kept, c.head = c.kept[:copy(c.kept, c.kept[c.head:])], 0
	}
	c.kept = append(c.kept, scaling.Sample{Time: at, Value: value})
}

// forget drops what was before t.
func (c *crest) forget(t time.Time) {
	for c.head < len(c.kept) && c.kept[c.head].Time.Before(t) {
		c.head++
	}
}

// since is the highest value of those at t and later, and false when there are none.
func (c *crest) since(t time.Time) (float64, bool) {
	window := c.kept[c.head:]
	n, _ := slices.BinarySearchFunc(window, t, func(s scaling.Sample, t time.Time) int { return s.Time.Compare(t) })
	if n == len(window) {
		return 0, false
	}
	return window[n].Value, true
}
