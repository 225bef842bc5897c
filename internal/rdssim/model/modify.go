package model

import (
	"cmp"
	"time"
)

const available = "available"

// The durations of a change of class, as practitioners have seen them: for Aurora and Multi-AZ the RDS events of real
// changes, for Single-AZ AWS re:Post, "rds-performance-impact". Between the request and the outage the new host is
// prepared; afterwards the status stays modifying for a while.
const (
	lagLeast, lagMost         = 5 * time.Second, 30 * time.Second
	prepareLeast, prepareMost = 4 * time.Minute, 7 * time.Minute
	outageLeast, outageMost   = 60 * time.Second, 90 * time.Second
	loneLeast, loneMost       = 2 * time.Minute, 4 * time.Minute  // an Aurora writer without readers
	singleLeast, singleMost   = 5 * time.Minute, 15 * time.Minute // a Single-AZ instance
	tailLeast, tailMost       = 3 * time.Minute, 10 * time.Minute
)

// ModifyInstance is ModifyDBInstance. Promotion tiers and certificates change without an interruption. The error is a
// *Fault.
func (w *World) ModifyInstance(region, id string, m Modify) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	if err := w.mayModify(s, m); err != nil {
		return nil, err
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	pend(&s.Pending.Class, m.Class, s.Class)
	pend(&s.Pending.EngineVersion, m.EngineVersion, s.EngineVersion)
	pend(&s.Pending.CACertificate, m.CACertificate, s.CACertificate)
	if m.MultiAZ != nil {
		s.Pending.MultiAZ = nil
		if *m.MultiAZ != s.MultiAZ {
			multi := *m.MultiAZ
			s.Pending.MultiAZ = &multi
		}
	}
	switch {
	case s.Pending == Pending{}:
	case m.ApplyImmediately:
		w.apply(s)
	default:
		w.awaitWindow(s)
	}
	return s.copy(), nil
}

// pend notes what is asked for. Asking for what is there takes back what was pending.
func pend(pending, asked *string, have string) {
	if asked == nil {
		return
	}
	*pending = *asked
	if *asked == have {
		*pending = ""
	}
}

// mayModify says whether an instance takes a change now.
func (w *World) mayModify(s *server, m Modify) error {
	if s.Status != available || s.changing || w.now.Before(s.readyAt.Add(w.scenario.RefuseAfterAvailable.Duration)) {
		return instanceBusy()
	}
	if c := s.group.cluster; c != nil && c.Status != available {
		return clusterBusy(c)
	}
	if c := s.group.cluster; c != nil && c.InstanceClass != "" {
		return invalidCombination("The specified DB instance is a member of a Multi-AZ DB cluster. Modify the DB cluster instead.")
	}
	switch {
	case m.PromotionTier != nil && !validTier(*m.PromotionTier):
		return invalidTier()
	case s.Cluster != "" && m.EngineVersion != nil:
		return invalidCombination("The specified DB instance is a member of a cluster. Modify the engine version of the DB " +
			"cluster instead.")
	case s.Cluster != "" && m.MultiAZ != nil:
		return invalidCombination("The specified DB instance is a member of a cluster. Add Aurora Replicas in other " +
			"availability zones instead.")
	case m.Class == nil || *m.Class == s.Class:
		return nil
	}
	if err := w.orders(s.Region, s.Engine, s.EngineVersion, *m.Class); err != nil {
		return err
	}
	if w.lacks(*m.Class, s.AvailabilityZone) {
		return noCapacity("Cannot modify the instance class because there are no instances of the requested class available in " +
			"the current instance's availability zone. Please try your request again at a later time.")
	}
	return nil
}

// apply carries out everything that is pending on an instance: ApplyImmediately applies what waited before as well
// (RDS API reference, ModifyDBInstance).
func (w *World) apply(s *server) {
	s.CACertificate, s.Pending.CACertificate = cmp.Or(s.Pending.CACertificate, s.CACertificate), ""
	if s.Pending == (Pending{}) {
		return
	}
	s.changing = true
	w.later(s, w.between(lagLeast, lagMost), func() {
		s.Status = modifying
		if s.Pending.Class != "" {
			w.tell(s, "configuration change", "Applying modification to database instance class.")
		}
		w.later(s, w.between(prepareLeast, prepareMost)+w.delayed(s.Region, s.Identifier), func() { w.interrupt(s) })
	})
}

// interrupt is the outage inside a change, if there is one: a standby is added or removed without. A writer with readers
// fails over to one of them and does not come back as the writer (practitioners' reports; Aurora user guide, "Managing
// performance and scaling").
func (w *World) interrupt(s *server) {
	if s.Pending.Class == "" && s.Pending.EngineVersion == "" {
		w.finishModify(s)
		return
	}
	length := w.between(s.outage())
	s.interrupted()
	w.tell(s, "availability", "DB instance shutdown")
	switch {
	case s.Cluster != "" && s.writer():
		w.succeed(s.group)
	case s.MultiAZ:
		w.swapZones(s)
	}
	w.after(length, func() {
		w.resume(s)
		if s.gone {
			return
		}
		w.tell(s, "availability", "DB instance restarted")
		if s.MultiAZ {
			w.tell(s, "failover", "Multi-AZ instance failover completed")
		}
		w.finishModify(s)
	})
}

// outage is how long an instance is out of service while its host is replaced.
func (s *server) outage() (least, most time.Duration) {
	switch {
	case s.Cluster != "" && s.writer() && s.group.heir() == nil:
		return loneLeast, loneMost
	case s.Cluster == "" && !s.MultiAZ:
		return singleLeast, singleMost
	default:
		return outageLeast, outageMost
	}
}

// finishModify makes what was pending so. The status follows later.
func (w *World) finishModify(s *server) {
	resized := s.Pending.Class != ""
	s.Class = cmp.Or(s.Pending.Class, s.Class)
	s.EngineVersion = cmp.Or(s.Pending.EngineVersion, s.EngineVersion)
	if s.Pending.MultiAZ != nil {
		s.MultiAZ, s.SecondaryZone = *s.Pending.MultiAZ, ""
		if s.MultiAZ {
			s.SecondaryZone = otherZone(s.Region, s.AvailabilityZone)
		}
	}
	s.Pending = Pending{}
	s.resize()
	w.later(s, w.between(tailLeast, tailMost), func() {
		s.changing = false
		s.ready(w.now)
		if resized {
			w.tell(s, "configuration change", "Finished applying modification to DB instance class.")
		}
	})
}
