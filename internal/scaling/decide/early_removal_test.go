package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// afterBurst is a pool of one foreign and three own readers, added half an hour ago for a load that has ended, like the one of each day
// before.
func afterBurst() (scaling.Policy, scaling.Observation) {
	p := newPolicy(withReaders(1, 4, xlarge2))
	p.ScaleDown.Window, p.OverloadedMinuteVCPUHours = time.Hour, 16
	o := cluster(foreignReader("a", xlarge2, constantLoad(4)), ownReader("b", xlarge2, constantLoad(4)), ownReader("c", xlarge2, constantLoad(4)),
		ownReader("d", xlarge2, constantLoad(4)))
	o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(4, 60)
	o.ReadersChangedAt = now.Add(-25 * time.Minute)
	o.History = scaling.History{{
		Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, StartedAt: now.Add(-35 * time.Minute), CompletedAt: o.ReadersChangedAt,
	}}
	return p, o
}

func TestEvaluate_EarlyRemoval(t *testing.T) {
	hourly := func(quarter int) bool { return quarter%4 == 0 }
	burstable := func(o *scaling.Observation) { // with as many vCPUs as before
		for n := range o.Instances {
			o.Instances[n].Class = "db.t4g.2xlarge"
		}
	}
	for _, test := range []struct {
		name string
		edit func(*scaling.Policy, *scaling.Observation)
		want int // readers; 0 for no proposal
	}{
		{"the load comes once a day", func(*scaling.Policy, *scaling.Observation) {}, 1},
		{"it comes each hour", func(_ *scaling.Policy, o *scaling.Observation) {
			o.ReadersCPU, o.ReadersCapacityHistory = pastDays(7, 60, hourly)
		}, 0},
		{"it comes each hour, and an overloaded minute costs nearly nothing", func(p *scaling.Policy, o *scaling.Observation) {
			o.ReadersCPU, o.ReadersCapacityHistory = pastDays(7, 60, hourly)
			p.OverloadedMinuteVCPUHours = 1
			o.History[0].LeadTime = time.Minute // ten minutes with the warm-up
		}, 1},
		{"it came twice", func(_ *scaling.Policy, o *scaling.Observation) {
			o.ReadersCPU, o.ReadersCapacityHistory = pastDays(2, 60, func(quarter int) bool { return quarter < 4 })
		}, 0},
		{"the past has gaps in which it may have returned", func(_ *scaling.Policy, o *scaling.Observation) {
			cpu := o.ReadersCPU
			o.ReadersCPU = withValues(cpu, func(n int, v float64) float64 {
				if cpu.TimeAt(n).Hour() == 11 {
					return gap
				}
				return v
			})
		}, 0},
		{"the past is ignored", func(p *scaling.Policy, _ *scaling.Observation) { p.OverloadedMinuteVCPUHours = 0 }, 0},
		{"two readers are needed still", func(_ *scaling.Policy, o *scaling.Observation) {
			for n := range o.Instances {
				o.Instances[n].CPU = constantLoad(20) // 6.4 vCPUs
			}
		}, 2},
		{"the load has just ended", func(_ *scaling.Policy, o *scaling.Observation) {
			for n := range o.Instances {
				o.Instances[n].CPU = withMinute(constantLoad(4), 10, 60)
			}
		}, 0},
		{"the readers are too new", func(_ *scaling.Policy, o *scaling.Observation) {
			o.ReadersChangedAt = now.Add(-19 * time.Minute)
			o.History[0].CompletedAt = o.ReadersChangedAt
		}, 0},
		{"somebody else changed the pool", func(_ *scaling.Policy, o *scaling.Observation) {
			o.History[0].CompletedAt = now.Add(-time.Hour)
		}, 0},
		{"the operation failed", func(_ *scaling.Policy, o *scaling.Observation) { o.History[0].Succeeded = false }, 0},
		{"samples are missing", func(_ *scaling.Policy, o *scaling.Observation) {
			o.Instances[0].CPU = withoutMinute(withoutMinute(constantLoad(4), 5), 9)
		}, 0},
		{"earlier days predict it for the next hour", func(p *scaling.Policy, o *scaling.Observation) {
			p.PredictiveScaling.History = true
			o.ReadersCPU, o.ReadersCapacityHistory = pastDays(7, 60, func(quarter int) bool { return quarter == 2 })
		}, 0},
		{"a schedule that opens within the hour requires them", func(p *scaling.Policy, _ *scaling.Observation) {
			p.ScheduledMinimums = []scaling.ScheduledMinimum{{
				Name: "closing", MinReaders: 4, Window: scaling.Window{Schedule: "30 10 * * *", Duration: time.Hour, TimeZone: "UTC"},
			}}
		}, 0},
		{"a burstable class has run out of credits", func(_ *scaling.Policy, o *scaling.Observation) {
			burstable(o)
			o.Instances[3].Credits.SurplusCharged = withSamples(fiveMinuteSeries(0), 10, 0.2)
		}, 0},
		{"a burstable class has credits", func(_ *scaling.Policy, o *scaling.Observation) { burstable(o) }, 1},
		{"the engine was upgraded", func(p *scaling.Policy, o *scaling.Observation) {
			p.AfterEngineUpgrade.Duration, o.UpgradedAt = day, now.Add(-2*time.Hour)
		}, 0},
		{"read replicas of an instance", func(_ *scaling.Policy, o *scaling.Observation) { o.Kind = scaling.DBInstance }, 0},
		{"none is ours", func(_ *scaling.Policy, o *scaling.Observation) {
			for n := range o.Instances {
				o.Instances[n].Tags = nil
			}
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := afterBurst()
			test.edit(&p, &o)
			p.Readers.InstanceClasses = []string{o.Instances[0].Class}
			d := Evaluate(p, o, now)
			if test.want == 0 {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no proposal", d.Proposals[0].Message)
				}
				return
			}
			got := onlyProposal(t, d)
			if got.To != shape(test.want, o.Instances[0].Class) || got.Direction != scaling.Down || got.Reason != scaling.ReasonScaleDown {
				t.Errorf("got %s, want %d readers", got.To, test.want)
			}
		})
	}
}

// By hand: a load of 19.2 vCPUs that is there for a quarter of each hour is away for three quarters. One reader carries 4.4 of its 8 vCPUs at
// the target, so that it needs the 24 vCPUs of the others. Keeping them until the load returns costs 18 vCPU hours each time; removing them
// after a quarter costs 6, and the overload of 20 minutes (the lead time and the warm-up): 40 vCPU hours at a price of 2, 20 at 1.
func TestKeepDuration_ComputedByHand(t *testing.T) {
	p, o := afterBurst()
	o.ReadersCPU, o.ReadersCapacityHistory = pastDays(2, 60, func(quarter int) bool { return quarter%4 == 0 })
	o.History[0].LeadTime = 15 * time.Minute
	for _, test := range []struct {
		price int
		keep  time.Duration
	}{{2, time.Hour}, {1, time.Hour}, {0, 15 * time.Minute}} {
		p.OverloadedMinuteVCPUHours = test.price
		e, err := newPoolEvaluation(&p, &o, scaling.Readers, now, new(poolBuffers))
		if err != nil {
			t.Fatal(err)
		}
		e.listCandidates()
		keep, saved := e.keepDuration(&e.candidates[0])
		if keep != test.keep || (saved > 0) != (keep < time.Hour) {
			t.Errorf("price %d: kept for %s, which saves %.1f vCPU hours, want %s", test.price, keep, saved, test.keep)
		}
	}
	// 48 loads, of which the last has not returned yet: 47 returns and one that is away for one quarter only.
	e, _ := newPoolEvaluation(&p, &o, scaling.Readers, now, new(poolBuffers))
	e.listCandidates()
	if _, saved := e.keepDuration(&e.candidates[0]); saved != 47*(18-6) {
		t.Errorf("without a price, a quarter saves %.1f vCPU hours, want %d", saved, 47*(18-6))
	}
}
