package baseline

import (
	"testing"
	"time"
)

func TestHPA(t *testing.T) {
	ladder := []float64{2, 4, 8, 16}
	s := time.Second
	runSequences(t, newHPA().NewRule, []sequence{
		{"up", ladder, []evaluation{
			{name: "n=4, 3 in use: m=75, r=1.25, ceil(5)=5, rounded up to 8", runningVCPUs: 3, index: 1, wantIndex: 2},
		}},
		{"usage is limited to the size", ladder, []evaluation{
			{name: "n=4, 9 wanted: m=100, r=1.67, ceil(6.67)=7, to 8", runningVCPUs: 9, index: 1, wantIndex: 2},
		}},
		{"up to the next size and no further", []float64{4, 5, 8}, []evaluation{
			{name: "n=4, 3 in use: r=1.25, exactly 5", runningVCPUs: 3, index: 0, wantIndex: 1},
		}},
		{"tolerance", ladder, []evaluation{
			{name: "n=4, 2.64 in use: m=66, r=1.1 exactly", runningVCPUs: 2.64, index: 1, wantIndex: 1},
			{name: "m=66.25, r=1.104, ceil(4.42)=5, to 8", after: 15 * s, runningVCPUs: 2.65, index: 1, wantIndex: 2},
		}},
		{"largest size", ladder, []evaluation{{name: "n=16", runningVCPUs: 16, index: 3, wantIndex: 3}}},
		{"no change without the load or during a change", ladder, []evaluation{
			{name: "change in progress", runningVCPUs: 4, index: 1, changeInProgress: true, wantIndex: 1},
			{name: "load missing", runningVCPUs: missing, index: 1, wantIndex: 1},
		}},
		{"down waits for the initial size", ladder, []evaluation{
			{name: "n=16, 3 in use: m=18.75, r=0.3125, desired 5", runningVCPUs: 3, index: 3, wantIndex: 3},
			{name: "16 was wanted 299 s ago", after: 299 * s, runningVCPUs: 3, index: 3, wantIndex: 3},
			{name: "16 was wanted 300 s ago: highest 5, to 8", after: 300 * s, runningVCPUs: 3, index: 3, wantIndex: 2},
		}},
		{"down to the highest of 300 s", ladder, []evaluation{
			{name: "n=16, desired ceil(16·(6/16)/0.6)=10", runningVCPUs: 6, index: 3, wantIndex: 3},
			{name: "desired 10 again", after: 100 * s, runningVCPUs: 6, index: 3, wantIndex: 3},
			{name: "desired ceil(1.67)=2, highest 10, to 16", after: 399 * s, runningVCPUs: 1, index: 3, wantIndex: 3},
			{name: "highest 2", after: 400 * s, runningVCPUs: 1, index: 3, wantIndex: 0},
		}},
		{"desired sizes during a change count", ladder, []evaluation{
			{name: "first", runningVCPUs: 3, index: 3, wantIndex: 3},
			{name: "change in progress, n=16, desired 16·(6/16)/0.6=10", after: 290 * s, runningVCPUs: 6, index: 3, changeInProgress: true, wantIndex: 3},
			{name: "highest 10, to 16", after: 310 * s, runningVCPUs: 1, index: 3, wantIndex: 3},
			{name: "highest 10 until", after: 589 * s, runningVCPUs: 1, index: 3, wantIndex: 3},
			{name: "here", after: 590 * s, runningVCPUs: 1, index: 3, wantIndex: 0},
		}},
	})
}
