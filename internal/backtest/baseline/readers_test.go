package baseline

import (
	"testing"
	"time"
)

func TestAurora(t *testing.T) {
	readers := []float64{4, 8, 12, 16, 20, 24} // 4 vCPUs each: n is the rung + 1
	runSequences(t, newAurora(3).NewRule, []sequence{
		{"out", readers, []evaluation{
			{name: "n=2, m=84, T=60: ceil(2.8)=3", cpu: repeat(3, 84), rung: 1, wantRung: 2},
		}},
		{"out by more than one", readers, []evaluation{
			{name: "n=2, m=100: ceil(3.33)=4", cpu: repeat(3, 100), rung: 1, wantRung: 3},
		}},
		{"a whole number is not rounded up", readers, []evaluation{
			{name: "n=4, m=75: 4·75/60=5", cpu: repeat(3, 75), rung: 3, wantRung: 4},
		}},
		{"m is the newest", readers, []evaluation{
			{name: "n=2, m=91: ceil(3.03)=4", cpu: []float64{61, 61, 91}, rung: 1, wantRung: 3},
		}},
		{"the largest", readers, []evaluation{
			{name: "n=5, m=100: ceil(8.33)=9, of 6", cpu: repeat(3, 100), rung: 4, wantRung: 5},
			{name: "nothing is larger", cpu: repeat(3, 100), rung: 5, wantRung: 5},
		}},
		{"the alarm", readers, []evaluation{
			{name: "exactly 60 is not above", cpu: []float64{84, 60, 84}, rung: 1, wantRung: 1},
			{name: "two points of three", cpu: repeat(2, 84), rung: 1, wantRung: 1},
			{name: "a hole", cpu: []float64{84, 84, missing, 84}, rung: 1, wantRung: 1},
			{name: "busy", cpu: repeat(3, 84), rung: 1, changeInProgress: true, wantRung: 1},
			{name: "stale", cpu: repeat(3, 84), sampleAge: 5 * time.Minute, rung: 1, wantRung: 1},
			{name: "late: n=2, m=61: ceil(2.03)=3", cpu: repeat(3, 61), sampleAge: 4 * time.Minute, rung: 1, wantRung: 2},
		}},
		{"in", readers, []evaluation{
			{name: "one of 15 exactly 54 = 0.9·60", cpu: concat(repeat(14, 20), repeat(1, 54)), rung: 3, wantRung: 3},
			{name: "14 points", cpu: repeat(14, 20), rung: 3, wantRung: 3},
			{name: "a hole", cpu: concat(repeat(7, 20), repeat(1, missing), repeat(8, 20)), rung: 3, wantRung: 3},
			{name: "none at all", rung: 3, wantRung: 3},
			{name: "busy", cpu: repeat(15, 20), rung: 3, changeInProgress: true, wantRung: 3},
			{name: "one reader, however low", cpu: repeat(15, 1), rung: 3, wantRung: 2},
			{name: "the least number", cpu: repeat(15, 1), after: time.Hour, rung: 0, wantRung: 0},
		}},
		{"more readers than one at the least", []float64{8, 12, 16}, []evaluation{
			{name: "8/4=2, m=84: ceil(2.8)=3 readers are 12 vCPUs", cpu: repeat(3, 84), rung: 0, wantRung: 1},
		}},
		{"one rung", []float64{8}, []evaluation{
			{name: "hot", cpu: repeat(15, 100), wantRung: 0},
			{name: "cold", cpu: repeat(15, 1), wantRung: 0},
		}},
		{"out after out waits for 300 s from completion", readers, []evaluation{
			{name: "n=2, m=84: 3, one more", cpu: repeat(3, 84), rung: 1, wantRung: 2},
			{name: "under way", after: 2 * time.Minute, cpu: repeat(3, 84), rung: 1, changeInProgress: true, wantRung: 1},
			{name: "299 s after: n=3, m=80: 4, one more", after: 10*time.Minute - time.Second, cpu: repeat(3, 80), rung: 2, changedAfter: 5 * time.Minute, wantRung: 2},
			{name: "300 s after", after: 10 * time.Minute, cpu: repeat(3, 80), rung: 2, changedAfter: 5 * time.Minute, wantRung: 3},
		}},
		{"a larger scale-out does not wait", readers, []evaluation{
			{name: "n=2, m=84: 3, one more", cpu: repeat(3, 84), rung: 1, wantRung: 2},
			{name: "n=3, m=100: ceil(5)=5, two more", after: 6 * time.Minute, cpu: repeat(3, 100), rung: 2, changedAfter: 5 * time.Minute, wantRung: 4},
		}},
		{"in after in waits for 300 s from completion", readers, []evaluation{
			{name: "in", cpu: repeat(15, 20), rung: 4, wantRung: 3},
			{name: "299 s after", after: 6*time.Minute - time.Second, cpu: repeat(15, 20), rung: 3, changedAfter: time.Minute, wantRung: 3},
			{name: "300 s after", after: 6 * time.Minute, cpu: repeat(15, 20), rung: 3, changedAfter: time.Minute, wantRung: 2},
		}},
		{"a scale-out ends the wait after a scale-in", readers, []evaluation{
			{name: "in", cpu: repeat(15, 20), rung: 4, wantRung: 3},
			{name: "out at once: n=4, m=70: ceil(4.67)=5", after: 2 * time.Minute, cpu: repeat(3, 70), rung: 3, changedAfter: time.Minute, wantRung: 4},
			{name: "in, 180 s after the first", after: 4 * time.Minute, cpu: repeat(15, 20), rung: 4, changedAfter: 3 * time.Minute, wantRung: 3},
		}},
		{"an order counts until it is completed", readers, []evaluation{
			{name: "in", after: time.Hour, cpu: repeat(15, 20), rung: 4, changedAfter: time.Minute, wantRung: 3},
			{name: "299 s after the order", after: time.Hour + 299*time.Second, cpu: repeat(15, 20), rung: 4, changedAfter: time.Minute, wantRung: 4},
			{name: "300 s after the order", after: time.Hour + 300*time.Second, cpu: repeat(15, 20), rung: 4, changedAfter: time.Minute, wantRung: 3},
		}},
	})
	runSequences(t, newAurora(5).NewRule, []sequence{
		{"five points", readers, []evaluation{
			{name: "four", cpu: concat(repeat(1, 60), repeat(4, 84)), rung: 1, wantRung: 1},
			{name: "a hole in five", cpu: []float64{84, 84, 84, missing, 84, 84}, rung: 1, wantRung: 1},
			{name: "five: ceil(2.8)=3", cpu: repeat(5, 84), rung: 1, wantRung: 2},
		}},
	})
}

func TestHPA(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	s := time.Second
	runSequences(t, newHPA().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "n=4, 3 in use: m=75, r=1.25, ceil(5)=5, rounded up to 8", runningVCPUs: 3, rung: 1, wantRung: 2},
		}},
		{"up from what is capped", ladder, []evaluation{
			{name: "n=4, 9 wanted: m=100, r=1.67, ceil(6.67)=7, to 8", runningVCPUs: 9, rung: 1, wantRung: 2},
		}},
		{"up to the next rung and no further", []float64{4, 5, 8}, []evaluation{
			{name: "n=4, 3 in use: r=1.25, exactly 5", runningVCPUs: 3, rung: 0, wantRung: 1},
		}},
		{"tolerance", ladder, []evaluation{
			{name: "n=4, 2.64 in use: m=66, r=1.1 exactly", runningVCPUs: 2.64, rung: 1, wantRung: 1},
			{name: "m=66.25, r=1.104, ceil(4.42)=5, to 8", after: 15 * s, runningVCPUs: 2.65, rung: 1, wantRung: 2},
		}},
		{"the largest", ladder, []evaluation{{name: "n=16", runningVCPUs: 16, rung: 3, wantRung: 3}}},
		{"busy and missing", ladder, []evaluation{
			{name: "busy", runningVCPUs: 4, rung: 1, changeInProgress: true, wantRung: 1},
			{name: "missing", runningVCPUs: missing, rung: 1, wantRung: 1},
		}},
		{"down waits for the size that it found", ladder, []evaluation{
			{name: "n=16, 3 in use: m=18.75, r=0.3125, desired 5", runningVCPUs: 3, rung: 3, wantRung: 3},
			{name: "16 was wanted 299 s ago", after: 299 * s, runningVCPUs: 3, rung: 3, wantRung: 3},
			{name: "16 was wanted 300 s ago: highest 5, to 8", after: 300 * s, runningVCPUs: 3, rung: 3, wantRung: 2},
		}},
		{"down to the highest of 300 s", ladder, []evaluation{
			{name: "n=16, desired ceil(16·(6/16)/0.6)=10", runningVCPUs: 6, rung: 3, wantRung: 3},
			{name: "desired 10 again", after: 100 * s, runningVCPUs: 6, rung: 3, wantRung: 3},
			{name: "desired ceil(1.67)=2, highest 10, to 16", after: 399 * s, runningVCPUs: 1, rung: 3, wantRung: 3},
			{name: "highest 2", after: 400 * s, runningVCPUs: 1, rung: 3, wantRung: 0},
		}},
		{"what is desired while busy counts", ladder, []evaluation{
			{name: "first", runningVCPUs: 3, rung: 3, wantRung: 3},
			{name: "busy, n=16, desired 16·(6/16)/0.6=10", after: 290 * s, runningVCPUs: 6, rung: 3, changeInProgress: true, wantRung: 3},
			{name: "highest 10, to 16", after: 310 * s, runningVCPUs: 1, rung: 3, wantRung: 3},
			{name: "highest 10 until", after: 589 * s, runningVCPUs: 1, rung: 3, wantRung: 3},
			{name: "here", after: 590 * s, runningVCPUs: 1, rung: 3, wantRung: 0},
		}},
	})
}

func TestNeon(t *testing.T) {
	ladder := []float64{0.25, 0.5, 1, 2, 4}
	runSequences(t, newNeon().NewRule, []sequence{
		{"goal", ladder, []evaluation{
			{name: "0.9/0.9/0.25=4 units, 1 vCPU", runningVCPUs: 0.9, rung: 0, wantRung: 2},
			{name: "1.01/0.225=4.49: 4 units", runningVCPUs: 1.01, rung: 0, wantRung: 2},
			{name: "1.02/0.225=4.53: 5 units, 1.25 vCPU, to 2", runningVCPUs: 1.02, rung: 2, wantRung: 3},
			{name: "0.3375/0.225=1.5: 2 units", runningVCPUs: 0.3375, rung: 2, wantRung: 1},
			{name: "down at once", after: time.Second, runningVCPUs: 0, rung: 4, wantRung: 0},
			{name: "beyond the largest", runningVCPUs: 50, rung: 0, wantRung: 4},
			{name: "busy", runningVCPUs: 50, rung: 0, changeInProgress: true, wantRung: 0},
			{name: "missing", runningVCPUs: missing, rung: 3, wantRung: 3},
		}},
		{"one rung", []float64{2}, []evaluation{{name: "hot", runningVCPUs: 50}, {name: "cold"}}},
	})
}
