package operation

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// planPromotion resizes the writer of a cluster that has readers with a single failover:
//  1. A surge reader is created.
//  2. A reader, the promotion candidate, is resized to the new class and promoted.
//  3. The old writer, now a reader, is resized to the former class of the candidate, so that the shapes of both pools are kept.
//     When the writer scales up, it gets at least the new class, since Aurora would promote it if the new writer failed. Until
//     then the surge reader is first in line.
//  4. When the writer scales up, the old writer gets a promotion tier at least as good as that of any smaller reader.
//
// When the operator may promote no reader (scaling.Observation.PromotionExclusion), the surge reader replaces the writer while the
// writer is resized: see planReplacement.
func planPromotion(p scaling.Policy, o scaling.Observation, class, id string) ([]scaling.Step, error) {
	writer := o.PoolInstances(scaling.Writer)
	readers := o.PoolInstances(scaling.Readers)
	if len(writer) != 1 {
		return nil, writerCountError(p, len(writer))
	}
	candidates := o.PromotionCandidates(class)
	canAdd := p.Guardrails.SurgeReaders > 0 && len(readers) < maxReaders
	switch {
	case len(candidates) > 0:
	case canAdd:
		return planReplacement(p, o, writer[0], class, id), nil
	default:
		return nil, fmt.Errorf("no reader may be promoted to writer, and no surge reader may be added to replace the writer while it is "+
			"resized: %s. Give a reader the DB parameter group of the writer and take it out of static lists of custom endpoints, or set "+
			"guardrails.surgeReaders to 1", o.PromotionExclusions())
	}
	candidate := candidates[0]
	var steps, cleanup []scaling.Step
	promotableClass := oldWriterClass(candidate.Class, class, writer[0].Class)
	if canAdd {
		surge := newCreateStep(p, o, promotableClass, id, 1, true) // it serves while the candidate, and then the old writer, is resized
		if isScaleUp(writer[0].Class, class) {
			surge.PromotionTier = surgeTier(o)
		}
		steps = append(steps, surge)
		cleanup = append(cleanup, scaling.Step{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true})
	}
	if candidate.Class != class {
		steps = append(steps, newResizeStep(candidate, class))
	}
	steps = append(steps, scaling.Step{Action: scaling.Failover, Instance: candidate.Identifier})
	if promotableClass != writer[0].Class {
		steps = append(steps, newResizeStep(writer[0], promotableClass))
	}
	if tier := oldWriterTier(readers, candidate, class); isScaleUp(writer[0].Class, class) && tier < writer[0].PromotionTier {
		steps = append(steps, scaling.Step{Action: scaling.ModifyPromotionTier, Instance: writer[0].Identifier, PromotionTier: tier})
	}
	return append(steps, cleanup...), nil
}

// surgeTier returns the promotion tier of a surge reader that is to be promoted if the writer fails. With cluster cache management
// the readers of tier 0 are the partners of the writer, which must have its class: the surge reader does not displace them.
func surgeTier(o scaling.Observation) int {
	if o.MayUseClusterCache() {
		return defaultTier
	}
	return highestTier
}

// planReplacement resizes the writer with two failovers, where the operator may promote no existing reader. The surge reader has
// the new class and the settings of the writer:
//  1. The surge reader is created and promoted. Its tier is the last, so that Aurora prefers the readers that the owner designated.
//  2. The old writer, now a reader, is resized and promoted again.
//  3. The surge reader is deleted.
//
// The readers, their parameter groups and the members of endpoints stay as they are. The alternative, to resize the writer in place,
// is an outage of minutes, in which Aurora promotes a reader of its own choice.
func planReplacement(p scaling.Policy, o scaling.Observation, writer scaling.Instance, class, id string) []scaling.Step {
	surge := newCreateStep(p, o, class, id, 1, true)
	return []scaling.Step{
		surge,
		{Action: scaling.Failover, Instance: surge.Instance},
		newResizeStep(writer, class),
		{Action: scaling.Failover, Instance: writer.Identifier},
		{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true},
	}
}
