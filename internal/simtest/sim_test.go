package simtest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/controllers"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// sim is one play: a plan, the world that it happens in, and who acts in it. Everything happens in one goroutine.
type sim struct {
	ctx    context.Context // of every reconcile: a play is one call
	seed   uint64
	plan   *plan
	random *rand.Rand
	now    time.Time
	// skew is how far the managers' clock is ahead of AWS's.
	skew     time.Duration
	world    *model.World
	store    *store
	keys     []types.NamespacedName
	managers []*manager
	// quiet says that the chaos is over, calmed since when.
	quiet  bool
	calmed time.Time
	// due is when each mishap happens next.
	due []time.Time
	// deniedUntil and blindUntil are how long AWS refuses changes, and does not answer.
	deniedUntil, blindUntil time.Time
	// conflicts is how long another controller writes a policy between the operator's own calls.
	conflicts map[types.NamespacedName]time.Time
	// garbage is where samples are no numbers.
	garbage   []stretch
	known     map[string]scaling.Series
	orderable map[string][]string
	witness   *witness
	// lines are the play in words; violations are what must never be.
	lines, violations []string
	// stirred is when AWS was last asked for something.
	stirred time.Time
	writes  int
	looks   int
}

// stretch is a time in which something is the case with an instance.
type stretch struct {
	instance string
	from, to time.Time
}

// manager is one process of the operator.
type manager struct {
	sim        *sim
	name       string
	reconciler *controllers.Reconciler
	// lag is how far its cache is behind, and cache the moment that it shows.
	lag       time.Duration
	cache     time.Time
	snapshots map[scaling.Target]snapshot
	// due is when each policy is looked at next.
	due map[types.NamespacedName]time.Time
	// until is when a second manager ends; zero for the one that stays.
	until time.Time
	busy  bool
}

// crash is the end of a process.
type crash struct{ where string }

// Now implements clock.PassiveClock.
func (s *sim) Now() time.Time { return s.now.Add(s.skew) }

// Since implements clock.PassiveClock.
func (s *sim) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

func (s *sim) chance(p float64) bool { return p > 0 && !s.quiet && s.random.Float64() < p }

// between draws a duration in whole seconds.
func (s *sim) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.random.Int64N(int64((most-least)/time.Second)+1))*time.Second
}

// tell adds a line to the play.
func (s *sim) tell(format string, args ...any) {
	s.lines = append(s.lines, s.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// violate notes that something happened that never must.
func (s *sim) violate(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.tell("VIOLATION: %s", line)
	s.violations = append(s.violations, line)
}

func newSim(ctx context.Context, seed uint64, p *plan) *sim {
	world, err := model.New(p.scenario)
	if err != nil {
		panic(err) // a plan that makes no sense is a mistake of draw
	}
	s := &sim{
		ctx: ctx, seed: seed, plan: p, random: rand.New(rand.NewPCG(seed, 2)), now: begin, world: world,
		known: map[string]scaling.Series{}, conflicts: map[types.NamespacedName]time.Time{}, orderable: map[string][]string{}, stirred: begin,
	}
	for _, d := range p.scenario.Databases {
		for _, c := range catalog.All() {
			if c.Supports(d.Engine) {
				s.orderable[d.Identifier] = append(s.orderable[d.Identifier], c.Name)
			}
		}
	}
	for _, policy := range p.policies {
		s.keys = append(s.keys, client.ObjectKeyFromObject(policy))
	}
	s.witness = newWitness(s)
	s.store = newStore(s, p.policies)
	for range p.mishaps {
		s.due = append(s.due, begin.Add(s.between(10*time.Minute, 90*time.Minute)))
	}
	s.world.Advance(begin.Add(15 * time.Minute)) // so that there is something to see
	s.now = begin.Add(15 * time.Minute)
	s.start("manager", time.Time{})
	return s
}

// start runs a manager that has nothing in memory.
func (s *sim) start(name string, until time.Time) *manager {
	m := &manager{
		sim: s, name: name, cache: s.now, snapshots: map[scaling.Target]snapshot{}, due: map[types.NamespacedName]time.Time{}, until: until,
	}
	series, err := telemetry.New(prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	m.reconciler = &controllers.Reconciler{
		Client: reader{manager: m}, APIReader: live{store: s.store}, Observer: m, Executor: m, Clock: s, Metrics: series,
		Events: events.Recorder{Sink: m}, ClockSpeed: 1, Concurrency: 1, MaxDisruptiveOperations: s.plan.slots,
	}
	for _, key := range s.keys {
		m.due[key] = s.now.Add(s.between(0, 5*time.Second))
	}
	s.managers = append(s.managers, m)
	return m
}

// Eventf implements the recorder of events.k8s.io: what the operator tells people is the play's text.
func (m *manager) Eventf(about, _ runtime.Object, _, reason, _, note string, args ...any) {
	name := ""
	if o, ok := about.(client.Object); ok {
		name = o.GetName()
	}
	m.sim.tell("%s: %s: %s", name, reason, fmt.Sprintf(note, args...))
}

// wake lets every manager look at a policy soon, as a watch does.
func (s *sim) wake(key types.NamespacedName) {
	for _, m := range s.managers {
		if soon := s.now.Add(m.lag + time.Second); m.due[key].After(soon) {
			m.due[key] = soon
		}
	}
}

// written notes that the operator wrote a policy.
func (s *sim) written(key types.NamespacedName) {
	s.writes++
	s.witness.written(key)
}

// boundary is a place between two calls: time may pass, another manager may act, and the process may die.
func (m *manager) boundary(where string) {
	s := m.sim
	if s.chance(s.plan.faults.slow) {
		s.pass(s.between(time.Second, 40*time.Second))
	}
	for _, other := range s.managers {
		if other != m && !other.busy && s.random.IntN(2) == 0 {
			other.next(s.now)
		}
	}
	if s.chance(s.plan.faults.crash) {
		panic(crash{where})
	}
}

// pass lets time pass.
func (s *sim) pass(d time.Duration) { s.advance(s.now.Add(d)) }

func (s *sim) advance(to time.Time) {
	if to.After(s.now) {
		s.world.Advance(to)
		s.now = to
		s.witness.moment()
	}
}

// next looks at the policy that is due, if one is.
func (m *manager) next(now time.Time) {
	for _, key := range m.sim.keys {
		if due, ok := m.due[key]; ok && !due.After(now) {
			m.look1(key)
			return
		}
	}
}

// look1 reconciles one policy. When the process dies in it, a new one begins a little later.
func (m *manager) look1(key types.NamespacedName) {
	s := m.sim
	m.lag = s.between(0, s.plan.faults.lag)
	if s.quiet {
		m.lag = 0
	}
	m.busy = true
	s.looks++
	defer func() {
		m.busy = false
		failure := recover()
		if failure == nil {
			return
		}
		died, ok := failure.(crash)
		if !ok {
			panic(failure)
		}
		s.tell("%s dies %s", m.name, died.where)
		s.managers = slices.DeleteFunc(s.managers, func(other *manager) bool { return other == m })
		reborn := s.start(m.name, m.until)
		for _, k := range s.keys {
			reborn.due[k] = s.now.Add(s.between(2*time.Second, 2*time.Minute))
		}
	}()
	result, err := m.reconciler.Reconcile(s.ctx, ctrl.Request{NamespacedName: key})
	switch {
	case err != nil:
		m.due[key] = s.now.Add(5 * time.Second)
	case result.RequeueAfter > 0:
		m.due[key] = s.now.Add(result.RequeueAfter)
	default:
		delete(m.due, key)
		if s.store.get(key) != nil && s.store.at(key, m.cache) != nil {
			s.violate("%s is not looked at again", key.Name)
		}
	}
}

// run plays until the chaos is over and the operator has nothing to do any more.
func (s *sim) run() {
	over := begin.Add(s.plan.chaos)
	for len(s.violations) == 0 {
		if !s.quiet && !s.now.Before(over) {
			s.calmDown()
		}
		if s.quiet && s.settled() {
			break
		}
		if s.now.Sub(over) > 24*time.Hour {
			s.violate("a day after the last mishap the operator is still not at rest")
			break
		}
		s.step()
	}
	s.witness.end()
	for _, key := range s.keys {
		if p := s.store.get(key); p != nil && p.Status.Decision != nil {
			s.tell("%s at the end: %s: %s (%s)", key.Name, p.Status.Decision.Reason, p.Status.Decision.Message, shape(p))
		}
	}
}

// shape is what a policy's status says of the pools.
func shape(p *v1alpha1.DBScalingPolicy) string {
	var out []string
	for _, pool := range []*v1alpha1.PoolStatus{p.Status.Writer, p.Status.Readers} {
		if pool != nil {
			out = append(out, pool.Shape)
		}
	}
	return strings.Join(out, " + ")
}

// step goes to the next event.
func (s *sim) step() {
	at := s.now.Add(time.Minute)
	var who *manager
	for _, m := range s.managers {
		for _, key := range s.keys {
			if due, ok := m.due[key]; ok && due.Before(at) {
				at, who = due, m
			}
		}
	}
	mishap := -1
	for n, due := range s.due {
		if !s.quiet && due.Before(at) {
			at, mishap = due, n
		}
	}
	s.advance(at)
	for n := len(s.managers) - 1; n >= 0; n-- {
		if m := s.managers[n]; !m.until.IsZero() && !s.now.Before(m.until) {
			s.tell("%s ends", m.name)
			s.managers = slices.Delete(s.managers, n, n+1)
			if who == m {
				who = nil
			}
		}
	}
	switch {
	case mishap >= 0:
		s.due[mishap] = s.now.Add(s.between(15*time.Minute, 90*time.Minute))
		s.plan.mishaps[mishap](s)
	case who != nil:
		who.next(s.now)
	}
}

// calmDown ends every mishap: what is broken is repaired, what was asked for is over.
func (s *sim) calmDown() {
	s.tell("from here on nothing goes wrong any more")
	s.quiet, s.calmed, s.skew = true, s.now, 0
	s.deniedUntil, s.blindUntil = time.Time{}, time.Time{}
	for _, i := range s.world.Instances(region) {
		if err := s.world.RepairInstance(region, i.Identifier); err != nil {
			s.violate("repairing %s: %v", i.Identifier, err)
		}
	}
	for _, c := range ladder {
		s.world.ClearCapacityShortage(c)
	}
	for _, key := range s.keys {
		s.wish(key, map[string]string{v1alpha1.AnnotationResolveConflict: "done"})
		s.tag(key, true)
	}
	for _, m := range s.managers {
		if !m.until.IsZero() {
			m.until = s.now
		}
	}
}

// garble is what CloudWatch makes of a value.
func (s *sim) garble(metric string, at time.Time, value float64) float64 {
	if len(s.garbage) == 0 || !strings.HasPrefix(metric, "CPU") {
		return value
	}
	for _, g := range s.garbage {
		if !at.Before(g.from) && at.Before(g.to) {
			return []float64{math.NaN(), math.Inf(1), -5}[at.Minute()%3]
		}
	}
	return value
}

func (s *sim) blind(t time.Time) bool  { return t.Before(s.blindUntil) }
func (s *sim) denied(t time.Time) bool { return t.Before(s.deniedUntil) }

func compare(a, b string) int { return strings.Compare(a, b) }
