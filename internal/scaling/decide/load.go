package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// Minute is the period of RDS metrics (RDS user guide, "Monitoring metrics").
	Minute = time.Minute
	// Unsettled is how long the newest minute may still change after it ended. Such a minute is not looked at.
	Unsettled = 60 * time.Second
	// WarmUp is how long after a change the samples are left out: a new host begins with a cold cache, and dearer queries.
	WarmUp = 5 * time.Minute
	// publishing is how long a minute's sample may take to be published after the minute began.
	publishing = 3 * time.Minute
	// CensoredPercent is the utilization above which an instance no longer shows its demand: the truth is at least this.
	CensoredPercent = 95
	// coverage is the share of a window's minutes that must have samples before the window may call for more capacity. For
	// less capacity every minute must.
	coverage = 0.8
)

// minute is what a pool carried in one minute.
type minute struct {
	at       time.Time
	demand   float64 // vCPUs
	censored bool
}

// window is the minutes of a pool that have a sample of every instance, newest last.
type window struct {
	minutes  []minute
	expected int
}

// capacity is the vCPUs of instances together. The error says which class is not in the catalogue.
func capacity(engine string, instances []scaling.Instance) (float64, error) {
	total := 0
	for _, i := range instances {
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return 0, err
		}
		total += class.VCPUFor(engine)
	}
	return float64(total), nil
}

// lastSettled is the start of the newest minute that will not change any more.
func lastSettled(now time.Time) time.Time {
	return now.Add(-Unsettled).Truncate(Minute).Add(-Minute)
}

// minutes is how many samples a length of time asks for; a minute that it only begins counts.
func minutes(length time.Duration) int { return int((length + Minute - 1) / Minute) }

// look collects the settled minutes of a pool within the length before the newest one that is published. Minutes from
// before the pool was what it is now, and the warm-up after that, are left out.
func look(engine string, instances []scaling.Instance, since, now time.Time, length time.Duration) window {
	w := window{expected: minutes(length)}
	last := lastSettled(now)
	if published := newest(instances).Truncate(Minute); published.Before(last) {
		last = published
	}
	first := last.Add(-time.Duration(w.expected-1) * Minute)
	if since.IsZero() || len(instances) == 0 {
		return w
	}
	samples := make([]map[int64]float64, len(instances))
	for n, i := range instances {
		samples[n] = make(map[int64]float64, w.expected)
		for _, s := range i.CPU {
			if !s.At.Before(first) && !s.At.After(last) {
				samples[n][s.At.Truncate(Minute).Unix()] = s.Value
			}
		}
	}
	for at := first; !at.After(last); at = at.Add(Minute) {
		if at.Before(since.Add(WarmUp)) {
			continue
		}
		if m, complete := sum(engine, instances, samples, at); complete {
			w.minutes = append(w.minutes, m)
		}
	}
	return w
}

// sum adds up what the instances carried in one minute. It is incomplete when any of them has no sample.
func sum(engine string, instances []scaling.Instance, samples []map[int64]float64, at time.Time) (minute, bool) {
	m := minute{at: at}
	for n, i := range instances {
		percent, ok := samples[n][at.Unix()]
		class, err := catalog.Lookup(i.Class)
		if !ok || err != nil {
			return minute{}, false
		}
		m.demand += percent / 100 * float64(class.VCPUFor(engine))
		m.censored = m.censored || percent >= CensoredPercent
	}
	return m, true
}

func (w window) enough() bool {
	return len(w.minutes) > 0 && float64(len(w.minutes)) >= coverage*float64(w.expected)
}

// complete says whether every minute has samples, up to the newest that must have been published by now.
func (w window) complete(now time.Time) bool {
	return w.expected > 0 && len(w.minutes) == w.expected && now.Sub(w.minutes[w.expected-1].at) <= publishing+Minute
}

func (w window) peak() float64 {
	peak := 0.0
	for _, m := range w.minutes {
		peak = max(peak, m.demand)
	}
	return peak
}

func (w window) mean() float64 {
	total := 0.0
	for _, m := range w.minutes {
		total += m.demand
	}
	return total / float64(len(w.minutes))
}

func (w window) censored() bool {
	for _, m := range w.minutes {
		if m.censored {
			return true
		}
	}
	return false
}

// Weigh sums up what every pool of the target carries, also those that the policy leaves alone.
func Weigh(p scaling.Policy, o scaling.Observation, now time.Time) []scaling.Load {
	return []scaling.Load{assess(p, o, scaling.Readers, now), assess(p, o, scaling.Writer, now)}
}

// Assess sums up what each pool that the policy scales carries.
func Assess(p scaling.Policy, o scaling.Observation, now time.Time) []scaling.Load {
	var loads []scaling.Load
	for _, pool := range pools(p) {
		loads = append(loads, assess(p, o, pool, now))
	}
	return loads
}

// pools lists the pools that the policy scales.
func pools(p scaling.Policy) []scaling.Pool {
	var out []scaling.Pool
	if p.Readers != nil {
		out = append(out, scaling.Readers)
	}
	if p.Writer != nil {
		out = append(out, scaling.Writer)
	}
	return out
}

// assess sums up what a pool carries, over the scale-up window.
func assess(p scaling.Policy, o scaling.Observation, pool scaling.Pool, now time.Time) scaling.Load {
	instances := o.Pool(pool)
	load := scaling.Load{Pool: pool, Newest: newest(instances)}
	since := o.Since(pool)
	if !since.IsZero() {
		load.SettledAt = since.Add(WarmUp + time.Duration(minutes(p.ScaleUp.Window))*Minute + publishing)
	}
	vcpus, err := capacity(o.Engine, instances)
	if err != nil || vcpus == 0 {
		return load
	}
	load.Capacity = vcpus
	w := look(o.Engine, instances, since, now, p.ScaleUp.Window)
	if !w.enough() {
		return load
	}
	load.Fresh = now.Sub(w.minutes[len(w.minutes)-1].at) <= scaling.Stale
	load.Utilization = 100 * w.mean() / vcpus
	load.Demand = w.peak()
	load.Censored = w.censored()
	return load
}

// newest is the newest minute that every instance in service has published; zero when one has published nothing.
func newest(instances []scaling.Instance) time.Time {
	var oldest time.Time
	for _, i := range instances {
		if !scaling.Serving(i.Status) {
			continue
		}
		if len(i.CPU) == 0 {
			return time.Time{}
		}
		if last := i.CPU[len(i.CPU)-1].At; oldest.IsZero() || last.Before(oldest) {
			oldest = last
		}
	}
	return oldest
}
