package decide

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func foreseeing(p *scaling.Policy) { p.Foresight = scaling.Foresight{Trend: true, History: true} }

// rising is a load in percent that grows by so much a minute and ends at the given value.
func rising(end, each float64) []scaling.Sample {
	percents := make([]float64, 30)
	for n := range percents {
		percents[n] = end - each*float64(len(percents)-1-n)
	}
	return settled(percents...)
}

func TestTrend(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  []scaling.Sample
		want scaling.Reason
	}{
		// At 09:58 it is at 60 %, and a new size is in service at 10:15 at the earliest: 17 minutes later it is at 70.2 %.
		{"it will be at 70.2 % by then", rising(60, 0.6), scaling.ReasonScaleUpAhead},
		{"it will be at 69.4 % by then", rising(60, 0.55), scaling.ReasonWithinBand},
		{"it falls", rising(60, -0.6), scaling.ReasonWithinBand},
		{"it stays", steady(69), scaling.ReasonWithinBand},
		{"with four minutes missing", without(without(without(without(rising(60, 0.7), 5), 6), 7), 8), scaling.ReasonScaleUpAhead},
		{"with seven missing nobody knows",
			without(without(without(without(without(without(without(rising(60, 0.7), 5), 6), 7), 8), 9), 10), 11), scaling.ReasonWithinBand},
		{"one spike is no trend", with(steady(50), 0, 90), scaling.ReasonWithinBand},
	} {
		d := Evaluate(policy(foreseeing), observe(pair(large, test.cpu)...), now)
		if reason(d) != test.want {
			t.Errorf("%s: got %s (%.2f of %.0f vCPU foreseen), want %s", test.name, reason(d), d.Pools[0].Load.Trend, d.Pools[0].Load.Carrying, test.want)
		}
		if d := Evaluate(policy(), observe(pair(large, test.cpu)...), now); reason(d) != scaling.ReasonWithinBand {
			t.Errorf("%s, switched off: got %s", test.name, reason(d))
		}
	}
	t.Run("it is sized for what is foreseen", func(t *testing.T) {
		// From 60 % by 1.1 a minute: 78.7 % of 4 vCPUs are 3.15, which take 5.7 at 55 %. Of 60 % 4.4 would do.
		got := onlyProposal(t, Evaluate(policy(foreseeing), observe(pair(large, rising(60, 1.1))...), now))
		if got.To != shape(3, large) || math.Abs(got.Demand-2.4) > 0.01 {
			t.Errorf("got %s for %.2f vCPU", got.To, got.Demand)
		}
	})
	t.Run("it foresees no more than double", func(t *testing.T) {
		load := Evaluate(policy(foreseeing), observe(own("a", xlarge4, rising(30, 1))), now).Pools[0].Load
		steep := Evaluate(policy(foreseeing, func(p *scaling.Policy) { p.ScaleUp.Window = time.Minute }),
			observe(own("a", xlarge4, settled(append(constant(0, 15), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)...))), now).Pools[0].Load
		if load.Trend > 2*load.Demand || steep.Trend > 2*steep.Demand {
			t.Errorf("%.2f of %.2f and %.2f of %.2f vCPU", load.Trend, load.Demand, steep.Trend, steep.Demand)
		}
	})
}

// Noise on a constant load foresees no growth: in ten thousand draws the threshold is reached in fewer than one in a hundred.
func TestNoiseIsNoTrend(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 10_000
	alarms := 0
	for range draws {
		percents := make([]float64, 30)
		for n := range percents {
			percents[n] = 55 + 10*(random.Float64()-0.5)
		}
		d := Evaluate(policy(foreseeing), observe(own("a", xlarge, settled(percents...))), now)
		if reason(d) == scaling.ReasonScaleUpAhead {
			alarms++
		}
	}
	if alarms > draws/100 {
		t.Errorf("%d of %d constant loads were taken for a rise", alarms, draws)
	}
}

func TestLeadTime(t *testing.T) {
	took := func(minutes int, edits ...func(*scaling.Past)) scaling.Past {
		p := scaling.Past{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, Started: now, Completed: now.Add(2 * time.Hour),
			Lead: time.Duration(minutes) * time.Minute}
		for _, edit := range edits {
			edit(&p)
		}
		return p
	}
	for _, test := range []struct {
		name    string
		history scaling.History
		want    time.Duration
	}{
		{"nothing is known", nil, 15 * time.Minute},
		{"the slowest of the last three", scaling.History{took(12), took(30), took(20), took(50)}, 35 * time.Minute},
		{"no less than five minutes, and five to warm up", scaling.History{took(0), took(1)}, 6 * time.Minute},
		{"no more than an hour", scaling.History{took(90)}, time.Hour},
		{"what failed, shrank or was another pool's does not count", scaling.History{
			took(40, func(p *scaling.Past) { p.Succeeded = false }), took(41, func(p *scaling.Past) { p.Direction = scaling.Down }),
			took(42, func(p *scaling.Past) { p.Pool = scaling.Writer }), took(20),
		}, 25 * time.Minute},
	} {
		if got := leadTime(test.history, scaling.Readers); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// quarters is a history of the readers' CPU over two weeks and a half, from a rule.
func quarters(percent func(at time.Time) float64) scaling.Series {
	var out scaling.Series
	for at := now.Truncate(15 * time.Minute).Add(-18 * day); at.Before(now); at = at.Add(15 * time.Minute) {
		if v := percent(at); v >= 0 {
			out = append(out, scaling.Sample{At: at, Value: v})
		}
	}
	return out
}

// Every day from 10:10 to 10:40 the readers are at so many percent, otherwise at 20.
func rush(percent float64, days ...int) func(time.Time) float64 {
	return func(at time.Time) float64 {
		ago := int(now.Truncate(day).Sub(at.Truncate(day)) / day)
		if at.Hour() != 10 || at.Minute() < 15 || at.Minute() > 30 {
			return 20
		}
		for _, d := range days {
			if d == ago {
				return percent
			}
		}
		return 20
	}
}

func TestSeason(t *testing.T) {
	all := []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 4}}
	for _, test := range []struct {
		name   string
		cpu    scaling.Series
		shapes []scaling.PastCapacity
		want   scaling.Reason
	}{
		{"yesterday, a week and two weeks ago", quarters(rush(75, 1, 7, 14)), all, scaling.ReasonScaleUpAhead},
		{"two of the three", quarters(rush(75, 7, 14)), all, scaling.ReasonScaleUpAhead},
		{"one odd day", quarters(rush(75, 7)), all, scaling.ReasonWithinBand},
		{"it would not be too much", quarters(rush(69, 1, 7, 14)), all, scaling.ReasonWithinBand},
		{"too much now was half of it then", quarters(rush(75, 1, 7, 14)), []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 2}},
			scaling.ReasonWithinBand},
		{"little on what was large", quarters(rush(40, 1, 7, 14)), []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 8}},
			scaling.ReasonScaleUpAhead},
		{"nobody knows how large it was", quarters(rush(75, 1, 7, 14)), nil, scaling.ReasonWithinBand},
		{"it changed in the middle of those quarters", quarters(rush(75, 1, 7, 14)), []scaling.PastCapacity{
			{Since: now.Add(-30 * day), Until: now.Add(-14*day + 20*time.Minute), VCPUs: 4},
			{Since: now.Add(-7*day + 40*time.Minute), Until: now.Add(-day + 20*time.Minute), VCPUs: 4},
		}, scaling.ReasonWithinBand},
		{"the last two days, where there is no more", quarters(rush(75, 1, 2)), []scaling.PastCapacity{{Since: now.Add(-60 * time.Hour), Until: now, VCPUs: 4}},
			scaling.ReasonScaleUpAhead},
		{"samples are missing", quarters(func(at time.Time) float64 {
			if at.Hour() == 10 {
				return -1
			}
			return 20
		}), all, scaling.ReasonWithinBand},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := observe(pair(large, steady(50))...)
			o.ReadersCPU, o.ReadersShapes = test.cpu, test.shapes
			if d := Evaluate(policy(foreseeing), o, now); reason(d) != test.want {
				t.Errorf("got %s (%.2f vCPU foreseen), want %s", reason(d), d.Pools[0].Load.Season, test.want)
			}
			if d := Evaluate(policy(), o, now); reason(d) != scaling.ReasonWithinBand {
				t.Errorf("switched off: got %s", reason(d))
			}
		})
	}
	t.Run("nothing shrinks before it comes again", func(t *testing.T) {
		p := policy(foreseeing, func(p *scaling.Policy) { p.ScaleDown.Window = 70 * time.Minute })
		o := observe(pair(xlarge, settled(constant(20, 120)...))...) // 1.6 vCPU: one xlarge would do
		o.ReadersShapes = []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 8}}
		o.ReadersCPU = quarters(rush(50, 1, 7, 14)) // 4 vCPU: one would not
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonAtMinimum && (reason(d) != scaling.ReasonScaleDown || d.Proposals[0].To == shape(1, xlarge)) {
			t.Errorf("got %s %v", reason(d), d.Proposals)
		}
		o.ReadersCPU = quarters(rush(20, 1, 7, 14))
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonScaleDown {
			t.Errorf("without it: got %s", reason(d))
		}
	})
}
