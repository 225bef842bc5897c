package model

import (
	"fmt"
	"time"
)

const (
	failingOver = "failing-over"
	modifying   = "modifying"

	failoverLeast, failoverMost = 20 * time.Second, 40 * time.Second
	rebootLeast, rebootMost     = 30 * time.Second, 60 * time.Second
)

// FailoverCluster is FailoverDBCluster. Without a target Aurora chooses. The error is a *Fault.
func (w *World) FailoverCluster(region, id, target string) (*Cluster, error) {
	c, err := w.cluster(region, id)
	if err != nil {
		return nil, err
	}
	if c.Status != available {
		return nil, clusterBusy(c)
	}
	g, _ := w.group(region, id)
	heir := g.heir()
	if target != "" {
		named, err := w.member(region, target)
		if err != nil || named.group != g || named.writer() {
			return nil, &Fault{"InvalidDBInstanceState", fmt.Sprintf("%s is not a reader of DB cluster %s.", target, id), 400}
		}
		if named.Status != available || !named.serving() {
			return nil, instanceBusy()
		}
		heir = named
	}
	if heir == nil {
		return nil, &Fault{"InvalidDBClusterStateFault",
			fmt.Sprintf("Cannot failover cluster %s because it has no Aurora Replica in available state.", id), 400}
	}
	w.failover(g, heir)
	return c.copy(), nil
}

// heir is the reader that Aurora would promote: the lowest tier, then the largest (Aurora user guide, "Fault tolerance").
func (g *group) heir() *server {
	var best *server
	for _, s := range g.servers {
		if s.writer() || !s.serving() {
			continue
		}
		if best == nil || s.PromotionTier < best.PromotionTier || s.PromotionTier == best.PromotionTier && s.vcpus > best.vcpus {
			best = s
		}
	}
	return best
}

// succeed finds a new writer, when the writer is lost and there is a reader. Nobody else does so already.
func (w *World) succeed(g *group) {
	if heir := g.heir(); heir != nil && !g.failing {
		w.failover(g, heir)
	}
}

// resume ends one reason for an instance to be out of service. In a cluster that has lost its writer it becomes the writer.
func (w *World) resume(s *server) {
	s.start(w.now)
	if c := s.group.cluster; c != nil && c.Writer == "" && s.serving() {
		c.Writer = s.Identifier
	}
}

// failover makes a reader the writer. Meanwhile nobody takes writes; the old writer restarts and becomes a reader.
func (w *World) failover(g *group, heir *server) {
	c, old := g.cluster, w.members[g.region+"/"+g.cluster.Writer]
	c.Status, g.failing = failingOver, true
	across := "same"
	if old != nil {
		old.interrupted()
		if old.AvailabilityZone != heir.AvailabilityZone {
			across = "cross"
		}
	}
	w.tellCluster(c, "failover", fmt.Sprintf("Started %s AZ failover to DB instance: %s", across, heir.Identifier))
	w.after(w.between(failoverLeast, failoverMost), func() {
		c.Status, g.failing = available, false
		if g.modifying {
			c.Status = modifying
		}
		if old != nil {
			w.resume(old)
		}
		w.promote(g, old, heir)
	})
}

// promote ends a failover. When the heir has been lost meanwhile, the next one takes over, or the old writer goes on.
func (w *World) promote(g *group, old, heir *server) {
	c := g.cluster
	switch next := g.heir(); {
	case heir.serving():
		c.Writer = heir.Identifier
		heir.since = w.now // it restarts as the writer, with a cold cache
		w.tellCluster(c, "failover", "Completed failover to DB instance: "+heir.Identifier)
	case old != nil && old.serving():
		w.tellCluster(c, "failover", "Promoting previous primary again: "+old.Identifier)
	case next != nil:
		w.failover(g, next)
	default:
		w.tellCluster(c, "failover", "Cluster failover failed, check the health of your cluster instances and try again")
	}
}

// RebootInstance is RebootDBInstance. The error is a *Fault.
func (w *World) RebootInstance(region, id string, forceFailover bool) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	if s.Status != available || s.changing {
		return nil, &Fault{"InvalidDBInstanceState",
			"Instance cannot currently reboot due to an in-progress management operation.", 400}
	}
	if forceFailover && !s.MultiAZ {
		return nil, invalidCombination("Cannot specify ForceFailover since the instance is not configured for Multi-AZ.")
	}
	s.Status = "rebooting"
	s.interrupted()
	w.tell(s, "availability", "DB instance shutdown")
	if forceFailover {
		w.swapZones(s)
	}
	w.after(w.between(rebootLeast, rebootMost), func() {
		w.resume(s)
		if s.gone {
			return
		}
		s.ready(w.now)
		w.tell(s, "availability", "DB instance restarted")
		if forceFailover {
			w.tell(s, "failover", "Multi-AZ instance failover completed")
		}
	})
	return s.copy(), nil
}

// swapZones begins the failover of a Multi-AZ instance: its standby takes over.
func (w *World) swapZones(s *server) {
	w.tell(s, "failover", "Multi-AZ instance failover started")
	s.AvailabilityZone, s.SecondaryZone = s.SecondaryZone, s.AvailabilityZone
}
