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
	// lastTier is the promotion tier of a reader that should be promoted last (0 is first; ModifyDBInstance, API
	// reference).
	lastTier = 15
	// firstTier is the tier that Aurora gives by default, and bestTier the one that is promoted before it.
	firstTier = 1
	bestTier  = 0
	// maxReaders is how many readers an Aurora cluster can have (Aurora user guide, "Quotas and constraints").
	maxReaders = 15
	// fewReplicas is how many read replicas an instance of Oracle or SQL Server can have.
	fewReplicas = 5
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
	case succeeds(o):
		op.Steps, err = planPromotion(p, o, proposal.To.InstanceClass, id)
	default:
		writer := o.PoolInstances(scaling.Writer)
		if len(writer) != 1 {
			return op, fmt.Errorf("%s has %d writers", p.Target.Identifier, len(writer))
		}
		op.Steps = []scaling.Step{resize(writer[0], proposal.To.InstanceClass)}
	}
	if err == nil && len(op.Steps) == 0 {
		err = fmt.Errorf("nothing would have to change to reach %s", proposal.To)
	}
	return op, err
}

// succeeds says whether a reader can become the writer. A read replica outside Aurora cannot: promoting it ends its replication.
func succeeds(o scaling.Observation) bool {
	return o.Kind != scaling.DBInstance && len(o.PoolInstances(scaling.Readers)) > 0
}

// mostReaders is how many readers a database can have (Aurora user guide, "Quotas and constraints"; RDS user guide, "Working with
// DB instance read replicas").
func mostReaders(o scaling.Observation) int {
	few := slices.ContainsFunc([]string{"oracle", "sqlserver", "custom", "db2"}, func(e string) bool { return strings.HasPrefix(o.Engine, e) })
	if o.Kind == scaling.DBInstance && few {
		return fewReplicas
	}
	return maxReaders
}

// planReaders adds before it removes: new readers first, and a surge reader when one is to be resized and no new reader can
// stand in for it; then the resizing, one at a time and the smallest first, so that a mixed pool has grown before its largest
// is out of service; then the surge reader goes, and then the readers that are too many, newest first.
func planReaders(p scaling.Policy, o scaling.Observation, to scaling.Shape, id string) ([]scaling.Step, error) {
	readers := o.PoolInstances(scaling.Readers)
	leaving, err := leaving(readers, len(readers)-to.Count)
	if err != nil {
		return nil, err
	}
	var create, change, remove []scaling.Step
	for n := len(readers); n < to.Count; n++ {
		create = append(create, add(p, o, to.InstanceClass, id, n-len(readers)+1, false))
	}
	for _, r := range smallestFirst(readers) {
		if r.Class != to.InstanceClass && !slices.ContainsFunc(leaving, is(r)) {
			change = append(change, resize(r, to.InstanceClass))
		}
	}
	for _, r := range leaving {
		remove = append(remove, scaling.Step{Action: scaling.DeleteReader, Instance: r.Identifier})
	}
	standIn := len(create) > 0 && !shrinks(readers, to.InstanceClass)
	if len(change) > 0 && !standIn && p.Guardrails.SurgeReaders > 0 && len(readers)+len(create) < mostReaders(o) {
		surge := add(p, o, to.InstanceClass, id, len(create)+1, true)
		create = append(create, surge)
		remove = slices.Insert(remove, 0, scaling.Step{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true})
	}
	return slices.Concat(create, change, remove), nil
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
	heir := slices.MinFunc(readers, func(a, b scaling.Instance) int {
		return cmp.Or(
			boolean(a.Class != class, b.Class != class),
			boolean(a.SurgeOperation() != "", b.SurgeOperation() != ""),
			cmp.Compare(a.PromotionTier, b.PromotionTier),
			cmp.Compare(a.Identifier, b.Identifier))
	})
	var steps, after []scaling.Step
	successor := larger(heir.Class, class, writer[0].Class)
	if p.Guardrails.SurgeReaders > 0 && len(readers) < maxReaders {
		surge := add(p, o, successor, id, 1, true) // for while the heir, and then the old writer, is resized
		if grows(writer[0].Class, class) {
			surge.PromotionTier = bestTier
		}
		steps = append(steps, surge)
		after = append(after, scaling.Step{Action: scaling.DeleteReader, Instance: surge.Instance, Surge: true})
	}
	if heir.Class != class {
		steps = append(steps, resize(heir, class))
	}
	steps = append(steps, scaling.Step{Action: scaling.Failover, Instance: heir.Identifier})
	if successor != writer[0].Class {
		steps = append(steps, resize(writer[0], successor))
	}
	if best := tierOf(readers, heir, class); grows(writer[0].Class, class) && best < writer[0].PromotionTier {
		steps = append(steps, scaling.Step{Action: scaling.ModifyPromotionTier, Instance: writer[0].Identifier, PromotionTier: best})
	}
	return append(steps, after...), nil
}

// tierOf is the best promotion tier of the heir and of the readers that are smaller than the new writer: of those of a tier Aurora
// promotes the largest (Aurora user guide, "Fault tolerance").
func tierOf(readers []scaling.Instance, heir scaling.Instance, class string) int {
	best := heir.PromotionTier
	for _, r := range readers {
		if grows(r.Class, class) {
			best = min(best, r.PromotionTier)
		}
	}
	return best
}

// larger is the class that the old writer gets: the heir's old one, or the new writer's where that is larger and the writer
// grew.
func larger(heir, class, old string) string {
	if grows(old, class) && grows(heir, class) {
		return class
	}
	return heir
}

// grows says whether one class has more vCPUs than another.
func grows(from, to string) bool {
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

// smallestFirst orders readers by their vCPUs.
func smallestFirst(readers []scaling.Instance) []scaling.Instance {
	sorted := slices.Clone(readers)
	slices.SortStableFunc(sorted, func(a, b scaling.Instance) int {
		return boolean(grows(b.Class, a.Class), grows(a.Class, b.Class))
	})
	return sorted
}

// shrinks says whether any reader has more vCPUs than the class.
func shrinks(readers []scaling.Instance, class string) bool {
	to, err := catalog.Lookup(class)
	return slices.ContainsFunc(readers, func(r scaling.Instance) bool {
		from, unknown := catalog.Lookup(r.Class)
		return err != nil || unknown != nil || from.VCPU > to.VCPU
	})
}

// leaving picks the readers to remove: the newest of those that dbscaler created.
func leaving(readers []scaling.Instance, count int) ([]scaling.Instance, error) {
	if count <= 0 {
		return nil, nil
	}
	var own []scaling.Instance
	for _, r := range readers {
		if r.CreatedByOperator() {
			own = append(own, r)
		}
	}
	if count > len(own) || count >= len(readers) {
		return nil, fmt.Errorf("%d of %d readers would have to go, and dbscaler created only %d of them", count, len(readers), len(own))
	}
	slices.SortFunc(own, func(a, b scaling.Instance) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Identifier, a.Identifier))
	})
	return own[:count], nil
}

// add is the step that creates a reader. Its name follows from the operation, so that asking twice creates one.
func add(p scaling.Policy, o scaling.Observation, class, id string, n int, surge bool) scaling.Step {
	suffix := fmt.Sprintf("-dbscaler-%s-%d", id, n)
	prefix := p.Target.Identifier
	if len(prefix)+len(suffix) > maxIdentifier {
		prefix = trimHyphens(prefix[:maxIdentifier-len(suffix)])
	}
	return scaling.Step{
		Action: scaling.CreateReader, Instance: prefix + suffix, InstanceClass: class, Surge: surge,
		PromotionTier: tier(o, class, surge),
	}
}

func trimHyphens(s string) string {
	for len(s) > 0 && s[len(s)-1] == '-' {
		s = s[:len(s)-1]
	}
	return s
}

// tier keeps a reader that will soon be gone, or that is smaller than the writer, from being promoted before any other.
func tier(o scaling.Observation, class string, surge bool) int {
	if surge {
		return lastTier
	}
	reader, errReader := catalog.Lookup(class)
	for _, w := range o.PoolInstances(scaling.Writer) {
		writer, errWriter := catalog.Lookup(w.Class)
		if errReader != nil || errWriter != nil || reader.VCPU < writer.VCPU {
			return lastTier
		}
	}
	return firstTier
}

func resize(i scaling.Instance, class string) scaling.Step {
	return scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier, InstanceClass: class}
}

func is(i scaling.Instance) func(scaling.Instance) bool {
	return func(other scaling.Instance) bool { return other.Identifier == i.Identifier }
}

// boolean orders false before true.
func boolean(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
