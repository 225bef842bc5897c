package baseline

import (
	"testing"
	"time"
)

func TestDAS(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	mins, sec := time.Minute, time.Second
	runSequences(t, newDAS().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "change in progress", cpu: repeat(5, 90), index: 1, changeInProgress: true, wantIndex: 1},
			{name: "(4·70+69)/5=69.8", cpu: concat(repeat(4, 70), repeat(1, 69)), index: 1, wantIndex: 1},
			{name: "missing minute", cpu: []float64{90, 90, 90, missing, 90, 90}, index: 1, wantIndex: 1},
			{name: "exactly 70", cpu: []float64{60, 80, 70, 65, 75}, index: 1, wantIndex: 2},
			{name: "the oldest of five started a second before completion", after: 10*mins - sec, cpu: repeat(5, 90), index: 2, changedAfter: 5 * mins, wantIndex: 2},
			{name: "the oldest started at completion", after: 10 * mins, cpu: repeat(5, 90), index: 2, changedAfter: 5 * mins, wantIndex: 3},
			{name: "largest size", after: hours(1), cpu: repeat(5, 90), index: 3, changedAfter: 15 * mins, wantIndex: 3},
		}},
		{"back down", ladder, []evaluation{
			{name: "first evaluation", cpu: repeat(15, 50), index: 1, wantIndex: 1},
			{name: "14 of 15 are 93 %", after: hours(1), cpu: concat(repeat(1, 30), repeat(14, 29)), index: 3, wantIndex: 3},
			{name: "missing minute", after: hours(1), cpu: concat(repeat(5, 10), repeat(1, missing), repeat(10, 10)), index: 3, wantIndex: 3},
			{name: "change in progress", after: hours(1), cpu: repeat(15, 29), index: 3, changeInProgress: true, wantIndex: 3},
			{name: "15 of 15", after: hours(1), cpu: repeat(15, 29), index: 3, wantIndex: 2},
			{name: "the oldest of 15 started a second before completion", after: hours(2) - sec, cpu: repeat(15, 29), index: 2, changedAfter: 105 * mins, wantIndex: 2},
			{name: "the oldest started at completion", after: hours(2), cpu: repeat(15, 29), index: 2, changedAfter: 105 * mins, wantIndex: 1},
			{name: "not below the first size", after: hours(3), cpu: repeat(15, 0), index: 1, changedAfter: 121 * mins, wantIndex: 1},
		}},
	})
}
