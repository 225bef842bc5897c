package alarms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestDerive_AlarmsOfEachKind(t *testing.T) {
	want := map[string][]string{
		"aurora": {
			"writer load-high", "writer saturated", "writer not-scaled", "writer metrics-missing",
			"readers load-high", "readers saturated", "readers not-scaled",
		},
		"instance-with-replicas": {
			"instance load-high", "instance saturated", "instance not-scaled", "instance metrics-missing",
			"read-replicas load-high", "read-replicas not-scaled",
			"read-replica-ledger-read saturated", "read-replica-ledger-report saturated",
		},
		"multi-az-cluster": {"members load-high", "members saturated", "members not-scaled", "members metrics-missing"},
		"serverless": {
			"writer load-high", "writer capacity-at-maximum", "writer saturated", "writer not-scaled", "writer metrics-missing",
			"readers load-high", "readers capacity-at-maximum", "readers saturated", "readers not-scaled",
		},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			set := derive(t, kind.sample, kind.options)
			if got := names(set); !slices.Equal(got, want[kind.name]) {
				t.Errorf("got %q, want %q", got, want[kind.name])
			}
			for _, a := range set.Alarms {
				if want := "dbscaler-" + set.Policy.Target.Identifier + "-" + a.Role + "-" + string(a.Kind); a.Name != want {
					t.Errorf("the name is %s, want %s", a.Name, want)
				}
				if a.DatapointsToAlarm < 1 || a.DatapointsToAlarm > a.EvaluationPeriods || a.Period%time.Minute != 0 {
					t.Errorf("%s: %d of %d datapoints of %s", a.Name, a.DatapointsToAlarm, a.EvaluationPeriods, a.Period)
				}
				if missing := a.TreatMissingData == "breaching"; missing != (a.Kind == MetricsMissing) {
					t.Errorf("%s treats missing data as %s", a.Name, a.TreatMissingData)
				}
			}
		})
	}
}

// TestDerive_Figures checks threshold and times against the policy: clinical-engine has a window of 3 minutes, a cooldown of 10 and a
// threshold of 70 %; a reader takes 20 minutes, and a promotion 30 for the class, 5 for the tier and 10 for the failover.
func TestDerive_Figures(t *testing.T) {
	set := derive(t, "clinical-engine", Options{})
	for _, test := range []struct {
		role      string
		kind      Kind
		threshold float64
		m, n      int
		period    time.Duration
	}{
		{"readers", LoadHigh, 70, 10, 10, 3 * time.Minute}, // 3 + 20 + 5 minutes, in whole periods
		{"writer", LoadHigh, 70, 18, 18, 3 * time.Minute},
		{"readers", Saturated, 95, 4, 5, time.Minute},
		{"readers", NotScaled, 95, 26, 28, time.Minute},
		{"writer", NotScaled, 95, 48, 53, time.Minute},
		{"writer", MetricsMissing, 0, 15, 15, time.Minute},
	} {
		a := find(t, set, test.role, test.kind)
		if a.Threshold != test.threshold || a.DatapointsToAlarm != test.m || a.EvaluationPeriods != test.n || a.Period != test.period {
			t.Errorf("%s: got %d of %d datapoints of %s at %g, want %+v", a.Name, a.DatapointsToAlarm, a.EvaluationPeriods, a.Period, a.Threshold, test)
		}
	}
	if got, want := find(t, set, "readers", NotScaled).Expression, "IF((FILL(m2, 2280) >= 2280) AND (FILL(m3, 2280) >= 2280), m1, 0)"; got != want {
		t.Errorf("the expression is %s, want %s: 28 minutes and the cooldown of 10", got, want)
	}
	policy := set.Policy
	policy.ScaleUp.Window, policy.ScaleUp.Cooldown, policy.Guardrails.SurgeReaders = time.Hour, 24*time.Hour, 0
	set, err := Derive(policy, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a := find(t, set, "readers", LoadHigh); a.Period != 5*time.Minute || a.EvaluationPeriods != 19 {
		t.Errorf("with a window of an hour and no surge reader: %d datapoints of %s, want 60 + 30 + 5 minutes in periods of 5", a.EvaluationPeriods, a.Period)
	}
	if a := find(t, set, "readers", NotScaled); !strings.Contains(a.Expression, fmt.Sprint((95+60)*60)) {
		t.Errorf("with a cooldown of a day: the expression is %s, want to wait for an hour of it", a.Expression)
	}
	policy.ScaleUp.Window, policy.Serverless = time.Minute, true
	if set, err = Derive(policy, Options{}); err != nil {
		t.Fatal(err)
	}
	if a := find(t, set, "writer", NotScaled); a.EvaluationPeriods < 10 {
		t.Errorf("%d minutes, want ten at least", a.EvaluationPeriods)
	}
}

// TestDerive_WatchesTheRightMetrics checks dimensions and expressions of each kind.
func TestDerive_WatchesTheRightMetrics(t *testing.T) {
	for _, test := range []struct {
		sample  string
		options Options
		role    string
		kind    Kind
		want    string
	}{
		{"clinical-engine", Options{}, "readers", LoadHigh, "CPUUtilization DBClusterIdentifier=clinical-engine Role=READER"},
		{"clinical-engine", Options{}, "writer", MetricsMissing, "CPUUtilization DBClusterIdentifier=clinical-engine Role=WRITER"},
		{"ledger", kinds[1].options, "instance", Saturated, "CPUUtilization DBInstanceIdentifier=ledger"},
		{"ledger", kinds[1].options, "read-replicas", LoadHigh,
			"AVG([m1, m2]) CPUUtilization DBInstanceIdentifier=ledger-read CPUUtilization DBInstanceIdentifier=ledger-report"},
		{"ledger", kinds[1].options, "read-replicas", NotScaled,
			"AVG([m1, m2]) CPUUtilization DBInstanceIdentifier=ledger-read CPUUtilization DBInstanceIdentifier=ledger-report"},
		{"ledger", kinds[1].options, "read-replica-ledger-read", Saturated, "CPUUtilization DBInstanceIdentifier=ledger-read"},
		{"ledger", Options{Instances: []string{"ledger-read"}}, "read-replicas", LoadHigh, "CPUUtilization DBInstanceIdentifier=ledger-read"},
		{"payments", Options{MultiAZCluster: true}, "members", LoadHigh, "MAX([m1, m2, m3]) CPUUtilization DBInstanceIdentifier=payments-instance-1 " +
			"CPUUtilization DBInstanceIdentifier=payments-instance-2 CPUUtilization DBInstanceIdentifier=payments-instance-3"},
		{"sessions", Options{}, "readers", CapacityAtMaximum, "ACUUtilization DBClusterIdentifier=sessions Role=READER"},
		{"sessions", Options{}, "writer", NotScaled, "CPUUtilization DBClusterIdentifier=sessions Role=WRITER"},
	} {
		a := find(t, derive(t, test.sample, test.options), test.role, test.kind)
		parts := []string{a.Expression}
		for _, m := range a.Metrics {
			parts = append(parts, m.Name)
			for _, d := range m.Dimensions {
				parts = append(parts, d.Name+"="+d.Value)
			}
		}
		if got := strings.TrimSpace(strings.Join(parts, " ")); got != test.want {
			t.Errorf("%s watches %s, want %s", a.Name, got, test.want)
		}
	}
}

// TestDerive_LeavesOutWhatCannotFire checks what the policy and the options leave out.
func TestDerive_LeavesOutWhatCannotFire(t *testing.T) {
	aurora := readSample(t, "clinical-engine")
	aurora.Writer = nil
	paused := readSample(t, "sessions")
	paused.MinCapacity = &scaling.CapacityRange{Lowest: 0, Highest: 2}
	for name, test := range map[string]struct {
		policy  scaling.Policy
		options Options
		absent  []string
		present string
		note    string
	}{
		"a writer that the policy does not scale": {aurora, Options{}, []string{"writer load-high", "writer not-scaled"}, "writer saturated", ""},
		"a database that may be stopped":          {aurora, Options{MayBeStopped: true}, []string{"writer metrics-missing"}, "readers not-scaled", ""},
		"a serverless cluster that may pause":     {paused, Options{}, []string{"writer metrics-missing"}, "writer saturated", ""},
		"read replicas without names": {readSample(t, "ledger"), Options{}, []string{"read-replicas load-high"}, "instance saturated",
			"Name them with --instance"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := Derive(test.policy, test.options)
			if err != nil {
				t.Fatal(err)
			}
			got := names(set)
			for _, absent := range test.absent {
				if slices.Contains(got, absent) {
					t.Errorf("there is an alarm %s", absent)
				}
			}
			if !slices.Contains(got, test.present) || !strings.Contains(strings.Join(set.Notes, " "), test.note) {
				t.Errorf("got %q with the notes %q, want %s and %q", got, set.Notes, test.present, test.note)
			}
		})
	}
}

// TestDerive_FitsCloudWatch uses the longest names that Kubernetes and RDS allow.
func TestDerive_FitsCloudWatch(t *testing.T) {
	long := "a" + strings.Repeat("b", 62)
	for _, kind := range kinds {
		for _, mode := range []scaling.Mode{scaling.Enforce, scaling.Approve, scaling.Recommend} {
			policy, o, id := readSample(t, kind.sample), kind.options, long
			if o.MultiAZCluster {
				id = long[:52] // RDS API reference, CreateDBCluster
			}
			policy.Name, policy.Mode, policy.Target.Identifier = long+"/"+strings.Repeat("n", 253), mode, id
			if len(o.Instances) > 0 {
				o.Instances = nil
				for n := range 10 {
					o.Instances = append(o.Instances, fmt.Sprintf("%s%d", long[:62], n))
				}
			}
			o.Prefix, o.RunbookURL = strings.Repeat("p", 80), "https://wiki.example/"+strings.Repeat("r", 80)
			set, err := Derive(policy, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range set.Alarms {
				if n := utf8.RuneCountInString(a.Description); n > 1024 {
					t.Errorf("%s: the description has %d characters", a.Name, n)
				}
				if !strings.Contains(a.Description, "kubectl describe dbsp -n "+long) || !strings.Contains(a.Description, "Runbook: https://wiki") {
					t.Errorf("%s: the description lacks what to do: %s", a.Name, a.Description)
				}
			}
		}
	}
}

// TestDerive_Descriptions: each says the figures that the alarm has, and what to do with and without Kubernetes.
func TestDerive_Descriptions(t *testing.T) {
	for _, kind := range kinds {
		for _, a := range derive(t, kind.sample, kind.options).Alarms {
			wants := []string{"kubectl describe dbsp -n platform " + kind.sample, "aws rds "}
			if a.Kind != MetricsMissing {
				wants = append(wants, fmt.Sprintf("%g %%", a.Threshold), "If Kubernetes is down")
			}
			wants = append(wants, formatMinutes(a.duration()))
			if a.Kind == LoadHigh || a.Kind == NotScaled {
				wants = append(wants, "Why "+formatMinutes(a.duration()))
			}
			for _, want := range wants {
				if !strings.Contains(a.Description, want) {
					t.Errorf("%s lacks %q: %s", a.Name, want, a.Description)
				}
			}
		}
	}
}

func TestDerive_Errors(t *testing.T) {
	aurora, ledger, payments := readSample(t, "clinical-engine"), readSample(t, "ledger"), readSample(t, "payments")
	noRegion := aurora
	noRegion.Target.Scope.Region = ""
	many := make([]string, 11)
	for n := range many {
		many[n] = fmt.Sprintf("ledger-%d", n)
	}
	for want, test := range map[string]struct {
		policy  scaling.Policy
		options Options
	}{
		"set spec.targetRef.region":        {noRegion, Options{}},
		"remove them":                      {aurora, Options{Prefix: "a b"}},
		"set a shorter prefix":             {aurora, Options{Prefix: strings.Repeat("p", 240)}},
		"is not an ARN":                    {aurora, Options{TopicARNs: []string{"on-call"}}},
		"in us-east-1, and the database":   {aurora, Options{TopicARNs: []string{"arn:aws:sns:us-east-1:123456789012:on-call"}}},
		"6 SNS topics":                     {aurora, Options{TopicARNs: slices.Repeat([]string{testTopic}, 6)}},
		"no instances are named":           {aurora, Options{Instances: []string{"clinical-engine-1"}}},
		"this one is for an Aurora":        {aurora, Options{MultiAZCluster: true}},
		"is a DBInstance":                  {ledger, Options{MultiAZCluster: true}},
		"11 instances are named":           {ledger, Options{Instances: many}},
		"4 instances are named":            {payments, Options{MultiAZCluster: true, Instances: many[:4]}},
		"is the target itself":             {ledger, Options{Instances: []string{"ledger"}}},
		"is named twice":                   {ledger, Options{Instances: []string{"ledger-read", "ledger-read"}}},
		"is not the identifier of a DB in": {ledger, Options{Instances: []string{"Ledger_Read"}}},
	} {
		if _, err := Derive(test.policy, test.options); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
