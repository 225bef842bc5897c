package backtest

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// loadAveragePeriod is the period over which an agent on the host averages the load.
	loadAveragePeriod = time.Minute
	// retryPeriod is the time in which clients request waiting work again: the backlog adds so much to the load.
	retryPeriod = 10 * time.Minute
)

// baselineObserver observes the simulated world as another autoscaler does: the pool's metrics in CloudWatch, and the present load
// on the hosts.
type baselineObserver struct {
	world    *model.World
	setup    Setup
	lookback time.Duration
	// cursor is the time up to which published metrics were recorded.
	cursor time.Time
	// cpu is the pool's mean CPU and hottestCPU that of the busiest instance, both in percent.
	cpu, hottestCPU scaling.SeriesBuffer
	// newMinutes is the buffer of the minutes that are being recorded.
	newMinutes []minuteSum
	// loadSamples is a ring buffer of the load in vCPUs, and nextLoadSample the number of samples ever added.
	loadSamples    []float64
	nextLoadSample int
}

// minuteSum sums the CPU of the instances that published a minute, in percent.
type minuteSum struct {
	instances      int
	total, hottest float64
}

func newBaselineObserver(world *model.World, s Setup, autoscaler baseline.Autoscaler) baselineObserver {
	samples := max(1, int(loadAveragePeriod/max(autoscaler.Interval, time.Second)))
	return baselineObserver{
		world: world, setup: s, lookback: max(autoscaler.Lookback, time.Hour), cursor: world.Now(), loadSamples: make([]float64, 0, samples),
		cpu: scaling.NewSeriesBuffer(time.Minute), hottestCPU: scaling.NewSeriesBuffer(time.Minute),
	}
}

// observe updates an observation to the metrics and the load at now.
func (b *baselineObserver) observe(now time.Time, observation *baseline.Observation) {
	first, target := b.cursor, b.setup.Policy.Target
	b.newMinutes = b.newMinutes[:0]
	b.cursor = b.world.ForEachPublished(target.Scope.Region, target.Identifier, first, func(metrics model.InstanceMetrics) {
		if metrics.IsWriter != (b.setup.Pool == scaling.Writer) {
			return
		}
		n := int(metrics.Time.Sub(first) / time.Minute)
		for len(b.newMinutes) <= n {
			b.newMinutes = append(b.newMinutes, minuteSum{})
		}
		b.newMinutes[n].instances++
		b.newMinutes[n].total += metrics.CPUPercent
		b.newMinutes[n].hottest = max(b.newMinutes[n].hottest, metrics.CPUPercent)
	})
	for n, sum := range b.newMinutes {
		if at := first.Add(time.Duration(n) * time.Minute); sum.instances > 0 {
			b.cpu.Add(at, sum.total/float64(sum.instances))
			b.hottestCPU.Add(at, sum.hottest)
		}
	}
	b.cpu.DropBefore(now.Add(-b.lookback))
	b.hottestCPU.DropBefore(now.Add(-b.lookback))
	observation.CPUPercent, observation.HottestPercent, observation.RunningVCPUs = b.cpu.Series(), b.hottestCPU.Series(), b.averageLoad()
	if !isRecorded(b.setup.Recording, now) {
		observation.RunningVCPUs = math.NaN() // nothing is observed in a gap
	}
}

// averageLoad is the mean load of the last minute in vCPUs: the demand, and the backlog that clients request again.
func (b *baselineObserver) averageLoad() float64 {
	writer, readers, _ := b.world.PoolGroundTruth(b.setup.Policy.Target.Scope.Region, b.setup.Policy.Target.Identifier)
	pool := readers
	if b.setup.Pool == scaling.Writer {
		pool = writer
	}
	value := pool.DemandVCPUs + pool.BacklogVCPUSeconds/retryPeriod.Seconds()
	if len(b.loadSamples) < cap(b.loadSamples) {
		b.loadSamples = append(b.loadSamples, value)
	} else {
		b.loadSamples[b.nextLoadSample%len(b.loadSamples)] = value
	}
	b.nextLoadSample++
	total := 0.0
	for _, v := range b.loadSamples {
		total += v
	}
	return total / float64(len(b.loadSamples))
}
