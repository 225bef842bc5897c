package decide

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// workAt are quarters of an hour from 10:00 on at which work began on the days before today, yesterday first: between 08:00 and 12:00.
var workAt = []int{6, -2, 3, -7, 8, 0, -8}

// pastWork is a history of a pool that is at 15 % of 8 vCPUs, and at 50 % of 32 in the hour from each start on. notBegun stands for a day
// without work.
func pastWork(starts []int) (scaling.Series, []scaling.CapacityPeriod) {
	from := now.Add(-time.Duration(len(starts))*day - workSpan)
	return pastLoad(from, 50, func(at time.Time) bool {
		for n, start := range starts {
			begin := now.Add(-time.Duration(n+1)*day + time.Duration(start)*quarterHour)
			if start != notBegun && !at.Before(begin) && at.Before(begin.Add(time.Hour)) {
				return true
			}
		}
		return false
	})
}

const notBegun = 1000

// beforeWork is a pool of one reader at 10:00, with work that began on each of the last seven days, and not yet today.
func beforeWork() (scaling.Policy, scaling.Observation) {
	p := newPolicy(withReaders(1, 4, xlarge2))
	p.OverloadedMinuteVCPUHours, p.PredictiveScaling.History = 16, true
	o := cluster(ownReader("a", xlarge2, constantLoad(15)))
	o.ReadersCPU, o.ReadersCapacityHistory = pastWork(workAt)
	return p, o
}

// By hand: work of 16 vCPUs needs four readers of 8 at 55 %, where 1.2 vCPUs need one. Three readers until 12:15, the end of the quarter in
// which the latest work began, cost 3 × 8 × 2.25 = 54 vCPU hours. A reader that is added takes 15 minutes: at 3 vCPU hours a minute the
// overload costs 45, at 4 it costs 60.
func TestEvaluate_DailyWork(t *testing.T) {
	edited := func(edit func(starts []int)) func(*scaling.Policy, *scaling.Observation) {
		return func(_ *scaling.Policy, o *scaling.Observation) {
			starts := append([]int(nil), workAt...)
			edit(starts)
			o.ReadersCPU, o.ReadersCapacityHistory = pastWork(starts)
		}
	}
	for _, test := range []struct {
		name string
		edit func(*scaling.Policy, *scaling.Observation)
		want int // readers; 0 for no proposal
	}{
		{"it may begin at any minute", func(*scaling.Policy, *scaling.Observation) {}, 4},
		{"an overloaded minute costs more than waiting", func(p *scaling.Policy, _ *scaling.Observation) {
			p.OverloadedMinuteVCPUHours = 4
		}, 4},
		{"an overloaded minute costs less than waiting", func(p *scaling.Policy, _ *scaling.Observation) {
			p.OverloadedMinuteVCPUHours = 3
		}, 0},
		{"an overloaded minute costs nothing", func(p *scaling.Policy, _ *scaling.Observation) { p.OverloadedMinuteVCPUHours = 0 }, 0},
		{"predictions by the past are disabled", func(p *scaling.Policy, _ *scaling.Observation) { p.PredictiveScaling.History = false }, 0},
		{"at most two readers are allowed", func(p *scaling.Policy, _ *scaling.Observation) { p.Readers.Max = 2 }, 2},
		{"only one is allowed", func(p *scaling.Policy, _ *scaling.Observation) { p.Readers.Max = 1 }, 0},
		{"it has begun today, and ended", func(_ *scaling.Policy, o *scaling.Observation) {
			cpu := o.ReadersCPU
			o.ReadersCPU = withValues(cpu, func(n int, v float64) float64 {
				if at := cpu.TimeAt(n); !at.Before(now.Add(-100*time.Minute)) && at.Before(now.Add(-70*time.Minute)) {
					return 100
				}
				return v
			})
		}, 0},
		{"it began on four days only", edited(func(starts []int) {
			starts[2], starts[4], starts[5] = notBegun, notBegun, notBegun
		}), 0},
		{"it began on six of seven days", edited(func(starts []int) { starts[2] = notBegun }), 4},
		{"it did not begin yesterday", edited(func(starts []int) { starts[0] = notBegun }), 0},
		{"it began at any time of the day", edited(func(starts []int) { starts[3], starts[4] = -18, 18 }), 0},
		{"it never began later than now", edited(func(starts []int) {
			for n := range starts {
				starts[n] = -2 - n
			}
		}), 0},
		{"it never began within the next quarter of an hour", edited(func(starts []int) {
			for n := range starts {
				starts[n] = 6 + n
			}
		}), 0},
		{"samples of yesterday are missing", func(_ *scaling.Policy, o *scaling.Observation) {
			cpu := o.ReadersCPU
			o.ReadersCPU = withValues(cpu, func(n int, v float64) float64 {
				if cpu.TimeAt(n).Equal(now.Add(-day - time.Hour)) {
					return gap
				}
				return v
			})
		}, 0},
		{"a sample of today is missing, in which it may have begun", func(_ *scaling.Policy, o *scaling.Observation) {
			cpu := o.ReadersCPU
			o.ReadersCPU = withValues(cpu, func(n int, v float64) float64 {
				if cpu.TimeAt(n).Equal(now.Add(-2 * time.Hour)) {
					return gap
				}
				return v
			})
		}, 0},
		{"the policy prefers larger readers to more", func(p *scaling.Policy, _ *scaling.Observation) {
			p.Readers.Preference = scaling.Vertical
		}, 0},
		{"the newest samples are missing", func(_ *scaling.Policy, o *scaling.Observation) {
			o.ReadersCPU = o.ReadersCPU.Before(now.Add(-time.Hour))
		}, 0},
		{"read replicas of an instance", func(_ *scaling.Policy, o *scaling.Observation) { o.Kind = scaling.DBInstance }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := beforeWork()
			test.edit(&p, &o)
			d := Evaluate(p, o, now)
			if test.want == 0 {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no proposal", d.Proposals[0].Message)
				}
				return
			}
			got := onlyProposal(t, d)
			if got.To != shape(test.want, xlarge2) || got.Reason != scaling.ReasonPredictiveScaleUp {
				t.Errorf("got %s (%s), want %d readers", got.To, got.Reason, test.want)
			}
			if !strings.Contains(got.Message, "between 08:00 and 12:00 UTC on") {
				t.Error(got.Message)
			}
		})
	}
}

// Readers stay while the work may begin, and when its first minutes are there, whatever the load of the hour before. They leave when it can
// no longer begin.
func TestEvaluate_KeepsReadersForDailyWork(t *testing.T) {
	waiting := func(cpu scaling.Series) (scaling.Policy, scaling.Observation) {
		p, o := beforeWork()
		p.Readers.InstanceClasses = []string{large, xlarge, xlarge2}
		o.Instances = append(o.Instances[:0], ownReader("a", xlarge2, cpu), ownReader("b", xlarge2, cpu), ownReader("c", xlarge2, cpu),
			ownReader("d", xlarge2, cpu))
		return p, o
	}
	for _, test := range []struct {
		name string
		cpu  scaling.Series
		past []int
		want int // readers; 0 for no proposal
	}{
		{"the work may begin", constantLoad(4), workAt, 0},
		{"it has just begun", withMinute(constantLoad(4), 0, 30), workAt, 0},
		{"it can no longer begin", constantLoad(4), []int{-6, -7, -8, -6, -7, -8, -6}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := waiting(test.cpu)
			o.ReadersCPU, o.ReadersCapacityHistory = pastWork(test.past)
			d := Evaluate(p, o, now)
			if test.want == 0 {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no proposal", d.Proposals[0].Message)
				}
				return
			}
			if got := onlyProposal(t, d); got.Direction != scaling.Down {
				t.Errorf("got %s", got.Message)
			}
		})
	}
}

// TestFindDailyWork_RandomBursts: how often bursts at random times look like work that begins within the same six hours of each day, at any
// full hour of the day that follows. The shares are those of decision 0045.
func TestFindDailyWork_RandomBursts(t *testing.T) {
	const draws = 600
	for _, test := range []struct{ perWeek, days, minPercent, maxPercent int }{
		{11, 5, 0, 3}, {20, 5, 20, 40}, {20, 12, 5, 15},
	} {
		from := now.Add(-time.Duration(test.days)*day - workSpan)
		random := rand.New(rand.NewPCG(1, uint64(test.perWeek)))
		found := 0
		for range draws {
			burst := map[int]bool{} // quarters of an hour after from
			for range test.perWeek * test.days / 7 {
				start := random.IntN(test.days*24*4 + spanQuarters)
				for n := range 4 {
					burst[start+n] = true
				}
			}
			var o scaling.Observation
			o.ReadersCPU, o.ReadersCapacityHistory = pastLoad(from, 50, func(at time.Time) bool { return burst[int(at.Sub(from)/quarterHour)] })
			for n := range 24 {
				if _, isDaily := findDailyWork(&o, now.Add(time.Duration(n)*time.Hour), 4, 8); isDaily {
					found++
					break
				}
			}
		}
		if percent := 100 * found / draws; percent < test.minPercent || percent > test.maxPercent {
			t.Errorf("%d of %d draws with %d bursts a week in %d days look like daily work, want %d to %d %%", found, draws, test.perWeek,
				test.days, test.minPercent, test.maxPercent)
		} else {
			t.Logf("%d of %d draws with %d bursts a week in %d days look like daily work", found, draws, test.perWeek, test.days)
		}
	}
}
