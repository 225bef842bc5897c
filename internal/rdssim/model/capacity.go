package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const capacityLeast, capacityMost = 20 * time.Second, 60 * time.Second

// ModifyCapacity is ModifyDBCluster with the capacity range of Aurora Serverless v2. It interrupts nothing, and shows at once; the
// cluster is modifying for a moment. The error is a *Fault.
func (w *World) ModifyCapacity(region, id string, to Capacity) (*Cluster, error) {
	c, err := w.cluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.group(region, id)
	switch {
	case c.Capacity == nil:
		return nil, invalidCombination("The cluster %s has no Serverless v2 scaling configuration in the simulator.", id)
	case c.Status != available:
		return nil, clusterBusy(c)
	case to.Min < 0 || to.Max < to.Min || catalog.Capacity(to.Max) == "":
		return nil, invalidValue("Serverless v2 capacity from %g to %g isn't valid, or no multiple of 4, which is all that the simulator has.",
			to.Min, to.Max)
	}
	c.Status, c.Capacity = modifying, &to
	for _, s := range g.servers {
		s.resize()
	}
	w.after(w.between(capacityLeast, capacityMost), func() {
		if c.Status == modifying {
			c.Status = available
		}
	})
	return c.copy(), nil
}
