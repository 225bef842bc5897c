package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// readerWithDBLoad is a reader with CPU and DBLoadCPU samples.
func readerWithDBLoad(name, class string, cpu, load scaling.Series) scaling.Instance {
	i := ownReader(name, class, cpu)
	i.DBLoadCPU = load
	return i
}

// One large reader (2 vCPU) at 100 %, whose DBLoadCPU shows its demand.
func TestScaleUp_DBLoadShowsDemandAboveSaturation(t *testing.T) {
	vertical := func(edits ...func(*scaling.Policy)) scaling.Policy {
		return newPolicy(append([]func(*scaling.Policy){withPreference(scaling.Vertical)}, edits...)...)
	}
	for _, test := range []struct {
		name     string
		policy   scaling.Policy
		reader   scaling.Instance
		want     scaling.Shape
		censored bool
	}{
		{"without DBLoadCPU the capacity is doubled", vertical(), ownReader("a", large, constantLoad(100)), shape(1, xlarge), true},
		// 4 sessions need 7.3 vCPU at 55 %.
		{"4 sessions: 7.3 vCPU", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(4)), shape(1, xlarge2), false},
		{"8 sessions: 14.5 vCPU in one step", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(8)),
			shape(1, xlarge4), false},
		{"8 sessions, limited by maxStepFactor 4", vertical(withMaxStepFactor(4)),
			readerWithDBLoad("a", large, constantLoad(100), constantLoad(8)), shape(1, xlarge2), false},
		{"fewer sessions than vCPUs: CPU counts", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(1)),
			shape(1, xlarge), false},
		{"one minute without DBLoadCPU is censored", vertical(),
			readerWithDBLoad("a", large, constantLoad(100), withoutMinute(constantLoad(2), 1)), shape(1, xlarge), true},
		{"below saturation DBLoadCPU does not count",
			vertical(), readerWithDBLoad("a", large, constantLoad(80), constantLoad(9)), shape(1, xlarge), false},
		{"invalid DBLoadCPU is missing", vertical(), readerWithDBLoad("a", large, constantLoad(100), constantLoad(-3)), shape(1, xlarge), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, newObservation(test.reader), now)
			if got := onlyProposal(t, d); got.To != test.want || d.Pools[0].Load.Censored != test.censored {
				t.Errorf("got %s (%s), censored %t; want %s, %t", got.To, got.Cause, d.Pools[0].Load.Censored, test.want, test.censored)
			}
		})
	}
}

// Clients keep their connections, so that load may stick to one reader. It is assumed to stay as uneven as it is.
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
		// One of three has 1.84 of 2.24 vCPU. With four large it would be at 3 × 1.84 / 8 = 69 %, which is below 70.
		{"one reader more", newPolicy(withReaders(1, 4, large, xlarge)), large, shape(4, large)},
		// With three large it stays at 92 %; two xlarge have 8 vCPU as well.
		{"a larger class when readers.maxReplicas is reached", newPolicy(withReaders(1, 3, large, xlarge)), large, shape(2, xlarge)},
		{"readers.maxReplicas when no shape is enough", newPolicy(withReaders(1, 4, large), func(p *scaling.Policy) { p.CPU.ScaleUp = 60 }), large,
			shape(4, large)},
	} {
		got := onlyProposal(t, Evaluate(test.policy, hot(test.class), now))
		if got.To != test.want || !strings.Contains(got.Message, "One instance of the reader pool has averaged at least 90% CPU") {
			t.Errorf("%s: got %s (%s), want %s", test.name, got.To, got.Message, test.want)
		}
	}
}

func withOneReaderLost(p *scaling.Policy) { p.Readers.Redundancy = scaling.OneReaderLost }

// With one reader lost the others must carry the load at the target.
func TestEvaluate_OneReaderLost(t *testing.T) {
	for _, test := range []struct {
		name    string
		readers []scaling.Instance
		want    scaling.Reason
		to      scaling.Shape
	}{
		// 40 % of 4 vCPU are 1.6, which are 80 % of the 2 that would be left. They need 2.9 at 55 %, and one reader more.
		{"two readers at 40 % are too few", twoReaders(large, constantLoad(40)), scaling.ReasonScaleUp, shape(3, large)},
		{"two readers at 34 % are enough", twoReaders(large, constantLoad(34)), scaling.ReasonWithinThresholds, scaling.Shape{}},
		{"one reader is too few", []scaling.Instance{ownReader("a", large, constantLoad(5))}, scaling.ReasonScaleUp, shape(2, large)},
		{"two readers are never reduced to one", twoReaders(large, constantLoad(2)), scaling.ReasonAtMinimum, scaling.Shape{}},
		// 10 % of 16 are 1.6: of the smaller shapes three large leave 4 vCPU, which carry it at 40 %.
		{"scale-down leaves enough with one reader lost", twoReaders(xlarge2, constantLoad(10)), scaling.ReasonScaleDown, shape(3, large)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(newPolicy(withOneReaderLost), newObservation(test.readers...), now)
			if reason(d) != test.want || test.to.Count > 0 && d.Proposals[0].To != test.to {
				t.Errorf("got %s %v (%s), want %s to %s", reason(d), d.Proposals, d.Hold.Message, test.want, test.to)
			}
		})
	}
}

// withScaleUpBefore adds a scale-up of the readers that was started a time ago.
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
		{"60 % is above the lower threshold", upgraded(time.Hour, twoReaders(large, constantLoad(60))...), scaling.ReasonScaleUp},
		{"60 % a day later", upgraded(24*time.Hour, twoReaders(large, constantLoad(60))...), scaling.ReasonWithinThresholds},
		{"60 % without an upgrade", newObservation(twoReaders(large, constantLoad(60))...), scaling.ReasonWithinThresholds},
		{"60 % after a scale-up since the upgrade",
			withScaleUpBefore(upgraded(time.Hour, twoReaders(large, constantLoad(60))...), time.Minute), scaling.ReasonWithinThresholds},
		{"60 % after a scale-up before the upgrade",
			withScaleUpBefore(upgraded(time.Hour, twoReaders(large, constantLoad(60))...), 2*time.Hour), scaling.ReasonScaleUp},
		{"no scale-down after a scale-up since the upgrade",
			withScaleUpBefore(upgraded(2*time.Hour, twoReaders(xlarge, constantLoad(20))...), time.Hour),
			scaling.ReasonUpgradeWatch},
		{"no scale-down for a day", upgraded(24*time.Hour-time.Second, twoReaders(xlarge, constantLoad(20))...), scaling.ReasonUpgradeWatch},
		{"scale-down a day later", upgraded(24*time.Hour, twoReaders(xlarge, constantLoad(20))...), scaling.ReasonScaleDown},
	} {
		if d := Evaluate(newPolicy(watch), test.observation, now); reason(d) != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, reason(d), d.Hold.Message, test.want)
		}
	}
	t.Run("threshold stays above the target", func(t *testing.T) {
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
	scaledUp := func(hoursAgo int, before, after *int) scaling.OperationRecord {
		at := now.Add(-time.Duration(hoursAgo) * time.Hour)
		return scaling.OperationRecord{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, StartedAt: at.Add(-20 * time.Minute), CompletedAt: at,
			UtilizationBefore: before, UtilizationAfter: after}
	}
	scaledDown := scaledUp(2, percent(20), percent(30))
	scaledDown.Direction = scaling.Down
	failed := scaledUp(1, percent(90), nil)
	failed.Succeeded = false
	writerRecord := scaledUp(1, percent(90), percent(30))
	writerRecord.Pool = scaling.Writer
	ineffective := func(hoursAgo int) scaling.OperationRecord { return scaledUp(hoursAgo, percent(90), percent(85)) }
	for _, test := range []struct {
		name    string
		history scaling.History
		want    scaling.Reason
	}{
		{"two ineffective scale-ups", scaling.History{ineffective(1), ineffective(2)}, scaling.ReasonScaleUp},
		{"three ineffective scale-ups", scaling.History{ineffective(1), ineffective(2), ineffective(3)}, scaling.ReasonScalingIneffective},
		{"three, the first a day ago", scaling.History{ineffective(1), ineffective(2), ineffective(24)}, scaling.ReasonScaleUp},
		{"the last scale-up was effective", scaling.History{scaledUp(1, percent(90), percent(50)), ineffective(2), ineffective(3),
			ineffective(4)}, scaling.ReasonScaleUp},
		{"the effect of the last scale-up is unknown",
			scaling.History{scaledUp(1, percent(90), nil), ineffective(2), ineffective(3), ineffective(4)}, scaling.ReasonScaleUp},
		{"a scale-down in between", scaling.History{ineffective(1), scaledDown, ineffective(3), ineffective(4)}, scaling.ReasonScaleUp},
		{"failed operations and those of the writer do not count",
			scaling.History{failed, writerRecord, ineffective(1), ineffective(2), ineffective(3)},
			scaling.ReasonScalingIneffective},
		{"utilization unchanged, but below the threshold", scaling.History{
			scaledUp(1, percent(60), percent(60)), scaledUp(2, percent(60), percent(60)), scaledUp(3, percent(60), percent(60))}, scaling.ReasonScaleUp},
	} {
		o := newObservation(twoReaders(large, constantLoad(90))...)
		o.History = test.history
		if d := Evaluate(newPolicy(), o, now); reason(d) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, reason(d), test.want)
		}
	}
}
