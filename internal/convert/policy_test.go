package convert

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newPolicy returns a policy with readers, writer and a disruption window.
func newPolicy(edits ...func(*v1alpha1.DBScalingPolicySpec)) *v1alpha1.DBScalingPolicy {
	o := &v1alpha1.DBScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "clinical"},
		Spec: v1alpha1.DBScalingPolicySpec{
			TargetRef: v1alpha1.TargetRef{
				Kind: v1alpha1.TargetKindDBCluster, Identifier: "engine", Region: "eu-west-1",
				AccountRef: v1alpha1.AccountReference{Name: "production"},
			},
			Mode: v1alpha1.ModeEnforce,
			Readers: &v1alpha1.Readers{
				InstanceClasses: []v1alpha1.InstanceClass{"db.r6g.large", "db.r6g.xlarge"}, MinReplicas: 1, MaxReplicas: 4,
				Preference: v1alpha1.PreferenceHorizontal,
			},
			Writer: &v1alpha1.Writer{InstanceClasses: []v1alpha1.InstanceClass{"db.r6g.xlarge"}},
			CPU:    v1alpha1.CPUThresholds{TargetPercent: 55, ScaleUpPercent: 70, ScaleDownPercent: 35},
			Behavior: v1alpha1.Behavior{
				ScaleUp:   v1alpha1.ScaleUpBehavior{WindowSeconds: 180, CooldownSeconds: ptr.To[int32](600)},
				ScaleDown: v1alpha1.ScaleDownBehavior{WindowSeconds: 14400, CooldownSeconds: ptr.To[int32](0)},
			},
			Guardrails:        v1alpha1.Guardrails{MaxOperationsPerDay: 6, SurgeReaders: ptr.To[int32](1)},
			DisruptionWindows: []v1alpha1.DisruptionWindow{{Schedule: "0 2 * * *", DurationSeconds: 7200, TimeZone: "Europe/Amsterdam"}},
		},
	}
	for _, edit := range edits {
		edit(&o.Spec)
	}
	return o
}

func TestPolicy(t *testing.T) {
	want := scaling.Policy{
		Name: "platform/clinical", Namespace: "platform",
		Target: scaling.Target{
			Scope: scaling.Scope{Region: "eu-west-1"},
			Kind:  scaling.DBCluster, Identifier: "engine",
		},
		Mode: scaling.Enforce,
		Readers: &scaling.ReaderLimits{
			InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}, Min: 1, Max: 4, Preference: scaling.Horizontal,
		},
		Writer:            &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.xlarge"}},
		CPU:               scaling.CPU{Target: 55, ScaleUp: 70, ScaleDown: 35},
		ScaleUp:           scaling.Behavior{Window: 3 * time.Minute, Cooldown: 10 * time.Minute},
		ScaleDown:         scaling.Behavior{Window: 4 * time.Hour},
		Guardrails:        scaling.Guardrails{MaxOperationsPerDay: 6, SurgeReaders: 1},
		DisruptionWindows: []scaling.Window{{Schedule: "0 2 * * *", Duration: 2 * time.Hour, TimeZone: "Europe/Amsterdam"}},
	}
	got, err := Policy(newPolicy())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}

	allFields, err := Policy(newPolicy(func(s *v1alpha1.DBScalingPolicySpec) {
		s.Mode, s.Readers.Redundancy = v1alpha1.ModeApprove, v1alpha1.RedundancyOneReaderLost
		s.Guardrails.MaxStepFactor, s.Guardrails.MaxHourlyCostUSD, s.Guardrails.IOLimits = 4, "6.00", v1alpha1.IOLimitsIgnore
		s.Guardrails.EmergencyDisruption = v1alpha1.EmergencyDisruptionAllow
		s.PredictiveScaling = v1alpha1.PredictiveScaling{Trend: v1alpha1.PredictionModeEnabled, History: v1alpha1.PredictionModeDisabled}
		s.AfterEngineUpgrade = v1alpha1.AfterEngineUpgrade{WatchSeconds: ptr.To[int32](3600), ScaleUpPercent: 60}
		s.Prices = []v1alpha1.Price{{InstanceClass: "db.r6g.large", HourlyPriceUSD: "0.26"}}
		s.Schedules = []v1alpha1.Schedule{{
			Name: "import", StartTime: ptr.To(metav1.NewTime(now)), DurationSeconds: 60,
			Readers: &v1alpha1.ReadersMinimum{MinReplicas: 2, MinInstanceClass: "db.r6g.large"},
			Writer:  &v1alpha1.WriterMinimum{MinInstanceClass: "db.r6g.xlarge"},
		}}
	}))
	want.Mode, want.Readers.Redundancy = scaling.Approve, scaling.OneReaderLost
	want.Guardrails.MaxStepFactor, want.Guardrails.MaxHourlyCost, want.Guardrails.AllowEmergencyDisruption = 4, 6*scaling.Dollar, true
	want.Guardrails.IOLimits = scaling.IgnoreIOLimits
	want.PredictiveScaling = scaling.PredictiveScaling{Trend: true}
	want.AfterEngineUpgrade = scaling.UpgradeWatch{Duration: time.Hour, ScaleUp: 60}
	want.Prices = map[string]scaling.Money{"db.r6g.large": 260_000}
	want.ScheduledMinimums = []scaling.ScheduledMinimum{{
		Name: "import", Window: scaling.Window{Start: now, Duration: time.Minute, TimeZone: "UTC"}, MinReaders: 2,
		ReaderClass: "db.r6g.large", WriterClass: "db.r6g.xlarge",
	}}
	if err != nil || !reflect.DeepEqual(allFields, want) {
		t.Errorf("got %+v, %v; want %+v", allFields, err, want)
	}

	bare, err := Policy(newPolicy(func(s *v1alpha1.DBScalingPolicySpec) {
		s.TargetRef.Kind, s.TargetRef.AccountRef, s.Readers, s.DisruptionWindows = v1alpha1.TargetKindDBInstance, v1alpha1.AccountReference{}, nil, nil
	}))
	if err != nil || bare.Readers != nil || bare.DisruptionWindows != nil || bare.Target.Kind != scaling.DBInstance {
		t.Errorf("got %+v, %v", bare, err)
	}
	serverless, err := Policy(newPolicy(func(s *v1alpha1.DBScalingPolicySpec) {
		s.Readers, s.Writer = nil, nil
		s.Serverless = &v1alpha1.Serverless{
			MaxCapacity: v1alpha1.CapacityRange{Min: ptr.To(resource.MustParse("3.5")), Max: ptr.To(resource.MustParse("6"))},
			MinCapacity: &v1alpha1.CapacityRange{Min: ptr.To(resource.MustParse("500m")), Max: ptr.To(resource.MustParse("2"))},
		}
	}))
	if want := []string{"3.5 ACU", "4 ACU", "5 ACU", "6 ACU"}; err != nil || !serverless.Serverless || !slices.Equal(serverless.Writer.InstanceClasses, want) ||
		*serverless.MinCapacity != (scaling.CapacityRange{Lowest: 0.5, Highest: 2}) {
		t.Errorf("got %+v, %+v, %v", serverless.Writer, serverless.MinCapacity, err)
	}
	readersOnly, err := Policy(newPolicy(func(s *v1alpha1.DBScalingPolicySpec) { s.Writer = nil }))
	if err != nil || readersOnly.Writer != nil {
		t.Errorf("got %+v, %v", readersOnly, err)
	}
}

// TestEnums_MatchScalingConstants checks that the enums of the API have the values of the constants of package scaling.
func TestEnums_MatchScalingConstants(t *testing.T) {
	for api, core := range map[string]string{
		string(v1alpha1.ModeEnforce):          string(scaling.Enforce),
		string(v1alpha1.ModeRecommend):        string(scaling.Recommend),
		string(v1alpha1.ModeApprove):          string(scaling.Approve),
		string(v1alpha1.RedundancyAllReaders): string(scaling.AllReaders),

		string(v1alpha1.RedundancyOneReaderLost): string(scaling.OneReaderLost),
		string(v1alpha1.TargetKindDBCluster):     string(scaling.DBCluster),
		string(v1alpha1.TargetKindDBInstance):    string(scaling.DBInstance),
		string(v1alpha1.PreferenceCheapest):      string(scaling.Cheapest),
		string(v1alpha1.PreferenceVertical):      string(scaling.Vertical),
		string(v1alpha1.PreferenceHorizontal):    string(scaling.Horizontal),
		string(v1alpha1.PoolWriter):              string(scaling.Writer),
		string(v1alpha1.PoolReaders):             string(scaling.Readers),
		string(v1alpha1.DirectionUp):             string(scaling.Up),
		string(v1alpha1.DirectionDown):           string(scaling.Down),
		string(v1alpha1.DirectionCleanup):        string(scaling.Cleanup),
	} {
		if api != core {
			t.Errorf("the API has %q, package scaling %q", api, core)
		}
	}
}

// TestPolicy_AbsentTimeZoneIsUTC: the CRD has no default for it (package crd).
func TestPolicy_AbsentTimeZoneIsUTC(t *testing.T) {
	got, err := Policy(newPolicy(func(s *v1alpha1.DBScalingPolicySpec) {
		s.DisruptionWindows = []v1alpha1.DisruptionWindow{{Schedule: "0 2 * * *", DurationSeconds: 60}}
		s.Schedules = []v1alpha1.Schedule{{
			Name: "import", Schedule: "0 3 * * *", DurationSeconds: 60, Readers: &v1alpha1.ReadersMinimum{MinReplicas: 2},
		}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if zone := got.DisruptionWindows[0].TimeZone; zone != "UTC" {
		t.Errorf("the disruption window has the time zone %q, want UTC", zone)
	}
	if zone := got.ScheduledMinimums[0].Window.TimeZone; zone != "UTC" {
		t.Errorf("the schedule has the time zone %q, want UTC", zone)
	}
}

func TestPolicy_RejectsInvalidSpec(t *testing.T) {
	readers := func(classes ...v1alpha1.InstanceClass) func(*v1alpha1.DBScalingPolicySpec) {
		return func(s *v1alpha1.DBScalingPolicySpec) { s.Readers.InstanceClasses = classes }
	}
	writer := func(classes ...v1alpha1.InstanceClass) func(*v1alpha1.DBScalingPolicySpec) {
		return func(s *v1alpha1.DBScalingPolicySpec) { s.Writer.InstanceClasses = classes }
	}
	window := func(schedule, zone string) func(*v1alpha1.DBScalingPolicySpec) {
		return func(s *v1alpha1.DBScalingPolicySpec) {
			s.DisruptionWindows = append(s.DisruptionWindows, v1alpha1.DisruptionWindow{Schedule: schedule, DurationSeconds: 3600, TimeZone: zone})
		}
	}
	for _, test := range []struct {
		name     string
		edit     func(*v1alpha1.DBScalingPolicySpec)
		want     error
		contains []string
	}{
		{"unknown reader class", readers("db.r6g.large", "db.z9.large"), ErrUnknownClass,
			[]string{"spec.readers.instanceClasses", `"db.z9.large"`, "correct it, or remove it"}},
		{"unknown writer class", writer("db.serverless"), ErrUnknownClass,
			[]string{"spec.writer.instanceClasses"}},
		{"reader classes out of order", readers("db.r6g.xlarge", "db.r6g.large"), ErrLadderOrder,
			[]string{"spec.readers.instanceClasses", "db.r6g.large (2 vCPU) comes after db.r6g.xlarge (4 vCPU)"}},
		{"writer classes out of order", writer("db.r6g.xlarge", "db.r5.large"), ErrLadderOrder,
			[]string{"spec.writer.instanceClasses"}},
		{"invalid schedule of a disruption window", window("0 25 * * *", "UTC"), ErrSchedule,
			[]string{"spec.disruptionWindows", "window 2", "0 25 * * *"}},
		{"invalid time zone of a schedule", func(s *v1alpha1.DBScalingPolicySpec) {
			s.Schedules = []v1alpha1.Schedule{{Name: "import", Schedule: "0 2 * * *", DurationSeconds: 60, TimeZone: "Mars/Olympus"}}
		}, ErrSchedule, []string{"spec.schedules", "import", "Mars/Olympus"}},
		{"zero cost limit", func(s *v1alpha1.DBScalingPolicySpec) { s.Guardrails.MaxHourlyCostUSD = "0.00" }, ErrPrice,
			[]string{"spec.guardrails.maxHourlyCostUSD", "such as 6.00"}},
		{"zero price", func(s *v1alpha1.DBScalingPolicySpec) {
			s.Prices = []v1alpha1.Price{{InstanceClass: "db.r6g.large", HourlyPriceUSD: "0"}}
		}, ErrPrice, []string{"spec.prices", "db.r6g.large"}},
		{"invalid time zone of a disruption window", window("0 2 * * *", "Amsterdam"), ErrSchedule, []string{"window 2", "Amsterdam"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Policy(newPolicy(test.edit))
			if !errors.Is(err, test.want) {
				t.Fatalf("got the error %v, want %v", err, test.want)
			}
			for _, text := range test.contains {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error %q does not contain %q", err, text)
				}
			}
		})
	}
	if _, err := Policy(newPolicy(readers("db.r5.large", "db.r6g.large", "db.r6i.xlarge"))); err != nil {
		t.Errorf("classes of equal size are rejected: %v", err)
	}
}
