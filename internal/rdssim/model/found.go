package model

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

const (
	// defaultBackupWindow and defaultMaintenanceWindow are in UTC, as the RDS API writes them.
	defaultBackupWindow      = "01:00-01:30"
	defaultMaintenanceWindow = "sun:02:00-sun:02:30"
	defaultCertificate       = "rds-ca-rsa2048-g1"
	defaultSubnetGroup       = "default"
	enhancedMonitoring       = 60 // seconds
)

// found brings a database into the world as the scenario describes it.
func (w *World) found(d Database) error {
	readers, err := d.Load.Readers.resolve(w.scenario)
	if err != nil {
		return err
	}
	writer, err := d.Load.Writer.resolve(w.scenario)
	if err != nil {
		return err
	}
	g := &group{load: Load{Writer: writer, Readers: readers}, cost: 1, noise: 1}
	w.groups = append(w.groups, g)
	if d.AccountID == "" {
		d.AccountID = w.scenario.AccountID
	}
	if len(d.Instances) == 0 {
		g.plain = w.enrol(g, d, Member{Identifier: d.Identifier, Class: d.Class, Tags: d.Tags}, nil)
	} else {
		w.foundCluster(g, d)
	}
	for _, u := range d.Upgrades {
		w.after(u.At.Duration, func() { w.upgrade(g, u) })
	}
	return nil
}

func (w *World) foundCluster(g *group, d Database) {
	c := &Cluster{
		Identifier: d.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.resourceID("cluster"),
		Engine: d.Engine, EngineVersion: d.EngineVersion, Status: available, Writer: d.Instances[0].Identifier,
		StorageType: "aurora", AvailabilityZones: zones(d.Region), DBSubnetGroup: defaultSubnetGroup,
		ParameterGroup: "default." + d.Engine, BackupWindow: defaultBackupWindow, MaintenanceWindow: defaultMaintenanceWindow,
		CreatedAt: w.now.AddDate(-1, 0, 0), Tags: maps.Clone(d.Tags),
	}
	w.clusters[d.Region+"/"+d.Identifier] = c
	g.cluster = c
	for _, m := range d.Instances {
		w.enrol(g, d, m, c)
	}
}

// enrol puts an instance into the world, in service.
func (w *World) enrol(g *group, d Database, m Member, c *Cluster) *server {
	s := &server{
		Instance: Instance{
			Identifier: m.Identifier, Region: d.Region, AccountID: d.AccountID, ResourceID: w.resourceID("db"),
			Engine: d.Engine, EngineVersion: d.EngineVersion, Class: m.Class, Status: available, PromotionTier: 1,
			MultiAZ: d.MultiAZ, AvailabilityZone: zones(d.Region)[len(w.members)%3], DBSubnetGroup: defaultSubnetGroup,
			ParameterGroup: "default." + d.Engine, BackupWindow: defaultBackupWindow, MaintenanceWindow: defaultMaintenanceWindow,
			PerformanceInsights: d.PerformanceInsights, CACertificate: defaultCertificate,
			CreatedAt: w.now.AddDate(-1, 0, 0), Tags: maps.Clone(m.Tags),
		},
		group: g, up: true, since: w.now.AddDate(-1, 0, 0), metrics: map[string][]Point{},
	}
	if m.PromotionTier != nil {
		s.PromotionTier = *m.PromotionTier
	}
	if d.MultiAZ {
		s.SecondaryZone = zones(d.Region)[(len(w.members)+1)%3]
	}
	if d.PerformanceInsights {
		s.MonitoringInterval = enhancedMonitoring
	}
	s.resize()
	if c != nil {
		s.Cluster = c.Identifier
		c.Members = append(c.Members, s.Identifier)
	}
	w.members[d.Region+"/"+m.Identifier] = s
	g.servers = append(g.servers, s)
	return s
}

func (w *World) resourceID(kind string) string {
	return fmt.Sprintf("%s-%s", kind, strings.ToUpper(fmt.Sprintf("%016x%010x", w.random.Uint64(), w.random.Uint32())))
}

func zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }

// upgrade is an engine upgrade that people carry out: every instance restarts at about the same time.
func (w *World) upgrade(g *group, u Upgrade) {
	g.cost = u.CostFactor
	if g.cluster != nil {
		g.cluster.Status = "upgrading"
	}
	for _, s := range g.servers {
		s.Status, s.up = "upgrading", false
		w.after(w.between(60*time.Second, 90*time.Second), func() { s.start(w.now) })
		w.after(w.between(3*time.Minute, 5*time.Minute), func() {
			s.Status, s.EngineVersion = available, u.EngineVersion
		})
	}
	w.after(5*time.Minute, func() {
		if g.cluster != nil {
			g.cluster.Status, g.cluster.EngineVersion = available, u.EngineVersion
		}
	})
}
