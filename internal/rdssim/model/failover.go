package model

import (
	"fmt"
	"time"
)

const (
	minFailoverDuration, maxFailoverDuration = 20 * time.Second, 40 * time.Second
	minRebootDuration, maxRebootDuration     = 30 * time.Second, 60 * time.Second
)

// FailoverCluster is FailoverDBCluster. Without a target Aurora chooses the reader. The error is an *APIError.
func (w *World) FailoverCluster(region, id, target string) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	if c.Status != statusAvailable {
		return nil, clusterNotAvailable(c)
	}
	g, _ := w.findGroup(region, id)
	candidate := g.promotionCandidate()
	if target != "" {
		requested, err := w.findInstance(region, target)
		if err != nil || requested.group != g || requested.isWriter() {
			return nil, &APIError{"InvalidDBInstanceState", fmt.Sprintf("%s is not a reader of DB cluster %s.", target, id), 400}
		}
		if requested.Status != statusAvailable || !requested.isInService() {
			return nil, instanceNotAvailable()
		}
		candidate = requested
	}
	if candidate == nil {
		return nil, &APIError{"InvalidDBClusterStateFault",
			fmt.Sprintf("Cannot failover cluster %s because it has no Aurora Replica in available state.", id), 400}
	}
	w.startFailover(g, candidate)
	return c.copy(), nil
}

// promotionCandidate returns the reader that Aurora would promote: the lowest tier, then the most vCPUs (Aurora user guide,
// "Fault tolerance"). It returns nil if no reader is in service.
func (g *instanceGroup) promotionCandidate() *instanceState {
	var candidate *instanceState
	for _, s := range g.instances {
		if s.isWriter() || !s.isInService() {
			continue
		}
		if candidate == nil || s.PromotionTier < candidate.PromotionTier ||
			s.PromotionTier == candidate.PromotionTier && s.vcpus > candidate.vcpus {
			candidate = s
		}
	}
	return candidate
}

// replaceWriter starts a failover after the loss of the writer, if a reader is in service and no failover is in progress.
func (w *World) replaceWriter(g *instanceGroup) {
	if candidate := g.promotionCandidate(); candidate != nil && !g.failoverInProgress {
		w.startFailover(g, candidate)
	}
}

// restoreService ends one outage of an instance. In a cluster that has lost its writer the instance becomes the writer.
func (w *World) restoreService(s *instanceState) {
	s.endOutage(w.now)
	if c := s.group.cluster; c != nil && c.Writer == "" && s.isInService() {
		c.Writer = s.Identifier
	}
}

// startFailover promotes a reader. Until it completes no instance accepts writes; the old writer restarts and becomes a reader.
func (w *World) startFailover(g *instanceGroup, candidate *instanceState) {
	c, oldWriter := g.cluster, w.instances[g.region+"/"+g.cluster.Writer]
	c.Status, g.failoverInProgress = statusFailingOver, true
	scope := "same"
	if oldWriter != nil {
		oldWriter.disrupt()
		if oldWriter.AvailabilityZone != candidate.AvailabilityZone {
			scope = "cross"
		}
	}
	w.recordClusterEvent(c, "failover", fmt.Sprintf("Started %s AZ failover to DB instance: %s", scope, candidate.Identifier))
	w.schedule(w.drawDuration(minFailoverDuration, maxFailoverDuration), func() {
		c.Status, g.failoverInProgress = statusAvailable, false
		if g.classChangeInProgress {
			c.Status = statusModifying
		}
		if oldWriter != nil {
			w.restoreService(oldWriter)
		}
		w.completeFailover(g, oldWriter, candidate)
	})
}

// completeFailover promotes the candidate. If the candidate is out of service by now, the old writer remains the writer, or
// else the next candidate is promoted.
func (w *World) completeFailover(g *instanceGroup, oldWriter, candidate *instanceState) {
	c := g.cluster
	switch next := g.promotionCandidate(); {
	case candidate.isInService():
		c.Writer = candidate.Identifier
		candidate.inServiceSince = w.now // it restarts as the writer, with a cold cache
		candidate.applyStagedParameters(w.now)
		w.recordClusterEvent(c, "failover", "Completed failover to DB instance: "+candidate.Identifier)
		w.recordTopologyChange(g)
	case oldWriter != nil && oldWriter.isInService():
		w.recordClusterEvent(c, "failover", "Promoting previous primary again: "+oldWriter.Identifier)
	case next != nil:
		w.startFailover(g, next)
	default:
		w.recordClusterEvent(c, "failover", "Cluster failover failed, check the health of your cluster instances and try again")
	}
}

// RebootInstance is RebootDBInstance. The error is an *APIError.
func (w *World) RebootInstance(region, id string, forceFailover bool) (*Instance, error) {
	s, err := w.findInstance(region, id)
	if err != nil {
		return nil, err
	}
	if s.Status != statusAvailable || s.changeInProgress {
		return nil, &APIError{"InvalidDBInstanceState",
			"Instance cannot currently reboot due to an in-progress management operation.", 400}
	}
	if forceFailover && !s.MultiAZ {
		return nil, invalidCombination("Cannot specify ForceFailover since the instance is not configured for Multi-AZ.")
	}
	s.Status = statusRebooting
	s.disrupt()
	w.recordInstanceEvent(s, "availability", "DB instance shutdown")
	if forceFailover {
		w.startStandbyFailover(s)
	}
	w.schedule(w.drawDuration(minRebootDuration, maxRebootDuration), func() {
		w.restoreService(s)
		if s.isDeleting {
			return
		}
		s.setAvailable(w.now)
		w.recordInstanceEvent(s, "availability", "DB instance restarted")
		if forceFailover {
			w.recordInstanceEvent(s, "failover", "Multi-AZ instance failover completed")
		}
	})
	return s.copy(), nil
}

// startStandbyFailover starts the failover of a Multi-AZ instance to its standby: the two zones swap.
func (w *World) startStandbyFailover(s *instanceState) {
	w.recordInstanceEvent(s, "failover", "Multi-AZ instance failover started")
	s.AvailabilityZone, s.SecondaryAvailabilityZone = s.SecondaryAvailabilityZone, s.AvailabilityZone
}
