package model

import (
	"fmt"
	"slices"
	"time"
)

// brokenStatuses are statuses that an instance does not leave by itself (RDS user guide, "Viewing DB instance status").
var brokenStatuses = []string{"failed", "storage-full", "incompatible-parameters", "incompatible-network", "inaccessible-encryption-credentials"}

// FailInstance takes an instance out of service, with a status that it does not leave until Repair. A writer that breaks fails over. The
// error says why it cannot be.
func (w *World) FailInstance(region, id, status string) error {
	s, err := w.findInstance(region, id)
	switch {
	case err != nil:
		return err
	case !slices.Contains(brokenStatuses, status):
		return fmt.Errorf("an instance leaves the status %q by itself", status)
	case s.Status != statusAvailable || s.changeInProgress || !s.isInService():
		return fmt.Errorf("%s is %s, and only what is available breaks here", id, s.Status)
	}
	s.Status, s.changeInProgress = status, true
	s.beginOutage()
	w.recordInstanceEvent(s, "failure", "DB instance put into "+status)
	if s.group.cluster != nil && s.isWriter() {
		w.replaceWriter(s.group)
	}
	return nil
}

// RepairInstance brings an instance back that Break took out of service. Others stay as they are.
func (w *World) RepairInstance(region, id string) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	if slices.Contains(brokenStatuses, s.Status) {
		s.changeInProgress = false
		w.restoreService(s)
		s.setAvailable(w.now)
		w.recordInstanceEvent(s, "recovery", "DB instance recovered")
	}
	return nil
}

// DelayNextChange lets the next change of an instance's class, or the making of the next instance of this name, take so much longer.
func (w *World) DelayNextChange(region, id string, delay time.Duration) {
	if w.changeDelays == nil {
		w.changeDelays = map[string]time.Duration{}
	}
	w.changeDelays[region+"/"+id] = delay
}

// takeChangeDelay is how much longer a change takes that begins now.
func (w *World) takeChangeDelay(region, id string) time.Duration {
	delay := w.changeDelays[region+"/"+id]
	delete(w.changeDelays, region+"/"+id)
	return delay
}
