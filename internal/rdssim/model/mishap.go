package model

import (
	"fmt"
	"slices"
	"time"
)

// broken are statuses that an instance does not leave by itself (RDS user guide, "Viewing DB instance status").
var broken = []string{"failed", "storage-full", "incompatible-parameters", "incompatible-network", "inaccessible-encryption-credentials"}

// Break takes an instance out of service, with a status that it does not leave until Repair. A writer that breaks fails over. The
// error says why it cannot be.
func (w *World) Break(region, id, status string) error {
	s, err := w.member(region, id)
	switch {
	case err != nil:
		return err
	case !slices.Contains(broken, status):
		return fmt.Errorf("an instance leaves the status %q by itself", status)
	case s.Status != available || s.changing || !s.serving():
		return fmt.Errorf("%s is %s, and only what is available breaks here", id, s.Status)
	}
	s.Status, s.changing = status, true
	s.stop()
	w.tell(s, "failure", "DB instance put into "+status)
	if s.group.cluster != nil && s.writer() {
		w.succeed(s.group)
	}
	return nil
}

// Repair brings an instance back that Break took out of service. Others stay as they are.
func (w *World) Repair(region, id string) error {
	s, err := w.member(region, id)
	if err != nil {
		return err
	}
	if slices.Contains(broken, s.Status) {
		s.changing = false
		w.resume(s)
		s.ready(w.now)
		w.tell(s, "recovery", "DB instance recovered")
	}
	return nil
}

// Delay lets the next change of an instance's class, or the making of the next instance of this name, take so much longer.
func (w *World) Delay(region, id string, by time.Duration) {
	if w.delays == nil {
		w.delays = map[string]time.Duration{}
	}
	w.delays[region+"/"+id] = by
}

// delayed is how much longer a change takes that begins now.
func (w *World) delayed(region, id string) time.Duration {
	by := w.delays[region+"/"+id]
	delete(w.delays, region+"/"+id)
	return by
}
