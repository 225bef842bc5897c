package model

import (
	"cmp"
	"iter"
	"slices"
)

// addGroup adds a database to the simulation.
func (w *World) addGroup(g *instanceGroup) {
	w.groups = append(w.groups, g)
	if key := g.region + "/" + g.identifier; w.groupsByName != nil && w.groupsByName[key] == nil {
		w.groupsByName[key] = g
	}
}

// removeGroup removes a database from the simulation.
func (w *World) removeGroup(g *instanceGroup) {
	w.groups = slices.DeleteFunc(w.groups, func(other *instanceGroup) bool { return other == g })
	w.groupsByName = nil
}

// forgetListings discards the sorted lists after an instance or a cluster was added, removed or renamed.
func (w *World) forgetListings() { w.sortedClusters, w.sortedInstances = nil, nil }

// listClusters returns the clusters of a region, sorted by identifier. The caller must not modify the list.
func (w *World) listClusters(region string) []*Cluster {
	if w.sortedClusters == nil {
		w.sortedClusters = map[string][]*Cluster{}
		for _, c := range w.clusters {
			w.sortedClusters[c.Region] = append(w.sortedClusters[c.Region], c)
		}
		for _, list := range w.sortedClusters {
			slices.SortFunc(list, func(a, b *Cluster) int { return cmp.Compare(a.Identifier, b.Identifier) })
		}
	}
	return w.sortedClusters[region]
}

// listInstances returns the instances of a region, sorted by identifier. The caller must not modify the list.
func (w *World) listInstances(region string) []*instanceState {
	if w.sortedInstances == nil {
		w.sortedInstances = map[string][]*instanceState{}
		for _, s := range w.instances {
			w.sortedInstances[s.Region] = append(w.sortedInstances[s.Region], s)
		}
		for _, list := range w.sortedInstances {
			slices.SortFunc(list, func(a, b *instanceState) int { return cmp.Compare(a.Identifier, b.Identifier) })
		}
	}
	return w.sortedInstances[region]
}

// ViewClusters iterates over the clusters of a region, sorted by identifier, without copying them. The caller must not modify them,
// and must not use them after the next change of the World.
func (w *World) ViewClusters(region string) iter.Seq[*Cluster] {
	return slices.Values(w.listClusters(region))
}

// ViewInstances iterates over the instances of a region as ViewClusters does. Their Replicas are not set.
func (w *World) ViewInstances(region string) iter.Seq[*Instance] {
	return func(yield func(*Instance) bool) {
		for _, s := range w.listInstances(region) {
			if !yield(&s.Instance) {
				return
			}
		}
	}
}

// ViewCluster returns a cluster as ViewClusters does, and false if it does not exist.
func (w *World) ViewCluster(region, id string) (*Cluster, bool) {
	c, found := w.clusters[region+"/"+id]
	return c, found
}

// ViewInstance returns an instance as ViewInstances does, and false if it does not exist.
func (w *World) ViewInstance(region, id string) (*Instance, bool) {
	s, found := w.instances[region+"/"+id]
	if !found {
		return nil, false
	}
	return &s.Instance, true
}

// findByInstance returns the deleted instances of an identifier, and the current one.
func (w *World) findByInstance(region, identifier string) []*instanceState {
	out := w.findDeleted(func(s *instanceState) bool { return s.Region == region && s.Identifier == identifier })
	if s, found := w.instances[region+"/"+identifier]; found {
		out = append(out, s)
	}
	return out
}

// findByCluster returns the deleted and the current members of the clusters of an identifier.
func (w *World) findByCluster(region, identifier string) []*instanceState {
	out := w.findDeleted(func(s *instanceState) bool { return s.Region == region && s.Cluster == identifier })
	if c, found := w.clusters[region+"/"+identifier]; found {
		for _, id := range c.Members {
			if s, found := w.instances[region+"/"+id]; found {
				out = append(out, s)
			}
		}
	}
	return out
}

func (w *World) findDeleted(matches func(*instanceState) bool) []*instanceState {
	var out []*instanceState
	for _, s := range w.deletedInstances {
		if matches(s) {
			out = append(out, s)
		}
	}
	return out
}
