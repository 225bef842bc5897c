package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestModifyInstance_ReaderPassesThroughAllStates: the change shows as pending while the status is still available, then it is prepared, interrupts and
// ends.
func TestModifyInstance_ReaderPassesThroughAllStates(t *testing.T) {
	for seed := range int64(5) {
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
		answer := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		if answer.PendingChanges.Class != "db.r6g.xlarge" || answer.Status != statusAvailable || answer.Class != "db.r6g.large" {
			t.Errorf("the answer is %+v", answer)
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
			t.Errorf("the events are %q, want %q", got, want)
		}
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != "orders-1" || c.Status != statusAvailable {
			t.Errorf("the cluster is %+v", c)
		}
	}
}

// TestModifyInstance_OutageDependsOnTopology: how long a change interrupts depends on what is changed.
func TestModifyInstance_OutageDependsOnTopology(t *testing.T) {
	for _, test := range []struct {
		name        string
		database    Database
		instance    string
		least, most time.Duration
	}{
		{"Aurora writer alone", auroraCluster(1, 0, "db.r6g.large"), "orders-1", minLoneWriterOutageDuration, maxLoneWriterOutageDuration},
		{"Single-AZ", plainInstance(1, "db.r6g.large", false), "ledger", minSingleAZOutageDuration, maxSingleAZOutageDuration},
		{"Multi-AZ", plainInstance(1, "db.r6g.large", true), "ledger", minOutageDuration, maxOutageDuration},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, test.database)
			before := must[*Instance](t)(w.Instance(testRegion, test.instance))
			must[*Instance](t)(w.ModifyInstance(testRegion, test.instance, classChange("db.r6g.xlarge")))
			recordStates(t, w, test.instance).assertStates(t,
				expectedState{"available db.r6g.large>db.r6g.xlarge", minAcceptDelay, maxAcceptDelay},
				expectedState{"modifying db.r6g.large>db.r6g.xlarge", minPrepareDuration, maxPrepareDuration},
				expectedState{"modifying db.r6g.large>db.r6g.xlarge out", test.least, test.most},
				expectedState{"modifying db.r6g.xlarge", minFinalizeDuration, maxFinalizeDuration},
				expectedState{state: "available db.r6g.xlarge"},
			)
			after := must[*Instance](t)(w.Instance(testRegion, test.instance))
			if moved := before.AvailabilityZone != after.AvailabilityZone; moved != before.MultiAZ {
				t.Errorf("it was in %s and is in %s", before.AvailabilityZone, after.AvailabilityZone)
			}
			told := slices.Contains(eventMessages(w, test.instance), "failover: Multi-AZ instance failover completed")
			if told != before.MultiAZ {
				t.Errorf("the events are %q", eventMessages(w, test.instance))
			}
		})
	}
}

// TestModifyInstance_WriterFailsOver: a writer that is modified in place hands over to a reader and stays a reader.
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
		t.Errorf("the writer is %s of a cluster that is %s, want the largest reader", c.Writer, c.Status)
	}
}

// TestModifyInstance_WaitsForMaintenanceWindow: without ApplyImmediately a change waits for the maintenance window, unless another change of
// the instance is applied before.
func TestModifyInstance_WaitsForMaintenanceWindow(t *testing.T) {
	larger, certificate := "db.r6g.xlarge", "rds-ca-ecc384-g1"
	prepare := func(t *testing.T) *World {
		t.Helper()
		d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large") // the tests begin on a Monday at 08:00
		d.MaintenanceWindow = "mon:10:30-mon:11:00"
		w := newWorld(t, nil, d)
		i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &larger, CACertificate: &certificate}))
		if i.PendingChanges.Class != larger || i.PendingChanges.CACertificate != certificate || i.CACertificate == certificate {
			t.Fatalf("it is %+v", i)
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
	t.Run("waits", func(t *testing.T) {
		w := prepare(t)
		if i := at(w, "10:29"); i.Status != statusAvailable || i.PendingChanges.Class != larger {
			t.Errorf("before the window it is %s, pending %+v", i.Status, i.PendingChanges)
		}
		if i := at(w, "10:31"); i.Status != "modifying" || i.CACertificate != certificate {
			t.Errorf("in the window it is %s, with %s", i.Status, i.CACertificate)
		}
		if i := at(w, "11:00"); i.Status != statusAvailable || i.Class != larger || i.PendingChanges != (PendingChanges{}) {
			t.Errorf("after the window it is %+v", i)
		}
	})
	t.Run("is applied with another", func(t *testing.T) {
		w := prepare(t)
		other := "rds-ca-rsa4096-g1"
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{CACertificate: &other, ApplyImmediately: true}))
		if i := at(w, "08:25"); i.Class != larger || i.CACertificate != other || i.PendingChanges != (PendingChanges{}) {
			t.Errorf("it is %+v", i)
		}
	})
	t.Run("is taken back", func(t *testing.T) {
		w := prepare(t)
		same := "db.r6g.large"
		i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &same}))
		if i.PendingChanges.Class != "" {
			t.Errorf("pending is %+v", i.PendingChanges)
		}
		if i := at(w, "11:00"); i.Status != statusAvailable || i.Class != same {
			t.Errorf("it is %s and %s", i.Status, i.Class)
		}
	})
	t.Run("waits for the next window when the instance is busy", func(t *testing.T) {
		w := prepare(t)
		at(w, "10:29")
		advance(w, 40*time.Second)
		must[*Instance](t)(w.RebootInstance(testRegion, "orders-2", false))
		if i := at(w, "11:30"); i.Class == larger || i.PendingChanges.Class != larger {
			t.Errorf("it is %s, pending %+v", i.Class, i.PendingChanges)
		}
		advance(w, 7*24*time.Hour)
		if i := must[*Instance](t)(w.Instance(testRegion, "orders-2")); i.Class != larger {
			t.Errorf("a week later it is %s", i.Class)
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
			t.Errorf("%s is %s after %s, want %s", test.window, got, test.now, test.want)
		}
	}
	for window, want := range map[string]bool{
		"sat:23:45-sun:00:15": true, "sun:02:00-sun:02:29": false, "sun:2:00-sun:02:30": false, "sun:24:00-mon:00:30": false,
		"day:02:00-day:02:30": false, "": false,
	} {
		if got := isValidMaintenanceWindow(window); got != want {
			t.Errorf("validWindow(%q) is %t", window, got)
		}
	}
}

// TestModifyInstance_AddsStandbyWithoutOutage: a standby comes and goes without an interruption.
func TestModifyInstance_AddsStandbyWithoutOutage(t *testing.T) {
	w := newWorld(t, nil, plainInstance(1, "db.m6g.large", false))
	multi := true
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", ModifyInstanceRequest{MultiAZ: &multi, ApplyImmediately: true}))
	if got := recordStates(t, w, "ledger").String(); got != "available db.m6g.large; modifying db.m6g.large; available db.m6g.large" {
		t.Errorf("the story is %s", got)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); !i.MultiAZ || i.SecondaryAvailabilityZone == "" || i.SecondaryAvailabilityZone == i.AvailabilityZone {
		t.Errorf("it is %+v", i)
	}
}

// TestCreateAndDeleteInstance: the life of a reader.
func TestCreateAndDeleteInstance(t *testing.T) {
	for _, monitoring := range []int{0, 60} {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		tier := 15
		made := must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{
			Identifier: "orders-new", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge", PromotionTier: &tier,
			MonitoringInterval: monitoring, Tags: map[string]string{"a": "b"},
		}))
		if !made.CreatedAt.IsZero() || made.PromotionTier != tier || made.AccountID != testAccount || made.AvailabilityZone != "eu-west-1c" ||
			made.EngineVersion != "16.1" || made.Tags["a"] != "b" {
			t.Errorf("the answer is %+v", made)
		}
		want := []expectedState{{"creating db.r6g.xlarge out", defaultMinCreateDuration, defaultMaxCreateDuration}}
		if monitoring > 0 {
			want = append(want, expectedState{"configuring-enhanced-monitoring db.r6g.xlarge", minMonitoringSetupDuration, maxMonitoringSetupDuration})
		}
		recordStates(t, w, "orders-new").assertStates(t, append(want, expectedState{state: "available db.r6g.xlarge"})...)
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2 orders-new" {
			t.Errorf("the members are %v", c.Members)
		}
		if i := must[*Instance](t)(w.Instance(testRegion, "orders-new")); !i.CreatedAt.After(testStart.Add(defaultMinCreateDuration)) {
			t.Errorf("it was created at %s", i.CreatedAt)
		}

		must[*Instance](t)(w.DeleteInstance(testRegion, "orders-new", true, ""))
		recordStates(t, w, "orders-new").assertStates(t, expectedState{"deleting db.r6g.xlarge out", minDeleteDuration, maxDeleteDuration}, expectedState{state: "gone"})
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2" {
			t.Errorf("the members are %v", c.Members)
		}
		if got := eventMessages(w, "orders-new"); !slices.Equal(got, []string{"creation: DB instance created", "deletion: DB instance deleted"}) {
			t.Errorf("the events are %q", got)
		}
	}
}

// TestRebootInstance_ForcedFailoverSwapsZones: an instance is out of service for a moment.
func TestRebootInstance_ForcedFailoverSwapsZones(t *testing.T) {
	w := newWorld(t, nil, plainInstance(1, "db.m6g.large", true))
	before := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", true))
	recordStates(t, w, "ledger").assertStates(t,
		expectedState{"rebooting db.m6g.large out", minRebootDuration, maxRebootDuration}, expectedState{state: "available db.m6g.large"})
	want := []string{
		"availability: DB instance shutdown", "failover: Multi-AZ instance failover started",
		"availability: DB instance restarted", "failover: Multi-AZ instance failover completed",
	}
	if got := eventMessages(w, "ledger"); !slices.Equal(got, want) {
		t.Errorf("the events are %q", got)
	}
	after := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	if after.AvailabilityZone != before.SecondaryAvailabilityZone || after.SecondaryAvailabilityZone != before.AvailabilityZone {
		t.Errorf("it was in %s and %s, and is in %s and %s", before.AvailabilityZone, before.SecondaryAvailabilityZone, after.AvailabilityZone, after.SecondaryAvailabilityZone)
	}
}

// TestUpgrade_RestartsAndChangesCost: every instance restarts, the version changes, and each query costs more from then on.
func TestUpgrade_RestartsAndChangesCost(t *testing.T) {
	d := auroraCluster(0.5, 0.5, "db.r6g.large", "db.r6g.large")
	d.Upgrades = []EngineUpgrade{
		{At: Instant{Offset: 16 * time.Minute}, EngineVersion: "16.2", CostFactor: 2},
		{At: Instant{Offset: time.Hour}, EngineVersion: "16.3", CostFactor: 0.5},
	}
	w := newWorld(t, nil, d)
	w.Advance(testStart.Add(16*time.Minute + time.Second))
	for _, i := range w.Instances(testRegion) {
		if truth, _ := w.GroundTruth(testRegion, i.Identifier); i.Status != "upgrading" || truth.InService || i.EngineVersion != "16.1" {
			t.Errorf("%s is %s with %s, in service: %t", i.Identifier, i.Status, i.EngineVersion, truth.InService)
		}
	}
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Status != "upgrading" || c.EngineVersion != "16.1" {
		t.Errorf("the cluster is %s with %s", c.Status, c.EngineVersion)
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
			t.Errorf("after %s the cluster is %s with %s, the demands are %g and %g", stage.after, c.Status, c.EngineVersion, writer.DemandVCPUs, readers.DemandVCPUs)
		}
		for _, i := range w.Instances(testRegion) {
			if i.Status != statusAvailable || i.EngineVersion != stage.version {
				t.Errorf("after %s %s is %s with %s", stage.after, i.Identifier, i.Status, i.EngineVersion)
			}
		}
	}
	if points := cpuByMinute(w, "orders-2"); points["08:10"] > 30 || points["08:30"] < 50 {
		t.Errorf("the CPU is %.0f %% before and %.0f %% after", points["08:10"], points["08:30"])
	}
}

// TestUpgrade_WaitsUntilAvailable: people upgrade when nothing else is going on.
func TestUpgrade_WaitsUntilAvailable(t *testing.T) {
	d := plainInstance(0.5, "db.m6g.large", false)
	d.Upgrades = []EngineUpgrade{{At: Instant{Time: testStart.Add(time.Minute)}, EngineVersion: "16.2", CostFactor: 2}}
	w := newWorld(t, nil, d)
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	got := recordStates(t, w, "ledger").String()
	want := "modifying db.m6g.xlarge; available db.m6g.xlarge; upgrading db.m6g.xlarge out; upgrading db.m6g.xlarge; available db.m6g.xlarge"
	if !strings.HasSuffix(got, want) {
		t.Errorf("the story is %s", got)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.EngineVersion != "16.2" {
		t.Errorf("it has %s", i.EngineVersion)
	}
}

// TestDeleteInstance_EndsOngoingChange: whatever goes on with an instance ends with its deletion.
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
				t.Errorf("the story is %s", got)
			}
			c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
			if truth, _ := w.GroundTruth(testRegion, "orders-1"); c.Status != statusAvailable || c.Writer != "orders-1" || !truth.InService {
				t.Errorf("the cluster is %+v, its writer in service: %t", c, truth.InService)
			}
		})
	}
}

// TestNew_SameSeedGivesSameEvents: everything follows from the scenario.
func TestNew_SameSeedGivesSameEvents(t *testing.T) {
	play := func(seed int64) []string {
		w := newWorld(t, func(s *Scenario) { s.Seed = seed }, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")))
		advance(w, time.Hour)
		var out []string
		for _, e := range w.Events(testRegion, testStart, w.Now()) {
			out = append(out, e.Time.String()+e.Message)
		}
		return out
	}
	if a, b := play(3), play(3); !slices.Equal(a, b) {
		t.Errorf("one seed gives %q and %q", a, b)
	}
	if a, b := play(3), play(4); slices.Equal(a, b) {
		t.Error("two seeds give the same")
	}
}
