package model

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// tick is the step of the simulation. A minute's metrics are means over its ticks.
const tick = 10 * time.Second

// World is the databases of a scenario at one moment. It is not safe for concurrent use.
type World struct {
	scenario Scenario
	now      time.Time
	ticked   time.Time // the last tick
	random   *rand.Rand
	agenda   agenda
	groups   []*group
	clusters map[string]*Cluster
	members  map[string]*server
	// retired keeps the metrics of instances that are gone, as CloudWatch does.
	retired []*server
	events  []Event
	scarce  map[string][]string
	gaps    []gap
	// withdrawn are the classes that cannot be ordered, by region/class.
	withdrawn map[string]bool
	upkeep    []Maintenance
	// delays are how much longer the next change takes, by region/instance.
	delays map[string]time.Duration
	// scalable are the clusters whose readers Aurora Auto Scaling counts, by region/cluster.
	scalable map[string]ScalableTarget
}

// New builds the world of a scenario at its start. The error says what is wrong with it.
func New(s Scenario) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	start := s.Start.UTC()
	w := &World{
		scenario: s, now: start, ticked: start, random: rand.New(rand.NewPCG(uint64(s.Seed), 1)),
		clusters: map[string]*Cluster{}, members: map[string]*server{}, scarce: map[string][]string{},
		withdrawn: map[string]bool{}, scalable: map[string]ScalableTarget{},
	}
	for _, d := range s.Databases {
		if err := w.found(d); err != nil {
			return nil, fmt.Errorf("database %q: %w", d.Identifier, err)
		}
	}
	for _, shortage := range s.Shortages {
		w.after(shortage.From.since(start), func() { w.Scarce(shortage.Class, shortage.Zones...) })
		if shortage.Until != nil {
			w.after(shortage.Until.since(start), func() { w.Plenty(shortage.Class) })
		}
	}
	for _, x := range s.Withdrawals {
		w.after(x.From.since(start), func() { w.Withdraw(x.Region, x.Class) })
		if x.Until != nil {
			w.after(x.Until.since(start), func() { w.Offer(x.Region, x.Class) })
		}
	}
	for _, g := range s.MetricGaps {
		w.Gap(g.Region, g.Instance, start.Add(g.From.since(start)), start.Add(g.Until.since(start)))
	}
	w.happen(start)
	return w, nil
}

// Now is how far the world has come.
func (w *World) Now() time.Time { return w.now }

// Advance lets time pass. A moment that is past changes nothing.
func (w *World) Advance(to time.Time) {
	for next := w.ticked.Add(tick); !next.After(to); next = next.Add(tick) {
		w.happen(next)
		w.now, w.ticked = next, next
		since := next.Sub(w.scenario.Start.Time)
		for _, g := range w.groups {
			g.serve(next, since)
		}
		if next.Truncate(time.Minute).Equal(next) {
			w.closeMinute()
		}
	}
	if to.After(w.now) {
		w.happen(to)
		w.now = to.UTC()
	}
}

// between draws a duration.
func (w *World) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
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
	for _, m := range w.members {
		if m.Region == region {
			out = append(out, m.copy())
		}
	}
	slices.SortFunc(out, func(a, b *Instance) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return out
}

// Cluster finds a cluster. The error is a *Fault.
func (w *World) Cluster(region, id string) (*Cluster, error) {
	c, err := w.cluster(region, id)
	if err != nil {
		return nil, err
	}
	return c.copy(), nil
}

// Instance finds an instance. The error is a *Fault.
func (w *World) Instance(region, id string) (*Instance, error) {
	m, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	return m.copy(), nil
}

func (w *World) cluster(region, id string) (*Cluster, error) {
	c, ok := w.clusters[region+"/"+id]
	if !ok {
		return nil, &Fault{"DBClusterNotFoundFault", fmt.Sprintf("DBCluster %s not found.", id), 404}
	}
	return c, nil
}

func (w *World) member(region, id string) (*server, error) {
	m, ok := w.members[region+"/"+id]
	if !ok {
		return nil, &Fault{"DBInstanceNotFound", fmt.Sprintf("DBInstance %s not found.", id), 404}
	}
	return m, nil
}

// group finds a cluster, or a plain instance, with its load.
func (w *World) group(region, identifier string) (*group, bool) {
	n := slices.IndexFunc(w.groups, func(g *group) bool { return g.region == region && g.identifier == identifier })
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
		out.Capacity = &Capacity{c.Capacity.Min, c.Capacity.Max}
	}
	return &out
}

func (s *server) copy() *Instance {
	out := s.Instance
	out.Tags = maps.Clone(s.Tags)
	for _, other := range s.group.servers {
		if other.Source == s.Identifier {
			out.Replicas = append(out.Replicas, other.Identifier)
		}
	}
	return &out
}
