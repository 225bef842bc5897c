package backtest

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/peer"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// runningOver is what an agent on the machine averages over, and waitingAgain how soon waiting work is asked for again: it shows
	// as so many more that want a CPU.
	runningOver  = time.Minute
	waitingAgain = 10 * time.Minute
)

// eyes are what another autoscaler sees with: the means of the pool that CloudWatch has, and what runs on the machines now.
type eyes struct {
	world *model.World
	setup Setup
	reach time.Duration
	// cursor is up to where what was published has been taken in.
	cursor       time.Time
	cpu, hottest scaling.Series
	// fresh adds up the minutes that are being taken in.
	fresh []sums
	// running are the last looks at what runs, and next is where the following one goes.
	running []float64
	next    int
}

// sums are of the instances that published a minute.
type sums struct {
	count          int
	total, hottest float64
}

func newEyes(w *model.World, s Setup, p peer.Peer) eyes {
	looks := max(1, int(runningOver/max(p.Every, time.Second)))
	return eyes{world: w, setup: s, reach: max(p.Reach, time.Hour), cursor: w.Now(), running: make([]float64, 0, looks)}
}

// look brings a view up to date.
func (e *eyes) look(now time.Time, view *peer.View) {
	first := e.cursor
	e.fresh = e.fresh[:0]
	e.cursor = e.world.ForEachPublished(e.setup.Policy.Target.Scope.Region, e.setup.Policy.Target.Identifier, first, func(r model.InstanceMetrics) {
		if r.IsWriter != (e.setup.Pool == scaling.Writer) {
			return
		}
		n := int(r.Time.Sub(first) / time.Minute)
		for len(e.fresh) <= n {
			e.fresh = append(e.fresh, sums{})
		}
		e.fresh[n].count++
		e.fresh[n].total += r.CPUPercent
		e.fresh[n].hottest = max(e.fresh[n].hottest, r.CPUPercent)
	})
	for n, s := range e.fresh {
		if at := first.Add(time.Duration(n) * time.Minute); s.count > 0 {
			e.cpu = append(e.cpu, scaling.Sample{Time: at, Value: s.total / float64(s.count)})
			e.hottest = append(e.hottest, scaling.Sample{Time: at, Value: s.hottest})
		}
	}
	if n := e.cpu.IndexFrom(now.Add(-e.reach)); n > len(e.cpu)/2 {
		e.cpu, e.hottest = append(scaling.Series(nil), e.cpu[n:]...), append(scaling.Series(nil), e.hottest[n:]...)
	}
	view.CPU, view.Hottest, view.Running = e.cpu, e.hottest, e.average()
	if !recorded(e.setup.Recording, now) {
		view.Running = math.NaN() // nobody is told anything in a gap
	}
}

// average is the vCPUs that had or wanted a CPU, over the last minute.
func (e *eyes) average() float64 {
	writer, readers, _ := e.world.PoolGroundTruth(e.setup.Policy.Target.Scope.Region, e.setup.Policy.Target.Identifier)
	pool := readers
	if e.setup.Pool == scaling.Writer {
		pool = writer
	}
	value := pool.DemandVCPUs + pool.BacklogVCPUSeconds/waitingAgain.Seconds()
	if len(e.running) < cap(e.running) {
		e.running = append(e.running, value)
	} else {
		e.running[e.next%len(e.running)] = value
	}
	e.next++
	total := 0.0
	for _, v := range e.running {
		total += v
	}
	return total / float64(len(e.running))
}
