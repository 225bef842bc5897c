// Package drift notices when somebody else changes back what dbscaler has set, and says from when on it keeps its hands off.
// It is pure: what it returns is to be remembered, and given to it the next time.
package drift

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// RevertWindow is how long after an operation a change of what it set counts as a revert. Terraform and Git are applied within
	// a day of whatever made them differ; later somebody may have had another reason.
	RevertWindow = 24 * time.Hour
	// RevertRetention is how long a revert counts.
	RevertRetention = 7 * 24 * time.Hour
	// ConflictThreshold is the number of reverted operations from which on hands stay off: once may be a mistake.
	ConflictThreshold = 2
	// maxReverts is the greatest number of reverts that are remembered, as the API's limit has it.
	maxReverts = 32
)

// CompletedOperation is an operation that has ended.
type CompletedOperation struct {
	ID          string
	Pool        scaling.Pool
	Succeeded   bool
	CompletedAt time.Time
	// Expected is what it left the instances that it touched at.
	Expected []ExpectedInstance
}

// ExpectedInstance is what an operation left an instance at.
type ExpectedInstance struct {
	Instance string
	// Action is the last that was done to it.
	Action scaling.Action
	// InstanceClass is the class that it got; empty when it was removed.
	InstanceClass string
}

// Revert is something that an operation had set and that somebody else changed.
type Revert struct {
	// DetectedAt is when it was seen, and Operation the one whose work it was.
	DetectedAt time.Time
	Operation  string
	Pool       scaling.Pool
	Instance   string
	// ExpectedClass is the class that was set, and To the one that was found; empty means that the instance was not to be there, or is
	// not.
	ExpectedClass, ObservedClass string
}

// Conflict says that hands are off.
type Conflict struct {
	DetectedAt time.Time
	// Generation and Resolve are what the spec and the annotation were then: another one is a person's act.
	Generation        int64
	ResolveAnnotation string
}

// State is what has to be remembered from one look to the next.
type State struct {
	// Reverts are those of the last week, oldest first.
	Reverts []Revert
	// Conflict is nil while hands are on.
	Conflict *Conflict
	// ResolvedAt is when a person last ended a conflict; what was set before counts no more. Zero when that never happened.
	ResolvedAt time.Time
}

// Input is everything that a look depends on.
type Input struct {
	State State
	// Operations are the operations that have ended, in any order.
	Operations  []CompletedOperation
	Observation scaling.Observation
	// OperationInProgress says that an operation is: then nothing is a revert.
	OperationInProgress bool
	// Generation of the spec, and the annotation by which a person ends a conflict.
	Generation        int64
	ResolveAnnotation string
	Now               time.Time
}

// Detect compares what was set with what is there. It returns what to remember, and the reverts that were not known before.
func Detect(in Input) (State, []Revert) {
	m := in.State
	m.Reverts = slices.DeleteFunc(slices.Clone(m.Reverts), func(r Revert) bool {
		return m.Conflict == nil && in.Now.Sub(r.DetectedAt) > RevertRetention // what a conflict is about is kept as long as it lasts
	})
	if c := m.Conflict; c != nil && (c.Generation != in.Generation || in.ResolveAnnotation != "" && c.ResolveAnnotation != in.ResolveAnnotation) {
		m = State{ResolvedAt: in.Now}
	}
	if in.OperationInProgress || m.Conflict != nil {
		return m, nil
	}
	var found []Revert
	for _, r := range findReverts(in, m.ResolvedAt) {
		known := slices.ContainsFunc(m.Reverts, func(k Revert) bool { return k.Operation == r.Operation && k.Instance == r.Instance })
		if !known {
			found = append(found, r)
		}
	}
	m.Reverts = append(m.Reverts, found...)
	m.Reverts = m.Reverts[max(0, len(m.Reverts)-maxReverts):]
	if countOperations(m.Reverts) >= ConflictThreshold {
		m.Conflict = &Conflict{DetectedAt: in.Now, Generation: in.Generation, ResolveAnnotation: in.ResolveAnnotation}
	}
	return m, found
}

// countOperations counts those that were reverted. Terraform changes all instances back in one go, which is one revert.
func countOperations(reverts []Revert) int {
	seen := map[string]bool{}
	for _, r := range reverts {
		seen[r.Operation] = true
	}
	return len(seen)
}

// findReverts lists what is no longer as it was set. Of an instance that several operations touched the last one counts, and
// when that one failed nobody knows what it should be.
func findReverts(in Input, since time.Time) []Revert {
	done := slices.SortedStableFunc(slices.Values(in.Operations), func(a, b CompletedOperation) int { return b.CompletedAt.Compare(a.CompletedAt) })
	var out []Revert
	seen := map[string]bool{}
	for _, d := range done {
		for _, s := range d.Expected {
			if seen[s.Instance] {
				continue
			}
			seen[s.Instance] = true
			if !d.Succeeded || in.Now.Sub(d.CompletedAt) > RevertWindow || !d.CompletedAt.After(since) {
				continue
			}
			if to, differs := observedClass(s, in.Observation); differs {
				out = append(out, Revert{DetectedAt: in.Now, Operation: d.ID, Pool: d.Pool, Instance: s.Instance, ExpectedClass: s.InstanceClass, ObservedClass: to})
			}
		}
	}
	return out
}

// observedClass is the class that an instance has, and whether it is another than was set. That an instance is gone which was there
// before us is its owner's business; a reader that we added is ours.
func observedClass(s ExpectedInstance, o scaling.Observation) (class string, differs bool) {
	if writer := o.PoolInstances(scaling.Writer); s.Action == scaling.ModifyClusterClass || s.Action == scaling.ModifyCapacity {
		return o.Shape(scaling.Writer).InstanceClass, len(writer) > 0 && writer[0].Class != s.InstanceClass
	}
	i, exists := o.Instance(s.Instance)
	if exists && i.Status == statusDeleting {
		exists = false
	}
	if !exists {
		return "", s.Action == scaling.CreateReader
	}
	return i.Class, i.Class != s.InstanceClass
}

// statusDeleting is the status of an instance that is being removed (RDS user guide, "Viewing DB instance status").
const statusDeleting = "deleting"
