package backtest

import (
	"math"
	"time"
)

const (
	// shortageGap is the time with enough capacity after which a shortage has ended. In less, clients still repeat waiting work.
	shortageGap = retryPeriod
	// foresightHorizon is the time within which a foreseen growth must be needed.
	foresightHorizon = 2 * time.Hour
)

// capacityMinute is the capacity of a pool in a minute.
type capacityMinute struct {
	at time.Time
	// demand and vcpus in service; a demand of NaN is not scored.
	demand, vcpus float64
	isOverloaded  bool
	// scaleUpPercent is the policy's threshold.
	scaleUpPercent int
}

// foreseenGrowth is a growth by a prediction.
type foreseenGrowth struct {
	at time.Time
	// vcpus were in service before it.
	vcpus              float64
	isNeeded, isJudged bool
}

// capacityTracker measures times to capacity, and whether foreseen growths were needed.
type capacityTracker struct {
	// shortageStart is the start of the newest shortage, shortageLength its time to capacity in minutes, and lastShort its newest minute that
	// was short or overloaded.
	shortageStart, lastShort time.Time
	shortageLength           int
	lastVCPUs                float64
	lastAverted              time.Time
	growths                  []foreseenGrowth
}

// addForeseenGrowth counts a growth by a prediction.
func (t *capacityTracker) addForeseenGrowth(score *Score, at time.Time) {
	score.ForeseenGrowths++
	t.growths = append(t.growths, foreseenGrowth{at: at, vcpus: t.lastVCPUs})
}

// addMinute adds a minute to the score.
func (t *capacityTracker) addMinute(score *Score, m capacityMinute) {
	t.lastVCPUs = m.vcpus
	if math.IsNaN(m.demand) {
		return
	}
	isShort := m.demand >= overloadShare*m.vcpus
	if isShort || m.isOverloaded {
		if t.lastShort.IsZero() || m.at.Sub(t.lastShort) > shortageGap {
			t.shortageStart, t.shortageLength = m.at, 1
			score.Shortages++
			score.ShortageMinutes++
		}
		if length := int(m.at.Sub(t.shortageStart)/time.Minute) + 1; isShort {
			score.ShortageMinutes += length - t.shortageLength
			t.shortageLength = length
		}
		score.LongestShortage = max(score.LongestShortage, t.shortageLength)
		t.lastShort = m.at
	}
	t.judgeGrowths(score, m, isShort || m.isOverloaded)
}

// judgeGrowths compares a minute with the foreseen growths of the last hours.
func (t *capacityTracker) judgeGrowths(score *Score, m capacityMinute, isShort bool) {
	for len(t.growths) > 0 && m.at.Sub(t.growths[0].at) > foresightHorizon {
		t.growths = t.growths[1:]
	}
	for n := range t.growths {
		g := &t.growths[n]
		if !g.isNeeded && 100*m.demand >= float64(m.scaleUpPercent)*g.vcpus {
			g.isNeeded = true
			score.NeededGrowths++
		}
		if g.isJudged || m.demand < overloadShare*g.vcpus {
			continue
		}
		g.isJudged = true // by the first minute that the vCPUs before it would not have carried
		if !isShort && (t.lastAverted.IsZero() || m.at.Sub(t.lastAverted) > foresightHorizon) {
			t.lastAverted = m.at
			score.AvertedShortages++
		}
	}
}
