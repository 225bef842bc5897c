package decide

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// samplePeriod is the period of RDS metrics (RDS user guide, "Monitoring metrics").
	samplePeriod = time.Minute
	// finalizationDelay is how long after its end the sample of a minute may still change. Until then it is not used.
	finalizationDelay = 60 * time.Second
	// WarmUp is how long samples are ignored after a change: a new host starts with a cold cache, which makes queries more
	// expensive.
	WarmUp = 5 * time.Minute
	// SaturationPercent is scaling.SaturationPercent.
	SaturationPercent = scaling.SaturationPercent
	// publicationDelay is the longest time from the start of a minute until its sample is published.
	publicationDelay = 3 * time.Minute
	// minCoverage is the share of a window's minutes that must have samples for a scale-up. A scale-down
	// needs more: see estimateGaps.
	minCoverage = 0.8
	// usualScaleUpWindow and usualScaleDownWindow are the windows up to which a decision allocates no memory for the minutes.
	usualScaleUpWindow, usualScaleDownWindow = 15 * time.Minute, 4 * time.Hour
)

// minuteLoad is the load of a pool in one minute.
type minuteLoad struct {
	demand    float64 // vCPUs, summed over the instances
	reporting int32   // number of instances with a sample
	saturated bool    // an instance was saturated
	censored  bool    // a saturated instance had no DBLoadCPU sample that shows its demand
}

// timeline is the load of a pool minute by minute. A minute counts only when every instance has a sample.
type timeline struct {
	start         time.Time // of minutes[0]
	minutes       []minuteLoad
	instanceCount int32
}

// poolInstance is an instance with the figures and the family of its class.
type poolInstance struct {
	*scaling.Instance
	vcpus       float64
	memoryBytes float64
	ebs         catalog.EBSLimits // that it sustains
	family      string
	// burstable says that it has CPU credits, and standardCredits that it runs at its baseline without them.
	burstable, standardCredits bool
}

// poolInstances lists the instances of a pool with the figures of their classes. The error names the class that the catalog
// does not have.
func poolInstances(o *scaling.Observation, pool scaling.Pool) ([]poolInstance, error) {
	return appendPoolInstances(nil, o, pool)
}

// appendPoolInstances appends them to others.
func appendPoolInstances(out []poolInstance, o *scaling.Observation, pool scaling.Pool) ([]poolInstance, error) {
	if pool == scaling.Writer {
		out = slices.Grow(out, 1)
	} else {
		out = slices.Grow(out, len(o.Instances))
	}
	var class *catalog.Class
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		if class == nil || class.Name != i.Class { // most instances have the class of the one before
			var err error
			if class, err = catalog.Find(i.Class); err != nil {
				return nil, err
			}
		}
		out = append(out, poolInstance{i, class.VCPUFor(o.Engine), float64(class.MemoryBytes), class.BaselineEBS,
			class.Family, class.Burstable, class.Family == "t2"})
	}
	return out, nil
}

// newestFinalMinute is the start of the newest minute whose samples no longer change.
func newestFinalMinute(now time.Time) time.Time {
	return now.Add(-finalizationDelay).Truncate(samplePeriod).Add(-samplePeriod)
}

// minutesCovering is the number of samples in a window, rounded up to whole minutes.
func minutesCovering(window time.Duration) int {
	return int((window + samplePeriod - 1) / samplePeriod)
}

// newestCommonSample is the start of the newest minute that every instance in service has published; zero when one has
// published nothing.
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

// newTimeline adds up the samples of a pool over the window that ends with the newest minute that is published and final.
// Minutes before the pool last changed, and the warm-up after that, stay empty. A zero changedAt means that it is changing. The timeline is
// in the array of buffer, which may be nil, when that is large enough.
func newTimeline(buffer []minuteLoad, instances []poolInstance, changedAt, now time.Time, window time.Duration) timeline {
	last := newestFinalMinute(now)
	if published := newestCommonSample(instances).Truncate(samplePeriod); published.Before(last) {
		last = published
	}
	t := timeline{instanceCount: int32(len(instances)), minutes: emptyMinutes(buffer, minutesCovering(window))}
	t.start = last.Add(-time.Duration(len(t.minutes)-1) * samplePeriod)
	if changedAt.IsZero() {
		return t
	}
	from := laterOf(t.start, changedAt.Add(WarmUp))
	for n := range instances {
		t.addSamples(&instances[n], from)
	}
	return t
}

// emptyMinutes is a number of minutes without samples, in the array of buffer when that is large enough.
func emptyMinutes(buffer []minuteLoad, count int) []minuteLoad {
	if count > len(buffer) {
		return make([]minuteLoad, count)
	}
	clear(buffer[:count])
	return buffer[:count]
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// addSamples adds the samples of an instance from a time on. The demand of a saturated minute is the vCPUs used or DBLoadCPU,
// whichever is larger.
func (t *timeline) addSamples(i *poolInstance, from time.Time) {
	cpu := i.CPU.From(from)
	if cpu.IsEmpty() || cpu.Period() != samplePeriod {
		return
	}
	load, loadOffset := i.DBLoadCPU, 0
	if !load.IsEmpty() && load.Period() == samplePeriod {
		loadOffset = load.PeriodOf(cpu.Start())
	} else {
		load = scaling.Series{}
	}
	vcpusPerPercent := i.vcpus / 100
	minutes := t.minutes[min(-cpu.PeriodOf(t.start), len(t.minutes)):] // from that of the first sample on
	for n, percent := range cpu.Known() {
		if n >= len(minutes) {
			return
		}
		m := &minutes[n]
		m.reporting++
		if percent < SaturationPercent {
			m.demand += percent * vcpusPerPercent
			continue
		}
		m.saturated = true
		used := min(percent, 100) * vcpusPerPercent
		sessions, known := load.At(n + loadOffset)
		if !known {
			m.demand += used
			m.censored = true
			continue
		}
		m.demand += max(used, sessions)
	}
}

// isComplete reports whether every instance has a sample of the nth minute.
func (t timeline) isComplete(n int) bool {
	return t.instanceCount > 0 && t.minutes[n].reporting == t.instanceCount
}

// lastMinutes is the part of a timeline that covers the window at its end.
func (t timeline) lastMinutes(window time.Duration) timeline {
	n := max(0, len(t.minutes)-minutesCovering(window))
	t.start = t.start.Add(time.Duration(n) * samplePeriod)
	t.minutes = t.minutes[n:]
	return t
}

// newestMinute is the start of the newest minute of a timeline.
func (t timeline) newestMinute() time.Time {
	return t.start.Add(time.Duration(len(t.minutes)-1) * samplePeriod)
}

// timelineSummary describes the complete minutes of a timeline.
type timelineSummary struct {
	completeMinutes        int
	newestMinute           time.Time
	meanDemand, peakDemand float64 // vCPUs
	saturated, censored    bool    // as of minuteLoad, in any of the minutes
}

// summarize adds up the complete minutes.
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
		if m.demand > s.peakDemand { // faster than max, which treats NaN
			s.peakDemand = m.demand
		}
		s.saturated = s.saturated || m.saturated
		s.censored = s.censored || m.censored
	}
	if s.completeMinutes > 0 {
		s.meanDemand = total / float64(s.completeMinutes)
		s.newestMinute = t.start.Add(time.Duration(last) * samplePeriod)
	}
	return s
}

// hasCoverage reports whether enough of a window's minutes are complete for a scale-up.
func (s timelineSummary) hasCoverage(minutes int) bool {
	return s.completeMinutes > 0 && float64(s.completeMinutes) >= minCoverage*float64(minutes)
}
