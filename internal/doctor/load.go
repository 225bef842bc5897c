package doctor

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// checkInsights checks for each instance that demand above saturation is measured.
func (r *report) checkInsights(in Input) {
	var without []string
	for _, i := range in.Observation.Instances {
		if !in.Settings.Insights[i.Identifier] && i.DBLoadCPU.IsEmpty() {
			without = append(without, i.Identifier)
		}
	}
	if len(without) == 0 {
		r.ok(checkInsights, "", "every instance has Performance Insights or publishes DBLoadCPU")
		return
	}
	if in.Observation.Serverless {
		r.ok(checkInsights, "", "Aurora Serverless v2 is sized by its capacity, without DBLoadCPU")
		return
	}
	r.add(Warning, checkInsights, strings.Join(without, ", "),
		"Performance Insights is off and DBLoadCPU is not published: a saturated pool is doubled and measured again, instead of sized at once",
		"Enable Performance Insights or Database Insights on each instance: aws rds modify-db-instance --db-instance-identifier NAME "+
			"--enable-performance-insights")
}

// checkMetrics checks that the CPU samples of each instance are fresh.
func (r *report) checkMetrics(in Input) {
	if in.MetricsError != "" {
		r.add(Unknown, checkMetrics, "", "the samples could not be read: "+in.MetricsError, "Solve the cause and run the check again.")
		return
	}
	var stale []string
	for _, i := range in.Observation.Instances {
		newest, known := i.CPU.NewestSample()
		if !known || in.Now.Sub(newest.Time) > scaling.MaxSampleAge {
			stale = append(stale, i.Identifier)
		}
	}
	if len(stale) > 0 {
		r.add(Warning, checkMetrics, strings.Join(stale, ", "),
			fmt.Sprintf("CPUUtilization has no sample of the last %s, so that no load is known", scaling.FormatDuration(scaling.MaxSampleAge)),
			"Wait until CloudWatch publishes samples, and run the check again; a new instance needs some minutes.")
		return
	}
	r.ok(checkMetrics, "", "CPUUtilization is published for every instance")
}
