package baseline

import (
	"testing"
	"time"
)

func TestNeon(t *testing.T) {
	ladder := []float64{0.25, 0.5, 1, 2, 4}
	runSequences(t, newNeon().NewRule, []sequence{
		{"goal", ladder, []evaluation{
			{name: "0.9/0.9/0.25=4 units, 1 vCPU", runningVCPUs: 0.9, index: 0, wantIndex: 2},
			{name: "1.01/0.225=4.49: 4 units", runningVCPUs: 1.01, index: 0, wantIndex: 2},
			{name: "1.02/0.225=4.53: 5 units, 1.25 vCPU, to 2", runningVCPUs: 1.02, index: 2, wantIndex: 3},
			{name: "0.3375/0.225=1.5: 2 units", runningVCPUs: 0.3375, index: 2, wantIndex: 1},
			{name: "down at once", after: time.Second, runningVCPUs: 0, index: 4, wantIndex: 0},
			{name: "beyond the largest", runningVCPUs: 50, index: 0, wantIndex: 4},
			{name: "change in progress", runningVCPUs: 50, index: 0, changeInProgress: true, wantIndex: 0},
			{name: "load missing", runningVCPUs: missing, index: 3, wantIndex: 3},
		}},
		{"single size", []float64{2}, []evaluation{{name: "high CPU", runningVCPUs: 50}, {name: "low CPU"}}},
	})
}
