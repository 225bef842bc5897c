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
	// operationDuration is how long a change takes in the world.
	operationDuration = 15 * time.Minute
	// decisionInterval is how often it decides.
	decisionInterval = 5 * time.Minute
	// retainedMinutes is how many minutes of samples it shows.
	retainedMinutes = 6 * 60
)

// fakeCluster is a cluster whose readers share a demand by their vCPUs and whose operations always succeed after a while.
type fakeCluster struct {
	policy      scaling.Policy
	demandVCPUs func(minute int) float64 // vCPUs
	missing     func(minute int) bool
	// dbLoadUnavailable hides DBLoadCPU.
	dbLoadUnavailable bool
	observation       scaling.Observation
	now               time.Time
	minute            int
	operation         *scaling.Operation
	record            scaling.OperationRecord
	changes           []string
	onEntry           func(Entry)
}

var instanceClasses = []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge"}

// classPrices are the prices of the ladder.
func classPrices() map[string]scaling.Money {
	out := map[string]scaling.Money{}
	for n, class := range instanceClasses {
		out[class] = 260_000 << n
	}
	return out
}

// randomPolicy draws a policy that makes sense.
func randomPolicy(r *rand.Rand) scaling.Policy {
	first := r.IntN(3)
	least := 1 + r.IntN(2)
	p := scaling.Policy{
		Name: "platform/engine", Namespace: "platform", Mode: scaling.Enforce,
		Target: scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "engine"},
		Readers: &scaling.ReaderLimits{
			InstanceClasses: instanceClasses[first : first+1+r.IntN(len(instanceClasses)-first)], Min: least, Max: least + r.IntN(5),
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

// newFakeCluster begins with so many readers of a class, all the operator's own.
func newFakeCluster(p scaling.Policy, class string, count int, demand func(int) float64) *fakeCluster {
	w := &fakeCluster{policy: p, demandVCPUs: demand, now: now, missing: func(int) bool { return false }, onEntry: func(Entry) {}}
	tags := map[string]string{scaling.TagOptIn: "platform"}
	w.observation = scaling.Observation{
		Found: true, Engine: "aurora-postgresql", EngineVersion: "16.1", Status: scaling.StatusAvailable, Tags: tags,
		Orderable: slices.Clone(instanceClasses), WriterChangedAt: now.Add(-48 * time.Hour), ReadersChangedAt: now.Add(-48 * time.Hour),
		Instances: []scaling.Instance{{Identifier: "w", Class: "db.r6g.large", Writer: true, Status: scaling.StatusAvailable, Tags: tags}},
	}
	for range count {
		w.addReader(class)
	}
	w.advanceMinutes(retainedMinutes)
	return w
}

// addReader is one reader more.
func (w *fakeCluster) addReader(class string) {
	w.observation.Instances = append(w.observation.Instances, scaling.Instance{
		Identifier: fmt.Sprintf("r%d-%d", len(w.observation.Instances), w.minute), Class: class, Status: scaling.StatusAvailable, PromotionTier: 15,
		CreatedAt: w.now, Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	})
}

// readerVCPUs of the readers together.
func (w *fakeCluster) readerVCPUs() float64 {
	total := 0
	for _, i := range w.observation.PoolInstances(scaling.Readers) {
		total += mustClass(catalog.Lookup(i.Class)).VCPU
	}
	return float64(total)
}

func mustClass(c catalog.Class, err error) catalog.Class {
	if err != nil {
		panic(err)
	}
	return c
}

// advanceMinutes lets so many minutes pass.
func (w *fakeCluster) advanceMinutes(minutes int) {
	for range minutes {
		at := w.now.Add(-time.Minute)
		demand, capacity := w.demandVCPUs(w.minute), w.readerVCPUs()
		for n := range w.observation.Instances {
			i := &w.observation.Instances[n]
			class := mustClass(catalog.Lookup(i.Class))
			load := 0.2
			if !i.Writer {
				load = demand * float64(class.VCPU) / capacity
			}
			if !w.missing(w.minute) {
				i.CPU = appendRetained(i.CPU, at, min(100, 100*load/float64(class.VCPU)))
				if !w.dbLoadUnavailable {
					i.DBLoadCPU = appendRetained(i.DBLoadCPU, at, load)
				}
			}
			if w.minute%5 == 0 {
				i.FreeableMemory = appendRetained(i.FreeableMemory, at, 0.4*float64(class.MemoryBytes))
				i.Connections = appendRetained(i.Connections, at, 10)
			}
		}
		w.minute++
		w.now = w.now.Add(time.Minute)
	}
}

func appendRetained(s scaling.Series, at time.Time, value float64) scaling.Series {
	if len(s) >= 2*retainedMinutes {
		s = slices.Clone(s[len(s)-retainedMinutes:])
	}
	return append(s, scaling.Sample{Time: at, Value: value})
}

// decideOnce decides once, or ends what was begun, and lets some time pass.
func (w *fakeCluster) decideOnce() {
	defer w.advanceMinutes(int(decisionInterval / time.Minute))
	w.observation.ObservedAt = w.now
	if w.operation != nil {
		if w.now.Sub(w.operation.StartedAt) >= operationDuration {
			w.completeOperation()
		}
		return
	}
	e := Decide(Inputs{Policy: w.policy, Observation: w.observation, Now: w.now})
	w.onEntry(e)
	if proposal, op, approved := e.ApprovedProposal(); approved {
		w.operation = &op
		w.record = scaling.OperationRecord{Pool: proposal.Pool, Direction: proposal.Direction, Succeeded: true, StartedAt: w.now}
		w.changes = append(w.changes, fmt.Sprintf("%s %s: %s → %s (%s)", w.now.Format("Mon 15:04"), proposal.Reason, proposal.From, proposal.To, proposal.Cause))
	}
}

// completeOperation makes the readers what the operation wants.
func (w *fakeCluster) completeOperation() {
	to := w.operation.To
	readers := w.observation.Instances[1:]
	for n := range readers {
		if readers[n].Class != to.InstanceClass {
			readers[n].Class, readers[n].CPU = to.InstanceClass, nil // an old percentage is of another machine
		}
	}
	w.observation.Instances = w.observation.Instances[:1+min(len(readers), to.Count)]
	for len(w.observation.Instances) < 1+to.Count {
		w.addReader(to.InstanceClass)
	}
	w.observation.ReadersChangedAt = w.now
	w.record.CompletedAt = w.now
	w.observation.History = append(scaling.History{w.record}, w.observation.History...)
	w.operation = nil
}
