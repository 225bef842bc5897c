// Package drift detects when somebody else reverts what an operation of dbscaler has set, and decides when that is an ownership
// conflict, in which the operator changes nothing until a user resolves it. It is pure: the caller stores the returned State and
// passes it in the next time.
package drift

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// RevertWindow is how long after an operation a change of what it set counts as a revert. Terraform and GitOps tools restore a
	// declared state within a day; a later change may have another reason.
	RevertWindow = 24 * time.Hour
	// RevertRetention is how long a revert counts.
	RevertRetention = 7 * 24 * time.Hour
	// ConflictThreshold is the number of reverted operations that make an ownership conflict: one may be a mistake.
	ConflictThreshold = 2
	// maxReverts is the maximum number of stored reverts, which is the limit of the API.
	maxReverts = 32

	// statusDeleting is the status of an instance that is being deleted (RDS user guide, "Viewing DB instance status").
	statusDeleting = "deleting"
)

// CompletedOperation is an operation that has ended.
type CompletedOperation struct {
	ID          string
	Pool        scaling.Pool
	Succeeded   bool
	CompletedAt time.Time
	// Expected is the state in which the operation left each instance that it changed.
	Expected []ExpectedInstance
}

// ExpectedInstance is the state in which an operation left an instance.
type ExpectedInstance struct {
	Instance string
	// Action is the last action on the instance.
	Action scaling.Action
	// InstanceClass is the class that was set; empty when the instance was deleted.
	InstanceClass string
	// ResourceID is the DbiResourceId of the instance, or the DbClusterResourceId of the cluster; empty when it was not recorded.
	ResourceID string
}

// Revert is a change by somebody else of what an operation had set.
type Revert struct {
	DetectedAt time.Time
	// Operation is the ID of the reverted operation.
	Operation string
	Pool      scaling.Pool
	Instance  string
	// ExpectedClass is the class that was set, and ObservedClass the current one. Empty means that the instance should not exist, or
	// does not exist.
	ExpectedClass, ObservedClass string
}

// Conflict is an ownership conflict. It lasts until the spec or the annotation that resolves conflicts changes.
type Conflict struct {
	DetectedAt time.Time
	// Generation is the generation of the spec when the conflict was detected.
	Generation int64
	// ResolveAnnotation is the value of the annotation when the conflict was detected.
	ResolveAnnotation string
}

// State is what the caller stores between two calls of Detect.
type State struct {
	// Reverts are those of the last week, oldest first. During a conflict they are kept as long as it lasts.
	Reverts []Revert
	// Conflict is nil when there is none.
	Conflict *Conflict
	// ResolvedAt is when a user last resolved a conflict, or zero. Operations completed before are ignored.
	ResolvedAt time.Time
}

// Input is everything that Detect depends on.
type Input struct {
	State State
	// Operations are the operations that have ended, in any order.
	Operations  []CompletedOperation
	Observation scaling.Observation
	// OperationInProgress says that an operation is in progress. Then nothing is a revert.
	OperationInProgress bool
	// Generation is the generation of the spec.
	Generation int64
	// ResolveAnnotation is the value of the annotation that resolves a conflict, or empty.
	ResolveAnnotation string
	// ReplacedAt is when another database with the name of the target was first observed, as after the switchover of a blue/green
	// deployment; zero when it never was. Operations completed before concern the database that it replaced.
	ReplacedAt time.Time
	Now        time.Time
}

// Detect compares the expected instances with the observation. It returns the state to store and the new reverts.
func Detect(in Input) (State, []Revert) {
	state := in.State
	state.Reverts = slices.DeleteFunc(slices.Clone(state.Reverts), func(r Revert) bool {
		return state.Conflict == nil && in.Now.Sub(r.DetectedAt) > RevertRetention
	})
	if isResolved(state.Conflict, in) {
		state = State{ResolvedAt: in.Now}
	}
	if in.OperationInProgress || state.Conflict != nil {
		return state, nil
	}
	var added []Revert
	for _, r := range findReverts(in, state.ResolvedAt) {
		known := slices.ContainsFunc(state.Reverts, func(k Revert) bool { return k.Operation == r.Operation && k.Instance == r.Instance })
		if !known {
			added = append(added, r)
		}
	}
	state.Reverts = append(state.Reverts, added...)
	state.Reverts = state.Reverts[max(0, len(state.Reverts)-maxReverts):]
	if countOperations(state.Reverts) >= ConflictThreshold {
		state.Conflict = &Conflict{DetectedAt: in.Now, Generation: in.Generation, ResolveAnnotation: in.ResolveAnnotation}
	}
	return state, added
}

// isResolved reports whether a user has edited the spec, or set another annotation, since the conflict was detected.
func isResolved(c *Conflict, in Input) bool {
	return c != nil && (c.Generation != in.Generation || in.ResolveAnnotation != "" && c.ResolveAnnotation != in.ResolveAnnotation)
}

// countOperations counts the reverted operations. Terraform reverts all instances at once, which counts as one.
func countOperations(reverts []Revert) int {
	seen := map[string]bool{}
	for _, r := range reverts {
		seen[r.Operation] = true
	}
	return len(seen)
}

// findReverts lists the instances that are no longer as expected. Only the last operation on an instance counts; when it failed,
// the expected state is unknown.
func findReverts(in Input, since time.Time) []Revert {
	newestFirst := slices.SortedStableFunc(slices.Values(in.Operations), func(a, b CompletedOperation) int {
		return b.CompletedAt.Compare(a.CompletedAt)
	})
	var reverts []Revert
	type setting struct { // the maximum and the minimum capacity of a cluster are set by different operations
		instance      string
		isMinCapacity bool
	}
	seen := map[setting]bool{}
	for _, op := range newestFirst {
		for _, expected := range op.Expected {
			key := setting{expected.Instance, expected.Action == scaling.ModifyMinCapacity}
			if seen[key] {
				continue
			}
			seen[key] = true
			isOld := in.Now.Sub(op.CompletedAt) > RevertWindow || !op.CompletedAt.After(since) || op.CompletedAt.Before(in.ReplacedAt)
			if !op.Succeeded || isOld {
				continue
			}
			if class, differs := observedClass(expected, in.Observation); differs {
				reverts = append(reverts, Revert{
					DetectedAt: in.Now, Operation: op.ID, Pool: op.Pool, Instance: expected.Instance,
					ExpectedClass: expected.InstanceClass, ObservedClass: class,
				})
			}
		}
	}
	return reverts
}

// observedClass returns the current class of an instance and whether it differs from the expected one. A missing instance counts
// only when the operator created it: the owner of any other may delete it. An instance that replaced the one that was changed is
// not a revert: somebody has created it anew.
func observedClass(expected ExpectedInstance, o scaling.Observation) (class string, differs bool) {
	if expected.Action == scaling.ModifyMinCapacity {
		class := catalog.ServerlessClassName(o.MinCapacity)
		return class, o.Serverless && class != expected.InstanceClass
	}
	if expected.Action == scaling.ModifyClusterClass || expected.Action == scaling.ModifyCapacity {
		writer := o.PoolInstances(scaling.Writer)
		isAnother := isReplaced(expected.ResourceID, o.ResourceID)
		return o.Shape(scaling.Writer).InstanceClass, len(writer) > 0 && writer[0].Class != expected.InstanceClass && !isAnother
	}
	i, exists := o.Instance(expected.Instance)
	if !exists || i.Status == statusDeleting {
		return "", expected.Action == scaling.CreateReader
	}
	return i.Class, i.Class != expected.InstanceClass && !isReplaced(expected.ResourceID, i.ResourceID)
}

// isReplaced reports whether a resource is known to be another one than the expected one, which had the same name.
func isReplaced(expected, observed string) bool {
	return expected != "" && observed != "" && expected != observed
}
