package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// maxReaders is how many readers an Aurora cluster can have, and maxInstances how many instances a region of an account
	// has by default (Aurora user guide, "Quotas and constraints").
	maxReaders   = 15
	maxInstances = 40

	createLeast, createMost     = 6 * time.Minute, 9 * time.Minute
	monitorLeast, monitorMost   = 30 * time.Second, 60 * time.Second
	deleteLeast, deleteMost     = 2 * time.Minute, 4 * time.Minute
	failoverLeast, failoverMost = 20 * time.Second, 40 * time.Second
	rebootLeast, rebootMost     = 30 * time.Second, 60 * time.Second
)

// CreateInstance is CreateDBInstance of a reader in a cluster. The error is a *Fault.
func (w *World) CreateInstance(region string, c Create) (*Instance, error) {
	cluster, err := w.cluster(region, c.Cluster)
	if err != nil {
		return nil, err
	}
	zone := c.AvailabilityZone
	if zone == "" {
		zone = cluster.AvailabilityZones[len(cluster.Members)%len(cluster.AvailabilityZones)]
	}
	if err := w.mayCreate(region, c, cluster, zone); err != nil {
		return nil, err
	}
	s := &server{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: cluster.AccountID, ResourceID: w.resourceID("db"),
			Cluster: cluster.Identifier, Engine: cluster.Engine, EngineVersion: cluster.EngineVersion, Class: c.Class,
			Status: "creating", PromotionTier: 1, AvailabilityZone: zone, DBSubnetGroup: cluster.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, "default."+cluster.Engine), BackupWindow: cluster.BackupWindow,
			MaintenanceWindow:   cmp.Or(c.MaintenanceWindow, defaultMaintenanceWindow),
			PerformanceInsights: c.PerformanceInsights, MonitoringInterval: c.MonitoringInterval,
			CACertificate: cmp.Or(c.CACertificate, defaultCertificate), Tags: maps.Clone(c.Tags),
		},
		group: w.groupOf(cluster), metrics: map[string][]Point{},
	}
	if c.PromotionTier != nil {
		s.PromotionTier = *c.PromotionTier
	}
	s.resize()
	w.members[region+"/"+c.Identifier] = s
	cluster.Members = append(cluster.Members, s.Identifier)
	s.group.servers = append(s.group.servers, s)
	w.after(w.between(createLeast, createMost), func() { w.finishCreate(s) })
	return s.copy(), nil
}

func (w *World) mayCreate(region string, c Create, cluster *Cluster, zone string) error {
	if _, taken := w.members[region+"/"+c.Identifier]; taken {
		return &Fault{"DBInstanceAlreadyExists", fmt.Sprintf("DB instance %s already exists.", c.Identifier), 400}
	}
	if c.Engine != cluster.Engine {
		return &Fault{"InvalidParameterCombination", fmt.Sprintf(
			"The engine name requested for your DB instance (%s) doesn't match the engine name of your DB cluster (%s).",
			c.Engine, cluster.Engine), 400}
	}
	if err := w.offers(cluster.Engine, cluster.EngineVersion, c.Class, zone); err != nil {
		return err
	}
	if cluster.Status != available {
		return &Fault{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s is not in available state.", cluster.Identifier), 400}
	}
	owned := 0
	for _, m := range w.members {
		if m.Region == region && m.AccountID == cluster.AccountID {
			owned++
		}
	}
	if owned >= maxInstances || len(cluster.Members) > maxReaders {
		return &Fault{"InstanceQuotaExceeded", "You have reached the maximum number of DB instances.", 400}
	}
	return nil
}

func (w *World) finishCreate(s *server) {
	if s.gone {
		return
	}
	s.CreatedAt = w.now
	s.start(w.now)
	w.tell(s, "creation", "DB instance created")
	if s.MonitoringInterval == 0 {
		s.Status = available
		return
	}
	s.Status = "configuring-enhanced-monitoring"
	w.after(w.between(monitorLeast, monitorMost), func() {
		if !s.gone {
			s.Status = available
		}
	})
}

// DeleteInstance is DeleteDBInstance. The error is a *Fault.
func (w *World) DeleteInstance(region, id string, skipFinalSnapshot bool, finalSnapshot string) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Cluster != "" && finalSnapshot != "":
		return nil, &Fault{"InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance", 400}
	case s.Cluster == "" && !skipFinalSnapshot && finalSnapshot == "":
		return nil, &Fault{"InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.", 400}
	case s.DeletionProtection:
		return nil, &Fault{"InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.", 400}
	case s.Status == "deleting":
		return nil, &Fault{"InvalidDBInstanceState", fmt.Sprintf("Instance %s is already being deleted.", id), 400}
	}
	s.Status, s.up, s.gone = "deleting", false, true
	if s.Cluster != "" && s.writer() {
		if heir := s.group.heir(); heir != nil {
			w.failover(s.group, heir)
		}
	}
	w.after(w.between(deleteLeast, deleteMost), func() { w.remove(s) })
	return s.copy(), nil
}

func (w *World) remove(s *server) {
	delete(w.members, s.Region+"/"+s.Identifier)
	w.retired = append(w.retired, s)
	s.group.servers = slices.DeleteFunc(s.group.servers, func(other *server) bool { return other == s })
	if c := s.group.cluster; c != nil {
		c.Members = slices.DeleteFunc(c.Members, func(id string) bool { return id == s.Identifier })
	}
	w.tell(s, "deletion", "DB instance deleted")
}

// FailoverCluster is FailoverDBCluster. Without a target Aurora chooses. The error is a *Fault.
func (w *World) FailoverCluster(region, id, target string) (*Cluster, error) {
	c, err := w.cluster(region, id)
	if err != nil {
		return nil, err
	}
	if c.Status != available {
		return nil, &Fault{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s is not in available state.", id), 400}
	}
	g := w.groupOf(c)
	heir := g.heir()
	if target != "" {
		named, err := w.member(region, target)
		if err != nil || named.group != g || named.writer() {
			return nil, &Fault{"InvalidDBInstanceState", fmt.Sprintf("%s is not a reader of DB cluster %s.", target, id), 400}
		}
		if named.Status != available {
			return nil, &Fault{"InvalidDBInstanceState", "Database instance is not in available state.", 400}
		}
		heir = named
	}
	if heir == nil {
		return nil, &Fault{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s has no reader that could be promoted.", id), 400}
	}
	w.failover(g, heir)
	return c.copy(), nil
}

// heir is the reader that Aurora would promote: the lowest tier, then the largest (Aurora user guide, "Fault tolerance").
func (g *group) heir() *server {
	var best *server
	for _, s := range g.servers {
		if s.writer() || !s.up || s.gone {
			continue
		}
		if best == nil || s.PromotionTier < best.PromotionTier || s.PromotionTier == best.PromotionTier && s.vcpus > best.vcpus {
			best = s
		}
	}
	return best
}

// failover makes a reader the writer. The old writer restarts as a reader.
func (w *World) failover(g *group, heir *server) {
	c := g.cluster
	c.Status = "failing-over"
	old := w.members[c.Region+"/"+c.Writer]
	restarts := old != nil && old.up
	if restarts {
		old.up = false
	}
	w.tellCluster(c, "failover", "Started same AZ failover to DB instance: "+heir.Identifier)
	w.after(w.between(failoverLeast, failoverMost), func() {
		c.Status = available
		if heir.gone {
			return
		}
		c.Writer = heir.Identifier
		if restarts && !old.gone {
			old.start(w.now)
		}
		w.tellCluster(c, "failover", "Completed failover to DB instance: "+heir.Identifier)
	})
}

// RebootInstance is RebootDBInstance. The error is a *Fault.
func (w *World) RebootInstance(region, id string, forceFailover bool) (*Instance, error) {
	s, err := w.member(region, id)
	if err != nil {
		return nil, err
	}
	if s.Status != available || s.changing {
		return nil, &Fault{"InvalidDBInstanceState", "Instance cannot currently reboot due to an in-progress management operation.", 400}
	}
	if forceFailover && !s.MultiAZ {
		return nil, &Fault{"InvalidParameterCombination", "Cannot specify ForceFailover since the instance is not configured for Multi-AZ.", 400}
	}
	s.Status, s.up = "rebooting", false
	w.after(w.between(rebootLeast, rebootMost), func() {
		if !s.gone {
			s.Status = available
			s.start(w.now)
			w.tell(s, "availability", "DB instance restarted")
		}
	})
	return s.copy(), nil
}

func (w *World) groupOf(c *Cluster) *group {
	for _, g := range w.groups {
		if g.cluster == c {
			return g
		}
	}
	return nil
}
