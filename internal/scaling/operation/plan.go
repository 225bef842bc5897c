// Package operation plans a change of shape as ordered steps and determines the next step of an operation from an observation.
// It is pure: the caller persists what it returns and makes the AWS calls.
//
// Plan turns a proposal into steps: readers are created before instances are resized, one at a time, and readers are deleted last.
// A step is one AWS call and the observed state that shows that it is done. Next compares each step with the observation, completes
// the steps whose effect is visible, and returns the call of the first step that is not done.
//
// A crash between persisting the intent and the call is safe. The attempt and its time are in the persisted step before AWS is
// called, the names of new readers follow from the operation, and a step is requested again only when no effect is visible long
// after the last attempt. So a call that was made is recognized by its effect, and a lost one is repeated.
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
	// lowestTier is the promotion tier that Aurora promotes last, and highestTier the one that it promotes first (ModifyDBInstance,
	// API reference). defaultTier is what Aurora assigns by default.
	lowestTier  = 15
	defaultTier = 1
	highestTier = 0
	// maxReaders is how many readers an Aurora cluster can have (Aurora user guide, "Quotas and constraints").
	maxReaders = 15
	// maxCommercialReplicas is how many read replicas an instance of Oracle or SQL Server can have.
	maxCommercialReplicas = 5
	// maxIdentifier is the maximum length of a DB instance identifier.
	maxIdentifier = 63
)

// Plan returns the operation that changes the observed pool to the proposed shape. The id names the operation and the readers that
// it creates. The error says why there is no safe sequence of steps.
func Plan(p scaling.Policy, o scaling.Observation, proposal scaling.Proposal, id string, now time.Time) (scaling.Operation, error) {
	op := scaling.Operation{
		ID: id, Pool: proposal.Pool, Direction: proposal.Direction, From: proposal.From, To: proposal.To,
		Cause: proposal.Cause, Emergency: proposal.Emergency, UtilizationPercent: int(math.Round(proposal.UtilizationPercent)), StartedAt: now,
	}
	failedReaders := o.FailedReaders()
	o = o.WithoutFailedReaders()
	var err error
	switch {
	case proposal.Reason == scaling.ReasonFailedReader:
		op.Steps = planFailedReaderCleanup(failedReaders)
	case proposal.Direction == scaling.Cleanup:
		op.Steps = planCleanup(o)
	case proposal.Pool == scaling.MinCapacity:
		op.Steps = []scaling.Step{{
			Action: scaling.ModifyMinCapacity, Instance: p.Target.Identifier, InstanceClass: proposal.To.InstanceClass,
		}}
	case o.ResizedAsUnit && proposal.Pool == scaling.Writer:
		action := scaling.ModifyClusterClass
		if o.Serverless {
			action = scaling.ModifyCapacity
		}
		op.Steps = []scaling.Step{{Action: action, Instance: p.Target.Identifier, InstanceClass: proposal.To.InstanceClass}}
	case o.ResizedAsUnit:
		err = fmt.Errorf("%s is a Multi-AZ DB cluster or Serverless v2, whose readers cannot be resized separately: remove spec.readers",
			p.Target.Identifier)
	case proposal.Pool == scaling.Readers:
		op.Steps, err = planReaders(p, o, proposal.To, id, now)
	case canPromoteReader(o):
		op.Steps, err = planPromotion(p, o, proposal.To.InstanceClass, id)
	default:
		writer := o.PoolInstances(scaling.Writer)
		if len(writer) != 1 {
			return op, writerCountError(p, len(writer))
		}
		op.Steps = []scaling.Step{newResizeStep(writer[0], proposal.To.InstanceClass)}
	}
	if p.Guardrails.SurgeReaders > 0 && hasImpossibleSurge(p, op.Steps, o, now) {
		p.Guardrails.SurgeReaders = 0 // the guards decide whether the others carry the load without one
		return Plan(p, o, proposal, id, now)
	}
	if err == nil && len(op.Steps) == 0 {
		err = fmt.Errorf("no step is needed to reach %s", proposal.To)
	}
	return op, err
}

func writerCountError(p scaling.Policy, count int) error {
	return fmt.Errorf("%s has %d writers instead of 1: the operator waits until AWS reports one", p.Target.Identifier, count)
}

// canPromoteReader reports whether a reader can become the writer. A read replica outside Aurora cannot: promotion ends its
// replication.
func canPromoteReader(o scaling.Observation) bool {
	return o.Kind != scaling.DBInstance && o.WithoutFailedReaders().Shape(scaling.Readers).Count > 0
}

// readerLimit returns how many readers a database can have (Aurora user guide, "Quotas and constraints"; RDS user guide, "Working with
// DB instance read replicas").
func readerLimit(o scaling.Observation) int {
	hasLowLimit := slices.ContainsFunc([]string{"oracle", "sqlserver", "custom", "db2"}, func(prefix string) bool {
		return strings.HasPrefix(o.Engine, prefix)
	})
	if o.Kind == scaling.DBInstance && hasLowLimit {
		return maxCommercialReplicas
	}
	return maxReaders
}

// planReaders creates readers before it deletes any:
//  1. The new readers, and those that replace own readers of another class. A surge reader too, when a reader is resized and no new
//     reader can replace its capacity.
//  2. The resizes, one at a time. The smallest reader is first, so that a mixed pool has gained capacity before its largest reader
//     is out of service.
//  3. The deletion of the surge reader, then of the replaced readers, then of the surplus readers, newest first.
//
// Readers in static lists of custom endpoints do not belong to the pool.
func planReaders(p scaling.Policy, o scaling.Observation, to scaling.Shape, id string, now time.Time) ([]scaling.Step, error) {
	readers := o.WithoutStaticReaders().PoolInstances(scaling.Readers)
	static := len(o.StaticReaders())
	surplus, err := selectReadersToRemove(readers, len(readers)-to.Count, o.ReplicasWithoutClients(p.ScaleDown.Window, now))
	if err != nil {
		return nil, err
	}
	replaced := selectReadersToReplace(p, o, readers, surplus, to, now)
	var creates, resizes, deletes []scaling.Step
	for n := range max(0, to.Count-len(readers)) + len(replaced) {
		creates = append(creates, newCreateStep(p, o, to.InstanceClass, id, n+1, false))
	}
	for _, r := range sortedBySize(readers) {
		if r.Class != to.InstanceClass && !containsReader(surplus, r) && !containsReader(replaced, r) {
			resizes = append(resizes, newResizeStep(r, to.InstanceClass))
		}
	}
	for _, r := range slices.Concat(replaced, surplus) {
		deletes = append(deletes, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier})
	}
	newReaderCovers := len(creates) > 0 && (len(replaced) > 0 || !anyExceeds(readers, to.InstanceClass))
	if len(resizes) > 0 && !newReaderCovers && p.Guardrails.SurgeReaders > 0 && static+len(readers)+len(creates) < readerLimit(o) {
		surge := newCreateStep(p, o, to.InstanceClass, id, len(creates)+1, true)
		creates = append(creates, surge)
		deletes = slices.Insert(deletes, 0, scaling.Step{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true})
	}
	return slices.Concat(creates, resizes, deletes), nil
}

// selectReadersToReplace returns the own readers of another class than the desired one that new readers replace, so that none of them is
// restarted: the smallest first, as many as there is room for. With those that are replaced there are never more than the maximum and the
// surge readers of the policy. Only Aurora distributes connections to new readers, so that a read replica is resized in place.
func selectReadersToReplace(
	p scaling.Policy, o scaling.Observation, readers, surplus []scaling.Instance, to scaling.Shape, now time.Time,
) []scaling.Instance {
	canReplace := o.Kind == scaling.DBCluster && p.Readers != nil && o.CanCreateReader(to.InstanceClass, now) &&
		(!o.BringsLicense() || p.Guardrails.AllowLicenseGrowth) && o.AutoScaling == nil
	if !canReplace {
		return nil
	}
	present := max(len(readers), to.Count)
	room := min(p.Readers.Max+p.Guardrails.SurgeReaders-present, readerLimit(o)-len(o.StaticReaders())-present)
	var replaced []scaling.Instance
	for _, r := range sortedBySize(readers) {
		if len(replaced) < room && r.Class != to.InstanceClass && r.CanBeRemoved() && !containsReader(surplus, r) {
			replaced = append(replaced, r)
		}
	}
	return replaced
}

func containsReader(readers []scaling.Instance, r scaling.Instance) bool {
	return slices.ContainsFunc(readers, func(other scaling.Instance) bool { return other.Identifier == r.Identifier })
}

// oldWriterTier returns the best promotion tier of the candidate and of the readers that are smaller than the new writer. Within a tier
// Aurora promotes the largest reader (Aurora user guide, "Fault tolerance").
func oldWriterTier(readers []scaling.Instance, candidate scaling.Instance, class string) int {
	best := candidate.PromotionTier
	for _, r := range readers {
		if isScaleUp(r.Class, class) {
			best = min(best, r.PromotionTier)
		}
	}
	return best
}

// oldWriterClass returns the class that the old writer gets: the former class of the candidate, or that of the new writer when the
// writer scales up and it is larger.
func oldWriterClass(candidateClass, writerClass, oldWriter string) string {
	if isScaleUp(oldWriter, writerClass) && isScaleUp(candidateClass, writerClass) {
		return writerClass
	}
	return candidateClass
}

// isScaleUp reports whether class to has more vCPUs than class from. It is false when either is unknown.
func isScaleUp(from, to string) bool {
	f, errFrom := catalog.Lookup(from)
	t, errTo := catalog.Lookup(to)
	return errFrom == nil && errTo == nil && t.VCPU > f.VCPU
}

// planCleanup deletes the surge readers that outlived their operation.
func planCleanup(o scaling.Observation) []scaling.Step {
	var steps []scaling.Step
	for _, r := range o.PoolInstances(scaling.Readers) {
		if r.SurgeOperation() != "" {
			steps = append(steps, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier, Surge: true})
		}
	}
	return steps
}

// planFailedReaderCleanup deletes the readers that AWS failed to create.
func planFailedReaderCleanup(failed []scaling.Instance) []scaling.Step {
	var steps []scaling.Step
	for _, r := range failed {
		steps = append(steps, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier})
	}
	return steps
}

// sortedBySize returns the readers by ascending vCPUs.
func sortedBySize(readers []scaling.Instance) []scaling.Instance {
	sorted := slices.Clone(readers)
	slices.SortStableFunc(sorted, func(a, b scaling.Instance) int {
		return compareBool(isScaleUp(b.Class, a.Class), isScaleUp(a.Class, b.Class))
	})
	return sorted
}

// anyExceeds reports whether any reader has more vCPUs than the class. An unknown class counts as such.
func anyExceeds(readers []scaling.Instance, class string) bool {
	to, err := catalog.Lookup(class)
	return slices.ContainsFunc(readers, func(r scaling.Instance) bool {
		from, unknown := catalog.Lookup(r.Class)
		return err != nil || unknown != nil || from.VCPU > to.VCPU
	})
}

// hasImpossibleSurge reports whether steps create a surge reader that AWS is known to refuse, or that needs a licence which the policy
// does not allow to add.
func hasImpossibleSurge(p scaling.Policy, steps []scaling.Step, o scaling.Observation, now time.Time) bool {
	lacksLicense := o.BringsLicense() && !p.Guardrails.AllowLicenseGrowth
	return slices.ContainsFunc(steps, func(s scaling.Step) bool {
		return s.Action == scaling.CreateReader && s.Surge && (lacksLicense || !o.CanCreateReader(s.InstanceClass, now))
	})
}

// selectReadersToRemove returns the readers to delete: the newest ones that dbscaler created and that nothing replicates from, those
// without clients first. The error says that there are not enough.
func selectReadersToRemove(readers []scaling.Instance, count int, withoutClients []string) ([]scaling.Instance, error) {
	if count <= 0 {
		return nil, nil
	}
	var removable []scaling.Instance
	for _, r := range readers {
		if r.CanBeRemoved() {
			removable = append(removable, r)
		}
	}
	if count > len(removable) || count >= len(readers) {
		return nil, fmt.Errorf("%d of %d readers would be deleted, and dbscaler may delete only %d of them, which it created and which "+
			"are not the source of other replicas: delete the others yourself", count, len(readers), len(removable))
	}
	slices.SortFunc(removable, func(a, b scaling.Instance) int {
		hasClientsA, hasClientsB := !slices.Contains(withoutClients, a.Identifier), !slices.Contains(withoutClients, b.Identifier)
		return cmp.Or(compareBool(hasClientsA, hasClientsB), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Identifier, a.Identifier))
	})
	return removable[:count], nil
}

// newCreateStep returns the step that creates a reader. Its name follows from the operation, so that a repeated request does not create
// a second one.
func newCreateStep(p scaling.Policy, o scaling.Observation, class, id string, n int, surge bool) scaling.Step {
	suffix := fmt.Sprintf("%s%s-%d", scaling.ReaderNameInfix, id, n)
	prefix := p.Target.Identifier
	if len(prefix)+len(suffix) > maxIdentifier {
		prefix = strings.TrimRight(prefix[:maxIdentifier-len(suffix)], "-")
	}
	return scaling.Step{
		Action: scaling.CreateReader, Instance: prefix + suffix, InstanceClass: class, Surge: surge,
		PromotionTier: readerTier(o, class, surge),
	}
}

// readerTier returns the promotion tier of a new reader: the lowest for a surge reader and for one that is smaller than the writer.
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
