package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recommend"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// parseSetup is what flags come to for a policy of one to four readers, or of the writer.
func parseSetup(t *testing.T, policy scaling.Policy, args ...string) backtest.Setup {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cpu.csv")
	if err := os.WriteFile(file, []byte(oneDayCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	l, f := loadFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	l.addTo(f)
	if err := f.Parse(append(args, "--metrics", file)); err != nil {
		t.Fatal(err)
	}
	s, err := l.newSetup(t.Context(), clock.RealClock{}, policy)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What it begins with is what the recording was made on, unless it is said; and then what the policy has.
func TestLoadFlags_StartShape(t *testing.T) {
	readers := scaling.Policy{Readers: &scaling.ReaderLimits{InstanceClasses: []string{"db.r6g.large"}, Min: 2, Max: 4}}
	readers.Target.Kind = scaling.DBCluster
	writer := scaling.Policy{Writer: &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large"}}}
	writer.Target.Kind = scaling.DBCluster
	shape := func(class string, count int) scaling.Shape { return scaling.Shape{InstanceClass: class, Count: count} }
	for _, test := range []struct {
		policy       scaling.Policy
		args         string
		start, other scaling.Shape
	}{
		{readers, "--class db.r6g.xlarge --count 3", shape("db.r6g.xlarge", 3), shape("", 0)},
		{readers, "--class db.r6g.xlarge", shape("db.r6g.xlarge", 2), shape("", 0)},
		{readers, "--scale 0.1", shape("", 2), shape("", 0)},
		{readers, "--class db.r6g.xlarge --count 3 --start-class db.r6g.large --start-count 4 --writer-class db.r6g.2xlarge", shape("db.r6g.large", 4),
			shape("db.r6g.2xlarge", 0)},
		{writer, "--class db.r6g.xlarge", shape("db.r6g.xlarge", 0), shape("", 1)},
		{writer, "--class db.r6g.xlarge --readers 0", shape("db.r6g.xlarge", 0), shape("", 0)},
	} {
		s := parseSetup(t, test.policy, strings.Fields(test.args)...)
		if s.InitialShape != test.start || s.OtherPoolShape != test.other || !s.PerformanceInsights || s.Seed != 1 {
			t.Errorf("%s: begins with %v and %v, %+v", test.args, s.InitialShape, s.OtherPoolShape, s)
		}
	}
	if s := parseSetup(t, writer, "--scale", "1", "--without-insights", "--seed", "7", "--engine", "postgres", "--multi-az"); s.PerformanceInsights || s.Seed != 7 ||
		s.Engine != "postgres" || !s.MultiAZ {
		t.Errorf("got %+v", s)
	}
}

func TestMetricPeriod_ByRetention(t *testing.T) {
	const day = 24 * time.Hour
	for back, want := range map[time.Duration]time.Duration{
		time.Hour: time.Minute, 15 * day: time.Minute, 16 * day: 5 * time.Minute, 63 * day: 5 * time.Minute, 64 * day: time.Hour,
	} {
		if got := metricPeriod(back); got != want {
			t.Errorf("of %s back CloudWatch has %s, not %s", back, want, got)
		}
	}
}

// How sure a recommendation is goes by what it has not seen.
func TestSummarizeOutcome_ByLimits(t *testing.T) {
	found := func(keeps, judged bool, fitted, rest float64, changed ...string) recommend.Candidate {
		return recommend.Candidate{
			MeetsLimits: keeps, MeetsLimitsInValidation: judged, Changes: changed, TrainingScore: backtest.Score{VCPUHours: fitted}, ValidationScore: backtest.Score{VCPUHours: rest},
		}
	}
	sure, unsure := found(true, true, 100, 100), found(true, false, 100, 100)
	for _, test := range []struct {
		best, base recommend.Candidate
		want, not  string
	}{
		{found(true, true, 50, 80, "a"), sure, "also on what it has not seen. There it costs 80% of", "do not count"},
		{found(true, false, 50, 80, "a"), sure, "do not count on it. The policy that it began with keeps to them there: stay with that. There", "also on"},
		{found(true, false, 50, 80, "a"), unsure, "do not count on it. There it costs 80%", "stay with that"},
		{found(false, false, 50, 80, "a"), unsure, "No policy that was tried keeps to the limits", "do not count"},
		{sure, sure, "also on what it has not seen.", "costs"},
	} {
		if got := summarizeOutcome(recommend.Result{Best: []recommend.Candidate{test.best}, Base: test.base}); !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
