package baseline

import (
	"testing"
	"time"
)

func TestAurora(t *testing.T) {
	readers := []float64{4, 8, 12, 16, 20, 24} // 4 vCPUs each: n is the size + 1
	runSequences(t, newAurora(3).NewRule, []sequence{
		{"scale out", readers, []evaluation{
			{name: "n=2, m=84, T=60: ceil(2.8)=3", cpu: repeat(3, 84), index: 1, wantIndex: 2},
		}},
		{"scale out by more than one", readers, []evaluation{
			{name: "n=2, m=100: ceil(3.33)=4", cpu: repeat(3, 100), index: 1, wantIndex: 3},
		}},
		{"a whole number is not rounded up", readers, []evaluation{
			{name: "n=4, m=75: 4·75/60=5", cpu: repeat(3, 75), index: 3, wantIndex: 4},
		}},
		{"m is the newest minute", readers, []evaluation{
			{name: "n=2, m=91: ceil(3.03)=4", cpu: []float64{61, 61, 91}, index: 1, wantIndex: 3},
		}},
		{"largest size", readers, []evaluation{
			{name: "n=5, m=100: ceil(8.33)=9, of 6", cpu: repeat(3, 100), index: 4, wantIndex: 5},
			{name: "already the largest size", cpu: repeat(3, 100), index: 5, wantIndex: 5},
		}},
		{"alarm conditions", readers, []evaluation{
			{name: "exactly 60 is not above", cpu: []float64{84, 60, 84}, index: 1, wantIndex: 1},
			{name: "two points of three", cpu: repeat(2, 84), index: 1, wantIndex: 1},
			{name: "missing minute", cpu: []float64{84, 84, missing, 84}, index: 1, wantIndex: 1},
			{name: "change in progress", cpu: repeat(3, 84), index: 1, changeInProgress: true, wantIndex: 1},
			{name: "stale samples", cpu: repeat(3, 84), sampleAge: 5 * time.Minute, index: 1, wantIndex: 1},
			{name: "late: n=2, m=61: ceil(2.03)=3", cpu: repeat(3, 61), sampleAge: 4 * time.Minute, index: 1, wantIndex: 2},
		}},
		{"scale in", readers, []evaluation{
			{name: "one of 15 exactly 54 = 0.9·60", cpu: concat(repeat(14, 20), repeat(1, 54)), index: 3, wantIndex: 3},
			{name: "14 points", cpu: repeat(14, 20), index: 3, wantIndex: 3},
			{name: "missing minute", cpu: concat(repeat(7, 20), repeat(1, missing), repeat(8, 20)), index: 3, wantIndex: 3},
			{name: "no samples", index: 3, wantIndex: 3},
			{name: "change in progress", cpu: repeat(15, 20), index: 3, changeInProgress: true, wantIndex: 3},
			{name: "one reader, however low", cpu: repeat(15, 1), index: 3, wantIndex: 2},
			{name: "already the smallest size", cpu: repeat(15, 1), after: time.Hour, index: 0, wantIndex: 0},
		}},
		{"minimum of several readers", []float64{8, 12, 16}, []evaluation{
			{name: "8/4=2, m=84: ceil(2.8)=3 readers are 12 vCPUs", cpu: repeat(3, 84), index: 0, wantIndex: 1},
		}},
		{"single size", []float64{8}, []evaluation{
			{name: "high CPU", cpu: repeat(15, 100), wantIndex: 0},
			{name: "low CPU", cpu: repeat(15, 1), wantIndex: 0},
		}},
		{"out after out waits for 300 s from completion", readers, []evaluation{
			{name: "n=2, m=84: 3, one more", cpu: repeat(3, 84), index: 1, wantIndex: 2},
			{name: "change in progress", after: 2 * time.Minute, cpu: repeat(3, 84), index: 1, changeInProgress: true, wantIndex: 1},
			{name: "299 s after: n=3, m=80: 4, one more", after: 10*time.Minute - time.Second, cpu: repeat(3, 80), index: 2, changedAfter: 5 * time.Minute, wantIndex: 2},
			{name: "300 s after", after: 10 * time.Minute, cpu: repeat(3, 80), index: 2, changedAfter: 5 * time.Minute, wantIndex: 3},
		}},
		{"a larger scale-out does not wait", readers, []evaluation{
			{name: "n=2, m=84: 3, one more", cpu: repeat(3, 84), index: 1, wantIndex: 2},
			{name: "n=3, m=100: ceil(5)=5, two more", after: 6 * time.Minute, cpu: repeat(3, 100), index: 2, changedAfter: 5 * time.Minute, wantIndex: 4},
		}},
		{"in after in waits for 300 s from completion", readers, []evaluation{
			{name: "in", cpu: repeat(15, 20), index: 4, wantIndex: 3},
			{name: "299 s after", after: 6*time.Minute - time.Second, cpu: repeat(15, 20), index: 3, changedAfter: time.Minute, wantIndex: 3},
			{name: "300 s after", after: 6 * time.Minute, cpu: repeat(15, 20), index: 3, changedAfter: time.Minute, wantIndex: 2},
		}},
		{"a scale-out ends the wait after a scale-in", readers, []evaluation{
			{name: "in", cpu: repeat(15, 20), index: 4, wantIndex: 3},
			{name: "out at once: n=4, m=70: ceil(4.67)=5", after: 2 * time.Minute, cpu: repeat(3, 70), index: 3, changedAfter: time.Minute, wantIndex: 4},
			{name: "in, 180 s after the first", after: 4 * time.Minute, cpu: repeat(15, 20), index: 4, changedAfter: 3 * time.Minute, wantIndex: 3},
		}},
		{"cooldown counts from the order until it is completed", readers, []evaluation{
			{name: "in", after: time.Hour, cpu: repeat(15, 20), index: 4, changedAfter: time.Minute, wantIndex: 3},
			{name: "299 s after the order", after: time.Hour + 299*time.Second, cpu: repeat(15, 20), index: 4, changedAfter: time.Minute, wantIndex: 4},
			{name: "300 s after the order", after: time.Hour + 300*time.Second, cpu: repeat(15, 20), index: 4, changedAfter: time.Minute, wantIndex: 3},
		}},
	})
	runSequences(t, newAurora(5).NewRule, []sequence{
		{"five minutes", readers, []evaluation{
			{name: "four", cpu: concat(repeat(1, 60), repeat(4, 84)), index: 1, wantIndex: 1},
			{name: "missing minute in five", cpu: []float64{84, 84, 84, missing, 84, 84}, index: 1, wantIndex: 1},
			{name: "five: ceil(2.8)=3", cpu: repeat(5, 84), index: 1, wantIndex: 2},
		}},
	})
}
