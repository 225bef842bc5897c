package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxReplicas is how many read replicas an instance can have, and fewReplicas how many where the engine allows fewer (RDS user
	// guide, "Working with DB instance read replicas").
	maxReplicas, fewReplicas = 15, 5
)

// CreateReplica is CreateDBInstanceReadReplica. The error is a *Fault.
func (w *World) CreateReplica(region string, c CreateReplica) (*Instance, error) {
	source, err := w.member(region, c.Source)
	if err != nil {
		return nil, err
	}
	class := cmp.Or(c.Class, source.Class)
	zone := cmp.Or(c.AvailabilityZone, w.emptiestZone(source, class))
	if err := w.mayReplicate(c, source, class, zone); err != nil {
		return nil, err
	}
	s := &server{
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: source.AccountID, ResourceID: w.resourceID("db"),
			Engine: source.Engine, EngineVersion: source.EngineVersion, Class: class, Source: source.Identifier,
			Status: "creating", PromotionTier: defaultTier, AvailabilityZone: zone, DBSubnetGroup: source.DBSubnetGroup,
			ParameterGroup: cmp.Or(c.ParameterGroup, source.ParameterGroup), BackupWindow: source.BackupWindow,
			MaintenanceWindow: source.MaintenanceWindow, PerformanceInsights: c.PerformanceInsights,
			MonitoringInterval: c.MonitoringInterval, CACertificate: cmp.Or(c.CACertificate, defaultCertificate), Tags: maps.Clone(c.Tags),
		},
		group: source.group, outages: 1,
	}
	w.join(s)
	w.later(s, w.creation()+w.delayed(region, s.Identifier), func() { w.finishCreate(s) })
	return s.copy(), nil
}

// emptiestZone is where AWS puts a replica that names no zone: one that has the class, with the fewest of the source's kin.
func (w *World) emptiestZone(source *server, class string) string {
	rank := map[string]int{}
	for _, zone := range Zones(source.Region) {
		if w.lacks(class, zone) {
			rank[zone] = maxInstances
		}
	}
	for _, s := range source.group.servers {
		rank[s.AvailabilityZone]++
	}
	return slices.MinFunc(Zones(source.Region), func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
}

func (w *World) mayReplicate(c CreateReplica, source *server, class, zone string) error {
	most := fewReplicas
	if slices.ContainsFunc([]string{"postgres", "mysql", "mariadb"}, func(e string) bool { return strings.HasPrefix(source.Engine, e) }) {
		most = maxReplicas
	}
	_, taken := w.members[source.Region+"/"+c.Identifier]
	switch {
	case c.Identifier == "":
		return invalidValue("The parameter DBInstanceIdentifier must be provided and must not be blank.")
	case taken:
		return &Fault{"DBInstanceAlreadyExists", fmt.Sprintf("DB instance %s already exists.", c.Identifier), 400}
	case source.Cluster != "":
		return invalidCombination("Amazon Aurora doesn't support this operation.")
	case source.Source != "":
		return invalidCombination("The simulator has no read replicas of read replicas.")
	case source.Status != available:
		return instanceBusy()
	case len(source.group.servers)-1 >= most:
		return overQuota("DB instance %s has reached the maximum number of read replicas (%d).", source.Identifier, most)
	}
	if err := w.orders(source.Region, source.Engine, source.EngineVersion, class); err != nil {
		return err
	}
	if w.lacks(class, zone) {
		return noCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}
