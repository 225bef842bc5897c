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
	// takes is how long a change takes in the world.
	takes = 15 * time.Minute
	// pace is how often it decides.
	pace = 5 * time.Minute
	// kept is how many minutes of samples it shows.
	kept = 6 * 60
)

// world is a cluster whose readers share a demand by their vCPUs and whose operations always succeed after a while.
type world struct {
	policy  scaling.Policy
	demand  func(minute int) float64 // vCPUs
	missing func(minute int) bool
	// blind hides DBLoadCPU.
	blind   bool
	o       scaling.Observation
	now     time.Time
	minute  int
	started *scaling.Operation
	past    scaling.OperationRecord
	changes []string
	entries func(Entry)
}

var ladderOf = []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge"}

// cents are the prices of the ladder.
func cents() map[string]scaling.Money {
	out := map[string]scaling.Money{}
	for n, class := range ladderOf {
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
			InstanceClasses: ladderOf[first : first+1+r.IntN(len(ladderOf)-first)], Min: least, Max: least + r.IntN(5),
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
		p.Prices = cents()
		p.Guardrails.MaxHourlyCost = scaling.Money(1+r.IntN(40)) * scaling.Dollar / 2
	}
	return p
}

// newWorld begins with so many readers of a class, all the operator's own.
func newWorld(p scaling.Policy, class string, count int, demand func(int) float64) *world {
	w := &world{policy: p, demand: demand, now: now, missing: func(int) bool { return false }, entries: func(Entry) {}}
	tags := map[string]string{scaling.TagOptIn: "platform"}
	w.o = scaling.Observation{
		Found: true, Engine: "aurora-postgresql", EngineVersion: "16.1", Status: scaling.StatusAvailable, Tags: tags,
		Orderable: slices.Clone(ladderOf), WriterChangedAt: now.Add(-48 * time.Hour), ReadersChangedAt: now.Add(-48 * time.Hour),
		Instances: []scaling.Instance{{Identifier: "w", Class: "db.r6g.large", Writer: true, Status: scaling.StatusAvailable, Tags: tags}},
	}
	for range count {
		w.add(class)
	}
	w.live(kept)
	return w
}

// add is one reader more.
func (w *world) add(class string) {
	w.o.Instances = append(w.o.Instances, scaling.Instance{
		Identifier: fmt.Sprintf("r%d-%d", len(w.o.Instances), w.minute), Class: class, Status: scaling.StatusAvailable, PromotionTier: 15,
		CreatedAt: w.now, Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	})
}

// vcpus of the readers together.
func (w *world) vcpus() float64 {
	total := 0
	for _, i := range w.o.PoolInstances(scaling.Readers) {
		total += must(catalog.Lookup(i.Class)).VCPU
	}
	return float64(total)
}

func must(c catalog.Class, err error) catalog.Class {
	if err != nil {
		panic(err)
	}
	return c
}

// live lets so many minutes pass.
func (w *world) live(minutes int) {
	for range minutes {
		at := w.now.Add(-time.Minute)
		demand, capacity := w.demand(w.minute), w.vcpus()
		for n := range w.o.Instances {
			i := &w.o.Instances[n]
			class := must(catalog.Lookup(i.Class))
			load := 0.2
			if !i.Writer {
				load = demand * float64(class.VCPU) / capacity
			}
			if !w.missing(w.minute) {
				i.CPU = keep(i.CPU, at, min(100, 100*load/float64(class.VCPU)))
				if !w.blind {
					i.DBLoadCPU = keep(i.DBLoadCPU, at, load)
				}
			}
			if w.minute%5 == 0 {
				i.FreeableMemory = keep(i.FreeableMemory, at, 0.4*float64(class.MemoryBytes))
				i.Connections = keep(i.Connections, at, 10)
			}
		}
		w.minute++
		w.now = w.now.Add(time.Minute)
	}
}

func keep(s scaling.Series, at time.Time, value float64) scaling.Series {
	if len(s) >= 2*kept {
		s = slices.Clone(s[len(s)-kept:])
	}
	return append(s, scaling.Sample{Time: at, Value: value})
}

// step decides once, or ends what was begun, and lets some time pass.
func (w *world) step() {
	defer w.live(int(pace / time.Minute))
	w.o.ObservedAt = w.now
	if w.started != nil {
		if w.now.Sub(w.started.StartedAt) >= takes {
			w.finish()
		}
		return
	}
	e := Decide(Inputs{Policy: w.policy, Observation: w.o, Now: w.now})
	w.entries(e)
	if proposal, op, approved := e.Approved(); approved {
		w.started = &op
		w.past = scaling.OperationRecord{Pool: proposal.Pool, Direction: proposal.Direction, Succeeded: true, StartedAt: w.now}
		w.changes = append(w.changes, fmt.Sprintf("%s %s: %s → %s (%s)", w.now.Format("Mon 15:04"), proposal.Reason, proposal.From, proposal.To, proposal.Cause))
	}
}

// finish makes the readers what the operation wants.
func (w *world) finish() {
	to := w.started.To
	readers := w.o.Instances[1:]
	for n := range readers {
		if readers[n].Class != to.InstanceClass {
			readers[n].Class, readers[n].CPU = to.InstanceClass, nil // an old percentage is of another machine
		}
	}
	w.o.Instances = w.o.Instances[:1+min(len(readers), to.Count)]
	for len(w.o.Instances) < 1+to.Count {
		w.add(to.InstanceClass)
	}
	w.o.ReadersChangedAt = w.now
	w.past.CompletedAt = w.now
	w.o.History = append(scaling.History{w.past}, w.o.History...)
	w.started = nil
}
