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
			{name: "average exactly 90", cpu: repeat(10, 90), rung: 1, wantRung: 1},
			{name: "nine minutes", cpu: repeat(9, 100), rung: 1, wantRung: 1},
			{name: "a hole", cpu: concat(repeat(5, 99), repeat(1, missing), repeat(5, 99)), rung: 1, wantRung: 1},
			{name: "busy", cpu: repeat(10, 99), rung: 1, changeInProgress: true, wantRung: 1},
			{name: "(9·90+91)/10=90.1", cpu: concat(repeat(9, 90), repeat(1, 91)), rung: 1, wantRung: 2},
		}},
		{"up by an hour", ladder, []evaluation{
			{name: "average exactly 75", cpu: repeat(60, 75), rung: 1, wantRung: 1},
			{name: "59 minutes", cpu: repeat(59, 80), rung: 1, wantRung: 1},
			{name: "(59·75+81)/60=75.1", cpu: concat(repeat(59, 75), repeat(1, 81)), rung: 1, wantRung: 2},
		}},
		{"any node", ladder, []evaluation{
			{name: "the pool is at 50, its busiest at 95", cpu: repeat(60, 50), hottest: repeat(60, 95), rung: 1, wantRung: 2},
		}},
		{"no second within 10 minutes", ladder, []evaluation{
			{name: "up", cpu: repeat(10, 95), rung: 1, wantRung: 2},
			{name: "9:59 later", after: 10*time.Minute - sec, cpu: repeat(10, 95), rung: 2, changedAfter: 9 * time.Minute, wantRung: 2},
			{name: "10:00 later", after: 10 * time.Minute, cpu: repeat(10, 95), rung: 2, changedAfter: 9 * time.Minute, wantRung: 3},
			{name: "the largest", after: hour, cpu: repeat(10, 95), rung: 3, wantRung: 3},
		}},
		{"no second within the hour", ladder, []evaluation{
			{name: "up", cpu: repeat(60, 80), rung: 1, wantRung: 2},
			{name: "59:59 later", after: hour - sec, cpu: repeat(60, 80), rung: 2, wantRung: 2},
			{name: "60:00 later", after: hour, cpu: repeat(60, 80), rung: 2, wantRung: 3},
		}},
		{"down", ladder, []evaluation{
			{name: "just created", cpu: calm, rung: 3, wantRung: 3},
			{name: "23:59:59 old", after: 24*hour - sec, cpu: calm, rung: 3, wantRung: 3},
			{name: "the busiest is at 46", after: 24 * hour, cpu: calm, hottest: repeat(240, 46), rung: 3, wantRung: 3},
			{name: "10 minutes at exactly 45", after: 24 * hour, cpu: concat(repeat(230, 10), repeat(10, 45)), rung: 3, wantRung: 3},
			{name: "4 h at (120·50+120·40)/240=45", after: 24 * hour, cpu: concat(repeat(120, 50), repeat(120, 40)), rung: 3, wantRung: 3},
			{name: "a minute of 4 h is missing", after: 24 * hour, cpu: concat(repeat(100, 20), repeat(1, missing), repeat(139, 20)), rung: 3, wantRung: 3},
			{name: "busy", after: 24 * hour, cpu: calm, rung: 3, changeInProgress: true, wantRung: 3},
			{name: "both at 44", after: 24 * hour, cpu: calm, rung: 3, wantRung: 2},
			{name: "23:59:59 later", after: 48*hour - sec, cpu: calm, rung: 2, changedAfter: 25 * hour, wantRung: 2},
			{name: "24:00:00 after the order", after: 48 * hour, cpu: calm, rung: 2, changedAfter: 25 * hour, wantRung: 1},
			{name: "again", after: 72 * hour, cpu: calm, rung: 1, changedAfter: 49 * hour, wantRung: 0},
			{name: "the smallest", after: 96 * hour, cpu: calm, rung: 0, changedAfter: 73 * hour, wantRung: 0},
		}},
		{"an order counts until it is completed", ladder, []evaluation{
			{name: "created", cpu: repeat(10, 60), rung: 1, wantRung: 1},
			{name: "up", after: 30 * hour, cpu: repeat(10, 95), rung: 1, wantRung: 2},
			{name: "11:59:59 after the order", after: 42*hour - sec, cpu: calm, rung: 1, changedAfter: hour, wantRung: 1},
			{name: "12 h after the order", after: 42 * hour, cpu: calm, rung: 1, changedAfter: hour, wantRung: 0},
		}},
		{"a scale-up is a restart", ladder, []evaluation{
			{name: "created", cpu: repeat(10, 60), rung: 1, wantRung: 1},
			{name: "up", after: 30 * hour, cpu: repeat(10, 95), rung: 1, wantRung: 2},
			{name: "11:59:59 after its completion", after: 43*hour - sec, cpu: calm, rung: 2, changedAfter: 31 * hour, wantRung: 2},
			{name: "12 h after its completion", after: 43 * hour, cpu: calm, rung: 2, changedAfter: 31 * hour, wantRung: 1},
		}},
	})
}

func TestSpanner(t *testing.T) {
	ladder := []float64{4, 8, 12, 16, 20}
	mins, sec := time.Minute, time.Second
	runSequences(t, newSpanner().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "busy", cpu: repeat(1, 90), rung: 1, changeInProgress: true, wantRung: 1},
			{name: "stale", cpu: repeat(1, 90), sampleAge: 5 * mins, rung: 1, wantRung: 1},
			{name: "none", rung: 1, wantRung: 1},
			{name: "m=90, size 8: req 11.08, to 12", cpu: []float64{10, 10, 90}, rung: 1, wantRung: 2},
			{name: "59 s after: m=100, size 12: req 18.5, to 20", after: 59 * sec, cpu: repeat(1, 100), rung: 2, wantRung: 2},
			{name: "60 s after", after: 60 * sec, cpu: repeat(1, 100), rung: 2, wantRung: 4},
			{name: "the largest", after: 10 * mins, cpu: repeat(1, 100), rung: 4, wantRung: 4},
		}},
		{"exactly on a unit is the next one", ladder, []evaluation{
			{name: "m=65, size 8: req 8, to 12", cpu: repeat(1, 65), rung: 1, wantRung: 2},
			{name: "m=64, size 8: req 7.88, to 8", after: mins, cpu: repeat(1, 64), rung: 1, wantRung: 1},
		}},
		{"down by one", ladder, []evaluation{
			{name: "m=5, size 20: req 1.5, to 4, but one rung only", cpu: repeat(1, 5), rung: 4, wantRung: 3},
			{name: "54:59 after", after: 55*mins - sec, cpu: repeat(1, 5), rung: 3, wantRung: 3},
			{name: "55:00 after", after: 55 * mins, cpu: repeat(1, 5), rung: 3, wantRung: 2},
			{name: "up 60 s after down: m=80, size 12: req 14.8, to 16", after: 56 * mins, cpu: repeat(1, 80), rung: 2, wantRung: 3},
			{name: "down 54:59 after up", after: 111*mins - sec, cpu: repeat(1, 5), rung: 3, wantRung: 3},
			{name: "down 55:00 after up", after: 111 * mins, cpu: repeat(1, 5), rung: 3, wantRung: 2},
			{name: "the smallest", after: 300 * mins, cpu: repeat(1, 5), rung: 0, wantRung: 0},
		}},
	})
}

func TestCloudSpanner(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins, sec := time.Minute, time.Second
	runSequences(t, newCloudSpanner().NewRule, []sequence{
		{"linear", ladder, []evaluation{
			{name: "busy", cpu: repeat(5, 99), rung: 2, changeInProgress: true, wantRung: 2},
			{name: "m=60 exactly, T−5", cpu: repeat(5, 60), rung: 2, wantRung: 2},
			{name: "m=70 exactly, T+5", cpu: repeat(5, 70), rung: 2, wantRung: 2},
			{name: "m=71, n=8: ceil(8.74)=9, to 12", cpu: repeat(5, 71), rung: 2, wantRung: 3},
			{name: "m=59, n=8: ceil(7.26)=8", cpu: repeat(5, 59), rung: 2, wantRung: 2},
			{name: "m=30, n=16: ceil(7.38)=8", cpu: repeat(5, 30), rung: 4, wantRung: 2},
			{name: "m=32.5, n=16: exactly 8", cpu: repeat(5, 32.5), rung: 4, wantRung: 2},
			{name: "the largest", cpu: repeat(5, 100), rung: 4, wantRung: 4},
		}},
		{"the highest of five", ladder, []evaluation{
			{name: "90, five minutes before the end: ceil(8·90/65)=12", cpu: []float64{90, 10, 10, 10, 10}, rung: 2, wantRung: 3},
			{name: "90 is six before, m=10: ceil(1.23)=2", cpu: []float64{90, 10, 10, 10, 10, 10}, rung: 2, wantRung: 0},
			{name: "with holes", cpu: []float64{90, missing, missing, missing, 10}, rung: 2, wantRung: 3},
			{name: "a hole is no point: 90 is six before", cpu: []float64{90, missing, missing, missing, 62, missing, 10}, sampleAge: 0, rung: 2, wantRung: 2},
		}},
		{"nothing reads as 0", ladder, []evaluation{
			{name: "none", rung: 4, wantRung: 0},
			{name: "stale", cpu: repeat(5, 100), sampleAge: 5 * mins, rung: 4, wantRung: 0},
		}},
		{"cooldown from completion", ladder, []evaluation{
			{name: "out, 4:59 after", after: hours(1) - sec, cpu: repeat(5, 99), rung: 2, changedAfter: 55 * mins, wantRung: 2},
			{name: "out, 5:00 after: ceil(8·99/65)=13, to 16", after: hours(1), cpu: repeat(5, 99), rung: 2, changedAfter: 55 * mins, wantRung: 4},
			{name: "in, 29:59 after", after: hours(1) - sec, cpu: repeat(5, 10), rung: 2, changedAfter: 30 * mins, wantRung: 2},
			{name: "in, 30:00 after", after: hours(1), cpu: repeat(5, 10), rung: 2, changedAfter: 30 * mins, wantRung: 0},
		}},
	})
}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func TestLambda(t *testing.T) {
	ladder := []float64{2, 4, 8}
	mins, sec := time.Minute, time.Second
	runSequences(t, newLambda().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "busy", cpu: repeat(15, 90), rung: 0, changeInProgress: true, wantRung: 0},
			{name: "the middle period at exactly 80", cpu: concat(repeat(5, 90), repeat(5, 80), repeat(5, 90)), rung: 0, wantRung: 0},
			{name: "two periods", cpu: repeat(10, 90), rung: 0, wantRung: 0},
			{name: "an empty period", cpu: concat(repeat(5, 90), repeat(5, missing), repeat(5, 90)), rung: 0, wantRung: 0},
			{name: "stale", cpu: repeat(15, 90), sampleAge: 5 * mins, rung: 0, wantRung: 0},
			{name: "(4·80+81)/5=80.2 each", cpu: concat(repeat(4, 80), repeat(5, 81), repeat(4, 80), repeat(2, 81)), rung: 0, wantRung: 1},
			{name: "14:59 after", after: 15*mins - sec, cpu: repeat(15, 90), rung: 1, wantRung: 1},
			{name: "15:00 after", after: 15 * mins, cpu: repeat(15, 90), rung: 1, changedAfter: 14 * mins, wantRung: 2},
			{name: "the largest", after: hours(1), cpu: repeat(15, 90), rung: 2, wantRung: 2},
		}},
		{"a missing minute is left out of its average", ladder, []evaluation{
			{name: "(79+79+82+82)/4=80.5", cpu: concat(repeat(5, 90), []float64{79, 79, missing, 82, 82}, repeat(5, 90)), rung: 0, wantRung: 1},
		}},
		{"never down", ladder, []evaluation{{name: "idle", after: hours(99), cpu: repeat(15, 0), rung: 2, wantRung: 2}}},
	})
}

func TestClickHouse(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins := time.Minute
	calm := repeat(180, 50)
	runSequences(t, newClickHouse().NewRule, []sequence{
		{"up, as in the documentation", ladder, []evaluation{
			{name: "3.8 of 4: 3.8/0.53=7.17, to 8", after: hours(9), cpu: concat(calm, repeat(1, 95)), rung: 1, wantRung: 2},
		}},
		{"the band", ladder, []evaluation{
			{name: "75 % exactly", after: hours(9), cpu: concat(calm, repeat(1, 75)), rung: 2, wantRung: 2},
			{name: "37.5 % exactly", after: hours(18), cpu: repeat(180, 37.5), rung: 2, wantRung: 2},
			{name: "busy", after: hours(27), cpu: repeat(180, 99), rung: 2, changeInProgress: true, wantRung: 2},
			{name: "the peak seen while busy: 7.92/0.53=14.9, to 16", after: hours(27) + mins, rung: 2, wantRung: 4},
		}},
		{"down", ladder, []evaluation{
			{name: "2.9 of 8 (36.25 %), 2.9/0.53=5.47, to 8: stays", after: hours(9), cpu: repeat(180, 36.25), rung: 2, wantRung: 2},
			{name: "2 of 8 (25 %), 2/0.53=3.77, to 4", after: hours(18), cpu: repeat(180, 25), rung: 2, wantRung: 1},
		}},
		{"down by several rungs", ladder, []evaluation{
			{name: "0.8 of 16 (5 %), 1.5, to 2", after: hours(9), cpu: repeat(180, 5), rung: 4, wantRung: 0},
		}},
		{"down wants three hours", ladder, []evaluation{
			{name: "179 minutes", after: hours(9), cpu: repeat(179, 5), rung: 4, wantRung: 4},
			{name: "180 minutes", after: hours(9) + mins, cpu: repeat(180, 5), rung: 4, wantRung: 0},
		}},
		{"the largest and the smallest", ladder, []evaluation{
			{name: "hot", after: hours(9), cpu: concat(calm, repeat(1, 100)), rung: 4, wantRung: 4},
			{name: "cold", after: hours(18), cpu: repeat(180, 0), rung: 0, wantRung: 0},
		}},
		{"up to the peak of 30 h", ladder, []evaluation{
			{name: "the peak: 7.6 of 8", after: hours(3), cpu: concat(calm[1:], repeat(1, 95)), rung: 2, wantRung: 4},
			{name: "3 h without: 1.6 of 16, 3.02, to 4", after: hours(9), cpu: repeat(180, 10), rung: 4, changedAfter: hours(3) + 5*mins, wantRung: 1},
			{name: "the old peak does not undo it", after: hours(9) + 10*mins, cpu: repeat(5, 40), rung: 1, changedAfter: hours(9) + 5*mins, wantRung: 1},
			{name: "3.2 of 4, and 7.6 is of 30 h: 14.3, to 16", after: hours(10), cpu: repeat(1, 80), rung: 1, changedAfter: hours(9) + 5*mins, wantRung: 4},
		}},
		{"the peak of 30 h ends", ladder, []evaluation{
			{name: "the peak at 2:59: 7.6 of 8", after: hours(3), cpu: concat(calm[1:], repeat(1, 95)), rung: 2, wantRung: 4},
			{name: "down", after: hours(9), cpu: repeat(180, 10), rung: 4, changedAfter: hours(3) + 5*mins, wantRung: 1},
			{name: "30 h after: 3.2 of 4, 6.04, to 8", after: hours(33), cpu: repeat(1, 80), rung: 1, changedAfter: hours(9) + 5*mins, wantRung: 2},
		}},
		{"a minute counts with its size", ladder, []evaluation{
			{name: "quiet", after: hours(9), cpu: repeat(180, 50), rung: 2, wantRung: 2},
			{name: "ten minutes at 90 % of 8 are 7.2, 60 % of 12", after: hours(9) + 10*mins, cpu: repeat(10, 90), rung: 3, changedAfter: hours(9) + 10*mins, wantRung: 3},
			{name: "a minute at 74 % of 12 is 8.88", after: hours(9) + 11*mins, cpu: repeat(1, 74), rung: 3, changedAfter: hours(9) + 10*mins, wantRung: 3},
			{name: "8.88 of 8 is above 75 %, 16.75, to 16", after: hours(9) + 20*mins, rung: 2, changedAfter: hours(9) + 20*mins, wantRung: 4},
		}},
		{"nothing in three hours", ladder, []evaluation{
			{name: "calm", after: hours(9), cpu: calm, rung: 2, wantRung: 2},
			{name: "nothing since", after: hours(15), rung: 2, wantRung: 2},
		}},
	})
}

func TestDAS(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	mins, sec := time.Minute, time.Second
	runSequences(t, newDAS().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "busy", cpu: repeat(5, 90), rung: 1, changeInProgress: true, wantRung: 1},
			{name: "(4·70+69)/5=69.8", cpu: concat(repeat(4, 70), repeat(1, 69)), rung: 1, wantRung: 1},
			{name: "a hole", cpu: []float64{90, 90, 90, missing, 90, 90}, rung: 1, wantRung: 1},
			{name: "exactly 70", cpu: []float64{60, 80, 70, 65, 75}, rung: 1, wantRung: 2},
			{name: "the oldest of five began a second before completion", after: 10*mins - sec, cpu: repeat(5, 90), rung: 2, changedAfter: 5 * mins, wantRung: 2},
			{name: "it began at completion", after: 10 * mins, cpu: repeat(5, 90), rung: 2, changedAfter: 5 * mins, wantRung: 3},
			{name: "the largest", after: hours(1), cpu: repeat(5, 90), rung: 3, changedAfter: 15 * mins, wantRung: 3},
		}},
		{"back down", ladder, []evaluation{
			{name: "begins here", cpu: repeat(15, 50), rung: 1, wantRung: 1},
			{name: "14 of 15 are 93 %", after: hours(1), cpu: concat(repeat(1, 30), repeat(14, 29)), rung: 3, wantRung: 3},
			{name: "a hole", after: hours(1), cpu: concat(repeat(5, 10), repeat(1, missing), repeat(10, 10)), rung: 3, wantRung: 3},
			{name: "busy", after: hours(1), cpu: repeat(15, 29), rung: 3, changeInProgress: true, wantRung: 3},
			{name: "15 of 15", after: hours(1), cpu: repeat(15, 29), rung: 3, wantRung: 2},
			{name: "the oldest of 15 began a second before completion", after: hours(2) - sec, cpu: repeat(15, 29), rung: 2, changedAfter: 105 * mins, wantRung: 2},
			{name: "it began at completion", after: hours(2), cpu: repeat(15, 29), rung: 2, changedAfter: 105 * mins, wantRung: 1},
			{name: "not below where it began", after: hours(3), cpu: repeat(15, 0), rung: 1, changedAfter: 121 * mins, wantRung: 1},
		}},
	})
}
