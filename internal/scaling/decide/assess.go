package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// emergencyFor is how long a pool must be saturated as a whole to be an emergency.
	emergencyFor = 3 * time.Minute
	// emergencyExcess is how far above the capacity the demand then is, where something shows it.
	emergencyExcess = 1.25
)

// assess sums up what a pool carries.
func assess(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, all []member, now time.Time) scaling.Load {
	since := o.Since(pool)
	load := scaling.Load{Pool: pool, Newest: newest(all)}
	if !since.IsZero() {
		load.SettledAt = since.Add(WarmUp + time.Duration(minutes(p.ScaleUp.Window))*Minute + publishing)
	}
	load.Capacity = capacity(all)
	load.Carrying = load.Capacity
	if pool == scaling.Readers && p.Readers != nil && p.Readers.Redundancy == scaling.OneReaderLost {
		load.Carrying -= largest(all)
	}
	if load.Capacity == 0 {
		return load
	}
	window := max(p.ScaleUp.Window, emergencyFor)
	if scaled(p, pool) {
		window = max(window, p.ScaleDown.Window, trendWindow)
	}
	t := look(all, since, now, window)
	up := t.tail(p.ScaleUp.Window)
	s := up.sum()
	load.Fresh = s.enough(len(up.minutes)) && now.Sub(s.newest) <= scaling.Stale
	if !load.Fresh {
		return load
	}
	load.Utilization = percentOf(s.mean, load.Carrying)
	load.Demand, load.Censored, load.Hidden = s.peak, s.censored, s.hidden
	load.Hottest, load.HottestDemand = hottest(all, up, since)
	load.Emergency = emergency(t.tail(emergencyFor), load.Capacity)
	if !scaled(p, pool) {
		return load // what is foreseen, and how low it has been, is of no use to a pool that is left alone
	}
	lead := leadTime(o.History, pool)
	if p.Foresight.Trend {
		load.Trend = trend(t.tail(trendWindow), now.Add(lead))
	}
	if p.Foresight.History {
		load.Season = season(o, pool, now, lead)
	}
	load.Low = low(t.tail(p.ScaleDown.Window), now)
	if p.Foresight.History && tooLarge(p, load) {
		load.Low.Season = season(o, pool, now, time.Hour)
	}
	return load
}

// low sums up a scale-down window.
func low(t timeline, now time.Time) scaling.Low {
	s := t.sum()
	return scaling.Low{
		// Every minute, up to the newest that must have been published by now.
		Complete: s.known == len(t.minutes) && now.Sub(s.newest) <= publishing+Minute,
		Censored: s.censored, Peak: s.peak,
	}
}

// tooLarge says whether a pool was below the lower threshold in every single minute of the scale-down window, with no minute
// missing and none saturated.
func tooLarge(p *scaling.Policy, l scaling.Load) bool {
	return l.Low.Complete && !l.Low.Censored && percentOf(l.Low.Peak, l.Carrying) < float64(p.CPU.ScaleDown)-rounding
}

// emergency says whether a pool was saturated as a whole in every minute, with a demand far above its capacity wherever
// that is known.
func emergency(t timeline, capacity float64) bool {
	for n, m := range t.minutes {
		saturated := 100*m.demand >= CensoredPercent*capacity
		if !t.complete(n) || !saturated || !m.hidden && m.demand < emergencyExcess*capacity {
			return false
		}
	}
	return true
}

// hottest is the mean of the hottest instance over a timeline, in percent, and the highest demand of those that are too hot,
// in vCPUs.
func hottest(all []member, t timeline, since time.Time) (percent, demand float64) {
	if len(all) == 1 { // it is the pool
		s := t.sum()
		if percent = percentOf(s.mean, all[0].vcpus); percent >= HotPercent-rounding {
			demand = s.peak
		}
		return percent, demand
	}
	one := timeline{first: t.first, instances: 1, minutes: make([]minute, len(t.minutes))}
	for n := range all {
		clear(one.minutes)
		one.add(&all[n], later(t.first, since.Add(WarmUp)))
		s := one.sum()
		mean := percentOf(s.mean, all[n].vcpus)
		percent = max(percent, mean)
		if mean >= HotPercent-rounding {
			demand = max(demand, s.peak)
		}
	}
	return percent, demand
}

func capacity(all []member) float64 {
	total := 0.0
	for n := range all {
		total += all[n].vcpus
	}
	return total
}

func largest(all []member) float64 {
	most := 0.0
	for n := range all {
		most = max(most, all[n].vcpus)
	}
	return most
}

// overwhelmed is the utilization that stands for any load on no capacity at all, in percent.
const overwhelmed = 10000

// percentOf is a demand in percent of so many vCPUs.
func percentOf(demand, vcpus float64) float64 {
	if vcpus <= 0 {
		return overwhelmed
	}
	return min(100*demand/vcpus, overwhelmed)
}
