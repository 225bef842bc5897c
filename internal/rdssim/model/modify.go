package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const available = "available"

// The durations of a class change, as practitioners have seen them (RDS events of Multi-AZ changes; Aurora user guide,
// "Modifying a DB instance in a DB cluster").
const (
	lagLeast, lagMost         = 5 * time.Second, 30 * time.Second
	prepareLeast, prepareMost = 4 * time.Minute, 7 * time.Minute
	outageLeast, outageMost   = 60 * time.Second, 90 * time.Second
	singleLeast, singleMost   = 5 * time.Minute, 12 * time.Minute
	tailLeast, tailMost       = 3 * time.Minute, 10 * time.Minute
)

// ModifyInstance is ModifyDBInstance. The error is a *Fault.
func (w *World) ModifyInstance(region, id string, m Modify) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	if err := w.mayChange(s); err != nil {
		return nil, err
	}
	if m.PromotionTier != nil && (*m.PromotionTier < 0 || *m.PromotionTier > 15) {
		return nil, &Fault{"InvalidParameterValue", "Promotion tier must be from 0 to 15.", 400}
	}
	if m.Class != nil {
		if err := w.offers(s.Engine, s.EngineVersion, *m.Class, s.AvailabilityZone); err != nil {
			return nil, err
		}
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	if m.Class != nil && *m.Class != s.Class {
		s.Pending.Class = *m.Class
	}
	if m.MultiAZ != nil && *m.MultiAZ != s.MultiAZ {
		s.Pending.MultiAZ = m.MultiAZ
	}
	if m.EngineVersion != nil && *m.EngineVersion != s.EngineVersion {
		s.Pending.EngineVersion = *m.EngineVersion
	}
	if m.CACertificate != nil && *m.CACertificate != s.CACertificate {
		s.Pending.CACertificate = *m.CACertificate
	}
	if m.ApplyImmediately {
		w.apply(s)
	} else if s.Pending != (Pending{}) {
		w.after(untilWindow(s.MaintenanceWindow, w.now), func() { w.apply(s) })
	}
	return s.copy(), nil
}

// mayChange says whether an instance takes a change now.
func (w *World) mayChange(s *server) error {
	if s.Status != available || s.changing {
		return &Fault{"InvalidDBInstanceState", "Database instance is not in available state.", 400}
	}
	if c := s.group.cluster; c != nil && c.Status != available {
		return &Fault{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s is not in available state.", c.Identifier), 400}
	}
	return nil
}

// offers says whether a class can be had for an engine in a zone.
func (w *World) offers(engine, version, name, zone string) error {
	class, err := catalog.Lookup(name)
	if err != nil || !class.Supports(engine) {
		return &Fault{"InvalidParameterCombination", fmt.Sprintf("RDS does not support creating a DB instance with the following "+
			"combination: DBInstanceClass=%s, Engine=%s, EngineVersion=%s. For supported combinations of instance class and "+
			"database engine version, see the documentation.", name, engine, version), 400}
	}
	if without, scarce := w.scarce[name]; scarce && (len(without) == 0 || slices.Contains(without, zone)) {
		return &Fault{"InsufficientDBInstanceCapacity", "Cannot modify the instance class because there are no instances of the " +
			"requested class available in the current instance's availability zone. Please try your request again at a later time.", 400}
	}
	return nil
}

// Scarce lets AWS run out of a class, in the zones named or in all when none is. Plenty ends it.
func (w *World) Scarce(class string, zones ...string) { w.scarce[class] = zones }

// Plenty lets AWS have a class again.
func (w *World) Plenty(class string) { delete(w.scarce, class) }

// apply carries out everything that is pending on an instance: ApplyImmediately applies what waited before as well
// (ModifyDBInstance, API reference).
func (w *World) apply(s *server) {
	if s.Pending == (Pending{}) || s.changing || s.gone {
		return
	}
	if s.Pending.CACertificate != "" {
		s.CACertificate, s.Pending.CACertificate = s.Pending.CACertificate, ""
	}
	if s.Pending.Class == "" && s.Pending.EngineVersion == "" && s.Pending.MultiAZ == nil {
		return
	}
	s.changing = true
	w.tell(s, "configuration change", "Applying modification to database instance class.")
	w.after(w.between(lagLeast, lagMost), func() { s.Status = "modifying" })
	w.after(w.between(lagMost+prepareLeast, lagMost+prepareMost), func() { w.takeDown(s) })
}

// takeDown is the interruption inside a change. A writer with readers fails over to one of them and does not come back as
// the writer (seen in practice; Aurora user guide, "Managing performance and scaling").
func (w *World) takeDown(s *server) {
	if s.gone {
		return
	}
	s.up = false
	w.tell(s, "availability", "DB instance shutdown")
	if c := s.group.cluster; c != nil && s.writer() {
		if heir := s.group.heir(); heir != nil {
			w.failover(s.group, heir)
		}
	}
	least, most := outageLeast, outageMost
	if s.Cluster == "" && !s.MultiAZ {
		least, most = singleLeast, singleMost
	}
	w.after(w.between(least, most), func() { w.bringUp(s) })
}

func (w *World) bringUp(s *server) {
	if s.gone {
		return
	}
	s.Class = cmp.Or(s.Pending.Class, s.Class)
	s.EngineVersion = cmp.Or(s.Pending.EngineVersion, s.EngineVersion)
	if s.Pending.MultiAZ != nil {
		s.MultiAZ = *s.Pending.MultiAZ
	}
	s.Pending = Pending{}
	s.resize()
	s.start(w.now)
	w.tell(s, "availability", "DB instance restarted")
	w.after(w.between(tailLeast, tailMost), func() {
		s.changing = false
		if !s.gone {
			s.Status = available
			w.tell(s, "configuration change", "Finished applying modification to DB instance class")
		}
	})
}

// untilWindow is how long it is until a maintenance window such as sun:02:00-sun:02:30 (UTC) opens.
func untilWindow(window string, now time.Time) time.Duration {
	opens, err := time.Parse("15:04", window[4:9])
	if err != nil {
		return 0
	}
	day := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, window[:3])
	next := time.Date(now.Year(), now.Month(), now.Day(), opens.Hour(), opens.Minute(), 0, 0, time.UTC)
	for int(next.Weekday()) != day || !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return next.Sub(now)
}
