package peer

import "time"

const (
	atlasHigh, atlasHighMinutes   = 90, 10
	atlasLong, atlasLongMinutes   = 75, 60
	atlasLow                      = 45
	atlasLowShort, atlasLowLong   = 10, 240 // minutes
	atlasDownAfter, atlasAfterRun = 24 * time.Hour, 12 * time.Hour
)

// atlas is the auto-scaling of MongoDB Atlas, M30 and larger. Up one tier when any node averaged more than 90 % for 10 minutes or
// 75 % for an hour, unless it scaled up within that same time. Down one tier when there was no scale-down and no creation in 24
// hours and no restart in 12, and every node averaged less than 45 % over 10 minutes and over 4 hours. It goes by memory as well,
// which the recording does not have. The busiest node stands for any, and for all.
type atlas struct {
	begun, lastUp, lastDown time.Time
}

// Atlas is the auto-scaling of MongoDB Atlas.
func Atlas() Peer {
	return Peer{
		Name: "MongoDB Atlas", ID: "atlas",
		Source: "up a tier above 90% for 10 min or 75% for 1 h; down a tier below 45% over 10 min and 4 h, a day after the last time " +
			"(MongoDB Atlas documentation, cluster auto-scaling); by CPU alone",
		Every: time.Minute, Reach: (atlasLowLong + 10) * time.Minute, Means: Classes, New: func() Rule { return &atlas{} },
	}
}

// Look implements Rule.
func (a *atlas) Look(v View) int {
	if a.begun.IsZero() {
		a.begun = v.Now
	}
	if v.Busy {
		return v.Rung
	}
	for _, high := range []struct {
		above   float64
		minutes int
	}{{atlasHigh, atlasHighMinutes}, {atlasLong, atlasLongMinutes}} {
		m, known := mean(v.Hottest, high.minutes, v.Now)
		if known && m > high.above && past(a.lastUp, v.Now, time.Duration(high.minutes)*time.Minute) && v.up() != v.Rung {
			a.lastUp = v.Now
			return v.up()
		}
	}
	short, knownShort := mean(v.Hottest, atlasLowShort, v.Now)
	if !knownShort || short >= atlasLow || v.Rung == 0 || !past(a.begun, v.Now, atlasDownAfter) ||
		!past(a.lastDown, v.Now, atlasDownAfter) || !past(v.Changed, v.Now, atlasAfterRun) {
		return v.Rung
	}
	if long, known := mean(v.Hottest, atlasLowLong, v.Now); known && long < atlasLow {
		a.lastDown = v.Now
		return v.down()
	}
	return v.Rung
}
