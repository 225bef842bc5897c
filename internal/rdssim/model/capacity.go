package model

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const minCapacityChangeDuration, maxCapacityChangeDuration = 20 * time.Second, 60 * time.Second

// ModifyServerlessCapacity is ModifyDBCluster with the capacity range of Aurora Serverless v2. The new range applies at once and
// without an outage; the cluster is modifying for 20 to 60 seconds. Parameters whose defaults depend on the range are pending-reboot
// (Aurora user guide, "Performance and scaling for Aurora Serverless v2"). With ApplyImmediately the pending changes are applied, too.
// The error is an *APIError.
func (w *World) ModifyServerlessCapacity(region, id string, capacity ServerlessCapacity, applyImmediately bool) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, id)
	switch {
	case c.Capacity == nil:
		return nil, invalidCombination("DB cluster %s: the simulator has no Serverless v2 scaling configuration of it.", id)
	case c.Status != statusAvailable:
		return nil, clusterNotAvailable(c)
	case !capacity.isValid():
		return nil, invalidValue("Serverless v2 capacity from %g to %g: the simulator supports a maximum that is a multiple of 4 up to 256.",
			capacity.Min, capacity.Max)
	}
	rangeChanged := capacity != *c.Capacity
	c.Status, c.Capacity = statusModifying, &capacity
	for _, s := range g.instances {
		s.updateCapacity()
		if rangeChanged {
			s.ParameterStatus = ParametersPendingReboot
		}
	}
	w.schedule(w.drawDuration(minCapacityChangeDuration, maxCapacityChangeDuration), func() {
		if c.Status == statusModifying {
			c.Status = statusAvailable
		}
	})
	if applyImmediately {
		w.applyClusterChanges(g)
	}
	return c.copy(), nil
}

// isValid reports whether the range is one that the simulator has: a maximum that is a multiple of 4 ACUs up to 256.
func (c ServerlessCapacity) isValid() bool {
	return c.Min >= 0 && c.Max >= c.Min && catalog.ServerlessClassName(c.Max) != ""
}

// SetVCPUs changes the number of vCPUs of an instance at once and without an outage. RDS cannot do this: it models platforms
// that can. The class and the memory stay the same. The error is an *APIError.
func (w *World) SetVCPUs(region, id string, vcpus float64) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	if vcpus <= 0 {
		return invalidValue("An instance with %g vCPUs isn't valid.", vcpus)
	}
	s.vcpus = vcpus
	return nil
}
