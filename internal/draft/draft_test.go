package draft

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

var (
	testNow  = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	testPeak = time.Date(2026, 11, 20, 10, 40, 0, 0, time.UTC)
)

// testLoad is two weeks of known load.
func testLoad(peak, high float64) Load {
	return Load{
		From: testNow.Add(-14 * 24 * time.Hour), To: testNow, Start: testNow.Add(-14 * 24 * time.Hour), Known: 14*24*time.Hour - 2*time.Minute,
		Peak: peak, PeakAt: testPeak, High: high, Median: high / 2,
	}
}

// allClasses are all classes of the catalog, as if AWS offered them.
func allClasses(except ...string) []string {
	out := []string{}
	for _, class := range catalog.All() {
		if !slices.Contains(except, class.Name) {
			out = append(out, class.Name)
		}
	}
	return out
}

// testInput is an Aurora cluster with a writer and readers of these classes.
func testInput(writer string, readers ...string) Input {
	in := Input{
		Name: "orders", Namespace: "shop", Now: testNow, MaintenanceWindow: "sun:02:00-sun:02:30", Thresholds: Thresholds{CPU: DefaultCPU},
		Target: scaling.Target{Kind: scaling.DBCluster, Identifier: "orders", Scope: scaling.Scope{Region: "eu-west-1"}},
		Writer: testLoad(1, 0.8), Readers: testLoad(2, 1.5),
	}
	in.Observation = scaling.Observation{
		Found: true, Kind: scaling.DBCluster, Engine: "aurora-postgresql", EngineVersion: "16.1", Orderable: allClasses(), ARN: "arn:cluster",
		Instances: []scaling.Instance{{Identifier: "orders-1", ARN: "arn:1", Class: writer, Writer: true}},
	}
	for n, class := range readers {
		name := "orders-" + string(rune('2'+n))
		in.Observation.Instances = append(in.Observation.Instances, scaling.Instance{Identifier: name, ARN: "arn:" + name, Class: class})
	}
	return in
}

func TestLadder(t *testing.T) {
	for _, test := range []struct {
		name, writer string
		edit         func(*Input)
		want, reason string
	}{
		{"twice the peak, and what 95 % of the time needed", "db.r6g.2xlarge", func(in *Input) { in.Writer = testLoad(6.2, 2) },
			"db.r6g.xlarge db.r6g.2xlarge db.r6g.4xlarge db.r6g.8xlarge", "carries twice the peak of 6.2 vCPU on 2026-11-20 10:40Z at 65 %"},
		{"at least one larger class", "db.r6g.xlarge", nil, "db.r6g.large db.r6g.xlarge db.r6g.2xlarge", "twice the peak of 1.0 vCPU"},
		{"at most a quarter of the present class", "db.r6g.8xlarge", func(in *Input) { in.Writer = testLoad(0.2, 0.1) },
			"db.r6g.2xlarge db.r6g.4xlarge db.r6g.8xlarge db.r6g.12xlarge", "or a quarter of today's class"},
		{"at most four times the present class", "db.r6g.large", func(in *Input) { in.Writer = testLoad(20, 1.9) },
			"db.r6g.large db.r6g.xlarge db.r6g.2xlarge", "less than twice the peak of 20.0 vCPU"},
		{"unknown load", "db.r6g.2xlarge", func(in *Input) { in.Writer = Load{Unknown: "denied", From: testNow.Add(-time.Hour), To: testNow} },
			"db.r6g.2xlarge db.r6g.4xlarge", "No smaller class than today, because no load shows"},
		{"three days", "db.r6g.2xlarge", func(in *Input) { in.Writer.Known = 72 * time.Hour }, "db.r6g.2xlarge db.r6g.4xlarge", "3.0 days of load"},
		{"saturated without DBLoadCPU", "db.r6g.2xlarge", func(in *Input) { in.Writer.Censored = time.Hour }, "db.r6g.2xlarge db.r6g.4xlarge",
			"the demand above saturation is not known"},
		{"a class that AWS does not offer", "db.r6g.xlarge", func(in *Input) { in.Observation.Orderable = allClasses("db.r6g.2xlarge") },
			"db.r6g.large db.r6g.xlarge db.r6g.4xlarge", ""},
		{"a present class that AWS no longer offers", "db.r6g.xlarge", func(in *Input) { in.Observation.Orderable = allClasses("db.r6g.xlarge") },
			"db.r6g.large db.r6g.xlarge db.r6g.2xlarge", "db.r6g.xlarge is in use, but AWS no longer offers it"},
		{"classes that could not be read", "db.r6g.xlarge", func(in *Input) { in.Observation.Orderable = nil }, "db.r6g.xlarge",
			"which others AWS offers could not be read"},
		{"none is offered", "db.r6g.xlarge", func(in *Input) { in.Observation.Orderable = []string{} }, "db.r6g.xlarge", "AWS offers no larger class"},
		{"the largest of the family", "db.r6g.16xlarge", func(in *Input) { in.Writer = testLoad(50, 40) }, "db.r6g.16xlarge",
			"AWS offers no larger class of the family r6g"},
		{"the licence of the customer", "db.r6g.xlarge", func(in *Input) { in.Observation.LicenseModel = "bring-your-own-license" },
			"db.r6g.large db.r6g.xlarge", "because you bring the licence"},
		{"burstable classes with the same vCPUs", "db.t3.medium", func(in *Input) { in.Writer = testLoad(1, 0.1) }, "db.t3.medium", "no larger class"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := testInput(test.writer)
			if test.edit != nil {
				test.edit(&in)
			}
			l := newLadder(in, scaling.Writer, in.Writer)
			if got := strings.Join(l.names(), " "); got != test.want || !strings.Contains(strings.Join(l.reasons, " "), test.reason) {
				t.Errorf("got %s, want %s\n%q\nwant %s", got, test.want, l.reasons, test.reason)
			}
		})
	}
	in := testInput("db.r6g.large", "db.r5.large", "db.r6g.xlarge")
	if got := strings.Join(newLadder(in, scaling.Readers, in.Readers).names(), " "); got != "db.r5.large db.r6g.xlarge db.r6g.2xlarge" {
		t.Errorf("readers of two families: got %s", got)
	}
}

func TestReaderCounts(t *testing.T) {
	for _, test := range []struct {
		name            string
		edit            func(*Input)
		lowest, highest int
		reason          string
	}{
		{"one more than today", nil, 2, 4, "needs 4 readers of today's class"},
		{"at most three more", func(in *Input) { in.Readers.Peak = 30 }, 2, 5, "needs 47 readers"},
		{"at least one more", func(in *Input) { in.Readers.Peak = 0.1 }, 2, 3, ""},
		{"unknown load", func(in *Input) { in.Readers = Load{Unknown: "denied"} }, 2, 3, "as a cautious default"},
		{"licence", func(in *Input) { in.Observation.LicenseModel = "bring-your-own-license" }, 2, 2, "because you bring the licence"},
		{"read replicas", func(in *Input) { in.Observation.Kind = scaling.DBInstance }, 2, 2, "no common endpoint"},
		{"Aurora Auto Scaling", func(in *Input) { in.Observation.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 6} }, 1, 6, "Aurora Auto Scaling"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := testInput("db.r6g.large", "db.r6g.large", "db.r6g.large")
			if test.edit != nil {
				test.edit(&in)
			}
			c := newReaderCounts(in)
			if c.lowest != test.lowest || c.highest != test.highest || !strings.Contains(strings.Join(c.reasons, " "), test.reason) {
				t.Errorf("got %+v, want %d to %d and %q", c, test.lowest, test.highest, test.reason)
			}
		})
	}
}

func TestCapacities(t *testing.T) {
	for _, test := range []struct {
		name             string
		load             Load
		present, minimum float64
		want             scaling.CapacityRange
		wantMinimum      *scaling.CapacityRange
	}{
		{"known load", testLoad(1.5, 1), 16, 0.5, scaling.CapacityRange{Lowest: 10, Highest: 20}, &scaling.CapacityRange{Lowest: 0.5, Highest: 8}},
		{"idle", testLoad(0.01, 0.01), 16, 0, scaling.CapacityRange{Lowest: 4, Highest: 20}, &scaling.CapacityRange{Lowest: 0, Highest: 0.5}},
		{"above the limit of older versions", testLoad(30, 20), 192, 2, scaling.CapacityRange{Lowest: 192, Highest: 192},
			&scaling.CapacityRange{Lowest: 2, Highest: 128}},
		{"unknown load", Load{Unknown: "denied"}, 16, 0.5, scaling.CapacityRange{Lowest: 16, Highest: 20}, nil},
		{"one ACU", testLoad(0.2, 0.1), 1, 0.5, scaling.CapacityRange{Lowest: 1, Highest: 2.5}, &scaling.CapacityRange{Lowest: 0.5, Highest: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := testInput(catalog.ServerlessClassName(test.present))
			in.Observation.Serverless, in.Observation.ResizedAsUnit, in.Observation.MinCapacity = true, true, test.minimum
			in.Writer = test.load
			c := newCapacities(in)
			if c.maximum != test.want || (c.minimum == nil) != (test.wantMinimum == nil) || c.minimum != nil && *c.minimum != *test.wantMinimum {
				t.Errorf("got %+v, %+v, want %+v, %+v\n%q", c.maximum, c.minimum, test.want, test.wantMinimum, c.reasons)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for want, edit := range map[string]func(*Input){
		"there is no DBCluster orders in eu-west-1": func(in *Input) { in.Observation = scaling.Observation{} },
		"DBCluster orders cannot be scaled: it is an Aurora Limitless Database": func(in *Input) {
			in.Observation.Unsupported = "it is an Aurora Limitless Database, which scales its shards itself"
		},
		"has no writer":                        func(in *Input) { in.Observation.Instances = nil },
		`unknown instance class "db.z9.large"`: func(in *Input) { in.Observation.Instances[0].Class = "db.z9.large" },
	} {
		in := testInput("db.r6g.large")
		edit(&in)
		if err := Check(in.Target, in.Observation); !errors.As(err, new(*UnsupportedError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if in := testInput("db.r6g.large", "db.r6g.large"); Check(in.Target, in.Observation) != nil {
		t.Error("a cluster that can be scaled is refused")
	}
}

func TestParseMaintenanceWindow(t *testing.T) {
	for text, want := range map[string]disruptionWindow{
		"sun:02:00-sun:02:30": {"0 2 * * 0", 1800}, "sat:23:45-sun:00:15": {"45 23 * * 6", 1800}, "Mon:10:05-mon:12:05": {"5 10 * * 1", 7200},
	} {
		if got, ok := parseMaintenanceWindow(text); !ok || got != want {
			t.Errorf("%s: got %+v, %t, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "sun:02:00", "sun:02:00-sun:02:00", "sun:25:00-sun:26:00", "someday:02:00-sun:02:30"} {
		if got, ok := parseMaintenanceWindow(text); ok {
			t.Errorf("%s: got %+v", text, got)
		}
	}
}

// TestSummarize: a missing interval is not an idle one.
func TestSummarize(t *testing.T) {
	nan, from := math.NaN(), testNow.Add(-time.Hour)
	l := Summarize(from, testNow, from, 10*time.Minute, []float64{nan, 2, nan, 4, 3, nan}, []bool{false, false, false, true})
	if l.Known != 30*time.Minute || !l.Start.Equal(from.Add(10*time.Minute)) || l.Peak != 4 || !l.PeakAt.Equal(from.Add(30*time.Minute)) ||
		l.Median != 3 || l.High != 4 || l.Censored != 10*time.Minute || l.IsKnown() {
		t.Errorf("got %+v", l)
	}
	if l := Summarize(from, testNow, from, 10*time.Minute, []float64{nan}, nil); l.Unknown == "" || l.IsKnown() {
		t.Errorf("without samples: got %+v", l)
	}
}

// TestManifest_Comments: the manifest says what is not known, names that YAML would change are quoted, and no comment is wide.
func TestManifest_Comments(t *testing.T) {
	in := testInput("db.r6g.large")
	in.Name, in.MaintenanceWindow, in.Target.Scope.RoleARN = "123", "", "arn:aws:iam::123456789012:role/member"
	in.Observation.GlobalCluster = "worldwide"
	in.Observation.Prices = map[string]scaling.Money{"db.r6g.large": scaling.Dollar / 4, "db.r6g.xlarge": scaling.Dollar / 2}
	in.Thresholds = Thresholds{CPU: scaling.CPU{Target: 60, ScaleUp: 75, ScaleDown: 45}, ScaleUpWindow: time.Minute, ScaleDownWindow: time.Hour,
		ClassWindow: 4 * time.Hour, IsFitted: true}
	text := Manifest(in)
	for _, want := range []string{`name: "123"`, "No disruptionWindows: the maintenance window of the database is not", "Read with the role arn:aws:iam",
		"global database worldwide", `maxHourlyCostUSD: "0.50"`, "scaleDown: {windowSeconds: 3600, classWindowSeconds: 14400}", "targetPercent: 60",
		"No readers: the cluster has none"} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifest lacks %q:\n%s", want, text)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len([]rune(line)) > lineWidth {
			t.Errorf("a line is too wide: %s", line)
		}
	}
}
