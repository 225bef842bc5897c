package baseline

import (
	"testing"
	"time"
)

func TestLambda(t *testing.T) {
	ladder := []float64{2, 4, 8}
	mins, sec := time.Minute, time.Second
	runSequences(t, newLambda().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "change in progress", cpu: repeat(15, 90), index: 0, changeInProgress: true, wantIndex: 0},
			{name: "the middle period at exactly 80", cpu: concat(repeat(5, 90), repeat(5, 80), repeat(5, 90)), index: 0, wantIndex: 0},
			{name: "two periods", cpu: repeat(10, 90), index: 0, wantIndex: 0},
			{name: "an empty period", cpu: concat(repeat(5, 90), repeat(5, missing), repeat(5, 90)), index: 0, wantIndex: 0},
			{name: "stale samples", cpu: repeat(15, 90), sampleAge: 5 * mins, index: 0, wantIndex: 0},
			{name: "(4·80+81)/5=80.2 each", cpu: concat(repeat(4, 80), repeat(5, 81), repeat(4, 80), repeat(2, 81)), index: 0, wantIndex: 1},
			{name: "14:59 after", after: 15*mins - sec, cpu: repeat(15, 90), index: 1, wantIndex: 1},
			{name: "15:00 after", after: 15 * mins, cpu: repeat(15, 90), index: 1, changedAfter: 14 * mins, wantIndex: 2},
			{name: "largest size", after: hours(1), cpu: repeat(15, 90), index: 2, wantIndex: 2},
		}},
		{"a missing minute is left out of its average", ladder, []evaluation{
			{name: "(79+79+82+82)/4=80.5", cpu: concat(repeat(5, 90), []float64{79, 79, missing, 82, 82}, repeat(5, 90)), index: 0, wantIndex: 1},
		}},
		{"never down", ladder, []evaluation{{name: "idle", after: hours(99), cpu: repeat(15, 0), index: 2, wantIndex: 2}}},
	})
}
