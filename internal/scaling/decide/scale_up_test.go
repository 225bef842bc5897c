package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// readerWithDBLoad is a reader with DBLoadCPU beside its CPU.
func readerWithDBLoad(name, class string, cpu, load []scaling.Sample) scaling.Instance {
	i := ownReader(name, class, cpu)
	i.DBLoadCPU = load
	return i
}

// One large reader (2 vCPUs) at 100 % whose sessions show what it would use.
func TestScaleUp_DBLoadShowsDemandAboveSaturation(t *testing.T) {
	vertical := func(edits ...func(*scaling.Policy)) scaling.Policy {
		return newPolicy(append([]func(*scaling.Policy){withPreference(scaling.Vertical)}, edits...)...)
	}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		reader scaling.Instance
		want   scaling.Shape
		hidden bool
	}{
		{"without it the pool doubles", vertical(), ownReader("a", large, constantLoad(100)), shape(1, xlarge), true},
		// 4 sessions want a CPU: at 55 % that takes 7.3 vCPUs.
		{"four sessions", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(4)), shape(1, xlarge2), false},
		{"eight sessions: 14.5 vCPUs at once", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(8)), shape(1, xlarge4), false},
		{"eight sessions, and no further than fourfold", vertical(withMaxStepFactor(4)), readerWithDBLoad("a", large, constantLoad(100), constantLoad(8)), shape(1, xlarge2), false},
		{"fewer sessions than vCPUs: the CPU counts", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(1)), shape(1, xlarge), false},
		{"one minute without it is hidden", vertical(), readerWithDBLoad("a", large, constantLoad(100), withoutMinute(constantLoad(2), 1)), shape(1, xlarge), true},
		{"below saturation it does not count: connections wait for other things",
			vertical(), readerWithDBLoad("a", large, constantLoad(80), constantLoad(9)), shape(1, xlarge), false},
		{"nonsense is missing", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(-3)), shape(1, xlarge), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, newObservation(test.reader), now)
			if got := onlyProposal(t, d); got.To != test.want || d.Pools[0].Load.Censored != test.hidden {
				t.Errorf("got %s (%s), hidden %t; want %s, %t", got.To, got.Cause, d.Pools[0].Load.Censored, test.want, test.hidden)
			}
		})
	}
}

func TestAssessLoad_Emergency(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  []scaling.Sample
		load []scaling.Sample
		want bool
	}{
		{"saturated for three minutes, nobody knows how far", constantLoad(100), nil, true},
		{"saturated for two", withMinute(constantLoad(100), 2, 94), nil, false},
		{"a quarter above the capacity", constantLoad(100), constantLoad(2.5), true},
		{"hardly above the capacity", constantLoad(100), constantLoad(2.4), false},
		{"busy", constantLoad(94), constantLoad(9), false},
	} {
		d := Evaluate(newPolicy(), newObservation(readerWithDBLoad("a", large, test.cpu, test.load)), now)
		if d.Pools[0].Load.Emergency != test.want || onlyProposal(t, d).Emergency != test.want {
			t.Errorf("%s: emergency is %t", test.name, d.Pools[0].Load.Emergency)
		}
	}
	t.Run("does not wait for a long window", func(t *testing.T) {
		cpu := recentSamples(append(repeated(40, 57), 100, 100, 100)...)
		got := onlyProposal(t, Evaluate(newPolicy(withScaleUpWindow(time.Hour)), newObservation(ownReader("a", large, cpu)), now))
		if got.Reason != scaling.ReasonScaleUp || !strings.Contains(got.Message, "are saturated") {
			t.Errorf("got %s: %s", got.Reason, got.Message)
		}
	})
}

// Clients keep their connections, so that load may stick to one reader. It is taken to stay as uneven as it is.
func TestScaleUp_OneHotReader(t *testing.T) {
	hot := func(class string) scaling.Observation {
		return newObservation(ownReader("a", class, constantLoad(92)), ownReader("b", class, constantLoad(10)), ownReader("c", class, constantLoad(10)))
	}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		class  string
		want   scaling.Shape
	}{
		// One of three has 1.84 of 2.24 vCPU. Of four large it would still have 3 × 1.84 / 8 = 69 %, which is below 70.
		{"a reader more", newPolicy(withReaders(1, 4, large, xlarge)), large, shape(4, large)},
		// With three large it stays at 92 %; two xlarge have 8 vCPUs as well.
		{"a larger class where there may be no more", newPolicy(withReaders(1, 3, large, xlarge)), large, shape(2, xlarge)},
		{"as many as there may be where neither is enough", newPolicy(withReaders(1, 4, large), func(p *scaling.Policy) { p.CPU.ScaleUp = 60 }), large,
			shape(4, large)},
	} {
		got := onlyProposal(t, Evaluate(test.policy, hot(test.class), now))
		if got.To != test.want || !strings.Contains(got.Message, "One of the readers has averaged 90% CPU or more") {
			t.Errorf("%s: got %s (%s), want %s", test.name, got.To, got.Message, test.want)
		}
	}
}

func withOneReaderLost(p *scaling.Policy) { p.Readers.Redundancy = scaling.OneReaderLost }

// With one reader lost the others still have to carry the load at the target.
func TestEvaluate_OneReaderLost(t *testing.T) {
	for _, test := range []struct {
		name    string
		readers []scaling.Instance
		want    scaling.Reason
		to      scaling.Shape
	}{
		// 40 % of 4 vCPUs are 1.6, and 80 % of the 2 that would be left: at 55 % that takes 2.9, and one reader more.
		{"two at 40 % are too few", twoReaders(large, constantLoad(40)), scaling.ReasonScaleUp, shape(3, large)},
		{"two at 34 % are enough", twoReaders(large, constantLoad(34)), scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"one alone is none", []scaling.Instance{ownReader("a", large, constantLoad(5))}, scaling.ReasonScaleUp, shape(2, large)},
		{"two are never made one", twoReaders(large, constantLoad(2)), scaling.ReasonAtMinimum, scaling.Shape{}},
		// 10 % of 16 are 1.6: of the smaller shapes three large leave 4 vCPUs, which carry it at 40 %.
		{"down", twoReaders(xlarge2, constantLoad(10)), scaling.ReasonScaleDown, shape(3, large)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(newPolicy(withOneReaderLost), newObservation(test.readers...), now)
			if reason(d) != test.want || test.to.Count > 0 && d.Proposals[0].To != test.to {
				t.Errorf("got %s %v (%s), want %s to %s", reason(d), d.Proposals, d.Hold.Message, test.want, test.to)
			}
		})
	}
}

// The writer grows to at most the size of the largest reader at the best promotion tier.
func TestEvaluate_PromotionCandidate(t *testing.T) {
	tier := func(i scaling.Instance, tier int) scaling.Instance {
		i.PromotionTier = tier
		return i
	}
	p := newPolicy(withWriter(large, xlarge, xlarge2, xlarge4), withPreference(scaling.Vertical))
	busy := writer(xlarge, constantLoad(90)) // 3.6 vCPU want 6.5: a 2xlarge
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        []string
	}{
		{"a reader is as large as the writer would be", p, newObservation(busy, ownReader("a", xlarge2, constantLoad(40))), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"none is: the readers first, as large as the writer needs", p, newObservation(busy, ownReader("a", xlarge, constantLoad(40))),
			[]string{"Readers 1 × db.r6g.2xlarge"}},
		{"the one that is is not the first in line", p, newObservation(busy, tier(ownReader("a", xlarge2, constantLoad(40)), 15), tier(ownReader("b", xlarge, constantLoad(40)), 1)),
			[]string{"Readers 2 × db.r6g.2xlarge"}},
		{"the largest of those that are the first in line counts", p,
			newObservation(busy, tier(ownReader("a", xlarge2, constantLoad(40)), 1), tier(ownReader("b", xlarge, constantLoad(40)), 1)), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"none is, and the writer waits for its window: the readers wait, too", func() scaling.Policy {
			p := newPolicy(withWriter(large, xlarge, xlarge2), withPreference(scaling.Vertical))
			p.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
			return p
		}(), newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"the readers do not become smaller than the writer will be", p, newObservation(busy, ownReader("a", xlarge2, constantLoad(5))),
			[]string{"Writer 1 × db.r6g.2xlarge"}},
		{"nor while it lacks a successor", newPolicy(withWriter(xlarge, xlarge4), withReaders(1, 4, large, xlarge, xlarge2)),
			newObservation(writer(xlarge, constantLoad(90)), ownReader("a", xlarge2, constantLoad(5))), nil},
		{"not by fewer and larger readers", newPolicy(withWriter(large, xlarge, xlarge2), withReaders(1, 4, large, xlarge2)),
			newObservation(busy, ownReader("a", large, constantLoad(40)), ownReader("b", large, constantLoad(40)), ownReader("c", large, constantLoad(40)), ownReader("d", large, constantLoad(40))),
			[]string{"Readers 4 × db.r6g.2xlarge"}},
		{"read replicas never succeed their source", newPolicy(withWriter(large, xlarge, xlarge2), withReaders(1, 4, large, xlarge2)), func() scaling.Observation {
			o := newObservation(busy, ownReader("a", large, constantLoad(40)))
			o.Kind = scaling.DBInstance
			return o
		}(), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"a person's wish for the readers stands", func() scaling.Policy {
			return newPolicy(withWriter(large, xlarge, xlarge2), withOverride(&scaling.Shape{InstanceClass: xlarge, Count: 1}, nil, time.Hour))
		}(), newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"without readers nobody succeeds it", p, newObservation(busy), []string{"Readers 1 × db.r6g.large", "Writer 1 × db.r6g.2xlarge"}},
		{"readers that the policy leaves alone: a promotion leaves a successor", newPolicy(withoutReaders, withWriter(xlarge, xlarge2)),
			newObservation(busy, foreignReader("a", xlarge, constantLoad(40))), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"the readers may not be that large", newPolicy(withWriter(xlarge, xlarge2), withReaders(1, 4, large, xlarge)),
			newObservation(busy, ownReader("a", xlarge, constantLoad(40))), nil},
		{"readers never become smaller than the writer", p, newObservation(writer(xlarge2, constantLoad(50)), ownReader("a", xlarge2, constantLoad(5))), nil},
		{"unless they are that already", p, newObservation(writer(xlarge4, constantLoad(50)), ownReader("a", xlarge2, constantLoad(5))), []string{"Readers 1 × db.r6g.large"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			var got []string
			for _, proposal := range d.Proposals {
				got = append(got, string(proposal.Pool)+" "+proposal.To.String())
			}
			if strings.Join(got, ", ") != strings.Join(test.want, ", ") {
				t.Errorf("got %v (%s), want %v", got, d.Hold.Message, test.want)
			}
		})
	}
}

// withScaleUpBefore adds an operation that grew the readers and was started so long ago.
func withScaleUpBefore(o scaling.Observation, ago time.Duration) scaling.Observation {
	o.History = scaling.History{{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, StartedAt: now.Add(-ago), CompletedAt: now}}
	return o
}

func TestEvaluate_AfterEngineUpgrade(t *testing.T) {
	watch := func(p *scaling.Policy) {
		p.AfterEngineUpgrade = scaling.UpgradeWatch{Duration: 24 * time.Hour, ScaleUp: 60}
	}
	upgraded := func(ago time.Duration, readers ...scaling.Instance) scaling.Observation {
		o := newObservation(readers...)
		o.UpgradedAt = now.Add(-ago)
		return o
	}
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"60 % are too much", upgraded(time.Hour, twoReaders(large, constantLoad(60))...), scaling.ReasonScaleUp},
		{"a day later they are not", upgraded(24*time.Hour, twoReaders(large, constantLoad(60))...), scaling.ReasonWithinThresholds},
		{"nor without an upgrade", newObservation(twoReaders(large, constantLoad(60))...), scaling.ReasonWithinThresholds},
		{"it has grown since", withScaleUpBefore(upgraded(time.Hour, twoReaders(large, constantLoad(60))...), time.Minute), scaling.ReasonWithinThresholds},
		{"it grew before", withScaleUpBefore(upgraded(time.Hour, twoReaders(large, constantLoad(60))...), 2*time.Hour), scaling.ReasonScaleUp},
		{"it has grown since, and still does not shrink", withScaleUpBefore(upgraded(2*time.Hour, twoReaders(xlarge, constantLoad(20))...), time.Hour),
			scaling.ReasonUpgradeWatch},
		{"nothing shrinks", upgraded(24*time.Hour-time.Second, twoReaders(xlarge, constantLoad(20))...), scaling.ReasonUpgradeWatch},
		{"a day later it does", upgraded(24*time.Hour, twoReaders(xlarge, constantLoad(20))...), scaling.ReasonScaleDown},
	} {
		if d := Evaluate(newPolicy(watch), test.observation, now); reason(d) != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, reason(d), d.Hold.Message, test.want)
		}
	}
	t.Run("never below the target", func(t *testing.T) {
		low := func(p *scaling.Policy) {
			p.AfterEngineUpgrade = scaling.UpgradeWatch{Duration: 24 * time.Hour, ScaleUp: 40}
		}
		if d := Evaluate(newPolicy(low), upgraded(time.Hour, twoReaders(large, constantLoad(55.9))...), now); reason(d) != scaling.ReasonWithinThresholds {
			t.Errorf("at 55.9%%: %s", reason(d))
		}
		if d := Evaluate(newPolicy(low), upgraded(time.Hour, twoReaders(large, constantLoad(56))...), now); reason(d) != scaling.ReasonScaleUp {
			t.Errorf("at 56%%: %s", reason(d))
		}
	})
}

func TestEvaluate_ScalingIneffective(t *testing.T) {
	percent := func(n int) *int { return &n }
	grew := func(hoursAgo int, before, after *int) scaling.OperationRecord {
		at := now.Add(-time.Duration(hoursAgo) * time.Hour)
		return scaling.OperationRecord{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, StartedAt: at.Add(-20 * time.Minute), CompletedAt: at,
			UtilizationBefore: before, UtilizationAfter: after}
	}
	shrank := grew(2, percent(20), percent(30))
	shrank.Direction = scaling.Down
	failed := grew(1, percent(90), nil)
	failed.Succeeded = false
	ofWriter := grew(1, percent(90), percent(30))
	ofWriter.Pool = scaling.Writer
	nothing := func(hoursAgo int) scaling.OperationRecord { return grew(hoursAgo, percent(90), percent(85)) }
	for _, test := range []struct {
		name    string
		history scaling.History
		want    scaling.Reason
	}{
		{"twice", scaling.History{nothing(1), nothing(2)}, scaling.ReasonScaleUp},
		{"three times", scaling.History{nothing(1), nothing(2), nothing(3)}, scaling.ReasonScalingIneffective},
		{"three times, the first more than a day ago", scaling.History{nothing(1), nothing(2), nothing(24)}, scaling.ReasonScaleUp},
		{"it helped the last time", scaling.History{grew(1, percent(90), percent(50)), nothing(2), nothing(3), nothing(4)}, scaling.ReasonScaleUp},
		{"nobody knows whether it helped", scaling.History{grew(1, percent(90), nil), nothing(2), nothing(3), nothing(4)}, scaling.ReasonScaleUp},
		{"it shrank in between", scaling.History{nothing(1), shrank, nothing(3), nothing(4)}, scaling.ReasonScaleUp},
		{"what failed and what the writer did do not count", scaling.History{failed, ofWriter, nothing(1), nothing(2), nothing(3)},
			scaling.ReasonScalingIneffective},
		{"it stayed as high, and that is not high", scaling.History{
			grew(1, percent(60), percent(60)), grew(2, percent(60), percent(60)), grew(3, percent(60), percent(60))}, scaling.ReasonScaleUp},
	} {
		o := newObservation(twoReaders(large, constantLoad(90))...)
		o.History = test.history
		if d := Evaluate(newPolicy(), o, now); reason(d) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, reason(d), test.want)
		}
	}
}
