package simtest

import (
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// checkNow checks the invariants that hold at every time.
func (ic *invariantChecker) checkNow() {
	s := ic.sim
	for _, t := range ic.operations {
		if t.ended || !t.hasSurgeReader || !ic.undisturbedSince(t.name, t.startedAt) || s.hasChaosEvents() {
			continue
		}
		if inService := ic.readerVCPUs(t.name, ""); inService < t.minVCPUs-0.01 && t.operation.Pool == scaling.Readers {
			s.violationf("%g vCPUs of readers of %s are in service during %s; there were %g at the start", inService, t.name, t.id, t.startVCPUs)
		}
		if t.failedOver && t.operation.Direction == scaling.Up && !t.promotesTwice() {
			ic.checkPromotionCandidate(t)
		}
	}
}

// hasChaosEvents reports whether this run has chaos events.
func (s *simulation) hasChaosEvents() bool { return len(s.plan.chaosEvents) > 0 }

// checkPromotionCandidate requires that, from the failover on, the reader that Aurora would promote is as large as the writer.
func (ic *invariantChecker) checkPromotionCandidate(t *trackedOperation) {
	c, err := ic.sim.world.Cluster(region, t.name)
	if err != nil || c.Status != scaling.StatusAvailable {
		return
	}
	writer, _ := ic.sim.world.GroundTruth(region, c.Writer)
	var candidate string
	candidateTier, candidateVCPUs := 16, 0.0
	for _, id := range c.Members {
		i, errInstance := ic.sim.world.Instance(region, id)
		actual, _ := ic.sim.world.GroundTruth(region, id)
		hasPrecedence := i.PromotionTier < candidateTier || i.PromotionTier == candidateTier && actual.VCPUs > candidateVCPUs
		if errInstance == nil && !actual.IsWriter && actual.InService && hasPrecedence {
			candidate, candidateTier, candidateVCPUs = id, i.PromotionTier, actual.VCPUs
		}
	}
	if candidate != "" && candidateVCPUs < writer.VCPUs && writer.VCPUs == vcpus(t.operation.To.InstanceClass) && !surgeReaderDeleted(c.Members, t) {
		ic.sim.violationf("%s with %g vCPUs would replace the writer %s with %g", candidate, candidateVCPUs, c.Writer, writer.VCPUs)
	}
}

// surgeReaderDeleted reports whether the surge reader of an operation no longer exists.
func surgeReaderDeleted(members []string, t *trackedOperation) bool {
	return !slices.ContainsFunc(t.operation.Steps, func(s scaling.Step) bool {
		return s.Action == scaling.CreateReader && slices.Contains(members, s.Instance)
	})
}

// temporaryGuards are the guards whose veto ends with time.
var temporaryGuards = []string{"Cooldown", "DisruptionWindow", "OperationsPerDay", "FleetSlot", "MetricsStale", "DatabaseBusy", "CapacityShortage"}

// isSteady reports whether the operator has had nothing to do for the quiet period.
func (s *simulation) isSteady() bool {
	if slices.ContainsFunc(s.world.Instances(region), func(i *model.Instance) bool { return !isIdle(i) && !s.createFailed(i) }) {
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
		if o := p.Status.Ownership; o != nil && o.Conflict != nil { // a revert was detected late
			s.setAnnotations(key, map[string]string{v1alpha1.AnnotationResolveConflict: s.now.Format(time.RFC3339)})
			return false
		}
		if s.voidRefusals(key) { // AWS refused a change during the chaos, and the operator concluded it later
			return false
		}
		if s.now.Sub(p.Status.Decision.Time.Time) < 10*time.Minute {
			return false
		}
		stabilizing := p.Status.Decision.Reason == string(scaling.ReasonStabilizing) && !isBlockedWithoutSurge(p)
		if p.Status.Operation != nil || slices.Contains(temporaryGuards, blockingGuard(p)) || stabilizing {
			return false
		}
	}
	return s.now.Sub(s.lastActivityAt) > quietPeriod && s.now.Sub(s.chaosEndedAt) > quietPeriod
}

// quietPeriod is how long no change is in progress in a steady state.
const quietPeriod = 80 * time.Minute

// steadyReasons are the reasons of decisions in a steady state.
var steadyReasons = append([]scaling.Reason{
	scaling.ReasonWithinThresholds, scaling.ReasonAtMinimum, scaling.ReasonStaticEndpoints,
}, limitReasons...)

// limitReasons are the reasons for not adding required capacity. A surge reader may then be kept.
var limitReasons = []scaling.Reason{scaling.ReasonAtMaximum, scaling.ReasonNoSuitableShape, scaling.ReasonScalingIneffective}

// blockingGuard returns the first guard that blocks the decision of a policy, or "".
func blockingGuard(p *v1alpha1.DBScalingPolicy) string { return p.Status.Decision.FirstBlocker() }

// isBlockedWithoutSurge reports whether a policy without surge readers is blocked for good: no sequence of steps is safe.
func isBlockedWithoutSurge(p *v1alpha1.DBScalingPolicy) bool {
	return *p.Spec.Guardrails.SurgeReaders == 0 && slices.Contains([]string{"MinimumReaders", "ReaderCapacity", "OperationImpossible"}, blockingGuard(p))
}

// isLimited reports whether a limit prevents required capacity.
func isLimited(p *v1alpha1.DBScalingPolicy) bool {
	return slices.Contains(limitReasons, scaling.Reason(p.Status.Decision.Reason))
}

// checkEnd checks the final state.
func (ic *invariantChecker) checkEnd() {
	s := ic.sim
	if len(s.violations) > 0 {
		return
	}
	// A window that opens or closes may change a status.
	if limit := 5 * len(s.keys); ic.countWritesSince(s.now.Add(-time.Hour)) > limit {
		s.violationf("in a steady state the operator has written %d times within an hour", ic.countWritesSince(s.now.Add(-time.Hour)))
	}
	for _, key := range s.keys {
		p := s.api.current(key)
		ic.checkLeftoverSurgeReader(key.Name, p)
		ic.checkFailedReaders(key.Name)
		if p == nil && !ic.deletedPolicies[key.Name] {
			s.violationf("the policy %s no longer exists", key.Name)
		}
		if p == nil {
			continue
		}
		d := p.Status.Decision
		if ic.deletedPolicies[key.Name] {
			if !ic.hasSurgeReader(key.Name) { // it is needed then, see checkLeftoverSurgeReader
				s.violationf("%s was deleted and still exists: %s: %s", key.Name, d.Reason, d.Message)
			}
			continue
		}
		if isBlockedWithoutSurge(p) || ic.keepsReplicatedSurgeReader(key.Name, p) {
			continue
		}
		isReady := meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady)
		if !isReady || !slices.Contains(steadyReasons, scaling.Reason(d.Reason)) || blockingGuard(p) != "" {
			s.violationf("%s ends with %s (blocked by %q): %s", key.Name, d.Reason, blockingGuard(p), d.Message)
		}
		ic.checkUtilization(p)
	}
}

// hasSurgeReader reports whether a database has a surge reader.
func (ic *invariantChecker) hasSurgeReader(name string) bool {
	return slices.ContainsFunc(ic.sim.world.Instances(region), func(i *model.Instance) bool {
		return databaseOf(i) == name && i.Tags[scaling.TagSurge] != ""
	})
}

// keepsReplicatedSurgeReader reports whether the operator keeps a surge reader because somebody replicates from it.
func (ic *invariantChecker) keepsReplicatedSurgeReader(name string, p *v1alpha1.DBScalingPolicy) bool {
	return blockingGuard(p) == "ReaderNotOwned" && slices.ContainsFunc(ic.sim.world.Instances(region), func(i *model.Instance) bool {
		return databaseOf(i) == name && i.Tags[scaling.TagSurge] != "" && hasCascade(i)
	})
}

// checkFailedReaders requires that no reader is left that AWS failed to create. A deleted policy leaves one that was not for the length
// of an operation.
func (ic *invariantChecker) checkFailedReaders(name string) {
	for _, i := range ic.sim.world.Instances(region) {
		if databaseOf(i) == name && ic.sim.createFailed(i) && (!ic.deletedPolicies[name] || i.Tags[scaling.TagSurge] != "") {
			ic.sim.violationf("%s is still %s: AWS failed to create it, and the operator has not deleted it", i.Identifier, i.Status)
		}
	}
}

// checkLeftoverSurgeReader requires that no surge reader exists unless it is needed: without it the readers would be too few or too small.
func (ic *invariantChecker) checkLeftoverSurgeReader(name string, p *v1alpha1.DBScalingPolicy) {
	surge, others, otherVCPUs, smallest := "", 0, 0.0, math.Inf(1)
	for _, i := range ic.sim.world.Instances(region) {
		actual, _ := ic.sim.world.GroundTruth(region, i.Identifier)
		switch {
		case databaseOf(i) != name || actual.IsWriter:
		case hasCascade(i) && i.Tags[scaling.TagSurge] != "": // somebody replicates from it, so that it must stay
		case i.Tags[scaling.TagSurge] != "":
			surge = i.Identifier
		default:
			others++
			if actual.HasClients {
				otherVCPUs += actual.VCPUs
				smallest = min(smallest, actual.VCPUs)
			}
		}
	}
	_, readers, _ := ic.sim.world.PoolGroundTruth(region, name)
	minReaders, target := 1, 55.0
	if p != nil && p.Spec.TargetRef.Kind == v1alpha1.TargetKindDBInstance { // judged by the busiest replica, not by the mean
		target = 42
	}
	if p != nil && p.Spec.Readers != nil {
		minReaders = int(p.Spec.Readers.MinReplicas)
	}
	limited := p != nil && p.Status.Decision != nil && isLimited(p)
	if share := readers.DemandVCPUs / float64(others+1); share > 0.9*smallest {
		limited = true // the connections are shared equally, and the smallest reader is saturated already
	}
	if surge != "" && others >= minReaders && 100*readers.DemandVCPUs < (target-12)*otherVCPUs && !limited {
		ic.sim.violationf("the surge reader %s is left over: the others would be at %.0f %% without it", surge, 100*readers.DemandVCPUs/otherVCPUs)
	}
}

// checkUtilization requires that no scaled pool is above the scale-up threshold, unless a limit prevents a scale-up.
func (ic *invariantChecker) checkUtilization(p *v1alpha1.DBScalingPolicy) {
	if isLimited(p) {
		return
	}
	isPoolOfAll := !ic.sim.hasStaticReaders(p.Name)
	writer, readers, found := ic.sim.world.PoolGroundTruth(region, p.Name)
	if !found {
		return
	}
	limit := float64(p.Spec.CPU.ScaleUpPercent) + 3
	if used := 100 * writer.DemandVCPUs / writer.VCPUs; p.Spec.Writer != nil && used > limit {
		ic.sim.violationf("the writer of %s stays at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
	withClients := ic.clientVCPUs(p.Name)
	if used := 100 * readers.DemandVCPUs / withClients; p.Spec.Readers != nil && withClients > 0 && used > limit && isPoolOfAll {
		ic.sim.violationf("the readers of %s stay at %.0f %%: %s", p.Name, used, p.Status.Decision.Message)
	}
}
