package ledger

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Of a writer that is not scaled, the operator reads the CPU of the last hour and no more (scaling.TrackedTarget.ReadersOnly): no decision
// may depend on more, neither between operations nor during one.
func FuzzDecide_IgnoresSamplesOfUnscaledWriter(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 4))
		p := randomPolicy(r)
		cluster := newFakeCluster(p, p.Readers.InstanceClasses[0], p.Readers.Min, randomDemand(r))
		cluster.dbLoadUnavailable = r.IntN(2) == 0
		cluster.onEntry = func(e Entry) {
			compareWriterSamples(t, e)
			if _, op, approved := e.ApprovedProposal(); approved {
				in := e.Inputs
				in.Operation = &op
				compareWriterSamples(t, Decide(in))
			}
		}
		for range 24 * 60 / int(decisionInterval/time.Minute) {
			cluster.decideOnce()
		}
	})
}

// compareWriterSamples decides again by the same inputs: with the samples of the writer that the operator reads, and with more of them, of a
// writer that was saturated before and lacks memory.
func compareWriterSamples(t *testing.T, e Entry) {
	t.Helper()
	lastHour := e.Inputs.Now.Add(-70 * time.Minute)
	long := func(period time.Duration, value float64) scaling.Series {
		const days = 2
		values := slices.Repeat([]float64{value}, int(days*24*time.Hour/period))
		return scaling.NewSeries(period, e.Inputs.Now.Add(-days*24*time.Hour), values...)
	}
	for name, set := range map[string]func(*scaling.Instance, *scaling.Observation){
		"the samples that are read": func(w *scaling.Instance, o *scaling.Observation) {
			w.CPU, w.DBLoadCPU = w.CPU.From(lastHour), w.DBLoadCPU.From(lastHour)
			w.FreeableMemory, w.Connections, o.WriterCPU = scaling.Series{}, scaling.Series{}, scaling.Series{}
		},
		"more samples": func(w *scaling.Instance, o *scaling.Observation) {
			cpu := scaling.NewSeriesBuffer(time.Minute)
			for at, percent := range long(time.Minute, 100).Before(lastHour).All() {
				cpu.Add(at, percent)
			}
			for at, percent := range w.CPU.From(lastHour).All() {
				cpu.Add(at, percent)
			}
			w.CPU = cpu.Series()
			w.FreeableMemory, w.Connections, o.WriterCPU = long(5*time.Minute, 0), long(5*time.Minute, 1e5), long(15*time.Minute, 100)
			w.IO.ReadIOPS, w.IO.CacheHitRatio, w.Credits.Balance = long(5*time.Minute, 1e6), long(5*time.Minute, 1), long(5*time.Minute, 0)
		},
	} {
		in := e.Inputs
		in.Observation.Instances = slices.Clone(in.Observation.Instances)
		for n := range in.Observation.Instances {
			if i := &in.Observation.Instances[n]; i.Writer {
				set(i, &in.Observation)
			}
		}
		got := Decide(in)
		if !reflect.DeepEqual(got.Decision, e.Decision) || !reflect.DeepEqual(got.Evaluations, e.Evaluations) || got.RequeueAfter != e.RequeueAfter {
			t.Fatalf("%s: with %s the decision is\n%+v\nand not\n%+v", e.Inputs.Now.Format("15:04"), name, got.Decision, e.Decision)
		}
	}
}
