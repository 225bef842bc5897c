package model

import (
	"fmt"
	"time"
)

// OptimizeStorage shows a standalone instance or a read replica as storage-optimization for a time, as RDS does after it has added
// storage. The instance serves and can be changed. It returns an error if the instance is in a cluster or not available.
func (w *World) OptimizeStorage(region, id string, duration time.Duration) error {
	s, err := w.findInstance(region, id)
	switch {
	case err != nil:
		return err
	case s.Cluster != "":
		return fmt.Errorf("%s is in a cluster, whose storage has no such phase", id)
	case s.Status != statusAvailable || s.changeInProgress:
		return fmt.Errorf("%s is %s: only the storage of an available instance is optimized", id, s.Status)
	}
	w.startStoragePhase(s, statusStorageOptimization, duration)
	return nil
}

// startStoragePhase shows an instance in service with a storage status for a time, unless a change replaces the status before.
func (w *World) startStoragePhase(s *instanceState, status string, duration time.Duration) {
	s.setAvailable(w.now)
	s.Status = status
	w.scheduleForInstance(s, duration, func() {
		if s.Status == status {
			s.Status = statusAvailable
		}
	})
}

// acceptsChanges reports whether the status of an instance allows changes: AWS may work on its storage meanwhile (RDS user guide,
// "Viewing DB instance status": the instance remains available for operations).
func (s *instanceState) acceptsChanges() bool {
	return s.Status == statusAvailable || s.Status == statusStorageInitialization || s.Status == statusStorageOptimization
}
