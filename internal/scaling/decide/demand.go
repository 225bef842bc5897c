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
	// CensoredPercent is the utilization above which an instance no longer shows its demand: the truth is at least this.
	CensoredPercent = 95
	// publishing is how long a minute's sample may take to be published after the minute began.
	publishing = 3 * time.Minute
	// coverage is the share of a window's minutes that must have samples before the window may call for more capacity. For
	// less capacity every minute must.
	coverage = 0.8
)

// minute is what a pool carried in one minute.
type minute struct {
	demand   float64 // vCPUs
	seen     int32   // instances that have a sample
	censored bool    // an instance was saturated
	hidden   bool    // and nothing showed its demand
}

// timeline is a pool minute by minute. Only minutes that every instance has a sample of count.
type timeline struct {
	first     time.Time // the start of minutes[0]
	minutes   []minute
	instances int32
}

// member is an instance with what its class has.
type member struct {
	*scaling.Instance
	vcpus  float64
	memory float64 // bytes
}

// members looks the classes of a pool's instances up. The error says which class is not in the catalogue.
func members(o *scaling.Observation, pool scaling.Pool) ([]member, error) {
	out := make([]member, 0, len(o.Instances))
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return nil, err
		}
		out = append(out, member{i, float64(class.VCPUFor(o.Engine)), float64(class.MemoryBytes)})
	}
	return out, nil
}

// lastSettled is the start of the newest minute that will not change any more.
func lastSettled(now time.Time) time.Time {
	return now.Add(-Unsettled).Truncate(Minute).Add(-Minute)
}

// minutes is how many samples a length of time asks for; a minute that it only begins counts.
func minutes(length time.Duration) int { return int((length + Minute - 1) / Minute) }

// newest is the newest minute that every instance in service has published; zero when one has published nothing.
func newest(pool []member) time.Time {
	var oldest time.Time
	for n := range pool {
		if !scaling.Serving(pool[n].Status) {
			continue
		}
		last, known := pool[n].CPU.Newest()
		if !known {
			return time.Time{}
		}
		if oldest.IsZero() || last.At.Before(oldest) {
			oldest = last.At
		}
	}
	return oldest
}

// look lays the samples of a pool side by side over the length before the newest minute that is published and settled.
// Minutes from before the pool was what it is now, and the warm-up after that, stay empty.
func look(pool []member, since, now time.Time, length time.Duration) timeline {
	last := lastSettled(now)
	if published := newest(pool).Truncate(Minute); published.Before(last) {
		last = published
	}
	t := timeline{instances: int32(len(pool)), minutes: make([]minute, minutes(length))}
	t.first = last.Add(-time.Duration(len(t.minutes)-1) * Minute)
	if since.IsZero() {
		return t
	}
	begin := later(t.first, since.Add(WarmUp))
	for n := range pool {
		t.add(&pool[n], begin)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// add counts an instance's samples from begin on. A saturated minute shows at least what it used, and what DBLoadCPU says
// it would have used.
func (t *timeline) add(i *member, begin time.Time) {
	cpu, load := i.CPU[i.CPU.From(begin):], i.DBLoadCPU[i.DBLoadCPU.From(begin):]
	first, before, each := t.first.Unix(), -1, i.vcpus/100
	for n := range cpu {
		seconds := cpu[n].At.Unix()
		at := int(seconds-first) / 60
		if at >= len(t.minutes) {
			return
		}
		percent := cpu[n].Value
		if at == before || !scaling.Number(percent) {
			continue
		}
		before = at
		m := &t.minutes[at]
		m.seen++
		if percent < CensoredPercent {
			m.demand += percent * each
			continue
		}
		m.censored = true
		used := min(percent, 100) * each
		for len(load) > 0 && load[0].At.Unix() < seconds {
			load = load[1:]
		}
		if len(load) == 0 || load[0].At.Unix() > seconds || !scaling.Number(load[0].Value) {
			m.demand += used
			m.hidden = true
			continue
		}
		m.demand += max(used, load[0].Value)
		load = load[1:]
	}
}

// complete says whether every instance has a sample of the minute.
func (t timeline) complete(n int) bool { return t.instances > 0 && t.minutes[n].seen == t.instances }

// tail is the last minutes of a timeline.
func (t timeline) tail(length time.Duration) timeline {
	n := max(0, len(t.minutes)-minutes(length))
	t.first = t.first.Add(time.Duration(n) * Minute)
	t.minutes = t.minutes[n:]
	return t
}

// end is the start of the newest minute of a timeline.
func (t timeline) end() time.Time { return t.first.Add(time.Duration(len(t.minutes)-1) * Minute) }

// sum is what a timeline comes to.
type sum struct {
	known            int // complete minutes
	newest           time.Time
	mean, peak       float64 // vCPUs
	censored, hidden bool
}

// sum adds the complete minutes up.
func (t timeline) sum() sum {
	var s sum
	total, last := 0.0, 0
	for n := range t.minutes {
		m := &t.minutes[n]
		if m.seen != t.instances || m.seen == 0 {
			continue
		}
		s.known++
		last = n
		total += m.demand
		s.peak = max(s.peak, m.demand)
		s.censored = s.censored || m.censored
		s.hidden = s.hidden || m.hidden
	}
	if s.known > 0 {
		s.mean = total / float64(s.known)
		s.newest = t.first.Add(time.Duration(last) * Minute)
	}
	return s
}

// enough says whether a sum covers so many minutes well enough to call for more capacity.
func (s sum) enough(of int) bool { return s.known > 0 && float64(s.known) >= coverage*float64(of) }
