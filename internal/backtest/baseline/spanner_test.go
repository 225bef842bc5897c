package baseline

import (
	"testing"
	"time"
)

func TestSpanner(t *testing.T) {
	ladder := []float64{4, 8, 12, 16, 20}
	mins, sec := time.Minute, time.Second
	runSequences(t, newSpanner().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "change in progress", cpu: repeat(1, 90), index: 1, changeInProgress: true, wantIndex: 1},
			{name: "stale samples", cpu: repeat(1, 90), sampleAge: 5 * mins, index: 1, wantIndex: 1},
			{name: "no samples", index: 1, wantIndex: 1},
			{name: "m=90, size 8: req 11.08, to 12", cpu: []float64{10, 10, 90}, index: 1, wantIndex: 2},
			{name: "59 s after: m=100, size 12: req 18.5, to 20", after: 59 * sec, cpu: repeat(1, 100), index: 2, wantIndex: 2},
			{name: "60 s after", after: 60 * sec, cpu: repeat(1, 100), index: 2, wantIndex: 4},
			{name: "largest size", after: 10 * mins, cpu: repeat(1, 100), index: 4, wantIndex: 4},
		}},
		{"exactly on a size selects the next one", ladder, []evaluation{
			{name: "m=65, size 8: req 8, to 12", cpu: repeat(1, 65), index: 1, wantIndex: 2},
			{name: "m=64, size 8: req 7.88, to 8", after: mins, cpu: repeat(1, 64), index: 1, wantIndex: 1},
		}},
		{"down by one", ladder, []evaluation{
			{name: "m=5, size 20: req 1.5, to 4, but one size only", cpu: repeat(1, 5), index: 4, wantIndex: 3},
			{name: "54:59 after", after: 55*mins - sec, cpu: repeat(1, 5), index: 3, wantIndex: 3},
			{name: "55:00 after", after: 55 * mins, cpu: repeat(1, 5), index: 3, wantIndex: 2},
			{name: "up 60 s after down: m=80, size 12: req 14.8, to 16", after: 56 * mins, cpu: repeat(1, 80), index: 2, wantIndex: 3},
			{name: "down 54:59 after up", after: 111*mins - sec, cpu: repeat(1, 5), index: 3, wantIndex: 3},
			{name: "down 55:00 after up", after: 111 * mins, cpu: repeat(1, 5), index: 3, wantIndex: 2},
			{name: "smallest size", after: 300 * mins, cpu: repeat(1, 5), index: 0, wantIndex: 0},
		}},
	})
}
