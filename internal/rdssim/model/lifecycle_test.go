package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestModifyReader: the change shows as pending while the status is still available, then it is prepared, interrupts and
// ends.
func TestModifyReader(t *testing.T) {
	for seed := range int64(5) {
		w := world(t, func(s *Scenario) { s.Seed = seed }, aurora(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
		answer := try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge")))
		if answer.Pending.Class != "db.r6g.xlarge" || answer.Status != available || answer.Class != "db.r6g.large" {
			t.Errorf("the answer is %+v", answer)
		}
		watch(t, w, "orders-2").want(t,
			chapter{"available db.r6g.large>db.r6g.xlarge", lagLeast, lagMost},
			chapter{"modifying db.r6g.large>db.r6g.xlarge", prepareLeast, prepareMost},
			chapter{"modifying db.r6g.large>db.r6g.xlarge out", outageLeast, outageMost},
			chapter{"modifying db.r6g.xlarge", tailLeast, tailMost},
			chapter{state: "available db.r6g.xlarge"},
		)
		want := []string{
			"configuration change: Applying modification to database instance class.",
			"availability: DB instance shutdown",
			"availability: DB instance restarted",
			"configuration change: Finished applying modification to DB instance class.",
		}
		if got := messages(w, "orders-2"); !slices.Equal(got, want) {
			t.Errorf("the events are %q, want %q", got, want)
		}
		if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Writer != "orders-1" || c.Status != available {
			t.Errorf("the cluster is %+v", c)
		}
	}
}

// TestOutages: how long a change interrupts depends on what is changed.
func TestOutages(t *testing.T) {
	for _, test := range []struct {
		name        string
		database    Database
		instance    string
		least, most time.Duration
	}{
		{"Aurora writer alone", aurora(1, 0, "db.r6g.large"), "orders-1", loneLeast, loneMost},
		{"Single-AZ", plain(1, "db.r6g.large", false), "ledger", singleLeast, singleMost},
		{"Multi-AZ", plain(1, "db.r6g.large", true), "ledger", outageLeast, outageMost},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world(t, nil, test.database)
			before := try[*Instance](t)(w.Instance(ireland, test.instance))
			try[*Instance](t)(w.ModifyInstance(ireland, test.instance, resize("db.r6g.xlarge")))
			watch(t, w, test.instance).want(t,
				chapter{"available db.r6g.large>db.r6g.xlarge", lagLeast, lagMost},
				chapter{"modifying db.r6g.large>db.r6g.xlarge", prepareLeast, prepareMost},
				chapter{"modifying db.r6g.large>db.r6g.xlarge out", test.least, test.most},
				chapter{"modifying db.r6g.xlarge", tailLeast, tailMost},
				chapter{state: "available db.r6g.xlarge"},
			)
			after := try[*Instance](t)(w.Instance(ireland, test.instance))
			if moved := before.AvailabilityZone != after.AvailabilityZone; moved != before.MultiAZ {
				t.Errorf("it was in %s and is in %s", before.AvailabilityZone, after.AvailabilityZone)
			}
			told := slices.Contains(messages(w, test.instance), "failover: Multi-AZ instance failover completed")
			if told != before.MultiAZ {
				t.Errorf("the events are %q", messages(w, test.instance))
			}
		})
	}
}

// TestModifyWriterFailsOver: a writer that is modified in place hands over to a reader and stays a reader.
func TestModifyWriterFailsOver(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge"))
	try[*Instance](t)(w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge")))
	watch(t, w, "orders-1").want(t,
		chapter{"available db.r6g.large>db.r6g.xlarge", lagLeast, lagMost},
		chapter{"modifying db.r6g.large>db.r6g.xlarge", prepareLeast, prepareMost},
		chapter{"modifying db.r6g.large>db.r6g.xlarge out", outageLeast, outageMost},
		chapter{"modifying db.r6g.xlarge", tailLeast, tailMost},
		chapter{state: "available db.r6g.xlarge"},
	)
	c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
	if c.Writer != "orders-3" || c.Status != available {
		t.Errorf("the writer is %s of a cluster that is %s, want the largest reader", c.Writer, c.Status)
	}
}

// TestPendingUntilTheWindow: without ApplyImmediately a change waits for the maintenance window, unless another change of
// the instance is applied before.
func TestPendingUntilTheWindow(t *testing.T) {
	larger, certificate := "db.r6g.xlarge", "rds-ca-ecc384-g1"
	prepare := func(t *testing.T) *World {
		t.Helper()
		d := aurora(1, 1, "db.r6g.large", "db.r6g.large") // the tests begin on a Monday at 08:00
		d.MaintenanceWindow = "mon:10:30-mon:11:00"
		w := world(t, nil, d)
		i := try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", Modify{Class: &larger, CACertificate: &certificate}))
		if i.Pending.Class != larger || i.Pending.CACertificate != certificate || i.CACertificate == certificate {
			t.Fatalf("it is %+v", i)
		}
		return w
	}
	at := func(w *World, clock string) *Instance {
		until, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		w.Advance(begin.Truncate(24 * time.Hour).Add(time.Duration(until.Hour())*time.Hour + time.Duration(until.Minute())*time.Minute))
		return try[*Instance](t)(w.Instance(ireland, "orders-2"))
	}
	t.Run("waits", func(t *testing.T) {
		w := prepare(t)
		if i := at(w, "10:29"); i.Status != available || i.Pending.Class != larger {
			t.Errorf("before the window it is %s, pending %+v", i.Status, i.Pending)
		}
		if i := at(w, "10:31"); i.Status != "modifying" || i.CACertificate != certificate {
			t.Errorf("in the window it is %s, with %s", i.Status, i.CACertificate)
		}
		if i := at(w, "11:00"); i.Status != available || i.Class != larger || i.Pending != (Pending{}) {
			t.Errorf("after the window it is %+v", i)
		}
	})
	t.Run("is applied with another", func(t *testing.T) {
		w := prepare(t)
		other := "rds-ca-rsa4096-g1"
		try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", Modify{CACertificate: &other, ApplyImmediately: true}))
		if i := at(w, "08:25"); i.Class != larger || i.CACertificate != other || i.Pending != (Pending{}) {
			t.Errorf("it is %+v", i)
		}
	})
	t.Run("is taken back", func(t *testing.T) {
		w := prepare(t)
		same := "db.r6g.large"
		i := try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", Modify{Class: &same}))
		if i.Pending.Class != "" {
			t.Errorf("pending is %+v", i.Pending)
		}
		if i := at(w, "11:00"); i.Status != available || i.Class != same {
			t.Errorf("it is %s and %s", i.Status, i.Class)
		}
	})
	t.Run("waits for the next window when the instance is busy", func(t *testing.T) {
		w := prepare(t)
		at(w, "10:29")
		pass(w, 40*time.Second)
		try[*Instance](t)(w.RebootInstance(ireland, "orders-2", false))
		if i := at(w, "11:30"); i.Class == larger || i.Pending.Class != larger {
			t.Errorf("it is %s, pending %+v", i.Class, i.Pending)
		}
		pass(w, 7*24*time.Hour)
		if i := try[*Instance](t)(w.Instance(ireland, "orders-2")); i.Class != larger {
			t.Errorf("a week later it is %s", i.Class)
		}
	})
}

func TestUntilWindow(t *testing.T) {
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
		if got := untilWindow(test.window, test.now); got != test.want {
			t.Errorf("%s is %s after %s, want %s", test.window, got, test.now, test.want)
		}
	}
	for window, want := range map[string]bool{
		"sat:23:45-sun:00:15": true, "sun:02:00-sun:02:29": false, "sun:2:00-sun:02:30": false, "sun:24:00-mon:00:30": false,
		"day:02:00-day:02:30": false, "": false,
	} {
		if got := validWindow(window); got != want {
			t.Errorf("validWindow(%q) is %t", window, got)
		}
	}
}

// TestMultiAZWithoutOutage: a standby comes and goes without an interruption.
func TestMultiAZWithoutOutage(t *testing.T) {
	w := world(t, nil, plain(1, "db.m6g.large", false))
	multi := true
	try[*Instance](t)(w.ModifyInstance(ireland, "ledger", Modify{MultiAZ: &multi, ApplyImmediately: true}))
	if got := watch(t, w, "ledger").String(); got != "available db.m6g.large; modifying db.m6g.large; available db.m6g.large" {
		t.Errorf("the story is %s", got)
	}
	if i := try[*Instance](t)(w.Instance(ireland, "ledger")); !i.MultiAZ || i.SecondaryZone == "" || i.SecondaryZone == i.AvailabilityZone {
		t.Errorf("it is %+v", i)
	}
}

// TestCreateAndDelete: the life of a reader.
func TestCreateAndDelete(t *testing.T) {
	for _, monitoring := range []int{0, 60} {
		w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
		tier := 15
		made := try[*Instance](t)(w.CreateInstance(ireland, Create{
			Identifier: "orders-new", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge", PromotionTier: &tier,
			MonitoringInterval: monitoring, Tags: map[string]string{"a": "b"},
		}))
		if !made.CreatedAt.IsZero() || made.PromotionTier != tier || made.AccountID != account || made.AvailabilityZone != "eu-west-1c" ||
			made.EngineVersion != "16.1" || made.Tags["a"] != "b" {
			t.Errorf("the answer is %+v", made)
		}
		want := []chapter{{"creating db.r6g.xlarge out", createLeast, createMost}}
		if monitoring > 0 {
			want = append(want, chapter{"configuring-enhanced-monitoring db.r6g.xlarge", monitorLeast, monitorMost})
		}
		watch(t, w, "orders-new").want(t, append(want, chapter{state: "available db.r6g.xlarge"})...)
		if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2 orders-new" {
			t.Errorf("the members are %v", c.Members)
		}
		if i := try[*Instance](t)(w.Instance(ireland, "orders-new")); !i.CreatedAt.After(begin.Add(createLeast)) {
			t.Errorf("it was created at %s", i.CreatedAt)
		}

		try[*Instance](t)(w.DeleteInstance(ireland, "orders-new", true, ""))
		watch(t, w, "orders-new").want(t, chapter{"deleting db.r6g.xlarge out", deleteLeast, deleteMost}, chapter{state: "gone"})
		if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); strings.Join(c.Members, " ") != "orders-1 orders-2" {
			t.Errorf("the members are %v", c.Members)
		}
		if got := messages(w, "orders-new"); !slices.Equal(got, []string{"creation: DB instance created", "deletion: DB instance deleted"}) {
			t.Errorf("the events are %q", got)
		}
	}
}

// TestReboot: an instance is out of service for a moment.
func TestReboot(t *testing.T) {
	w := world(t, nil, plain(1, "db.m6g.large", true))
	before := try[*Instance](t)(w.Instance(ireland, "ledger"))
	try[*Instance](t)(w.RebootInstance(ireland, "ledger", true))
	watch(t, w, "ledger").want(t,
		chapter{"rebooting db.m6g.large out", rebootLeast, rebootMost}, chapter{state: "available db.m6g.large"})
	want := []string{
		"availability: DB instance shutdown", "failover: Multi-AZ instance failover started",
		"availability: DB instance restarted", "failover: Multi-AZ instance failover completed",
	}
	if got := messages(w, "ledger"); !slices.Equal(got, want) {
		t.Errorf("the events are %q", got)
	}
	after := try[*Instance](t)(w.Instance(ireland, "ledger"))
	if after.AvailabilityZone != before.SecondaryZone || after.SecondaryZone != before.AvailabilityZone {
		t.Errorf("it was in %s and %s, and is in %s and %s", before.AvailabilityZone, before.SecondaryZone, after.AvailabilityZone, after.SecondaryZone)
	}
}

// TestUpgrade: every instance restarts, the version changes, and each query costs more from then on.
func TestUpgrade(t *testing.T) {
	d := aurora(0.5, 0.5, "db.r6g.large", "db.r6g.large")
	d.Upgrades = []Upgrade{
		{At: Moment{Offset: 16 * time.Minute}, EngineVersion: "16.2", CostFactor: 2},
		{At: Moment{Offset: time.Hour}, EngineVersion: "16.3", CostFactor: 0.5},
	}
	w := world(t, nil, d)
	w.Advance(begin.Add(16*time.Minute + time.Second))
	for _, i := range w.Instances(ireland) {
		if truth, _ := w.Truth(ireland, i.Identifier); i.Status != "upgrading" || truth.InService || i.EngineVersion != "16.1" {
			t.Errorf("%s is %s with %s, in service: %t", i.Identifier, i.Status, i.EngineVersion, truth.InService)
		}
	}
	if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Status != "upgrading" || c.EngineVersion != "16.1" {
		t.Errorf("the cluster is %s with %s", c.Status, c.EngineVersion)
	}
	for _, stage := range []struct {
		after   time.Duration
		version string
		demand  float64
	}{{30 * time.Minute, "16.2", 1}, {90 * time.Minute, "16.3", 0.5}} {
		w.Advance(begin.Add(stage.after))
		c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
		writer, readers, _ := w.Pools(ireland, "orders")
		if c.Status != available || c.EngineVersion != stage.version || writer.Demand != stage.demand || readers.Demand != stage.demand {
			t.Errorf("after %s the cluster is %s with %s, the demands are %g and %g", stage.after, c.Status, c.EngineVersion, writer.Demand, readers.Demand)
		}
		for _, i := range w.Instances(ireland) {
			if i.Status != available || i.EngineVersion != stage.version {
				t.Errorf("after %s %s is %s with %s", stage.after, i.Identifier, i.Status, i.EngineVersion)
			}
		}
	}
	if points := cpu(w, "orders-2"); points["08:10"] > 30 || points["08:30"] < 50 {
		t.Errorf("the CPU is %.0f %% before and %.0f %% after", points["08:10"], points["08:30"])
	}
}

// TestUpgradeWaits: people upgrade when nothing else is going on.
func TestUpgradeWaits(t *testing.T) {
	d := plain(0.5, "db.m6g.large", false)
	d.Upgrades = []Upgrade{{At: Moment{Time: begin.Add(time.Minute)}, EngineVersion: "16.2", CostFactor: 2}}
	w := world(t, nil, d)
	try[*Instance](t)(w.ModifyInstance(ireland, "ledger", resize("db.m6g.xlarge")))
	got := watch(t, w, "ledger").String()
	want := "modifying db.m6g.xlarge; available db.m6g.xlarge; upgrading db.m6g.xlarge out; upgrading db.m6g.xlarge; available db.m6g.xlarge"
	if !strings.HasSuffix(got, want) {
		t.Errorf("the story is %s", got)
	}
	if i := try[*Instance](t)(w.Instance(ireland, "ledger")); i.EngineVersion != "16.2" {
		t.Errorf("it has %s", i.EngineVersion)
	}
}

// TestDeletedInTheMiddle: whatever goes on with an instance ends with its deletion.
func TestDeletedInTheMiddle(t *testing.T) {
	for _, test := range []struct {
		name  string
		begin func(*World) error
		after time.Duration
	}{
		{"creating", func(w *World) error {
			_, err := w.CreateInstance(ireland, Create{Identifier: "orders-9", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"})
			return err
		}, time.Minute},
		{"about to be modified", func(w *World) error {
			_, err := w.ModifyInstance(ireland, "orders-9", resize("db.r6g.xlarge"))
			return err
		}, time.Second},
		{"modifying", func(w *World) error {
			_, err := w.ModifyInstance(ireland, "orders-9", resize("db.r6g.xlarge"))
			return err
		}, 3 * time.Minute},
		{"rebooting", func(w *World) error {
			_, err := w.RebootInstance(ireland, "orders-9", false)
			return err
		}, time.Second},
		{"being promoted", func(w *World) error {
			_, err := w.FailoverCluster(ireland, "orders", "orders-9")
			return err
		}, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := aurora(1, 1, "db.r6g.large", "db.r6g.large")
			if test.name != "creating" {
				d.Instances[1].Identifier = "orders-9"
			}
			w := world(t, nil, d)
			if err := test.begin(w); err != nil {
				t.Fatal(err)
			}
			pass(w, test.after)
			try[*Instance](t)(w.DeleteInstance(ireland, "orders-9", true, ""))
			if got := watch(t, w, "orders-9"); len(got.states) != 2 || !strings.HasPrefix(got.states[0], "deleting") || got.states[1] != "gone" {
				t.Errorf("the story is %s", got)
			}
			c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
			if truth, _ := w.Truth(ireland, "orders-1"); c.Status != available || c.Writer != "orders-1" || !truth.InService {
				t.Errorf("the cluster is %+v, its writer in service: %t", c, truth.InService)
			}
		})
	}
}

// TestSameSeedSameWorld: everything follows from the scenario.
func TestSameSeedSameWorld(t *testing.T) {
	play := func(seed int64) []string {
		w := world(t, func(s *Scenario) { s.Seed = seed }, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
		try[*Instance](t)(w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge")))
		pass(w, time.Hour)
		var out []string
		for _, e := range w.Events(ireland, begin, w.Now()) {
			out = append(out, e.At.String()+e.Message)
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
