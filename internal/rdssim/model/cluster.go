package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// multiAZClusterFamilies are the instance families that Multi-AZ DB clusters support, all with local storage (RDS user guide,
// "Instance class availability for Multi-AZ DB clusters").
var multiAZClusterFamilies = []string{"c6gd", "m5d", "m6gd", "m6id", "m6idn", "r5d", "r6gd", "r6id", "r6idn", "x2iedn"}

// SupportsMultiAZCluster reports whether a class is available for Multi-AZ DB clusters.
func SupportsMultiAZCluster(c catalog.Class) bool {
	return slices.Contains(multiAZClusterFamilies, c.Family)
}

// ModifyClusterClass is ModifyDBCluster with DBClusterInstanceClass and ApplyImmediately, which applies the pending changes, too. The
// standbys change one after the
// other. Then the cluster fails over to one of them, and the old writer changes (RDS user guide, "Modifying a Multi-AZ DB
// cluster"). The error is an *APIError.
func (w *World) ModifyClusterClass(region, id, class string) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, id)
	spec, err := catalog.Lookup(class)
	switch {
	case c.InstanceClass == "":
		return nil, invalidCombination("The parameter DBClusterInstanceClass can only be used with Multi-AZ DB clusters.")
	case c.Status != statusAvailable || g.isBusy():
		return nil, clusterNotAvailable(c)
	case err != nil || !SupportsMultiAZCluster(spec):
		return nil, w.checkOrderable(region, c.Engine, c.EngineVersion, "none")
	case class == c.InstanceClass:
		w.applyClusterChanges(g)
		return c.copy(), nil
	}
	if err := w.checkOrderable(region, c.Engine, c.EngineVersion, class); err != nil && !spec.MultiAZClusterOnly {
		return nil, err
	}
	for _, s := range g.instances {
		if w.hasCapacityShortage(class, s.AvailabilityZone) {
			return nil, insufficientCapacity("Cannot modify the DB cluster because there are no instances of the requested class available in %s. "+
				"Please try your request again at a later time.", s.AvailabilityZone)
		}
	}
	w.applyClusterChanges(g)
	g.classChangeInProgress = true
	w.schedule(w.drawDuration(minAcceptDelay, maxAcceptDelay)+w.takeChangeDelay(region, id), func() {
		c.Status = statusModifying
		w.modifyNextMember(g, class)
	})
	return c.copy(), nil
}

// modifyNextMember changes the next member that does not have the class yet: the standbys first, then the writer, after a
// failover.
func (w *World) modifyNextMember(g *instanceGroup, class string) {
	c := g.cluster
	remaining := slices.DeleteFunc(slices.Clone(g.instances), func(s *instanceState) bool { return s.Class == class })
	if len(remaining) == 0 {
		c.Status, c.InstanceClass, g.classChangeInProgress = statusAvailable, class, false
		return
	}
	s := slices.MinFunc(remaining, func(a, b *instanceState) int {
		return cmp.Or(cmp.Compare(boolToInt(a.isWriter()), boolToInt(b.isWriter())), cmp.Compare(a.Identifier, b.Identifier))
	})
	if s.Status != statusAvailable { // it reboots, or has failed
		w.schedule(time.Minute, func() { w.modifyNextMember(g, class) })
		return
	}
	if candidate := g.promotionCandidate(); s.isWriter() && candidate != nil {
		w.startFailover(g, candidate)
		w.schedule(maxFailoverDuration, func() { w.modifyNextMember(g, class) })
		return
	}
	s.Status, s.changeInProgress = statusModifying, true
	w.scheduleForInstance(s, w.drawDuration(minPrepareDuration, maxPrepareDuration), func() {
		s.disrupt()
		w.recordInstanceEvent(s, "availability", "DB instance shutdown")
		w.schedule(w.drawDuration(minOutageDuration, maxOutageDuration), func() {
			s.Class = class
			s.updateCapacity()
			w.restoreService(s)
			s.changeInProgress = false
			s.setAvailable(w.now)
			w.recordInstanceEvent(s, "availability", "DB instance restarted")
			w.modifyNextMember(g, class)
		})
	})
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
