package decide

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Two xlarge readers have 8 vCPU.
func TestEvaluate_Thresholds(t *testing.T) {
	two := func(a, b scaling.Series) scaling.Observation {
		return newObservation(ownReader("a", xlarge, a), ownReader("b", xlarge, b))
	}
	same := func(cpu scaling.Series) scaling.Observation { return two(cpu, cpu) }
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"just below the scale-up threshold", same(constantLoad(69.9)), scaling.ReasonWithinThresholds},
		{"on the scale-up threshold", same(constantLoad(70)), scaling.ReasonScaleUp},
		{"above the scale-up threshold", same(constantLoad(70.1)), scaling.ReasonScaleUp},
		{"window mean of 60, 70, 80 is on the threshold", same(recentSamples(60, 70, 80)), scaling.ReasonScaleUp},
		{"window mean of 60, 70, 79 is below the threshold", same(recentSamples(60, 70, 79)), scaling.ReasonWithinThresholds},
		{"pool mean of 60 and 80 is on the threshold", two(constantLoad(60), constantLoad(80)), scaling.ReasonScaleUp},
		{"one reader at 89 %, the other idle", two(constantLoad(89), constantLoad(20)), scaling.ReasonWithinThresholds},
		{"one hot reader at 90 %, the other idle", two(constantLoad(90), constantLoad(20)), scaling.ReasonScaleUp},
		{"minutes before the window do not count", same(recentSamples(99, 99, 99, 50, 50, 50)), scaling.ReasonWithinThresholds},
		{"the newest minute is not final and does not count", same(samplesUntil(newestMinute.Add(time.Minute), 50, 50, 50, 100)),
			scaling.ReasonWithinThresholds},
		{"the newest minute counts a minute later", same(samplesUntil(newestMinute, 50, 50, 100, 100)), scaling.ReasonScaleUp}, // mean 83 %

		{"on the scale-down threshold", same(constantLoad(35)), scaling.ReasonWithinThresholds},
		{"just below the scale-down threshold", same(constantLoad(27)), scaling.ReasonScaleDown}, // 2.16 vCPU are 54 % of 4
		{"one minute of ten on the scale-down threshold", same(withMinute(constantLoad(20), 9, 35)), scaling.ReasonWithinThresholds},
		{"minutes before the scale-down window do not count", same(withMinute(constantLoad(20), 10, 90)), scaling.ReasonScaleDown},
		// mean 50 %
		{"one reader saturated for one minute", two(withMinute(constantLoad(5), 4, 95), constantLoad(5)), scaling.ReasonWithinThresholds},
		{"a saturated minute prevents a scale-down", newObservation(
			ownReader("a", large, withMinute(constantLoad(5), 4, 95)), ownReader("b", xlarge4, constantLoad(5)), // 1.9 + 0.8 of 18 vCPU are 15 %
		), scaling.ReasonWithinThresholds},
		{"below the threshold, and three large carry the load", same(constantLoad(34.9)), scaling.ReasonScaleDown}, // 2.79 vCPU are 47 % of 3 × 2
		{"below the threshold, and nothing smaller carries the load",
			newObservation(ownReader("a", large, constantLoad(34.9)), ownReader("b", large, constantLoad(34.9))),
			scaling.ReasonAtMinimum}, // 1.4 vCPU are 70 % of 2

		{"the newest minute is not published yet: scale-down", same(withoutMinute(constantLoad(20), 0)), scaling.ReasonScaleDown},
		{"the newest minutes are overdue: no scale-down", same(withoutMinute(withoutMinute(withoutMinute(constantLoad(20), 0), 0), 0)),
			scaling.ReasonWithinThresholds},
		{"a minute of the scale-down window is missing", same(withoutMinute(constantLoad(20), 5)), scaling.ReasonWithinThresholds},
		{"the oldest minute of the scale-down window is missing", same(withoutMinute(constantLoad(20), 9)), scaling.ReasonWithinThresholds},
		{"the minute before the scale-down window is missing", same(withoutMinute(constantLoad(20), 10)), scaling.ReasonScaleDown},
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

// A load exactly on a threshold counts as on it, whatever the rounding of floating-point sums.
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

func TestScaleUp_ProposesPreferredShapeThatFits(t *testing.T) {
	target80 := func(p *scaling.Policy) { p.CPU = scaling.CPU{Target: 80, ScaleUp: 85, ScaleDown: 35} }
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 80 % of 2 vCPU are 1.6, which need 2.9 at 55 %: 4 vCPU. Adding a reader interrupts nothing.
		{"Cheapest adds a reader", newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(80))}, shape(2, large)},
		{"Vertical takes the next class", newPolicy(withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", large, constantLoad(80))}, shape(1, xlarge)},
		{"Horizontal adds a reader", newPolicy(withPreference(scaling.Horizontal)), []scaling.Instance{ownReader("a", large, constantLoad(80))},
			shape(2, large)},

		// 90 % of 8 are 7.2, which need 13.1: 16 vCPU.
		{"Cheapest adds two readers", newPolicy(), twoReaders(xlarge, constantLoad(90)), shape(4, xlarge)},
		{"Vertical takes the next class for both readers", newPolicy(withPreference(scaling.Vertical)),
			twoReaders(xlarge, constantLoad(90)), shape(2, xlarge2)},

		// 80 % of 8 are 6.4, which need 11.7. Three xlarge have 12 vCPU, but the reader would have to be resized: 12 × 1.5 is more than
		// the 16 of one more.
		{"Cheapest does not resize where adding costs little more", newPolicy(), []scaling.Instance{ownReader("a", xlarge2, constantLoad(80))},
			shape(2, xlarge2)},
		{"Vertical changes the class of one reader", newPolicy(withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", xlarge2, constantLoad(80))}, shape(1, xlarge4)},
		{"Horizontal keeps the class", newPolicy(withPreference(scaling.Horizontal)),
			[]scaling.Instance{ownReader("a", xlarge2, constantLoad(80))}, shape(2, xlarge2)},

		// 90 % of 4 xlarge are 14.4, which need 26.2: no count of xlarge has them.
		{"Horizontal changes the class when no count fits", newPolicy(withPreference(scaling.Horizontal)), []scaling.Instance{
			ownReader("a", xlarge, constantLoad(90)), ownReader("b", xlarge, constantLoad(90)), ownReader("c", xlarge, constantLoad(90)), ownReader("d", xlarge, constantLoad(90)),
		}, shape(4, xlarge2)},
		// 90 % of one xlarge are 3.6, which need 6.5: no class has them alone.
		{"Vertical adds a reader when no class fits", newPolicy(withPreference(scaling.Vertical), withReaders(1, 4, large, xlarge)),
			[]scaling.Instance{ownReader("a", xlarge, constantLoad(90))}, shape(2, xlarge)},

		// The mean of 60, 70 and 80 is on the threshold; the peak must be carried: 80 % of 8 need 11.7.
		{"sized for the peak of the window", newPolicy(), []scaling.Instance{ownReader("a", xlarge2, recentSamples(60, 70, 80))},
			shape(2, xlarge2)},
		// 3.6 vCPU need 6.5
		{"current class is not on the ladder", newPolicy(), twoReaders("db.r5.large", constantLoad(90)), shape(2, xlarge)},
		{"mixed classes", newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(80)), ownReader("b", xlarge, constantLoad(80))},
			shape(3, xlarge)},

		// 94 % of 4 are 3.76, which need 4.7 at 80 %: 6 vCPU, or 8 without a resize. Saturated: 80 % of twice the capacity, 6.4.
		{"94 % is not saturated", newPolicy(target80), []scaling.Instance{ownReader("a", xlarge, constantLoad(94))}, shape(2, xlarge)},
		{"95 % is saturated", newPolicy(target80), []scaling.Instance{ownReader("a", xlarge, constantLoad(95))}, shape(2, xlarge)},
		{"saturated: the capacity is doubled", newPolicy(withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", large, constantLoad(100))}, shape(1, xlarge)},

		// 3.76 need 6.8
		{"the largest shape when none fits", newPolicy(withReaders(1, 3, large)), twoReaders(large, constantLoad(94)), shape(3, large)},
		{"up to 62.5 %, adding is accepted instead of resizing", newPolicy(withReaders(1, 4, large, xlarge)), []scaling.Instance{
			foreignReader("a", large, constantLoad(80)), foreignReader("b", large, constantLoad(80)), foreignReader("c", large, constantLoad(80)),
		}, shape(4, large)}, // 4.8 need 8.7; 8 carry them at 60 %, and (55 + 70) / 2 = 62.5
		{"above 62.5 %, readers are resized", newPolicy(withReaders(1, 4, large, xlarge)), []scaling.Instance{
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

func twoReaders(class string, cpu scaling.Series) []scaling.Instance {
	return []scaling.Instance{ownReader("a", class, cpu), ownReader("b", class, cpu)}
}

func TestEvaluate_AtMaximumHolds(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"at the limits":          {newPolicy(withReaders(1, 2, large)), twoReaders(large, constantLoad(90))},
		"larger than the limits": {newPolicy(withReaders(1, 2, large, xlarge)), twoReaders(xlarge4, constantLoad(90))},
		"more readers than the limits, of others": {newPolicy(withReaders(1, 1, large)),
			[]scaling.Instance{foreignReader("a", large, constantLoad(90)), foreignReader("b", large, constantLoad(90))}},
		"saturated at the limits": {newPolicy(withReaders(1, 2, large)), twoReaders(large, constantLoad(100))},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, newObservation(test.readers...), now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonAtMaximum {
				t.Errorf("got %v and %s, want AtMaximum", d.Proposals, d.Hold.Reason)
			}
		})
	}
}

func TestScaleDown_ProposesCheapestShapeThatFits(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  scaling.Policy
		readers []scaling.Instance
		want    scaling.Shape
	}{
		// 20 % of 8 are 1.6, which 4 vCPU carry at 40 %.
		{"Cheapest removes a reader, which interrupts nothing", newPolicy(), twoReaders(xlarge, constantLoad(20)), shape(1, xlarge)},
		{"Vertical takes a smaller class", newPolicy(withPreference(scaling.Vertical)), twoReaders(xlarge, constantLoad(20)), shape(2, large)},
		{"readers.minReplicas keeps the count", newPolicy(withReaders(2, 4, large, xlarge)), twoReaders(xlarge, constantLoad(20)), shape(2, large)},
		{"readers not created by the operator are never removed", newPolicy(), []scaling.Instance{
			foreignReader("a", xlarge, constantLoad(20)), foreignReader("b", xlarge, constantLoad(20)),
		}, shape(2, large)},
		{"to the smallest fitting class in one step", newPolicy(), []scaling.Instance{ownReader("a", xlarge4, constantLoad(1))}, shape(1, large)},
		{"as far as maxStepFactor allows", newPolicy(withMaxStepFactor(4)), []scaling.Instance{ownReader("a", xlarge4, constantLoad(1))},
			shape(1, xlarge)},
		{"three readers removed in one step", newPolicy(withReaders(1, 4, large)), []scaling.Instance{
			ownReader("a", large, constantLoad(1)), ownReader("b", large, constantLoad(1)), ownReader("c", large, constantLoad(1)), ownReader("d", large, constantLoad(1)),
		}, shape(1, large)},
		// 27 % of 4 are 1.08, which one large carries at 54 %.
		{"the peak of the window fits", newPolicy(), twoReaders(large, withMinute(constantLoad(5), 9, 27)), shape(1, large)},
		{"from above the ladder to the ladder", newPolicy(withReaders(1, 4, large, xlarge)), twoReaders(xlarge4, constantLoad(5)),
			shape(2, large)}, // 1.6 vCPU are 40 % of 4
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, newObservation(test.readers...), now))
			if got.Reason != scaling.ReasonScaleDown || got.Direction != scaling.Down || got.To != test.want {
				t.Errorf("got %s to %s (%s), want a step down to %s", got.Reason, got.To, got.Cause, test.want)
			}
		})
	}
}

func TestEvaluate_AtMinimumHolds(t *testing.T) {
	for name, test := range map[string]struct {
		policy  scaling.Policy
		readers []scaling.Instance
	}{
		"the smallest shape":                     {newPolicy(), []scaling.Instance{ownReader("a", large, constantLoad(5))}},
		"the peak does not fit anything smaller": {newPolicy(), twoReaders(large, withMinute(constantLoad(5), 9, 30))}, // 1.2 of 2 vCPU are 60 %
		"readers were not created by the operator": {newPolicy(withReaders(1, 4, large)),
			[]scaling.Instance{foreignReader("a", large, constantLoad(5)), foreignReader("b", large, constantLoad(5))}},
		"readers.minReplicas is reached": {newPolicy(withReaders(2, 4, large)), twoReaders(large, constantLoad(5))},
		"smaller than the limits":        {newPolicy(withReaders(1, 4, xlarge)), []scaling.Instance{ownReader("a", large, constantLoad(5))}},
		"more readers of others than readers.maxReplicas": {newPolicy(withReaders(1, 1, large)),
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
		{"one reader more of the same class", newPolicy(withReaders(2, 4, large, xlarge)),
			[]scaling.Instance{ownReader("a", xlarge, constantLoad(10))},
			shape(2, xlarge)},
		{"without samples", newPolicy(withReaders(2, 4, large, xlarge)), []scaling.Instance{ownReader("a", large, scaling.Series{})},
			shape(2, large)},
		{"the smallest class when there are no readers", newPolicy(withReaders(2, 4, large, xlarge)), nil, shape(2, large)},
		{"Vertical adds readers too", newPolicy(withReaders(3, 4, large, xlarge), withPreference(scaling.Vertical)),
			[]scaling.Instance{ownReader("a", large, scaling.Series{})}, shape(3, large)},
		{"current class is not on the ladder", newPolicy(withReaders(2, 4, large, xlarge)),
			[]scaling.Instance{ownReader("a", "db.r5.large", scaling.Series{})}, shape(2, large)},
		{"never fewer vCPU than now", newPolicy(withReaders(2, 4, large, xlarge)), []scaling.Instance{ownReader("a", xlarge4, scaling.Series{})},
			shape(4, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyProposal(t, Evaluate(test.policy, newObservation(test.readers...), now))
			if got.Reason != scaling.ReasonBelowMinimum || got.Direction != scaling.Up || got.To != test.want {
				t.Errorf("got %s to %s, want %s", got.Reason, got.To, test.want)
			}
		})
	}
	t.Run("no proposal when every shape has fewer vCPU", func(t *testing.T) {
		d := Evaluate(newPolicy(withReaders(2, 3, large, xlarge)), newObservation(ownReader("a", xlarge4, constantLoad(50))), now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonWithinThresholds {
			t.Errorf("got %v and %s: 3 × %s have 12 vCPU, and there are 16", d.Proposals, d.Hold.Reason, xlarge)
		}
	})
}

func TestEvaluate_UnknownInstanceClass(t *testing.T) {
	for name, test := range map[string]struct {
		policy      scaling.Policy
		observation scaling.Observation
		class       string
	}{
		"class of an instance": {newPolicy(), newObservation(ownReader("a", "db.r6g.huge", constantLoad(99))), "db.r6g.huge"},
		"class of the policy": {newPolicy(withReaders(1, 4, large, "db.z9.large")),
			newObservation(ownReader("a", large, constantLoad(99))), "db.z9.large"},
		"class of the policy, pool below its minimum": {newPolicy(withReaders(2, 4, "db.z9.large")),
			newObservation(ownReader("a", large, constantLoad(99))),
			"db.z9.large"},
		"serverless class": {newPolicy(), newObservation(ownReader("a", "db.serverless", constantLoad(99))), "db.serverless"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonUnknownClass || !strings.Contains(d.Hold.Message, test.class) {
				t.Errorf("got %v and %q, want a hold that names %s", d.Proposals, d.Hold.Message, test.class)
			}
		})
	}
	t.Run("the other pool still scales up", func(t *testing.T) {
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
		// 40 % of 6 vCPU are 2.4: 60 % of the 4 that remain. 30 % are 1.8: 45 %.
		{"kept while needed for the load", newPolicy(),
			newObservation(ownReader("a", large, constantLoad(40)), ownReader("b", large, constantLoad(40)),
				surgeReader("s", large, constantLoad(40))),
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"removed once the others carry the load", newPolicy(withReaders(2, 2, large)),
			newObservation(foreignReader("a", large, constantLoad(30)), foreignReader("b", large, constantLoad(30)),
				surgeReader("s", large, constantLoad(30))),
			scaling.ReasonLeftoverSurgeReader, shape(2, large)},
		{"several removed at once", newPolicy(withReaders(1, 1, xlarge4)),
			newObservation(foreignReader("a", xlarge4, constantLoad(40)), surgeReader("s", large, constantLoad(40)),
				surgeReader("t", large, constantLoad(40))),
			scaling.ReasonLeftoverSurgeReader, shape(1, xlarge4)}, // 8 of 20 vCPU are 50 % of 16
		// 36 % of 6 are 2.16, which 4 vCPU would carry at 54 %.
		{"kept when readers.minReplicas requires it", newPolicy(withReaders(3, 4, large)),
			newObservation(ownReader("a", large, constantLoad(36)), ownReader("b", large, constantLoad(36)),
				surgeReader("s", large, constantLoad(36))), scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"kept without samples", newPolicy(), newObservation(ownReader("a", large, scaling.Series{}), surgeReader("s", large, constantLoad(1))),
			scaling.ReasonMetricsUnavailable, scaling.Shape{}},
		{"kept when a reader is saturated", newPolicy(),
			newObservation(ownReader("a", xlarge4, constantLoad(10)), surgeReader("s", large, withMinute(constantLoad(20), 1, 96))),
			scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"removed although the policy does not scale readers", newPolicy(withoutReaders, withWriter(large, xlarge)),
			newObservation(writer(large, constantLoad(50)), foreignReader("a", xlarge, constantLoad(20)), surgeReader("s", large, constantLoad(20))),
			scaling.ReasonLeftoverSurgeReader, shape(1, xlarge)},
		{"the last reader is never removed", newPolicy(withoutReaders, withWriter(large, xlarge)),
			newObservation(writer(large, constantLoad(50)), surgeReader("s", large, constantLoad(1))), scaling.ReasonWithinThresholds,
			scaling.Shape{}},
		{"only readers created by the operator are removed", newPolicy(withReaders(1, 4, large)),
			newObservation(withForeignSurgeTag(foreignReader("a", large, constantLoad(25))), foreignReader("b", large, constantLoad(25))),
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

// withForeignSurgeTag sets the surge tag without the tag that says who created the instance.
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
		{"both too small, no promotion candidate: readers first",
			newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge, constantLoad(90))), []string{"Readers Up"}},
		{"both too small, the reader can be promoted: readers first",
			newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge, constantLoad(90))), []string{"Readers Up", "Writer Up"}},
		{"both too large, same size: the writer only",
			newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge, constantLoad(5))), []string{"Writer Down"}},
		{"both too large, larger readers: the writer first",
			newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge2, constantLoad(5))), []string{"Writer Down", "Readers Down"}},
		{"writer too small, readers too large: no scale-down of the promotion candidate",
			newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge2, constantLoad(5)), ownReader("b", xlarge2, constantLoad(5))),
			[]string{"Writer Up"}}, // the readers would become smaller than the new writer
		{"writer too small, no promotion candidate: readers first",
			newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge, constantLoad(5))),
			[]string{"Readers Up"}},
		{"scale-up before cleanup", newObservation(writer(large, constantLoad(90)), ownReader("a", xlarge, constantLoad(50)),
			surgeReader("s", large, constantLoad(8))), // 36 % together
			[]string{"Writer Up", "Readers Cleanup"}},
		{"cleanup before scale-down", newObservation(writer(xlarge, constantLoad(5)), ownReader("a", xlarge, constantLoad(5)),
			surgeReader("s", xlarge, constantLoad(5))),
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
				t.Errorf("there are proposals, and the hold is %v", d.Hold)
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
		{"AtMaximum before WithinThresholds", both, newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(90))),
			scaling.ReasonAtMaximum},
		{"MetricsUnavailable before AtMaximum", both, newObservation(writer(large, scaling.Series{}), ownReader("a", large, constantLoad(90))),
			scaling.ReasonMetricsUnavailable},
		{"WithinThresholds before AtMinimum", both, newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(5))),
			scaling.ReasonWithinThresholds},
		{"UnknownInstanceClass before MetricsUnavailable", both, newObservation(writer(large, scaling.Series{}), ownReader("a", "db.z9.large", scaling.Series{})),
			scaling.ReasonUnknownClass},
		{"the policy scales no pool", newPolicy(withoutReaders), newObservation(writer(large, constantLoad(99))), scaling.ReasonWithinThresholds},
		{"the database has no instances", newPolicy(withoutReaders, withWriter(large)), newObservation(), scaling.ReasonMetricsUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if len(d.Proposals) > 0 || d.Hold.Reason != test.want || d.Hold.Message == "" {
				t.Errorf("got %v and %s (%q), want %s", d.Proposals, d.Hold.Reason, d.Hold.Message, test.want)
			}
			if d.RequeueAfter != RequeueInterval {
				t.Errorf("RequeueAfter is %s", d.RequeueAfter)
			}
		})
	}
}

// SQL Server on db.m7i.2xlarge has 4 vCPU, not 8, and on db.m7i.xlarge 4 as well: the next size that helps is 4xlarge.
func TestEvaluate_VCPUsDependOnEngine(t *testing.T) {
	o := newObservation(writer("db.m7i.xlarge", constantLoad(75)))
	o.Engine = "sqlserver-se"
	p := newPolicy(withoutReaders, withWriter("db.m7i.xlarge", "db.m7i.2xlarge", "db.m7i.4xlarge"))
	got := onlyProposal(t, Evaluate(p, o, now))
	if got.To != shape(1, "db.m7i.4xlarge") || got.Demand != 3 {
		t.Errorf("got %s for %.1f vCPU, want db.m7i.4xlarge for 3", got.To, got.Demand)
	}
}

// Messages are shown in status, and must not change from minute to minute while the decision does not.
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
