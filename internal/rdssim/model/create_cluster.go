package model

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// The range of how long the creation of a cluster without instances takes.
	minClusterCreateDuration, maxClusterCreateDuration = time.Minute, 2 * time.Minute
	// memberCheckInterval is how often the creation or deletion of a cluster checks whether its members are done.
	memberCheckInterval = 30 * time.Second
	// multiAZMembers is the number of instances of a Multi-AZ DB cluster.
	multiAZMembers = 3
	// storageIO1Cluster is the default storage type of a Multi-AZ DB cluster (RDS API reference, CreateDBCluster).
	storageIO1Cluster = storageIO1
)

// CreateClusterRequest is a CreateDBCluster request.
type CreateClusterRequest struct {
	Identifier, Engine, EngineVersion string
	// Class is DBClusterInstanceClass, which makes it a Multi-AZ DB cluster.
	Class string
	// AllocatedGiB and StorageType are those of a Multi-AZ DB cluster.
	AllocatedGiB int
	StorageType  string
	// Capacity is the ServerlessV2ScalingConfiguration, or nil.
	Capacity          *ServerlessCapacity
	Credentials       MasterCredentials
	SubnetGroup       string
	RetentionDays     *int
	MaintenanceWindow string

	DeletionProtection bool
	Tags               map[string]string
}

// CreateCluster is CreateDBCluster. An Aurora cluster has no instances at first; a Multi-AZ DB cluster has three. The error is an
// *APIError.
func (w *World) CreateCluster(region, accountID string, c CreateClusterRequest) (*Cluster, error) {
	if err := w.checkCreateCluster(region, accountID, c); err != nil {
		return nil, err
	}
	cluster := &Cluster{
		Identifier: c.Identifier, Region: region, AccountID: accountID, ResourceID: w.newResourceID("cluster"),
		Engine: c.Engine, EngineVersion: cmp.Or(c.EngineVersion, defaultEngineVersions[c.Engine]), Status: statusCreating,
		StorageType: storageAuroraStandard, AvailabilityZones: AvailabilityZones(region),
		DBSubnetGroup: defaultSubnetGroup, ParameterGroup: "default." + c.Engine, InstanceClass: c.Class,
		BackupWindow: defaultBackupWindow, MaintenanceWindow: cmp.Or(c.MaintenanceWindow, defaultMaintenanceWindow),
		DeletionProtection: c.DeletionProtection, CreatedAt: w.now, Tags: maps.Clone(c.Tags),
	}
	if c.Capacity != nil {
		capacity := c.Capacity.withDefaults()
		cluster.Capacity = &capacity
	}
	if !isAurora(c.Engine) {
		cluster.StorageType = cmp.Or(c.StorageType, storageIO1Cluster)
	}
	w.clusters[region+"/"+c.Identifier] = cluster
	w.forgetListings()
	g := w.addCreatedGroup(region, c.Identifier)
	g.cluster = cluster
	if c.Class != "" {
		for n := range multiAZMembers {
			w.addMultiAZMember(g, fmt.Sprintf("%s-instance-%d", c.Identifier, n+1), AvailabilityZones(region)[n])
		}
	}
	w.schedule(w.drawDuration(minClusterCreateDuration, maxClusterCreateDuration), func() { w.completeClusterCreate(g) })
	return cluster.copy(), nil
}

// addCreatedGroup adds the group of a database that a request creates. It has no load.
func (w *World) addCreatedGroup(region, identifier string) *instanceGroup {
	g := &instanceGroup{region: region, identifier: identifier, costFactor: 1, createdByRequest: true, newReplicaWeight: 1}
	g.noiseSource = w.newNoiseSource(Database{Region: region, Identifier: identifier})
	g.drawNoise()
	w.addGroup(g)
	return g
}

// addMultiAZMember adds a new instance to a Multi-AZ DB cluster. AWS names it after the cluster and copies the tags.
func (w *World) addMultiAZMember(g *instanceGroup, identifier, zone string) {
	c := g.cluster
	s := &instanceState{
		clientWeight: 1,
		Instance: Instance{
			Identifier: identifier, Region: c.Region, AccountID: c.AccountID, ResourceID: w.newResourceID("db"),
			Cluster: c.Identifier, Engine: c.Engine, EngineVersion: c.EngineVersion, Class: c.InstanceClass,
			Status: statusCreating, PromotionTier: defaultPromotionTier, AvailabilityZone: zone, DBSubnetGroup: c.DBSubnetGroup,
			ParameterGroup: c.ParameterGroup, BackupWindow: c.BackupWindow, MaintenanceWindow: c.MaintenanceWindow,
			CACertificate: defaultCertificate, Tags: maps.Clone(c.Tags),
		},
		group: g, outageCount: 1,
	}
	w.addInstance(s)
	w.startCreate(s)
}

// completeClusterCreate makes a new cluster available as soon as the members that were created with it are.
func (w *World) completeClusterCreate(g *instanceGroup) {
	for _, s := range g.instances {
		if s.Status == statusCreating {
			w.schedule(memberCheckInterval, func() { w.completeClusterCreate(g) })
			return
		}
	}
	g.cluster.Status = statusAvailable
	w.recordClusterEvent(g.cluster, "creation", "DB cluster created")
}

// checkMemberClass returns the error with which AWS refuses the class of a new instance in a cluster, if it does.
func (w *World) checkMemberClass(cluster *Cluster, class string) error {
	switch {
	case class != serverlessClass:
		return w.checkOrderable(cluster.Region, cluster.Engine, cluster.EngineVersion, class)
	case cluster.Capacity == nil:
		return invalidCombination("Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 " +
			"DB instance.")
	}
	return nil
}

// checkCreateCluster returns the error with which AWS refuses a CreateDBCluster request, if it does.
func (w *World) checkCreateCluster(region, accountID string, c CreateClusterRequest) error {
	if err := c.validate(); err != nil {
		return err
	}
	if err := checkSubnetGroup(c.SubnetGroup); err != nil {
		return err
	}
	if _, exists := w.clusters[region+"/"+c.Identifier]; exists {
		return &APIError{"DBClusterAlreadyExistsFault", "DB Cluster already exists", 400}
	}
	if c.Class == "" {
		return nil
	}
	spec, err := catalog.Lookup(c.Class)
	if err != nil || !SupportsMultiAZCluster(spec) {
		return w.checkOrderable(region, c.Engine, cmp.Or(c.EngineVersion, defaultEngineVersions[c.Engine]), "none")
	}
	return w.checkInstanceQuota(&Cluster{Identifier: c.Identifier, Region: region, AccountID: accountID})
}

// validate checks a request without regard to the state of the databases.
func (c CreateClusterRequest) validate() error {
	_, knownEngine := defaultEngineVersions[c.Engine]
	switch {
	case !isValidIdentifier(c.Identifier):
		return invalidIdentifier("DBClusterIdentifier")
	case !knownEngine || !isAurora(c.Engine) && c.Engine != "postgres" && c.Engine != "mysql":
		return invalidValue("Invalid DB engine: %s", c.Engine)
	case isAurora(c.Engine) != (c.Class == ""):
		return invalidCombination("DBClusterInstanceClass is required for a Multi-AZ DB cluster, and isn't supported for the engine aurora.")
	case c.Class != "" && c.AllocatedGiB == 0:
		return invalidCombination("You must specify an allocated storage for a Multi-AZ DB cluster.")
	case c.Capacity != nil && !isAurora(c.Engine):
		return invalidCombination("Serverless v2 scaling configuration isn't supported for the engine %s.", c.Engine)
	case c.RetentionDays != nil && (*c.RetentionDays < 1 || *c.RetentionDays > maxBackupRetentionDays):
		return invalidValue("Invalid backup retention period: %d. Retention period must be between 1 and %d.", *c.RetentionDays,
			maxBackupRetentionDays)
	case c.MaintenanceWindow != "" && !isValidMaintenanceWindow(c.MaintenanceWindow):
		return invalidValue("Invalid maintenance window: %s. The format is ddd:hh24:mi-ddd:hh24:mi, at least 30 minutes.",
			c.MaintenanceWindow)
	}
	if c.Capacity != nil {
		if err := c.Capacity.check(c.Engine, cmp.Or(c.EngineVersion, defaultEngineVersions[c.Engine])); err != nil {
			return err
		}
	}
	if err := c.Credentials.check(c.Engine); err != nil {
		return err
	}
	return checkRequestTags(c.Tags)
}
