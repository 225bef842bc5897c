// Package memory is what has to be remembered from one look at a database to the next, since AWS cannot tell it: since when a pool
// has been what it is, how large it was before, and what was done. It is pure: what is remembered comes in and goes out.
package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// maxCapacityPeriods is the greatest number of past capacities remembered, as the API's limit has it.
	maxCapacityPeriods = 64
	// capacityRetention is how long they are remembered: as long as CloudWatch keeps one-minute points (CloudWatch user guide, "Metrics
	// retention").
	capacityRetention = 15 * 24 * time.Hour
	// minCapacityPeriod is how long a pool must have been so to be remembered: what is read by it are means of a quarter of an hour.
	minCapacityPeriod = 15 * time.Minute
	// restartTolerance is by how much EngineUptime may put a start too late, compared with when the instance was seen in service.
	restartTolerance = 3 * time.Minute
)

// InstanceState is an instance as it was last seen.
type InstanceState struct {
	Identifier, Class string
	Serving           bool
}

// PoolState is what is remembered of a pool.
type PoolState struct {
	// Instances by their identifiers; none before the first look.
	Instances []InstanceState
	// ChangedAt is when the pool was first seen to consist of these, each in service; zero while it is changing.
	ChangedAt time.Time
	// CapacityHistory is how many vCPUs it had before, oldest first.
	CapacityHistory []scaling.CapacityPeriod
}

// Update brings up to date what is remembered of a pool. Since stays what it was, and starts anew when an instance came, went,
// changed its class, restarted or was out of service: AWS cannot tell that later. Times are whole seconds.
func (p PoolState) Update(o scaling.Observation, pool scaling.Pool) PoolState {
	next, restarted := PoolState{Instances: make([]InstanceState, 0, len(o.Instances))}, time.Time{}
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		next.Instances = append(next.Instances, InstanceState{i.Identifier, i.Class, scaling.IsServing(i.Status)})
		if i.RestartedAt.After(restarted) {
			restarted = i.RestartedAt
		}
	}
	if len(next.Instances) == 0 {
		return PoolState{}
	}
	slices.SortFunc(next.Instances, func(a, b InstanceState) int { return cmp.Compare(a.Identifier, b.Identifier) })
	restarted = restarted.Truncate(time.Second)
	unchanged := !p.ChangedAt.IsZero() && slices.Equal(p.Instances, next.Instances)
	switch {
	case !next.isServing():
	case unchanged && !restarted.After(p.ChangedAt.Add(restartTolerance)):
		next.ChangedAt = p.ChangedAt
	case unchanged: // it is still what it was, and its samples from before the restart are not to be trusted
		next.ChangedAt = restarted
	default:
		next.ChangedAt = o.ObservedAt.Truncate(time.Second)
	}
	next.CapacityHistory = p.updatedHistory(next.ChangedAt, o)
	return next
}

func (p PoolState) isServing() bool {
	return !slices.ContainsFunc(p.Instances, func(m InstanceState) bool { return !m.Serving })
}

// updatedHistory adds what a pool was before to what is remembered of it, when that has ended.
func (p PoolState) updatedHistory(since time.Time, o scaling.Observation) []scaling.CapacityPeriod {
	history := p.CapacityHistory
	if !p.ChangedAt.IsZero() && !since.Equal(p.ChangedAt) {
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

// totalVCPUs is the vCPUs of the members together; zero when a class is not known.
func (p PoolState) totalVCPUs(engine string) float64 {
	total := 0
	for _, m := range p.Instances {
		class, err := catalog.Lookup(m.Class)
		if err != nil {
			return 0
		}
		total += class.VCPUFor(engine)
	}
	return float64(total)
}

// FullCapacityHistory is how many vCPUs the pool had when, up to now. It is written over what into has.
func (p PoolState) FullCapacityHistory(into []scaling.CapacityPeriod, o scaling.Observation) []scaling.CapacityPeriod {
	out := append(into[:0], p.CapacityHistory...)
	if vcpus := p.totalVCPUs(o.Engine); !p.ChangedAt.IsZero() && vcpus > 0 {
		out = append(out, scaling.CapacityPeriod{StartedAt: p.ChangedAt, EndedAt: o.ObservedAt, VCPUs: vcpus})
	}
	return out
}
