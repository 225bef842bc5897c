package model

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// tick is the step of the simulation. A minute's metrics are means over its ticks.
const tick = 10 * time.Second

// defaultPublishDelay is how long after its end a minute's metrics appear: in practice one to two minutes.
const defaultPublishDelay = 75 * time.Second

// World is the databases of a scenario at one moment. It is not safe for concurrent use.
type World struct {
	scenario Scenario
	now      time.Time
	random   *rand.Rand
	sequence int
	agenda   agenda
	groups   []*group
	clusters map[string]*Cluster
	members  map[string]*server
	// retired keeps the metrics of instances that are gone, as CloudWatch does.
	retired []*server
	events  []Event
	scarce  map[string][]string
	gaps    []gap
	upkeep  map[string][]Maintenance
}

// New builds the world of a scenario at its start. The error says what is wrong with it.
func New(s Scenario) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.PublishDelay.Duration == 0 {
		s.PublishDelay.Duration = defaultPublishDelay
	}
	w := &World{
		scenario: s, now: s.Start.UTC(), random: rand.New(rand.NewPCG(uint64(s.Seed), 1)),
		clusters: map[string]*Cluster{}, members: map[string]*server{}, scarce: map[string][]string{},
		upkeep: map[string][]Maintenance{},
	}
	for _, d := range s.Databases {
		if err := w.found(d); err != nil {
			return nil, fmt.Errorf("database %q: %w", d.Identifier, err)
		}
	}
	return w, nil
}

// Now is how far the world has come.
func (w *World) Now() time.Time { return w.now }

// Advance lets time pass. A moment that is past changes nothing.
func (w *World) Advance(to time.Time) {
	for next := w.now.Add(tick); !next.After(to); next = w.now.Add(tick) {
		w.happen(next)
		w.now = next
		for _, g := range w.groups {
			w.serve(g)
		}
		if w.now.Truncate(time.Minute).Equal(w.now) {
			w.closeMinute()
		}
	}
}

// happen carries out what is on the agenda until then.
func (w *World) happen(until time.Time) {
	for len(w.agenda) > 0 && !w.agenda[0].at.After(until) {
		if e, ok := heap.Pop(&w.agenda).(entry); ok {
			w.now = e.at
			e.do()
		}
	}
}

// after puts something on the agenda.
func (w *World) after(d time.Duration, do func()) {
	w.sequence++
	heap.Push(&w.agenda, entry{at: w.now.Add(d), sequence: w.sequence, do: do})
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

func (c *Cluster) copy() *Cluster {
	out := *c
	out.Members, out.Tags = slices.Clone(c.Members), maps.Clone(c.Tags)
	out.AvailabilityZones = slices.Clone(c.AvailabilityZones)
	return &out
}

func (m *server) copy() *Instance {
	out := m.Instance
	out.Tags = maps.Clone(m.Tags)
	return &out
}

// entry is something on the agenda.
type entry struct {
	at       time.Time
	sequence int
	do       func()
}

// agenda is a heap by time, then by the order of entering.
type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].sequence, a[j].sequence)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	if e, ok := x.(entry); ok {
		*a = append(*a, e)
	}
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}
