package model

import (
	"testing"
	"time"
)

// TestPostMortemScenario_MatchesReport plays the morning with nobody acting and checks that it goes as the post-mortem says.
func TestPostMortemScenario_MatchesReport(t *testing.T) {
	const cluster = "clinical-engine"
	s := must[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/post-mortem.yaml"))
	w := must[*World](t)(New(s))
	at := func(clock string) time.Time {
		moment, err := time.Parse(time.DateTime, "2024-02-05 "+clock+":00")
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, want := range []struct{ id, class string }{{cluster + "-1", "db.r6g.xlarge"}, {cluster + "-2", "db.r6g.large"}} {
		i := must[*Instance](t)(w.Instance(testRegion, want.id))
		if i.Class != want.class || i.PromotionTier != 1 || !i.PerformanceInsights || i.Tags["dbscaler.io/policy-namespace"] != "platform" {
			t.Errorf("%s is %+v", want.id, i)
		}
	}
	before := must[*Cluster](t)(w.Cluster(testRegion, cluster))
	w.Advance(at("12:00"))
	after := must[*Cluster](t)(w.Cluster(testRegion, cluster))
	if before.Writer != cluster+"-1" || after.Writer != before.Writer || before.EngineVersion == after.EngineVersion {
		t.Errorf("the cluster was %+v and is %+v", before, after)
	}

	var passed, saturated, peak MinuteSummary
	for _, m := range w.Minutes(testRegion, cluster) {
		switch {
		case m.Time.Before(at("07:00")) && m.HottestReaderPercent >= 40:
			t.Errorf("the night is not quiet: %+v", m)
		case m.WriterPercent >= 60:
			t.Errorf("the writer is not below 60 %%: %+v", m)
		case !saturated.Time.IsZero() && !m.ReadersSaturated:
			t.Errorf("the reader is no longer saturated: %+v", m)
		}
		if passed.Time.IsZero() && m.HottestReaderPercent >= 70 {
			passed = m
		}
		if saturated.Time.IsZero() && m.ReadersSaturated {
			saturated = m
		}
		if m.ReaderDemandVCPUs > peak.ReaderDemandVCPUs {
			peak = m
		}
	}
	for _, test := range []struct {
		what     string
		at       time.Time
		from, to string
	}{
		{"the reader passes 70 %", passed.Time, "08:20", "08:35"},
		{"the reader saturates", saturated.Time, "09:55", "10:05"},
		{"the demand peaks", peak.Time, "10:50", "11:10"},
	} {
		if test.at.Before(at(test.from)) || test.at.After(at(test.to)) {
			t.Errorf("%s at %s, want from %s to %s", test.what, test.at.Format("15:04"), test.from, test.to)
		}
	}
	if peak.ReaderDemandVCPUs < 4.5 || peak.ReaderDemandVCPUs > 5 {
		t.Errorf("the demand peaks at %.2f vCPUs, want 4.5 to 5", peak.ReaderDemandVCPUs)
	}

	for _, id := range []string{cluster + "-1", cluster + "-2"} {
		mean := func(from, to string) float64 {
			points := w.MetricAverages(testRegion, instanceDimensions(id), "DBLoadCPU", at(from), at(to))
			sum := 0.0
			for _, p := range points {
				sum += p.Value
			}
			return sum / float64(len(points))
		}
		if factor := mean("03:40", "04:00") / mean("03:00", "03:15"); factor < 1.8 || factor > 2.5 {
			t.Errorf("after the upgrade the load on %s is %.1f times what it was", id, factor)
		}
	}
	// What CloudWatch can show at noon is that the reader has been at its limit, with a load of several times its vCPUs.
	last := w.MetricAverages(testRegion, instanceDimensions(cluster+"-2"), "CPUUtilization", at("11:00"), at("12:00"))
	if n := len(last); n < 57 || last[0].Value < 99.9 {
		t.Errorf("%d minutes from 11:00 have a point; the first is %v", n, last)
	}
}
