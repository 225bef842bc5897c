package decide

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// proposeSurgeCleanup proposes to remove surge readers whose operation has ended, once the other readers carry the load. It
// does so also where the policy does not scale the readers: the operator created them.
func proposeSurgeCleanup(p *scaling.Policy, o *scaling.Observation, now time.Time) *scaling.Proposal {
	if !hasSurgeReader(o) {
		return nil
	}
	readers, err := poolInstances(o, scaling.Readers)
	if err != nil {
		return nil
	}
	remaining := slices.DeleteFunc(slices.Clone(readers), func(i poolInstance) bool { return i.SurgeOperation() != "" })
	minReaders := 1
	if p.Readers != nil {
		minReaders = p.Readers.Min
	}
	if len(remaining) == len(readers) || len(remaining) < minReaders {
		return nil
	}
	load := assessLoad(p, o, scaling.Readers, readers, now)
	utilization := utilizationPercent(load.Demand, totalVCPUs(excludeInstances(remaining, load.WithoutClients)))
	if !load.Fresh || load.Saturated || exceeds(utilization, p.CPU.Target) {
		return nil
	}
	from, to := shapeOf(readers), shapeOf(remaining)
	text := fmt.Sprintf("%d surge reader(s) of an ended operation are not needed to carry the load: %s → %s",
		len(readers)-len(remaining), from, to)
	return &scaling.Proposal{Reason: scaling.ReasonLeftoverSurgeReader, Message: text, Cause: text, Change: scaling.Change{
		Pool: scaling.Readers, Direction: scaling.Cleanup, From: from, To: to, Demand: load.Demand,
		UtilizationPercent: load.UtilizationPercent,
	}}
}

// hasSurgeReader reports whether an instance is a surge reader.
func hasSurgeReader(o *scaling.Observation) bool {
	for n := range o.Instances { // by index: an instance is large to copy
		if o.Instances[n].SurgeOperation() != "" {
			return true
		}
	}
	return false
}
