package model

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	// defaultBackupWindow and defaultMaintenanceWindow are in UTC, as the RDS API writes them.
	defaultBackupWindow      = "01:00-01:30"
	defaultMaintenanceWindow = "sun:02:00-sun:02:30"
	defaultCertificate       = "rds-ca-rsa2048-g1"
	defaultSubnetGroup       = "default"
	// storageAuroraStandard and storageAuroraIOOptimized are the storage types of Aurora (RDS API reference, CreateDBCluster).
	storageAuroraStandard, storageAuroraIOOptimized = "aurora", "aurora-iopt1"
	monitoringIntervalSeconds                       = 60

	// defaultPromotionTier applies to instances that name no promotion tier; maxPromotionTier is the highest tier (RDS API
	// reference, CreateDBInstance).
	defaultPromotionTier, maxPromotionTier = 1, 15
)

func isValidPromotionTier(tier int) bool { return tier >= 0 && tier <= maxPromotionTier }

// addDatabase adds a database of the scenario, with its load and its scheduled events.
func (w *World) addDatabase(d Database) error {
	d.AccountID = cmp.Or(d.AccountID, w.scenario.AccountID)
	d.BackupWindow = cmp.Or(d.BackupWindow, defaultBackupWindow)
	d.MaintenanceWindow = cmp.Or(d.MaintenanceWindow, defaultMaintenanceWindow)
	g := &instanceGroup{region: d.Region, identifier: d.Identifier, costFactor: 1, noiseSource: w.newNoiseSource(d), newReplicaWeight: 1}
	if d.IO != nil {
		g.io = *d.IO
	}
	if d.NewReplicaClientWeight != nil {
		g.newReplicaWeight = *d.NewReplicaClientWeight
	}
	w.addGroup(g)
	if len(d.Instances) > 0 {
		g.cluster = w.addCluster(d)
	}
	for _, m := range d.allInstances() {
		w.addInitialInstance(g, d, m)
	}
	if err := w.SetLoad(d.Region, d.Identifier, d.Load); err != nil {
		return err
	}
	g.drawNoise()
	for _, u := range d.Upgrades {
		w.schedule(u.At.sinceStart(w.scenario.Start.Time), func() { w.startUpgrade(g, u) })
	}
	for _, m := range d.Maintenance {
		w.scheduleMaintenance(g, m)
	}
	w.scheduleDeferredChanges(d)
	for _, e := range d.CustomEndpoints {
		if err := w.SetCustomEndpoint(d.Region, d.Identifier, e); err != nil {
			return err
		}
	}
	w.scheduleBlueGreen(d)
	if d.AutoScaling != nil {
		if err := w.RegisterScalableTarget(d.Region, d.Identifier, *d.AutoScaling); err != nil {
			return err
		}
	}
	if d.Backups {
		w.scheduleBackup(g.instances[0])
	}
	if d.Steady {
		g.makeSteady(w.scenario.Start.UTC())
	}
	return nil
}

// newNoiseSource returns the random source of a database's load. It depends only on the seed and the database's name.
func (w *World) newNoiseSource(d Database) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(d.Region + "/" + d.Identifier)) // a hash never returns an error
	return rand.New(rand.NewPCG(uint64(w.scenario.Seed), hash.Sum64()))
}

// addCluster adds the cluster of a database, without its instances.
func (w *World) addCluster(d Database) *Cluster {
	c := &Cluster{
		Identifier: d.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.newResourceID("cluster"),
		Engine: d.Engine, EngineVersion: d.EngineVersion, Status: statusAvailable, Writer: d.Instances[0].Identifier,
		StorageType: cmp.Or(d.StorageType, storageAuroraStandard), AvailabilityZones: AvailabilityZones(d.Region),
		DBSubnetGroup: defaultSubnetGroup, ParameterGroup: cmp.Or(d.ClusterParameterGroup, "default."+d.Engine), GlobalCluster: d.GlobalCluster,
		BackupWindow: d.BackupWindow, MaintenanceWindow: d.MaintenanceWindow,
		DeletionProtection: d.DeletionProtection, CreatedAt: d.createdAt(w.now), Tags: maps.Clone(d.Tags),
	}
	if d.Serverless != nil {
		capacity := d.Serverless.withDefaults()
		c.Capacity = &capacity
	}
	if !isAurora(d.Engine) {
		c.InstanceClass, c.StorageType = d.Instances[0].Class, cmp.Or(d.StorageType, "io1")
	}
	w.clusters[d.Region+"/"+d.Identifier] = c
	w.forgetListings()
	return c
}

// addInitialInstance adds an instance of the scenario, in service.
func (w *World) addInitialInstance(g *instanceGroup, d Database, m Member) {
	created := d.createdAt(w.now)
	s := &instanceState{
		Instance: Instance{
			Identifier: m.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.newResourceID("db"),
			Engine: d.Engine, EngineVersion: d.EngineVersion, Class: m.Class, Status: statusAvailable, PromotionTier: defaultPromotionTier,
			MultiAZ: d.MultiAZ, AvailabilityZone: AvailabilityZones(d.Region)[len(w.instances)%3], DBSubnetGroup: defaultSubnetGroup,
			ParameterGroup: initialParameterGroup(d, m), BackupWindow: d.BackupWindow, MaintenanceWindow: d.MaintenanceWindow,
			PerformanceInsights: d.PerformanceInsights, CACertificate: defaultCertificate,
			CreatedAt: created, Tags: maps.Clone(m.Tags),
		},
		group: g, inServiceSince: created,
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	s.clientWeight = 1
	if m.ClientWeight != nil {
		s.clientWeight = *m.ClientWeight
	}
	if g.cluster == nil {
		s.Settings = initialSettings(d)
	}
	if g.cluster == nil && m.Identifier != d.Identifier {
		s.ReplicationSource, s.MultiAZ = d.Identifier, false
		s.Settings.NoAutomatedBackups, s.Settings.ManagedMasterPassword = true, false
	}
	if s.MultiAZ {
		s.SecondaryAvailabilityZone = standbyZone(d.Region, s.AvailabilityZone)
	}
	if d.PerformanceInsights {
		s.MonitoringInterval = monitoringIntervalSeconds
	}
	if g.cluster == nil {
		s.DeletionProtection = d.DeletionProtection
	} else {
		s.Cluster = g.cluster.Identifier
	}
	w.addInstance(s)
}

// createdAt returns when a database of a scenario that starts at start was created.
func (d Database) createdAt(start time.Time) time.Time {
	if d.Age.Duration > 0 {
		return start.Add(-d.Age.Duration)
	}
	return start.AddDate(-1, 0, 0)
}

// initialSettings returns the settings of a standalone instance of the scenario.
func initialSettings(d Database) InstanceSettings {
	if d.Settings == nil {
		return InstanceSettings{}.withDefaults()
	}
	return d.Settings.withDefaults()
}

// addInstance adds an instance to the simulation, to its group and to its cluster.
func (w *World) addInstance(s *instanceState) {
	s.updateCapacity()
	w.instances[s.Region+"/"+s.Identifier] = s
	w.forgetListings()
	s.group.instances = append(s.group.instances, s)
	if c := s.group.cluster; c != nil {
		c.Members = append(c.Members, s.Identifier)
	}
}

// newResourceID draws a resource ID such as db-0123456789ABCDEF.
func (w *World) newResourceID(kind string) string {
	return fmt.Sprintf("%s-%s", kind, strings.ToUpper(fmt.Sprintf("%016x%010x", w.random.Uint64(), w.random.Uint32())))
}

// standbyZone returns the availability zone of the standby of an instance in a zone.
func standbyZone(region, zone string) string {
	zones := AvailabilityZones(region)
	if zones[0] == zone {
		return zones[1]
	}
	return zones[0]
}
