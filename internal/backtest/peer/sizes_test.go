package peer

import (
	"testing"
	"time"
)

func TestAtlas(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	hour, sec := time.Hour, time.Second
	calm := flat(240, 44)
	run(t, atlasPeer().New, []play{
		{"up by 10 minutes", ladder, []step{
			{name: "average exactly 90", cpu: flat(10, 90), rung: 1, want: 1},
			{name: "nine minutes", cpu: flat(9, 100), rung: 1, want: 1},
			{name: "a hole", cpu: join(flat(5, 99), flat(1, gap), flat(5, 99)), rung: 1, want: 1},
			{name: "busy", cpu: flat(10, 99), rung: 1, busy: true, want: 1},
			{name: "(9·90+91)/10=90.1", cpu: join(flat(9, 90), flat(1, 91)), rung: 1, want: 2},
		}},
		{"up by an hour", ladder, []step{
			{name: "average exactly 75", cpu: flat(60, 75), rung: 1, want: 1},
			{name: "59 minutes", cpu: flat(59, 80), rung: 1, want: 1},
			{name: "(59·75+81)/60=75.1", cpu: join(flat(59, 75), flat(1, 81)), rung: 1, want: 2},
		}},
		{"any node", ladder, []step{
			{name: "the pool is at 50, its busiest at 95", cpu: flat(60, 50), hottest: flat(60, 95), rung: 1, want: 2},
		}},
		{"no second within 10 minutes", ladder, []step{
			{name: "up", cpu: flat(10, 95), rung: 1, want: 2},
			{name: "9:59 later", at: 10*time.Minute - sec, cpu: flat(10, 95), rung: 2, changed: 9 * time.Minute, want: 2},
			{name: "10:00 later", at: 10 * time.Minute, cpu: flat(10, 95), rung: 2, changed: 9 * time.Minute, want: 3},
			{name: "the largest", at: hour, cpu: flat(10, 95), rung: 3, want: 3},
		}},
		{"no second within the hour", ladder, []step{
			{name: "up", cpu: flat(60, 80), rung: 1, want: 2},
			{name: "59:59 later", at: hour - sec, cpu: flat(60, 80), rung: 2, want: 2},
			{name: "60:00 later", at: hour, cpu: flat(60, 80), rung: 2, want: 3},
		}},
		{"down", ladder, []step{
			{name: "just created", cpu: calm, rung: 3, want: 3},
			{name: "23:59:59 old", at: 24*hour - sec, cpu: calm, rung: 3, want: 3},
			{name: "the busiest is at 46", at: 24 * hour, cpu: calm, hottest: flat(240, 46), rung: 3, want: 3},
			{name: "10 minutes at exactly 45", at: 24 * hour, cpu: join(flat(230, 10), flat(10, 45)), rung: 3, want: 3},
			{name: "4 h at (120·50+120·40)/240=45", at: 24 * hour, cpu: join(flat(120, 50), flat(120, 40)), rung: 3, want: 3},
			{name: "a minute of 4 h is missing", at: 24 * hour, cpu: join(flat(100, 20), flat(1, gap), flat(139, 20)), rung: 3, want: 3},
			{name: "busy", at: 24 * hour, cpu: calm, rung: 3, busy: true, want: 3},
			{name: "both at 44", at: 24 * hour, cpu: calm, rung: 3, want: 2},
			{name: "23:59:59 later", at: 48*hour - sec, cpu: calm, rung: 2, changed: 25 * hour, want: 2},
			{name: "24:00:00 after the order", at: 48 * hour, cpu: calm, rung: 2, changed: 25 * hour, want: 1},
			{name: "again", at: 72 * hour, cpu: calm, rung: 1, changed: 49 * hour, want: 0},
			{name: "the smallest", at: 96 * hour, cpu: calm, rung: 0, changed: 73 * hour, want: 0},
		}},
		{"an order counts until it is completed", ladder, []step{
			{name: "created", cpu: flat(10, 60), rung: 1, want: 1},
			{name: "up", at: 30 * hour, cpu: flat(10, 95), rung: 1, want: 2},
			{name: "11:59:59 after the order", at: 42*hour - sec, cpu: calm, rung: 1, changed: hour, want: 1},
			{name: "12 h after the order", at: 42 * hour, cpu: calm, rung: 1, changed: hour, want: 0},
		}},
		{"a scale-up is a restart", ladder, []step{
			{name: "created", cpu: flat(10, 60), rung: 1, want: 1},
			{name: "up", at: 30 * hour, cpu: flat(10, 95), rung: 1, want: 2},
			{name: "11:59:59 after its completion", at: 43*hour - sec, cpu: calm, rung: 2, changed: 31 * hour, want: 2},
			{name: "12 h after its completion", at: 43 * hour, cpu: calm, rung: 2, changed: 31 * hour, want: 1},
		}},
	})
}

func TestSpanner(t *testing.T) {
	ladder := []float64{4, 8, 12, 16, 20}
	mins, sec := time.Minute, time.Second
	run(t, spannerPeer().New, []play{
		{"up", ladder, []step{
			{name: "busy", cpu: flat(1, 90), rung: 1, busy: true, want: 1},
			{name: "stale", cpu: flat(1, 90), late: 5 * mins, rung: 1, want: 1},
			{name: "none", rung: 1, want: 1},
			{name: "m=90, size 8: req 11.08, to 12", cpu: []float64{10, 10, 90}, rung: 1, want: 2},
			{name: "59 s after: m=100, size 12: req 18.5, to 20", at: 59 * sec, cpu: flat(1, 100), rung: 2, want: 2},
			{name: "60 s after", at: 60 * sec, cpu: flat(1, 100), rung: 2, want: 4},
			{name: "the largest", at: 10 * mins, cpu: flat(1, 100), rung: 4, want: 4},
		}},
		{"exactly on a unit is the next one", ladder, []step{
			{name: "m=65, size 8: req 8, to 12", cpu: flat(1, 65), rung: 1, want: 2},
			{name: "m=64, size 8: req 7.88, to 8", at: mins, cpu: flat(1, 64), rung: 1, want: 1},
		}},
		{"down by one", ladder, []step{
			{name: "m=5, size 20: req 1.5, to 4, but one rung only", cpu: flat(1, 5), rung: 4, want: 3},
			{name: "54:59 after", at: 55*mins - sec, cpu: flat(1, 5), rung: 3, want: 3},
			{name: "55:00 after", at: 55 * mins, cpu: flat(1, 5), rung: 3, want: 2},
			{name: "up 60 s after down: m=80, size 12: req 14.8, to 16", at: 56 * mins, cpu: flat(1, 80), rung: 2, want: 3},
			{name: "down 54:59 after up", at: 111*mins - sec, cpu: flat(1, 5), rung: 3, want: 3},
			{name: "down 55:00 after up", at: 111 * mins, cpu: flat(1, 5), rung: 3, want: 2},
			{name: "the smallest", at: 300 * mins, cpu: flat(1, 5), rung: 0, want: 0},
		}},
	})
}

func TestCloudSpanner(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins, sec := time.Minute, time.Second
	run(t, cloudSpannerPeer().New, []play{
		{"linear", ladder, []step{
			{name: "busy", cpu: flat(5, 99), rung: 2, busy: true, want: 2},
			{name: "m=60 exactly, T−5", cpu: flat(5, 60), rung: 2, want: 2},
			{name: "m=70 exactly, T+5", cpu: flat(5, 70), rung: 2, want: 2},
			{name: "m=71, n=8: ceil(8.74)=9, to 12", cpu: flat(5, 71), rung: 2, want: 3},
			{name: "m=59, n=8: ceil(7.26)=8", cpu: flat(5, 59), rung: 2, want: 2},
			{name: "m=30, n=16: ceil(7.38)=8", cpu: flat(5, 30), rung: 4, want: 2},
			{name: "m=32.5, n=16: exactly 8", cpu: flat(5, 32.5), rung: 4, want: 2},
			{name: "the largest", cpu: flat(5, 100), rung: 4, want: 4},
		}},
		{"the highest of five", ladder, []step{
			{name: "90, five minutes before the end: ceil(8·90/65)=12", cpu: []float64{90, 10, 10, 10, 10}, rung: 2, want: 3},
			{name: "90 is six before, m=10: ceil(1.23)=2", cpu: []float64{90, 10, 10, 10, 10, 10}, rung: 2, want: 0},
			{name: "with holes", cpu: []float64{90, gap, gap, gap, 10}, rung: 2, want: 3},
			{name: "a hole is no point: 90 is six before", cpu: []float64{90, gap, gap, gap, 62, gap, 10}, late: 0, rung: 2, want: 2},
		}},
		{"nothing reads as 0", ladder, []step{
			{name: "none", rung: 4, want: 0},
			{name: "stale", cpu: flat(5, 100), late: 5 * mins, rung: 4, want: 0},
		}},
		{"cooldown from completion", ladder, []step{
			{name: "out, 4:59 after", at: hour(1) - sec, cpu: flat(5, 99), rung: 2, changed: 55 * mins, want: 2},
			{name: "out, 5:00 after: ceil(8·99/65)=13, to 16", at: hour(1), cpu: flat(5, 99), rung: 2, changed: 55 * mins, want: 4},
			{name: "in, 29:59 after", at: hour(1) - sec, cpu: flat(5, 10), rung: 2, changed: 30 * mins, want: 2},
			{name: "in, 30:00 after", at: hour(1), cpu: flat(5, 10), rung: 2, changed: 30 * mins, want: 0},
		}},
	})
}

func hour(n int) time.Duration { return time.Duration(n) * time.Hour }

func TestLambda(t *testing.T) {
	ladder := []float64{2, 4, 8}
	mins, sec := time.Minute, time.Second
	run(t, lambdaPeer().New, []play{
		{"up", ladder, []step{
			{name: "busy", cpu: flat(15, 90), rung: 0, busy: true, want: 0},
			{name: "the middle period at exactly 80", cpu: join(flat(5, 90), flat(5, 80), flat(5, 90)), rung: 0, want: 0},
			{name: "two periods", cpu: flat(10, 90), rung: 0, want: 0},
			{name: "an empty period", cpu: join(flat(5, 90), flat(5, gap), flat(5, 90)), rung: 0, want: 0},
			{name: "stale", cpu: flat(15, 90), late: 5 * mins, rung: 0, want: 0},
			{name: "(4·80+81)/5=80.2 each", cpu: join(flat(4, 80), flat(5, 81), flat(4, 80), flat(2, 81)), rung: 0, want: 1},
			{name: "14:59 after", at: 15*mins - sec, cpu: flat(15, 90), rung: 1, want: 1},
			{name: "15:00 after", at: 15 * mins, cpu: flat(15, 90), rung: 1, changed: 14 * mins, want: 2},
			{name: "the largest", at: hour(1), cpu: flat(15, 90), rung: 2, want: 2},
		}},
		{"a missing minute is left out of its average", ladder, []step{
			{name: "(79+79+82+82)/4=80.5", cpu: join(flat(5, 90), []float64{79, 79, gap, 82, 82}, flat(5, 90)), rung: 0, want: 1},
		}},
		{"never down", ladder, []step{{name: "idle", at: hour(99), cpu: flat(15, 0), rung: 2, want: 2}}},
	})
}

func TestClickHouse(t *testing.T) {
	ladder := []float64{2, 4, 8, 12, 16}
	mins := time.Minute
	calm := flat(180, 50)
	run(t, clickhousePeer().New, []play{
		{"up, as in the documentation", ladder, []step{
			{name: "3.8 of 4: 3.8/0.53=7.17, to 8", at: hour(9), cpu: join(calm, flat(1, 95)), rung: 1, want: 2},
		}},
		{"the band", ladder, []step{
			{name: "75 % exactly", at: hour(9), cpu: join(calm, flat(1, 75)), rung: 2, want: 2},
			{name: "37.5 % exactly", at: hour(18), cpu: flat(180, 37.5), rung: 2, want: 2},
			{name: "busy", at: hour(27), cpu: flat(180, 99), rung: 2, busy: true, want: 2},
			{name: "the peak seen while busy: 7.92/0.53=14.9, to 16", at: hour(27) + mins, rung: 2, want: 4},
		}},
		{"down", ladder, []step{
			{name: "2.9 of 8 (36.25 %), 2.9/0.53=5.47, to 8: stays", at: hour(9), cpu: flat(180, 36.25), rung: 2, want: 2},
			{name: "2 of 8 (25 %), 2/0.53=3.77, to 4", at: hour(18), cpu: flat(180, 25), rung: 2, want: 1},
		}},
		{"down by several rungs", ladder, []step{
			{name: "0.8 of 16 (5 %), 1.5, to 2", at: hour(9), cpu: flat(180, 5), rung: 4, want: 0},
		}},
		{"down wants three hours", ladder, []step{
			{name: "179 minutes", at: hour(9), cpu: flat(179, 5), rung: 4, want: 4},
			{name: "180 minutes", at: hour(9) + mins, cpu: flat(180, 5), rung: 4, want: 0},
		}},
		{"the largest and the smallest", ladder, []step{
			{name: "hot", at: hour(9), cpu: join(calm, flat(1, 100)), rung: 4, want: 4},
			{name: "cold", at: hour(18), cpu: flat(180, 0), rung: 0, want: 0},
		}},
		{"up to the peak of 30 h", ladder, []step{
			{name: "the peak: 7.6 of 8", at: hour(3), cpu: join(calm[1:], flat(1, 95)), rung: 2, want: 4},
			{name: "3 h without: 1.6 of 16, 3.02, to 4", at: hour(9), cpu: flat(180, 10), rung: 4, changed: hour(3) + 5*mins, want: 1},
			{name: "the old peak does not undo it", at: hour(9) + 10*mins, cpu: flat(5, 40), rung: 1, changed: hour(9) + 5*mins, want: 1},
			{name: "3.2 of 4, and 7.6 is of 30 h: 14.3, to 16", at: hour(10), cpu: flat(1, 80), rung: 1, changed: hour(9) + 5*mins, want: 4},
		}},
		{"the peak of 30 h ends", ladder, []step{
			{name: "the peak at 2:59: 7.6 of 8", at: hour(3), cpu: join(calm[1:], flat(1, 95)), rung: 2, want: 4},
			{name: "down", at: hour(9), cpu: flat(180, 10), rung: 4, changed: hour(3) + 5*mins, want: 1},
			{name: "30 h after: 3.2 of 4, 6.04, to 8", at: hour(33), cpu: flat(1, 80), rung: 1, changed: hour(9) + 5*mins, want: 2},
		}},
		{"a minute counts with its size", ladder, []step{
			{name: "quiet", at: hour(9), cpu: flat(180, 50), rung: 2, want: 2},
			{name: "ten minutes at 90 % of 8 are 7.2, 60 % of 12", at: hour(9) + 10*mins, cpu: flat(10, 90), rung: 3, changed: hour(9) + 10*mins, want: 3},
			{name: "a minute at 74 % of 12 is 8.88", at: hour(9) + 11*mins, cpu: flat(1, 74), rung: 3, changed: hour(9) + 10*mins, want: 3},
			{name: "8.88 of 8 is above 75 %, 16.75, to 16", at: hour(9) + 20*mins, rung: 2, changed: hour(9) + 20*mins, want: 4},
		}},
		{"nothing in three hours", ladder, []step{
			{name: "calm", at: hour(9), cpu: calm, rung: 2, want: 2},
			{name: "nothing since", at: hour(15), rung: 2, want: 2},
		}},
	})
}

func TestDAS(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	mins, sec := time.Minute, time.Second
	run(t, dasPeer().New, []play{
		{"up", ladder, []step{
			{name: "busy", cpu: flat(5, 90), rung: 1, busy: true, want: 1},
			{name: "(4·70+69)/5=69.8", cpu: join(flat(4, 70), flat(1, 69)), rung: 1, want: 1},
			{name: "a hole", cpu: []float64{90, 90, 90, gap, 90, 90}, rung: 1, want: 1},
			{name: "exactly 70", cpu: []float64{60, 80, 70, 65, 75}, rung: 1, want: 2},
			{name: "the oldest of five began a second before completion", at: 10*mins - sec, cpu: flat(5, 90), rung: 2, changed: 5 * mins, want: 2},
			{name: "it began at completion", at: 10 * mins, cpu: flat(5, 90), rung: 2, changed: 5 * mins, want: 3},
			{name: "the largest", at: hour(1), cpu: flat(5, 90), rung: 3, changed: 15 * mins, want: 3},
		}},
		{"back down", ladder, []step{
			{name: "begins here", cpu: flat(15, 50), rung: 1, want: 1},
			{name: "14 of 15 are 93 %", at: hour(1), cpu: join(flat(1, 30), flat(14, 29)), rung: 3, want: 3},
			{name: "a hole", at: hour(1), cpu: join(flat(5, 10), flat(1, gap), flat(10, 10)), rung: 3, want: 3},
			{name: "busy", at: hour(1), cpu: flat(15, 29), rung: 3, busy: true, want: 3},
			{name: "15 of 15", at: hour(1), cpu: flat(15, 29), rung: 3, want: 2},
			{name: "the oldest of 15 began a second before completion", at: hour(2) - sec, cpu: flat(15, 29), rung: 2, changed: 105 * mins, want: 2},
			{name: "it began at completion", at: hour(2), cpu: flat(15, 29), rung: 2, changed: 105 * mins, want: 1},
			{name: "not below where it began", at: hour(3), cpu: flat(15, 0), rung: 1, changed: 121 * mins, want: 1},
		}},
	})
}
