package model

import (
	"fmt"
	"slices"
	"time"
)

const minClusterDeleteDuration, maxClusterDeleteDuration = time.Minute, 2 * time.Minute

// DeleteCluster is DeleteDBCluster. AWS refuses it while an Aurora cluster has members that are not being deleted; it deletes the
// members of a Multi-AZ DB cluster itself (RDS API reference, DeleteDBCluster). The error is an *APIError.
func (w *World) DeleteCluster(region, id string, skipFinalSnapshot bool, finalSnapshot string) (*Cluster, error) {
	c, err := w.findCluster(region, id)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, id)
	switch {
	case !skipFinalSnapshot && finalSnapshot == "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case skipFinalSnapshot && finalSnapshot != "":
		return nil, invalidCombination("FinalDBSnapshotIdentifier can not be specified together with SkipFinalSnapshot")
	case c.DeletionProtection:
		return nil, invalidCombination("Cannot delete protected Cluster, please disable deletion protection and try again.")
	case c.Status != statusAvailable:
		return nil, clusterNotAvailable(c)
	case isAurora(c.Engine) && slices.ContainsFunc(g.instances, func(s *instanceState) bool { return !s.isDeleting }):
		return nil, &APIError{"InvalidDBClusterStateFault",
			"Cluster cannot be deleted, it still contains DB instances in non-deleting state.", 400}
	}
	c.Status = statusDeleting
	for _, s := range g.instances {
		if !s.isDeleting {
			s.Status, s.isDeleting = statusDeleting, true
			s.beginOutage()
			w.schedule(w.drawDuration(minDeleteDuration, maxDeleteDuration), func() { w.removeInstance(s) })
		}
	}
	w.schedule(w.drawDuration(minClusterDeleteDuration, maxClusterDeleteDuration), func() { w.removeCluster(g) })
	return c.copy(), nil
}

// removeCluster removes a deleted cluster as soon as its members are gone.
func (w *World) removeCluster(g *instanceGroup) {
	if len(g.instances) > 0 {
		w.schedule(memberCheckInterval, func() { w.removeCluster(g) })
		return
	}
	delete(w.clusters, g.region+"/"+g.identifier)
	w.forgetListings()
	delete(w.scalableTargets, g.region+"/"+g.identifier)
	w.recordClusterEvent(g.cluster, "deletion", fmt.Sprintf("DB cluster %s deleted", g.identifier))
	w.removeCreatedGroup(g)
}

// removeCreatedGroup removes the group of a database that a request created, once nothing is left of it, so that its name can be
// used again. The groups of the scenario stay, with the ground truth of their load.
func (w *World) removeCreatedGroup(g *instanceGroup) {
	if g.createdByRequest && len(g.instances) == 0 {
		w.removeGroup(g)
	}
}
