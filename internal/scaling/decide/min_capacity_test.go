package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newServerlessPolicy scales the maximum capacity from 8 to 64 ACUs and the minimum from 0.5 to 16, with a scale-down window of an
// hour.
func newServerlessPolicy() scaling.Policy {
	p := newPolicy(withoutReaders, withWriter("8 ACU", "16 ACU", "32 ACU", "64 ACU"))
	p.Serverless, p.MinCapacity = true, &scaling.CapacityRange{Lowest: 0.5, Highest: 16}
	p.ScaleDown.Window = time.Hour
	p.PredictiveScaling.History = true
	return p
}

// newServerlessCluster is a writer and a reader at 40 % CPU, whose capacity is at the given ACUs for five hours.
func newServerlessCluster(minACUs, writerACUs, readerACUs float64) scaling.Observation {
	w, r := writer("32 ACU", constantLoad(40)), foreignReader("a", "32 ACU", constantLoad(40))
	w.UsedCapacity, r.UsedCapacity = fiveMinuteSeries(writerACUs), fiveMinuteSeries(readerACUs)
	o := newObservation(w, r)
	o.ResizedAsUnit, o.Serverless, o.MinCapacity, o.EngineVersion = true, true, minACUs, "16.3"
	return o
}

// withDailyDemand adds a history in which the writer used that many of its 8 vCPUs at the time of evaluation on the days before, from
// minutes ahead on.
func withDailyDemand(o scaling.Observation, vcpus float64, minutesAhead int) scaling.Observation {
	o.WriterCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-15 * 24 * time.Hour), EndedAt: now, VCPUs: 8}}
	cpu := scaling.NewSeriesBuffer(quarterHour)
	for at := now.Add(-3 * 24 * time.Hour); at.Before(now); at = at.Add(quarterHour) {
		value := 1.0
		if sinceTimeOfDay := at.Sub(now.Add(-3*24*time.Hour)) % day; sinceTimeOfDay >= time.Duration(minutesAhead)*time.Minute && sinceTimeOfDay < 3*time.Hour {
			value = 100 * vcpus / 8
		}
		cpu.Add(at, value)
	}
	o.WriterCPU = cpu.Series()
	return o
}

// minCapacityProposal is the only proposal for the minimum capacity, or nil.
func minCapacityProposal(t *testing.T, p scaling.Policy, o scaling.Observation) *scaling.Proposal {
	t.Helper()
	var found *scaling.Proposal
	for _, proposal := range Evaluate(p, o, now).Proposals {
		if proposal.Pool != scaling.MinCapacity {
			continue
		}
		if found != nil {
			t.Fatalf("two proposals: %+v and %+v", *found, proposal)
		}
		found = &proposal
	}
	return found
}

func TestEvaluate_MinCapacity(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy func(*scaling.Policy)
		o      scaling.Observation
		want   string // the new minimum; empty for no change
		reason scaling.Reason
		cause  string
	}{
		{"raised to what the busiest instance usually needs", nil, newServerlessCluster(0.5, 6.9, 2), "6 ACU", scaling.ReasonScaleUp,
			"The busiest instance used a median of 6.9 ACU over 1 h, and the minimum capacity is 0.5 ACU: 0.5 ACU → 6 ACU"},
		{"a reader is the busiest", nil, newServerlessCluster(0.5, 2, 6.9), "6 ACU", scaling.ReasonScaleUp, ""},
		{"not above the bound of the policy", nil, newServerlessCluster(0.5, 25, 2), "16 ACU", scaling.ReasonScaleUp, ""},
		{"not above the maximum capacity", func(p *scaling.Policy) { p.MinCapacity.Highest = 64 }, newServerlessCluster(0.5, 64, 2), "32 ACU",
			scaling.ReasonScaleUp, ""},
		{"not raised by less than a half", nil, newServerlessCluster(5, 6.9, 2), "", "", ""},
		{"lowered by one step when nothing above it was needed", nil, newServerlessCluster(6, 6, 6), "5 ACU", scaling.ReasonScaleDown,
			"The busiest instance was at the minimum capacity of 6 ACU in 11 of 11 samples over 1 h: 6 ACU → 5 ACU"},
		{"not lowered while one instance needs more", nil, newServerlessCluster(6, 6, 7), "", "", ""},
		{"not lowered for samples from before it was raised", nil, newServerlessCluster(6, 0.5, 0.5), "", "", ""},
		{"raised to the bound of the policy", func(p *scaling.Policy) { p.MinCapacity.Lowest = 2 }, newServerlessCluster(0.5, 0.5, 0.5), "2 ACU",
			scaling.ReasonBelowMinimum, "spec.serverless.minCapacity.min is 2 ACU"},
		{"lowered to the bound of the policy", nil, newServerlessCluster(24, 30, 24), "16 ACU", scaling.ReasonScaleDown, ""},
		{"lowest bound reached", nil, newServerlessCluster(0.5, 0.5, 0.5), "", "", ""},
		{"lowered to 0 where the engine can pause", func(p *scaling.Policy) { p.MinCapacity.Lowest = 0 }, newServerlessCluster(0.5, 0.5, 0.5), "0 ACU",
			scaling.ReasonScaleDown, ""},
		{"raised before a recurring load", nil, withDailyDemand(newServerlessCluster(0.5, 0.5, 0.5), 1.1, 15), "8 ACU", scaling.ReasonPredictiveScaleUp,
			"Earlier days predict a demand for 8.0 ACU at 55% CPU within 15 min, and the minimum capacity is 0.5 ACU"},
		{"not raised long before a recurring load", nil, withDailyDemand(newServerlessCluster(0.5, 0.5, 0.5), 1.1, 45), "", "", ""},
		{"not lowered shortly before a recurring load", nil, withDailyDemand(newServerlessCluster(8, 8, 8), 1.1, 45), "", "", ""},
		{"predictions disabled", func(p *scaling.Policy) { p.PredictiveScaling.History = false },
			withDailyDemand(newServerlessCluster(0.5, 0.5, 0.5), 1.1, 0), "", "", ""},
		{"not scaled by the policy", func(p *scaling.Policy) { p.MinCapacity = nil }, newServerlessCluster(0.5, 6.9, 2), "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newServerlessPolicy()
			if test.policy != nil {
				test.policy(&p)
			}
			proposal := minCapacityProposal(t, p, test.o)
			if proposal == nil {
				if test.want != "" {
					t.Fatalf("no proposal, want %s", test.want)
				}
				return
			}
			if proposal.To.InstanceClass != test.want || proposal.Reason != test.reason || !strings.Contains(proposal.Cause, test.cause) {
				t.Errorf("got %s (%s): %s", proposal.To, proposal.Reason, proposal.Cause)
			}
			if up := proposal.Direction == scaling.Up; up != (test.reason != scaling.ReasonScaleDown) {
				t.Errorf("direction %s", proposal.Direction)
			}
		})
	}
}

// TestEvaluate_MinCapacityNotPausedByOldEngine: an engine version without auto-pause has no minimum of 0.
func TestEvaluate_MinCapacityNotPausedByOldEngine(t *testing.T) {
	p := newServerlessPolicy()
	p.MinCapacity.Lowest = 0
	o := newServerlessCluster(0.5, 0.5, 0.5)
	o.EngineVersion = "16.1"
	if proposal := minCapacityProposal(t, p, o); proposal != nil {
		t.Errorf("got %s", proposal.Message)
	}
}

// TestEvaluate_MinCapacityWithoutSamples: missing samples change nothing, and are not zero.
func TestEvaluate_MinCapacityWithoutSamples(t *testing.T) {
	p := newServerlessPolicy()
	for name, edit := range map[string]func(scaling.Series) scaling.Series{
		"no samples":      func(scaling.Series) scaling.Series { return scaling.Series{} },
		"old samples":     func(s scaling.Series) scaling.Series { return s.Before(s.TimeAt(s.Len() - 6)) },
		"too few samples": func(s scaling.Series) scaling.Series { return s.From(s.TimeAt(s.Len() - 3)) },
	} {
		for _, acus := range []float64{0.5, 6} { // at the minimum, and above it
			o := newServerlessCluster(acus, 6, 6)
			o.Instances[1].UsedCapacity = edit(o.Instances[1].UsedCapacity)
			if proposal := minCapacityProposal(t, p, o); proposal != nil {
				t.Errorf("%s, minimum %g ACUs: got %s", name, acus, proposal.Message)
			}
		}
	}
}

// TestEvaluate_MinCapacityKeepsConnections: a minimum of 0.5 ACUs limits max_connections of Aurora PostgreSQL to 2,000.
func TestEvaluate_MinCapacityKeepsConnections(t *testing.T) {
	for _, test := range []struct {
		engine      string
		connections float64 // negative for no samples
		want        string
	}{
		{"aurora-postgresql", 1700, "0.5 ACU"}, {"aurora-postgresql", 1900, ""}, {"aurora-postgresql", -1, ""}, {"aurora-mysql", 1900, "0.5 ACU"},
	} {
		o := newServerlessCluster(1, 1, 1)
		o.Engine = test.engine
		for n := range o.Instances {
			o.Instances[n].Connections = scaling.Series{}
			if test.connections >= 0 {
				o.Instances[n].Connections = fiveMinuteSeries(test.connections)
			}
		}
		got := ""
		if proposal := minCapacityProposal(t, newServerlessPolicy(), o); proposal != nil {
			got = proposal.To.InstanceClass
		}
		if got != test.want {
			t.Errorf("%s with %g connections: got %q, want %q", test.engine, test.connections, got, test.want)
		}
	}
}

// TestEvaluate_MaxCapacityStaysAboveMinimum: the maximum is not lowered below the minimum, which AWS refuses.
func TestEvaluate_MaxCapacityStaysAboveMinimum(t *testing.T) {
	p := newServerlessPolicy()
	p.MinCapacity = nil
	o := newServerlessCluster(16, 16, 16)
	for n := range o.Instances {
		percents := make([]float64, 120)
		for k := range percents {
			percents[k] = 5
		}
		o.Instances[n].CPU = recentSamples(percents...)
	}
	d := Evaluate(p, o, now)
	if len(d.Proposals) != 1 || d.Proposals[0].To.InstanceClass != "16 ACU" {
		t.Errorf("got %+v (%s), want 16 ACU", d.Proposals, d.Hold.Message)
	}
}

// TestEvaluate_FractionalMaxCapacity: capacities that are not whole vCPUs are compared by their exact figures.
func TestEvaluate_FractionalMaxCapacity(t *testing.T) {
	p := newServerlessPolicy()
	p.Writer.InstanceClasses = []string{"1 ACU", "1.5 ACU", "2 ACU", "2.5 ACU"}
	p.MinCapacity = nil
	o := newServerlessCluster(0.5, 1, 1)
	for n := range o.Instances {
		o.Instances[n].Class, o.Instances[n].CPU = "1 ACU", constantLoad(80)
	}
	d := Evaluate(p, o, now)
	// 80 % of 0.25 vCPU is 0.2 vCPU, which is 53 % of the 0.375 vCPU of 1.5 ACU. The target is 55 %.
	if len(d.Proposals) != 1 || d.Proposals[0].To.InstanceClass != "1.5 ACU" || !strings.Contains(d.Proposals[0].Cause, "would run at 53%") ||
		!strings.Contains(d.Proposals[0].Cause, "max_connections follows when the instances are restarted") {
		t.Errorf("got %+v (%s)", d.Proposals, d.Hold.Message)
	}
}
