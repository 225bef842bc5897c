package simtest

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// chaosEvent is something that happens to a database, to AWS or to a policy.
type chaosEvent func(*simulation)

// databaseEvents concern a database, its metrics, and AWS.
var databaseEvents = []chaosEvent{
	deferClusterChange, stageParameters, metricGap, invalidMetrics, readOutage, writeDenial, classShortage, slowChange, instanceFailure,
	instanceReboot, clockJump, toggleOptInTag, storageOptimization, refuseChange, addCascadedReplica,
}

// userEvents are actions of users and of other controllers.
var userEvents = []chaosEvent{pausePolicy, overridePolicy, editPolicy, concurrentWriter, deletePolicy, manualResize, manualFailover, manualAddReader, manualDeleteReader}

// pickDatabase picks a policy and returns the instances of its database.
func (s *simulation) pickDatabase() (types.NamespacedName, []*model.Instance) {
	key := s.keys[s.random.IntN(len(s.keys))]
	var out []*model.Instance
	for _, i := range s.world.Instances(region) {
		if databaseOf(i) == key.Name {
			out = append(out, i)
		}
	}
	return key, out
}

// databaseOf returns the database that an instance belongs to.
func databaseOf(i *model.Instance) string {
	return cmp.Or(i.Cluster, i.ReplicationSource, i.Identifier)
}

// pickInstance picks an instance of the database of a policy, or nil when there is none.
func (s *simulation) pickInstance() (types.NamespacedName, *model.Instance) {
	key, all := s.pickDatabase()
	if len(all) == 0 {
		return key, nil
	}
	return key, all[s.random.IntN(len(all))]
}

// recordExternalChange records that somebody else changed a database.
func (s *simulation) recordExternalChange(key types.NamespacedName, format string, args ...any) {
	s.logf(format, args...)
	s.checker.externalChangeAt[key.Name] = s.now
}

func startSecondManager(s *simulation) {
	if len(s.managers) < 2 {
		until := s.now.Add(s.randomDuration(2*time.Minute, 40*time.Minute))
		s.logf("a second manager starts, until %s", until.Format("15:04:05"))
		s.startManager("the second manager", until)
	}
}

func metricGap(s *simulation) {
	if _, i := s.pickInstance(); i != nil {
		length := s.randomDuration(time.Minute, 30*time.Minute)
		s.logf("%s publishes no samples for %s", i.Identifier, length)
		s.world.AddMetricGap(region, i.Identifier, s.now, s.now.Add(length))
		s.checker.metricGaps = append(s.checker.metricGaps, interval{i.Identifier, s.now, s.now.Add(length)})
	}
}

func invalidMetrics(s *simulation) {
	length := s.randomDuration(time.Minute, 20*time.Minute)
	s.logf("CPU samples are invalid numbers for %s", length)
	s.invalidSamples = append(s.invalidSamples, interval{"", s.now, s.now.Add(length)})
}

func readOutage(s *simulation) {
	s.readsFailUntil = s.now.Add(s.randomDuration(time.Minute, 40*time.Minute))
	s.logf("reads from AWS fail until %s", s.readsFailUntil.Format("15:04:05"))
}

func writeDenial(s *simulation) {
	s.writesDeniedUntil = s.now.Add(s.randomDuration(time.Minute, 40*time.Minute))
	s.logf("the role is denied changes until %s", s.writesDeniedUntil.Format("15:04:05"))
}

func classShortage(s *simulation) {
	class := ladder[s.random.IntN(len(ladder))]
	zones := model.AvailabilityZones(region)[:s.random.IntN(3)] // none stands for all
	s.logf("AWS has insufficient capacity for %s in %v", class, zones)
	s.world.SetCapacityShortage(class, zones...)
}

func slowChange(s *simulation) {
	if _, i := s.pickInstance(); i != nil {
		extra := s.randomDuration(10*time.Minute, 3*time.Hour)
		s.logf("the next change of %s takes %s longer", i.Identifier, extra)
		s.world.DelayNextChange(region, i.Identifier, extra)
	}
}

func instanceFailure(s *simulation) {
	key, i := s.pickInstance()
	if i == nil {
		return
	}
	if err := s.world.FailInstance(region, i.Identifier, "storage-full"); err == nil {
		s.recordExternalChange(key, "%s becomes storage-full", i.Identifier)
	}
}

// storageOptimization makes RDS work on the storage of the instances of a database outside a cluster.
func storageOptimization(s *simulation) {
	_, all := s.pickDatabase()
	for _, i := range all {
		length := s.randomDuration(30*time.Minute, 26*time.Hour)
		if err := s.world.OptimizeStorage(region, i.Identifier, length); err == nil {
			s.logf("the storage of %s is optimized for %s", i.Identifier, length)
		}
	}
}

// createFailures are the statuses in which the creation of a reader can end.
var createFailures = []string{"insufficient-capacity", "insufficient-capacity", "incompatible-network", "incompatible-parameters", "incompatible-create", "failed"}

func instanceReboot(s *simulation) {
	key, i := s.pickInstance()
	if i == nil {
		return
	}
	if _, err := s.world.RebootInstance(region, i.Identifier, false); err == nil {
		s.recordExternalChange(key, "somebody reboots %s", i.Identifier)
	}
}

func clockJump(s *simulation) {
	s.skew = s.randomDuration(0, 6*time.Minute) - 3*time.Minute
	s.logf("the clock of the operator is %s ahead", s.skew)
}

func toggleOptInTag(s *simulation) {
	key, _ := s.pickDatabase()
	if _, gone := s.checker.optedOutSince[key.Name]; gone {
		s.logf("somebody adds the opt-in tag of %s again", key.Name)
		s.setOptInTag(key, true)
		return
	}
	s.logf("somebody removes the opt-in tag of %s", key.Name)
	s.setOptInTag(key, false)
}

// setOptInTag adds or removes the opt-in tag of a database.
func (s *simulation) setOptInTag(key types.NamespacedName, on bool) {
	arn := ""
	if c, err := s.world.Cluster(region, key.Name); err == nil {
		arn = c.ARN()
	} else if i, err := s.world.Instance(region, key.Name); err == nil {
		arn = i.ARN()
	}
	err := s.world.RemoveTags(arn, []string{scaling.TagOptIn})
	s.checker.optedOutSince[key.Name] = s.now
	if on {
		err = s.world.AddTags(arn, map[string]string{scaling.TagOptIn: namespace})
		delete(s.checker.optedOutSince, key.Name)
	}
	if err != nil {
		s.violationf("tagging %s: %v", key.Name, err)
	}
}

// setAnnotations replaces the annotations of a policy.
func (s *simulation) setAnnotations(key types.NamespacedName, annotations map[string]string) {
	if p := s.api.current(key); p != nil && (len(p.Annotations) > 0 || len(annotations) > 0) {
		s.api.update(key, func(p *v1alpha1.DBScalingPolicy) { p.Annotations = annotations })
	}
}

func pausePolicy(s *simulation) {
	key, _ := s.pickDatabase()
	until := s.now.Add(s.randomDuration(5*time.Minute, time.Hour)).UTC().Format(time.RFC3339)
	s.logf("a user pauses %s until %s", key.Name, until)
	s.setAnnotations(key, map[string]string{v1alpha1.AnnotationPausedUntil: until})
}

func overridePolicy(s *simulation) {
	key, all := s.pickDatabase()
	until := s.now.Add(s.randomDuration(20*time.Minute, 2*time.Hour)).UTC().Format(time.RFC3339)
	class := ladder[s.random.IntN(len(ladder))]
	annotations := map[string]string{v1alpha1.AnnotationOverrideUntil: until}
	if len(all) > 1 {
		annotations[v1alpha1.AnnotationOverrideReaders] = fmt.Sprintf("%d x %s", 1+s.random.IntN(3), class)
	} else {
		annotations[v1alpha1.AnnotationOverrideWriter] = class
	}
	s.logf("a user sets the annotations %v of %s", annotations, key.Name)
	s.setAnnotations(key, annotations)
}

func editPolicy(s *simulation) {
	key, _ := s.pickDatabase()
	smallest := s.random.IntN(2)
	maxReplicas := int32(1 + s.random.IntN(4))
	surge := ptr.To(int32(s.random.IntN(2)))
	s.logf("a user edits %s: at most %d readers, classes from %s, %d surge readers", key.Name, maxReplicas, ladder[smallest], *surge)
	s.api.update(key, func(p *v1alpha1.DBScalingPolicy) {
		classes := make([]v1alpha1.InstanceClass, 0, len(ladder))
		for _, c := range ladder[smallest:] {
			classes = append(classes, v1alpha1.InstanceClass(c))
		}
		p.Spec.Guardrails.SurgeReaders = surge
		if r := p.Spec.Readers; r != nil {
			r.MaxReplicas = max(maxReplicas, r.MinReplicas)
			r.InstanceClasses = classes
		}
	})
}

// concurrentWriter is another controller that updates the object often, so that writes of the operator conflict.
func concurrentWriter(s *simulation) {
	key, _ := s.pickDatabase()
	for range 1 + s.random.IntN(5) {
		s.api.update(key, func(p *v1alpha1.DBScalingPolicy) {
			p.Labels = map[string]string{"touched": s.now.Format("150405.000")}
		})
	}
	s.writeConflictsUntil[key] = s.now.Add(s.randomDuration(time.Minute, 20*time.Minute))
	s.logf("another controller updates %s repeatedly until %s", key.Name, s.writeConflictsUntil[key].Format("15:04:05"))
}

// deletePolicy deletes a policy, once in a run.
func deletePolicy(s *simulation) {
	key, _ := s.pickDatabase()
	if s.checker.deletedPolicies[key.Name] || len(s.checker.deletedPolicies) > 0 {
		return
	}
	s.checker.deletedPolicies[key.Name] = true
	s.logf("a user deletes the policy %s", key.Name)
	s.api.delete(key)
}

func manualResize(s *simulation) {
	key, i := s.pickInstance()
	if i == nil {
		return
	}
	class := ladder[s.random.IntN(len(ladder))]
	if i.Class == "db.serverless" {
		return // it would mix provisioned and serverless instances, which the model refuses
	}
	if _, err := s.world.ModifyInstance(region, i.Identifier, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true}); err == nil {
		s.recordExternalChange(key, "somebody resizes %s to %s", i.Identifier, class)
	}
}

func manualFailover(s *simulation) {
	key, _ := s.pickDatabase()
	if _, err := s.world.FailoverCluster(region, key.Name, ""); err == nil {
		s.recordExternalChange(key, "somebody fails %s over", key.Name)
	}
}

// deleteFailedManualReaders deletes the readers that somebody else added and that AWS failed to create, as their owner would.
func (s *simulation) deleteFailedManualReaders() {
	for _, i := range s.world.Instances(region) {
		if strings.Contains(i.Identifier, "-hand-") && s.createFailed(i) {
			if _, err := s.world.DeleteInstance(region, i.Identifier, true, ""); err == nil {
				s.logf("somebody deletes %s, which AWS failed to create", i.Identifier)
			}
		}
	}
}

func manualAddReader(s *simulation) {
	key, all := s.pickDatabase()
	if len(all) == 0 || all[0].Cluster == "" || len(all) > 4 {
		return
	}
	name := fmt.Sprintf("%s-hand-%d", key.Name, s.random.IntN(100))
	_, err := s.world.CreateInstance(region, model.CreateInstanceRequest{
		Identifier: name, Cluster: key.Name, Engine: all[0].Engine, Class: ladder[s.random.IntN(3)],
		Tags: map[string]string{scaling.TagOptIn: scaling.OptInAny},
	})
	if err == nil {
		s.recordExternalChange(key, "somebody adds the reader %s", name)
	}
}

func manualDeleteReader(s *simulation) {
	key, all := s.pickDatabase()
	if len(all) < 3 || all[0].Cluster == "" {
		return
	}
	i := all[s.random.IntN(len(all))]
	if c, err := s.world.Cluster(region, key.Name); err != nil || c.Writer == i.Identifier {
		return
	}
	if _, err := s.world.DeleteInstance(region, i.Identifier, true, ""); err == nil {
		s.recordExternalChange(key, "somebody deletes the reader %s", i.Identifier)
	}
}
