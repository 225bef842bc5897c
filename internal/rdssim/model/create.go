package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// maxReaders is the maximum number of readers of an Aurora cluster, and maxInstancesPerRegion the default quota of DB
	// instances of an account in a region (Aurora user guide, "Quotas and constraints").
	maxReaders            = 15
	maxInstancesPerRegion = 40

	defaultMinCreateDuration, defaultMaxCreateDuration     = 6 * time.Minute, 9 * time.Minute
	minMonitoringSetupDuration, maxMonitoringSetupDuration = 30 * time.Second, 60 * time.Second
)

// CreateInstance is CreateDBInstance for a reader of a cluster. In a cluster without a writer the instance becomes the writer.
// The error is an *APIError.
func (w *World) CreateInstance(region string, c CreateInstanceRequest) (*Instance, error) {
	cluster, err := w.findCluster(region, c.Cluster)
	if err != nil {
		return nil, err
	}
	g, _ := w.findGroup(region, cluster.Identifier)
	zone := cmp.Or(c.AvailabilityZone, w.leastUsedZone(g, c.Class))
	if err := w.checkCreate(c, cluster, zone); err != nil {
		return nil, err
	}
	s := &instanceState{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: cluster.AccountID, ResourceID: w.newResourceID("db"),
			Cluster: cluster.Identifier, Engine: cluster.Engine, EngineVersion: cluster.EngineVersion, Class: c.Class,
			Status: statusCreating, PromotionTier: defaultPromotionTier, AvailabilityZone: zone, DBSubnetGroup: cluster.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, "default."+cluster.Engine), BackupWindow: cluster.BackupWindow,
			MaintenanceWindow:   cmp.Or(c.MaintenanceWindow, defaultMaintenanceWindow),
			PerformanceInsights: c.PerformanceInsights, MonitoringInterval: c.MonitoringInterval,
			CACertificate: cmp.Or(c.CACertificate, defaultCertificate), Tags: maps.Clone(c.Tags),
		},
		group: g, outageCount: 1, clientWeight: 1,
	}
	if c.PromotionTier != nil {
		s.PromotionTier = *c.PromotionTier
	}
	w.addInstance(s)
	w.startCreate(s)
	return s.copy(), nil
}

// drawCreateDuration draws how long the creation of an instance takes.
func (w *World) drawCreateDuration() time.Duration {
	if maxDuration := w.scenario.MaxCreateDuration.Duration; maxDuration > 0 {
		return w.drawDuration(w.scenario.MinCreateDuration.Duration, maxDuration)
	}
	return w.drawDuration(defaultMinCreateDuration, defaultMaxCreateDuration)
}

// leastUsedZone returns the zone for a new instance whose request names none: the one with the fewest instances of the group
// among those that have capacity of the class.
func (w *World) leastUsedZone(g *instanceGroup, class string) string {
	used := map[string]int{}
	for _, zone := range AvailabilityZones(g.region) {
		if w.hasCapacityShortage(class, zone) {
			used[zone] = maxInstancesPerRegion
		}
	}
	for _, s := range g.instances {
		used[s.AvailabilityZone]++
	}
	return slices.MinFunc(AvailabilityZones(g.region), func(a, b string) int { return cmp.Compare(used[a], used[b]) })
}

// checkCreate returns the error with which AWS refuses a CreateDBInstance request, if it does.
func (w *World) checkCreate(c CreateInstanceRequest, cluster *Cluster, zone string) error {
	if err := c.validate(); err != nil {
		return err
	}
	if _, exists := w.instances[cluster.Region+"/"+c.Identifier]; exists {
		return &APIError{"DBInstanceAlreadyExists", fmt.Sprintf("DB instance %s already exists.", c.Identifier), 400}
	}
	if cluster.InstanceClass != "" {
		return invalidCombination("The specified DB cluster is a Multi-AZ DB cluster, whose DB instances can't be created one by one.")
	}
	if c.Engine != cluster.Engine {
		return invalidCombination("The engine name requested for your DB instance (%s) doesn't match the engine name of your "+
			"DB cluster (%s).", c.Engine, cluster.Engine)
	}
	if err := w.checkMemberClass(cluster, c.Class); err != nil {
		return err
	}
	if !slices.Contains(cluster.AvailabilityZones, zone) {
		return &APIError{"DBSubnetGroupDoesNotCoverEnoughAZs",
			fmt.Sprintf("DB subnet group %s does not cover the availability zone %s.", cluster.DBSubnetGroup, zone), 400}
	}
	if err := w.checkClassLimit(cluster.Region, cluster.Engine, cluster.EngineVersion, c.Class, zone, c.PerformanceInsights); err != nil {
		return err
	}
	if cluster.Status != statusAvailable {
		return clusterNotAvailable(cluster)
	}
	if err := w.checkInstanceQuota(cluster); err != nil {
		return err
	}
	if w.hasCapacityShortage(c.Class, zone) {
		return insufficientCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}

// validate checks a request without regard to the state of the databases.
func (c CreateInstanceRequest) validate() error {
	switch {
	case c.Identifier == "":
		return invalidValue("The parameter DBInstanceIdentifier must be provided and must not be blank.")
	case c.PromotionTier != nil && !isValidPromotionTier(*c.PromotionTier):
		return invalidPromotionTier()
	case c.MaintenanceWindow != "" && !isValidMaintenanceWindow(c.MaintenanceWindow):
		return invalidValue("Invalid maintenance window: %s. The format is ddd:hh24:mi-ddd:hh24:mi, at least 30 minutes.",
			c.MaintenanceWindow)
	}
	return checkRequestTags(c.Tags)
}

// checkInstanceQuota checks the quotas of the region and of the cluster.
func (w *World) checkInstanceQuota(cluster *Cluster) error {
	count := 0
	for _, m := range w.instances {
		if m.Region == cluster.Region && m.AccountID == cluster.AccountID {
			count++
		}
	}
	switch {
	case count >= w.InstanceQuota():
		return quotaExceeded("You have reached the maximum number of DB instances (%d) in this region.", w.InstanceQuota())
	case len(cluster.Members) > maxReaders:
		return quotaExceeded("DB cluster %s has reached the maximum number of Aurora Replicas (%d).", cluster.Identifier, maxReaders)
	}
	return nil
}

// completeCreate puts a created instance into service. Enhanced monitoring is configured before it is available.
func (w *World) completeCreate(s *instanceState) {
	s.CreatedAt = w.now
	if s.group.cluster != nil {
		s.EngineVersion = s.group.cluster.EngineVersion
	}
	w.restoreService(s)
	w.recordInstanceEvent(s, "creation", "DB instance created")
	w.recordTopologyChange(s.group)
	if s.MonitoringInterval == 0 {
		w.becomeAvailable(s)
		return
	}
	s.Status = statusConfiguringMonitoring
	w.scheduleForInstance(s, w.drawDuration(minMonitoringSetupDuration, maxMonitoringSetupDuration), func() { w.becomeAvailable(s) })
}

// becomeAvailable ends the creation of an instance. A read replica is made from a snapshot, whose blocks are loaded while it serves.
func (w *World) becomeAvailable(s *instanceState) {
	if duration := w.scenario.StorageInitialization.Duration; duration > 0 && s.ReplicationSource != "" {
		w.startStoragePhase(s, statusStorageInitialization, duration)
		return
	}
	s.setAvailable(w.now)
}
