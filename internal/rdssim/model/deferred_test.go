package model

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// upgradedAt returns when the cluster orders got an engine version, or how long it did not.
func upgradedAt(t *testing.T, w *World, version string, limit time.Duration) (time.Duration, bool) {
	t.Helper()
	began := w.Now()
	for w.Now().Sub(began) < limit {
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.EngineVersion == version && c.Status == statusAvailable {
			return w.Now().Sub(began), true
		}
		advance(w, time.Minute)
	}
	return limit, false
}

// A request with ApplyImmediately for something else starts the upgrade that somebody deferred.
func TestDeferClusterChanges_AppliedWithAnotherChange(t *testing.T) {
	for _, test := range []struct {
		name     string
		database Database
		modify   func(w *World) error
		applied  bool
	}{
		{"class of a Multi-AZ DB cluster", multiAZCluster(), func(w *World) error {
			_, err := w.ModifyClusterClass(testRegion, "orders", "db.m6gd.xlarge")
			return err
		}, true},
		{"current class of a Multi-AZ DB cluster", multiAZCluster(), func(w *World) error {
			_, err := w.ModifyClusterClass(testRegion, "orders", "db.m6gd.large")
			return err
		}, true},
		{"serverless capacity", serverlessCluster(1), func(w *World) error {
			_, err := w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{Min: 0.5, Max: 32}, true)
			return err
		}, true},
		{"serverless capacity without ApplyImmediately", serverlessCluster(1), func(w *World) error {
			_, err := w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{Min: 0.5, Max: 32}, false)
			return err
		}, false},
		{"refused change", multiAZCluster(), func(w *World) error {
			if _, err := w.ModifyClusterClass(testRegion, "orders", "db.m6g.large"); err == nil {
				t.Error("a class without local storage was accepted")
			}
			return nil
		}, false},
		{"no change", multiAZCluster(), func(*World) error { return nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, test.database)
			changes := ClusterPendingChanges{EngineVersion: "16.2", BackupRetentionPeriod: 7, StorageType: "io2"}
			if err := w.DeferClusterChanges(testRegion, "orders", changes); err != nil {
				t.Fatal(err)
			}
			advance(w, time.Hour)
			if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.PendingChanges != changes || c.EngineVersion != "16.1" || c.StorageType == "io2" {
				t.Errorf("before the request: got cluster %+v", c)
			}
			if err := test.modify(w); err != nil {
				t.Fatal(err)
			}
			if _, upgraded := upgradedAt(t, w, "16.2", 3*time.Hour); upgraded != test.applied {
				t.Errorf("upgraded: %v, want %v", upgraded, test.applied)
			}
			c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
			if (c.PendingChanges == ClusterPendingChanges{}) != test.applied || (c.StorageType == "io2") != test.applied || c.Status != statusAvailable {
				t.Errorf("after the request: got cluster %+v", c)
			}
			upgrade := "maintenance: Database cluster engine version has been upgraded."
			if slices.Contains(eventMessages(w, "orders"), upgrade) != test.applied {
				t.Errorf("got events %q", eventMessages(w, "orders"))
			}
			if strings.HasPrefix(test.name, "class") && c.InstanceClass != "db.m6gd.xlarge" {
				t.Errorf("the class is %s, want db.m6gd.xlarge", c.InstanceClass)
			}
		})
	}
}

func TestDeferClusterChanges_AppliedInMaintenanceWindow(t *testing.T) {
	w := newWorld(t, func(s *Scenario) {
		s.Databases[0].DeferredChanges = []DeferredChange{{At: Instant{Offset: time.Hour}, ClusterPendingChanges: ClusterPendingChanges{EngineVersion: "16.2"}}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	advance(w, 2*time.Hour)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.PendingChanges.EngineVersion != "16.2" || c.EngineVersion != "16.1" {
		t.Errorf("got cluster %+v", c)
	}
	w.Advance(time.Date(2024, 2, 11, 1, 59, 0, 0, time.UTC)) // the window is sun:02:00-sun:02:30
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.EngineVersion != "16.1" {
		t.Errorf("before the window: got cluster %+v", c)
	}
	if after, upgraded := upgradedAt(t, w, "16.2", 30*time.Minute); !upgraded {
		t.Errorf("not upgraded %s after the window opened", after)
	}
}

func TestDeferClusterChanges_CancelsAndRefuses(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
	deferred := func(changes ClusterPendingChanges) error { return w.DeferClusterChanges(testRegion, "orders", changes) }
	if err := deferred(ClusterPendingChanges{EngineVersion: "16.2", StorageType: storageAuroraIOOptimized}); err != nil {
		t.Fatal(err)
	}
	if err := deferred(ClusterPendingChanges{EngineVersion: "16.1", StorageType: storageAuroraStandard}); err != nil {
		t.Fatal(err)
	}
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.PendingChanges != (ClusterPendingChanges{}) {
		t.Errorf("the current values do not cancel the pending ones: %+v", c.PendingChanges)
	}
	assertAPIError(t, deferred(ClusterPendingChanges{BackupRetentionPeriod: 36}), "InvalidParameterValue", 400, "between 0 and 35")
	assertAPIError(t, w.DeferClusterChanges(testRegion, "nobody", ClusterPendingChanges{}), "DBClusterNotFoundFault", 404, "")
	w.clusters[testRegion+"/orders"].Status = statusUpgrading
	assertAPIError(t, deferred(ClusterPendingChanges{EngineVersion: "16.2"}), "InvalidDBClusterStateFault", 400, "")
}

// A restart applies staged parameters, whoever causes it; nothing else does.
func TestSetParameterStatus_RestartApplies(t *testing.T) {
	for _, test := range []struct {
		name    string
		request func(w *World) error
		want    []string // the instances whose parameters are applied
	}{
		{"reboot", func(w *World) error { _, err := w.RebootInstance(testRegion, "orders-2", false); return err }, []string{"orders-2"}},
		{"class change", func(w *World) error {
			_, err := w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge"))
			return err
		}, []string{"orders-2"}},
		{"failover", func(w *World) error { _, err := w.FailoverCluster(testRegion, "orders", "orders-3"); return err }, []string{"orders-1", "orders-3"}},
		{"promotion tier", func(w *World) error {
			tier := 5
			_, err := w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{PromotionTier: &tier, ApplyImmediately: true})
			return err
		}, nil},
		{"new reader", func(w *World) error {
			_, err := w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-4", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"})
			return err
		}, nil},
		{"deletion of another reader", func(w *World) error { _, err := w.DeleteInstance(testRegion, "orders-3", true, ""); return err }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
			if err := w.SetClusterParameterStatus(testRegion, "orders", ParametersPendingReboot); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"orders-1", "orders-2", "orders-3"} {
				if err := w.SetParameterStatus(testRegion, id, ParametersPendingReboot); err != nil {
					t.Fatal(err)
				}
			}
			if err := test.request(w); err != nil {
				t.Fatal(err)
			}
			requestedAt := w.Now()
			advance(w, time.Hour)
			for _, i := range w.Instances(testRegion) {
				if i.Identifier == "orders-4" {
					continue
				}
				want := ParametersPendingReboot
				if slices.Contains(test.want, i.Identifier) {
					want = ParametersInSync
				}
				if i.ParameterStatus != want || i.ClusterParameterStatus != want || i.ParametersAppliedAt.After(requestedAt) != (want == ParametersInSync) {
					t.Errorf("%s: parameters are %s, those of the cluster %s, applied at %s; want %s", i.Identifier, i.ParameterStatus, i.ClusterParameterStatus,
						i.ParametersAppliedAt, want)
				}
			}
		})
	}
}

func TestStagedParameters_Scenario(t *testing.T) {
	w := newWorld(t, func(s *Scenario) {
		s.Databases[0].StagedParameters = []StagedParameters{{At: Instant{Offset: time.Minute}, Instance: "orders-2"}, {At: Instant{Offset: 2 * time.Minute}}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	advance(w, 3*time.Minute)
	writer, reader := must[*Instance](t)(w.Instance(testRegion, "orders-1")), must[*Instance](t)(w.Instance(testRegion, "orders-2"))
	if writer.ParameterStatus != "" || reader.ParameterStatus != ParametersPendingReboot || writer.ClusterParameterStatus != ParametersPendingReboot {
		t.Errorf("got writer %+v and reader %+v", writer, reader)
	}
	if err := w.SetParameterStatus(testRegion, "orders-1", "thawing"); err == nil {
		t.Error("an unknown status was accepted")
	}
}

func TestScenario_RefusesInvalidDeferredChanges(t *testing.T) {
	upgrade := DeferredChange{ClusterPendingChanges: ClusterPendingChanges{EngineVersion: "16.2"}}
	for _, test := range []struct {
		name, message string
		database      Database
		change        func(d *Database)
	}{
		{"deferred change of an instance", "deferredChanges[0]", standaloneInstance(1, "db.m6g.large", false), func(d *Database) { d.DeferredChanges = []DeferredChange{upgrade} }},
		{"no deferred change", "deferredChanges[1]", multiAZCluster(), func(d *Database) { d.DeferredChanges = []DeferredChange{upgrade, {}} }},
		{"parameters of an unknown instance", "stagedParameters[0]", multiAZCluster(), func(d *Database) { d.StagedParameters = []StagedParameters{{Instance: "ledger"}} }},
		{"cluster parameters of an instance", "stagedParameters[0]", standaloneInstance(1, "db.m6g.large", false), func(d *Database) { d.StagedParameters = []StagedParameters{{}} }},
	} {
		test.change(&test.database)
		s := Scenario{Start: metav1.NewTime(testStart), AccountID: testAccount, Databases: []Database{test.database}}
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.message)
		}
	}
}
