package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
)

// smoothCSV has the scores of dbscaler under the smooth generated loads before its decisions were changed for bursts: the name of the load,
// overloaded minutes and vCPU hours.
//
//go:embed smooth.csv
var smoothCSV string

// recordedSmoothScores are the scores of smooth.csv, by the name of the load.
func recordedSmoothScores() map[string]backtest.Score {
	out := map[string]backtest.Score{}
	for line := range strings.Lines(smoothCSV) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		minutes, err := strconv.Atoi(fields[1])
		if err != nil { // the title
			continue
		}
		hours, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			panic(fmt.Sprintf("smooth.csv: %q: %v", line, err))
		}
		out[fields[0]] = backtest.Score{OverloadedMinutes: minutes, VCPUHours: hours}
	}
	return out
}

// compareSmooth compares the smooth loads with their recorded scores. Loads that were not recorded are left out.
func compareSmooth(all []loadResult, before map[string]backtest.Score) (figures string, met bool) {
	var worse []string
	compared, sum, sumBefore := 0, backtest.Score{}, backtest.Score{}
	for _, l := range ofKind(all, workload.Smooth) {
		old, exists := before[l.name]
		if !exists {
			continue
		}
		now := l.Runs[0].Score
		compared++
		sum, sumBefore = sum.Add(now), sumBefore.Add(old)
		if ratio := now.VCPUHours / old.VCPUHours; now.OverloadedMinutes > old.OverloadedMinutes || ratio > maxSmoothCost {
			worse = append(worse, fmt.Sprintf("%s %d min (before %d) at %.2f ×", l.name, now.OverloadedMinutes, old.OverloadedMinutes, ratio))
		}
	}
	if compared == 0 {
		return "none recorded", false
	}
	figures = fmt.Sprintf("sum of %d loads: %d min (before %d) at %.2f × the cost", compared, sum.OverloadedMinutes,
		sumBefore.OverloadedMinutes, sum.VCPUHours/sumBefore.VCPUHours)
	if len(worse) > 0 {
		figures += "; worse: " + strings.Join(worse, ", ")
	}
	return figures, len(worse) == 0
}

// formatSmooth formats the scores of loads as in smooth.csv.
func formatSmooth(all []loadResult) string {
	text := "load,overloadedMinutes,vcpuHours\n"
	for _, l := range all {
		text += fmt.Sprintf("%s,%d,%.1f\n", l.name, l.Runs[0].Score.OverloadedMinutes, l.Runs[0].Score.VCPUHours)
	}
	return text
}
