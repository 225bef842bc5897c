package baseline

import (
	"testing"
	"time"
)

func TestAtlas(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	hour, sec := time.Hour, time.Second
	calm := repeat(240, 44)
	runSequences(t, newAtlas().NewRule, []sequence{
		{"up by 10 minutes", ladder, []evaluation{
			{name: "average exactly 90", cpu: repeat(10, 90), index: 1, wantIndex: 1},
			{name: "nine minutes", cpu: repeat(9, 100), index: 1, wantIndex: 1},
			{name: "missing minute", cpu: concat(repeat(5, 99), repeat(1, missing), repeat(5, 99)), index: 1, wantIndex: 1},
			{name: "change in progress", cpu: repeat(10, 99), index: 1, changeInProgress: true, wantIndex: 1},
			{name: "(9·90+91)/10=90.1", cpu: concat(repeat(9, 90), repeat(1, 91)), index: 1, wantIndex: 2},
		}},
		{"up by an hour", ladder, []evaluation{
			{name: "average exactly 75", cpu: repeat(60, 75), index: 1, wantIndex: 1},
			{name: "59 minutes", cpu: repeat(59, 80), index: 1, wantIndex: 1},
			{name: "(59·75+81)/60=75.1", cpu: concat(repeat(59, 75), repeat(1, 81)), index: 1, wantIndex: 2},
		}},
		{"the busiest node counts", ladder, []evaluation{
			{name: "the pool is at 50, its busiest at 95", cpu: repeat(60, 50), hottest: repeat(60, 95), index: 1, wantIndex: 2},
		}},
		{"no second within 10 minutes", ladder, []evaluation{
			{name: "up", cpu: repeat(10, 95), index: 1, wantIndex: 2},
			{name: "9:59 later", after: 10*time.Minute - sec, cpu: repeat(10, 95), index: 2, changedAfter: 9 * time.Minute, wantIndex: 2},
			{name: "10:00 later", after: 10 * time.Minute, cpu: repeat(10, 95), index: 2, changedAfter: 9 * time.Minute, wantIndex: 3},
			{name: "largest size", after: hour, cpu: repeat(10, 95), index: 3, wantIndex: 3},
		}},
		{"no second within the hour", ladder, []evaluation{
			{name: "up", cpu: repeat(60, 80), index: 1, wantIndex: 2},
			{name: "59:59 later", after: hour - sec, cpu: repeat(60, 80), index: 2, wantIndex: 2},
			{name: "60:00 later", after: hour, cpu: repeat(60, 80), index: 2, wantIndex: 3},
		}},
		{"down", ladder, []evaluation{
			{name: "first evaluation", cpu: calm, index: 3, wantIndex: 3},
			{name: "23:59:59 old", after: 24*hour - sec, cpu: calm, index: 3, wantIndex: 3},
			{name: "the busiest node is at 46", after: 24 * hour, cpu: calm, hottest: repeat(240, 46), index: 3, wantIndex: 3},
			{name: "10 minutes at exactly 45", after: 24 * hour, cpu: concat(repeat(230, 10), repeat(10, 45)), index: 3, wantIndex: 3},
			{name: "4 h at (120·50+120·40)/240=45", after: 24 * hour, cpu: concat(repeat(120, 50), repeat(120, 40)), index: 3, wantIndex: 3},
			{name: "a minute of 4 h is missing", after: 24 * hour, cpu: concat(repeat(100, 20), repeat(1, missing), repeat(139, 20)), index: 3, wantIndex: 3},
			{name: "change in progress", after: 24 * hour, cpu: calm, index: 3, changeInProgress: true, wantIndex: 3},
			{name: "both at 44", after: 24 * hour, cpu: calm, index: 3, wantIndex: 2},
			{name: "23:59:59 later", after: 48*hour - sec, cpu: calm, index: 2, changedAfter: 25 * hour, wantIndex: 2},
			{name: "24:00:00 after the order", after: 48 * hour, cpu: calm, index: 2, changedAfter: 25 * hour, wantIndex: 1},
			{name: "again", after: 72 * hour, cpu: calm, index: 1, changedAfter: 49 * hour, wantIndex: 0},
			{name: "smallest size", after: 96 * hour, cpu: calm, index: 0, changedAfter: 73 * hour, wantIndex: 0},
		}},
		{"cooldown counts from the order until it is completed", ladder, []evaluation{
			{name: "created", cpu: repeat(10, 60), index: 1, wantIndex: 1},
			{name: "up", after: 30 * hour, cpu: repeat(10, 95), index: 1, wantIndex: 2},
			{name: "11:59:59 after the order", after: 42*hour - sec, cpu: calm, index: 1, changedAfter: hour, wantIndex: 1},
			{name: "12 h after the order", after: 42 * hour, cpu: calm, index: 1, changedAfter: hour, wantIndex: 0},
		}},
		{"a scale-up is a restart", ladder, []evaluation{
			{name: "created", cpu: repeat(10, 60), index: 1, wantIndex: 1},
			{name: "up", after: 30 * hour, cpu: repeat(10, 95), index: 1, wantIndex: 2},
			{name: "11:59:59 after its completion", after: 43*hour - sec, cpu: calm, index: 2, changedAfter: 31 * hour, wantIndex: 2},
			{name: "12 h after its completion", after: 43 * hour, cpu: calm, index: 2, changedAfter: 31 * hour, wantIndex: 1},
		}},
	})
}
