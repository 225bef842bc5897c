package decide

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Two xlarge readers have 8 vCPUs.
func TestThresholds(t *testing.T) {
	two := func(a, b []scaling.Sample) scaling.Observation {
		return observe(own("a", xlarge, a), own("b", xlarge, b))
	}
	same := func(cpu []scaling.Sample) scaling.Observation { return two(cpu, cpu) }
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"just below the upper threshold", same(steady(69.9)), scaling.ReasonWithinBand},
		{"on the upper threshold", same(steady(70)), scaling.ReasonScaleUp},
		{"above the upper threshold", same(steady(70.1)), scaling.ReasonScaleUp},
		{"the mean of the window counts: 60, 70, 80", same(settled(60, 70, 80)), scaling.ReasonScaleUp},
		{"the mean of the window counts: 60, 70, 79", same(settled(60, 70, 79)), scaling.ReasonWithinBand},
		{"the mean of the pool counts: 60 and 80", two(steady(60), steady(80)), scaling.ReasonScaleUp},
		{"one warm reader beside an idle one", two(steady(89), steady(20)), scaling.ReasonWithinBand},
		{"one hot reader beside an idle one", two(steady(90), steady(20)), scaling.ReasonScaleUp},
		{"what was before the window does not count", same(settled(99, 99, 99, 50, 50, 50)), scaling.ReasonWithinBand},
		{"the newest minute is not looked at", same(ending(newestMinute.Add(time.Minute), 50, 50, 50, 100)),
			scaling.ReasonWithinBand},
		{"a minute later it is", same(ending(newestMinute, 50, 50, 100, 100)), scaling.ReasonScaleUp}, // mean 83 %

		{"on the lower threshold", same(steady(35)), scaling.ReasonWithinBand},
		{"just below the lower threshold", same(steady(27)), scaling.ReasonScaleDown}, // 2.16 vCPU on 4 are 54 %
		{"one minute of ten on the lower threshold", same(with(steady(20), 9, 35)), scaling.ReasonWithinBand},
		{"eleven minutes ago does not count", same(with(steady(20), 10, 90)), scaling.ReasonScaleDown},
		// mean 50 %
		{"one reader saturated for a minute", two(with(steady(5), 4, 95), steady(5)), scaling.ReasonWithinBand},
		{"saturated, although the pool is low", observe(
			own("a", large, with(steady(5), 4, 95)), own("b", xlarge4, steady(5)), // 1.9 + 0.8 of 18 vCPU are 15 %
		), scaling.ReasonWithinBand},
		{"low, and three smaller ones carry it", same(steady(34.9)), scaling.ReasonScaleDown}, // 2.79 vCPU on 3 × 2 are 47 %
		{"low, and nothing smaller carries it", observe(own("a", large, steady(34.9)), own("b", large, steady(34.9))),
			scaling.ReasonAtMinimum}, // 1.4 vCPU on 2 are 70 %

		{"the newest minute is not published yet", same(without(steady(20), 0)), scaling.ReasonScaleDown},
		{"the newest minutes should have been published", same(without(without(without(steady(20), 0), 0), 0)),
			scaling.ReasonWithinBand},
		{"a minute of the lower window is missing", same(without(steady(20), 5)), scaling.ReasonWithinBand},
		{"the oldest minute of the lower window is missing", same(without(steady(20), 9)), scaling.ReasonWithinBand},
		{"the minute before the lower window is missing", same(without(steady(20), 10)), scaling.ReasonScaleDown},
		{"a minute of one reader is missing", two(without(steady(20), 5), steady(20)), scaling.ReasonWithinBand},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(policy(), test.observation, now)
			if got := reason(d); got != test.want {
				t.Errorf("got %s (%s), want %s", got, d.Hold.Message, test.want)
			}
		})
	}
}

// A load right on a threshold must not fall off it by the way that floating-point numbers are added up.
func TestExactThresholdsWhateverTheShape(t *testing.T) {
	for _, class := range []string{large, xlarge, xlarge2, xlarge4} {
		for up := 60; up <= 90; up++ {
			for readers := 1; readers <= 3; readers++ {
				p := policy(upWindow(7*time.Minute), func(p *scaling.Policy) { p.CPU = scaling.CPU{Target: 55, ScaleUp: up, ScaleDown: 35} })
				var hot, low []scaling.Instance
				for n := range readers {
					hot = append(hot, own(string(rune('a'+n)), class, steady(float64(up))))
					low = append(low, own(string(rune('a'+n)), class, steady(35)))
				}
				if d := Evaluate(p, observe(hot...), now); reason(d) != scaling.ReasonScaleUp && reason(d) != scaling.ReasonAtMaximum {
					t.Errorf("%d × %s at exactly %d%%: %s", readers, class, up, reason(d))
				}
				if d := Evaluate(p, observe(low...), now); reason(d) != scaling.ReasonWithinBand {
					t.Errorf("%d × %s at exactly 35%%: %s", readers, class, reason(d))
				}
			}
		}
	}
}

func TestHowFarUp(t *testing.T) {
	target80 := func(p *scaling.Policy) { p.CPU = scaling.CPU{Target: 80, ScaleUp: 85, ScaleDown: 35} }
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 80 % of 2 vCPUs are 1.6; at 55 % that takes 2.9, so 4 vCPUs. To add a reader interrupts nobody.
		{"cheapest, by adding", policy(), []scaling.Instance{own("a", large, steady(80))}, shape(2, large)},
		{"vertically", policy(prefer(scaling.Vertical)), []scaling.Instance{own("a", large, steady(80))}, shape(1, xlarge)},
		{"horizontally", policy(prefer(scaling.Horizontal)), []scaling.Instance{own("a", large, steady(80))},
			shape(2, large)},

		// 90 % of 8 are 7.2, which takes 13.1: 16 vCPUs.
		{"cheapest, by two readers more", policy(), pair(xlarge, steady(90)), shape(4, xlarge)},
		{"vertically, the next class", policy(prefer(scaling.Vertical)), pair(xlarge, steady(90)), shape(2, xlarge2)},

		// 80 % of 8 are 6.4, which takes 11.7. Three xlarge have 12 vCPUs, but the reader would have to be resized: 12 × 1.5 is more than
		// the 16 of one more.
		{"cheapest, without an interruption where that is not much dearer", policy(), []scaling.Instance{own("a", xlarge2, steady(80))},
			shape(2, xlarge2)},
		{"vertically, the class becomes larger", policy(prefer(scaling.Vertical)),
			[]scaling.Instance{own("a", xlarge2, steady(80))}, shape(1, xlarge4)},
		{"horizontally, the class stays", policy(prefer(scaling.Horizontal)),
			[]scaling.Instance{own("a", xlarge2, steady(80))}, shape(2, xlarge2)},

		// 90 % of 4 xlarge are 14.4, which takes 26.2: no count of xlarge has them.
		{"horizontally, when no count fits", policy(prefer(scaling.Horizontal)), []scaling.Instance{
			own("a", xlarge, steady(90)), own("b", xlarge, steady(90)), own("c", xlarge, steady(90)), own("d", xlarge, steady(90)),
		}, shape(4, xlarge2)},
		// 90 % of one xlarge are 3.6, which takes 6.5: no class does alone.
		{"vertically, when no class fits", policy(prefer(scaling.Vertical), bounds(1, 4, large, xlarge)),
			[]scaling.Instance{own("a", xlarge, steady(90))}, shape(2, xlarge)},

		// The mean of 60, 70 and 80 crosses the threshold; what must be carried is the peak: 80 % of 8 take 11.7.
		{"the peak is what must be carried", policy(), []scaling.Instance{own("a", xlarge2, settled(60, 70, 80))},
			shape(2, xlarge2)},
		// 3.6 vCPU take 6.5
		{"the class may be none of the ladder", policy(), pair("db.r5.large", steady(90)), shape(2, xlarge)},
		{"mixed classes", policy(), []scaling.Instance{own("a", large, steady(80)), own("b", xlarge, steady(80))},
			shape(3, xlarge)},

		// 94 % of 4 are 3.76: at 80 % that takes 4.7, so 6 vCPUs, or 8 without an interruption. Saturated, twice as much is expected: 6.4.
		{"not saturated", policy(target80), []scaling.Instance{own("a", xlarge, steady(94))}, shape(2, xlarge)},
		{"saturated", policy(target80), []scaling.Instance{own("a", xlarge, steady(95))}, shape(2, xlarge)},
		{"exactly double is enough when saturated", policy(prefer(scaling.Vertical)),
			[]scaling.Instance{own("a", large, steady(100))}, shape(1, xlarge)},

		// 3.76 take 6.8
		{"the largest when none fits", policy(bounds(1, 3, large)), pair(large, steady(94)), shape(3, large)},
		{"more readers than somebody created stay", policy(bounds(1, 4, large, xlarge)), []scaling.Instance{
			reader("a", large, steady(80)), reader("b", large, steady(80)), reader("c", large, steady(80)),
		}, shape(4, large)}, // 4.8 take 8.7; 8 carry them at 60 %, which will do where the alternative is to resize all: (55 + 70) / 2 = 62.5
		{"more than that is too much", policy(bounds(1, 4, large, xlarge)), []scaling.Instance{
			reader("a", large, steady(84)), reader("b", large, steady(84)), reader("c", large, steady(84)),
		}, shape(3, xlarge)}, // 5.04 of 8 are 63 %
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, observe(test.readers...), now))
			if got.Reason != scaling.ReasonScaleUp || got.Direction != scaling.Up || got.Pool != scaling.Readers || got.To != test.want {
				t.Errorf("got %s of the %s: %s (%s); want %s", got.Reason, got.Pool, got.To, got.Cause, test.want)
			}
		})
	}
}

func pair(class string, cpu []scaling.Sample) []scaling.Instance {
	return []scaling.Instance{own("a", class, cpu), own("b", class, cpu)}
}

func TestAtMaximum(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"as many and as large as allowed": {policy(bounds(1, 2, large)), pair(large, steady(90))},
		"larger than any allowed":         {policy(bounds(1, 2, large, xlarge)), pair(xlarge4, steady(90))},
		"more than allowed, by somebody else": {policy(bounds(1, 1, large)),
			[]scaling.Instance{reader("a", large, steady(90)), reader("b", large, steady(90))}},
		"saturated does not go beyond the limits": {policy(bounds(1, 2, large)), pair(large, steady(100))},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, observe(test.readers...), now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonAtMaximum {
				t.Errorf("got %v and %s, want AtMaximum", d.Proposals, d.Hold.Reason)
			}
		})
	}
}

func TestHowFarDown(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 20 % of 8 are 1.6, which 4 vCPUs carry at 40 %.
		{"one reader fewer, which interrupts nobody", policy(), pair(xlarge, steady(20)), shape(1, xlarge)},
		{"vertically the class", policy(prefer(scaling.Vertical)), pair(xlarge, steady(20)), shape(2, large)},
		{"the minimum keeps the number", policy(bounds(2, 4, large, xlarge)), pair(xlarge, steady(20)), shape(2, large)},
		{"readers of others are never removed", policy(), []scaling.Instance{
			reader("a", xlarge, steady(20)), reader("b", xlarge, steady(20)),
		}, shape(2, large)},
		{"all the way at once", policy(), []scaling.Instance{own("a", xlarge4, steady(1))}, shape(1, large)},
		{"as far as one operation may go", policy(stepFactor(4)), []scaling.Instance{own("a", xlarge4, steady(1))}, shape(1, xlarge)},
		{"three readers at once", policy(bounds(1, 4, large)), []scaling.Instance{
			own("a", large, steady(1)), own("b", large, steady(1)), own("c", large, steady(1)), own("d", large, steady(1)),
		}, shape(1, large)},
		// 30 % of 4 are 1.2: one large would be at 60 %. 27 % are 1.08, which it carries at 54 %.
		{"the peak must fit", policy(), pair(large, with(steady(5), 9, 27)), shape(1, large)},
		{"from above the ladder to its top", policy(bounds(1, 4, large, xlarge)), pair(xlarge4, steady(5)),
			shape(2, large)}, // 1.6 vCPU on 4 are 40 %
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, observe(test.readers...), now))
			if got.Reason != scaling.ReasonScaleDown || got.Direction != scaling.Down || got.To != test.want {
				t.Errorf("got %s to %s (%s), want a step down to %s", got.Reason, got.To, got.Cause, test.want)
			}
		})
	}
}

func TestAtMinimum(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"the smallest there is":  {policy(), []scaling.Instance{own("a", large, steady(5))}},
		"the peak would not fit": {policy(), pair(large, with(steady(5), 9, 30))}, // 1.2 of 2 vCPUs are 60 %
		"the readers are of others": {policy(bounds(1, 4, large)),
			[]scaling.Instance{reader("a", large, steady(5)), reader("b", large, steady(5))}},
		"the policy wants so many": {policy(bounds(2, 4, large)), pair(large, steady(5))},
		"smaller than any allowed": {policy(bounds(1, 4, xlarge)), []scaling.Instance{own("a", large, steady(5))}},
		"more of others than the maximum": {policy(bounds(1, 1, large)),
			[]scaling.Instance{reader("a", large, steady(5)), reader("b", large, steady(5))}},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, observe(test.readers...), now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonAtMinimum {
				t.Errorf("got %v and %s, want AtMinimum", d.Proposals, d.Hold.Reason)
			}
		})
	}
}

func TestBelowMinimum(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		{"one more of the same", policy(bounds(2, 4, large, xlarge)), []scaling.Instance{own("a", xlarge, steady(10))},
			shape(2, xlarge)},
		{"without any samples", policy(bounds(2, 4, large, xlarge)), []scaling.Instance{own("a", large, nil)},
			shape(2, large)},
		{"the smallest where there is none", policy(bounds(2, 4, large, xlarge)), nil, shape(2, large)},
		{"whatever the preference", policy(bounds(3, 4, large, xlarge), prefer(scaling.Vertical)),
			[]scaling.Instance{own("a", large, nil)}, shape(3, large)},
		{"a class that is not on the ladder", policy(bounds(2, 4, large, xlarge)),
			[]scaling.Instance{own("a", "db.r5.large", nil)}, shape(2, large)},
		{"never with fewer vCPUs", policy(bounds(2, 4, large, xlarge)), []scaling.Instance{own("a", xlarge4, nil)},
			shape(4, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, observe(test.readers...), now))
			if got.Reason != scaling.ReasonBelowMinimum || got.Direction != scaling.Up || got.To != test.want {
				t.Errorf("got %s to %s, want %s", got.Reason, got.To, test.want)
			}
		})
	}
	t.Run("rather too few than fewer vCPUs", func(t *testing.T) {
		d := Evaluate(policy(bounds(2, 3, large, xlarge)), observe(own("a", xlarge4, steady(50))), now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonWithinBand {
			t.Errorf("got %v and %s: 3 × %s have 12 vCPUs, and there are 16", d.Proposals, d.Hold.Reason, xlarge)
		}
	})
}

func TestUnknownClasses(t *testing.T) {
	for name, test := range map[string]struct {
		policy      scaling.Policy
		observation scaling.Observation
		class       string
	}{
		"an instance's": {policy(), observe(own("a", "db.r6g.huge", steady(99))), "db.r6g.huge"},
		"the policy's": {policy(bounds(1, 4, large, "db.z9.large")),
			observe(own("a", large, steady(99))), "db.z9.large"},
		"the policy's, below its minimum": {policy(bounds(2, 4, "db.z9.large")), observe(own("a", large, steady(99))),
			"db.z9.large"},
		"serverless": {policy(), observe(own("a", "db.serverless", steady(99))), "db.serverless"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonUnknownClass || !strings.Contains(d.Hold.Message, test.class) {
				t.Errorf("got %v and %q, want a hold that names %s", d.Proposals, d.Hold.Message, test.class)
			}
		})
	}
	t.Run("does not keep the other pool from growing", func(t *testing.T) {
		d := Evaluate(policy(withWriter(xlarge, xlarge2)), observe(writer(xlarge, steady(90)), own("a", "db.r6g.huge", steady(99))), now)
		if got := onlyProposal(t, d); got.Pool != scaling.Writer {
			t.Errorf("got a proposal for the %s", got.Pool)
		}
	})
}

func TestLeftoverSurgeReaders(t *testing.T) {
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
		to          scaling.Shape
	}{
		// 40 % of 6 vCPUs are 2.4; the two that stay have 4 and would be at 60 %. 30 % are 1.8: 45 %.
		{"not while they are needed", policy(), observe(own("a", large, steady(40)), own("b", large, steady(40)), surge("s", large, steady(40))),
			scaling.ReasonWithinBand, scaling.Shape{}},
		{"once the others carry the load", policy(bounds(2, 2, large)),
			observe(reader("a", large, steady(30)), reader("b", large, steady(30)), surge("s", large, steady(30))),
			scaling.ReasonSurgeLeftover, shape(2, large)},
		{"all of them at once", policy(bounds(1, 1, xlarge4)),
			observe(reader("a", xlarge4, steady(40)), surge("s", large, steady(40)), surge("t", large, steady(40))),
			scaling.ReasonSurgeLeftover, shape(1, xlarge4)}, // 8 of 20 vCPUs: 16 carry them at 50 %
		// 36 % of 6 are 2.16, which 4 vCPUs would carry at 54 %.
		{"not below the minimum", policy(bounds(3, 4, large)),
			observe(own("a", large, steady(36)), own("b", large, steady(36)), surge("s", large, steady(36))), scaling.ReasonWithinBand, scaling.Shape{}},
		{"not without samples", policy(), observe(own("a", large, nil), surge("s", large, steady(1))),
			scaling.ReasonMetricsMissing, scaling.Shape{}},
		{"not when one is saturated", policy(), observe(own("a", xlarge4, steady(10)), surge("s", large, with(steady(20), 1, 96))),
			scaling.ReasonWithinBand, scaling.Shape{}},
		{"also where the policy leaves the readers alone", policy(withoutReaders, withWriter(large, xlarge)),
			observe(writer(large, steady(50)), reader("a", xlarge, steady(20)), surge("s", large, steady(20))),
			scaling.ReasonSurgeLeftover, shape(1, xlarge)},
		{"never the last reader", policy(withoutReaders, withWriter(large, xlarge)),
			observe(writer(large, steady(50)), surge("s", large, steady(1))), scaling.ReasonWithinBand, scaling.Shape{}},
		{"only the operator's own", policy(bounds(1, 4, large)), observe(tagged(reader("a", large, steady(25))), reader("b", large, steady(25))),
			scaling.ReasonAtMinimum, scaling.Shape{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if reason(d) != test.want {
				t.Fatalf("got %s (%s), want %s", reason(d), d.Hold.Message, test.want)
			}
			if test.want != scaling.ReasonSurgeLeftover {
				return
			}
			if got := d.Proposals[0]; got.Direction != scaling.Cleanup || got.Pool != scaling.Readers || got.To != test.to {
				t.Errorf("got %s of %s to %s, want a cleanup to %s", got.Direction, got.Pool, got.To, test.to)
			}
		})
	}
}

// tagged carries the surge tag without the one that says who created it.
func tagged(i scaling.Instance) scaling.Instance {
	i.Tags = map[string]string{scaling.TagSurge: "0a1b2c3d"}
	return i
}

func TestTheMostUrgentComesFirst(t *testing.T) {
	p := policy(withWriter(large, xlarge, xlarge2))
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        []string
	}{
		{"both too small: readers first, since one of them is to take over",
			observe(writer(xlarge, steady(90)), own("a", xlarge, steady(90))), []string{"Readers Up"}},
		{"both too small, and the reader is large enough to succeed: readers first",
			observe(writer(large, steady(90)), own("a", xlarge, steady(90))), []string{"Readers Up", "Writer Up"}},
		{"both too large: the writer first, since the readers must not be smaller",
			observe(writer(xlarge, steady(5)), own("a", xlarge, steady(5))), []string{"Writer Down"}},
		{"both too large, and the readers are larger than the writer",
			observe(writer(xlarge, steady(5)), own("a", xlarge2, steady(5))), []string{"Writer Down", "Readers Down"}},
		{"growing before shrinking", observe(writer(large, steady(90)), own("a", xlarge2, steady(5)), own("b", xlarge2, steady(5))),
			[]string{"Writer Up"}}, // the readers would become smaller than the writer will be
		{"the readers grow first so that one can succeed the writer", observe(writer(xlarge, steady(90)), own("a", xlarge, steady(5))),
			[]string{"Readers Up"}},
		{"growing before cleaning up", observe(writer(large, steady(90)), own("a", xlarge, steady(50)), surge("s", large, steady(8))), // 36 % together
			[]string{"Writer Up", "Readers Cleanup"}},
		{"cleaning up before shrinking", observe(writer(xlarge, steady(5)), own("a", xlarge, steady(5)), surge("s", xlarge, steady(5))),
			[]string{"Readers Cleanup", "Writer Down", "Readers Down"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(p, test.observation, now)
			var got []string
			for _, proposal := range d.Proposals {
				got = append(got, string(proposal.Pool)+" "+string(proposal.Direction))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if (d.Hold != scaling.Hold{}) {
				t.Errorf("there are proposals and the hold %v", d.Hold)
			}
		})
	}
}

func TestTheGravestHoldIsShown(t *testing.T) {
	both := policy(withWriter(large), bounds(1, 1, large))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"at the maximum before within the band", both, observe(writer(large, steady(50)), own("a", large, steady(90))),
			scaling.ReasonAtMaximum},
		{"missing samples before the maximum", both, observe(writer(large, nil), own("a", large, steady(90))),
			scaling.ReasonMetricsMissing},
		{"within the band before the minimum", both, observe(writer(large, steady(50)), own("a", large, steady(5))),
			scaling.ReasonWithinBand},
		{"an unknown class before missing samples", both, observe(writer(large, nil), own("a", "db.z9.large", nil)),
			scaling.ReasonUnknownClass},
		{"no pool at all", policy(withoutReaders), observe(writer(large, steady(99))), scaling.ReasonWithinBand},
		{"no instance at all", policy(withoutReaders, withWriter(large)), observe(), scaling.ReasonMetricsMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != test.want || d.Hold.Message == "" {
				t.Errorf("got %v and %s (%q), want %s", d.Proposals, d.Hold.Reason, d.Hold.Message, test.want)
			}
			if d.RequeueAfter != Interval {
				t.Errorf("it wants to be asked again after %s", d.RequeueAfter)
			}
		})
	}
}

// SQL Server on db.m7i.2xlarge has 4 vCPUs, not 8, and on db.m7i.xlarge 4 as well: the next size that helps is 4xlarge.
func TestTheEngineTellsTheVCPUs(t *testing.T) {
	o := observe(writer("db.m7i.xlarge", steady(75)))
	o.Engine = "sqlserver-se"
	p := policy(withoutReaders, withWriter("db.m7i.xlarge", "db.m7i.2xlarge", "db.m7i.4xlarge"))
	got := onlyProposal(t, Evaluate(p, o, now))
	if got.To != shape(1, "db.m7i.4xlarge") || got.Demand != 3 {
		t.Errorf("got %s for %.1f vCPU, want db.m7i.4xlarge for 3", got.To, got.Demand)
	}
}

// What status shows must not change from minute to minute while the decision does not.
func TestMessagesStayWhileTheDecisionDoes(t *testing.T) {
	for _, percent := range []float64{10, 50, 80} {
		first := Evaluate(policy(), observe(pair(xlarge, steady(percent))...), now)
		second := Evaluate(policy(), observe(pair(xlarge, steady(percent+1))...), now)
		if first.Hold != second.Hold {
			t.Errorf("at %.0f%%: %q becomes %q", percent, first.Hold.Message, second.Hold.Message)
		}
		for n, p := range first.Proposals {
			if p.Message != second.Proposals[n].Message || p.Cause == second.Proposals[n].Cause {
				t.Errorf("at %.0f%%: the message %q becomes %q, and the cause %q", percent, p.Message, second.Proposals[n].Message, p.Cause)
			}
		}
	}
}
