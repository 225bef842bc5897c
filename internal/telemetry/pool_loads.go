package telemetry

import (
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// SetPoolLoads publishes the load and capacity of the pools of a policy. It deletes the series of unknown values: of a pool that
// is not among the loads, of a zero capacity (no instance, or a class that the catalog does not contain), and of a stale load.
func (m *Metrics) SetPoolLoads(namespace, name string, loads []scaling.Load) {
	m.states.mu.Lock()
	defer m.states.mu.Unlock()
	e := m.states.entry(namespace, name)
	for n, pool := range entryPools {
		e.pools[n].load = poolLoad{}
		if k := slices.IndexFunc(loads, func(l scaling.Load) bool { return l.Pool == pool }); k >= 0 {
			l := &loads[k]
			e.pools[n].load = poolLoad{capacity: l.Capacity, isFresh: l.Fresh, utilizationPercent: l.UtilizationPercent, demand: l.Demand}
		}
	}
}

// poolLoad is the published load of a pool. The capacity is zero when it is unknown, and the rest is unknown unless it is fresh.
type poolLoad struct {
	capacity, utilizationPercent, demand float64
	isFresh                              bool
}

// SetPolicyState publishes whether a policy is in force and whether an operation is in progress.
func (m *Metrics) SetPolicyState(namespace, name string, ready, operating bool) {
	m.states.mu.Lock()
	defer m.states.mu.Unlock()
	e := m.states.entry(namespace, name)
	e.isStateKnown, e.isReady, e.isOperating = true, ready, operating
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
