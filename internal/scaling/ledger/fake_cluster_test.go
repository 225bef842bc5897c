package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// operationDuration is how long an operation takes.
	operationDuration = 15 * time.Minute
	// decisionInterval is how often decisions are made.
	decisionInterval = 5 * time.Minute
	// retainedMinutes is how many minutes of samples are retained.
	retainedMinutes = 6 * 60
)

// fakeCluster simulates a cluster whose readers share a demand in proportion to their vCPUs and whose operations always succeed.
type fakeCluster struct {
	policy      scaling.Policy
	demandVCPUs func(minute int) float64
	missing     func(minute int) bool
	// dbLoadUnavailable says that DBLoadCPU is not published.
	dbLoadUnavailable bool
	observation       scaling.Observation
	samples           map[string]scaling.SeriesBuffer // by instance and metric
	now               time.Time
	minute            int
	operation         *scaling.Operation
	record            scaling.OperationRecord
	changes           []string
	onEntry           func(Entry)
}

var instanceClasses = []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge"}

// classPrices returns the prices of instanceClasses.
func classPrices() map[string]scaling.Money {
	out := map[string]scaling.Money{}
	for n, class := range instanceClasses {
		out[class] = 260_000 << n
	}
	return out
}

// randomPolicy draws a valid policy.
func randomPolicy(r *rand.Rand) scaling.Policy {
	first := r.IntN(3)
	minReaders := 1 + r.IntN(2)
	p := scaling.Policy{
		Name: "platform/engine", Namespace: "platform", Mode: scaling.Enforce,
		Target: scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "engine"},
		Readers: &scaling.ReaderLimits{
			InstanceClasses: instanceClasses[first : first+1+r.IntN(len(instanceClasses)-first)], Min: minReaders, Max: minReaders + r.IntN(5),
			Preference: []scaling.Preference{scaling.Cheapest, scaling.Vertical, scaling.Horizontal}[r.IntN(3)],
			Redundancy: []scaling.Redundancy{scaling.AllReaders, scaling.OneReaderLost}[r.IntN(2)],
		},
		CPU:               scaling.CPU{Target: 55, ScaleUp: 70, ScaleDown: 35},
		ScaleUp:           scaling.Behavior{Window: time.Duration(1+r.IntN(10)) * time.Minute, Cooldown: time.Duration(r.IntN(60)) * time.Minute},
		ScaleDown:         scaling.Behavior{Window: time.Duration(10+r.IntN(200)) * time.Minute, Cooldown: time.Duration(r.IntN(180)) * time.Minute},
		Guardrails:        scaling.Guardrails{MaxOperationsPerDay: 1 + r.IntN(12), SurgeReaders: r.IntN(2)},
		PredictiveScaling: scaling.PredictiveScaling{Trend: r.IntN(2) == 0, History: r.IntN(2) == 0},
	}
	if r.IntN(2) == 0 {
		p.Prices = classPrices()
		p.Guardrails.MaxHourlyCost = scaling.Money(1+r.IntN(40)) * scaling.Dollar / 2
	}
	return p
}

// newFakeCluster starts with readers of one class, all created by the operator.
func newFakeCluster(p scaling.Policy, class string, count int, demand func(int) float64) *fakeCluster {
	f := &fakeCluster{policy: p, demandVCPUs: demand, now: now, missing: func(int) bool { return false }, onEntry: func(Entry) {},
		samples: map[string]scaling.SeriesBuffer{}}
	tags := map[string]string{scaling.TagOptIn: "platform"}
	f.observation = scaling.Observation{
		Found: true, Engine: "aurora-postgresql", EngineVersion: "16.1", Status: scaling.StatusAvailable, Tags: tags,
		Orderable: slices.Clone(instanceClasses), WriterChangedAt: now.Add(-48 * time.Hour), ReadersChangedAt: now.Add(-48 * time.Hour),
		Instances: []scaling.Instance{{Identifier: "w", Class: "db.r6g.large", Writer: true, Status: scaling.StatusAvailable, Tags: tags}},
	}
	for range count {
		f.addReader(class)
	}
	f.advanceMinutes(retainedMinutes)
	return f
}

// addReader adds a reader.
func (f *fakeCluster) addReader(class string) {
	f.observation.Instances = append(f.observation.Instances, scaling.Instance{
		Identifier: fmt.Sprintf("r%d-%d", len(f.observation.Instances), f.minute), Class: class, Status: scaling.StatusAvailable, PromotionTier: 15,
		CreatedAt: f.now, Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	})
}

// readerVCPUs returns the total vCPUs of the readers.
func (f *fakeCluster) readerVCPUs() float64 {
	total := 0.0
	for _, i := range f.observation.PoolInstances(scaling.Readers) {
		total += mustClass(catalog.Lookup(i.Class)).VCPU
	}
	return total
}

func mustClass(c catalog.Class, err error) catalog.Class {
	if err != nil {
		panic(err)
	}
	return c
}

// advanceMinutes advances the time and adds samples.
func (f *fakeCluster) advanceMinutes(minutes int) {
	for range minutes {
		demand, capacity := f.demandVCPUs(f.minute), f.readerVCPUs()
		for n := range f.observation.Instances {
			i := &f.observation.Instances[n]
			class := mustClass(catalog.Lookup(i.Class))
			load := 0.2
			if !i.Writer {
				load = demand * class.VCPU / capacity
			}
			if !f.missing(f.minute) {
				i.CPU = f.retain(i, "cpu", time.Minute, min(100, 100*load/class.VCPU))
				if !f.dbLoadUnavailable {
					i.DBLoadCPU = f.retain(i, "load", time.Minute, load)
				}
			}
			if f.minute%5 == 0 {
				i.FreeableMemory = f.retain(i, "memory", 5*time.Minute, 0.4*float64(class.MemoryBytes))
				i.Connections = f.retain(i, "connections", 5*time.Minute, 10)
			}
		}
		f.minute++
		f.now = f.now.Add(time.Minute)
	}
}

// retain adds a sample to a metric of an instance and returns the samples that are retained.
func (f *fakeCluster) retain(i *scaling.Instance, metric string, period time.Duration, value float64) scaling.Series {
	b, exists := f.samples[i.Identifier+metric]
	if !exists {
		b = scaling.NewSeriesBuffer(period)
	}
	at := f.now.Add(-time.Minute)
	b.Merge(at.Add(-retainedMinutes*time.Minute), scaling.Sample{Time: at, Value: value})
	f.samples[i.Identifier+metric] = b
	return b.Series()
}

// decideOnce makes a decision, or completes the operation in progress when it is due, and advances the time.
func (f *fakeCluster) decideOnce() {
	defer f.advanceMinutes(int(decisionInterval / time.Minute))
	f.observation.ObservedAt = f.now
	if f.operation != nil {
		if f.now.Sub(f.operation.StartedAt) >= operationDuration {
			f.completeOperation()
		}
		return
	}
	e := Decide(Inputs{Policy: f.policy, Observation: f.observation, Now: f.now})
	f.onEntry(e)
	if proposal, op, approved := e.ApprovedProposal(); approved {
		f.operation = &op
		f.record = scaling.OperationRecord{Pool: proposal.Pool, Direction: proposal.Direction, Succeeded: true, StartedAt: f.now}
		f.changes = append(f.changes, fmt.Sprintf("%s %s: %s → %s (%s)", f.now.Format("Mon 15:04"), proposal.Reason, proposal.From, proposal.To, proposal.Cause))
	}
}

// completeOperation gives the readers the desired shape.
func (f *fakeCluster) completeOperation() {
	to := f.operation.To
	readers := f.observation.Instances[1:]
	for n := range readers {
		if readers[n].Class != to.InstanceClass {
			readers[n].Class, readers[n].CPU = to.InstanceClass, scaling.Series{} // the percentages refer to the old class
			delete(f.samples, readers[n].Identifier+"cpu")
		}
	}
	f.observation.Instances = f.observation.Instances[:1+min(len(readers), to.Count)]
	for len(f.observation.Instances) < 1+to.Count {
		f.addReader(to.InstanceClass)
	}
	f.observation.ReadersChangedAt = f.now
	f.record.CompletedAt = f.now
	f.observation.History = append(scaling.History{f.record}, f.observation.History...)
	f.operation = nil
}
