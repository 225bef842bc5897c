package model

import (
	"cmp"
	"fmt"
	"maps"
)

// maxReplicas is the maximum number of read replicas of a PostgreSQL, MySQL or MariaDB instance, and maxReplicasOtherEngines
// that of other engines (RDS user guide, "Working with DB instance read replicas").
const maxReplicas, maxReplicasOtherEngines = 15, 5

// CreateReplica is CreateDBInstanceReadReplica. The error is an *APIError.
func (w *World) CreateReplica(region string, c CreateReplicaRequest) (*Instance, error) {
	source, err := w.findInstance(region, c.Source)
	if err != nil {
		return nil, err
	}
	class := cmp.Or(c.Class, source.Class)
	zone := cmp.Or(c.AvailabilityZone, w.leastUsedZone(source.group, class))
	if err := w.checkCreateReplica(c, source, class, zone); err != nil {
		return nil, err
	}
	s := &instanceState{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: source.AccountID, ResourceID: w.newResourceID("db"),
			Engine: source.Engine, EngineVersion: source.EngineVersion, Class: class, ReplicationSource: source.Identifier,
			Status: statusCreating, PromotionTier: defaultPromotionTier, AvailabilityZone: zone, DBSubnetGroup: source.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, source.ParameterGroup), BackupWindow: source.BackupWindow,
			MaintenanceWindow: source.MaintenanceWindow, PerformanceInsights: c.PerformanceInsights,
			MonitoringInterval: c.MonitoringInterval, CACertificate: cmp.Or(c.CACertificate, defaultCertificate),
			Settings: replicaSettings(c.Settings, source.Settings), Tags: maps.Clone(c.Tags),
		},
		group: source.group, outageCount: 1, clientWeight: source.group.newReplicaWeight,
	}
	if source.ReplicationSource != "" {
		s.clientWeight = 0 // its clients are not those of the database that the scenario describes
	}
	w.addInstance(s)
	w.startCreate(s)
	return s.copy(), nil
}

// checkCreateReplica returns the error with which AWS refuses a CreateDBInstanceReadReplica request, if it does.
func (w *World) checkCreateReplica(c CreateReplicaRequest, source *instanceState, class, zone string) error {
	limit := maxReplicasOtherEngines
	if hasOpenSourceEngine(source.Engine) {
		limit = maxReplicas
	}
	_, exists := w.instances[source.Region+"/"+c.Identifier]
	switch {
	case c.Identifier == "":
		return invalidValue("The parameter DBInstanceIdentifier must be provided and must not be blank.")
	case exists:
		return &APIError{"DBInstanceAlreadyExists", fmt.Sprintf("DB instance %s already exists.", c.Identifier), 400}
	case source.Cluster != "":
		return invalidCombination("Amazon Aurora doesn't support this operation.")
	case source.ReplicationSource != "" && !hasOpenSourceEngine(source.Engine):
		return invalidCombination("The simulator has read replicas of read replicas for PostgreSQL, MySQL and MariaDB only.")
	case !source.acceptsChanges():
		return instanceNotAvailable()
	case len(source.group.instances)-1 >= limit:
		return quotaExceeded("DB instance %s has reached the maximum number of read replicas (%d).", source.Identifier, limit)
	}
	if err := checkRequestTags(c.Tags); err != nil {
		return err
	}
	if err := checkReplicaSettings(c, source); err != nil {
		return err
	}
	if err := w.checkOrderable(source.Region, source.Engine, source.EngineVersion, class); err != nil {
		return err
	}
	if err := w.checkClassLimit(source.Region, source.Engine, source.EngineVersion, class, zone, c.PerformanceInsights); err != nil {
		return err
	}
	if w.hasCapacityShortage(class, zone) {
		return insufficientCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}
