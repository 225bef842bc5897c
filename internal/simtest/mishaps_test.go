package simtest

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// mishap is something that happens to the database, to AWS or to the policy.
type mishap func(*sim)

// worldly are what befalls the database and what AWS tells of it.
var worldly = []mishap{gap, garbage, blindness, denial, scarcity, delay, breakage, reboot, clockJump, tagWithdrawn}

// personal are what people, and other controllers, do.
var personal = []mishap{pause, override, edit, relabel, removal, handResize, handFailover, handReader, handDelete}

// somebody picks a policy and the instances of its database.
func (s *sim) somebody() (types.NamespacedName, []*model.Instance) {
	key := s.keys[s.random.IntN(len(s.keys))]
	var out []*model.Instance
	for _, i := range s.world.Instances(region) {
		if of(i) == key.Name {
			out = append(out, i)
		}
	}
	return key, out
}

// of is the database that an instance belongs to.
func of(i *model.Instance) string { return cmp.Or(i.Cluster, i.ReplicationSource, i.Identifier) }

// one picks an instance of a policy's database, or nil when there is none.
func (s *sim) one() (types.NamespacedName, *model.Instance) {
	key, all := s.somebody()
	if len(all) == 0 {
		return key, nil
	}
	return key, all[s.random.IntN(len(all))]
}

// meddled notes that somebody else changed a database.
func (s *sim) meddled(key types.NamespacedName, format string, args ...any) {
	s.tell(format, args...)
	s.witness.meddled[key.Name] = s.now
}

func secondManager(s *sim) {
	if len(s.managers) < 2 {
		until := s.now.Add(s.between(2*time.Minute, 40*time.Minute))
		s.tell("a second manager begins, until %s", until.Format("15:04:05"))
		s.start("the second manager", until)
	}
}

func gap(s *sim) {
	if _, i := s.one(); i != nil {
		length := s.between(time.Minute, 30*time.Minute)
		s.tell("%s publishes nothing for %s", i.Identifier, length)
		s.world.AddMetricGap(region, i.Identifier, s.now, s.now.Add(length))
		s.witness.gaps = append(s.witness.gaps, stretch{i.Identifier, s.now, s.now.Add(length)})
	}
}

func garbage(s *sim) {
	length := s.between(time.Minute, 20*time.Minute)
	s.tell("CPU samples are no numbers for %s", length)
	s.garbage = append(s.garbage, stretch{"", s.now, s.now.Add(length)})
}

func blindness(s *sim) {
	s.blindUntil = s.now.Add(s.between(time.Minute, 40*time.Minute))
	s.tell("AWS cannot be read until %s", s.blindUntil.Format("15:04:05"))
}

func denial(s *sim) {
	s.deniedUntil = s.now.Add(s.between(time.Minute, 40*time.Minute))
	s.tell("the role may change nothing until %s", s.deniedUntil.Format("15:04:05"))
}

func scarcity(s *sim) {
	class := ladder[s.random.IntN(len(ladder))]
	zones := model.AvailabilityZones(region)[:s.random.IntN(3)] // none means all
	s.tell("AWS runs out of %s in %v", class, zones)
	s.world.SetCapacityShortage(class, zones...)
}

func delay(s *sim) {
	if _, i := s.one(); i != nil {
		by := s.between(10*time.Minute, 3*time.Hour)
		s.tell("the next change of %s takes %s longer", i.Identifier, by)
		s.world.DelayNextChange(region, i.Identifier, by)
	}
}

func breakage(s *sim) {
	key, i := s.one()
	if i == nil {
		return
	}
	if err := s.world.FailInstance(region, i.Identifier, "storage-full"); err == nil {
		s.meddled(key, "%s is storage-full", i.Identifier)
	}
}

func reboot(s *sim) {
	key, i := s.one()
	if i == nil {
		return
	}
	if _, err := s.world.RebootInstance(region, i.Identifier, false); err == nil {
		s.meddled(key, "somebody reboots %s", i.Identifier)
	}
}

func clockJump(s *sim) {
	s.skew = s.between(0, 6*time.Minute) - 3*time.Minute
	s.tell("the operator's clock is %s ahead", s.skew)
}

func tagWithdrawn(s *sim) {
	key, _ := s.somebody()
	if _, gone := s.witness.untagged[key.Name]; gone {
		s.tell("somebody gives %s its opt-in tag back", key.Name)
		s.tag(key, true)
		return
	}
	s.tell("somebody takes the opt-in tag from %s", key.Name)
	s.tag(key, false)
}

// tag sets the opt-in tag of a database, or takes it away.
func (s *sim) tag(key types.NamespacedName, on bool) {
	arn := ""
	if c, err := s.world.Cluster(region, key.Name); err == nil {
		arn = c.ARN()
	} else if i, err := s.world.Instance(region, key.Name); err == nil {
		arn = i.ARN()
	}
	err := s.world.RemoveTags(arn, []string{scaling.TagOptIn})
	s.witness.untagged[key.Name] = s.now
	if on {
		err = s.world.AddTags(arn, map[string]string{scaling.TagOptIn: namespace})
		delete(s.witness.untagged, key.Name)
	}
	if err != nil {
		s.violate("tagging %s: %v", key.Name, err)
	}
}

// wish sets a policy's annotations.
func (s *sim) wish(key types.NamespacedName, annotations map[string]string) {
	if p := s.store.get(key); p != nil && (len(p.Annotations) > 0 || len(annotations) > 0) {
		s.store.edit(key, func(p *v1alpha1.DBScalingPolicy) { p.Annotations = annotations })
	}
}

func pause(s *sim) {
	key, _ := s.somebody()
	until := s.now.Add(s.between(5*time.Minute, time.Hour)).UTC().Format(time.RFC3339)
	s.tell("somebody pauses %s until %s", key.Name, until)
	s.wish(key, map[string]string{v1alpha1.AnnotationPausedUntil: until})
}

func override(s *sim) {
	key, all := s.somebody()
	until := s.now.Add(s.between(20*time.Minute, 2*time.Hour)).UTC().Format(time.RFC3339)
	class := ladder[s.random.IntN(len(ladder))]
	wish := map[string]string{v1alpha1.AnnotationOverrideUntil: until}
	if len(all) > 1 {
		wish[v1alpha1.AnnotationOverrideReaders] = fmt.Sprintf("%d x %s", 1+s.random.IntN(3), class)
	} else {
		wish[v1alpha1.AnnotationOverrideWriter] = class
	}
	s.tell("somebody wants %v of %s", wish, key.Name)
	s.wish(key, wish)
}

func edit(s *sim) {
	key, _ := s.somebody()
	least := s.random.IntN(2)
	most := int32(1 + s.random.IntN(4))
	surge := ptr.To(int32(s.random.IntN(2)))
	s.tell("somebody edits %s: at most %d readers from %s on, %d surge readers", key.Name, most, ladder[least], *surge)
	s.store.edit(key, func(p *v1alpha1.DBScalingPolicy) {
		classes := make([]v1alpha1.InstanceClass, 0, len(ladder))
		for _, c := range ladder[least:] {
			classes = append(classes, v1alpha1.InstanceClass(c))
		}
		p.Spec.Guardrails.SurgeReaders = surge
		if r := p.Spec.Readers; r != nil {
			r.MaxReplicas = max(most, r.MinReplicas)
			r.InstanceClasses = classes
		}
	})
}

// relabel is another controller that writes the object often, so that the operator's writes meet conflicts.
func relabel(s *sim) {
	key, _ := s.somebody()
	for range 1 + s.random.IntN(5) {
		s.store.edit(key, func(p *v1alpha1.DBScalingPolicy) {
			p.Labels = map[string]string{"touched": s.now.Format("150405.000")}
		})
	}
	s.conflicts[key] = s.now.Add(s.between(time.Minute, 20*time.Minute))
	s.tell("another controller writes %s again and again until %s", key.Name, s.conflicts[key].Format("15:04:05"))
}

// removal deletes a policy, once in a play.
func removal(s *sim) {
	key, _ := s.somebody()
	if s.witness.removed[key.Name] || len(s.witness.removed) > 0 {
		return
	}
	s.witness.removed[key.Name] = true
	s.tell("somebody deletes the policy %s", key.Name)
	s.store.remove(key)
}

func handResize(s *sim) {
	key, i := s.one()
	if i == nil {
		return
	}
	class := ladder[s.random.IntN(len(ladder))]
	if i.Class == "db.serverless" {
		return // it would make a cluster of both kinds, which is refused
	}
	if _, err := s.world.ModifyInstance(region, i.Identifier, model.ModifyInstanceRequest{Class: &class, ApplyImmediately: true}); err == nil {
		s.meddled(key, "somebody resizes %s to %s", i.Identifier, class)
	}
}

func handFailover(s *sim) {
	key, _ := s.somebody()
	if _, err := s.world.FailoverCluster(region, key.Name, ""); err == nil {
		s.meddled(key, "somebody fails %s over", key.Name)
	}
}

func handReader(s *sim) {
	key, all := s.somebody()
	if len(all) == 0 || all[0].Cluster == "" || len(all) > 4 {
		return
	}
	name := fmt.Sprintf("%s-hand-%d", key.Name, s.random.IntN(100))
	_, err := s.world.CreateInstance(region, model.CreateInstanceRequest{
		Identifier: name, Cluster: key.Name, Engine: all[0].Engine, Class: ladder[s.random.IntN(3)],
		Tags: map[string]string{scaling.TagOptIn: "*"},
	})
	if err == nil {
		s.meddled(key, "somebody adds the reader %s", name)
	}
}

func handDelete(s *sim) {
	key, all := s.somebody()
	if len(all) < 3 || all[0].Cluster == "" {
		return
	}
	i := all[s.random.IntN(len(all))]
	if c, err := s.world.Cluster(region, key.Name); err != nil || c.Writer == i.Identifier {
		return
	}
	if _, err := s.world.DeleteInstance(region, i.Identifier, true, ""); err == nil {
		s.meddled(key, "somebody deletes the reader %s", i.Identifier)
	}
}
