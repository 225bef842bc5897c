package model

import (
	"fmt"
	"slices"
	"time"
)

// CustomEndpoint is a custom endpoint of an Aurora cluster, and the load of its clients. With neither list it reaches every instance.
type CustomEndpoint struct {
	Identifier string `json:"identifier"`
	// Type is READER or ANY, the default.
	Type            string   `json:"type,omitempty"`
	StaticMembers   []string `json:"staticMembers,omitempty"`
	ExcludedMembers []string `json:"excludedMembers,omitempty"`
	// Load is the demand of its clients, which the members in service share equally, before the load of their pool.
	Load Curve `json:"load,omitempty"`
}

// reaches reports whether the endpoint reaches an instance. Lists do not change when instances change their roles (Aurora user guide,
// "Membership rules for custom endpoints").
func (e CustomEndpoint) reaches(s *instanceState) bool {
	switch {
	case e.Type == "READER" && s.isWriter():
		return false
	case len(e.StaticMembers) > 0:
		return slices.Contains(e.StaticMembers, s.Identifier)
	}
	return !slices.Contains(e.ExcludedMembers, s.Identifier)
}

// validate checks an endpoint of a cluster in a scenario.
func (e CustomEndpoint) validate() error {
	switch {
	case e.Identifier == "":
		return fmt.Errorf("customEndpoints: an identifier is missing")
	case e.Type != "" && e.Type != "READER" && e.Type != "ANY":
		return fmt.Errorf("customEndpoints: %s: type %q: want READER or ANY", e.Identifier, e.Type)
	case len(e.StaticMembers) > 0 && len(e.ExcludedMembers) > 0:
		return fmt.Errorf("customEndpoints: %s: want either staticMembers or excludedMembers", e.Identifier)
	}
	return nil
}

// SetCustomEndpoint is CreateDBClusterEndpoint, or ModifyDBClusterEndpoint when the endpoint exists. It returns an error if there is no
// such Aurora cluster or the endpoint is invalid.
func (w *World) SetCustomEndpoint(region, cluster string, e CustomEndpoint) error {
	c, err := w.findCluster(region, cluster)
	switch {
	case err != nil:
		return err
	case !isAurora(c.Engine):
		return invalidCombination("Custom endpoints aren't supported for DB cluster %s.", cluster)
	}
	if err := e.validate(); err != nil {
		return err
	}
	demand, err := w.scenario.resolveDemand(e.Load)
	if err != nil {
		return err
	}
	if e.Type == "" {
		e.Type = "ANY"
	}
	e.StaticMembers, e.ExcludedMembers = slices.Clone(e.StaticMembers), slices.Clone(e.ExcludedMembers)
	g, _ := w.findGroup(region, cluster)
	w.DeleteCustomEndpoint(region, cluster, e.Identifier)
	c.CustomEndpoints = append(c.CustomEndpoints, e)
	g.endpointDemands = append(g.endpointDemands, demand)
	return nil
}

// DeleteCustomEndpoint is DeleteDBClusterEndpoint. It does nothing when there is no such endpoint.
func (w *World) DeleteCustomEndpoint(region, cluster, identifier string) {
	g, found := w.findGroup(region, cluster)
	if !found || g.cluster == nil {
		return
	}
	n := slices.IndexFunc(g.cluster.CustomEndpoints, func(e CustomEndpoint) bool { return e.Identifier == identifier })
	if n >= 0 {
		g.cluster.CustomEndpoints = slices.Delete(slices.Clone(g.cluster.CustomEndpoints), n, n+1)
		g.endpointDemands = slices.Delete(slices.Clone(g.endpointDemands), n, n+1)
	}
}

// distributeEndpointLoad sets the load that each instance gets from the clients of custom endpoints in this tick.
func (g *instanceGroup) distributeEndpointLoad(offset time.Duration) {
	for _, s := range g.instances {
		s.endpointVCPUs = 0
	}
	if g.cluster == nil {
		return
	}
	for n, e := range g.cluster.CustomEndpoints {
		var members []*instanceState
		for _, s := range g.instances {
			if s.isInService() && e.reaches(s) {
				members = append(members, s)
			}
		}
		for _, s := range members { // without members the clients fail
			s.endpointVCPUs += g.endpointDemands[n].vcpusAt(offset) * g.costFactor / float64(len(members))
		}
	}
}
