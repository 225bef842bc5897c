package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestModifyInstance_ReaderPassesThroughAllStates: the change is pending while the status is still available; then come
// preparation, outage and completion.
func TestModifyInstance_ReaderPassesThroughAllStates(t *testing.T) {
	for seed := range int64(5) {
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
		response := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		if response.PendingChanges.Class != "db.r6g.xlarge" || response.Status != statusAvailable || response.Class != "db.r6g.large" {
			t.Errorf("got response %+v", response)
		}
		recordStates(t, w, "orders-2").assertStates(t,
			expectedState{"available db.r6g.large>db.r6g.xlarge", minAcceptDelay, maxAcceptDelay},
			expectedState{"modifying db.r6g.large>db.r6g.xlarge", minPrepareDuration, maxPrepareDuration},
			expectedState{"modifying db.r6g.large>db.r6g.xlarge out", minOutageDuration, maxOutageDuration},
			expectedState{"modifying db.r6g.xlarge", minFinalizeDuration, maxFinalizeDuration},
			expectedState{state: "available db.r6g.xlarge"},
		)
		want := []string{
			"configuration change: Applying modification to database instance class.",
			"availability: DB instance shutdown",
			"availability: DB instance restarted",
			"configuration change: Finished applying modification to DB instance class.",
		}
		if got := eventMessages(w, "orders-2"); !slices.Equal(got, want) {
			t.Errorf("got events %q, want %q", got, want)
		}
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != "orders-1" || c.Status != statusAvailable {
			t.Errorf("got cluster %+v", c)
		}
	}
}

// TestModifyInstance_OutageDependsOnTopology: the duration of the outage depends on the kind of instance.
func TestModifyInstance_OutageDependsOnTopology(t *testing.T) {
	for _, test := range []struct {
		name             string
		database         Database
		instance         string
		minimum, maximum time.Duration
	}{
		{"Aurora writer without readers", auroraCluster(1, 0, "db.r6g.large"), "orders-1", minLoneWriterOutageDuration, maxLoneWriterOutageDuration},
		{"Single-AZ", standaloneInstance(1, "db.r6g.large", false), "ledger", minSingleAZOutageDuration, maxSingleAZOutageDuration},
		{"Multi-AZ", standaloneInstance(1, "db.r6g.large", true), "ledger", minOutageDuration, maxOutageDuration},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, test.database)
			before := must[*Instance](t)(w.Instance(testRegion, test.instance))
			must[*Instance](t)(w.ModifyInstance(testRegion, test.instance, classChange("db.r6g.xlarge")))
			recordStates(t, w, test.instance).assertStates(t,
				expectedState{"available db.r6g.large>db.r6g.xlarge", minAcceptDelay, maxAcceptDelay},
				expectedState{"modifying db.r6g.large>db.r6g.xlarge", minPrepareDuration, maxPrepareDuration},
				expectedState{"modifying db.r6g.large>db.r6g.xlarge out", test.minimum, test.maximum},
				expectedState{"modifying db.r6g.xlarge", minFinalizeDuration, maxFinalizeDuration},
				expectedState{state: "available db.r6g.xlarge"},
			)
			after := must[*Instance](t)(w.Instance(testRegion, test.instance))
			if moved := before.AvailabilityZone != after.AvailabilityZone; moved != before.MultiAZ {
				t.Errorf("got zone %s before and %s after, want another zone only with Multi-AZ", before.AvailabilityZone, after.AvailabilityZone)
			}
			failedOver := slices.Contains(eventMessages(w, test.instance), "failover: Multi-AZ instance failover completed")
			if failedOver != before.MultiAZ {
				t.Errorf("got events %q", eventMessages(w, test.instance))
			}
		})
	}
}

// TestModifyInstance_WriterFailsOver: a writer that changes in place fails over to a reader, and remains a reader.
func TestModifyInstance_WriterFailsOver(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge"))
	must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")))
	recordStates(t, w, "orders-1").assertStates(t,
		expectedState{"available db.r6g.large>db.r6g.xlarge", minAcceptDelay, maxAcceptDelay},
		expectedState{"modifying db.r6g.large>db.r6g.xlarge", minPrepareDuration, maxPrepareDuration},
		expectedState{"modifying db.r6g.large>db.r6g.xlarge out", minOutageDuration, maxOutageDuration},
		expectedState{"modifying db.r6g.xlarge", minFinalizeDuration, maxFinalizeDuration},
		expectedState{state: "available db.r6g.xlarge"},
	)
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if c.Writer != "orders-3" || c.Status != statusAvailable {
		t.Errorf("got writer %s and cluster status %s, want the largest reader, available", c.Writer, c.Status)
	}
}

// TestModifyInstance_WaitsForMaintenanceWindow: without ApplyImmediately a change waits for the maintenance window, or until
// another change of the instance is applied.
func TestModifyInstance_WaitsForMaintenanceWindow(t *testing.T) {
	larger, certificate := "db.r6g.xlarge", "rds-ca-ecc384-g1"
	prepare := func(t *testing.T) *World {
		t.Helper()
		d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large") // the tests begin on a Monday at 08:00
		d.MaintenanceWindow = "mon:10:30-mon:11:00"
		w := newWorld(t, nil, d)
		i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &larger, CACertificate: &certificate}))
		if i.PendingChanges.Class != larger || i.PendingChanges.CACertificate != certificate || i.CACertificate == certificate {
			t.Fatalf("got instance %+v, want a pending class and certificate", i)
		}
		return w
	}
	at := func(w *World, clock string) *Instance {
		until, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		w.Advance(testStart.Truncate(24 * time.Hour).Add(time.Duration(until.Hour())*time.Hour + time.Duration(until.Minute())*time.Minute))
		return must[*Instance](t)(w.Instance(testRegion, "orders-2"))
	}
	t.Run("applied in the window", func(t *testing.T) {
		w := prepare(t)
		if i := at(w, "10:29"); i.Status != statusAvailable || i.PendingChanges.Class != larger {
			t.Errorf("before the window: got status %s, pending %+v", i.Status, i.PendingChanges)
		}
		if i := at(w, "10:31"); i.Status != "modifying" || i.CACertificate != certificate {
			t.Errorf("in the window: got status %s, certificate %s", i.Status, i.CACertificate)
		}
		if i := at(w, "11:00"); i.Status != statusAvailable || i.Class != larger || i.PendingChanges != (PendingChanges{}) {
			t.Errorf("after the window: got instance %+v", i)
		}
	})
	t.Run("applied with another change", func(t *testing.T) {
		w := prepare(t)
		other := "rds-ca-rsa4096-g1"
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{CACertificate: &other, ApplyImmediately: true}))
		if i := at(w, "08:25"); i.Class != larger || i.CACertificate != other || i.PendingChanges != (PendingChanges{}) {
			t.Errorf("got instance %+v", i)
		}
	})
	t.Run("cancelled by requesting the current class", func(t *testing.T) {
		w := prepare(t)
		same := "db.r6g.large"
		i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &same}))
		if i.PendingChanges.Class != "" {
			t.Errorf("got pending %+v, want none", i.PendingChanges)
		}
		if i := at(w, "11:00"); i.Status != statusAvailable || i.Class != same {
			t.Errorf("got status %s and class %s", i.Status, i.Class)
		}
	})
	t.Run("waits for the next window if the instance is busy", func(t *testing.T) {
		w := prepare(t)
		at(w, "10:29")
		advance(w, 40*time.Second)
		must[*Instance](t)(w.RebootInstance(testRegion, "orders-2", false))
		if i := at(w, "11:30"); i.Class == larger || i.PendingChanges.Class != larger {
			t.Errorf("got class %s, pending %+v, want the change still pending", i.Class, i.PendingChanges)
		}
		advance(w, 7*24*time.Hour)
		if i := must[*Instance](t)(w.Instance(testRegion, "orders-2")); i.Class != larger {
			t.Errorf("a week later: got class %s", i.Class)
		}
	})
}

func TestUntilNextWindow(t *testing.T) {
	monday := func(clock string) time.Time {
		at, err := time.Parse("2006-01-02 15:04:05", "2024-02-05 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct {
		window string
		now    time.Time
		want   time.Duration
	}{
		{"mon:10:30-mon:11:00", monday("10:29:30"), 30 * time.Second},
		{"mon:10:30-mon:11:00", monday("10:30:00"), week},
		{"tue:00:00-tue:00:30", monday("23:00:00"), time.Hour},
		{"sun:02:00-sun:02:30", monday("02:00:00"), 6 * 24 * time.Hour},
	} {
		if got := untilNextWindow(test.window, test.now); got != test.want {
			t.Errorf("%s opens %s after %s, want %s", test.window, got, test.now, test.want)
		}
	}
	for window, want := range map[string]bool{
		"sat:23:45-sun:00:15": true, "sun:02:00-sun:02:29": false, "sun:2:00-sun:02:30": false, "sun:24:00-mon:00:30": false,
		"day:02:00-day:02:30": false, "": false,
	} {
		if got := isValidMaintenanceWindow(window); got != want {
			t.Errorf("isValidMaintenanceWindow(%q): got %t", window, got)
		}
	}
}

// TestModifyInstance_AddsStandbyWithoutOutage: adding a standby has no outage.
func TestModifyInstance_AddsStandbyWithoutOutage(t *testing.T) {
	w := newWorld(t, nil, standaloneInstance(1, "db.m6g.large", false))
	multi := true
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", ModifyInstanceRequest{MultiAZ: &multi, ApplyImmediately: true}))
	if got := recordStates(t, w, "ledger").String(); got != "available db.m6g.large; modifying db.m6g.large; available db.m6g.large" {
		t.Errorf("got states %s", got)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); !i.MultiAZ || i.SecondaryAvailabilityZone == "" || i.SecondaryAvailabilityZone == i.AvailabilityZone {
		t.Errorf("got instance %+v, want a standby in another zone", i)
	}
}

// TestCreateAndDeleteInstance: the states of a reader from creation to deletion.
func TestCreateAndDeleteInstance(t *testing.T) {
	for _, monitoring := range []int{0, 60} {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		tier := 15
		created := must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{
			Identifier: "orders-new", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge", PromotionTier: &tier,
			MonitoringInterval: monitoring, Tags: map[string]string{"a": "b"},
		}))
		if !created.CreatedAt.IsZero() || created.PromotionTier != tier || created.AccountID != testAccount || created.AvailabilityZone != "eu-west-1c" ||
			created.EngineVersion != "16.1" || created.Tags["a"] != "b" {
			t.Errorf("got response %+v", created)
		}
		want := []expectedState{{"creating db.r6g.xlarge out", defaultMinCreateDuration, defaultMaxCreateDuration}}
		if monitoring > 0 {
			want = append(want, expectedState{"configuring-enhanced-monitoring db.r6g.xlarge", minMonitoringSetupDuration, maxMonitoringSetupDuration})
		}
		recordStates(t, w, "orders-new").assertStates(t, append(want, expectedState{state: "available db.r6g.xlarge"})...)
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2 orders-new" {
			t.Errorf("got members %v", c.Members)
		}
		if i := must[*Instance](t)(w.Instance(testRegion, "orders-new")); !i.CreatedAt.After(testStart.Add(defaultMinCreateDuration)) {
			t.Errorf("got creation time %s", i.CreatedAt)
		}

		must[*Instance](t)(w.DeleteInstance(testRegion, "orders-new", true, ""))
		recordStates(t, w, "orders-new").assertStates(t, expectedState{"deleting db.r6g.xlarge out", minDeleteDuration, maxDeleteDuration}, expectedState{state: "gone"})
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2" {
			t.Errorf("got members %v", c.Members)
		}
		if got := eventMessages(w, "orders-new"); !slices.Equal(got, []string{
			"creation: DB instance created", "notification: Cluster topology is updated.", "deletion: DB instance deleted",
		}) {
			t.Errorf("got events %q", got)
		}
	}
}

// TestRebootInstance_ForcedFailoverSwapsZones: a reboot has an outage, and with ForceFailover the two zones swap.
func TestRebootInstance_ForcedFailoverSwapsZones(t *testing.T) {
	w := newWorld(t, nil, standaloneInstance(1, "db.m6g.large", true))
	before := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", true))
	recordStates(t, w, "ledger").assertStates(t,
		expectedState{"rebooting db.m6g.large out", minRebootDuration, maxRebootDuration}, expectedState{state: "available db.m6g.large"})
	want := []string{
		"availability: DB instance shutdown", "failover: Multi-AZ instance failover started",
		"availability: DB instance restarted", "failover: Multi-AZ instance failover completed",
	}
	if got := eventMessages(w, "ledger"); !slices.Equal(got, want) {
		t.Errorf("got events %q", got)
	}
	after := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	if after.AvailabilityZone != before.SecondaryAvailabilityZone || after.SecondaryAvailabilityZone != before.AvailabilityZone {
		t.Errorf("got zones %s and %s before, %s and %s after, want them swapped",
			before.AvailabilityZone, before.SecondaryAvailabilityZone, after.AvailabilityZone, after.SecondaryAvailabilityZone)
	}
}

// TestUpgrade_RestartsAndChangesCost: every instance restarts, the version changes, and the demand changes by the cost factor.
func TestUpgrade_RestartsAndChangesCost(t *testing.T) {
	d := auroraCluster(0.5, 0.5, "db.r6g.large", "db.r6g.large")
	d.Upgrades = []EngineUpgrade{
		{At: Instant{Offset: 16 * time.Minute}, EngineVersion: "16.2", CostFactor: 2},
		{At: Instant{Offset: time.Hour}, EngineVersion: "16.3", CostFactor: 0.5},
	}
	w := newWorld(t, nil, d)
	w.Advance(testStart.Add(16*time.Minute + time.Second))
	for _, i := range w.Instances(testRegion) {
		if actual, _ := w.GroundTruth(testRegion, i.Identifier); i.Status != "upgrading" || actual.InService || i.EngineVersion != "16.1" {
			t.Errorf("%s: got status %s, version %s, in service %t", i.Identifier, i.Status, i.EngineVersion, actual.InService)
		}
	}
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Status != "upgrading" || c.EngineVersion != "16.1" {
		t.Errorf("got cluster status %s, version %s", c.Status, c.EngineVersion)
	}
	for _, stage := range []struct {
		after   time.Duration
		version string
		demand  float64
	}{{30 * time.Minute, "16.2", 1}, {90 * time.Minute, "16.3", 0.5}} {
		w.Advance(testStart.Add(stage.after))
		c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
		writer, readers, _ := w.PoolGroundTruth(testRegion, "orders")
		if c.Status != statusAvailable || c.EngineVersion != stage.version || writer.DemandVCPUs != stage.demand || readers.DemandVCPUs != stage.demand {
			t.Errorf("after %s: got cluster status %s, version %s, demands %g and %g",
				stage.after, c.Status, c.EngineVersion, writer.DemandVCPUs, readers.DemandVCPUs)
		}
		for _, i := range w.Instances(testRegion) {
			if i.Status != statusAvailable || i.EngineVersion != stage.version {
				t.Errorf("after %s: got %s with status %s, version %s", stage.after, i.Identifier, i.Status, i.EngineVersion)
			}
		}
	}
	if points := cpuByMinute(w, "orders-2"); points["08:10"] > 30 || points["08:30"] < 50 {
		t.Errorf("got CPU %.0f %% before and %.0f %% after the upgrade", points["08:10"], points["08:30"])
	}
}

// TestUpgrade_WaitsUntilAvailable: an upgrade begins when no other change is in progress.
func TestUpgrade_WaitsUntilAvailable(t *testing.T) {
	d := standaloneInstance(0.5, "db.m6g.large", false)
	d.Upgrades = []EngineUpgrade{{At: Instant{Time: testStart.Add(time.Minute)}, EngineVersion: "16.2", CostFactor: 2}}
	w := newWorld(t, nil, d)
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	got := recordStates(t, w, "ledger").String()
	want := "modifying db.m6g.xlarge; available db.m6g.xlarge; upgrading db.m6g.xlarge out; upgrading db.m6g.xlarge; available db.m6g.xlarge"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got states %s", got)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.EngineVersion != "16.2" {
		t.Errorf("got version %s", i.EngineVersion)
	}
}

// TestDeleteInstance_EndsOngoingChange: a deletion ends any change that is in progress.
func TestDeleteInstance_EndsOngoingChange(t *testing.T) {
	for _, test := range []struct {
		name  string
		begin func(*World) error
		after time.Duration
	}{
		{"creating", func(w *World) error {
			_, err := w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-9", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"})
			return err
		}, time.Minute},
		{"about to be modified", func(w *World) error {
			_, err := w.ModifyInstance(testRegion, "orders-9", classChange("db.r6g.xlarge"))
			return err
		}, time.Second},
		{"modifying", func(w *World) error {
			_, err := w.ModifyInstance(testRegion, "orders-9", classChange("db.r6g.xlarge"))
			return err
		}, 3 * time.Minute},
		{"rebooting", func(w *World) error {
			_, err := w.RebootInstance(testRegion, "orders-9", false)
			return err
		}, time.Second},
		{"being promoted", func(w *World) error {
			_, err := w.FailoverCluster(testRegion, "orders", "orders-9")
			return err
		}, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large")
			if test.name != "creating" {
				d.Instances[1].Identifier = "orders-9"
			}
			w := newWorld(t, nil, d)
			if err := test.begin(w); err != nil {
				t.Fatal(err)
			}
			advance(w, test.after)
			must[*Instance](t)(w.DeleteInstance(testRegion, "orders-9", true, ""))
			if got := recordStates(t, w, "orders-9"); len(got.states) != 2 || !strings.HasPrefix(got.states[0], "deleting") || got.states[1] != "gone" {
				t.Errorf("got states %s", got)
			}
			c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
			if actual, _ := w.GroundTruth(testRegion, "orders-1"); c.Status != statusAvailable || c.Writer != "orders-1" || !actual.InService {
				t.Errorf("got cluster %+v, writer in service %t", c, actual.InService)
			}
		})
	}
}

// TestNew_SameSeedGivesSameEvents: the events depend only on the scenario and the requests.
func TestNew_SameSeedGivesSameEvents(t *testing.T) {
	run := func(seed int64) []string {
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")))
		advance(w, time.Hour)
		var out []string
		for _, e := range w.Events(testRegion, testStart, w.Now()) {
			out = append(out, e.Time.String()+e.Message)
		}
		return out
	}
	if a, b := run(3), run(3); !slices.Equal(a, b) {
		t.Errorf("the same seed gives %q and %q", a, b)
	}
	if a, b := run(3), run(4); slices.Equal(a, b) {
		t.Error("two seeds give the same events")
	}
}
