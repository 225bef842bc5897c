package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fullScenario is a scenario with every kind of field.
const fullScenario = `
start: "2024-02-05T08:00:00Z"
seed: 7
accountID: "123456789012"
publishDelay: 75s
refuseAfterAvailable: 10s
databases:
- identifier: orders
  region: eu-west-1
  accountID: "210987654321"
  engine: aurora-mysql
  engineVersion: "8.0.mysql_aurora.3.05.2"
  performanceInsights: true
  deletionProtection: true
  maintenanceWindow: tue:03:00-tue:04:00
  backupWindow: 04:30-05:00
  storageType: aurora-iopt1
  maintenance: [{instance: orders-1, action: system-update, from: 1h, until: 2h, autoAppliedAfterDate: 3h, forcedApplyDate: 72h, optInStatus: next-maintenance}]
  tags: {a: b}
  instances:
  - {identifier: orders-1, class: db.r6g.large, promotionTier: 0, tags: {c: d}}
  - {identifier: orders-2, class: db.r6g.xlarge}
  upgrades: [{at: 1h, engineVersion: "8.0.mysql_aurora.3.06.0", costFactor: 1.5}]
  load:
    writer: {noisePercent: 5, points: [{at: 0h, vcpus: 1}, {at: "2024-02-05T09:00:00Z", vcpus: 2}]}
    readers: {recording: {file: FILE, class: db.r5.xlarge, scale: 0.5, from: 5m}, multipliers: [{from: 30m, factor: 2}]}
- {identifier: ledger, region: eu-west-1, engine: mysql, engineVersion: "8.0.35", class: db.m6g.large, multiAZ: true, backups: true, load: {writer: {points: [{at: 0s, vcpus: 1}]}}}
unorderableClasses: [{region: eu-west-1, class: db.r6g.2xlarge, from: 10m, until: 20m}]
capacityShortages: [{class: db.r6g.xlarge, zones: [eu-west-1a], from: 10m, until: 20m}]
metricGaps: [{region: eu-west-1, instance: orders-1, from: 10m, until: 20m}]
`

const recordingCSV = "timestamp,value\n2014-04-10 00:02:00,10\n2014-04-10 00:07:00,20\n2014-04-10T00:12:00Z,40\n"

// TestLoadScenario loads a scenario and a recording in the same directory.
func TestLoadScenario(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("load.csv", recordingCSV)
	s := must[Scenario](t)(LoadScenario(write("full.yaml", strings.Replace(fullScenario, "FILE", "load.csv", 1))))
	w := must[*World](t)(New(s))
	c := w.Clusters(testRegion)
	if len(c) != 1 || c[0].AccountID != "210987654321" || c[0].Writer != "orders-1" || !c[0].DeletionProtection || c[0].Tags["a"] != "b" ||
		c[0].StorageType != "aurora-iopt1" || c[0].BackupWindow != "04:30-05:00" {
		t.Errorf("got clusters %+v", c)
	}
	i := w.Instances(testRegion)
	if len(i) != 3 || i[0].Identifier != "ledger" || !i[0].MultiAZ || i[0].SecondaryAvailabilityZone == i[0].AvailabilityZone || i[1].PromotionTier != 0 ||
		i[2].PromotionTier != 1 || i[1].MaintenanceWindow != "tue:03:00-tue:04:00" || i[1].Tags["c"] != "d" || i[0].AccountID != testAccount {
		t.Errorf("got instances %+v", i)
	}
	// The recording begins at 00:02. The scenario begins 5 minutes into it, at 20 % of 4 vCPUs, times 0.5.
	for _, test := range []struct{ at, want float64 }{{0.2, 0.4}, {2.5, 0.6}, {5, 0.8}, {29, 0.8}, {30, 1.6}} {
		w.Advance(testStart.Add(time.Duration(test.at * float64(time.Minute))))
		if _, readers, _ := w.PoolGroundTruth(testRegion, "orders"); readers.DemandVCPUs < test.want-0.02 || readers.DemandVCPUs > test.want+0.02 {
			t.Errorf("after %g minutes: got reader demand %g, want %g", test.at, readers.DemandVCPUs, test.want)
		}
	}

	for name, test := range map[string]struct{ rows, message string }{
		"columns":   {"time,value\n", "load.csv: line 1: want the columns timestamp,value"},
		"empty":     {"", "load.csv: line 1: want the columns"},
		"no rows":   {"timestamp,value\n", "load.csv: the recording ends before from: 5m0s"},
		"too short": {"timestamp,value\n2014-04-10 00:02:00,10\n2014-04-10 00:06:00,10\n", "load.csv: the recording ends before from"},
		"time":      {recordingCSV + "yesterday,1\n", `load.csv: line 5: "yesterday" is not a time such as 2006-01-02 15:04:05`},
		"order":     {recordingCSV + "2014-04-10 00:12:00,1\n", "load.csv: line 5: 2014-04-10 00:12:00 is not after"},
		"number":    {recordingCSV + "2014-04-10 00:17:00,x\n", `load.csv: line 5: "x" is not a number`},
		"negative":  {recordingCSV + "\n2014-04-10 00:17:00,-1\n", `load.csv: line 6: "-1" is not a number`},
		"NaN":       {recordingCSV + "2014-04-10 00:17:00,NaN\n", `load.csv: line 5: "NaN" is not a number`},
		"fields":    {recordingCSV + "2014-04-10 00:17:00\n", "load.csv: record on line 5: wrong number of fields"},
	} {
		write("load.csv", test.rows)
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), `database "orders": load.readers`) {
			t.Errorf("%s: the error is %v, want it to contain %q", name, err, test.message)
		}
	}
	if err := os.Remove(filepath.Join(dir, "load.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(s); err == nil || !strings.Contains(err.Error(), "load.csv") {
		t.Errorf("without the file the error is %v", err)
	}
	if _, err := LoadScenario(filepath.Join(dir, "absent.yaml")); !os.IsNotExist(err) {
		t.Errorf("got error %v", err)
	}
	if _, err := LoadScenario(write("broken.yaml", "starts: now\n")); err == nil || !strings.Contains(err.Error(), "broken.yaml: ") {
		t.Errorf("got error %v", err)
	}
}

// TestRecording_ScalesCounts: the demand is the count times the scale.
func TestRecording_ScalesCounts(t *testing.T) {
	r := Recording{Scale: 0.02}
	points, err := r.parse(strings.NewReader("timestamp,value\n2015-02-26 21:42:53,57\n2015-02-26 21:47:53,43\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != 2 || points[0].offset != 0 || points[1].offset != 5*time.Minute {
		t.Fatalf("got points %v", points)
	}
	assertNear(t, "the first", points[0].vcpus, 1.14)
	assertNear(t, "the second", points[1].vcpus, 0.86)
	if _, err := (Recording{Class: "large"}).parse(strings.NewReader(recordingCSV)); err == nil || !strings.Contains(err.Error(), `"large"`) {
		t.Errorf("got error %v", err)
	}
}

// TestValidate_NamesInvalidField replaces one part of a valid scenario, and checks that the error names the invalid field.
func TestValidate_NamesInvalidField(t *testing.T) {
	if _, err := ParseScenario([]byte(fullScenario)); err != nil {
		t.Fatalf("the valid scenario: %v", err)
	}
	for _, test := range []struct{ from, to, message string }{
		{"08:00:00Z", "08:00:30Z", "start: want a time on a whole minute"},
		{`accountID: "123456789012"`, "accountID: self", `accountID "self": want 12 digits`},
		{`accountID: "210987654321"`, "accountID: other", `databases[0] "orders": accountID "other"`},
		{"publishDelay: 75s", "publishDelay: -1s", "publishDelay"},
		{"refuseAfterAvailable: 10s", "refuseAfterAvailable: -1s", "refuseAfterAvailable"},
		{"seed: 7", "sead: 7", `unknown field "sead"`},
		{"promotionTier: 0", "promotionTier: 16", `databases[0] "orders": instance 0 "orders-1": promotionTier 16`},
		{"identifier: orders-2", "identifier: orders-1", "identifier: want one that no other instance in eu-west-1 has"},
		{"identifier: orders-2", "identifier: ''", "identifier: want one"},
		{"identifier: ledger", "identifier: orders-2", "identifier: want one that no other instance"},
		{"db.r6g.xlarge}\n", "db.r99g.xlarge}\n", `"db.r99g.xlarge"`},
		{"db.r6g.xlarge}\n", "db.m6g.xlarge}\n", "class db.m6g.xlarge: the engine aurora-mysql does not support it"},
		{"  engine: aurora-mysql\n", "  engine: mysql\n", "a Multi-AZ DB cluster has three"},
		{"  engine: aurora-mysql\n", "", "want an identifier, a region, an engine and an engineVersion"},
		{"engine: mysql", "engine: aurora-mysql", "a cluster has instances"},
		{"tue:03:00-tue:04:00", "tue:03:00-tue:03:15", `maintenanceWindow "tue:03:00-tue:03:15": want at least 30 minutes`},
		{"04:30-05:00", "04:30-04:45", `backupWindow "04:30-04:45": want at least 30 minutes in the format 01:00-01:30`},
		{"04:30-05:00", "sun:04:30-sun:05:00", `backupWindow "sun:04:30-sun:05:00"`},
		{"aurora-iopt1", "gp3", `storageType "gp3": want aurora or aurora-iopt1`},
		{"backups: true", "autoScaling: {maxCapacity: 2}", "autoScaling: only Aurora clusters have it"},
		{"backups: true", "storageType: aurora", "only clusters have it"},
		{"storageType: aurora-iopt1", "backups: true", "backups: only a standalone instance shows them"},
		{"[{instance: orders-1", "[{instance: ledger", `maintenance[0]: instance "ledger": want a member of the cluster`},
		{"action: system-update", "action: ''", "maintenance[0]: want an action"},
		{"optInStatus: next-maintenance", "optInStatus: later", "maintenance[0]: want an action such as system-update, and optInStatus immediate, next-maintenance"},
		{"from: 1h, until: 2h", "from: 1h, until: 1h", "maintenance[0]: until: want an instant after from"},
		{"region: eu-west-1, class: db.r6g.2xlarge", "region: '', class: db.r6g.2xlarge", "unorderableClasses[0]: region: want one"},
		{"class: db.r6g.2xlarge", "class: 2xlarge", `unorderableClasses[0]: unknown instance class "2xlarge"`},
		{"costFactor: 1.5", "costFactor: 0", "upgrades[0]"},
		{"{at: 1h, engineV", "{at: -1h, engineV", "upgrades[0]"},
		{"noisePercent: 5", "noisePercent: 101", "load.writer.noisePercent 101"},
		{"vcpus: 1}, {at", "vcpus: -1}, {at", "load.writer.points[0]"},
		{"09:00:00Z", "08:00:00Z", "load.writer.points[1]"},
		{"file: FILE", "file: ''", "load.readers.recording"},
		{"scale: 0.5", "scale: -0.5", "load.readers.recording"},
		{"readers: {rec", "readers: {series: {interval: 5m, vcpus: [1]}, rec", "want only one of"},
		{"readers: {rec", "readers: {points: [{at: 0s, vcpus: 1}], rec", "load.readers.points: want only one of points, series, recording and daily"},
		{"factor: 2", "factor: 0", "load.readers.multipliers[0]"},
		{"class: db.m6g.large, multiAZ: true, backups: true, load: {writer:", "class: db.m6g.large, load: {readers:", "load.readers: a standalone instance without replicas has no readers"},
		{"{at: 0h,", "{at: soon,", `"soon" is not an instant: want an offset such as "90m" or a time such as "2024-02-05T08:20:00Z"`},
		{"{at: 0h,", "{at: 5,", "5 is not an instant"},
		{"capacityShortages: [{class: db.r6g.xlarge", "capacityShortages: [{class: xlarge", `capacityShortages[0]: unknown instance class "xlarge"`},
		{"from: 10m, until: 20m}]\nm", "from: 10m, until: 10m}]\nm", "capacityShortages[0]: until: want an instant after from"},
		{"instance: orders-1, from: 10m", "instance: orders-1, from: 30m", "metricGaps[0]"},
	} {
		text := strings.Replace(fullScenario, test.from, test.to, 1)
		if text == fullScenario {
			t.Fatalf("the scenario does not contain %q", test.from)
		}
		if _, err := ParseScenario([]byte(text)); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("with %q the error is %v, want it to contain %q", test.to, err, test.message)
		}
	}
	second := strings.SplitAfter(fullScenario, "databases:\n")
	twice := strings.Replace(second[1], "- {identifier: ledger", strings.ReplaceAll(`- identifier: orders
  region: eu-west-1
  engine: aurora-mysql
  engineVersion: "8"
  instances: [{identifier: x, class: db.r6g.large}]
- {identifier: ledger`, "\t", "  "), 1)
	if _, err := ParseScenario([]byte(second[0] + twice)); err == nil || !strings.Contains(err.Error(), `databases[1] "orders": identifier: want one that no other cluster in eu-west-1 has`) {
		t.Errorf("with two clusters of one name the error is %v", err)
	}
	if _, err := New(Scenario{}); err == nil || !strings.Contains(err.Error(), "start") {
		t.Errorf("New of an empty scenario: got error %v", err)
	}
}

// TestInstant_RoundTrips: MarshalJSON returns what UnmarshalJSON read.
func TestInstant_RoundTrips(t *testing.T) {
	for _, text := range []string{`"1h30m0s"`, `"2024-02-05T08:20:00Z"`, `"-5m0s"`} {
		var m Instant
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(m); err != nil || string(got) != text {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
}

// TestAllKindsScenario_IsQuiet: all-kinds.yaml has a database of each kind, and no events without requests.
func TestAllKindsScenario_IsQuiet(t *testing.T) {
	s := must[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/all-kinds.yaml"))
	w := must[*World](t)(New(s))
	advance(w, 24*time.Hour)
	for region, want := range map[string]struct{ clusters, instances int }{"eu-west-1": {2, 7}, "eu-central-1": {0, 1}} {
		clusters, instances := w.Clusters(region), w.Instances(region)
		if len(clusters) != want.clusters || len(instances) != want.instances {
			t.Errorf("%s: got %d clusters and %d instances", region, len(clusters), len(instances))
		}
		for _, i := range instances {
			if actual, _ := w.GroundTruth(region, i.Identifier); i.Status != statusAvailable || actual.Saturated || actual.CPUPercent < 20 {
				t.Errorf("%s: got status %s, %+v", i.Identifier, i.Status, actual)
			}
		}
		if events := w.Events(region, s.Start.Time, w.Now()); len(events) > 0 {
			t.Errorf("%s: got events %v, want none", region, events)
		}
	}
}
