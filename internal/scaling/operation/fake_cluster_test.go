package operation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// fakeCluster is a small Aurora cluster that does what it is asked, in its own time, and in which every rule about what may be
// asked and what must go on serving is checked at every tick. A tick is the time between two looks.
type fakeCluster struct {
	t         *testing.T
	kind      scaling.TargetKind
	now       time.Time
	status    string
	instances []scaling.Instance
	// events is what happens in how many ticks.
	events []scheduledEvent
	// duration is how many ticks a change takes.
	duration func(scaling.Action) int
	// minReaderVCPUs is how many vCPUs of readers must be in service at any time.
	minReaderVCPUs int
	// checkPromotion says that from the failover on, Aurora must have nobody to promote next who is smaller than the writer.
	checkPromotion bool
	// requests is what was asked for, in words.
	requests []string
}

type scheduledEvent struct {
	ticks int
	apply func()
}

// typicalTicks is about as many ticks as AWS takes.
func typicalTicks(a scaling.Action) int {
	return map[scaling.Action]int{
		scaling.ModifyInstanceClass: 40, scaling.CreateReader: 30, scaling.DeleteReader: 12, scaling.Failover: 3,
	}[a]
}

func newFakeCluster(t *testing.T, o scaling.Observation) *fakeCluster {
	t.Helper()
	return &fakeCluster{t: t, kind: o.Kind, now: o.ObservedAt, status: o.Status, instances: slices.Clone(o.Instances), duration: typicalTicks}
}

func (w *fakeCluster) observe() scaling.Observation {
	o := auroraCluster(slices.Clone(w.instances)...)
	o.ObservedAt, o.Status, o.Kind = w.now, w.status, w.kind
	slices.SortFunc(o.Instances, func(a, b scaling.Instance) int { // the writer first, as the observer lists them
		return compareBool(!a.Writer, !b.Writer)
	})
	return o
}

func (w *fakeCluster) schedule(ticks int, happen func()) {
	w.events = append(w.events, scheduledEvent{ticks, happen})
}

func (w *fakeCluster) editLater(name string, edit func(*scaling.Instance)) func() {
	return func() {
		for n := range w.instances {
			if w.instances[n].Identifier == name {
				edit(&w.instances[n])
			}
		}
	}
}

// tick lets time pass and checks what must hold.
func (w *fakeCluster) tick() {
	w.now = w.now.Add(PollInterval)
	var due []scheduledEvent
	rest := w.events[:0]
	for _, e := range w.events {
		if e.ticks--; e.ticks > 0 {
			rest = append(rest, e)
		} else {
			due = append(due, e)
		}
	}
	w.events = rest
	for _, e := range due {
		e.apply()
	}
	w.checkInvariants()
}

func (w *fakeCluster) checkInvariants() {
	w.t.Helper()
	var out []string
	serving := 0
	for _, i := range w.instances {
		if !i.IsAvailable() {
			out = append(out, i.Identifier+" is "+i.Status)
		} else if !i.Writer {
			serving += mustVCPUs(w.t, i.Class)
		}
	}
	if len(out) > 1 {
		w.t.Errorf("%s: more than one instance is out of service: %q", w.now.Format(time.TimeOnly), out)
	}
	if w.checkPromotion && w.status == scaling.StatusAvailable && slices.ContainsFunc(w.requests, func(s string) bool { return strings.HasPrefix(s, "Failover") }) {
		w.checkPromotionCandidate()
	}
	if serving < w.minReaderVCPUs {
		w.t.Errorf("%s: %d vCPUs of readers are in service, %d must be: %q", w.now.Format(time.TimeOnly), serving, w.minReaderVCPUs, out)
	}
}

// checkPromotionCandidate looks at the reader that Aurora would promote: the first tier, then the largest.
func (w *fakeCluster) checkPromotionCandidate() {
	w.t.Helper()
	o := w.observe()
	readers := slices.DeleteFunc(o.PoolInstances(scaling.Readers), func(i scaling.Instance) bool { return !i.IsAvailable() })
	if len(readers) == 0 {
		w.t.Errorf("%s: nobody could succeed the writer", w.now.Format(time.TimeOnly))
		return
	}
	heir := slices.MinFunc(readers, func(a, b scaling.Instance) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(mustVCPUs(w.t, b.Class), mustVCPUs(w.t, a.Class)))
	})
	if writer := o.PoolInstances(scaling.Writer)[0]; mustVCPUs(w.t, heir.Class) < mustVCPUs(w.t, writer.Class) {
		w.t.Errorf("%s: %s, a %s, would succeed %s, a %s", w.now.Format(time.TimeOnly), heir.Identifier, heir.Class, writer.Identifier, writer.Class)
	}
}

// execute carries out a call as AWS does, and objects to what AWS would refuse and to what must never be asked.
func (w *fakeCluster) execute(c scaling.Call) {
	w.t.Helper()
	asked := fmt.Sprintf("%s %s", c.Action, c.Instance)
	if slices.Contains(w.requests, asked) {
		w.t.Errorf("%s: %s is asked for again", w.now.Format(time.TimeOnly), asked)
	}
	w.requests = append(w.requests, asked)
	if len(w.events) > 0 || w.status != scaling.StatusAvailable {
		w.t.Errorf("%s: %s is asked for while something else goes on", w.now.Format(time.TimeOnly), asked)
	}
	i, exists := w.observe().Instance(c.Instance)
	if exists == (c.Action == scaling.CreateReader) {
		w.t.Errorf("%s: %s, and that it exists is %t", w.now.Format(time.TimeOnly), asked, exists)
		return
	}
	// A change shows after one tick, and is at work after two.
	takes := w.duration(c.Action)
	switch c.Action {
	case scaling.ModifyInstanceClass:
		if i.Writer && canPromoteReader(w.observe()) {
			w.t.Errorf("%s: %s, which is the writer", w.now.Format(time.TimeOnly), asked)
		}
		w.schedule(1, w.editLater(c.Instance, func(i *scaling.Instance) { i.PendingClass = c.InstanceClass }))
		w.schedule(2, w.editLater(c.Instance, func(i *scaling.Instance) { i.Status = "modifying" }))
		w.schedule(2+takes, w.editLater(c.Instance, func(i *scaling.Instance) {
			i.Status, i.Class, i.PendingClass = scaling.StatusAvailable, c.InstanceClass, ""
		}))
	case scaling.CreateReader:
		w.schedule(1, func() {
			w.instances = append(w.instances, scaling.Instance{
				Identifier: c.Instance, Class: c.InstanceClass, Status: "creating", PromotionTier: c.PromotionTier, Tags: c.Tags,
			})
		})
		w.schedule(1+takes, w.editLater(c.Instance, func(i *scaling.Instance) { i.Status, i.CreatedAt = scaling.StatusAvailable, w.now }))
		w.schedule(3+takes, w.editLater(c.Instance, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: w.now, Value: time.Minute} }))
		w.schedule(5+takes, w.editLater(c.Instance, func(i *scaling.Instance) {
			i.ReplicaLag = &scaling.Lag{MeasuredAt: w.now, Value: 80 * time.Millisecond}
		}))
	case scaling.DeleteReader:
		if i.Writer || i.Tags[scaling.TagCreatedBy] != "dbscaler" {
			w.t.Errorf("%s: %s, which is not ours to delete: %+v", w.now.Format(time.TimeOnly), asked, i)
		}
		w.schedule(2, w.editLater(c.Instance, func(i *scaling.Instance) { i.Status = "deleting" }))
		w.schedule(2+takes, func() {
			w.instances = slices.DeleteFunc(w.instances, func(i scaling.Instance) bool { return i.Identifier == c.Instance })
		})
	case scaling.Failover:
		w.schedule(1, func() { w.status = "failing-over" })
		w.schedule(1+takes, func() {
			w.status = scaling.StatusAvailable
			for n := range w.instances {
				w.instances[n].Writer = w.instances[n].Identifier == c.Instance
			}
		})
	default:
		w.t.Errorf("%s: nobody knows the action", asked)
	}
}

// readerVCPUs is how many vCPUs the readers have together.
func (w *fakeCluster) readerVCPUs() int {
	total := 0
	for _, i := range w.observe().PoolInstances(scaling.Readers) {
		total += mustVCPUs(w.t, i.Class)
	}
	return total
}

// disturbance is what befalls the operator while it carries out an operation.
type disturbance struct {
	// isLost says whether the nth call, from 0, never reaches AWS.
	isLost func(n int) bool
	// idleTicks is for how many ticks nobody looks after the nth look, from 0.
	idleTicks func(n int) int
}

func noDisturbance() disturbance {
	return disturbance{func(int) bool { return false }, func(int) int { return 0 }}
}

// run carries out an operation to its end. At each look the process dies after it has persisted what it is about to do, and
// looks again: that must not make it ask for anything.
func (w *fakeCluster) run(op scaling.Operation, trouble disturbance) Progress {
	w.t.Helper()
	calls := 0
	for look := range 5000 {
		o := w.observe()
		progress := Next("platform/engine", op, o, w.now)
		op = progress.Operation
		if again := Next("platform/engine", op, o, w.now); again.Call != nil {
			w.t.Errorf("%s: %+v is asked for by whoever looks again", w.now.Format(time.TimeOnly), *again.Call)
		}
		if progress.Outcome != Running {
			return progress
		}
		if progress.RequeueAfter != PollInterval || progress.Message == "" {
			w.t.Errorf("it wants to look again after %s and says %q", progress.RequeueAfter, progress.Message)
		}
		if progress.Call != nil {
			if !trouble.isLost(calls) {
				w.execute(*progress.Call)
			}
			calls++
		}
		for range 1 + trouble.idleTicks(look) {
			w.tick()
		}
	}
	w.t.Fatalf("the operation does not come to an end: %s", describeSteps(op.Steps[op.CurrentStep():]))
	return Progress{}
}
