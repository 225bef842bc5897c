package model

import (
	"fmt"
	"slices"
	"time"
)

// createFailureStatuses are the statuses in which a creation that AWS has accepted can end instead of available (RDS user guide,
// "Viewing DB instance status").
var createFailureStatuses = []string{
	"failed", "incompatible-create", "incompatible-network", "incompatible-parameters",
	"insufficient-capacity",
}

// FailNextCreate makes the next creation of an instance in a database fail: the request is accepted, and after the usual time the
// instance gets the status, which it keeps until it is deleted. It never serves, and has no creation time unless
// Scenario.CreateTimeAtAcceptance is set. An empty status takes the failure back. It returns an error if the database does not exist or
// a creation cannot end in the status.
func (w *World) FailNextCreate(region, database, status string) error {
	g, found := w.findGroup(region, database)
	switch {
	case !found:
		return fmt.Errorf("there is no database %q in %s", database, region)
	case status != "" && !slices.Contains(createFailureStatuses, status):
		return fmt.Errorf("status %q: want one of %v", status, createFailureStatuses)
	}
	g.createFailure = status
	return nil
}

// startCreate schedules the end of the creation of an instance.
func (w *World) startCreate(s *instanceState) {
	if w.scenario.CreateTimeAtAcceptance {
		s.AcceptedAt = w.now
	}
	status := s.group.createFailure
	s.group.createFailure = ""
	w.scheduleForInstance(s, w.drawCreateDuration()+w.takeChangeDelay(s.Region, s.Identifier), func() {
		if status == "" {
			w.completeCreate(s)
			return
		}
		s.Status, s.createFailed = status, true
		w.recordInstanceEvent(s, "failure", "DB instance put into "+status)
	})
}

// CreateTime is the InstanceCreateTime that the RDS API shows; zero when it shows none.
func (i *Instance) CreateTime() time.Time {
	if !i.AcceptedAt.IsZero() {
		return i.AcceptedAt
	}
	return i.CreatedAt
}
