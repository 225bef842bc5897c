package baseline

import (
	"testing"
	"time"
)

func TestClickHouse(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins := time.Minute
	calm := repeat(180, 50)
	runSequences(t, newClickHouse().NewRule, []sequence{
		{"up, as in the documentation", ladder, []evaluation{
			{name: "3.8 of 4: 3.8/0.53=7.17, to 8", after: hours(9), cpu: concat(calm, repeat(1, 95)), index: 1, wantIndex: 2},
		}},
		{"band limits", ladder, []evaluation{
			{name: "75 % exactly", after: hours(9), cpu: concat(calm, repeat(1, 75)), index: 2, wantIndex: 2},
			{name: "37.5 % exactly", after: hours(18), cpu: repeat(180, 37.5), index: 2, wantIndex: 2},
			{name: "change in progress", after: hours(27), cpu: repeat(180, 99), index: 2, changeInProgress: true, wantIndex: 2},
			{name: "the peak during the change counts: 7.92/0.53=14.9, to 16", after: hours(27) + mins, index: 2, wantIndex: 4},
		}},
		{"down", ladder, []evaluation{
			{name: "2.9 of 8 (36.25 %), 2.9/0.53=5.47, to 8: stays", after: hours(9), cpu: repeat(180, 36.25), index: 2, wantIndex: 2},
			{name: "2 of 8 (25 %), 2/0.53=3.77, to 4", after: hours(18), cpu: repeat(180, 25), index: 2, wantIndex: 1},
		}},
		{"down by several sizes", ladder, []evaluation{
			{name: "0.8 of 16 (5 %), 1.5, to 2", after: hours(9), cpu: repeat(180, 5), index: 4, wantIndex: 0},
		}},
		{"down needs three hours of samples", ladder, []evaluation{
			{name: "179 minutes", after: hours(9), cpu: repeat(179, 5), index: 4, wantIndex: 4},
			{name: "180 minutes", after: hours(9) + mins, cpu: repeat(180, 5), index: 4, wantIndex: 0},
		}},
		{"limits of the ladder", ladder, []evaluation{
			{name: "high CPU", after: hours(9), cpu: concat(calm, repeat(1, 100)), index: 4, wantIndex: 4},
			{name: "low CPU", after: hours(18), cpu: repeat(180, 0), index: 0, wantIndex: 0},
		}},
		{"up to the peak of 30 h", ladder, []evaluation{
			{name: "the peak: 7.6 of 8", after: hours(3), cpu: concat(calm[1:], repeat(1, 95)), index: 2, wantIndex: 4},
			{name: "3 h without: 1.6 of 16, 3.02, to 4", after: hours(9), cpu: repeat(180, 10), index: 4, changedAfter: hours(3) + 5*mins, wantIndex: 1},
			{name: "the old peak does not undo it", after: hours(9) + 10*mins, cpu: repeat(5, 40), index: 1, changedAfter: hours(9) + 5*mins, wantIndex: 1},
			{name: "3.2 of 4, and 7.6 is of 30 h: 14.3, to 16", after: hours(10), cpu: repeat(1, 80), index: 1, changedAfter: hours(9) + 5*mins, wantIndex: 4},
		}},
		{"the peak of 30 h ends", ladder, []evaluation{
			{name: "the peak at 2:59: 7.6 of 8", after: hours(3), cpu: concat(calm[1:], repeat(1, 95)), index: 2, wantIndex: 4},
			{name: "down", after: hours(9), cpu: repeat(180, 10), index: 4, changedAfter: hours(3) + 5*mins, wantIndex: 1},
			{name: "30 h after: 3.2 of 4, 6.04, to 8", after: hours(33), cpu: repeat(1, 80), index: 1, changedAfter: hours(9) + 5*mins, wantIndex: 2},
		}},
		{"a minute counts with its own size", ladder, []evaluation{
			{name: "medium CPU", after: hours(9), cpu: repeat(180, 50), index: 2, wantIndex: 2},
			{name: "ten minutes at 90 % of 8 are 7.2, 60 % of 12", after: hours(9) + 10*mins, cpu: repeat(10, 90), index: 3, changedAfter: hours(9) + 10*mins, wantIndex: 3},
			{name: "a minute at 74 % of 12 is 8.88", after: hours(9) + 11*mins, cpu: repeat(1, 74), index: 3, changedAfter: hours(9) + 10*mins, wantIndex: 3},
			{name: "8.88 of 8 is above 75 %, 16.75, to 16", after: hours(9) + 20*mins, index: 2, changedAfter: hours(9) + 20*mins, wantIndex: 4},
		}},
		{"no samples in three hours", ladder, []evaluation{
			{name: "medium CPU", after: hours(9), cpu: calm, index: 2, wantIndex: 2},
			{name: "no samples since", after: hours(15), index: 2, wantIndex: 2},
		}},
	})
}
