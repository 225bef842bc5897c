package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// clusterFamilies are the instance families of Multi-AZ DB clusters (RDS user guide, "Instance class availability for Multi-AZ DB
// clusters"): all have local storage.
var clusterFamilies = []string{"c6gd", "m5d", "m6gd", "m6id", "m6idn", "r5d", "r6gd", "r6id", "r6idn", "x2iedn"}

// ForClusters says whether a class is offered for Multi-AZ DB clusters.
func ForClusters(c catalog.Class) bool { return slices.Contains(clusterFamilies, c.Family) }

// ModifyCluster is ModifyDBCluster with DBClusterInstanceClass and ApplyImmediately. The standbys get the class one after the
// other; then one of them takes over, and the old writer gets it (RDS user guide, "Modifying a Multi-AZ DB cluster"). The error is a
// *Fault.
func (w *World) ModifyCluster(region, id, class string) (*Cluster, error) {
	c, err := w.cluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.group(region, id)
	known, err := catalog.Lookup(class)
	switch {
	case c.InstanceClass == "":
		return nil, invalidCombination("The parameter DBClusterInstanceClass can only be used with Multi-AZ DB clusters.")
	case c.Status != available || g.busy():
		return nil, clusterBusy(c)
	case err != nil || !ForClusters(known):
		return nil, w.orders(region, c.Engine, c.EngineVersion, "none")
	case class == c.InstanceClass:
		return c.copy(), nil
	}
	if err := w.orders(region, c.Engine, c.EngineVersion, class); err != nil && !known.MultiAZClusterOnly {
		return nil, err
	}
	for _, s := range g.servers {
		if w.lacks(class, s.AvailabilityZone) {
			return nil, noCapacity("Cannot modify the DB cluster because there are no instances of the requested class available in %s. "+
				"Please try your request again at a later time.", s.AvailabilityZone)
		}
	}
	g.modifying = true
	w.after(w.between(lagLeast, lagMost)+w.delayed(region, id), func() {
		c.Status = modifying
		w.tellCluster(c, "configuration change", "Applying modification to DB cluster instance class.")
		w.roll(g, class)
	})
	return c.copy(), nil
}

// roll changes the next member that has another class: the standbys first, then the writer, which fails over before.
func (w *World) roll(g *group, class string) {
	c := g.cluster
	rest := slices.DeleteFunc(slices.Clone(g.servers), func(s *server) bool { return s.Class == class })
	if len(rest) == 0 {
		c.Status, c.InstanceClass, g.modifying = available, class, false
		w.tellCluster(c, "configuration change", "Finished applying modification to DB cluster instance class.")
		return
	}
	s := slices.MinFunc(rest, func(a, b *server) int {
		return cmp.Or(cmp.Compare(number(a.writer()), number(b.writer())), cmp.Compare(a.Identifier, b.Identifier))
	})
	if s.Status != available { // somebody reboots it, or it is broken
		w.after(time.Minute, func() { w.roll(g, class) })
		return
	}
	if heir := g.heir(); s.writer() && heir != nil {
		w.failover(g, heir)
		w.after(failoverMost, func() { w.roll(g, class) })
		return
	}
	s.Status, s.changing = modifying, true
	w.later(s, w.between(prepareLeast, prepareMost), func() {
		s.interrupted()
		w.tell(s, "availability", "DB instance shutdown")
		w.after(w.between(outageLeast, outageMost), func() {
			s.Class = class
			s.resize()
			w.resume(s)
			s.changing = false
			s.ready(w.now)
			w.tell(s, "availability", "DB instance restarted")
			w.roll(g, class)
		})
	})
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
