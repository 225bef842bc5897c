package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// moment looks at what must hold at every moment.
func (w *witness) moment() {
	s := w.sim
	for _, t := range w.trials {
		if t.ended || !t.surge || !w.calm(t.name, t.began) || s.worldly() {
			continue
		}
		if now := w.readers(t.name, ""); now < t.goal-0.01 && t.op.Pool == scaling.Readers {
			s.violate("%g vCPUs of readers of %s are in service in the middle of %s, and at the start there were %g", now, t.name, t.id, t.start)
		}
		if t.failedOver && t.op.Direction == scaling.Up {
			w.succession(t)
		}
	}
}

// worldly says whether something befalls the database itself in this play.
func (s *sim) worldly() bool { return len(s.plan.mishaps) > 0 }

// succession wants the reader that Aurora would promote to be as large as the writer, from the failover on.
func (w *witness) succession(t *trial) {
	c, err := w.sim.world.Cluster(region, t.name)
	if err != nil || c.Status != scaling.StatusAvailable {
		return
	}
	writer, _ := w.sim.world.GroundTruth(region, c.Writer)
	var heir string
	tier, size := 16, 0.0
	for _, id := range c.Members {
		i, errInstance := w.sim.world.Instance(region, id)
		truth, _ := w.sim.world.GroundTruth(region, id)
		if errInstance == nil && !truth.IsWriter && truth.InService && (i.PromotionTier < tier || i.PromotionTier == tier && truth.VCPUs > size) {
			heir, tier, size = id, i.PromotionTier, truth.VCPUs
		}
	}
	if heir != "" && size < writer.VCPUs && writer.VCPUs == vcpus(t.op.To.InstanceClass) && !deleted(c.Members, t) {
		w.sim.violate("%s of %g vCPUs would succeed %s of %g", heir, size, c.Writer, writer.VCPUs)
	}
}

// deleted says whether the surge reader of an operation has gone again.
func deleted(members []string, t *trial) bool {
	return !slices.ContainsFunc(t.op.Steps, func(s scaling.Step) bool {
		return s.Action == scaling.CreateReader && slices.Contains(members, s.Instance)
	})
}

// timely are the guards that time alone lifts.
var timely = []string{"Cooldown", "DisruptionWindow", "OperationsPerDay", "FleetSlot", "MetricsStale", "DatabaseBusy", "CapacityShortage"}

// settled says whether the operator has had nothing to do for a good while.
func (s *sim) settled() bool {
	if slices.ContainsFunc(s.world.Instances(region), func(i *model.Instance) bool { return i.Status != scaling.StatusAvailable }) {
		s.stirred = s.now
	}
	for _, key := range s.keys {
		p := s.store.get(key)
		if p == nil {
			continue
		}
		if p.Status.Decision == nil {
			return false
		}
		if o := p.Status.Ownership; o != nil && o.Conflict != nil { // what was undone before was seen late
			s.wish(key, map[string]string{v1alpha1.AnnotationResolveConflict: s.now.Format(time.RFC3339)})
			return false
		}
		if s.now.Sub(p.Status.Decision.Time.Time) < 10*time.Minute {
			return false
		}
		bared := *p.Spec.Guardrails.SurgeReaders == 0 && slices.Contains(bare, p.Status.Decision.HeldBackBy)
		if p.Status.Operation != nil || slices.Contains(timely, p.Status.Decision.HeldBackBy) || p.Status.Decision.Reason == "Settling" && !bared {
			return false
		}
	}
	return s.now.Sub(s.stirred) > rest && s.now.Sub(s.calmed) > rest
}

// rest is how long the operator has asked AWS for nothing when it is at rest.
const rest = 80 * time.Minute

// satisfied are the decisions that an operator at rest may have.
var satisfied = []string{"WithinBand", "AtMaximum", "AtMinimum", "NothingFits", "ScalingIneffective"}

// bare are the guards that a policy without surge readers runs into.
var bare = []string{"MinimumReaders", "ReadersCarryLoad"}

// limits are the decisions that more capacity is wanted and may not be had. A surge reader may then be of use.
var limits = []string{"AtMaximum", "NothingFits", "ScalingIneffective"}

// end looks at what is left when all is quiet.
func (w *witness) end() {
	s := w.sim
	if len(s.violations) > 0 {
		return
	}
	// A window that opens or closes may show in a status.
	if most := 5 * len(s.keys); w.writesSince(s.now.Add(-time.Hour)) > most {
		s.violate("the operator is at rest and has written %d times within an hour", w.writesSince(s.now.Add(-time.Hour)))
	}
	for _, key := range s.keys {
		p := s.store.get(key)
		w.leftover(key.Name, p)
		if p == nil && !w.removed[key.Name] {
			s.violate("the policy %s is gone", key.Name)
		}
		if p == nil {
			continue
		}
		d := p.Status.Decision
		if w.removed[key.Name] {
			if !w.surges(key.Name) { // else it is needed, as leftover has seen
				s.violate("%s was deleted and is still there: %s: %s", key.Name, d.Reason, d.Message)
			}
			continue
		}
		held := d.HeldBackBy != ""
		if *p.Spec.Guardrails.SurgeReaders == 0 && slices.Contains(bare, d.HeldBackBy) {
			continue // there is no safe way without a surge reader
		}
		if !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) || !slices.Contains(satisfied, d.Reason) || held {
			s.violate("%s ends with %s (held back by %q): %s", key.Name, d.Reason, d.HeldBackBy, d.Message)
		}
		w.carried(p)
	}
}

// surges says whether a database has a surge reader.
func (w *witness) surges(name string) bool {
	return slices.ContainsFunc(w.sim.world.Instances(region), func(i *model.Instance) bool {
		return of(i) == name && i.Tags[scaling.TagSurge] != ""
	})
}

// leftover wants no surge reader to be there but one that is needed: the readers would be too few without it, or too small.
func (w *witness) leftover(name string, p *v1alpha1.DBScalingPolicy) {
	surge, others, rest := "", 0, 0.0
	for _, i := range w.sim.world.Instances(region) {
		truth, _ := w.sim.world.GroundTruth(region, i.Identifier)
		switch {
		case of(i) != name || truth.IsWriter:
		case i.Tags[scaling.TagSurge] != "":
			surge = i.Identifier
		default:
			others++
			rest += truth.VCPUs
		}
	}
	_, readers, _ := w.sim.world.PoolGroundTruth(region, name)
	least, target := 1, 55.0
	if p != nil && p.Spec.Readers != nil {
		least = int(p.Spec.Readers.MinReplicas)
	}
	limited := p != nil && p.Status.Decision != nil && slices.Contains(limits, p.Status.Decision.Reason)
	if surge != "" && others >= least && 100*readers.DemandVCPUs < (target-12)*rest && !limited {
		w.sim.violate("the surge reader %s is left over: the others would be at %.0f %% without it", surge, 100*readers.DemandVCPUs/rest)
	}
}

// carried wants each pool that the policy scales to be neither too small for its load, nor saturated, unless it may not grow.
func (w *witness) carried(p *v1alpha1.DBScalingPolicy) {
	if slices.Contains(limits, p.Status.Decision.Reason) {
		return
	}
	writer, readers, found := w.sim.world.PoolGroundTruth(region, p.Name)
	if !found {
		return
	}
	limit := float64(p.Spec.CPU.ScaleUpPercent) + 3
	if used := 100 * writer.DemandVCPUs / writer.VCPUs; p.Spec.Writer != nil && used > limit {
		w.sim.violate("the writer of %s is at rest at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
	if used := 100 * readers.DemandVCPUs / readers.VCPUs; p.Spec.Readers != nil && readers.VCPUs > 0 && used > limit {
		w.sim.violate("the readers of %s are at rest at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
}
