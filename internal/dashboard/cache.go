package dashboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/view"
)

const (
	// minSnapshotAge is how long policies are shown before they are read again, so that several pages make no more requests than one.
	minSnapshotAge = 2 * time.Second
	// snapshotAgeFactor is the age of a snapshot as a multiple of the time that reading it took: at most a twentieth of the time of the API
	// server and of this program is spent on it, however large the fleet is.
	snapshotAgeFactor = 20
	// measureInterval is how often databases are read from AWS: RDS publishes samples once a minute (RDS user guide, "Monitoring metrics").
	measureInterval = time.Minute
	// maxSeen is how many decisions of a policy are kept.
	maxSeen = 500
)

// cache has what was read last.
type cache struct {
	// reading is held while policies are read, so that one request reads them for all.
	reading sync.Mutex

	mu       sync.Mutex // guards the rest
	snapshot *snapshot
	measured map[types.NamespacedName]Measurement
	// measuredAt is when databases were read last, and measuring says that they are being read.
	measuredAt time.Time
	measuring  bool
	seen       map[types.NamespacedName][]view.SeenDecision
}

// snapshot is the policies at one time. Nothing changes it.
type snapshot struct {
	readAt, validUntil time.Time
	scope              string
	notices            []string
	inputs             []view.Input
	views              []view.Policy
	byName             map[types.NamespacedName]int
}

// read returns the policies, as they were read a short time ago or are read now. It starts to read the databases when that is due.
func (s *Server) read(ctx context.Context, start func(run func(ctx context.Context))) (*snapshot, error) {
	s.cache.reading.Lock()
	defer s.cache.reading.Unlock()
	begin := s.Clock.Now()
	if last := s.cache.last(); last != nil && begin.Before(last.validUntil) {
		return last, nil
	}
	listing, err := s.Source.List(ctx)
	if err != nil {
		return nil, err
	}
	s.startMeasuring(listing.Policies, start)
	out := s.newSnapshot(listing)
	out.validUntil = begin.Add(max(minSnapshotAge, snapshotAgeFactor*s.Clock.Since(begin)))
	s.cache.store(out)
	return out, nil
}

// newSnapshot makes the views of a listing.
func (s *Server) newSnapshot(listing Listing) *snapshot {
	now := s.Clock.Now()
	out := &snapshot{
		readAt: now, scope: listing.Scope, notices: listing.Notices, byName: map[types.NamespacedName]int{}, views: []view.Policy{},
	}
	for n := range listing.Policies {
		object := &listing.Policies[n]
		in := view.Input{Object: object, Now: now}
		if s.Measure != nil {
			m := s.cache.measurement(client.ObjectKeyFromObject(object))
			in.Observation, in.MeasurementError = m.Observation, m.Error
		}
		out.byName[client.ObjectKeyFromObject(object)] = n
		out.inputs, out.views = append(out.inputs, in), append(out.views, view.NewPolicy(in))
	}
	return out
}

// startMeasuring starts to read the databases from AWS, unless that is being done or was done a short time ago.
func (s *Server) startMeasuring(policies []v1alpha1.DBScalingPolicy, start func(run func(ctx context.Context))) {
	if s.Measure == nil || !s.cache.beginMeasuring(s.Clock.Now()) {
		return
	}
	copies := make([]v1alpha1.DBScalingPolicy, len(policies))
	for n := range policies {
		policies[n].DeepCopyInto(&copies[n])
	}
	start(func(ctx context.Context) { s.cache.endMeasuring(s.Measure(ctx, copies)) })
}

func (c *cache) last() *snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot
}

// store keeps a snapshot, and the decisions in it that are new.
func (c *cache) store(s *snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = s
	seen := make(map[types.NamespacedName][]view.SeenDecision, len(s.views))
	for key, n := range s.byName {
		decisions := view.AppendSeen(c.seen[key], &s.views[n])
		for len(decisions) > 0 && (len(decisions) > maxSeen || isOver(decisions[0], s.readAt.Add(-dayLength))) {
			decisions = decisions[1:]
		}
		if len(decisions) > 0 {
			seen[key] = decisions
		}
	}
	c.seen = seen // without the policies that are gone
}

// isOver reports whether a decision was replaced before a time.
func isOver(d view.SeenDecision, before time.Time) bool {
	return !d.Until.IsZero() && d.Until.Before(before)
}

func (c *cache) seenDecisions(key types.NamespacedName) []view.SeenDecision {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen[key])
}

// measurement is what was read last from AWS about a policy, or why nothing is known.
func (c *cache) measurement(key types.NamespacedName) Measurement {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, found := c.measured[key]; found {
		return m
	}
	return Measurement{Error: "the database is being read from AWS for the first time"}
}

// beginMeasuring reports whether it is time to read the databases, and remembers that somebody does.
func (c *cache) beginMeasuring(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.measuring || !c.measuredAt.IsZero() && now.Sub(c.measuredAt) < measureInterval {
		return false
	}
	c.measuring, c.measuredAt = true, now
	return true
}

// endMeasuring keeps what was read, and has the views made again.
func (c *cache) endMeasuring(measured map[types.NamespacedName]Measurement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measuring, c.measured, c.snapshot = false, measured, nil
}
