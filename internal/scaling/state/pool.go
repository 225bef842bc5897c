// Package state keeps what must be known from one reconcile of a database to the next and cannot be read from AWS: when a pool
// last changed, its earlier capacities, and earlier operations. It is pure: each function takes the old state and returns the new
// one.
package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// maxCapacityPeriods is the number of capacity periods kept, which is the limit of the API.
	maxCapacityPeriods = 64
	// capacityRetention is how long they are kept: as long as CloudWatch keeps one-minute data points (CloudWatch user guide,
	// "Metrics retention").
	capacityRetention = 15 * 24 * time.Hour
	// minCapacityPeriod is the shortest period kept: it is applied to means of a quarter of an hour.
	minCapacityPeriod = 15 * time.Minute
	// restartTolerance is how much later than the instance was observed in service a start computed from EngineUptime may be.
	restartTolerance = 3 * time.Minute
)

// InstanceState is an instance as it was last observed.
type InstanceState struct {
	Identifier, Class string
	Serving           bool
	// ResourceID is the DbiResourceId; empty when it was not recorded.
	ResourceID string
}

// isSame reports whether an instance is the one that was observed before, unchanged. After the switchover of a blue/green deployment
// another instance has its name.
func (i InstanceState) isSame(before InstanceState) bool {
	if before.ResourceID == "" || i.ResourceID == "" {
		i.ResourceID, before.ResourceID = "", ""
	}
	return i == before
}

// PoolState is the state kept for a pool.
type PoolState struct {
	// Instances are sorted by identifier; none before the first observation.
	Instances []InstanceState
	// ChangedAt is when the pool was first observed with these instances, each in service; zero while it is changing.
	ChangedAt time.Time
	// UnchangedSince is since when, before ChangedAt, the pool has been the same by RDS events; zero when it is not known. See the
	// function UnchangedSince.
	UnchangedSince time.Time
	// CapacityHistory is its earlier capacities, oldest first.
	CapacityHistory []scaling.CapacityPeriod
}

// Update returns the state of a pool after an observation. ChangedAt is set anew when an instance was added, removed or
// replaced, changed its class, restarted or was out of service: AWS does not tell that later. Times are whole seconds.
func (p PoolState) Update(o *scaling.Observation, pool scaling.Pool) PoolState {
	next, restarted := PoolState{Instances: p.Instances}, time.Time{}
	if !p.hasInstances(o, pool) {
		next.Instances = instanceStates(o, pool)
	}
	if len(next.Instances) == 0 {
		return PoolState{}
	}
	for n := range o.Instances {
		if i := &o.Instances[n]; i.Writer == (pool == scaling.Writer) && i.RestartedAt.After(restarted) {
			restarted = i.RestartedAt
		}
	}
	restarted = restarted.Truncate(time.Second)
	unchanged := !p.ChangedAt.IsZero() && slices.EqualFunc(next.Instances, p.Instances, InstanceState.isSame)
	switch {
	case !next.isServing():
	case unchanged && !restarted.After(p.ChangedAt.Add(restartTolerance)):
		next.ChangedAt = p.ChangedAt
	case unchanged: // samples from before the restart do not describe the restarted instance
		next.ChangedAt = restarted
	default:
		next.ChangedAt = o.ObservedAt.Truncate(time.Second)
	}
	if !next.ChangedAt.IsZero() && next.ChangedAt.Equal(p.ChangedAt) && !restarted.After(p.UnchangedSince.Add(restartTolerance)) {
		next.UnchangedSince = p.UnchangedSince // EngineUptime shows no restart that the events lack
	}
	next.CapacityHistory = p.updatedHistory(next.ChangedAt, o)
	return next
}

// newInstanceState is an instance as it was observed.
func newInstanceState(i *scaling.Instance) InstanceState {
	return InstanceState{Identifier: i.Identifier, Class: i.Class, Serving: scaling.IsServing(i.Status), ResourceID: i.ResourceID}
}

// instanceStates are the instances of a pool as they were observed, sorted by identifier.
func instanceStates(o *scaling.Observation, pool scaling.Pool) []InstanceState {
	states := make([]InstanceState, 0, len(o.Instances))
	for n := range o.Instances {
		if i := &o.Instances[n]; i.Writer == (pool == scaling.Writer) {
			states = append(states, newInstanceState(i))
		}
	}
	slices.SortFunc(states, func(a, b InstanceState) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return states
}

// hasInstances reports whether a pool was observed as it was before, in the order of the identifiers: then the state needs no copy. It is
// false when only the order is another one.
func (p PoolState) hasInstances(o *scaling.Observation, pool scaling.Pool) bool {
	count := 0
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		if count == len(p.Instances) || p.Instances[count] != newInstanceState(i) {
			return false
		}
		count++
	}
	return count == len(p.Instances)
}

// isServing reports whether every instance is in service.
func (p PoolState) isServing() bool {
	return !slices.ContainsFunc(p.Instances, func(i InstanceState) bool { return !i.Serving })
}

// updatedHistory is the capacity history with the period that has ended when the pool changed, without those no longer kept.
func (p PoolState) updatedHistory(changedAt time.Time, o *scaling.Observation) []scaling.CapacityPeriod {
	history := p.CapacityHistory
	if !p.ChangedAt.IsZero() && !changedAt.Equal(p.ChangedAt) {
		endedAt := o.ObservedAt.Truncate(time.Second)
		if vcpus := p.totalVCPUs(o.Engine); vcpus > 0 && endedAt.Sub(p.ChangedAt) >= minCapacityPeriod {
			history = append(slices.Clone(history), scaling.CapacityPeriod{StartedAt: p.ChangedAt, EndedAt: endedAt, VCPUs: vcpus})
		}
	}
	first := max(0, len(history)-maxCapacityPeriods)
	for first < len(history) && o.ObservedAt.Sub(history[first].EndedAt) > capacityRetention {
		first++
	}
	return history[first:]
}

// totalVCPUs is the vCPUs of all instances; zero when a class is not known.
func (p PoolState) totalVCPUs(engine string) float64 {
	total := 0.0
	var class *catalog.Class
	for n := range p.Instances {
		if name := p.Instances[n].Class; class == nil || class.Name != name { // most instances have the class of the one before
			var err error
			if class, err = catalog.Find(name); err != nil {
				return 0
			}
		}
		total += class.VCPUFor(engine)
	}
	return total
}

// FullCapacityHistory is the capacity history up to the observation, with the current capacity. It reuses the array of buffer, which must
// be nil or what it returned for an earlier state of the pool: mostly only the end differs.
func (p PoolState) FullCapacityHistory(buffer []scaling.CapacityPeriod, o *scaling.Observation) []scaling.CapacityPeriod {
	history, count := buffer, len(p.CapacityHistory)
	isSame := func(n int) bool { return history[n] == p.CapacityHistory[n] }
	if len(history) < count || count > 0 && (!isSame(0) || !isSame(count-1)) {
		history = append(history[:0], p.CapacityHistory...)
	}
	history = history[:count]
	if vcpus := p.totalVCPUs(o.Engine); !p.ChangedAt.IsZero() && vcpus > 0 {
		history = append(history, scaling.CapacityPeriod{StartedAt: p.ChangedAt, EndedAt: o.ObservedAt, VCPUs: vcpus})
	}
	return history
}
