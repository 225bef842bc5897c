package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withSchedule adds a schedule that opens in the given time, for an hour.
func withSchedule(name string, in time.Duration, edit func(*scaling.ScheduledMinimum)) func(*scaling.Policy) {
	f := scaling.ScheduledMinimum{Name: name, Window: scaling.Window{Start: now.Add(in), Duration: time.Hour}}
	edit(&f)
	return func(p *scaling.Policy) { p.ScheduledMinimums = append(p.ScheduledMinimums, f) }
}

func readersAtLeast(count int, class string) func(*scaling.ScheduledMinimum) {
	return func(f *scaling.ScheduledMinimum) { f.MinReaders, f.ReaderClass = count, class }
}

func writerAtLeast(class string) func(*scaling.ScheduledMinimum) {
	return func(f *scaling.ScheduledMinimum) { f.WriterClass = class }
}

func TestEvaluate_ScheduledMinimums(t *testing.T) {
	one := newObservation(ownReader("a", large, constantLoad(50)))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
		to          scaling.Shape
	}{
		{"a number of readers", newPolicy(withSchedule("import", 0, readersAtLeast(3, ""))), one, scaling.ReasonBelowSchedule, shape(3, large)},
		{"before the schedule opens", newPolicy(withSchedule("import", time.Second, readersAtLeast(3, ""))), one,
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"after the schedule closed", newPolicy(withSchedule("import", -time.Hour, readersAtLeast(3, ""))), one,
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"a class of readers", newPolicy(withSchedule("import", 0, readersAtLeast(0, xlarge))), one, scaling.ReasonBelowSchedule,
			shape(1, xlarge)},
		{"overlapping schedules combine", newPolicy(withSchedule("import", 0, readersAtLeast(0, xlarge)),
			withSchedule("report", -time.Minute, readersAtLeast(2, large))), one,
			scaling.ReasonBelowSchedule, shape(2, xlarge)},
		{"without samples", newPolicy(withSchedule("import", 0, readersAtLeast(2, ""))), newObservation(ownReader("a", large, scaling.Series{})),
			scaling.ReasonBelowSchedule, shape(2, large)},
		{"a scale-up by load meets the schedule, too", newPolicy(withSchedule("import", 0, readersAtLeast(3, ""))),
			newObservation(ownReader("a", large, constantLoad(80))), scaling.ReasonScaleUp, shape(3, large)},
		{"the minimum is met", newPolicy(withSchedule("import", 0, readersAtLeast(1, large))), one, scaling.ReasonWithinThresholds,
			scaling.Shape{}},
		{"a minimum of the writer does not apply to readers", newPolicy(withSchedule("import", 0, writerAtLeast(xlarge))), one,
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"a class of the writer", newPolicy(withoutReaders, withWriter(large, xlarge), withSchedule("import", 0, writerAtLeast(xlarge))),
			newObservation(writer(large, constantLoad(50))),
			scaling.ReasonBelowSchedule, shape(1, xlarge)},

		// 20 % of 8 are 1.6, which one xlarge would carry.
		{"no scale-down below the minimum", newPolicy(withSchedule("import", 0, readersAtLeast(2, xlarge))),
			newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonAtMinimum, scaling.Shape{}},
		{"no scale-down when the schedule opens within the hour", newPolicy(withSchedule("import", time.Hour, readersAtLeast(2, xlarge))),
			newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonAtMinimum, scaling.Shape{}},
		{"scale-down when the schedule opens later", newPolicy(withSchedule("import", time.Hour+time.Second, readersAtLeast(2, xlarge))),
			newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonScaleDown, shape(1, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if reason(d) != test.want || test.to.Count > 0 && d.Proposals[0].To != test.to {
				t.Errorf("got %s %v (%s), want %s to %s", reason(d), d.Proposals, d.Hold.Message, test.want, test.to)
			}
			if test.want == scaling.ReasonBelowSchedule && !strings.Contains(d.Proposals[0].Message, "import") {
				t.Errorf("%q does not name the schedule", d.Proposals[0].Message)
			}
		})
	}
}

// An invalid schedule blocks every change.
func TestEvaluate_InvalidScheduleBlocks(t *testing.T) {
	for name, broken := range map[string]scaling.ScheduledMinimum{
		"invalid cron expression": {Name: "x", MinReaders: 1, Window: scaling.Window{Schedule: "at noon", Duration: time.Hour, TimeZone: "UTC"}},
		"unknown time zone": {Name: "x", MinReaders: 1,
			Window: scaling.Window{Schedule: "0 12 * * *", Duration: time.Hour, TimeZone: "Mars/Olympus"}},
		"no duration": {Name: "x", MinReaders: 1, Window: scaling.Window{Start: now}},
	} {
		for _, percent := range []float64{5, 50, 99} {
			p := newPolicy(func(p *scaling.Policy) { p.ScheduledMinimums = []scaling.ScheduledMinimum{broken} })
			if d := Evaluate(p, newObservation(twoReaders(xlarge, constantLoad(percent))...), now); reason(d) != scaling.ReasonInvalidSchedule {
				t.Errorf("%s at %.0f%%: %s", name, percent, reason(d))
			}
		}
	}
	p := newPolicy(withSchedule("x", 0, readersAtLeast(1, "db.z9.large")))
	if d := Evaluate(p, newObservation(twoReaders(xlarge, constantLoad(50))...), now); reason(d) != scaling.ReasonInvalidSchedule {
		t.Errorf("unknown class: %s", reason(d))
	}
}

// A minimum that no operation may reach is reported: from 2 vCPU to 24 is further than a factor of four.
func TestEvaluate_MinimumOutOfReach(t *testing.T) {
	p := newPolicy(func(p *scaling.Policy) {
		p.Readers.Min, p.Readers.Max, p.Readers.InstanceClasses = 3, 3, []string{"db.r6g.2xlarge"}
		p.Guardrails.MaxStepFactor = 4
	})
	d := Evaluate(p, newObservation(ownReader("a", large, constantLoad(50))), now)
	if len(d.Proposals) != 0 || d.Hold.Reason != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, "at least 3 readers, but the pool is 1 × db.r6g.large") ||
		!strings.Contains(d.Hold.Message, "guardrails.maxStepFactor") {
		t.Errorf("got %v and %+v", d.Proposals, d.Hold)
	}
	p.Guardrails.MaxStepFactor = 12
	if d := Evaluate(p, newObservation(ownReader("a", large, constantLoad(50))), now); len(d.Proposals) != 1 || d.Proposals[0].Reason != scaling.ReasonBelowMinimum {
		t.Errorf("a factor of twelve is enough, got %+v", d)
	}
}
