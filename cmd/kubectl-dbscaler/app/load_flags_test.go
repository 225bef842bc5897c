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

// parseSetup returns the setup of flags and a policy.
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

// TestLoadFlags_StartShape: the initial shape comes from the start flags, then from the recording, then from the policy.
func TestLoadFlags_StartShape(t *testing.T) {
	readers := scaling.Policy{Readers: &scaling.ReaderLimits{InstanceClasses: []string{"db.r6g.large"}, Min: 2, Max: 4}}
	readers.Target.Kind = scaling.DBCluster
	writer := scaling.Policy{Writer: &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large"}}}
	writer.Target.Kind = scaling.DBCluster
	shape := func(class string, count int) scaling.Shape { return scaling.Shape{InstanceClass: class, Count: count} }
	for _, test := range []struct {
		policy         scaling.Policy
		args           string
		initial, other scaling.Shape
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
		if s.InitialShape != test.initial || s.OtherPoolShape != test.other || !s.PerformanceInsights || s.Seed != 1 {
			t.Errorf("%s: initial shapes %v and %v, setup %+v", test.args, s.InitialShape, s.OtherPoolShape, s)
		}
	}
	if s := parseSetup(t, writer, "--scale", "1", "--without-insights", "--seed", "7", "--engine", "postgres", "--multi-az"); s.PerformanceInsights || s.Seed != 7 ||
		s.Engine != "postgres" || !s.MultiAZ {
		t.Errorf("got %+v", s)
	}
}

// TestLoadFlags_Role: the role to read CloudWatch with comes from the flags, not from the AWSAccount of the policy.
func TestLoadFlags_Role(t *testing.T) {
	for args, message := range map[string]string{
		"--cloudwatch 24h --role-arn arn:role --external-id id": "",
		"--role-arn arn:role":                      "--role-arn is only valid with --cloudwatch",
		"--cloudwatch 24h --external-id id":        "--external-id is only valid with --role-arn",
		"--metrics cpu.csv --external-id external": "--external-id is only valid with --cloudwatch",
	} {
		l, f := loadFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
		l.addTo(f)
		if err := f.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		err := l.validate()
		if (err == nil) != (message == "") || err != nil && err.Error() != message {
			t.Errorf("%s: got %v, want %q", args, err, message)
		}
		if scope := l.withRole(scaling.Policy{}).Target.Scope; message == "" && (scope.RoleARN != "arn:role" || scope.ExternalID != "id") {
			t.Errorf("%s: got the scope %+v", args, scope)
		}
	}
}

func TestMetricPeriod_ByRetention(t *testing.T) {
	const day = 24 * time.Hour
	for age, want := range map[time.Duration]time.Duration{
		time.Hour: time.Minute, 15 * day: time.Minute, 16 * day: 5 * time.Minute, 63 * day: 5 * time.Minute, 64 * day: time.Hour,
	} {
		if got := metricPeriod(age); got != want {
			t.Errorf("age %s: got a period of %s, want %s", age, got, want)
		}
	}
}

// TestSummarizeOutcome_ByLimits: the summary depends on whether the policy meets the limits in training and in validation.
func TestSummarizeOutcome_ByLimits(t *testing.T) {
	candidate := func(training, validation bool, trainingHours, validationHours float64, changes ...string) recommend.Candidate {
		return recommend.Candidate{
			MeetsLimits: training, MeetsLimitsInValidation: validation, Changes: changes,
			TrainingScore: backtest.Score{VCPUHours: trainingHours}, ValidationScore: backtest.Score{VCPUHours: validationHours},
		}
	}
	meetsBoth, meetsTraining := candidate(true, true, 100, 100), candidate(true, false, 100, 100)
	for _, test := range []struct {
		best, base recommend.Candidate
		want, not  string
	}{
		{candidate(true, true, 50, 80, "a"), meetsBoth, "in training and in validation. In validation it costs 80% of", "do not rely"},
		{candidate(true, false, 50, 80, "a"), meetsBoth,
			"do not rely on it. The original policy meets them in validation: keep it. In validation it costs", "and in validation"},
		{candidate(true, false, 50, 80, "a"), meetsTraining, "do not rely on it. In validation it costs 80%", "keep it"},
		{candidate(false, false, 50, 80, "a"), meetsTraining, "No evaluated policy meets the limits", "do not rely"},
		{meetsBoth, meetsBoth, "in training and in validation.", "costs"},
	} {
		if got := summarizeOutcome(recommend.Result{Best: []recommend.Candidate{test.best}, Base: test.base}); !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
