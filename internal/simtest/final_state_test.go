package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// checkNow looks at what must hold at every moment.
func (w *invariantChecker) checkNow() {
	s := w.sim
	for _, t := range w.operations {
		if t.ended || !t.hasSurgeReader || !w.undisturbedSince(t.name, t.startedAt) || s.hasChaosEvents() {
			continue
		}
		if now := w.readerVCPUs(t.name, ""); now < t.minVCPUs-0.01 && t.operation.Pool == scaling.Readers {
			s.violationf("%g vCPUs of readers of %s are in service in the middle of %s, and at the start there were %g", now, t.name, t.id, t.startVCPUs)
		}
		if t.failedOver && t.operation.Direction == scaling.Up {
			w.checkPromotionCandidate(t)
		}
	}
}

// hasChaosEvents says whether something befalls the database itself in this play.
func (s *simulation) hasChaosEvents() bool { return len(s.plan.chaosEvents) > 0 }

// checkPromotionCandidate wants the reader that Aurora would promote to be as large as the writer, from the failover on.
func (w *invariantChecker) checkPromotionCandidate(t *trackedOperation) {
	c, err := w.sim.world.Cluster(region, t.name)
	if err != nil || c.Status != scaling.StatusAvailable {
		return
	}
	writer, _ := w.sim.world.GroundTruth(region, c.Writer)
	var candidate string
	candidateTier, candidateVCPUs := 16, 0.0
	for _, id := range c.Members {
		i, errInstance := w.sim.world.Instance(region, id)
		truth, _ := w.sim.world.GroundTruth(region, id)
		if errInstance == nil && !truth.IsWriter && truth.InService && (i.PromotionTier < candidateTier || i.PromotionTier == candidateTier && truth.VCPUs > candidateVCPUs) {
			candidate, candidateTier, candidateVCPUs = id, i.PromotionTier, truth.VCPUs
		}
	}
	if candidate != "" && candidateVCPUs < writer.VCPUs && writer.VCPUs == vcpus(t.operation.To.InstanceClass) && !surgeReaderDeleted(c.Members, t) {
		w.sim.violationf("%s of %g vCPUs would succeed %s of %g", candidate, candidateVCPUs, c.Writer, writer.VCPUs)
	}
}

// surgeReaderDeleted says whether the surge reader of an operation has gone again.
func surgeReaderDeleted(members []string, t *trackedOperation) bool {
	return !slices.ContainsFunc(t.operation.Steps, func(s scaling.Step) bool {
		return s.Action == scaling.CreateReader && slices.Contains(members, s.Instance)
	})
}

// temporaryGuards are the guards that time alone lifts.
var temporaryGuards = []string{"Cooldown", "DisruptionWindow", "OperationsPerDay", "FleetSlot", "MetricsStale", "DatabaseBusy", "CapacityShortage"}

// isSteady says whether the operator has had nothing to do for a good while.
func (s *simulation) isSteady() bool {
	if slices.ContainsFunc(s.world.Instances(region), func(i *model.Instance) bool { return i.Status != scaling.StatusAvailable }) {
		s.lastActivityAt = s.now
	}
	for _, key := range s.keys {
		p := s.api.current(key)
		if p == nil {
			continue
		}
		if p.Status.Decision == nil {
			return false
		}
		if o := p.Status.Ownership; o != nil && o.Conflict != nil { // what was undone before was seen late
			s.setAnnotations(key, map[string]string{v1alpha1.AnnotationResolveConflict: s.now.Format(time.RFC3339)})
			return false
		}
		if s.now.Sub(p.Status.Decision.Time.Time) < 10*time.Minute {
			return false
		}
		blockedWithoutSurge := *p.Spec.Guardrails.SurgeReaders == 0 && slices.Contains(guardsWithoutSurge, p.Status.Decision.HeldBackBy)
		if p.Status.Operation != nil || slices.Contains(temporaryGuards, p.Status.Decision.HeldBackBy) || p.Status.Decision.Reason == "Stabilizing" && !blockedWithoutSurge {
			return false
		}
	}
	return s.now.Sub(s.lastActivityAt) > quietPeriod && s.now.Sub(s.chaosEndedAt) > quietPeriod
}

// quietPeriod is how long the operator has asked AWS for nothing when it is at rest.
const quietPeriod = 80 * time.Minute

// steadyReasons are the decisions that an operator at rest may have.
var steadyReasons = []string{"WithinThresholds", "AtMaximum", "AtMinimum", "NoSuitableShape", "ScalingIneffective"}

// guardsWithoutSurge are the guards that a policy without surge readers runs into.
var guardsWithoutSurge = []string{"MinimumReaders", "ReadersCarryLoad"}

// limitReasons are the decisions that more capacity is wanted and may not be had. A surge reader may then be of use.
var limitReasons = []string{"AtMaximum", "NoSuitableShape", "ScalingIneffective"}

// checkEnd looks at what is left when all is quiet.
func (w *invariantChecker) checkEnd() {
	s := w.sim
	if len(s.violations) > 0 {
		return
	}
	// A window that opens or closes may show in a status.
	if limit := 5 * len(s.keys); w.countWritesSince(s.now.Add(-time.Hour)) > limit {
		s.violationf("the operator is at rest and has written %d times within an hour", w.countWritesSince(s.now.Add(-time.Hour)))
	}
	for _, key := range s.keys {
		p := s.api.current(key)
		w.checkLeftoverSurgeReader(key.Name, p)
		if p == nil && !w.deletedPolicies[key.Name] {
			s.violationf("the policy %s is gone", key.Name)
		}
		if p == nil {
			continue
		}
		d := p.Status.Decision
		if w.deletedPolicies[key.Name] {
			if !w.hasSurgeReader(key.Name) { // else it is needed, as leftover has seen
				s.violationf("%s was deleted and is still there: %s: %s", key.Name, d.Reason, d.Message)
			}
			continue
		}
		isBlocked := d.HeldBackBy != ""
		if *p.Spec.Guardrails.SurgeReaders == 0 && slices.Contains(guardsWithoutSurge, d.HeldBackBy) {
			continue // there is no safe way without a surge reader
		}
		if !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) || !slices.Contains(steadyReasons, d.Reason) || isBlocked {
			s.violationf("%s ends with %s (held back by %q): %s", key.Name, d.Reason, d.HeldBackBy, d.Message)
		}
		w.checkUtilization(p)
	}
}

// hasSurgeReader says whether a database has a surge reader.
func (w *invariantChecker) hasSurgeReader(name string) bool {
	return slices.ContainsFunc(w.sim.world.Instances(region), func(i *model.Instance) bool {
		return databaseOf(i) == name && i.Tags[scaling.TagSurge] != ""
	})
}

// checkLeftoverSurgeReader wants no surge reader to be there but one that is needed: the readers would be too few without it, or too small.
func (w *invariantChecker) checkLeftoverSurgeReader(name string, p *v1alpha1.DBScalingPolicy) {
	surge, others, otherVCPUs := "", 0, 0.0
	for _, i := range w.sim.world.Instances(region) {
		truth, _ := w.sim.world.GroundTruth(region, i.Identifier)
		switch {
		case databaseOf(i) != name || truth.IsWriter:
		case i.Tags[scaling.TagSurge] != "":
			surge = i.Identifier
		default:
			others++
			otherVCPUs += truth.VCPUs
		}
	}
	_, readers, _ := w.sim.world.PoolGroundTruth(region, name)
	minReaders, target := 1, 55.0
	if p != nil && p.Spec.Readers != nil {
		minReaders = int(p.Spec.Readers.MinReplicas)
	}
	limited := p != nil && p.Status.Decision != nil && slices.Contains(limitReasons, p.Status.Decision.Reason)
	if surge != "" && others >= minReaders && 100*readers.DemandVCPUs < (target-12)*otherVCPUs && !limited {
		w.sim.violationf("the surge reader %s is left over: the others would be at %.0f %% without it", surge, 100*readers.DemandVCPUs/otherVCPUs)
	}
}

// checkUtilization wants each pool that the policy scales to be neither too small for its load, nor saturated, unless it may not grow.
func (w *invariantChecker) checkUtilization(p *v1alpha1.DBScalingPolicy) {
	if slices.Contains(limitReasons, p.Status.Decision.Reason) {
		return
	}
	writer, readers, found := w.sim.world.PoolGroundTruth(region, p.Name)
	if !found {
		return
	}
	limit := float64(p.Spec.CPU.ScaleUpPercent) + 3
	if used := 100 * writer.DemandVCPUs / writer.VCPUs; p.Spec.Writer != nil && used > limit {
		w.sim.violationf("the writer of %s is at rest at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
	if used := 100 * readers.DemandVCPUs / readers.VCPUs; p.Spec.Readers != nil && readers.VCPUs > 0 && used > limit {
		w.sim.violationf("the readers of %s are at rest at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
}
