package rdssim

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// viewClusters returns the clusters of the caller's account in the region that can match the filters, sorted by identifier, without
// copying them: an account may have thousands.
func (s *Server) viewClusters(r *request, filters map[string][]string) []*model.Cluster {
	world := s.options.World
	var out []*model.Cluster
	add := func(c *model.Cluster) {
		if c.AccountID == r.caller.account {
			out = append(out, c)
		}
	}
	if ids, named := filters["db-cluster-id"]; named {
		for _, id := range uniqueSorted(ids) {
			if c, found := world.ViewCluster(r.caller.region, id); found {
				add(c)
			}
		}
		return out
	}
	for c := range world.ViewClusters(r.caller.region) {
		add(c)
	}
	return out
}

// viewInstances returns the instances of the caller's account in the region as viewClusters does. Their Replicas are not set.
func (s *Server) viewInstances(r *request, filters map[string][]string) []*model.Instance {
	world := s.options.World
	var out []*model.Instance
	add := func(i *model.Instance) {
		if i.AccountID == r.caller.account {
			out = append(out, i)
		}
	}
	addNamed := func(ids []string) {
		for _, id := range ids {
			if i, found := world.ViewInstance(r.caller.region, id); found {
				add(i)
			}
		}
	}
	ids, named := filters["db-instance-id"]
	clusters, ofClusters := filters["db-cluster-id"]
	switch {
	case named:
		addNamed(uniqueSorted(ids))
	case ofClusters:
		for _, id := range uniqueSorted(clusters) {
			if c, found := world.ViewCluster(r.caller.region, id); found {
				addNamed(c.Members)
			}
		}
		slices.SortFunc(out, func(a, b *model.Instance) int { return cmp.Compare(a.Identifier, b.Identifier) })
	default:
		for i := range world.ViewInstances(r.caller.region) {
			add(i)
		}
	}
	return out
}

func uniqueSorted(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
