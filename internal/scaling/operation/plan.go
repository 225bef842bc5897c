// Package operation plans the change of a shape as ordered steps, and says from what is observed which step comes next.
// It is pure: what it returns is to be persisted before it is carried out.
package operation

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// lowestTier is the promotion tier of a reader that should be promoted last (0 is first; ModifyDBInstance, API
	// reference).
	lowestTier = 15
	// defaultTier is the tier that Aurora gives by default, and highestTier the one that is promoted before it.
	defaultTier = 1
	highestTier = 0
	// maxReaders is how many readers an Aurora cluster can have (Aurora user guide, "Quotas and constraints").
	maxReaders = 15
	// maxCommercialReplicas is how many read replicas an instance of Oracle or SQL Server can have.
	maxCommercialReplicas = 5
	// maxIdentifier is the greatest length of a DB instance identifier.
	maxIdentifier = 63
)

// Plan works out the steps that lead from what is observed to the shape that is proposed. The id names the operation and
// the readers that it creates. The error says why there is no safe way.
func Plan(p scaling.Policy, o scaling.Observation, proposal scaling.Proposal, id string, now time.Time) (scaling.Operation, error) {
	op := scaling.Operation{
		ID: id, Pool: proposal.Pool, Direction: proposal.Direction, From: proposal.From, To: proposal.To,
		Reason: proposal.Cause, Emergency: proposal.Emergency, UtilizationPercent: int(math.Round(proposal.UtilizationPercent)), StartedAt: now,
	}
	var err error
	switch {
	case proposal.Direction == scaling.Cleanup:
		op.Steps = planCleanup(o)
	case o.ResizedAsUnit && proposal.Pool == scaling.Writer:
		action := scaling.ModifyClusterClass
		if o.Serverless {
			action = scaling.ModifyCapacity
		}
		op.Steps = []scaling.Step{{Action: action, Instance: p.Target.Identifier, InstanceClass: proposal.To.InstanceClass}}
	case o.ResizedAsUnit:
		err = fmt.Errorf("%s is resized as a whole: a Multi-AZ DB cluster, or Serverless v2", p.Target.Identifier)
	case proposal.Pool == scaling.Readers:
		op.Steps, err = planReaders(p, o, proposal.To, id)
	case canPromoteReader(o):
		op.Steps, err = planPromotion(p, o, proposal.To.InstanceClass, id)
	default:
		writer := o.PoolInstances(scaling.Writer)
		if len(writer) != 1 {
			return op, fmt.Errorf("%s has %d writers", p.Target.Identifier, len(writer))
		}
		op.Steps = []scaling.Step{newResizeStep(writer[0], proposal.To.InstanceClass)}
	}
	if err == nil && len(op.Steps) == 0 {
		err = fmt.Errorf("nothing would have to change to reach %s", proposal.To)
	}
	return op, err
}

// canPromoteReader says whether a reader can become the writer. A read replica outside Aurora cannot: promoting it ends its replication.
func canPromoteReader(o scaling.Observation) bool {
	return o.Kind != scaling.DBInstance && len(o.PoolInstances(scaling.Readers)) > 0
}

// readerLimit is how many readers a database can have (Aurora user guide, "Quotas and constraints"; RDS user guide, "Working with
// DB instance read replicas").
func readerLimit(o scaling.Observation) int {
	hasLowLimit := slices.ContainsFunc([]string{"oracle", "sqlserver", "custom", "db2"}, func(e string) bool { return strings.HasPrefix(o.Engine, e) })
	if o.Kind == scaling.DBInstance && hasLowLimit {
		return maxCommercialReplicas
	}
	return maxReaders
}

// planReaders adds before it removes: new readers first, and a surge reader when one is to be resized and no new reader can
// stand in for it; then the resizing, one at a time and the smallest first, so that a mixed pool has grown before its largest
// is out of service; then the surge reader goes, and then the readers that are too many, newest first.
func planReaders(p scaling.Policy, o scaling.Observation, to scaling.Shape, id string) ([]scaling.Step, error) {
	readers := o.PoolInstances(scaling.Readers)
	surplus, err := selectReadersToRemove(readers, len(readers)-to.Count)
	if err != nil {
		return nil, err
	}
	var creates, resizes, deletes []scaling.Step
	for n := len(readers); n < to.Count; n++ {
		creates = append(creates, newCreateStep(p, o, to.InstanceClass, id, n-len(readers)+1, false))
	}
	for _, r := range sortedBySize(readers) {
		if r.Class != to.InstanceClass && !slices.ContainsFunc(surplus, hasIdentifierOf(r)) {
			resizes = append(resizes, newResizeStep(r, to.InstanceClass))
		}
	}
	for _, r := range surplus {
		deletes = append(deletes, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier})
	}
	newReaderCovers := len(creates) > 0 && !anyExceeds(readers, to.InstanceClass)
	if len(resizes) > 0 && !newReaderCovers && p.Guardrails.SurgeReaders > 0 && len(readers)+len(creates) < readerLimit(o) {
		surge := newCreateStep(p, o, to.InstanceClass, id, len(creates)+1, true)
		creates = append(creates, surge)
		deletes = slices.Insert(deletes, 0, scaling.Step{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true})
	}
	return slices.Concat(creates, resizes, deletes), nil
}

// planPromotion resizes the writer of a cluster that has readers: a reader gets the new class and is promoted, and the old
// writer, a reader now, gets the class that the promoted one had, so that there is one failover and the shapes stay as they
// were. Where the writer grows it gets the new class at least: Aurora would promote it if the new writer failed. Until it has
// it, the surge reader does, before all others. Then the old writer comes first in line, by a promotion tier no worse than that
// of any smaller one.
func planPromotion(p scaling.Policy, o scaling.Observation, class, id string) ([]scaling.Step, error) {
	writer := o.PoolInstances(scaling.Writer)
	readers := o.PoolInstances(scaling.Readers)
	if len(writer) != 1 {
		return nil, fmt.Errorf("%s has %d writers", p.Target.Identifier, len(writer))
	}
	candidate := slices.MinFunc(readers, func(a, b scaling.Instance) int {
		return cmp.Or(
			compareBool(a.Class != class, b.Class != class),
			compareBool(a.SurgeOperation() != "", b.SurgeOperation() != ""),
			cmp.Compare(a.PromotionTier, b.PromotionTier),
			cmp.Compare(a.Identifier, b.Identifier))
	})
	var steps, cleanup []scaling.Step
	promotableClass := oldWriterClass(candidate.Class, class, writer[0].Class)
	if p.Guardrails.SurgeReaders > 0 && len(readers) < maxReaders {
		surge := newCreateStep(p, o, promotableClass, id, 1, true) // for while the heir, and then the old writer, is resized
		if hasMoreVCPUs(writer[0].Class, class) {
			surge.PromotionTier = highestTier
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
	if tier := oldWriterTier(readers, candidate, class); hasMoreVCPUs(writer[0].Class, class) && tier < writer[0].PromotionTier {
		steps = append(steps, scaling.Step{Action: scaling.ModifyPromotionTier, Instance: writer[0].Identifier, PromotionTier: tier})
	}
	return append(steps, cleanup...), nil
}

// oldWriterTier is the best promotion tier of the heir and of the readers that are smaller than the new writer: of those of a tier Aurora
// promotes the largest (Aurora user guide, "Fault tolerance").
func oldWriterTier(readers []scaling.Instance, candidate scaling.Instance, class string) int {
	best := candidate.PromotionTier
	for _, r := range readers {
		if hasMoreVCPUs(r.Class, class) {
			best = min(best, r.PromotionTier)
		}
	}
	return best
}

// oldWriterClass is the class that the old writer gets: the heir's old one, or the new writer's where that is larger and the writer
// grew.
func oldWriterClass(candidateClass, writerClass, oldWriter string) string {
	if hasMoreVCPUs(oldWriter, writerClass) && hasMoreVCPUs(candidateClass, writerClass) {
		return writerClass
	}
	return candidateClass
}

// hasMoreVCPUs says whether one class has more vCPUs than another.
func hasMoreVCPUs(from, to string) bool {
	f, errFrom := catalog.Lookup(from)
	t, errTo := catalog.Lookup(to)
	return errFrom == nil && errTo == nil && t.VCPU > f.VCPU
}

// planCleanup removes the surge readers that outlived their operation.
func planCleanup(o scaling.Observation) []scaling.Step {
	var steps []scaling.Step
	for _, r := range o.PoolInstances(scaling.Readers) {
		if r.SurgeOperation() != "" {
			steps = append(steps, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier, Surge: true})
		}
	}
	return steps
}

// sortedBySize orders readers by their vCPUs.
func sortedBySize(readers []scaling.Instance) []scaling.Instance {
	sorted := slices.Clone(readers)
	slices.SortStableFunc(sorted, func(a, b scaling.Instance) int {
		return compareBool(hasMoreVCPUs(b.Class, a.Class), hasMoreVCPUs(a.Class, b.Class))
	})
	return sorted
}

// anyExceeds says whether any reader has more vCPUs than the class.
func anyExceeds(readers []scaling.Instance, class string) bool {
	to, err := catalog.Lookup(class)
	return slices.ContainsFunc(readers, func(r scaling.Instance) bool {
		from, unknown := catalog.Lookup(r.Class)
		return err != nil || unknown != nil || from.VCPU > to.VCPU
	})
}

// selectReadersToRemove picks the readers to remove: the newest of those that dbscaler created.
func selectReadersToRemove(readers []scaling.Instance, count int) ([]scaling.Instance, error) {
	if count <= 0 {
		return nil, nil
	}
	var removable []scaling.Instance
	for _, r := range readers {
		if r.CreatedByOperator() {
			removable = append(removable, r)
		}
	}
	if count > len(removable) || count >= len(readers) {
		return nil, fmt.Errorf("%d of %d readers would have to go, and dbscaler created only %d of them", count, len(readers), len(removable))
	}
	slices.SortFunc(removable, func(a, b scaling.Instance) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Identifier, a.Identifier))
	})
	return removable[:count], nil
}

// newCreateStep is the step that creates a reader. Its name follows from the operation, so that asking twice creates one.
func newCreateStep(p scaling.Policy, o scaling.Observation, class, id string, n int, surge bool) scaling.Step {
	suffix := fmt.Sprintf("-dbscaler-%s-%d", id, n)
	prefix := p.Target.Identifier
	if len(prefix)+len(suffix) > maxIdentifier {
		prefix = trimTrailingHyphens(prefix[:maxIdentifier-len(suffix)])
	}
	return scaling.Step{
		Action: scaling.CreateReader, Instance: prefix + suffix, InstanceClass: class, Surge: surge,
		PromotionTier: readerTier(o, class, surge),
	}
}

func trimTrailingHyphens(s string) string {
	for len(s) > 0 && s[len(s)-1] == '-' {
		s = s[:len(s)-1]
	}
	return s
}

// readerTier keeps a reader that will soon be gone, or that is smaller than the writer, from being promoted before any other.
func readerTier(o scaling.Observation, class string, surge bool) int {
	if surge {
		return lowestTier
	}
	reader, errReader := catalog.Lookup(class)
	for _, w := range o.PoolInstances(scaling.Writer) {
		writer, errWriter := catalog.Lookup(w.Class)
		if errReader != nil || errWriter != nil || reader.VCPU < writer.VCPU {
			return lowestTier
		}
	}
	return defaultTier
}

func newResizeStep(i scaling.Instance, class string) scaling.Step {
	return scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier, InstanceClass: class}
}

func hasIdentifierOf(i scaling.Instance) func(scaling.Instance) bool {
	return func(other scaling.Instance) bool { return other.Identifier == i.Identifier }
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
