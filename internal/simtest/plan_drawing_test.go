package simtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	region    = "eu-west-1"
	namespace = "platform"
)

// startTime is when every simulation starts.
var startTime = time.Date(2026, 2, 5, 8, 0, 0, 0, time.UTC)

// ladder is the list of classes of the policies.
var ladder = []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge"}

// runPlan is what a simulation starts with and which faults and events it has.
type runPlan struct {
	scenario model.Scenario
	policies []*v1alpha1.DBScalingPolicy
	// chaosDuration is how long faults and chaos events occur. After that the load is flat and nobody else changes anything.
	chaosDuration time.Duration
	slots         int
	// shards is the number of shards at the start; 0 is one manager that takes everything.
	shards     int
	faultRates faultRates
	// chaosEvents occur at random times. An event that is listed twice occurs twice as often.
	chaosEvents []chaosEvent
}

// faultRates are the probabilities of the faults of each request.
type faultRates struct {
	crash, requestLost, answerLost, throttled, apiFails, apiAnswerLost, slow float64
	// createFails is the probability that AWS accepts the creation of a reader and then fails to create it.
	createFails float64
	// maxCacheLag is the maximum lag of caches.
	maxCacheLag time.Duration
}

// drawPlan makes the plan of a seed. One in five has no faults; the others have only a few kinds each, so that a failure is easy to
// analyse.
func drawPlan(seed uint64) *runPlan {
	p := drawBasePlan(seed)
	drawTopology(seed, p)
	drawShards(seed, p)
	return p
}

// drawBasePlan makes the plan without what drawTopology adds.
func drawBasePlan(seed uint64) *runPlan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &runPlan{chaosDuration: time.Duration(150+r.IntN(120)) * time.Minute, faultRates: faultRates{maxCacheLag: time.Second}, slots: 1 + r.IntN(3)}
	p.scenario = model.Scenario{Start: metav1.NewTime(startTime), Seed: int64(seed), AccountID: "123456789012"}
	p.scenario.CreateTimeAtAcceptance = seed%2 == 1
	count := []int{1, 1, 1, 2, 2, 3}[r.IntN(6)]
	for n := range count {
		d := drawDatabase(r, fmt.Sprintf("db%d", n+1), p.chaosDuration)
		p.scenario.Databases = append(p.scenario.Databases, d)
		p.policies = append(p.policies, drawPolicy(r, d))
	}
	drawIO(seed, p.scenario.Databases)
	if r.IntN(4) == 0 {
		p.scenario.RefuseAfterAvailable.Duration = 20 * time.Second
	}
	if r.IntN(5) == 0 {
		return p
	}
	for range 1 + r.IntN(4) {
		planFaults[r.IntN(len(planFaults))](r, p)
	}
	for _, d := range p.scenario.Databases { // only ModifyDBCluster applies deferred changes of a cluster, and few plans use it
		if isResizedAsUnit := d.Serverless != nil || len(d.Instances) > 0 && d.Engine == "postgres"; isResizedAsUnit && r.IntN(2) == 0 {
			p.chaosEvents = append(p.chaosEvents, deferClusterChange)
		}
	}
	for n := range p.scenario.Databases { // few databases have read replicas
		if d := &p.scenario.Databases[n]; len(d.Replicas) > 0 && r.IntN(3) > 0 {
			leaveReplicasWithoutClients(r, d)
		}
	}
	return p
}

// planFaults are the kinds of faults that a plan can have.
var planFaults = []func(*rand.Rand, *runPlan){
	func(r *rand.Rand, p *runPlan) { p.faultRates.crash = 0.02 + 0.2*r.Float64() },
	func(r *rand.Rand, p *runPlan) { p.faultRates.crash = 0.02 + 0.2*r.Float64() },
	func(r *rand.Rand, p *runPlan) { p.faultRates.requestLost = 0.3 * r.Float64() },
	func(r *rand.Rand, p *runPlan) { p.faultRates.answerLost = 0.5 * r.Float64() },
	func(r *rand.Rand, p *runPlan) { p.faultRates.throttled = 0.3 * r.Float64() },
	func(r *rand.Rand, p *runPlan) {
		p.faultRates.apiFails, p.faultRates.apiAnswerLost = 0.1*r.Float64(), 0.1*r.Float64()
	},
	func(r *rand.Rand, p *runPlan) { p.faultRates.slow = 0.2 * r.Float64() },
	func(r *rand.Rand, p *runPlan) { p.faultRates.maxCacheLag = time.Duration(1+r.IntN(60)) * time.Second },
	func(_ *rand.Rand, p *runPlan) { p.chaosEvents = append(p.chaosEvents, startSecondManager) },
	func(r *rand.Rand, p *runPlan) { p.faultRates.createFails = 0.1 + 0.6*r.Float64() },
	func(r *rand.Rand, p *runPlan) {
		p.scenario.StorageInitialization.Duration = time.Duration(20+r.IntN(160)) * time.Minute
		p.chaosEvents = append(p.chaosEvents, storageOptimization)
	},
	func(r *rand.Rand, p *runPlan) {
		p.chaosEvents = append(p.chaosEvents, []chaosEvent{deferClusterChange, stageParameters}[r.IntN(2)])
	},
	func(r *rand.Rand, p *runPlan) {
		p.chaosEvents = append(p.chaosEvents, databaseEvents[r.IntN(len(databaseEvents))])
	},
	func(r *rand.Rand, p *runPlan) {
		p.chaosEvents = append(p.chaosEvents, databaseEvents[r.IntN(len(databaseEvents))])
	},
	func(r *rand.Rand, p *runPlan) {
		p.chaosEvents = append(p.chaosEvents, userEvents[r.IntN(len(userEvents))])
	},
	func(r *rand.Rand, p *runPlan) {
		p.chaosEvents = append(p.chaosEvents, userEvents[r.IntN(len(userEvents))])
	},
	func(_ *rand.Rand, p *runPlan) { p.chaosEvents = append(p.chaosEvents, refuseChange) },
}

// drawDatabase makes a cluster with zero to three readers, or sometimes an instance, and a load that changes a few times and is flat
// after the chaos.
func drawDatabase(r *rand.Rand, name string, chaos time.Duration) model.Database {
	tags := map[string]string{scaling.TagOptIn: namespace}
	d := model.Database{
		Identifier: name, Region: region, Engine: "aurora-postgresql", EngineVersion: "16.1", Tags: tags, PerformanceInsights: r.IntN(3) > 0,
	}
	writer := r.IntN(3)
	size := vcpus(ladder[writer])
	if r.IntN(8) == 0 {
		d.Engine, d.Class, d.MultiAZ = "postgres", ladder[writer], r.IntN(2) == 0
		d.Load.Writer = drawLoad(r, size, chaos)
		if replicas := r.IntN(3); replicas > 0 {
			class := ladder[r.IntN(3)]
			for n := range replicas {
				member := model.Member{Identifier: fmt.Sprintf("%s-%d", name, n+2), Class: class, Tags: tags}
				if r.IntN(4) == 0 && n > 0 {
					member.Tags = map[string]string{scaling.TagOptIn: namespace, scaling.TagCreatedBy: scaling.TagCreatedByValue}
				}
				d.Replicas = append(d.Replicas, member)
			}
			d.Load.Readers = drawLoad(r, float64(replicas)*vcpus(class), chaos)
			if r.IntN(3) == 0 { // without transactions on the source, the lag of the replicas rises to five minutes
				d.Load.Writer = model.Curve{}
			}
		}
		return d
	}
	if r.IntN(12) == 0 {
		d.Engine = "postgres"
		for n := range 3 {
			d.Instances = append(d.Instances, model.Member{Identifier: fmt.Sprintf("%s-%d", name, n+1), Class: localStorageClass(ladder[writer]), Tags: tags})
		}
		d.Load.Writer, d.Load.Readers = drawLoad(r, size, chaos), drawLoad(r, 2*size, chaos)
		return d
	}
	if r.IntN(12) == 0 {
		d.Serverless = &model.ServerlessCapacity{Min: 0.5, Max: 4 * size}
		for n := range 1 + r.IntN(2) {
			d.Instances = append(d.Instances, model.Member{Identifier: fmt.Sprintf("%s-%d", name, n+1), Class: "db.serverless", Tags: tags})
		}
		d.Load.Writer, d.Load.Readers = drawLoad(r, size, chaos), drawLoad(r, size/2, chaos)
		return d
	}
	d.Instances = []model.Member{{Identifier: name + "-1", Class: ladder[writer], Tags: tags}}
	class := r.IntN(3)
	readers := []int{0, 1, 1, 2, 2, 3}[r.IntN(6)]
	for n := range readers {
		if r.IntN(10) == 0 {
			class = r.IntN(3) // a mixed pool
		}
		tier := []int{1, 1, 1, 0, 15}[r.IntN(5)]
		member := model.Member{Identifier: fmt.Sprintf("%s-%d", name, n+2), Class: ladder[class], PromotionTier: &tier, Tags: tags}
		if r.IntN(4) == 0 && n > 0 {
			member.Tags = map[string]string{scaling.TagOptIn: namespace, scaling.TagCreatedBy: scaling.TagCreatedByValue}
		}
		d.Instances = append(d.Instances, member)
	}
	d.Load.Writer = drawLoad(r, size, chaos)
	d.Load.Readers = drawLoad(r, float64(max(1, readers))*vcpus(ladder[class]), chaos)
	return d
}

// localStorageClass returns the class of the same size with local storage, which Multi-AZ DB clusters require.
func localStorageClass(class string) string { return strings.Replace(class, "r6g", "r6gd", 1) }

// drawLoad makes a load that rises, falls, jumps and spikes, relative to the initial capacity in vCPUs.
func drawLoad(r *rand.Rand, capacity float64, chaos time.Duration) model.Curve {
	level := func() float64 { return capacity * (0.05 + []float64{0.2, 0.5, 0.8, 1.5, 2.5}[r.IntN(5)]*r.Float64()) }
	c := model.Curve{}
	add := func(at time.Duration, v float64) {
		c.Points = append(c.Points, model.CurvePoint{At: model.Instant{Offset: at}, VCPUs: v})
	}
	now := capacity * (0.2 + 0.4*r.Float64())
	add(0, now)
	for at := time.Duration(20+r.IntN(60)) * time.Minute; at < chaos-time.Hour; at += time.Duration(45+r.IntN(120)) * time.Minute {
		add(at, now)
		next := level()
		ramp := []time.Duration{time.Minute, 10 * time.Minute, 40 * time.Minute}[r.IntN(3)]
		switch r.IntN(8) {
		case 0: // a short spike
			add(at+time.Minute, next)
			next, ramp = now, time.Duration(3+r.IntN(10))*time.Minute
		case 1: // a burst that rises on while readers are added
			rise := time.Duration(8+r.IntN(5)) * time.Minute
			add(at+rise, capacity*(2+4*r.Float64()))
			add(at+rise+time.Duration(5+r.IntN(5))*time.Minute, capacity*(2+4*r.Float64()))
			next, ramp = now, rise+20*time.Minute
		}
		add(at+ramp, next)
		now = next
	}
	return c
}

// drawPolicy makes a policy for a database.
func drawPolicy(r *rand.Rand, d model.Database) *v1alpha1.DBScalingPolicy {
	p := &v1alpha1.DBScalingPolicy{}
	p.Name, p.Namespace, p.Generation = d.Identifier, namespace, 1
	p.UID = types.UID("uid-" + d.Identifier)
	p.CreationTimestamp = metav1.NewTime(startTime.Add(-time.Hour))
	classes := make([]v1alpha1.InstanceClass, len(ladder))
	for n, c := range ladder {
		classes[n] = v1alpha1.InstanceClass(c)
	}
	s := &p.Spec
	s.TargetRef = v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: d.Identifier, Region: region}
	s.Mode = v1alpha1.ModeEnforce
	s.CPU = v1alpha1.CPUThresholds{TargetPercent: 55, ScaleUpPercent: 70, ScaleDownPercent: 35}
	s.Behavior.ScaleUp = v1alpha1.ScaleUpBehavior{WindowSeconds: int32(60 * (1 + r.IntN(5))), CooldownSeconds: ptr.To(int32(60 * r.IntN(15)))}
	s.Behavior.ScaleDown = v1alpha1.ScaleDownBehavior{
		WindowSeconds: int32(600 * (1 + r.IntN(5))), CooldownSeconds: ptr.To(int32(300 * r.IntN(10))),
	}
	s.Guardrails = v1alpha1.Guardrails{
		MaxOperationsPerDay: 48, SurgeReaders: ptr.To(int32(1)), MaxStepFactor: 4, EmergencyDisruption: v1alpha1.EmergencyDisruptionForbid,
	}
	if r.IntN(6) == 0 {
		s.Guardrails.SurgeReaders = ptr.To(int32(0))
	}
	if r.IntN(3) == 0 {
		s.Guardrails.EmergencyDisruption = v1alpha1.EmergencyDisruptionAllow
	}
	s.PredictiveScaling = v1alpha1.PredictiveScaling{Trend: v1alpha1.PredictionModeDisabled, History: v1alpha1.PredictionModeDisabled}
	if r.IntN(2) == 0 {
		s.PredictiveScaling.Trend = v1alpha1.PredictionModeEnabled
	}
	s.AfterEngineUpgrade = v1alpha1.AfterEngineUpgrade{WatchSeconds: ptr.To(int32(86400)), ScaleUpPercent: 60}
	if r.IntN(3) == 0 { // disruption windows of half an hour every two hours
		s.DisruptionWindows = []v1alpha1.DisruptionWindow{{Schedule: "0 */2 * * *", DurationSeconds: 1800, TimeZone: "UTC"}}
	}
	if len(d.Instances) == 0 {
		s.TargetRef.Kind = v1alpha1.TargetKindDBInstance
		s.Writer = &v1alpha1.Writer{InstanceClasses: classes}
		if len(d.Replicas) > 0 {
			s.Readers = &v1alpha1.Readers{
				InstanceClasses: classes, MinReplicas: 1, MaxReplicas: int32(len(d.Replicas) + r.IntN(3)),
				Preference: v1alpha1.PreferenceCheapest, Redundancy: v1alpha1.RedundancyAllReaders,
			}
		}
		return p
	}
	if d.Serverless != nil {
		s.Serverless = &v1alpha1.Serverless{
			MaxCapacity: v1alpha1.CapacityRange{Min: ptr.To(resource.MustParse("8")), Max: ptr.To(resource.MustParse("64"))},
		}
		if d.Load.Writer.Points[0].VCPUs > 1 { // about half of them
			s.Serverless.MinCapacity = &v1alpha1.CapacityRange{Min: ptr.To(resource.MustParse("0.5")), Max: ptr.To(resource.MustParse("8"))}
		}
		return p
	}
	if d.Engine == "postgres" {
		for n := range classes {
			classes[n] = v1alpha1.InstanceClass(localStorageClass(string(classes[n])))
		}
		s.Writer = &v1alpha1.Writer{InstanceClasses: classes}
		return p
	}
	if r.IntN(3) > 0 {
		s.Writer = &v1alpha1.Writer{InstanceClasses: classes}
	}
	if s.Writer == nil || r.IntN(5) > 0 {
		s.Readers = &v1alpha1.Readers{
			InstanceClasses: classes, MinReplicas: 1, MaxReplicas: int32(max(len(d.Instances)-1, 1+r.IntN(4))),
			Preference: []v1alpha1.Preference{v1alpha1.PreferenceCheapest, v1alpha1.PreferenceVertical, v1alpha1.PreferenceHorizontal}[r.IntN(3)],
			Redundancy: []v1alpha1.Redundancy{v1alpha1.RedundancyAllReaders, v1alpha1.RedundancyOneReaderLost}[r.IntN(2)],
		}
	}
	return p
}
