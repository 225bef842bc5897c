package baseline

import (
	"testing"
	"time"
)

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
			{name: "change in progress", runningVCPUs: 50, rung: 0, changeInProgress: true, wantRung: 0},
			{name: "load missing", runningVCPUs: missing, rung: 3, wantRung: 3},
		}},
		{"single rung", []float64{2}, []evaluation{{name: "high CPU", runningVCPUs: 50}, {name: "low CPU"}}},
	})
}
