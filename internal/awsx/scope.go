package awsx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// Interval is how long what was read is good enough: RDS publishes a sample a minute, and a policy looks as often.
	Interval = 55 * time.Second
	// regroup is the age from which samples are read along with older ones, so that targets first asked for at different
	// times soon share their requests.
	regroup = Interval / 2
	// errorInterval is how long an error is good enough, so that many policies do not repeat a request that just failed.
	errorInterval = 15 * time.Second
	// knownFor is how long after it was last asked for a target's samples are still read, and a scope is remembered.
	knownFor = 30 * time.Minute
	// readTimeout bounds the reading of a scope, retries and waits for the rate limit included.
	readTimeout = 2 * time.Minute
)

// scope is what is kept of one account and region: the topology and the samples, read at most once an interval however
// many ask.
type scope struct {
	*clients
	name   scaling.Scope
	clock  clock.Clock
	window func() time.Duration
	reads  singleflight.Group
	// used is when it was last asked for. Edge.mu guards it.
	used time.Time

	mu sync.Mutex
	// targets are those asked for, and when last.
	targets map[scaling.Target]time.Time
	// topology is nil before it was read and after a change.
	topology *topology
	// changed counts the calls that may have changed something. What was read before the last one is out of date.
	changed int
	// failed is when reading the topology began that last failed with err, if no reading has succeeded since.
	failed time.Time
	err    error
	series map[seriesKey]series
	// maintenance is what AWS is about to do, by the ARN of the cluster or instance.
	maintenance fact[map[string][]scaling.Maintenance]
	// offered lists the orderable classes of each engine and version.
	offered map[offer]fact[[]string]
	// scalable has the limits of Aurora Auto Scaling, by cluster.
	scalable fact[map[string]scaling.AutoScaling]
	// priced has the price of each class, by what the price depends on.
	priced map[product]fact[map[string]scaling.Money]
}

func newScope(name scaling.Scope, c *clients, clk clock.Clock, window func() time.Duration) *scope {
	return &scope{
		clients: c, name: name, clock: clk, window: window,
		targets: map[scaling.Target]time.Time{}, series: map[seriesKey]series{},
		offered: map[offer]fact[[]string]{}, priced: map[product]fact[map[string]scaling.Money]{},
	}
}

// observe gives one result a target, as new as notBefore asks and no older than Interval.
func (s *scope) observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.Observed {
	now := s.clock.Now()
	if notBefore.After(now) {
		notBefore = now // a clock ahead of this one wrote it; nothing can be newer than now
	}
	if oldest := now.Add(-Interval); notBefore.Before(oldest) {
		notBefore = oldest
	}
	for {
		s.ask(targets, s.clock.Now())
		if results := s.known(targets, notBefore, now); results != nil {
			return results
		}
		// The reading outlives the caller that happened to start it, since others wait for it too.
		done := s.reads.DoChan("", func() (any, error) {
			s.read(context.WithoutCancel(ctx), notBefore)
			return nil, nil
		})
		select {
		case <-done:
		case <-ctx.Done():
			return failAll(targets, fmt.Errorf("waiting for the databases of %s to be read: %w", s.name, ctx.Err()))
		}
	}
}

// ask notes which targets are asked for and forgets those that nobody asks for any more.
func (s *scope) ask(targets []scaling.Target, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		s.targets[t] = now
	}
	maps.DeleteFunc(s.targets, func(_ scaling.Target, last time.Time) bool { return now.Sub(last) > knownFor })
	maps.DeleteFunc(s.series, func(_ seriesKey, known series) bool { return now.Sub(known.read) > knownFor })
}

// known gives the results from what was read, or nil when that is not good enough for a caller that asked at the given time.
func (s *scope) known(targets []scaling.Target, notBefore, asked time.Time) []scaling.Observed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topology == nil || s.topology.at.Before(notBefore) {
		if s.err == nil || s.failed.Before(notBefore) || s.failed.Before(asked.Add(-errorInterval)) {
			return nil
		}
		return failAll(targets, s.err)
	}
	if s.maintenance.stale(asked, maintenanceEvery, maintenanceErrorEvery) {
		return nil
	}
	results := make([]scaling.Observed, len(targets))
	for n, t := range targets {
		o := s.topology.observe(t)
		if o.Found && !s.addFacts(&o, t, asked) {
			return nil
		}
		results[n].Observation = o
		for _, w := range s.topology.series(t) {
			known := s.series[w.seriesKey]
			if known.stale(w.metric, asked) {
				return nil
			}
			if known.err != nil && w.metric.needed() && results[n].MetricsErr == nil {
				results[n].MetricsErr = known.err
			}
			attach(&results[n].Observation, w, known.samples, asked)
		}
	}
	return results
}

// addFacts adds what changes seldom to an observation: orderable classes, maintenance, Aurora Auto Scaling, prices. It is
// false when something has to be read first.
func (s *scope) addFacts(o *scaling.Observation, t scaling.Target, asked time.Time) bool {
	for n := range o.Instances {
		i := &o.Instances[n]
		switch {
		case s.maintenance.err != nil:
			i.Maintenance = []scaling.Maintenance{{Action: scaling.MaintenanceUnknown}}
		case i.ARN == o.ARN:
			i.Maintenance = s.maintenance.value[i.ARN]
		default:
			i.Maintenance = slices.Concat(s.maintenance.value[o.ARN], s.maintenance.value[i.ARN])
		}
	}
	offered := s.offered[offer{o.Engine, o.EngineVersion, o.Whole && !o.Serverless}]
	if offered.stale(asked, offeredEvery, offeredErrorEvery) {
		return false
	}
	o.Orderable = offered.value
	if t.Kind == scaling.DBCluster && s.scalable.stale(asked, autoScalingEvery, autoScalingErrorEvery) {
		return false
	}
	o.AutoScaling = s.autoScaling(t)
	if s.prices == nil {
		return true
	}
	p, sold := s.topology.product(t, s.name.Region)
	if !sold {
		return true
	}
	priced := s.priced[p]
	o.Prices = priced.value
	return !priced.stale(asked, pricedEvery, pricedErrorEvery)
}

// stale says whether a series is not good enough for a caller that asked at the given time.
func (s series) stale(m metric, asked time.Time) bool {
	if s.err != nil && m.needed() {
		return s.read.Before(asked.Add(-errorInterval))
	}
	return s.read.Before(asked.Add(-max(Interval, m.every)))
}

// attach puts the samples where they belong in an observation. They are never changed, so that they can be shared.
func attach(o *scaling.Observation, w wanted, samples scaling.Series, now time.Time) {
	switch w.metric {
	case readersCPU:
		o.ReadersCPU = samples
		return
	case writerCPU, instanceCPU:
		o.WriterCPU = samples
		return
	}
	i := &o.Instances[slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.Identifier == w.instance })]
	switch w.metric {
	case cpuUtilization:
		i.CPU = slices.Clone(samples)
	case dbLoadCPU:
		i.DBLoadCPU = samples
	case freeableMemory:
		i.FreeableMemory = samples
	case databaseConnections:
		i.Connections = samples
	case engineUptime:
		i.RestartedAt = restarted(samples, now)
	default:
		i.ReplicaLag = lag(w.metric, samples, now)
	}
}

// invalidate says that something may have changed: the topology is read again before it is used.
func (s *scope) invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed++
	s.topology = nil
}

// read brings the topology up to date, and the samples of all targets that are asked for.
func (s *scope) read(ctx context.Context, notBefore time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if t := s.readTopology(ctx, notBefore); t != nil {
		s.readSeries(ctx, t)
		s.readFacts(ctx, t)
	}
}

// readTopology gives a topology as new as notBefore asks, or nil when there is none.
func (s *scope) readTopology(ctx context.Context, notBefore time.Time) *topology {
	s.mu.Lock()
	known, changed := s.topology, s.changed
	s.mu.Unlock()
	if known != nil && !known.at.Before(notBefore) {
		return known
	}
	begun := s.clock.Now()
	t, err := describe(ctx, s.databases, begun)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed, s.err = begun, fmt.Errorf("reading the databases of %s: %w", s.name, overdue(Classify(err), readTimeout))
		return nil
	}
	if changed != s.changed {
		return nil
	}
	s.topology, s.err = t, nil
	return t
}

// overdue makes the end of a timeout what it is to those who wait: they did not give up, AWS did not answer in time.
func overdue(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, scaling.ErrUnavailable) {
		return fmt.Errorf("%w: no answer within %s: %w", scaling.ErrUnavailable, timeout, err)
	}
	return err
}

// readSeries reads the samples that are due.
func (s *scope) readSeries(ctx context.Context, t *topology) {
	now := s.clock.Now()
	for _, b := range batches(s.due(t, now)) {
		s.learn(b, fetch(ctx, s.metrics, b), now)
	}
}

// due lists the queries for the samples of all targets that will soon be too old, or that could not be read.
func (s *scope) due(t *topology, now time.Time) []query {
	window := s.window()
	s.mu.Lock()
	defer s.mu.Unlock()
	var queries []query
	seen := map[seriesKey]bool{}
	for target := range s.targets {
		for _, w := range t.series(target) {
			known := s.series[w.seriesKey]
			if seen[w.seriesKey] || known.err == nil && now.Sub(known.read) < max(regroup, w.metric.every-Interval) {
				continue
			}
			seen[w.seriesKey] = true
			queries = append(queries, w.query(known, window, now))
		}
	}
	// In order of the databases, so that the same requests are made whatever the order of a map.
	slices.SortFunc(queries, func(a, b query) int { return compare(a.wanted, b.wanted) })
	return queries
}

// learn takes in the answers to a batch.
func (s *scope) learn(b batch, answers []answer, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := false
	for n, q := range b.queries {
		known := s.series[q.seriesKey]
		// What is needed is told by MetricsErr. One line for the rest, when it begins to fail, says why it is missing.
		if err := answers[n].err; err != nil && known.err == nil && !q.metric.needed() && !told {
			told = true
			s.log.Error(err, "samples cannot be read; what they are for is unknown until they can", "scope", s.name.String(),
				"metric", q.metric.name, "of", q.instance)
		}
		known.read, known.err = now, answers[n].err
		known.samples = merge(known.samples, answers[n].samples, now.Add(-q.metric.retention()))
		if known.err == nil {
			known.until = q.end
			if q.whole {
				known.from = q.start
			}
		}
		s.series[q.seriesKey] = known
	}
}

// failAll gives every target the same error.
func failAll(targets []scaling.Target, err error) []scaling.Observed {
	return slices.Repeat([]scaling.Observed{{Err: err}}, len(targets))
}
