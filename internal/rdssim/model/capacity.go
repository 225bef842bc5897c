package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const minCapacityChangeDuration, maxCapacityChangeDuration = 20 * time.Second, 60 * time.Second

// ModifyServerlessCapacity is ModifyDBCluster with the capacity range of Aurora Serverless v2. It interrupts nothing, and shows at once; the
// cluster is modifying for a moment. The error is a *Fault.
func (w *World) ModifyServerlessCapacity(region, id string, capacity ServerlessCapacity) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, id)
	switch {
	case c.Capacity == nil:
		return nil, invalidCombination("The cluster %s has no Serverless v2 scaling configuration in the simulator.", id)
	case c.Status != statusAvailable:
		return nil, clusterNotAvailable(c)
	case capacity.Min < 0 || capacity.Max < capacity.Min || catalog.ServerlessClassName(capacity.Max) == "":
		return nil, invalidValue("Serverless v2 capacity from %g to %g isn't valid, or no multiple of 4, which is all that the simulator has.",
			capacity.Min, capacity.Max)
	}
	c.Status, c.Capacity = statusModifying, &capacity
	for _, s := range g.instances {
		s.updateCapacity()
	}
	w.schedule(w.drawDuration(minCapacityChangeDuration, maxCapacityChangeDuration), func() {
		if c.Status == statusModifying {
			c.Status = statusAvailable
		}
	})
	return c.copy(), nil
}
