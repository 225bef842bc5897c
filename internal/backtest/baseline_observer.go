package backtest

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// loadAveragePeriod is what an agent on the machine averages over, and retryPeriod how soon waiting work is asked for again: it shows
	// as so many more that want a CPU.
	loadAveragePeriod = time.Minute
	retryPeriod       = 10 * time.Minute
)

// baselineObserver are what another autoscaler sees with: the means of the pool that CloudWatch has, and what runs on the machines now.
type baselineObserver struct {
	world    *model.World
	setup    Setup
	lookback time.Duration
	// cursor is up to where what was published has been taken in.
	cursor          time.Time
	cpu, hottestCPU scaling.Series
	// newMinutes adds up the minutes that are being taken in.
	newMinutes []minuteSum
	// loadSamples are the last looks at what runs, and next is where the following one goes.
	loadSamples    []float64
	nextLoadSample int
}

// minuteSum are of the instances that published a minute.
type minuteSum struct {
	instances      int
	total, hottest float64
}

func newBaselineObserver(w *model.World, s Setup, p baseline.Autoscaler) baselineObserver {
	looks := max(1, int(loadAveragePeriod/max(p.Interval, time.Second)))
	return baselineObserver{world: w, setup: s, lookback: max(p.Lookback, time.Hour), cursor: w.Now(), loadSamples: make([]float64, 0, looks)}
}

// observe brings a view up to date.
func (e *baselineObserver) observe(now time.Time, view *baseline.Observation) {
	first := e.cursor
	e.newMinutes = e.newMinutes[:0]
	e.cursor = e.world.ForEachPublished(e.setup.Policy.Target.Scope.Region, e.setup.Policy.Target.Identifier, first, func(r model.InstanceMetrics) {
		if r.IsWriter != (e.setup.Pool == scaling.Writer) {
			return
		}
		n := int(r.Time.Sub(first) / time.Minute)
		for len(e.newMinutes) <= n {
			e.newMinutes = append(e.newMinutes, minuteSum{})
		}
		e.newMinutes[n].instances++
		e.newMinutes[n].total += r.CPUPercent
		e.newMinutes[n].hottest = max(e.newMinutes[n].hottest, r.CPUPercent)
	})
	for n, s := range e.newMinutes {
		if at := first.Add(time.Duration(n) * time.Minute); s.instances > 0 {
			e.cpu = append(e.cpu, scaling.Sample{Time: at, Value: s.total / float64(s.instances)})
			e.hottestCPU = append(e.hottestCPU, scaling.Sample{Time: at, Value: s.hottest})
		}
	}
	if n := e.cpu.IndexFrom(now.Add(-e.lookback)); n > len(e.cpu)/2 {
		e.cpu, e.hottestCPU = append(scaling.Series(nil), e.cpu[n:]...), append(scaling.Series(nil), e.hottestCPU[n:]...)
	}
	view.CPUPercent, view.HottestPercent, view.RunningVCPUs = e.cpu, e.hottestCPU, e.averageLoad()
	if !isRecorded(e.setup.Recording, now) {
		view.RunningVCPUs = math.NaN() // nobody is told anything in a gap
	}
}

// averageLoad is the vCPUs that had or wanted a CPU, over the last minute.
func (e *baselineObserver) averageLoad() float64 {
	writer, readers, _ := e.world.PoolGroundTruth(e.setup.Policy.Target.Scope.Region, e.setup.Policy.Target.Identifier)
	pool := readers
	if e.setup.Pool == scaling.Writer {
		pool = writer
	}
	value := pool.DemandVCPUs + pool.BacklogVCPUSeconds/retryPeriod.Seconds()
	if len(e.loadSamples) < cap(e.loadSamples) {
		e.loadSamples = append(e.loadSamples, value)
	} else {
		e.loadSamples[e.nextLoadSample%len(e.loadSamples)] = value
	}
	e.nextLoadSample++
	total := 0.0
	for _, v := range e.loadSamples {
		total += v
	}
	return total / float64(len(e.loadSamples))
}
