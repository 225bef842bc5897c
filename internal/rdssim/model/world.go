package model

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// tickInterval is the time step of the simulated load. The metrics of a minute are means over its ticks.
const tickInterval = 10 * time.Second

// World is the simulated state of the databases of a scenario. It is not safe for concurrent use.
type World struct {
	scenario Scenario
	now      time.Time
	lastTick time.Time
	random   *rand.Rand
	queue    eventQueue
	groups   []*instanceGroup
	// groupsByName is groups by region/identifier; nil until it is needed again after a change.
	groupsByName map[string]*instanceGroup
	// sortedClusters and sortedInstances are by region; nil until they are needed again after a change.
	sortedClusters  map[string][]*Cluster
	sortedInstances map[string][]*instanceState
	clusters        map[string]*Cluster
	instances       map[string]*instanceState
	// deletedInstances keep their metrics, as CloudWatch does.
	deletedInstances []*instanceState
	// freeSamples are arrays of the samples of instances that were deleted long ago, for those of new ones.
	freeSamples [][]sample
	events      []Event
	// capacityShortages are the affected availability zones by class; none means all.
	capacityShortages map[string][]string
	metricGaps        []metricGap // sorted by from
	// unorderable is the set of classes that cannot be ordered, by region/class.
	unorderable map[string]bool
	// classLimits are what is not offered of a class, by region/class.
	classLimits        map[string]classLimit
	pendingMaintenance []MaintenanceAction
	// changeDelays are the extra delays of the next changes, by region/identifier.
	changeDelays map[string]time.Duration
	// parameterGroups are by parameterGroupKey.
	parameterGroups map[string]ParameterGroup
	blueGreen       []*BlueGreenDeployment
	// scalableTargets are the clusters that are registered with Aurora Auto Scaling, by region/cluster.
	scalableTargets map[string]ScalableTarget
}

// New returns the World of a scenario at its start, or an error if the scenario is invalid.
func New(s Scenario) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	start := s.Start.UTC()
	w := &World{
		scenario: s, now: start, lastTick: start, random: rand.New(rand.NewPCG(uint64(s.Seed), 1)),
		clusters: map[string]*Cluster{}, instances: map[string]*instanceState{}, capacityShortages: map[string][]string{},
		unorderable: map[string]bool{}, classLimits: map[string]classLimit{}, scalableTargets: map[string]ScalableTarget{},
	}
	for _, g := range s.ParameterGroups {
		if err := w.SetParameterGroup(g); err != nil {
			return nil, err
		}
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

// Now returns the simulated time.
func (w *World) Now() time.Time { return w.now }

// Advance runs the simulation up to a time. A time in the past has no effect.
func (w *World) Advance(to time.Time) {
	for next := w.lastTick.Add(tickInterval); !next.After(to); next = next.Add(tickInterval) {
		w.processEvents(next)
		w.now, w.lastTick = next, next
		offset := next.Sub(w.scenario.Start.Time)
		for _, g := range w.groups {
			if !w.staysSteady(g) {
				g.serveTick(next, offset)
			}
		}
		if next.Second() == 0 && next.Nanosecond() == 0 {
			w.recordMinute()
		}
	}
	if to.After(w.now) {
		w.processEvents(to)
		w.now = to.UTC()
	}
}

// drawDuration draws a random duration from minimum to maximum, both included.
func (w *World) drawDuration(minimum, maximum time.Duration) time.Duration {
	return minimum + time.Duration(w.random.Int64N(int64(maximum-minimum)+1))
}

// Clusters returns copies of the clusters of a region, sorted by identifier.
func (w *World) Clusters(region string) []*Cluster {
	var out []*Cluster
	for _, c := range w.listClusters(region) {
		out = append(out, c.copy())
	}
	return out
}

// Instances returns copies of the instances of a region, sorted by identifier.
func (w *World) Instances(region string) []*Instance {
	var out []*Instance
	for _, s := range w.listInstances(region) {
		out = append(out, s.copy())
	}
	return out
}

// ForEachInstance calls handle with every instance of a database. The callback must not modify or retain the instance.
func (w *World) ForEachInstance(region, identifier string, handle func(i *Instance, isWriter bool)) {
	if g, found := w.findGroup(region, identifier); found {
		for _, s := range g.instances {
			handle(&s.Instance, s.isWriter())
		}
	}
}

// Cluster returns a copy of a cluster. The error is an *APIError.
func (w *World) Cluster(region, id string) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	return c.copy(), nil
}

// Instance returns a copy of an instance. The error is an *APIError.
func (w *World) Instance(region, id string) (*Instance, error) {
	s, err := w.findInstance(region, id)
	if err != nil {
		return nil, err
	}
	return s.copy(), nil
}

// findCluster returns a cluster, or an *APIError if it does not exist.
func (w *World) findCluster(region, id string) (*Cluster, error) {
	c, ok := w.clusters[region+"/"+id]
	if !ok {
		return nil, &APIError{"DBClusterNotFoundFault", fmt.Sprintf("DBCluster %s not found.", id), 404}
	}
	return c, nil
}

// findInstance returns an instance, or an *APIError if it does not exist.
func (w *World) findInstance(region, id string) (*instanceState, error) {
	s, ok := w.instances[region+"/"+id]
	if !ok {
		return nil, &APIError{"DBInstanceNotFound", fmt.Sprintf("DBInstance %s not found.", id), 404}
	}
	return s, nil
}

// findGroup returns the group of a cluster or a standalone instance, and false if it does not exist.
func (w *World) findGroup(region, identifier string) (*instanceGroup, bool) {
	if w.groupsByName == nil {
		w.groupsByName = make(map[string]*instanceGroup, len(w.groups))
		for _, g := range slices.Backward(w.groups) { // the first of several with one name is found
			w.groupsByName[g.region+"/"+g.identifier] = g
		}
	}
	g, found := w.groupsByName[region+"/"+identifier]
	return g, found
}

func (c *Cluster) copy() *Cluster {
	out := *c
	out.Members, out.Tags = slices.Clone(c.Members), maps.Clone(c.Tags)
	out.AvailabilityZones, out.CustomEndpoints = slices.Clone(c.AvailabilityZones), slices.Clone(c.CustomEndpoints)
	if c.Capacity != nil {
		capacity := *c.Capacity
		out.Capacity = &capacity
	}
	return &out
}

// copy returns a copy of the instance with the identifiers of its read replicas.
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
