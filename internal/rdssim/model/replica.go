package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxReplicas is how many read replicas an instance can have, and maxReplicasOtherEngines how many where the engine allows fewer (RDS user
	// guide, "Working with DB instance read replicas").
	maxReplicas, maxReplicasOtherEngines = 15, 5
)

// CreateReplicaRequest is CreateDBInstanceReadReplica. The error is a *Fault.
func (w *World) CreateReplica(region string, c CreateReplicaRequest) (*Instance, error) {
	source, err := w.findInstance(region, c.Source)
	if err != nil {
		return nil, err
	}
	class := cmp.Or(c.Class, source.Class)
	zone := cmp.Or(c.AvailabilityZone, w.leastUsedReplicaZone(source, class))
	if err := w.checkCreateReplica(c, source, class, zone); err != nil {
		return nil, err
	}
	s := &instanceState{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: source.AccountID, ResourceID: w.newResourceID("db"),
			Engine: source.Engine, EngineVersion: source.EngineVersion, Class: class, ReplicationSource: source.Identifier,
			Status: "creating", PromotionTier: defaultPromotionTier, AvailabilityZone: zone, DBSubnetGroup: source.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, source.ParameterGroup), BackupWindow: source.BackupWindow,
			MaintenanceWindow: source.MaintenanceWindow, PerformanceInsights: c.PerformanceInsights,
			MonitoringInterval: c.MonitoringInterval, CACertificate: cmp.Or(c.CACertificate, defaultCertificate), Tags: maps.Clone(c.Tags),
		},
		group: source.group, outageCount: 1,
	}
	w.addInstance(s)
	w.scheduleForInstance(s, w.drawCreateDuration()+w.takeChangeDelay(region, s.Identifier), func() { w.completeCreate(s) })
	return s.copy(), nil
}

// leastUsedReplicaZone is where AWS puts a replica that names no zone: one that has the class, with the fewest of the source's kin.
func (w *World) leastUsedReplicaZone(source *instanceState, class string) string {
	used := map[string]int{}
	for _, zone := range AvailabilityZones(source.Region) {
		if w.hasCapacityShortage(class, zone) {
			used[zone] = maxInstancesPerRegion
		}
	}
	for _, s := range source.group.instances {
		used[s.AvailabilityZone]++
	}
	return slices.MinFunc(AvailabilityZones(source.Region), func(a, b string) int { return cmp.Compare(used[a], used[b]) })
}

func (w *World) checkCreateReplica(c CreateReplicaRequest, source *instanceState, class, zone string) error {
	limit := maxReplicasOtherEngines
	if slices.ContainsFunc([]string{"postgres", "mysql", "mariadb"}, func(e string) bool { return strings.HasPrefix(source.Engine, e) }) {
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
	case source.ReplicationSource != "":
		return invalidCombination("The simulator has no read replicas of read replicas.")
	case source.Status != statusAvailable:
		return instanceNotAvailable()
	case len(source.group.instances)-1 >= limit:
		return quotaExceeded("DB instance %s has reached the maximum number of read replicas (%d).", source.Identifier, limit)
	}
	if err := w.checkOrderable(source.Region, source.Engine, source.EngineVersion, class); err != nil {
		return err
	}
	if w.hasCapacityShortage(class, zone) {
		return insufficientCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}
