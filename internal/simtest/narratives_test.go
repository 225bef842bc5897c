package simtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

var update = flag.Bool("update", false, "rewrite the golden files of the narratives")

// narratives are runs whose logs are golden files in testdata.
var narratives = []struct {
	name string
	// summary is the first line of the golden file.
	summary string
	plan    func() *runPlan
	// events are chaos events at fixed times after the start.
	events map[time.Duration]chaosEvent
}{
	{"readers-grow", "The readers' load doubles at 08:40. The process crashes now and then.", func() *runPlan {
		p := newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 3)
		p.faultRates.crash = 0.2
		return p
	}, nil},
	{"writer-grows", "The writer's load doubles at 08:40. Responses of AWS are lost.", func() *runPlan {
		p := newNarrativePlan(cluster("orders", 1.9, "db.r6g.large", "db.r6g.large"), 0.5, 0.5)
		p.scenario.Databases[0].Load.Writer = stepCurve(0.9, 1.8)
		p.faultRates.answerLost = 0.6
		return p
	}, nil},
	{"no-capacity", "AWS has insufficient capacity for the desired class in every availability zone.", func() *runPlan {
		return newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 2.9)
	}, map[time.Duration]chaosEvent{
		30 * time.Minute: func(s *simulation) {
			s.logf("AWS has insufficient capacity for db.r6g.xlarge")
			s.world.SetCapacityShortage("db.r6g.xlarge")
		},
	}},
	{"creation-fails", "AWS accepts the creation of the first reader and ends it with insufficient-capacity.", func() *runPlan {
		return newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 3)
	}, map[time.Duration]chaosEvent{
		30 * time.Minute: func(s *simulation) { s.nextCreateStatus = "insufficient-capacity" },
	}},
	{"policy-deleted", "The policy is deleted during an operation.", func() *runPlan {
		return newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 3)
	}, map[time.Duration]chaosEvent{60 * time.Minute: deletePolicy}},
	{"surge-reader-deleted", "Somebody deletes the surge reader during an operation.", func() *runPlan {
		return newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 3)
	}, map[time.Duration]chaosEvent{61 * time.Minute: func(s *simulation) {
		for _, i := range s.world.Instances(region) {
			if i.Tags[scaling.TagSurge] != "" {
				if _, err := s.world.DeleteInstance(region, i.Identifier, true, ""); err == nil {
					s.recordExternalChange(s.keys[0], "somebody deletes %s", i.Identifier)
				}
			}
		}
	}}},
	{"shards-change", "The number of shards changes during an operation: shard 0 of 3 and shard 3 of 4 take the policy at the same time.", func() *runPlan {
		p := newNarrativePlan(cluster("orders", 2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.large"), 1.5, 3)
		p.shards = 3
		p.policies[0].Spec.TargetRef.AccountRef.Name = "production"
		return p
	}, map[time.Duration]chaosEvent{50 * time.Minute: func(s *simulation) { changeShardsTo(s, 4) }}},
}

// cluster returns an Aurora cluster. The first class is that of the writer.
func cluster(name string, writer float64, classes ...string) model.Database {
	tags := map[string]string{scaling.TagOptIn: namespace}
	d := model.Database{
		Identifier: name, Region: region, Engine: "aurora-postgresql", EngineVersion: "16.1", Tags: tags, PerformanceInsights: true,
	}
	for n, class := range classes {
		d.Instances = append(d.Instances, model.Member{Identifier: name + "-" + string(rune('1'+n)), Class: class, Tags: tags})
	}
	d.Load.Writer = stepCurve(writer/2, writer/2)
	return d
}

// stepCurve returns a load in vCPUs that changes at 08:40.
func stepCurve(before, after float64) model.Curve {
	return model.Curve{Points: []model.CurvePoint{
		{At: model.Instant{Offset: 39 * time.Minute}, VCPUs: before}, {At: model.Instant{Offset: 40 * time.Minute}, VCPUs: after},
	}}
}

// newNarrativePlan returns a plan with one database, whose reader load changes at 08:40, and a typical policy.
func newNarrativePlan(d model.Database, before, after float64) *runPlan {
	d.Load.Readers = stepCurve(before, after)
	p := &runPlan{chaosDuration: 3 * time.Hour, slots: 3, faultRates: faultRates{maxCacheLag: time.Second}}
	p.scenario = model.Scenario{Start: metav1.NewTime(startTime), Seed: 1, AccountID: "123456789012", Databases: []model.Database{d}}
	policy := &v1alpha1.DBScalingPolicy{}
	policy.Name, policy.Namespace, policy.UID, policy.Generation = d.Identifier, namespace, "uid", 1
	policy.CreationTimestamp = metav1.NewTime(startTime)
	classes := []v1alpha1.InstanceClass{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}
	policy.Spec = v1alpha1.DBScalingPolicySpec{
		TargetRef: v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: d.Identifier, Region: region},
		Mode:      v1alpha1.ModeEnforce,
		Writer:    &v1alpha1.Writer{InstanceClasses: classes},
		Readers: &v1alpha1.Readers{
			InstanceClasses: classes, MinReplicas: 1, MaxReplicas: 4,
			Preference: v1alpha1.PreferenceVertical, Redundancy: v1alpha1.RedundancyAllReaders,
		},
		CPU: v1alpha1.CPUThresholds{TargetPercent: 55, ScaleUpPercent: 70, ScaleDownPercent: 35},
		Behavior: v1alpha1.Behavior{
			ScaleUp:   v1alpha1.ScaleUpBehavior{WindowSeconds: 180, CooldownSeconds: ptr.To(int32(600))},
			ScaleDown: v1alpha1.ScaleDownBehavior{WindowSeconds: 3600, CooldownSeconds: ptr.To(int32(3600))},
		},
		Guardrails: v1alpha1.Guardrails{
			MaxOperationsPerDay: 6, SurgeReaders: ptr.To(int32(1)), MaxStepFactor: 4, EmergencyDisruption: v1alpha1.EmergencyDisruptionForbid,
		},
		PredictiveScaling:  v1alpha1.PredictiveScaling{Trend: v1alpha1.PredictionModeEnabled, History: v1alpha1.PredictionModeDisabled},
		AfterEngineUpgrade: v1alpha1.AfterEngineUpgrade{WatchSeconds: ptr.To(int32(86400)), ScaleUpPercent: 60},
	}
	p.policies = []*v1alpha1.DBScalingPolicy{policy}
	return p
}

// TestNarratives compares the log of each narrative with its golden file.
func TestNarratives(t *testing.T) {
	for _, n := range narratives {
		t.Run(n.name, func(t *testing.T) {
			p := n.plan()
			for range n.events {
				p.chaosEvents = append(p.chaosEvents, nil)
			}
			s := newSimulation(t.Context(), 1, p)
			index := 0
			for at, event := range n.events {
				k := index
				p.chaosEvents[k], s.chaosDue[k] = func(s *simulation) {
					event(s)
					s.chaosDue[k] = startTime.Add(1000 * time.Hour) // only once
				}, startTime.Add(at)
				index++
			}
			s.run()
			for _, v := range s.violations {
				t.Error(v)
			}
			got := n.summary + "\n\n" + strings.Join(s.lines, "\n") + "\n"
			path := filepath.Join("testdata", n.name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("the log differs from %s (rewrite it with: go test ./internal/simtest -run Narratives -update), error %v; got\n%s", path, err, got)
			}
		})
	}
}
