package model

import (
	"testing"
	"time"
)

// TestPostMortem plays the morning with nobody acting and checks that it goes as the post-mortem says.
func TestPostMortem(t *testing.T) {
	const cluster = "clinical-engine"
	s := try[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/post-mortem.yaml"))
	w := try[*World](t)(New(s))
	at := func(clock string) time.Time {
		moment, err := time.Parse(time.DateTime, "2024-02-05 "+clock+":00")
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, want := range []struct{ id, class string }{{cluster + "-1", "db.r6g.xlarge"}, {cluster + "-2", "db.r6g.large"}} {
		i := try[*Instance](t)(w.Instance(ireland, want.id))
		if i.Class != want.class || i.PromotionTier != 1 || !i.PerformanceInsights || i.Tags["dbscaler.io/policy-namespace"] != "platform" {
			t.Errorf("%s is %+v", want.id, i)
		}
	}
	before := try[*Cluster](t)(w.Cluster(ireland, cluster))
	w.Advance(at("12:00"))
	after := try[*Cluster](t)(w.Cluster(ireland, cluster))
	if before.Writer != cluster+"-1" || after.Writer != before.Writer || before.EngineVersion == after.EngineVersion {
		t.Errorf("the cluster was %+v and is %+v", before, after)
	}

	var passed, saturated, peak Minute
	for _, m := range w.Minutes(ireland, cluster) {
		switch {
		case m.At.Before(at("07:00")) && m.HottestReader >= 40:
			t.Errorf("the night is not quiet: %+v", m)
		case m.Writer >= 60:
			t.Errorf("the writer is not below 60 %%: %+v", m)
		case !saturated.At.IsZero() && !m.Saturated:
			t.Errorf("the reader is no longer saturated: %+v", m)
		}
		if passed.At.IsZero() && m.HottestReader >= 70 {
			passed = m
		}
		if saturated.At.IsZero() && m.Saturated {
			saturated = m
		}
		if m.ReaderDemand > peak.ReaderDemand {
			peak = m
		}
	}
	for _, test := range []struct {
		what     string
		at       time.Time
		from, to string
	}{
		{"the reader passes 70 %", passed.At, "08:20", "08:35"},
		{"the reader saturates", saturated.At, "09:55", "10:05"},
		{"the demand peaks", peak.At, "10:50", "11:10"},
	} {
		if test.at.Before(at(test.from)) || test.at.After(at(test.to)) {
			t.Errorf("%s at %s, want from %s to %s", test.what, test.at.Format("15:04"), test.from, test.to)
		}
	}
	if peak.ReaderDemand < 4.5 || peak.ReaderDemand > 5 {
		t.Errorf("the demand peaks at %.2f vCPUs, want 4.5 to 5", peak.ReaderDemand)
	}

	for _, id := range []string{cluster + "-1", cluster + "-2"} {
		mean := func(from, to string) float64 {
			points := w.Points(ireland, instance(id), "DBLoadCPU", at(from), at(to))
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
	last := w.Points(ireland, instance(cluster+"-2"), "CPUUtilization", at("11:00"), at("12:00"))
	if n := len(last); n < 57 || last[0].Value < 99.9 {
		t.Errorf("%d minutes from 11:00 have a point; the first is %v", n, last)
	}
}
