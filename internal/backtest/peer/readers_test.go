package peer

import (
	"testing"
	"time"
)

func TestAurora(t *testing.T) {
	readers := []float64{4, 8, 12, 16, 20, 24} // 4 vCPUs each: n is the rung + 1
	run(t, auroraPeer(3).New, []play{
		{"out", readers, []step{
			{name: "n=2, m=84, T=60: ceil(2.8)=3", cpu: flat(3, 84), rung: 1, want: 2},
		}},
		{"out by more than one", readers, []step{
			{name: "n=2, m=100: ceil(3.33)=4", cpu: flat(3, 100), rung: 1, want: 3},
		}},
		{"a whole number is not rounded up", readers, []step{
			{name: "n=4, m=75: 4·75/60=5", cpu: flat(3, 75), rung: 3, want: 4},
		}},
		{"m is the newest", readers, []step{
			{name: "n=2, m=91: ceil(3.03)=4", cpu: []float64{61, 61, 91}, rung: 1, want: 3},
		}},
		{"the largest", readers, []step{
			{name: "n=5, m=100: ceil(8.33)=9, of 6", cpu: flat(3, 100), rung: 4, want: 5},
			{name: "nothing is larger", cpu: flat(3, 100), rung: 5, want: 5},
		}},
		{"the alarm", readers, []step{
			{name: "exactly 60 is not above", cpu: []float64{84, 60, 84}, rung: 1, want: 1},
			{name: "two points of three", cpu: flat(2, 84), rung: 1, want: 1},
			{name: "a hole", cpu: []float64{84, 84, gap, 84}, rung: 1, want: 1},
			{name: "busy", cpu: flat(3, 84), rung: 1, busy: true, want: 1},
			{name: "stale", cpu: flat(3, 84), late: 5 * time.Minute, rung: 1, want: 1},
			{name: "late: n=2, m=61: ceil(2.03)=3", cpu: flat(3, 61), late: 4 * time.Minute, rung: 1, want: 2},
		}},
		{"in", readers, []step{
			{name: "one of 15 exactly 54 = 0.9·60", cpu: join(flat(14, 20), flat(1, 54)), rung: 3, want: 3},
			{name: "14 points", cpu: flat(14, 20), rung: 3, want: 3},
			{name: "a hole", cpu: join(flat(7, 20), flat(1, gap), flat(8, 20)), rung: 3, want: 3},
			{name: "none at all", rung: 3, want: 3},
			{name: "busy", cpu: flat(15, 20), rung: 3, busy: true, want: 3},
			{name: "one reader, however low", cpu: flat(15, 1), rung: 3, want: 2},
			{name: "the least number", cpu: flat(15, 1), at: time.Hour, rung: 0, want: 0},
		}},
		{"more readers than one at the least", []float64{8, 12, 16}, []step{
			{name: "8/4=2, m=84: ceil(2.8)=3 readers are 12 vCPUs", cpu: flat(3, 84), rung: 0, want: 1},
		}},
		{"one rung", []float64{8}, []step{
			{name: "hot", cpu: flat(15, 100), want: 0},
			{name: "cold", cpu: flat(15, 1), want: 0},
		}},
		{"out after out waits for 300 s from completion", readers, []step{
			{name: "n=2, m=84: 3, one more", cpu: flat(3, 84), rung: 1, want: 2},
			{name: "under way", at: 2 * time.Minute, cpu: flat(3, 84), rung: 1, busy: true, want: 1},
			{name: "299 s after: n=3, m=80: 4, one more", at: 10*time.Minute - time.Second, cpu: flat(3, 80), rung: 2, changed: 5 * time.Minute, want: 2},
			{name: "300 s after", at: 10 * time.Minute, cpu: flat(3, 80), rung: 2, changed: 5 * time.Minute, want: 3},
		}},
		{"a larger scale-out does not wait", readers, []step{
			{name: "n=2, m=84: 3, one more", cpu: flat(3, 84), rung: 1, want: 2},
			{name: "n=3, m=100: ceil(5)=5, two more", at: 6 * time.Minute, cpu: flat(3, 100), rung: 2, changed: 5 * time.Minute, want: 4},
		}},
		{"in after in waits for 300 s from completion", readers, []step{
			{name: "in", cpu: flat(15, 20), rung: 4, want: 3},
			{name: "299 s after", at: 6*time.Minute - time.Second, cpu: flat(15, 20), rung: 3, changed: time.Minute, want: 3},
			{name: "300 s after", at: 6 * time.Minute, cpu: flat(15, 20), rung: 3, changed: time.Minute, want: 2},
		}},
		{"a scale-out ends the wait after a scale-in", readers, []step{
			{name: "in", cpu: flat(15, 20), rung: 4, want: 3},
			{name: "out at once: n=4, m=70: ceil(4.67)=5", at: 2 * time.Minute, cpu: flat(3, 70), rung: 3, changed: time.Minute, want: 4},
			{name: "in, 180 s after the first", at: 4 * time.Minute, cpu: flat(15, 20), rung: 4, changed: 3 * time.Minute, want: 3},
		}},
		{"an order counts until it is completed", readers, []step{
			{name: "in", at: time.Hour, cpu: flat(15, 20), rung: 4, changed: time.Minute, want: 3},
			{name: "299 s after the order", at: time.Hour + 299*time.Second, cpu: flat(15, 20), rung: 4, changed: time.Minute, want: 4},
			{name: "300 s after the order", at: time.Hour + 300*time.Second, cpu: flat(15, 20), rung: 4, changed: time.Minute, want: 3},
		}},
	})
	run(t, auroraPeer(5).New, []play{
		{"five points", readers, []step{
			{name: "four", cpu: join(flat(1, 60), flat(4, 84)), rung: 1, want: 1},
			{name: "a hole in five", cpu: []float64{84, 84, 84, gap, 84, 84}, rung: 1, want: 1},
			{name: "five: ceil(2.8)=3", cpu: flat(5, 84), rung: 1, want: 2},
		}},
	})
}

func TestHPA(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	s := time.Second
	run(t, hpaPeer().New, []play{
		{"up", ladder, []step{
			{name: "n=4, 3 in use: m=75, r=1.25, ceil(5)=5, rounded up to 8", running: 3, rung: 1, want: 2},
		}},
		{"up from what is capped", ladder, []step{
			{name: "n=4, 9 wanted: m=100, r=1.67, ceil(6.67)=7, to 8", running: 9, rung: 1, want: 2},
		}},
		{"up to the next rung and no further", []float64{4, 5, 8}, []step{
			{name: "n=4, 3 in use: r=1.25, exactly 5", running: 3, rung: 0, want: 1},
		}},
		{"tolerance", ladder, []step{
			{name: "n=4, 2.64 in use: m=66, r=1.1 exactly", running: 2.64, rung: 1, want: 1},
			{name: "m=66.25, r=1.104, ceil(4.42)=5, to 8", at: 15 * s, running: 2.65, rung: 1, want: 2},
		}},
		{"the largest", ladder, []step{{name: "n=16", running: 16, rung: 3, want: 3}}},
		{"busy and missing", ladder, []step{
			{name: "busy", running: 4, rung: 1, busy: true, want: 1},
			{name: "missing", running: gap, rung: 1, want: 1},
		}},
		{"down waits for the size that it found", ladder, []step{
			{name: "n=16, 3 in use: m=18.75, r=0.3125, desired 5", running: 3, rung: 3, want: 3},
			{name: "16 was wanted 299 s ago", at: 299 * s, running: 3, rung: 3, want: 3},
			{name: "16 was wanted 300 s ago: highest 5, to 8", at: 300 * s, running: 3, rung: 3, want: 2},
		}},
		{"down to the highest of 300 s", ladder, []step{
			{name: "n=16, desired ceil(16·(6/16)/0.6)=10", running: 6, rung: 3, want: 3},
			{name: "desired 10 again", at: 100 * s, running: 6, rung: 3, want: 3},
			{name: "desired ceil(1.67)=2, highest 10, to 16", at: 399 * s, running: 1, rung: 3, want: 3},
			{name: "highest 2", at: 400 * s, running: 1, rung: 3, want: 0},
		}},
		{"what is desired while busy counts", ladder, []step{
			{name: "first", running: 3, rung: 3, want: 3},
			{name: "busy, n=16, desired 16·(6/16)/0.6=10", at: 290 * s, running: 6, rung: 3, busy: true, want: 3},
			{name: "highest 10, to 16", at: 310 * s, running: 1, rung: 3, want: 3},
			{name: "highest 10 until", at: 589 * s, running: 1, rung: 3, want: 3},
			{name: "here", at: 590 * s, running: 1, rung: 3, want: 0},
		}},
	})
}

func TestNeon(t *testing.T) {
	ladder := []float64{0.25, 0.5, 1, 2, 4}
	run(t, neonPeer().New, []play{
		{"goal", ladder, []step{
			{name: "0.9/0.9/0.25=4 units, 1 vCPU", running: 0.9, rung: 0, want: 2},
			{name: "1.01/0.225=4.49: 4 units", running: 1.01, rung: 0, want: 2},
			{name: "1.02/0.225=4.53: 5 units, 1.25 vCPU, to 2", running: 1.02, rung: 2, want: 3},
			{name: "0.3375/0.225=1.5: 2 units", running: 0.3375, rung: 2, want: 1},
			{name: "down at once", at: time.Second, running: 0, rung: 4, want: 0},
			{name: "beyond the largest", running: 50, rung: 0, want: 4},
			{name: "busy", running: 50, rung: 0, busy: true, want: 0},
			{name: "missing", running: gap, rung: 3, want: 3},
		}},
		{"one rung", []float64{2}, []step{{name: "hot", running: 50}, {name: "cold"}}},
	})
}
