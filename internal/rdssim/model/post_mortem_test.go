package model

import (
	"testing"
	"time"
)

// TestPostMortemScenario_MatchesReport: without scaling, the scenario reproduces the timeline of the post-mortem.
func TestPostMortemScenario_MatchesReport(t *testing.T) {
	const cluster = "clinical-engine"
	s := must[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/post-mortem.yaml"))
	w := must[*World](t)(New(s))
	at := func(clock string) time.Time {
		parsed, err := time.Parse(time.DateTime, "2024-02-05 "+clock+":00")
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, want := range []struct{ id, class string }{{cluster + "-1", "db.r6g.xlarge"}, {cluster + "-2", "db.r6g.large"}} {
		i := must[*Instance](t)(w.Instance(testRegion, want.id))
		if i.Class != want.class || i.PromotionTier != 1 || !i.PerformanceInsights || i.Tags["dbscaler.io/policy-namespace"] != "platform" {
			t.Errorf("%s: got %+v", want.id, i)
		}
	}
	before := must[*Cluster](t)(w.Cluster(testRegion, cluster))
	w.Advance(at("12:00"))
	after := must[*Cluster](t)(w.Cluster(testRegion, cluster))
	if before.Writer != cluster+"-1" || after.Writer != before.Writer || before.EngineVersion == after.EngineVersion {
		t.Errorf("got cluster %+v before and %+v after, want the same writer and another version", before, after)
	}

	var exceeded, saturated, peak MinuteSummary
	for _, m := range w.Minutes(testRegion, cluster) {
		switch {
		case m.Time.Before(at("07:00")) && m.HottestReaderPercent >= 40:
			t.Errorf("before 07:00: got %+v, want the reader below 40 %%", m)
		case m.WriterPercent >= 60:
			t.Errorf("got %+v, want the writer below 60 %%", m)
		case !saturated.Time.IsZero() && !m.ReadersSaturated:
			t.Errorf("got %+v, want the reader to stay saturated", m)
		}
		if exceeded.Time.IsZero() && m.HottestReaderPercent >= 70 {
			exceeded = m
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
		{"the reader exceeds 70 %", exceeded.Time, "08:20", "08:35"},
		{"the reader saturates", saturated.Time, "09:55", "10:05"},
		{"the demand peaks", peak.Time, "10:50", "11:10"},
	} {
		if test.at.Before(at(test.from)) || test.at.After(at(test.to)) {
			t.Errorf("%s at %s, want from %s to %s", test.what, test.at.Format("15:04"), test.from, test.to)
		}
	}
	if peak.ReaderDemandVCPUs < 4.5 || peak.ReaderDemandVCPUs > 5 {
		t.Errorf("got a peak demand of %.2f vCPUs, want 4.5 to 5", peak.ReaderDemandVCPUs)
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
			t.Errorf("%s: got load factor %.1f of the upgrade, want 1.8 to 2.5", id, factor)
		}
	}
	// At noon CloudWatch shows the reader saturated.
	last := w.MetricAverages(testRegion, instanceDimensions(cluster+"-2"), "CPUUtilization", at("11:00"), at("12:00"))
	if n := len(last); n < 57 || last[0].Value < 99.9 {
		t.Errorf("got %d datapoints since 11:00, %v, want at least 57 at 100 %%", n, last)
	}
}
