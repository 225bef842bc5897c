package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// loaded is a reader with DBLoadCPU beside its CPU.
func loaded(name, class string, cpu, load []scaling.Sample) scaling.Instance {
	i := own(name, class, cpu)
	i.DBLoadCPU = load
	return i
}

// One large reader (2 vCPUs) at 100 % whose sessions show what it would use.
func TestDBLoadShowsTheDemandAboveSaturation(t *testing.T) {
	vertical := func(edits ...func(*scaling.Policy)) scaling.Policy {
		return policy(append([]func(*scaling.Policy){prefer(scaling.Vertical)}, edits...)...)
	}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		reader scaling.Instance
		want   scaling.Shape
		hidden bool
	}{
		{"without it the pool doubles", vertical(), own("a", large, steady(100)), shape(1, xlarge), true},
		// 4 sessions want a CPU: at 55 % that takes 7.3 vCPUs.
		{"four sessions", vertical(), loaded("a", large, steady(100), steady(4)), shape(1, xlarge2), false},
		{"eight sessions: 14.5 vCPUs at once", vertical(), loaded("a", large, steady(100), steady(8)), shape(1, xlarge4), false},
		{"eight sessions, and no further than fourfold", vertical(stepFactor(4)), loaded("a", large, steady(100), steady(8)), shape(1, xlarge2), false},
		{"fewer sessions than vCPUs: the CPU counts", vertical(), loaded("a", large, steady(100), steady(1)), shape(1, xlarge), false},
		{"one minute without it is hidden", vertical(), loaded("a", large, steady(100), without(steady(2), 1)), shape(1, xlarge), true},
		{"below saturation it does not count: connections wait for other things",
			vertical(), loaded("a", large, steady(80), steady(9)), shape(1, xlarge), false},
		{"nonsense is missing", vertical(), loaded("a", large, steady(100), steady(-3)), shape(1, xlarge), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, observe(test.reader), now)
			if got := onlyProposal(t, d); got.To != test.want || d.Pools[0].Load.Hidden != test.hidden {
				t.Errorf("got %s (%s), hidden %t; want %s, %t", got.To, got.Cause, d.Pools[0].Load.Hidden, test.want, test.hidden)
			}
		})
	}
}

func TestEmergency(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  []scaling.Sample
		load []scaling.Sample
		want bool
	}{
		{"saturated for three minutes, nobody knows how far", steady(100), nil, true},
		{"saturated for two", with(steady(100), 2, 94), nil, false},
		{"a quarter above the capacity", steady(100), steady(2.5), true},
		{"hardly above the capacity", steady(100), steady(2.4), false},
		{"busy", steady(94), steady(9), false},
	} {
		d := Evaluate(policy(), observe(loaded("a", large, test.cpu, test.load)), now)
		if d.Pools[0].Load.Emergency != test.want || onlyProposal(t, d).Emergency != test.want {
			t.Errorf("%s: emergency is %t", test.name, d.Pools[0].Load.Emergency)
		}
	}
	t.Run("does not wait for a long window", func(t *testing.T) {
		cpu := settled(append(constant(40, 57), 100, 100, 100)...)
		got := onlyProposal(t, Evaluate(policy(upWindow(time.Hour)), observe(own("a", large, cpu)), now))
		if got.Reason != scaling.ReasonScaleUp || !strings.Contains(got.Message, "are saturated") {
			t.Errorf("got %s: %s", got.Reason, got.Message)
		}
	})
}

// Clients keep their connections, so that load may stick to one reader. It is taken to stay as uneven as it is.
func TestOneHotReader(t *testing.T) {
	hot := func(class string) scaling.Observation {
		return observe(own("a", class, steady(92)), own("b", class, steady(10)), own("c", class, steady(10)))
	}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		class  string
		want   scaling.Shape
	}{
		// One of three has 1.84 of 2.24 vCPU. Of four large it would still have 3 × 1.84 / 8 = 69 %, which is below 70.
		{"a reader more", policy(bounds(1, 4, large, xlarge)), large, shape(4, large)},
		// With three large it stays at 92 %; two xlarge have 8 vCPUs as well.
		{"a larger class where there may be no more", policy(bounds(1, 3, large, xlarge)), large, shape(2, xlarge)},
		{"as many as there may be where neither is enough", policy(bounds(1, 4, large), func(p *scaling.Policy) { p.CPU.ScaleUp = 60 }), large,
			shape(4, large)},
	} {
		got := onlyProposal(t, Evaluate(test.policy, hot(test.class), now))
		if got.To != test.want || !strings.Contains(got.Message, "One of the readers has averaged 90% CPU or more") {
			t.Errorf("%s: got %s (%s), want %s", test.name, got.To, got.Message, test.want)
		}
	}
}

func redundant(p *scaling.Policy) { p.Readers.Redundancy = scaling.OneReaderLost }

// With one reader lost the others still have to carry the load at the target.
func TestOneReaderLost(t *testing.T) {
	for _, test := range []struct {
		name    string
		readers []scaling.Instance
		want    scaling.Reason
		to      scaling.Shape
	}{
		// 40 % of 4 vCPUs are 1.6, and 80 % of the 2 that would be left: at 55 % that takes 2.9, and one reader more.
		{"two at 40 % are too few", pair(large, steady(40)), scaling.ReasonScaleUp, shape(3, large)},
		{"two at 34 % are enough", pair(large, steady(34)), scaling.ReasonWithinBand, scaling.Shape{}},
		{"one alone is none", []scaling.Instance{own("a", large, steady(5))}, scaling.ReasonScaleUp, shape(2, large)},
		{"two are never made one", pair(large, steady(2)), scaling.ReasonAtMinimum, scaling.Shape{}},
		// 10 % of 16 are 1.6: of the smaller shapes three large leave 4 vCPUs, which carry it at 40 %.
		{"down", pair(xlarge2, steady(10)), scaling.ReasonScaleDown, shape(3, large)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(policy(redundant), observe(test.readers...), now)
			if reason(d) != test.want || test.to.Count > 0 && d.Proposals[0].To != test.to {
				t.Errorf("got %s %v (%s), want %s to %s", reason(d), d.Proposals, d.Hold.Message, test.want, test.to)
			}
		})
	}
}

// The writer grows to at most the size of the largest reader at the best promotion tier.
func TestTheWriterHasASuccessor(t *testing.T) {
	tier := func(i scaling.Instance, tier int) scaling.Instance {
		i.PromotionTier = tier
		return i
	}
	p := policy(withWriter(large, xlarge, xlarge2, xlarge4), prefer(scaling.Vertical))
	busy := writer(xlarge, steady(90)) // 3.6 vCPU want 6.5: a 2xlarge
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        []string
	}{
		{"a reader is as large as the writer would be", p, observe(busy, own("a", xlarge2, steady(40))), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"none is: the readers first, as large as the writer needs", p, observe(busy, own("a", xlarge, steady(40))),
			[]string{"Readers 1 × db.r6g.2xlarge"}},
		{"the one that is is not the first in line", p, observe(busy, tier(own("a", xlarge2, steady(40)), 15), tier(own("b", xlarge, steady(40)), 1)),
			[]string{"Readers 2 × db.r6g.2xlarge"}},
		{"the largest of those that are the first in line counts", p,
			observe(busy, tier(own("a", xlarge2, steady(40)), 1), tier(own("b", xlarge, steady(40)), 1)), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"none is, and the writer waits for its window: the readers wait, too", func() scaling.Policy {
			p := policy(withWriter(large, xlarge, xlarge2), prefer(scaling.Vertical))
			p.Disruption = []scaling.Window{{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}}
			return p
		}(), observe(busy, own("a", xlarge, steady(40))), nil},
		{"the readers do not become smaller than the writer will be", p, observe(busy, own("a", xlarge2, steady(5))),
			[]string{"Writer 1 × db.r6g.2xlarge"}},
		{"nor while it lacks a successor", policy(withWriter(xlarge, xlarge4), bounds(1, 4, large, xlarge, xlarge2)),
			observe(writer(xlarge, steady(90)), own("a", xlarge2, steady(5))), nil},
		{"not by fewer and larger readers", policy(withWriter(large, xlarge, xlarge2), bounds(1, 4, large, xlarge2)),
			observe(busy, own("a", large, steady(40)), own("b", large, steady(40)), own("c", large, steady(40)), own("d", large, steady(40))),
			[]string{"Readers 4 × db.r6g.2xlarge"}},
		{"read replicas never succeed their source", policy(withWriter(large, xlarge, xlarge2), bounds(1, 4, large, xlarge2)), func() scaling.Observation {
			o := observe(busy, own("a", large, steady(40)))
			o.Kind = scaling.DBInstance
			return o
		}(), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"a person's wish for the readers stands", func() scaling.Policy {
			return policy(withWriter(large, xlarge, xlarge2), wants(&scaling.Shape{InstanceClass: xlarge, Count: 1}, nil, time.Hour))
		}(), observe(busy, own("a", xlarge, steady(40))), nil},
		{"without readers nobody succeeds it", p, observe(busy), []string{"Readers 1 × db.r6g.large", "Writer 1 × db.r6g.2xlarge"}},
		{"readers that the policy leaves alone: a promotion leaves a successor", policy(withoutReaders, withWriter(xlarge, xlarge2)),
			observe(busy, reader("a", xlarge, steady(40))), []string{"Writer 1 × db.r6g.2xlarge"}},
		{"the readers may not be that large", policy(withWriter(xlarge, xlarge2), bounds(1, 4, large, xlarge)),
			observe(busy, own("a", xlarge, steady(40))), nil},
		{"readers never become smaller than the writer", p, observe(writer(xlarge2, steady(50)), own("a", xlarge2, steady(5))), nil},
		{"unless they are that already", p, observe(writer(xlarge4, steady(50)), own("a", xlarge2, steady(5))), []string{"Readers 1 × db.r6g.large"}},
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

// grownSince adds an operation that grew the readers and was started so long ago.
func grownSince(o scaling.Observation, ago time.Duration) scaling.Observation {
	o.History = scaling.History{{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, Started: now.Add(-ago), Completed: now}}
	return o
}

func TestAfterAnEngineUpgrade(t *testing.T) {
	watch := func(p *scaling.Policy) { p.AfterUpgrade = scaling.Watch{Length: 24 * time.Hour, ScaleUp: 60} }
	upgraded := func(ago time.Duration, readers ...scaling.Instance) scaling.Observation {
		o := observe(readers...)
		o.UpgradedAt = now.Add(-ago)
		return o
	}
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		want        scaling.Reason
	}{
		{"60 % are too much", upgraded(time.Hour, pair(large, steady(60))...), scaling.ReasonScaleUp},
		{"a day later they are not", upgraded(24*time.Hour, pair(large, steady(60))...), scaling.ReasonWithinBand},
		{"nor without an upgrade", observe(pair(large, steady(60))...), scaling.ReasonWithinBand},
		{"it has grown since", grownSince(upgraded(time.Hour, pair(large, steady(60))...), time.Minute), scaling.ReasonWithinBand},
		{"it grew before", grownSince(upgraded(time.Hour, pair(large, steady(60))...), 2*time.Hour), scaling.ReasonScaleUp},
		{"it has grown since, and still does not shrink", grownSince(upgraded(2*time.Hour, pair(xlarge, steady(20))...), time.Hour),
			scaling.ReasonUpgradeWatch},
		{"nothing shrinks", upgraded(24*time.Hour-time.Second, pair(xlarge, steady(20))...), scaling.ReasonUpgradeWatch},
		{"a day later it does", upgraded(24*time.Hour, pair(xlarge, steady(20))...), scaling.ReasonScaleDown},
	} {
		if d := Evaluate(policy(watch), test.observation, now); reason(d) != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, reason(d), d.Hold.Message, test.want)
		}
	}
	t.Run("never below the target", func(t *testing.T) {
		low := func(p *scaling.Policy) { p.AfterUpgrade = scaling.Watch{Length: 24 * time.Hour, ScaleUp: 40} }
		if d := Evaluate(policy(low), upgraded(time.Hour, pair(large, steady(55.9))...), now); reason(d) != scaling.ReasonWithinBand {
			t.Errorf("at 55.9%%: %s", reason(d))
		}
		if d := Evaluate(policy(low), upgraded(time.Hour, pair(large, steady(56))...), now); reason(d) != scaling.ReasonScaleUp {
			t.Errorf("at 56%%: %s", reason(d))
		}
	})
}

func TestScalingThatChangesNothingIsNotRepeated(t *testing.T) {
	percent := func(n int) *int { return &n }
	grew := func(hoursAgo int, before, after *int) scaling.Past {
		at := now.Add(-time.Duration(hoursAgo) * time.Hour)
		return scaling.Past{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, Started: at.Add(-20 * time.Minute), Completed: at,
			Before: before, After: after}
	}
	shrank := grew(2, percent(20), percent(30))
	shrank.Direction = scaling.Down
	failed := grew(1, percent(90), nil)
	failed.Succeeded = false
	ofWriter := grew(1, percent(90), percent(30))
	ofWriter.Pool = scaling.Writer
	nothing := func(hoursAgo int) scaling.Past { return grew(hoursAgo, percent(90), percent(85)) }
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
		o := observe(pair(large, steady(90))...)
		o.History = test.history
		if d := Evaluate(policy(), o, now); reason(d) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, reason(d), test.want)
		}
	}
}
