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

// fakeCluster simulates an Aurora cluster that carries out calls after a delay. At every tick, which is the time between two
// observations, it checks the rules for requests and for the capacity in service.
type fakeCluster struct {
	t         *testing.T
	kind      scaling.TargetKind
	now       time.Time
	status    string
	instances []scaling.Instance
	// events are the pending changes.
	events []scheduledEvent
	// duration returns how many ticks a change takes.
	duration func(scaling.Action) int
	// writerGroups are the parameter groups that the writer must keep.
	writerGroups []string
	// minReaderVCPUs is the minimum of reader vCPUs in service.
	minReaderVCPUs int
	// checkPromotion requires that, from the failover on, the reader that Aurora would promote is as large as the writer.
	checkPromotion bool
	// requests are the calls so far, as text, and action is that of the newest.
	requests []string
	action   scaling.Action
}

type scheduledEvent struct {
	ticks  int
	apply  func()
	action scaling.Action // that caused it
}

// typicalTicks returns about as many ticks as AWS takes.
func typicalTicks(a scaling.Action) int {
	return map[scaling.Action]int{
		scaling.ModifyInstanceClass: 40, scaling.CreateReader: 30, scaling.DeleteReader: 12, scaling.Failover: 3,
	}[a]
}

func newFakeCluster(t *testing.T, o scaling.Observation) *fakeCluster {
	t.Helper()
	return &fakeCluster{
		t: t, kind: o.Kind, now: o.ObservedAt, status: o.Status, instances: slices.Clone(o.Instances), duration: typicalTicks,
		writerGroups: o.PoolInstances(scaling.Writer)[0].ParameterGroups,
	}
}

func (f *fakeCluster) observe() scaling.Observation {
	o := auroraCluster(slices.Clone(f.instances)...)
	o.ObservedAt, o.Status, o.Kind = f.now, f.status, f.kind
	slices.SortFunc(o.Instances, func(a, b scaling.Instance) int { // the writer first, as the observer does
		return compareBool(!a.Writer, !b.Writer)
	})
	return o
}

func (f *fakeCluster) schedule(ticks int, happen func()) {
	f.events = append(f.events, scheduledEvent{ticks, happen, f.action})
}

func (f *fakeCluster) editLater(name string, edit func(*scaling.Instance)) func() {
	return func() {
		for n := range f.instances {
			if f.instances[n].Identifier == name {
				edit(&f.instances[n])
			}
		}
	}
}

// tick advances the time and checks the invariants.
func (f *fakeCluster) tick() {
	f.now = f.now.Add(PollInterval)
	var due []scheduledEvent
	rest := f.events[:0]
	for _, e := range f.events {
		if e.ticks--; e.ticks > 0 {
			rest = append(rest, e)
		} else {
			due = append(due, e)
		}
	}
	f.events = rest
	for _, e := range due {
		e.apply()
	}
	f.checkInvariants()
}

func (f *fakeCluster) checkInvariants() {
	f.t.Helper()
	var unavailable []string
	serving := 0
	for _, i := range f.instances {
		if i.Status == "creating" { // several readers are created at once
			continue
		}
		if !i.IsAvailable() {
			unavailable = append(unavailable, i.Identifier+" is "+i.Status)
		} else if !i.Writer {
			serving += mustVCPUs(f.t, i.Class)
		}
	}
	if len(unavailable) > 1 {
		f.t.Errorf("%s: more than one instance out of service: %q", f.now.Format(time.TimeOnly), unavailable)
	}
	if groups := f.observe().PoolInstances(scaling.Writer)[0].ParameterGroups; !slices.Equal(groups, f.writerGroups) {
		f.t.Errorf("%s: the writer has the parameter groups %v, want %v", f.now.Format(time.TimeOnly), groups, f.writerGroups)
	}
	if f.checkPromotion && f.status == scaling.StatusAvailable && slices.ContainsFunc(f.requests, func(s string) bool { return strings.HasPrefix(s, "Failover") }) {
		f.checkPromotionCandidate()
	}
	if serving < f.minReaderVCPUs {
		f.t.Errorf("%s: %d vCPUs of readers in service, want at least %d: %q", f.now.Format(time.TimeOnly), serving, f.minReaderVCPUs, unavailable)
	}
}

// checkPromotionCandidate checks the size of the reader that Aurora would promote: of the best tier, the largest.
func (f *fakeCluster) checkPromotionCandidate() {
	f.t.Helper()
	o := f.observe()
	readers := slices.DeleteFunc(o.PoolInstances(scaling.Readers), func(i scaling.Instance) bool { return !i.IsAvailable() })
	if len(readers) == 0 {
		f.t.Errorf("%s: no reader can be promoted", f.now.Format(time.TimeOnly))
		return
	}
	candidate := slices.MinFunc(readers, func(a, b scaling.Instance) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(mustVCPUs(f.t, b.Class), mustVCPUs(f.t, a.Class)))
	})
	if writer := o.PoolInstances(scaling.Writer)[0]; mustVCPUs(f.t, candidate.Class) < mustVCPUs(f.t, writer.Class) {
		f.t.Errorf("%s: %s (%s) would replace the larger writer %s (%s)", f.now.Format(time.TimeOnly), candidate.Identifier, candidate.Class, writer.Identifier, writer.Class)
	}
}

// execute carries out a call as AWS does. It reports calls that AWS would reject and calls that must never be made.
func (f *fakeCluster) execute(c scaling.Call) {
	f.t.Helper()
	request := fmt.Sprintf("%s %s", c.Action, c.Instance)
	if slices.Contains(f.requests, request) {
		f.t.Errorf("%s: %s requested again", f.now.Format(time.TimeOnly), request)
	}
	f.requests = append(f.requests, request)
	f.action = c.Action
	isOtherChange := func(e scheduledEvent) bool {
		return c.Action != scaling.CreateReader || e.action != scaling.CreateReader
	}
	if slices.ContainsFunc(f.events, isOtherChange) || f.status != scaling.StatusAvailable {
		f.t.Errorf("%s: %s requested during another change", f.now.Format(time.TimeOnly), request)
	}
	i, exists := f.observe().Instance(c.Instance)
	if exists == (c.Action == scaling.CreateReader) {
		f.t.Errorf("%s: %s, instance exists: %t", f.now.Format(time.TimeOnly), request, exists)
		return
	}
	// A change is visible after one tick and in progress after two.
	takes := f.duration(c.Action)
	switch c.Action {
	case scaling.ModifyInstanceClass:
		if i.Writer && canPromoteReader(f.observe()) {
			f.t.Errorf("%s: %s, the writer", f.now.Format(time.TimeOnly), request)
		}
		f.schedule(1, f.editLater(c.Instance, func(i *scaling.Instance) { i.PendingClass = c.InstanceClass }))
		f.schedule(2, f.editLater(c.Instance, func(i *scaling.Instance) { i.Status = "modifying" }))
		f.schedule(2+takes, f.editLater(c.Instance, func(i *scaling.Instance) {
			i.Status, i.Class, i.PendingClass = scaling.StatusAvailable, c.InstanceClass, ""
		}))
	case scaling.CreateReader:
		f.schedule(1, func() {
			f.instances = append(f.instances, scaling.Instance{
				Identifier: c.Instance, Class: c.InstanceClass, Status: "creating", PromotionTier: c.PromotionTier, Tags: c.Tags,
				ParameterGroups: f.observe().PoolInstances(scaling.Writer)[0].ParameterGroups, // as package awsx requests it
			})
		})
		f.schedule(1+takes, f.editLater(c.Instance, func(i *scaling.Instance) { i.Status, i.CreatedAt = scaling.StatusAvailable, f.now }))
		f.schedule(3+takes, f.editLater(c.Instance, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: f.now, Value: 10 * time.Minute} }))
		f.schedule(5+takes, f.editLater(c.Instance, func(i *scaling.Instance) {
			i.ReplicaLag = &scaling.Lag{MeasuredAt: f.now, Value: 80 * time.Millisecond}
		}))
	case scaling.DeleteReader:
		if i.Writer || i.Tags[scaling.TagCreatedBy] != "dbscaler" {
			f.t.Errorf("%s: %s, not created by the operator: %+v", f.now.Format(time.TimeOnly), request, i)
		}
		f.schedule(2, f.editLater(c.Instance, func(i *scaling.Instance) { i.Status = "deleting" }))
		f.schedule(2+takes, func() {
			f.instances = slices.DeleteFunc(f.instances, func(i scaling.Instance) bool { return i.Identifier == c.Instance })
		})
	case scaling.Failover:
		f.schedule(1, func() { f.status = "failing-over" })
		f.schedule(1+takes, func() {
			f.status = scaling.StatusAvailable
			for n := range f.instances {
				f.instances[n].Writer = f.instances[n].Identifier == c.Instance
			}
		})
	default:
		f.t.Errorf("%s: unknown action", request)
	}
}

// readerVCPUs returns the total vCPUs of the readers.
func (f *fakeCluster) readerVCPUs() int {
	total := 0
	for _, i := range f.observe().PoolInstances(scaling.Readers) {
		total += mustVCPUs(f.t, i.Class)
	}
	return total
}

// disturbance is what goes wrong while the operator carries out an operation.
type disturbance struct {
	// isLost reports whether the nth call, from 0, never reaches AWS.
	isLost func(n int) bool
	// idleTicks returns how many ticks the operator is away after the nth observation, from 0.
	idleTicks func(n int) int
}

func noDisturbance() disturbance {
	return disturbance{func(int) bool { return false }, func(int) int { return 0 }}
}

// run carries out an operation to its end. At each observation it also calls Next a second time with the persisted operation, as
// after a crash: that must not result in a call.
func (f *fakeCluster) run(op scaling.Operation, d disturbance) Progress {
	f.t.Helper()
	calls := 0
	for round := range 5000 {
		o := f.observe()
		progress := Next("platform/engine", op, o, f.now)
		op = progress.Operation
		if again := Next("platform/engine", op, o, f.now); again.Call != nil && slices.Contains(f.requests, fmt.Sprintf("%s %s", again.Call.Action, again.Call.Instance)) {
			f.t.Errorf("%s: %+v requested again after a restart", f.now.Format(time.TimeOnly), *again.Call)
		}
		if progress.Outcome != Running {
			return progress
		}
		isPrompt := progress.RequeueAfter == nextCreateInterval && progress.Call != nil
		if progress.RequeueAfter != PollInterval && !isPrompt || progress.Message == "" {
			f.t.Errorf("got RequeueAfter %s and message %q", progress.RequeueAfter, progress.Message)
		}
		if progress.Call != nil {
			if !d.isLost(calls) {
				f.execute(*progress.Call)
			}
			calls++
		}
		for range 1 + d.idleTicks(round) {
			f.tick()
		}
	}
	f.t.Fatalf("the operation does not end: %s", describeSteps(op.Steps[op.CurrentStep():]))
	return Progress{}
}
