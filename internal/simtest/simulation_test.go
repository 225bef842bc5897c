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
	"github.com/dbscaler/dbscaler/internal/shard"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// simulation is one run: a plan, the simulated AWS and API server, and the managers. Everything runs in one goroutine.
type simulation struct {
	ctx    context.Context // of every reconcile: a run is one call
	seed   uint64
	plan   *runPlan
	random *rand.Rand
	now    time.Time
	// skew is how far the managers' clock is ahead of AWS's.
	skew     time.Duration
	world    *model.World
	api      *apiServer
	keys     []types.NamespacedName
	managers []*manager
	// chaosEnded says that faults and chaos events have ended.
	chaosEnded   bool
	chaosEndedAt time.Time
	// chaosDue is when each chaos event happens next.
	chaosDue []time.Time
	// AWS denies changes until writesDeniedUntil, and reads fail until readsFailUntil.
	writesDeniedUntil, readsFailUntil time.Time
	// writeConflictsUntil is until when another controller updates a policy between the requests of the operator.
	writeConflictsUntil map[types.NamespacedName]time.Time
	// nextCreateStatus is the status in which the next creation of a reader ends; empty if it is left to chance.
	nextCreateStatus string
	// pendingCancellations are the clusters whose deferred changes could not be cancelled yet.
	pendingCancellations []string
	// refusals are the changes that AWS refuses.
	refusals []persistentRefusal
	// invalidSamples is when samples are invalid numbers.
	invalidSamples []interval
	knownSeries    map[string]knownSeries
	orderable      map[string][]string
	checker        *invariantChecker
	// lines are the log of the run; violations are the broken invariants.
	lines, violations []string
	// lastActivityAt is when a change was last in progress.
	lastActivityAt time.Time
	writes         int
	reconciles     int
}

// interval is a period that concerns an instance.
type interval struct {
	instance string
	from, to time.Time
}

// manager is one process of the operator.
type manager struct {
	sim        *simulation
	name       string
	reconciler *controllers.Reconciler
	// cacheLag is how far the cache is behind, and cacheTime the time that it shows.
	cacheLag  time.Duration
	cacheTime time.Time
	snapshots map[scaling.Target]snapshot
	// due is when each policy is reconciled next.
	due map[types.NamespacedName]time.Time
	// stopsAt is when a second manager stops; zero for the first one.
	stopsAt     time.Time
	reconciling bool
}

// crash is the panic value that ends a process.
type crash struct{ where string }

// Now implements clock.PassiveClock.
func (s *simulation) Now() time.Time { return s.now.Add(s.skew) }

// Since implements clock.PassiveClock.
func (s *simulation) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

func (s *simulation) chance(p float64) bool { return p > 0 && !s.chaosEnded && s.random.Float64() < p }

// randomDuration draws a duration in whole seconds.
func (s *simulation) randomDuration(minimum, maximum time.Duration) time.Duration {
	return minimum + time.Duration(s.random.Int64N(int64((maximum-minimum)/time.Second)+1))*time.Second
}

// logf adds a line to the log.
func (s *simulation) logf(format string, args ...any) {
	s.lines = append(s.lines, s.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// violationf records a broken invariant.
func (s *simulation) violationf(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.logf("VIOLATION: %s", line)
	s.violations = append(s.violations, line)
}

func newSimulation(ctx context.Context, seed uint64, p *runPlan) *simulation {
	world, err := model.New(p.scenario)
	if err != nil {
		panic(err) // drawPlan makes only valid plans
	}
	s := &simulation{
		ctx: ctx, seed: seed, plan: p, random: rand.New(rand.NewPCG(seed, 2)), now: startTime, world: world,
		knownSeries: map[string]knownSeries{}, writeConflictsUntil: map[types.NamespacedName]time.Time{}, orderable: map[string][]string{}, lastActivityAt: startTime,
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
	s.checker = newInvariantChecker(s)
	s.api = newAPIServer(s, p.policies)
	for range p.chaosEvents {
		s.chaosDue = append(s.chaosDue, startTime.Add(s.randomDuration(10*time.Minute, 90*time.Minute)))
	}
	s.world.Advance(startTime.Add(15 * time.Minute)) // so that there are samples
	s.now = startTime.Add(15 * time.Minute)
	for index := range max(1, p.shards) {
		s.startShard(shard.Assignment{Index: index, Total: p.shards}, 0)
	}
	return s
}

// startShard starts a manager of a shard, which reconciles for the first time within the given delay, or within seconds without one.
func (s *simulation) startShard(assigned shard.Assignment, delay time.Duration) {
	name := "manager"
	if assigned.IsDivided() {
		name = fmt.Sprintf("shard %d of %d", assigned.Index, assigned.Total)
	}
	m := s.startManager(name, time.Time{})
	m.reconciler.Shard = assigned
	for _, key := range s.keys {
		m.due[key] = m.due[key].Add(delay)
	}
}

// startManager starts a manager without any in-memory state.
func (s *simulation) startManager(name string, until time.Time) *manager {
	m := &manager{
		sim: s, name: name, cacheTime: s.now, snapshots: map[scaling.Target]snapshot{}, due: map[types.NamespacedName]time.Time{}, stopsAt: until,
	}
	series, err := telemetry.New(prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	m.reconciler = &controllers.Reconciler{
		Client: cachedClient{manager: m}, APIReader: uncachedReader{api: s.api}, Observer: m, Executor: m, Clock: s, Metrics: series,
		Events: events.Recorder{Sink: m}, ClockSpeed: 1, Concurrency: 1, MaxDisruptiveOperations: s.plan.slots,
	}
	for _, key := range s.keys {
		m.due[key] = s.now.Add(s.randomDuration(0, 5*time.Second))
	}
	s.managers = append(s.managers, m)
	return m
}

// Eventf implements the recorder of events.k8s.io: events are part of the log.
func (m *manager) Eventf(about, _ runtime.Object, _, reason, _, note string, args ...any) {
	name := ""
	if o, ok := about.(client.Object); ok {
		name = o.GetName()
	}
	m.sim.logf("%s: %s: %s", name, reason, fmt.Sprintf(note, args...))
}

// requeueSoon lets every manager reconcile a policy soon, as a watch does.
func (s *simulation) requeueSoon(key types.NamespacedName) {
	for _, m := range s.managers {
		if soon := s.now.Add(m.cacheLag + time.Second); m.due[key].After(soon) {
			m.due[key] = soon
		}
	}
}

// recordWrite records that the operator wrote a policy.
func (s *simulation) recordWrite(key types.NamespacedName) {
	s.writes++
	s.checker.recordWrite(key)
}

// injectFaults is called between two requests: time may pass, another manager may reconcile, and the process may crash.
func (m *manager) injectFaults(where string) {
	s := m.sim
	if s.chance(s.plan.faultRates.slow) {
		s.sleep(s.randomDuration(time.Second, 40*time.Second))
	}
	for _, other := range s.managers {
		if other != m && !other.reconciling && s.random.IntN(2) == 0 {
			other.reconcileDue(s.now)
		}
	}
	if s.chance(s.plan.faultRates.crash) {
		panic(crash{where})
	}
}

// sleep advances the clock.
func (s *simulation) sleep(d time.Duration) { s.advanceTo(s.now.Add(d)) }

func (s *simulation) advanceTo(to time.Time) {
	if to.After(s.now) {
		s.world.Advance(to)
		s.now = to
		s.retryCancellations()
		if s.chaosEnded {
			s.deleteFailedManualReaders()
			s.endBlueGreenDeployments()
		}
		s.checker.checkNow()
	}
}

// reconcileDue reconciles the first policy that is due, if any.
func (m *manager) reconcileDue(now time.Time) {
	for _, key := range m.sim.keys {
		if due, ok := m.due[key]; ok && !due.After(now) {
			m.reconcile(key)
			return
		}
	}
}

// reconcile reconciles one policy. When the process crashes, a new one starts a little later.
func (m *manager) reconcile(key types.NamespacedName) {
	s := m.sim
	m.cacheLag = s.randomDuration(0, s.plan.faultRates.maxCacheLag)
	if s.chaosEnded {
		m.cacheLag = 0
	}
	m.reconciling = true
	s.reconciles++
	defer func() {
		m.reconciling = false
		failure := recover()
		if failure == nil {
			return
		}
		crashed, ok := failure.(crash)
		if !ok {
			panic(failure)
		}
		s.logf("%s crashes %s", m.name, crashed.where)
		s.managers = slices.DeleteFunc(s.managers, func(other *manager) bool { return other == m })
		restarted := s.startManager(m.name, m.stopsAt)
		restarted.reconciler.Shard = m.reconciler.Shard
		for _, k := range s.keys {
			restarted.due[k] = s.now.Add(s.randomDuration(2*time.Second, 2*time.Minute))
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
		if p := s.api.at(key, m.cacheTime); p != nil && s.api.current(key) != nil && m.reconciler.Owns(p) {
			s.violationf("%s is not requeued", key.Name)
		}
	}
}

// run advances the simulation until the chaos has ended and the operator has nothing left to do.
func (s *simulation) run() {
	chaosEnd := startTime.Add(s.plan.chaosDuration)
	for len(s.violations) == 0 {
		if !s.chaosEnded && !s.now.Before(chaosEnd) {
			s.endChaos()
		}
		if s.chaosEnded && s.isSteady() {
			break
		}
		if s.now.Sub(chaosEnd) > 24*time.Hour {
			s.violationf("the operator is not in a steady state a day after the end of the chaos")
			break
		}
		s.step()
	}
	s.checker.checkEnd()
	for _, key := range s.keys {
		if p := s.api.current(key); p != nil && p.Status.Decision != nil {
			s.logf("%s at the end: %s: %s (%s)", key.Name, p.Status.Decision.Reason, p.Status.Decision.Message, currentShapes(p))
		}
	}
}

// currentShapes returns the shapes of the pools in the status of a policy.
func currentShapes(p *v1alpha1.DBScalingPolicy) string {
	var out []string
	for _, pool := range []*v1alpha1.PoolStatus{p.Status.Writer, p.Status.Readers} {
		if pool != nil {
			out = append(out, pool.Shape)
		}
	}
	return strings.Join(out, " + ")
}

// step advances to the next event and executes it.
func (s *simulation) step() {
	at := s.now.Add(time.Minute)
	var dueManager *manager
	for _, m := range s.managers {
		for _, key := range s.keys {
			if due, ok := m.due[key]; ok && due.Before(at) {
				at, dueManager = due, m
			}
		}
	}
	event := -1
	for n, due := range s.chaosDue {
		if !s.chaosEnded && due.Before(at) {
			at, event = due, n
		}
	}
	s.advanceTo(at)
	for n := len(s.managers) - 1; n >= 0; n-- {
		if m := s.managers[n]; !m.stopsAt.IsZero() && !s.now.Before(m.stopsAt) {
			s.logf("%s stops", m.name)
			s.managers = slices.Delete(s.managers, n, n+1)
			if dueManager == m {
				dueManager = nil
			}
		}
	}
	switch {
	case event >= 0:
		s.chaosDue[event] = s.now.Add(s.randomDuration(15*time.Minute, 90*time.Minute))
		s.plan.chaosEvents[event](s)
	case dueManager != nil:
		dueManager.reconcileDue(s.now)
	}
}

// endChaos ends every fault, repairs the databases and removes what users have set.
func (s *simulation) endChaos() {
	s.logf("chaos ends: no more faults from here on")
	s.chaosEnded, s.chaosEndedAt, s.skew = true, s.now, 0
	s.writesDeniedUntil, s.readsFailUntil = time.Time{}, time.Time{}
	for _, i := range s.world.Instances(region) {
		if err := s.world.RepairInstance(region, i.Identifier); err != nil {
			s.violationf("repairing %s: %v", i.Identifier, err)
		}
	}
	s.endDeferredChanges()
	s.endRefusals()
	for _, c := range ladder {
		s.world.ClearCapacityShortage(c)
	}
	for _, key := range s.keys {
		s.setAnnotations(key, map[string]string{v1alpha1.AnnotationResolveConflict: "done"})
		s.setOptInTag(key, true)
	}
	for _, m := range s.managers {
		if !m.stopsAt.IsZero() {
			m.stopsAt = s.now
		}
	}
}

// knownSeries are the samples of a metric that were read, and the newest one as it was published.
type knownSeries struct {
	buffer scaling.SeriesBuffer
	newest scaling.Sample
}

// corruptSample returns the value that CloudWatch reports for a sample.
func (s *simulation) corruptSample(metric string, at time.Time, value float64) float64 {
	if len(s.invalidSamples) == 0 || !strings.HasPrefix(metric, "CPU") {
		return value
	}
	for _, i := range s.invalidSamples {
		if !at.Before(i.from) && at.Before(i.to) {
			return []float64{math.NaN(), math.Inf(1), -5}[at.Minute()%3]
		}
	}
	return value
}

func (s *simulation) readsFail(t time.Time) bool    { return t.Before(s.readsFailUntil) }
func (s *simulation) writesDenied(t time.Time) bool { return t.Before(s.writesDeniedUntil) }

func compareIdentifiers(a, b string) int { return strings.Compare(a, b) }
