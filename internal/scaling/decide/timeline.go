package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// samplePeriod is the period of RDS metrics (RDS user guide, "Monitoring metrics").
	samplePeriod = time.Minute
	// finalizationDelay is how long the newest minute may still change after it ended. Such a minute is not looked at.
	finalizationDelay = 60 * time.Second
	// WarmUp is how long after a change the samples are left out: a new host begins with a cold cache, and dearer queries.
	WarmUp = 5 * time.Minute
	// SaturationPercent is the utilization above which an instance no longer shows its demand: the truth is at least this.
	SaturationPercent = 95
	// publicationDelay is how long a minute's sample may take to be published after the minute began.
	publicationDelay = 3 * time.Minute
	// minCoverage is the share of a window's minutes that must have samples before the window may call for more capacity. For
	// less capacity every minute must.
	minCoverage = 0.8
)

// minuteLoad is what a pool carried in one minute.
type minuteLoad struct {
	demand    float64 // vCPUs
	reporting int32   // instances that have a sample
	saturated bool    // an instance was saturated
	censored  bool    // and nothing showed its demand
}

// timeline is a pool minute by minute. Only minutes that every instance has a sample of count.
type timeline struct {
	start         time.Time // the start of minutes[0]
	minutes       []minuteLoad
	instanceCount int32
}

// poolInstance is an instance with what its class has.
type poolInstance struct {
	*scaling.Instance
	vcpus       float64
	memoryBytes float64 // bytes
}

// poolInstances looks the classes of a pool's instances up. The error says which class is not in the catalogue.
func poolInstances(o *scaling.Observation, pool scaling.Pool) ([]poolInstance, error) {
	out := make([]poolInstance, 0, len(o.Instances))
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return nil, err
		}
		out = append(out, poolInstance{i, float64(class.VCPUFor(o.Engine)), float64(class.MemoryBytes)})
	}
	return out, nil
}

// newestFinalMinute is the start of the newest minute that will not change any more.
func newestFinalMinute(now time.Time) time.Time {
	return now.Add(-finalizationDelay).Truncate(samplePeriod).Add(-samplePeriod)
}

// minutesCovering is how many samples a length of time asks for; a minute that it only begins counts.
func minutesCovering(length time.Duration) int {
	return int((length + samplePeriod - 1) / samplePeriod)
}

// newestCommonSample is the newest minute that every instance in service has published; zero when one has published nothing.
func newestCommonSample(instances []poolInstance) time.Time {
	var oldest time.Time
	for n := range instances {
		if !scaling.IsServing(instances[n].Status) {
			continue
		}
		last, known := instances[n].CPU.NewestSample()
		if !known {
			return time.Time{}
		}
		if oldest.IsZero() || last.Time.Before(oldest) {
			oldest = last.Time
		}
	}
	return oldest
}

// newTimeline lays the samples of a pool side by side over the length before the newest minute that is published and settled.
// Minutes from before the pool was what it is now, and the warm-up after that, stay empty.
func newTimeline(instances []poolInstance, since, now time.Time, length time.Duration) timeline {
	last := newestFinalMinute(now)
	if published := newestCommonSample(instances).Truncate(samplePeriod); published.Before(last) {
		last = published
	}
	t := timeline{instanceCount: int32(len(instances)), minutes: make([]minuteLoad, minutesCovering(length))}
	t.start = last.Add(-time.Duration(len(t.minutes)-1) * samplePeriod)
	if since.IsZero() {
		return t
	}
	begin := laterOf(t.start, since.Add(WarmUp))
	for n := range instances {
		t.addSamples(&instances[n], begin)
	}
	return t
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// addSamples counts an instance's samples from begin on. A saturated minute shows at least what it used, and what DBLoadCPU says
// it would have used.
func (t *timeline) addSamples(i *poolInstance, begin time.Time) {
	cpu, load := i.CPU[i.CPU.IndexFrom(begin):], i.DBLoadCPU[i.DBLoadCPU.IndexFrom(begin):]
	first, previous, vcpusPerPercent := t.start.Unix(), -1, i.vcpus/100
	for n := range cpu {
		seconds := cpu[n].Time.Unix()
		index := int(seconds-first) / 60
		if index >= len(t.minutes) {
			return
		}
		percent := cpu[n].Value
		if index == previous || !scaling.IsValidSample(percent) {
			continue
		}
		previous = index
		m := &t.minutes[index]
		m.reporting++
		if percent < SaturationPercent {
			m.demand += percent * vcpusPerPercent
			continue
		}
		m.saturated = true
		used := min(percent, 100) * vcpusPerPercent
		for len(load) > 0 && load[0].Time.Unix() < seconds {
			load = load[1:]
		}
		if len(load) == 0 || load[0].Time.Unix() > seconds || !scaling.IsValidSample(load[0].Value) {
			m.demand += used
			m.censored = true
			continue
		}
		m.demand += max(used, load[0].Value)
		load = load[1:]
	}
}

// isComplete says whether every instance has a sample of the minute.
func (t timeline) isComplete(n int) bool {
	return t.instanceCount > 0 && t.minutes[n].reporting == t.instanceCount
}

// lastMinutes is the last minutes of a timeline.
func (t timeline) lastMinutes(length time.Duration) timeline {
	n := max(0, len(t.minutes)-minutesCovering(length))
	t.start = t.start.Add(time.Duration(n) * samplePeriod)
	t.minutes = t.minutes[n:]
	return t
}

// newestMinute is the start of the newest minute of a timeline.
func (t timeline) newestMinute() time.Time {
	return t.start.Add(time.Duration(len(t.minutes)-1) * samplePeriod)
}

// timelineSummary is what a timeline comes to.
type timelineSummary struct {
	completeMinutes        int // complete minutes
	newestMinute           time.Time
	meanDemand, peakDemand float64 // vCPUs
	saturated, censored    bool
}

// summarize adds the complete minutes up.
func (t timeline) summarize() timelineSummary {
	var s timelineSummary
	total, last := 0.0, 0
	for n := range t.minutes {
		m := &t.minutes[n]
		if m.reporting != t.instanceCount || m.reporting == 0 {
			continue
		}
		s.completeMinutes++
		last = n
		total += m.demand
		s.peakDemand = max(s.peakDemand, m.demand)
		s.saturated = s.saturated || m.saturated
		s.censored = s.censored || m.censored
	}
	if s.completeMinutes > 0 {
		s.meanDemand = total / float64(s.completeMinutes)
		s.newestMinute = t.start.Add(time.Duration(last) * samplePeriod)
	}
	return s
}

// hasCoverage says whether a sum covers so many minutes well enough to call for more capacity.
func (s timelineSummary) hasCoverage(of int) bool {
	return s.completeMinutes > 0 && float64(s.completeMinutes) >= minCoverage*float64(of)
}
