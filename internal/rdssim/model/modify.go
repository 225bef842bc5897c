package model

import (
	"cmp"
	"time"
)

// The ranges of the phases of a class change, as practitioners report them: for Aurora and Multi-AZ from the RDS events of real
// changes, for Single-AZ from AWS re:Post, "rds-performance-impact". Before the outage the new host is prepared; after it the
// status stays modifying for a while.
const (
	minAcceptDelay, maxAcceptDelay                           = 5 * time.Second, 30 * time.Second
	minPrepareDuration, maxPrepareDuration                   = 4 * time.Minute, 7 * time.Minute
	minOutageDuration, maxOutageDuration                     = 60 * time.Second, 90 * time.Second
	minLoneWriterOutageDuration, maxLoneWriterOutageDuration = 2 * time.Minute, 4 * time.Minute  // an Aurora writer without readers
	minSingleAZOutageDuration, maxSingleAZOutageDuration     = 5 * time.Minute, 15 * time.Minute // a Single-AZ instance
	minFinalizeDuration, maxFinalizeDuration                 = 3 * time.Minute, 10 * time.Minute
)

// ModifyInstance is ModifyDBInstance. A change of the promotion tier or certificate has no outage. The error is an *APIError.
func (w *World) ModifyInstance(region, id string, m ModifyInstanceRequest) (*Instance, error) {
	s, err := w.findInstance(region, id)
	if err != nil {
		return nil, err
	}
	if err := w.checkModify(s, m); err != nil {
		return nil, err
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	setPending(&s.PendingChanges.Class, m.Class, s.Class)
	setPending(&s.PendingChanges.EngineVersion, m.EngineVersion, s.EngineVersion)
	setPending(&s.PendingChanges.CACertificate, m.CACertificate, s.CACertificate)
	if m.MultiAZ != nil {
		s.PendingChanges.MultiAZ = nil
		if *m.MultiAZ != s.MultiAZ {
			multi := *m.MultiAZ
			s.PendingChanges.MultiAZ = &multi
		}
	}
	switch {
	case s.PendingChanges == PendingChanges{}:
	case m.ApplyImmediately:
		w.applyPending(s)
	default:
		w.applyInNextWindow(s)
	}
	return s.copy(), nil
}

// setPending sets a pending value to the requested one. Requesting the current value cancels the pending one.
func setPending(pending, requested *string, current string) {
	if requested == nil {
		return
	}
	*pending = *requested
	if *requested == current {
		*pending = ""
	}
}

// checkModify returns the error with which AWS refuses a ModifyDBInstance request now, if it does.
func (w *World) checkModify(s *instanceState, m ModifyInstanceRequest) error {
	if !s.acceptsChanges() || s.changeInProgress || w.now.Before(s.availableAt.Add(w.scenario.RefuseAfterAvailable.Duration)) {
		return instanceNotAvailable()
	}
	if c := s.group.cluster; c != nil && c.Status != statusAvailable {
		return clusterNotAvailable(c)
	}
	if c := s.group.cluster; c != nil && c.InstanceClass != "" {
		return invalidCombination("The specified DB instance is a member of a Multi-AZ DB cluster. Modify the DB cluster instead.")
	}
	switch {
	case m.PromotionTier != nil && !isValidPromotionTier(*m.PromotionTier):
		return invalidPromotionTier()
	case s.Cluster != "" && m.EngineVersion != nil:
		return invalidCombination("The specified DB instance is a member of a cluster. Modify the engine version of the DB " +
			"cluster instead.")
	case s.Cluster != "" && m.MultiAZ != nil:
		return invalidCombination("The specified DB instance is a member of a cluster. Add Aurora Replicas in other " +
			"availability zones instead.")
	case m.Class == nil || *m.Class == s.Class:
		return nil
	}
	if err := w.checkOrderable(s.Region, s.Engine, s.EngineVersion, *m.Class); err != nil {
		return err
	}
	if w.hasCapacityShortage(*m.Class, s.AvailabilityZone) {
		return insufficientCapacity("Cannot modify the instance class because there are no instances of the requested class available in " +
			"the current instance's availability zone. Please try your request again at a later time.")
	}
	return nil
}

// applyPending applies all pending changes of an instance. ApplyImmediately also applies changes that were already pending (RDS
// API reference, ModifyDBInstance).
func (w *World) applyPending(s *instanceState) {
	s.CACertificate, s.PendingChanges.CACertificate = cmp.Or(s.PendingChanges.CACertificate, s.CACertificate), ""
	if s.PendingChanges == (PendingChanges{}) {
		return
	}
	s.changeInProgress = true
	w.scheduleForInstance(s, w.drawDuration(minAcceptDelay, maxAcceptDelay), func() {
		s.Status = statusModifying
		if s.PendingChanges.Class != "" {
			w.recordInstanceEvent(s, "configuration change", "Applying modification to database instance class.")
		}
		preparation := w.drawDuration(minPrepareDuration, maxPrepareDuration) + w.takeChangeDelay(s.Region, s.Identifier)
		w.scheduleForInstance(s, preparation, func() { w.startOutage(s) })
	})
}

// startOutage begins the outage of a change, if it has one: adding or removing a standby has none. A writer with readers fails
// over to one of them and returns as a reader (practitioners' reports; Aurora user guide, "Managing performance and scaling").
func (w *World) startOutage(s *instanceState) {
	if s.PendingChanges.Class == "" && s.PendingChanges.EngineVersion == "" {
		w.completeModify(s)
		return
	}
	duration := w.drawDuration(s.outageRange())
	s.disrupt()
	w.recordInstanceEvent(s, "availability", "DB instance shutdown")
	switch {
	case s.Cluster != "" && s.isWriter():
		w.replaceWriter(s.group)
	case s.MultiAZ:
		w.startStandbyFailover(s)
	}
	w.schedule(duration, func() {
		w.restoreService(s)
		if s.isDeleting {
			return
		}
		w.recordInstanceEvent(s, "availability", "DB instance restarted")
		if s.MultiAZ {
			w.recordInstanceEvent(s, "failover", "Multi-AZ instance failover completed")
		}
		w.completeModify(s)
	})
}

// outageRange returns the range of the outage while the host of an instance is replaced.
func (s *instanceState) outageRange() (minimum, maximum time.Duration) {
	switch {
	case s.Cluster != "" && s.isWriter() && s.group.promotionCandidate() == nil:
		return minLoneWriterOutageDuration, maxLoneWriterOutageDuration
	case s.Cluster == "" && !s.MultiAZ:
		return minSingleAZOutageDuration, maxSingleAZOutageDuration
	default:
		return minOutageDuration, maxOutageDuration
	}
}

// completeModify makes the pending values current. The status becomes available later.
func (w *World) completeModify(s *instanceState) {
	classChanged := s.PendingChanges.Class != ""
	s.Class = cmp.Or(s.PendingChanges.Class, s.Class)
	s.EngineVersion = cmp.Or(s.PendingChanges.EngineVersion, s.EngineVersion)
	if s.PendingChanges.MultiAZ != nil {
		s.MultiAZ, s.SecondaryAvailabilityZone = *s.PendingChanges.MultiAZ, ""
		if s.MultiAZ {
			s.SecondaryAvailabilityZone = standbyZone(s.Region, s.AvailabilityZone)
		}
	}
	s.PendingChanges = PendingChanges{}
	s.updateCapacity()
	if classChanged && w.parametersDoNotFit(s) {
		w.becomeIncompatible(s)
		return
	}
	w.scheduleForInstance(s, w.drawDuration(minFinalizeDuration, maxFinalizeDuration), func() {
		s.changeInProgress = false
		s.setAvailable(w.now)
		if classChanged {
			w.recordInstanceEvent(s, "configuration change", "Finished applying modification to DB instance class.")
		}
	})
}
