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

	createLeast, createMost   = 6 * time.Minute, 9 * time.Minute
	monitorLeast, monitorMost = 30 * time.Second, 60 * time.Second
)

// CreateInstance is CreateDBInstance of a reader in a cluster; in a cluster without a writer it becomes the writer. The
// error is a *Fault.
func (w *World) CreateInstance(region string, c Create) (*Instance, error) {
	cluster, err := w.cluster(region, c.Cluster)
	if err != nil {
		return nil, err
	}
	zone := cmp.Or(c.AvailabilityZone, w.roomiestZone(cluster, c.Class))
	if err := w.mayCreate(c, cluster, zone); err != nil {
		return nil, err
	}
	g, _ := w.group(region, cluster.Identifier)
	s := &server{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: cluster.AccountID, ResourceID: w.resourceID("db"),
			Cluster: cluster.Identifier, Engine: cluster.Engine, EngineVersion: cluster.EngineVersion, Class: c.Class,
			Status: "creating", PromotionTier: defaultTier, AvailabilityZone: zone, DBSubnetGroup: cluster.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, "default."+cluster.Engine), BackupWindow: cluster.BackupWindow,
			MaintenanceWindow:   cmp.Or(c.MaintenanceWindow, defaultMaintenanceWindow),
			PerformanceInsights: c.PerformanceInsights, MonitoringInterval: c.MonitoringInterval,
			CACertificate: cmp.Or(c.CACertificate, defaultCertificate), Tags: maps.Clone(c.Tags),
		},
		group: g, outages: 1,
	}
	if c.PromotionTier != nil {
		s.PromotionTier = *c.PromotionTier
	}
	w.join(s)
	w.later(s, w.creation()+w.delayed(region, s.Identifier), func() { w.finishCreate(s) })
	return s.copy(), nil
}

// creation draws how long an instance takes to be created.
func (w *World) creation() time.Duration {
	if most := w.scenario.CreateMost.Duration; most > 0 {
		return w.between(w.scenario.CreateLeast.Duration, most)
	}
	return w.between(createLeast, createMost)
}

// roomiestZone is where AWS puts an instance that names no zone: one that has the class, with the fewest members.
func (w *World) roomiestZone(c *Cluster, class string) string {
	rank := map[string]int{}
	for _, zone := range c.AvailabilityZones {
		if w.lacks(class, zone) {
			rank[zone] = maxInstances
		}
	}
	for _, m := range w.members {
		if m.Region == c.Region && m.Cluster == c.Identifier {
			rank[m.AvailabilityZone]++
		}
	}
	return slices.MinFunc(c.AvailabilityZones, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
}

func (w *World) mayCreate(c Create, cluster *Cluster, zone string) error {
	if err := c.validate(); err != nil {
		return err
	}
	if _, taken := w.members[cluster.Region+"/"+c.Identifier]; taken {
		return &Fault{"DBInstanceAlreadyExists", fmt.Sprintf("DB instance %s already exists.", c.Identifier), 400}
	}
	if cluster.InstanceClass != "" {
		return invalidCombination("The specified DB cluster is a Multi-AZ DB cluster, whose DB instances can't be created one by one.")
	}
	if c.Engine != cluster.Engine {
		return invalidCombination("The engine name requested for your DB instance (%s) doesn't match the engine name of your "+
			"DB cluster (%s).", c.Engine, cluster.Engine)
	}
	if err := w.orders(cluster.Region, cluster.Engine, cluster.EngineVersion, c.Class); err != nil {
		return err
	}
	if !slices.Contains(cluster.AvailabilityZones, zone) {
		return &Fault{"DBSubnetGroupDoesNotCoverEnoughAZs",
			fmt.Sprintf("DB subnet group %s does not cover the availability zone %s.", cluster.DBSubnetGroup, zone), 400}
	}
	if cluster.Status != available {
		return clusterBusy(cluster)
	}
	if err := w.withinQuota(cluster); err != nil {
		return err
	}
	if w.lacks(c.Class, zone) {
		return noCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}

// validate checks a request by itself.
func (c Create) validate() error {
	switch {
	case c.Identifier == "":
		return invalidValue("The parameter DBInstanceIdentifier must be provided and must not be blank.")
	case c.PromotionTier != nil && !validTier(*c.PromotionTier):
		return invalidTier()
	case c.MaintenanceWindow != "" && !validWindow(c.MaintenanceWindow):
		return invalidValue("Invalid maintenance window: %s. The format is ddd:hh24:mi-ddd:hh24:mi, at least 30 minutes.",
			c.MaintenanceWindow)
	}
	return nil
}

func (w *World) withinQuota(cluster *Cluster) error {
	owned := 0
	for _, m := range w.members {
		if m.Region == cluster.Region && m.AccountID == cluster.AccountID {
			owned++
		}
	}
	switch {
	case owned >= maxInstances:
		return overQuota("You have reached the maximum number of DB instances (%d) in this region.", maxInstances)
	case len(cluster.Members) > maxReaders:
		return overQuota("DB cluster %s has reached the maximum number of Aurora Replicas (%d).", cluster.Identifier, maxReaders)
	}
	return nil
}

func (w *World) finishCreate(s *server) {
	s.CreatedAt = w.now
	if s.group.cluster != nil {
		s.EngineVersion = s.group.cluster.EngineVersion
	}
	w.resume(s)
	w.tell(s, "creation", "DB instance created")
	if s.MonitoringInterval == 0 {
		s.ready(w.now)
		return
	}
	s.Status = "configuring-enhanced-monitoring"
	w.later(s, w.between(monitorLeast, monitorMost), func() { s.ready(w.now) })
}
