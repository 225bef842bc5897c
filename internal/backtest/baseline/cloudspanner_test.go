package baseline

import (
	"testing"
	"time"
)

func TestCloudSpanner(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins, sec := time.Minute, time.Second
	runSequences(t, newCloudSpanner().NewRule, []sequence{
		{"linear", ladder, []evaluation{
			{name: "change in progress", cpu: repeat(5, 99), index: 2, changeInProgress: true, wantIndex: 2},
			{name: "m=60 exactly, T−5", cpu: repeat(5, 60), index: 2, wantIndex: 2},
			{name: "m=70 exactly, T+5", cpu: repeat(5, 70), index: 2, wantIndex: 2},
			{name: "m=71, n=8: ceil(8.74)=9, to 12", cpu: repeat(5, 71), index: 2, wantIndex: 3},
			{name: "m=59, n=8: ceil(7.26)=8", cpu: repeat(5, 59), index: 2, wantIndex: 2},
			{name: "m=30, n=16: ceil(7.38)=8", cpu: repeat(5, 30), index: 4, wantIndex: 2},
			{name: "m=32.5, n=16: exactly 8", cpu: repeat(5, 32.5), index: 4, wantIndex: 2},
			{name: "largest size", cpu: repeat(5, 100), index: 4, wantIndex: 4},
		}},
		{"the highest of five", ladder, []evaluation{
			{name: "90, five minutes before the end: ceil(8·90/65)=12", cpu: []float64{90, 10, 10, 10, 10}, index: 2, wantIndex: 3},
			{name: "90 is six before, m=10: ceil(1.23)=2", cpu: []float64{90, 10, 10, 10, 10, 10}, index: 2, wantIndex: 0},
			{name: "missing minutes are ignored", cpu: []float64{90, missing, missing, missing, 10}, index: 2, wantIndex: 3},
			{name: "missing minutes count as time: 90 is six minutes before", cpu: []float64{90, missing, missing, missing, 62, missing, 10}, sampleAge: 0, index: 2, wantIndex: 2},
		}},
		{"no samples count as 0", ladder, []evaluation{
			{name: "no samples", index: 4, wantIndex: 0},
			{name: "stale samples", cpu: repeat(5, 100), sampleAge: 5 * mins, index: 4, wantIndex: 0},
		}},
		{"cooldown from completion", ladder, []evaluation{
			{name: "out, 4:59 after", after: hours(1) - sec, cpu: repeat(5, 99), index: 2, changedAfter: 55 * mins, wantIndex: 2},
			{name: "out, 5:00 after: ceil(8·99/65)=13, to 16", after: hours(1), cpu: repeat(5, 99), index: 2, changedAfter: 55 * mins, wantIndex: 4},
			{name: "in, 29:59 after", after: hours(1) - sec, cpu: repeat(5, 10), index: 2, changedAfter: 30 * mins, wantIndex: 2},
			{name: "in, 30:00 after", after: hours(1), cpu: repeat(5, 10), index: 2, changedAfter: 30 * mins, wantIndex: 0},
		}},
	})
}
