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

// world is a small Aurora cluster that does what it is asked, in its own time, and in which every rule about what may be
// asked and what must go on serving is checked at every tick. A tick is the time between two looks.
type world struct {
	t         *testing.T
	kind      scaling.TargetKind
	now       time.Time
	status    string
	instances []scaling.Instance
	// later is what happens in how many ticks.
	later []event
	// takes is how many ticks a change takes.
	takes func(scaling.Action) int
	// floor is how many vCPUs of readers must be in service at any time.
	floor int
	// succession says that from the failover on, Aurora must have nobody to promote next who is smaller than the writer.
	succession bool
	// accepted is what was asked for, in words.
	accepted []string
}

type event struct {
	ticks  int
	happen func()
}

// usual is about as many ticks as AWS takes.
func usual(a scaling.Action) int {
	return map[scaling.Action]int{
		scaling.ModifyInstanceClass: 40, scaling.CreateReader: 30, scaling.DeleteReader: 12, scaling.Failover: 3,
	}[a]
}

func newWorld(t *testing.T, o scaling.Observation) *world {
	t.Helper()
	return &world{t: t, kind: o.Kind, now: o.ObservedAt, status: o.Status, instances: slices.Clone(o.Instances), takes: usual}
}

func (w *world) observe() scaling.Observation {
	o := cluster(slices.Clone(w.instances)...)
	o.ObservedAt, o.Status, o.Kind = w.now, w.status, w.kind
	slices.SortFunc(o.Instances, func(a, b scaling.Instance) int { // the writer first, as the observer lists them
		return boolean(!a.Writer, !b.Writer)
	})
	return o
}

func (w *world) in(ticks int, happen func()) { w.later = append(w.later, event{ticks, happen}) }

func (w *world) change(name string, edit func(*scaling.Instance)) func() {
	return func() {
		for n := range w.instances {
			if w.instances[n].Identifier == name {
				edit(&w.instances[n])
			}
		}
	}
}

// tick lets time pass and checks what must hold.
func (w *world) tick() {
	w.now = w.now.Add(Poll)
	var due []event
	rest := w.later[:0]
	for _, e := range w.later {
		if e.ticks--; e.ticks > 0 {
			rest = append(rest, e)
		} else {
			due = append(due, e)
		}
	}
	w.later = rest
	for _, e := range due {
		e.happen()
	}
	w.check()
}

func (w *world) check() {
	w.t.Helper()
	var out []string
	serving := 0
	for _, i := range w.instances {
		if !i.IsAvailable() {
			out = append(out, i.Identifier+" is "+i.Status)
		} else if !i.Writer {
			serving += vcpus(w.t, i.Class)
		}
	}
	if len(out) > 1 {
		w.t.Errorf("%s: more than one instance is out of service: %q", w.now.Format(time.TimeOnly), out)
	}
	if w.succession && w.status == scaling.StatusAvailable && slices.ContainsFunc(w.accepted, func(s string) bool { return strings.HasPrefix(s, "Failover") }) {
		w.checkSuccessor()
	}
	if serving < w.floor {
		w.t.Errorf("%s: %d vCPUs of readers are in service, %d must be: %q", w.now.Format(time.TimeOnly), serving, w.floor, out)
	}
}

// checkSuccessor looks at the reader that Aurora would promote: the first tier, then the largest.
func (w *world) checkSuccessor() {
	w.t.Helper()
	o := w.observe()
	readers := slices.DeleteFunc(o.PoolInstances(scaling.Readers), func(i scaling.Instance) bool { return !i.IsAvailable() })
	if len(readers) == 0 {
		w.t.Errorf("%s: nobody could succeed the writer", w.now.Format(time.TimeOnly))
		return
	}
	heir := slices.MinFunc(readers, func(a, b scaling.Instance) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(vcpus(w.t, b.Class), vcpus(w.t, a.Class)))
	})
	if writer := o.PoolInstances(scaling.Writer)[0]; vcpus(w.t, heir.Class) < vcpus(w.t, writer.Class) {
		w.t.Errorf("%s: %s, a %s, would succeed %s, a %s", w.now.Format(time.TimeOnly), heir.Identifier, heir.Class, writer.Identifier, writer.Class)
	}
}

// execute carries out a call as AWS does, and objects to what AWS would refuse and to what must never be asked.
func (w *world) execute(c scaling.Call) {
	w.t.Helper()
	asked := fmt.Sprintf("%s %s", c.Action, c.Instance)
	if slices.Contains(w.accepted, asked) {
		w.t.Errorf("%s: %s is asked for again", w.now.Format(time.TimeOnly), asked)
	}
	w.accepted = append(w.accepted, asked)
	if len(w.later) > 0 || w.status != scaling.StatusAvailable {
		w.t.Errorf("%s: %s is asked for while something else goes on", w.now.Format(time.TimeOnly), asked)
	}
	i, exists := w.observe().Instance(c.Instance)
	if exists == (c.Action == scaling.CreateReader) {
		w.t.Errorf("%s: %s, and that it exists is %t", w.now.Format(time.TimeOnly), asked, exists)
		return
	}
	// A change shows after one tick, and is at work after two.
	takes := w.takes(c.Action)
	switch c.Action {
	case scaling.ModifyInstanceClass:
		if i.Writer && succeeds(w.observe()) {
			w.t.Errorf("%s: %s, which is the writer", w.now.Format(time.TimeOnly), asked)
		}
		w.in(1, w.change(c.Instance, func(i *scaling.Instance) { i.PendingClass = c.InstanceClass }))
		w.in(2, w.change(c.Instance, func(i *scaling.Instance) { i.Status = "modifying" }))
		w.in(2+takes, w.change(c.Instance, func(i *scaling.Instance) {
			i.Status, i.Class, i.PendingClass = scaling.StatusAvailable, c.InstanceClass, ""
		}))
	case scaling.CreateReader:
		w.in(1, func() {
			w.instances = append(w.instances, scaling.Instance{
				Identifier: c.Instance, Class: c.InstanceClass, Status: "creating", PromotionTier: c.PromotionTier, Tags: c.Tags,
			})
		})
		w.in(1+takes, w.change(c.Instance, func(i *scaling.Instance) { i.Status, i.CreatedAt = scaling.StatusAvailable, w.now }))
		w.in(3+takes, w.change(c.Instance, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: w.now, Value: time.Minute} }))
		w.in(5+takes, w.change(c.Instance, func(i *scaling.Instance) {
			i.ReplicaLag = &scaling.Lag{MeasuredAt: w.now, Value: 80 * time.Millisecond}
		}))
	case scaling.DeleteReader:
		if i.Writer || i.Tags[scaling.TagCreatedBy] != "dbscaler" {
			w.t.Errorf("%s: %s, which is not ours to delete: %+v", w.now.Format(time.TimeOnly), asked, i)
		}
		w.in(2, w.change(c.Instance, func(i *scaling.Instance) { i.Status = "deleting" }))
		w.in(2+takes, func() {
			w.instances = slices.DeleteFunc(w.instances, func(i scaling.Instance) bool { return i.Identifier == c.Instance })
		})
	case scaling.Failover:
		w.in(1, func() { w.status = "failing-over" })
		w.in(1+takes, func() {
			w.status = scaling.StatusAvailable
			for n := range w.instances {
				w.instances[n].Writer = w.instances[n].Identifier == c.Instance
			}
		})
	default:
		w.t.Errorf("%s: nobody knows the action", asked)
	}
}

// readers is how many vCPUs the readers have together.
func (w *world) readers() int {
	total := 0
	for _, i := range w.observe().PoolInstances(scaling.Readers) {
		total += vcpus(w.t, i.Class)
	}
	return total
}

// trouble is what befalls the operator while it carries out an operation.
type trouble struct {
	// loses says whether the nth call, from 0, never reaches AWS.
	loses func(n int) bool
	// sleeps is for how many ticks nobody looks after the nth look, from 0.
	sleeps func(n int) int
}

func none() trouble {
	return trouble{func(int) bool { return false }, func(int) int { return 0 }}
}

// run carries out an operation to its end. At each look the process dies after it has persisted what it is about to do, and
// looks again: that must not make it ask for anything.
func (w *world) run(op scaling.Operation, trouble trouble) Progress {
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
		if progress.RequeueAfter != Poll || progress.Message == "" {
			w.t.Errorf("it wants to look again after %s and says %q", progress.RequeueAfter, progress.Message)
		}
		if progress.Call != nil {
			if !trouble.loses(calls) {
				w.execute(*progress.Call)
			}
			calls++
		}
		for range 1 + trouble.sleeps(look) {
			w.tick()
		}
	}
	w.t.Fatalf("the operation does not come to an end: %s", narrative(op.Steps[op.CurrentStep():]))
	return Progress{}
}
