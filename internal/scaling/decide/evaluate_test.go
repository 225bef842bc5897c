package decide

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Two xlarge readers have 8 vCPUs.
func TestEvaluate_Thresholds(t *testing.T) {
	two := func(a, b []scaling.Sample) scaling.Observation {
		return newObservation(ownReader("a", xlarge, a), ownReader("b", xlarge, b))
	}
	same := func(cpu []scaling.Sample) scaling.Observation { return two(cpu, cpu) }
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"just below the upper threshold", same(constantLoad(69.9)), scaling.ReasonWithinThresholds},
		{"on the upper threshold", same(constantLoad(70)), scaling.ReasonScaleUp},
		{"above the upper threshold", same(constantLoad(70.1)), scaling.ReasonScaleUp},
		{"the mean of the window counts: 60, 70, 80", same(recentSamples(60, 70, 80)), scaling.ReasonScaleUp},
		{"the mean of the window counts: 60, 70, 79", same(recentSamples(60, 70, 79)), scaling.ReasonWithinThresholds},
		{"the mean of the pool counts: 60 and 80", two(constantLoad(60), constantLoad(80)), scaling.ReasonScaleUp},
		{"one warm reader beside an idle one", two(constantLoad(89), constantLoad(20)), scaling.ReasonWithinThresholds},
		{"one hot reader beside an idle one", two(constantLoad(90), constantLoad(20)), scaling.ReasonScaleUp},
		{"what was before the window does not count", same(recentSamples(99, 99, 99, 50, 50, 50)), scaling.ReasonWithinThresholds},
		{"the newest minute is not looked at", same(samplesUntil(newestMinute.Add(time.Minute), 50, 50, 50, 100)),
			scaling.ReasonWithinThresholds},
		{"a minute later it is", same(samplesUntil(newestMinute, 50, 50, 100, 100)), scaling.ReasonScaleUp}, // mean 83 %

		{"on the lower threshold", same(constantLoad(35)), scaling.ReasonWithinThresholds},
		{"just below the lower threshold", same(constantLoad(27)), scaling.ReasonScaleDown}, // 2.16 vCPU on 4 are 54 %
		{"one minute of ten on the lower threshold", same(withMinute(constantLoad(20), 9, 35)), scaling.ReasonWithinThresholds},
		{"eleven minutes ago does not count", same(withMinute(constantLoad(20), 10, 90)), scaling.ReasonScaleDown},
		// mean 50 %
		{"one reader saturated for a minute", two(withMinute(constantLoad(5), 4, 95), constantLoad(5)), scaling.ReasonWithinThresholds},
		{"saturated, although the pool is low", newObservation(
			ownReader("a", large, withMinute(constantLoad(5), 4, 95)), ownReader("b", xlarge4, constantLoad(5)), // 1.9 + 0.8 of 18 vCPU are 15 %
		), scaling.ReasonWithinThresholds},
		{"low, and three smaller ones carry it", same(constantLoad(34.9)), scaling.ReasonScaleDown}, // 2.79 vCPU on 3 × 2 are 47 %
		{"low, and nothing smaller carries it", newObservation(ownReader("a", large, constantLoad(34.9)), ownReader("b", large, constantLoad(34.9))),
			scaling.ReasonAtMinimum}, // 1.4 vCPU on 2 are 70 %

		{"the newest minute is not published yet", same(withoutMinute(constantLoad(20), 0)), scaling.ReasonScaleDown},
		{"the newest minutes should have been published", same(withoutMinute(withoutMinute(withoutMinute(constantLoad(20), 0), 0), 0)),
			scaling.ReasonWithinThresholds},
		{"a minute of the lower window is missing", same(withoutMinute(constantLoad(20), 5)), scaling.ReasonWithinThresholds},
		{"the oldest minute of the lower window is missing", same(withoutMinute(constantLoad(20), 9)), scaling.ReasonWithinThresholds},
		{"the minute before the lower window is missing", same(withoutMinute(constantLoad(20), 10)), scaling.ReasonScaleDown},
		{"a minute of one reader is missing", two(withoutMinute(constantLoad(20), 5), constantLoad(20)), scaling.ReasonWithinThresholds},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(newPolicy(), test.observation, now)
			if got := reason(d); got != test.want {
				t.Errorf("got %s (%s), want %s", got, d.Hold.Message, test.want)
			}
		})
	}
}

// A load right on a threshold must not fall off it by the way that floating-point numbers are added up.
func TestEvaluate_LoadExactlyOnThreshold(t *testing.T) {
	for _, class := range []string{large, xlarge, xlarge2, xlarge4} {
		for up := 60; up <= 90; up++ {
			for readers := 1; readers <= 3; readers++ {
				p := newPolicy(withScaleUpWindow(7*time.Minute), func(p *scaling.Policy) { p.CPU = scaling.CPU{Target: 55, ScaleUp: up, ScaleDown: 35} })
				var hot, low []scaling.Instance
				for n := range readers {
					hot = append(hot, ownReader(string(rune('a'+n)), class, constantLoad(float64(up))))
					low = append(low, ownReader(string(rune('a'+n)), class, constantLoad(35)))
				}
				if d := Evaluate(p, newObservation(hot...), now); reason(d) != scaling.ReasonScaleUp && reason(d) != scaling.ReasonAtMaximum {
					t.Errorf("%d × %s at exactly %d%%: %s", readers, class, up, reason(d))
				}
				if d := Evaluate(p, newObservation(low...), now); reason(d) != scaling.ReasonWithinThresholds {
					t.Errorf("%d × %s at exactly 35%%: %s", readers, class, reason(d))
				}
			}
		}
	}
}

func TestScaleUp_Shape(t *testing.T) {
	target80 := func(p *scaling.Policy) { p.CPU = scaling.CPU{Target: 80, ScaleUp: 85, ScaleDown: 35} }
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 80 % of 2 vCPUs are 1.6; at 55 % that takes 2.9, so 4 vCPUs. To add a reader interrupts nobody.
		{"cheapest, by adding", newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(80))}, shape(2, large)},
		{"vertically", newPolicy(withPreference(scaling.Vertical)), []scaling.Instance{ownReader("a", large, constantLoad(80))}, shape(1, xlarge)},
		{"horizontally", newPolicy(withPreference(scaling.Horizontal)), []scaling.Instance{ownReader("a", large, constantLoad(80))},
			shape(2, large)},

		// 90 % of 8 are 7.2, which takes 13.1: 16 vCPUs.
		{"cheapest, by two readers more", newPolicy(), twoReaders(xlarge, constantLoad(90)), shape(4, xlarge)},
		{"vertically, the next class", newPolicy(withPreference(scaling.Vertical)), twoReaders(xlarge, constantLoad(90)), shape(2, xlarge2)},

		// 80 % of 8 are 6.4, which takes 11.7. Three xlarge have 12 vCPUs, but the reader would have to be resized: 12 × 1.5 is more than
		// the 16 of one more.
		{"cheapest, without an interruption where that is not much dearer", newPolicy(), []scaling.Instance{ownReader("a", xlarge2, constantLoad(80))},
			shape(2, xlarge2)},
		{"vertically, the class becomes larger", newPolicy(withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", xlarge2, constantLoad(80))}, shape(1, xlarge4)},
		{"horizontally, the class stays", newPolicy(withPreference(scaling.Horizontal)),
			[]scaling.Instance{ownReader("a", xlarge2, constantLoad(80))}, shape(2, xlarge2)},

		// 90 % of 4 xlarge are 14.4, which takes 26.2: no count of xlarge has them.
		{"horizontally, when no count fits", newPolicy(withPreference(scaling.Horizontal)), []scaling.Instance{
			ownReader("a", xlarge, constantLoad(90)), ownReader("b", xlarge, constantLoad(90)), ownReader("c", xlarge, constantLoad(90)), ownReader("d", xlarge, constantLoad(90)),
		}, shape(4, xlarge2)},
		// 90 % of one xlarge are 3.6, which takes 6.5: no class does alone.
		{"vertically, when no class fits", newPolicy(withPreference(scaling.Vertical), withReaders(1, 4, large, xlarge)),
			[]scaling.Instance{ownReader("a", xlarge, constantLoad(90))}, shape(2, xlarge)},

		// The mean of 60, 70 and 80 crosses the threshold; what must be carried is the peak: 80 % of 8 take 11.7.
		{"the peak is what must be carried", newPolicy(), []scaling.Instance{ownReader("a", xlarge2, recentSamples(60, 70, 80))},
			shape(2, xlarge2)},
		// 3.6 vCPU take 6.5
		{"the class may be none of the ladder", newPolicy(), twoReaders("db.r5.large", constantLoad(90)), shape(2, xlarge)},
		{"mixed classes", newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(80)), ownReader("b", xlarge, constantLoad(80))},
			shape(3, xlarge)},

		// 94 % of 4 are 3.76: at 80 % that takes 4.7, so 6 vCPUs, or 8 without an interruption. Saturated, twice as much is expected: 6.4.
		{"not saturated", newPolicy(target80), []scaling.Instance{ownReader("a", xlarge, constantLoad(94))}, shape(2, xlarge)},
		{"saturated", newPolicy(target80), []scaling.Instance{ownReader("a", xlarge, constantLoad(95))}, shape(2, xlarge)},
		{"exactly double is enough when saturated", newPolicy(withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", large, constantLoad(100))}, shape(1, xlarge)},

		// 3.76 take 6.8
		{"the largest when none fits", newPolicy(withReaders(1, 3, large)), twoReaders(large, constantLoad(94)), shape(3, large)},
		{"more readers than somebody created stay", newPolicy(withReaders(1, 4, large, xlarge)), []scaling.Instance{
			foreignReader("a", large, constantLoad(80)), foreignReader("b", large, constantLoad(80)), foreignReader("c", large, constantLoad(80)),
		}, shape(4, large)}, // 4.8 take 8.7; 8 carry them at 60 %, which will do where the alternative is to resize all: (55 + 70) / 2 = 62.5
		{"more than that is too much", newPolicy(withReaders(1, 4, large, xlarge)), []scaling.Instance{
			foreignReader("a", large, constantLoad(84)), foreignReader("b", large, constantLoad(84)), foreignReader("c", large, constantLoad(84)),
		}, shape(3, xlarge)}, // 5.04 of 8 are 63 %
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, newObservation(test.readers...), now))
			if got.Reason != scaling.ReasonScaleUp || got.Direction != scaling.Up || got.Pool != scaling.Readers || got.To != test.want {
				t.Errorf("got %s of the %s: %s (%s); want %s", got.Reason, got.Pool, got.To, got.Cause, test.want)
			}
		})
	}
}

func twoReaders(class string, cpu []scaling.Sample) []scaling.Instance {
	return []scaling.Instance{ownReader("a", class, cpu), ownReader("b", class, cpu)}
}

func TestEvaluate_AtMaximum(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"as many and as large as allowed": {newPolicy(withReaders(1, 2, large)), twoReaders(large, constantLoad(90))},
		"larger than any allowed":         {newPolicy(withReaders(1, 2, large, xlarge)), twoReaders(xlarge4, constantLoad(90))},
		"more than allowed, by somebody else": {newPolicy(withReaders(1, 1, large)),
			[]scaling.Instance{foreignReader("a", large, constantLoad(90)), foreignReader("b", large, constantLoad(90))}},
		"saturated does not go beyond the limits": {newPolicy(withReaders(1, 2, large)), twoReaders(large, constantLoad(100))},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, newObservation(test.readers...), now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonAtMaximum {
				t.Errorf("got %v and %s, want AtMaximum", d.Proposals, d.Hold.Reason)
			}
		})
	}
}

func TestScaleDown_Shape(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 20 % of 8 are 1.6, which 4 vCPUs carry at 40 %.
		{"one reader fewer, which interrupts nobody", newPolicy(), twoReaders(xlarge, constantLoad(20)), shape(1, xlarge)},
		{"vertically the class", newPolicy(withPreference(scaling.Vertical)), twoReaders(xlarge, constantLoad(20)), shape(2, large)},
		{"the minimum keeps the number", newPolicy(withReaders(2, 4, large, xlarge)), twoReaders(xlarge, constantLoad(20)), shape(2, large)},
		{"readers of others are never removed", newPolicy(), []scaling.Instance{
			foreignReader("a", xlarge, constantLoad(20)), foreignReader("b", xlarge, constantLoad(20)),
		}, shape(2, large)},
		{"all the way at once", newPolicy(), []scaling.Instance{ownReader("a", xlarge4, constantLoad(1))}, shape(1, large)},
		{"as far as one operation may go", newPolicy(withMaxStepFactor(4)), []scaling.Instance{ownReader("a", xlarge4, constantLoad(1))}, shape(1, xlarge)},
		{"three readers at once", newPolicy(withReaders(1, 4, large)), []scaling.Instance{
			ownReader("a", large, constantLoad(1)), ownReader("b", large, constantLoad(1)), ownReader("c", large, constantLoad(1)), ownReader("d", large, constantLoad(1)),
		}, shape(1, large)},
		// 30 % of 4 are 1.2: one large would be at 60 %. 27 % are 1.08, which it carries at 54 %.
		{"the peak must fit", newPolicy(), twoReaders(large, withMinute(constantLoad(5), 9, 27)), shape(1, large)},
		{"from above the ladder to its top", newPolicy(withReaders(1, 4, large, xlarge)), twoReaders(xlarge4, constantLoad(5)),
			shape(2, large)}, // 1.6 vCPU on 4 are 40 %
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, newObservation(test.readers...), now))
			if got.Reason != scaling.ReasonScaleDown || got.Direction != scaling.Down || got.To != test.want {
				t.Errorf("got %s to %s (%s), want a step down to %s", got.Reason, got.To, got.Cause, test.want)
			}
		})
	}
}

func TestEvaluate_AtMinimum(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"the smallest there is":  {newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(5))}},
		"the peak would not fit": {newPolicy(), twoReaders(large, withMinute(constantLoad(5), 9, 30))}, // 1.2 of 2 vCPUs are 60 %
		"the readers are of others": {newPolicy(withReaders(1, 4, large)),
			[]scaling.Instance{foreignReader("a", large, constantLoad(5)), foreignReader("b", large, constantLoad(5))}},
		"the policy wants so many": {newPolicy(withReaders(2, 4, large)), twoReaders(large, constantLoad(5))},
		"smaller than any allowed": {newPolicy(withReaders(1, 4, xlarge)), []scaling.Instance{ownReader("a", large, constantLoad(5))}},
		"more of others than the maximum": {newPolicy(withReaders(1, 1, large)),
			[]scaling.Instance{foreignReader("a", large, constantLoad(5)), foreignReader("b", large, constantLoad(5))}},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, newObservation(test.readers...), now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonAtMinimum {
				t.Errorf("got %v and %s, want AtMinimum", d.Proposals, d.Hold.Reason)
			}
		})
	}
}

func TestEvaluate_BelowMinimum(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		{"one more of the same", newPolicy(withReaders(2, 4, large, xlarge)), []scaling.Instance{ownReader("a", xlarge, constantLoad(10))},
			shape(2, xlarge)},
		{"without any samples", newPolicy(withReaders(2, 4, large, xlarge)), []scaling.Instance{ownReader("a", large, nil)},
			shape(2, large)},
		{"the smallest where there is none", newPolicy(withReaders(2, 4, large, xlarge)), nil, shape(2, large)},
		{"whatever the preference", newPolicy(withReaders(3, 4, large, xlarge), withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", large, nil)}, shape(3, large)},
		{"a class that is not on the ladder", newPolicy(withReaders(2, 4, large, xlarge)),
			[]scaling.Instance{ownReader("a", "db.r5.large", nil)}, shape(2, large)},
		{"never with fewer vCPUs", newPolicy(withReaders(2, 4, large, xlarge)), []scaling.Instance{ownReader("a", xlarge4, nil)},
			shape(4, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, newObservation(test.readers...), now))
			if got.Reason != scaling.ReasonBelowMinimum || got.Direction != scaling.Up || got.To != test.want {
				t.Errorf("got %s to %s, want %s", got.Reason, got.To, test.want)
			}
		})
	}
	t.Run("rather too few than fewer vCPUs", func(t *testing.T) {
		d := Evaluate(newPolicy(withReaders(2, 3, large, xlarge)), newObservation(ownReader("a", xlarge4, constantLoad(50))), now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonWithinThresholds {
			t.Errorf("got %v and %s: 3 × %s have 12 vCPUs, and there are 16", d.Proposals, d.Hold.Reason, xlarge)
		}
	})
}

func TestEvaluate_UnknownInstanceClass(t *testing.T) {
	for name, test := range map[string]struct {
		policy      scaling.Policy
		observation scaling.Observation
		class       string
	}{
		"an instance's": {newPolicy(), newObservation(ownReader("a", "db.r6g.huge", constantLoad(99))), "db.r6g.huge"},
		"the policy's": {newPolicy(withReaders(1, 4, large, "db.z9.large")),
			newObservation(ownReader("a", large, constantLoad(99))), "db.z9.large"},
		"the policy's, below its minimum": {newPolicy(withReaders(2, 4, "db.z9.large")), newObservation(ownReader("a", large, constantLoad(99))),
			"db.z9.large"},
		"serverless": {newPolicy(), newObservation(ownReader("a", "db.serverless", constantLoad(99))), "db.serverless"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonUnknownClass || !strings.Contains(d.Hold.Message, test.class) {
				t.Errorf("got %v and %q, want a hold that names %s", d.Proposals, d.Hold.Message, test.class)
			}
		})
	}
	t.Run("does not keep the other pool from growing", func(t *testing.T) {
		d := Evaluate(newPolicy(withWriter(xlarge, xlarge2)), newObservation(writer(xlarge, constantLoad(90)), ownReader("a", "db.r6g.huge", constantLoad(99))), now)
		if got := onlyProposal(t, d); got.Pool != scaling.Writer {
			t.Errorf("got a proposal for the %s", got.Pool)
		}
	})
}

func TestEvaluate_LeftoverSurgeReaders(t *testing.T) {
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
		to          scaling.Shape
	}{
		// 40 % of 6 vCPUs are 2.4; the two that stay have 4 and would be at 60 %. 30 % are 1.8: 45 %.
		{"not while they are needed", newPolicy(), newObservation(ownReader("a", large, constantLoad(40)), ownReader("b", large, constantLoad(40)), surgeReader("s", large, constantLoad(40))),
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"once the others carry the load", newPolicy(withReaders(2, 2, large)),
			newObservation(foreignReader("a", large, constantLoad(30)), foreignReader("b", large, constantLoad(30)), surgeReader("s", large, constantLoad(30))),
			scaling.ReasonLeftoverSurgeReader, shape(2, large)},
		{"all of them at once", newPolicy(withReaders(1, 1, xlarge4)),
			newObservation(foreignReader("a", xlarge4, constantLoad(40)), surgeReader("s", large, constantLoad(40)), surgeReader("t", large, constantLoad(40))),
			scaling.ReasonLeftoverSurgeReader, shape(1, xlarge4)}, // 8 of 20 vCPUs: 16 carry them at 50 %
		// 36 % of 6 are 2.16, which 4 vCPUs would carry at 54 %.
		{"not below the minimum", newPolicy(withReaders(3, 4, large)),
			newObservation(ownReader("a", large, constantLoad(36)), ownReader("b", large, constantLoad(36)), surgeReader("s", large, constantLoad(36))), scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"not without samples", newPolicy(), newObservation(ownReader("a", large, nil), surgeReader("s", large, constantLoad(1))),
			scaling.ReasonMetricsUnavailable, scaling.Shape{}},
		{"not when one is saturated", newPolicy(), newObservation(ownReader("a", xlarge4, constantLoad(10)), surgeReader("s", large, withMinute(constantLoad(20), 1, 96))),
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"also where the policy leaves the readers alone", newPolicy(withoutReaders, withWriter(large, xlarge)),
			newObservation(writer(large, constantLoad(50)), foreignReader("a", xlarge, constantLoad(20)), surgeReader("s", large, constantLoad(20))),
			scaling.ReasonLeftoverSurgeReader, shape(1, xlarge)},
		{"never the last reader", newPolicy(withoutReaders, withWriter(large, xlarge)),
			newObservation(writer(large, constantLoad(50)), surgeReader("s", large, constantLoad(1))), scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"only the operator's own", newPolicy(withReaders(1, 4, large)), newObservation(withForeignSurgeTag(foreignReader("a", large, constantLoad(25))), foreignReader("b", large, constantLoad(25))),
			scaling.ReasonAtMinimum, scaling.Shape{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if reason(d) != test.want {
				t.Fatalf("got %s (%s), want %s", reason(d), d.Hold.Message, test.want)
			}
			if test.want != scaling.ReasonLeftoverSurgeReader {
				return
			}
			if got := d.Proposals[0]; got.Direction != scaling.Cleanup || got.Pool != scaling.Readers || got.To != test.to {
				t.Errorf("got %s of %s to %s, want a cleanup to %s", got.Direction, got.Pool, got.To, test.to)
			}
		})
	}
}

// withForeignSurgeTag carries the surge tag without the one that says who created it.
func withForeignSurgeTag(i scaling.Instance) scaling.Instance {
	i.Tags = map[string]string{scaling.TagSurge: "0a1b2c3d"}
	return i
}

func TestEvaluate_ProposalOrder(t *testing.T) {
	p := newPolicy(withWriter(large, xlarge, xlarge2))
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        []string
	}{
		{"both too small: readers first, since one of them is to take over",
			newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge, constantLoad(90))), []string{"Readers Up"}},
		{"both too small, and the reader is large enough to succeed: readers first",
			newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge, constantLoad(90))), []string{"Readers Up", "Writer Up"}},
		{"both too large: the writer first, since the readers must not be smaller",
			newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge, constantLoad(5))), []string{"Writer Down"}},
		{"both too large, and the readers are larger than the writer",
			newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge2, constantLoad(5))), []string{"Writer Down", "Readers Down"}},
		{"growing before shrinking", newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge2, constantLoad(5)), ownReader("b", xlarge2, constantLoad(5))),
			[]string{"Writer Up"}}, // the readers would become smaller than the writer will be
		{"the readers grow first so that one can succeed the writer", newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge, constantLoad(5))),
			[]string{"Readers Up"}},
		{"growing before cleaning up", newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge, constantLoad(50)), surgeReader("s", large, constantLoad(8))), // 36 % together
			[]string{"Writer Up", "Readers Cleanup"}},
		{"cleaning up before shrinking", newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge, constantLoad(5)), surgeReader("s", xlarge, constantLoad(5))),
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

func TestEvaluate_MostSevereHold(t *testing.T) {
	both := newPolicy(withWriter(large), withReaders(1, 1, large))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"at the maximum before within the band", both, newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(90))),
			scaling.ReasonAtMaximum},
		{"missing samples before the maximum", both, newObservation(writer(large, nil), ownReader("a", large, constantLoad(90))),
			scaling.ReasonMetricsUnavailable},
		{"within the band before the minimum", both, newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(5))),
			scaling.ReasonWithinThresholds},
		{"an unknown class before missing samples", both, newObservation(writer(large, nil), ownReader("a", "db.z9.large", nil)),
			scaling.ReasonUnknownClass},
		{"no pool at all", newPolicy(withoutReaders), newObservation(writer(large, constantLoad(99))), scaling.ReasonWithinThresholds},
		{"no instance at all", newPolicy(withoutReaders, withWriter(large)), newObservation(), scaling.ReasonMetricsUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != test.want || d.Hold.Message == "" {
				t.Errorf("got %v and %s (%q), want %s", d.Proposals, d.Hold.Reason, d.Hold.Message, test.want)
			}
			if d.RequeueAfter != RequeueInterval {
				t.Errorf("it wants to be asked again after %s", d.RequeueAfter)
			}
		})
	}
}

// SQL Server on db.m7i.2xlarge has 4 vCPUs, not 8, and on db.m7i.xlarge 4 as well: the next size that helps is 4xlarge.
func TestEvaluate_VCPUsDependOnEngine(t *testing.T) {
	o := newObservation(writer("db.m7i.xlarge", constantLoad(75)))
	o.Engine = "sqlserver-se"
	p := newPolicy(withoutReaders, withWriter("db.m7i.xlarge", "db.m7i.2xlarge", "db.m7i.4xlarge"))
	got := onlyProposal(t, Evaluate(p, o, now))
	if got.To != shape(1, "db.m7i.4xlarge") || got.Demand != 3 {
		t.Errorf("got %s for %.1f vCPU, want db.m7i.4xlarge for 3", got.To, got.Demand)
	}
}

// What status shows must not change from minute to minute while the decision does not.
func TestEvaluate_MessagesAreStable(t *testing.T) {
	for _, percent := range []float64{10, 50, 80} {
		first := Evaluate(newPolicy(), newObservation(twoReaders(xlarge, constantLoad(percent))...), now)
		second := Evaluate(newPolicy(), newObservation(twoReaders(xlarge, constantLoad(percent+1))...), now)
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
