package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withSchedule is a schedule that is open from the given time after now, for an hour.
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
		{"three readers", newPolicy(withSchedule("import", 0, readersAtLeast(3, ""))), one, scaling.ReasonBelowSchedule, shape(3, large)},
		{"not before it opens", newPolicy(withSchedule("import", time.Second, readersAtLeast(3, ""))), one, scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"not after it closed", newPolicy(withSchedule("import", -time.Hour, readersAtLeast(3, ""))), one, scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"a class", newPolicy(withSchedule("import", 0, readersAtLeast(0, xlarge))), one, scaling.ReasonBelowSchedule, shape(1, xlarge)},
		{"two that overlap combine", newPolicy(withSchedule("import", 0, readersAtLeast(0, xlarge)), withSchedule("report", -time.Minute, readersAtLeast(2, large))), one,
			scaling.ReasonBelowSchedule, shape(2, xlarge)},
		{"without samples", newPolicy(withSchedule("import", 0, readersAtLeast(2, ""))), newObservation(ownReader("a", large, nil)), scaling.ReasonBelowSchedule, shape(2, large)},
		{"the load asks for more, and it gets what the schedule asks for as well", newPolicy(withSchedule("import", 0, readersAtLeast(3, ""))),
			newObservation(ownReader("a", large, constantLoad(80))), scaling.ReasonScaleUp, shape(3, large)},
		{"it is met", newPolicy(withSchedule("import", 0, readersAtLeast(1, large))), one, scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"the writer's does not bind the readers", newPolicy(withSchedule("import", 0, writerAtLeast(xlarge))), one, scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"the writer", newPolicy(withoutReaders, withWriter(large, xlarge), withSchedule("import", 0, writerAtLeast(xlarge))), newObservation(writer(large, constantLoad(50))),
			scaling.ReasonBelowSchedule, shape(1, xlarge)},

		// 20 % of 8 are 1.6: one xlarge would do.
		{"nothing shrinks below it", newPolicy(withSchedule("import", 0, readersAtLeast(2, xlarge))), newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonAtMinimum, scaling.Shape{}},
		{"nor when it opens within the hour", newPolicy(withSchedule("import", time.Hour, readersAtLeast(2, xlarge))), newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonAtMinimum, scaling.Shape{}},
		{"unless it opens later", newPolicy(withSchedule("import", time.Hour+time.Second, readersAtLeast(2, xlarge))), newObservation(twoReaders(xlarge, constantLoad(20))...),
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

// A schedule that cannot be read denies everything.
func TestEvaluate_InvalidScheduleBlocks(t *testing.T) {
	for name, broken := range map[string]scaling.ScheduledMinimum{
		"no cron":      {Name: "x", MinReaders: 1, Window: scaling.Window{Schedule: "at noon", Duration: time.Hour, TimeZone: "UTC"}},
		"no time zone": {Name: "x", MinReaders: 1, Window: scaling.Window{Schedule: "0 12 * * *", Duration: time.Hour, TimeZone: "Mars/Olympus"}},
		"no duration":  {Name: "x", MinReaders: 1, Window: scaling.Window{Start: now}},
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
		t.Errorf("a class that nobody knows: %s", reason(d))
	}
}

func withOverride(readers, writer *scaling.Shape, ends time.Duration) func(*scaling.Policy) {
	return func(p *scaling.Policy) {
		p.ManualControl.Override = &scaling.ManualOverride{Readers: readers, Writer: writer, ExpiresAt: now.Add(ends)}
	}
}

func TestEvaluate_ManualOverride(t *testing.T) {
	as := func(count int, class string) *scaling.Shape {
		s := shape(count, class)
		return &s
	}
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
		to          scaling.Shape
		direction   scaling.Direction
	}{
		{"up, whatever the load", newPolicy(withOverride(as(3, xlarge2), nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonOverride, shape(3, xlarge2), scaling.Up},
		{"beyond the policy", newPolicy(withReaders(1, 2, large), withOverride(as(6, xlarge4), nil, time.Minute)), newObservation(ownReader("a", large, nil)),
			scaling.ReasonOverride, shape(6, xlarge4), scaling.Up},
		{"it holds the shape, however saturated", newPolicy(withOverride(as(2, xlarge), nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(100))...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"when it is over the load decides", newPolicy(withOverride(as(2, xlarge), nil, 0)), newObservation(twoReaders(xlarge, constantLoad(100))...),
			scaling.ReasonScaleUp, shape(4, xlarge), scaling.Up},
		// 40 % of 8 are 3.2: one xlarge would run at 80 %, a 2xlarge at 40 %.
		{"down to what carries the load", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonOverride, shape(1, xlarge), scaling.Down},
		{"not down to what does not", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(40))...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"not down without samples", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)), newObservation(twoReaders(xlarge, nil)...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"not down without samples of memory", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)), withFreeResources(newObservation(twoReaders(xlarge, constantLoad(5))...), -1, 1),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"not to smaller ones without samples of memory, however many", newPolicy(withOverride(as(6, large), nil, time.Minute)),
			withFreeResources(newObservation(twoReaders(xlarge, constantLoad(5))...), -1, 1), scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"the writer", newPolicy(withOverride(nil, as(1, xlarge2), time.Minute)), newObservation(writer(xlarge, constantLoad(50)), ownReader("a", xlarge, constantLoad(50))),
			scaling.ReasonOverride, shape(1, xlarge2), scaling.Up},
		{"the other pool goes by the load", newPolicy(withOverride(nil, as(1, xlarge), time.Minute)), newObservation(writer(xlarge, constantLoad(50)), ownReader("a", xlarge, constantLoad(90))),
			scaling.ReasonScaleUp, shape(2, xlarge), scaling.Up},
		{"a class that nobody knows", newPolicy(withOverride(as(2, "db.z9.large"), nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(50))...),
			scaling.ReasonUnknownClass, scaling.Shape{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if reason(d) != test.want {
				t.Fatalf("got %s %v (%s), want %s", reason(d), d.Proposals, d.Hold.Message, test.want)
			}
			if test.to.Count > 0 && (d.Proposals[0].To != test.to || d.Proposals[0].Direction != test.direction) {
				t.Errorf("got %s to %s, want %s to %s", d.Proposals[0].Direction, d.Proposals[0].To, test.direction, test.to)
			}
		})
	}
}

// A least that no operation may reach is said, where it would otherwise never be reached and nobody told: from 2 vCPUs to 24 is further
// than four times.
func TestEvaluate_MinimumOutOfReach(t *testing.T) {
	far := newPolicy(func(p *scaling.Policy) {
		p.Readers.Min, p.Readers.Max, p.Readers.InstanceClasses = 3, 3, []string{"db.r6g.2xlarge"}
		p.Guardrails.MaxStepFactor = 4
	})
	d := Evaluate(far, newObservation(ownReader("a", large, constantLoad(50))), now)
	if len(d.Proposals) != 0 || d.Hold.Reason != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, "at least 3 readers, and there are 1 × db.r6g.large") ||
		!strings.Contains(d.Hold.Message, "guardrails.maxStepFactor") {
		t.Errorf("got %v and %+v", d.Proposals, d.Hold)
	}
	far.Guardrails.MaxStepFactor = 12
	if d := Evaluate(far, newObservation(ownReader("a", large, constantLoad(50))), now); len(d.Proposals) != 1 || d.Proposals[0].Reason != scaling.ReasonBelowMinimum {
		t.Errorf("twelve times is near enough: %+v", d)
	}
}
