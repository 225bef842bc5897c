package model

import (
	"fmt"
	"slices"
	"time"
)

// failedStatuses are the statuses that an instance does not leave by itself (RDS user guide, "Viewing DB instance status").
var failedStatuses = []string{
	"failed", "storage-full", "incompatible-parameters", "incompatible-network", "inaccessible-encryption-credentials",
}

// FailInstance takes an available instance out of service, with a status that it keeps until RepairInstance. If it is the
// writer of a cluster, the cluster fails over. It returns an error if the status is not one of a failed instance or the
// instance is not available.
func (w *World) FailInstance(region, id, status string) error {
	s, err := w.findInstance(region, id)
	switch {
	case err != nil:
		return err
	case !slices.Contains(failedStatuses, status):
		return fmt.Errorf("status %q: want one of %v", status, failedStatuses)
	case s.Status != statusAvailable || s.changeInProgress || !s.isInService():
		return fmt.Errorf("%s is %s: only an available instance can fail", id, s.Status)
	}
	s.Status, s.changeInProgress = status, true
	s.beginOutage()
	w.recordInstanceEvent(s, "failure", "DB instance put into "+status)
	if s.group.cluster != nil && s.isWriter() {
		w.replaceWriter(s.group)
	}
	return nil
}

// RepairInstance restores an instance that FailInstance took out of service. It does nothing to other instances, and nothing to one
// that failed to be created.
func (w *World) RepairInstance(region, id string) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	if slices.Contains(failedStatuses, s.Status) && !s.createFailed {
		s.changeInProgress = false
		w.restoreService(s)
		s.setAvailable(w.now)
		w.recordInstanceEvent(s, "recovery", "Recovery of the DB instance is complete.")
	}
	return nil
}

// DelayNextChange adds a delay to the next change of an instance's class, or to the creation of the next instance with this
// identifier. With the identifier of a Multi-AZ DB cluster it delays the next change of the cluster's class.
func (w *World) DelayNextChange(region, id string, delay time.Duration) {
	if w.changeDelays == nil {
		w.changeDelays = map[string]time.Duration{}
	}
	w.changeDelays[region+"/"+id] = delay
}

// takeChangeDelay returns the extra delay of a change that begins now, and clears it.
func (w *World) takeChangeDelay(region, id string) time.Duration {
	delay := w.changeDelays[region+"/"+id]
	delete(w.changeDelays, region+"/"+id)
	return delay
}
