package model

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// tickInterval is the step of the simulation. A minute's metrics are means over its ticks.
const tickInterval = 10 * time.Second

// World is the databases of a scenario at one moment. It is not safe for concurrent use.
type World struct {
	scenario  Scenario
	now       time.Time
	lastTick  time.Time // the last tick
	random    *rand.Rand
	queue     eventQueue
	groups    []*instanceGroup
	clusters  map[string]*Cluster
	instances map[string]*instanceState
	// deletedInstances keeps the metrics of instances that are gone, as CloudWatch does.
	deletedInstances  []*instanceState
	events            []Event
	capacityShortages map[string][]string
	metricGaps        []metricGap
	// unorderable are the classes that cannot be ordered, by region/class.
	unorderable        map[string]bool
	pendingMaintenance []MaintenanceAction
	// changeDelays are how much longer the next change takes, by region/instance.
	changeDelays map[string]time.Duration
	// scalableTargets are the clusters whose readers Aurora Auto Scaling counts, by region/cluster.
	scalableTargets map[string]ScalableTarget
}

// New builds the world of a scenario at its start. The error says what is wrong with it.
func New(s Scenario) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	start := s.Start.UTC()
	w := &World{
		scenario: s, now: start, lastTick: start, random: rand.New(rand.NewPCG(uint64(s.Seed), 1)),
		clusters: map[string]*Cluster{}, instances: map[string]*instanceState{}, capacityShortages: map[string][]string{},
		unorderable: map[string]bool{}, scalableTargets: map[string]ScalableTarget{},
	}
	for _, d := range s.Databases {
		if err := w.addDatabase(d); err != nil {
			return nil, fmt.Errorf("database %q: %w", d.Identifier, err)
		}
	}
	for _, shortage := range s.CapacityShortages {
		w.schedule(shortage.From.sinceStart(start), func() { w.SetCapacityShortage(shortage.Class, shortage.Zones...) })
		if shortage.Until != nil {
			w.schedule(shortage.Until.sinceStart(start), func() { w.ClearCapacityShortage(shortage.Class) })
		}
	}
	for _, class := range s.UnorderableClasses {
		w.schedule(class.From.sinceStart(start), func() { w.SetUnorderable(class.Region, class.Class) })
		if class.Until != nil {
			w.schedule(class.Until.sinceStart(start), func() { w.SetOrderable(class.Region, class.Class) })
		}
	}
	for _, g := range s.MetricGaps {
		w.AddMetricGap(g.Region, g.Instance, start.Add(g.From.sinceStart(start)), start.Add(g.Until.sinceStart(start)))
	}
	w.processEvents(start)
	return w, nil
}

// Now is how far the world has come.
func (w *World) Now() time.Time { return w.now }

// Advance lets time pass. A moment that is past changes nothing.
func (w *World) Advance(to time.Time) {
	for next := w.lastTick.Add(tickInterval); !next.After(to); next = next.Add(tickInterval) {
		w.processEvents(next)
		w.now, w.lastTick = next, next
		offset := next.Sub(w.scenario.Start.Time)
		for _, g := range w.groups {
			g.serveTick(next, offset)
		}
		if next.Truncate(time.Minute).Equal(next) {
			w.recordMinute()
		}
	}
	if to.After(w.now) {
		w.processEvents(to)
		w.now = to.UTC()
	}
}

// drawDuration draws a duration.
func (w *World) drawDuration(minimum, maximum time.Duration) time.Duration {
	return minimum + time.Duration(w.random.Int64N(int64(maximum-minimum)+1))
}

// Clusters lists the clusters of a region by identifier. They are copies.
func (w *World) Clusters(region string) []*Cluster {
	var out []*Cluster
	for _, c := range w.clusters {
		if c.Region == region {
			out = append(out, c.copy())
		}
	}
	slices.SortFunc(out, func(a, b *Cluster) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return out
}

// Instances lists the instances of a region by identifier. They are copies.
func (w *World) Instances(region string) []*Instance {
	var out []*Instance
	for _, m := range w.instances {
		if m.Region == region {
			out = append(out, m.copy())
		}
	}
	slices.SortFunc(out, func(a, b *Instance) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return out
}

// Cluster finds a cluster. The error is a *Fault.
func (w *World) Cluster(region, id string) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	return c.copy(), nil
}

// Instance finds an instance. The error is a *Fault.
func (w *World) Instance(region, id string) (*Instance, error) {
	m, err := w.findInstance(region, id)
	if err != nil {
		return nil, err
	}
	return m.copy(), nil
}

func (w *World) findCluster(region, id string) (*Cluster, error) {
	c, ok := w.clusters[region+"/"+id]
	if !ok {
		return nil, &APIError{"DBClusterNotFoundFault", fmt.Sprintf("DBCluster %s not found.", id), 404}
	}
	return c, nil
}

func (w *World) findInstance(region, id string) (*instanceState, error) {
	m, ok := w.instances[region+"/"+id]
	if !ok {
		return nil, &APIError{"DBInstanceNotFound", fmt.Sprintf("DBInstance %s not found.", id), 404}
	}
	return m, nil
}

// findGroup finds a cluster, or a plain instance, with its load.
func (w *World) findGroup(region, identifier string) (*instanceGroup, bool) {
	n := slices.IndexFunc(w.groups, func(g *instanceGroup) bool { return g.region == region && g.identifier == identifier })
	if n < 0 {
		return nil, false
	}
	return w.groups[n], true
}

func (c *Cluster) copy() *Cluster {
	out := *c
	out.Members, out.Tags = slices.Clone(c.Members), maps.Clone(c.Tags)
	out.AvailabilityZones = slices.Clone(c.AvailabilityZones)
	if c.Capacity != nil {
		out.Capacity = &ServerlessCapacity{c.Capacity.Min, c.Capacity.Max}
	}
	return &out
}

func (s *instanceState) copy() *Instance {
	out := s.Instance
	out.Tags = maps.Clone(s.Tags)
	for _, other := range s.group.instances {
		if other.ReplicationSource == s.Identifier {
			out.Replicas = append(out.Replicas, other.Identifier)
		}
	}
	return &out
}
