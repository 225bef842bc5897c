package model

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
)

const (
	// defaultBackupWindow and defaultMaintenanceWindow are in UTC, as the RDS API writes them.
	defaultBackupWindow      = "01:00-01:30"
	defaultMaintenanceWindow = "sun:02:00-sun:02:30"
	defaultCertificate       = "rds-ca-rsa2048-g1"
	defaultSubnetGroup       = "default"
	// auroraStandard and auroraOptimized are the storage types of Aurora (RDS API reference, CreateDBCluster).
	auroraStandard, auroraOptimized = "aurora", "aurora-iopt1"
	enhancedMonitoring              = 60 // seconds

	// defaultTier is the promotion tier of instances that name none, and lastTier the last (RDS API reference,
	// CreateDBInstance).
	defaultTier, lastTier = 1, 15
)

func validTier(tier int) bool { return tier >= 0 && tier <= lastTier }

// found brings a database into the world as the scenario describes it.
func (w *World) found(d Database) error {
	d.AccountID = cmp.Or(d.AccountID, w.scenario.AccountID)
	d.BackupWindow = cmp.Or(d.BackupWindow, defaultBackupWindow)
	d.MaintenanceWindow = cmp.Or(d.MaintenanceWindow, defaultMaintenanceWindow)
	g := &group{region: d.Region, identifier: d.Identifier, cost: 1, random: w.noise(d)}
	w.groups = append(w.groups, g)
	if len(d.Instances) > 0 {
		g.cluster = w.foundCluster(d)
	}
	for _, m := range d.members() {
		w.enrol(g, d, m)
	}
	if err := w.SetLoad(d.Region, d.Identifier, d.Load); err != nil {
		return err
	}
	g.drawNoise()
	for _, u := range d.Upgrades {
		w.after(u.At.since(w.scenario.Start.Time), func() { w.upgrade(g, u) })
	}
	for _, m := range d.Maintenance {
		w.announce(g, m)
	}
	if d.AutoScaling != nil {
		if err := w.Register(d.Region, d.Identifier, *d.AutoScaling); err != nil {
			return err
		}
	}
	if d.Backups {
		w.awaitBackup(g.servers[0])
	}
	return nil
}

// noise is the randomness of a database's load.
func (w *World) noise(d Database) *rand.Rand {
	name := fnv.New64a()
	_, _ = name.Write([]byte(d.Region + "/" + d.Identifier)) // a hash takes everything
	return rand.New(rand.NewPCG(uint64(w.scenario.Seed), name.Sum64()))
}

func (w *World) foundCluster(d Database) *Cluster {
	c := &Cluster{
		Identifier: d.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.resourceID("cluster"),
		Engine: d.Engine, EngineVersion: d.EngineVersion, Status: available, Writer: d.Instances[0].Identifier,
		StorageType: cmp.Or(d.StorageType, auroraStandard), AvailabilityZones: Zones(d.Region), DBSubnetGroup: defaultSubnetGroup,
		ParameterGroup: "default." + d.Engine, BackupWindow: d.BackupWindow, MaintenanceWindow: d.MaintenanceWindow,
		DeletionProtection: d.DeletionProtection, CreatedAt: w.now.AddDate(-1, 0, 0), Tags: maps.Clone(d.Tags),
	}
	if d.Serverless != nil {
		c.Capacity = &Capacity{d.Serverless.Min, d.Serverless.Max}
	}
	if !isAurora(d.Engine) {
		c.InstanceClass, c.StorageType = d.Instances[0].Class, cmp.Or(d.StorageType, "io1")
	}
	w.clusters[d.Region+"/"+d.Identifier] = c
	return c
}

// enrol puts an instance into the world, in service.
func (w *World) enrol(g *group, d Database, m Member) {
	created := w.now.AddDate(-1, 0, 0)
	s := &server{
		Instance: Instance{
			Identifier: m.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.resourceID("db"),
			Engine: d.Engine, EngineVersion: d.EngineVersion, Class: m.Class, Status: available, PromotionTier: defaultTier,
			MultiAZ: d.MultiAZ, AvailabilityZone: Zones(d.Region)[len(w.members)%3], DBSubnetGroup: defaultSubnetGroup,
			ParameterGroup: "default." + d.Engine, BackupWindow: d.BackupWindow, MaintenanceWindow: d.MaintenanceWindow,
			PerformanceInsights: d.PerformanceInsights, CACertificate: defaultCertificate,
			CreatedAt: created, Tags: maps.Clone(m.Tags),
		},
		group: g, since: created,
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	if g.cluster == nil && m.Identifier != d.Identifier {
		s.Source, s.MultiAZ = d.Identifier, false
	}
	if s.MultiAZ {
		s.SecondaryZone = otherZone(d.Region, s.AvailabilityZone)
	}
	if d.PerformanceInsights {
		s.MonitoringInterval = enhancedMonitoring
	}
	if g.cluster == nil {
		s.DeletionProtection = d.DeletionProtection
	} else {
		s.Cluster = g.cluster.Identifier
	}
	w.join(s)
}

// join adds an instance to the world and to its group.
func (w *World) join(s *server) {
	s.resize()
	w.members[s.Region+"/"+s.Identifier] = s
	s.group.servers = append(s.group.servers, s)
	if c := s.group.cluster; c != nil {
		c.Members = append(c.Members, s.Identifier)
	}
}

func (w *World) resourceID(kind string) string {
	return fmt.Sprintf("%s-%s", kind, strings.ToUpper(fmt.Sprintf("%016x%010x", w.random.Uint64(), w.random.Uint32())))
}

// otherZone is where a standby is put.
func otherZone(region, zone string) string {
	all := Zones(region)
	if all[0] == zone {
		return all[1]
	}
	return all[0]
}
