// Package guard is the chain of checks between a decision and its execution. Each guard can veto; an error inside a guard is a veto.
//
// docs/contributing.md, "Add a guard", says how to add one.
package guard

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Input is everything that a guard may read.
type Input struct {
	Policy      scaling.Policy
	Observation scaling.Observation
	// Pools is the assessed load of each pool.
	Pools []scaling.PoolAssessment
	// Proposal is the change to check.
	Proposal scaling.Proposal
	// Operation is the plan that carries out the proposal.
	Operation scaling.Operation
	Now       time.Time

	// failedReaders are the readers that AWS failed to create. Check takes them out of the observation.
	failedReaders []scaling.Instance
	// replacedWriter is the instance that was the writer when an operation in progress started, or empty.
	replacedWriter string
}

// isFailedReader reports whether an instance is a reader that AWS failed to create.
func (in Input) isFailedReader(instance string) bool {
	return slices.ContainsFunc(in.failedReaders, func(i scaling.Instance) bool { return i.Identifier == instance })
}

// poolLoad returns the assessed load of a pool. It is not fresh when the pool was not assessed.
func (in Input) poolLoad(pool scaling.Pool) scaling.Load {
	for n := range in.Pools {
		if in.Pools[n].Load.Pool == pool {
			return in.Pools[n].Load
		}
	}
	return scaling.Load{Pool: pool}
}

// Veto blocks a proposal.
type Veto struct {
	// Guard is the name of the guard. Conditions, events and metrics use it as the reason.
	Guard string
	// Message says what is wrong and what to do. It does not change while the cause is the same.
	Message string
	// RetryAfter is how long to wait before asking again; zero when only a new observation can lift the veto.
	RetryAfter time.Duration
}

// ApprovalRequired is the name of the guard that waits for the approval of a user.
const ApprovalRequired = "ApprovalRequired"

// check is one guard. run returns a message to veto, or "" to allow. An error is a veto as well.
type check struct {
	name string
	run  func(Input) (message string, retryAfter time.Duration, err error)
}

// chain is every guard. Users see the first veto, so the order is the order of importance to them.
var chain = []check{
	{"Paused", paused},
	{"OwnershipConflict", ownershipConflict},
	{"RecommendMode", recommendMode},
	{"OutOfBounds", outOfBounds},
	{"StepTooLarge", stepTooLarge},
	{"Budget", budget},
	{"LicenseGrowth", licenseGrowth},
	{"ClassNotOrderable", classNotOrderable},
	{"CapacityShortage", capacityShortage},
	{"CannotReplicate", cannotReplicate},
	{"RefusedByAWS", refusedByAWS},
	{"OptInTagMissing", optInTagMissing},
	{"ReaderAutoScaling", readerAutoScaling},
	{"DeclaredElsewhere", declaredElsewhere},
	{"BlueGreenDeployment", blueGreenDeployment},
	{"MetricsStale", metricsStale},
	{"DatabaseBusy", databaseBusy},
	{"PendingModifications", pendingModifications},
	{"PendingReboot", pendingReboot},
	{"PendingMaintenance", pendingMaintenance},
	{"BackupWindow", backupWindow},
	{"ReaderNotOwned", readerNotOwned},
	{"CustomEndpoints", customEndpoints},
	{"PromotionCandidate", promotionCandidate},
	{"MinimumReaders", minimumReaders},
	{"ReaderCapacity", readerCapacity},
	{"ReplicaLag", replicaLag},
	{"OperationsPerDay", operationsPerDay},
	{"Cooldown", cooldown},
	{"DisruptionWindow", disruptionWindow},
	{ApprovalRequired, approvalRequired}, // after the others, so that an approved change is not blocked by another guard
	{FleetSlot, fleetSlot},               // last, so that only operations that could start now are in the queue for a slot
}

// raiseChain is checked before an operation in progress gets further readers. The guards that ask whether a new operation may start now
// are not in it, because this one has started.
var raiseChain = []check{
	{"Paused", paused},
	{"OwnershipConflict", ownershipConflict},
	{"RecommendMode", recommendMode},
	{"OutOfBounds", outOfBounds},
	{"StepTooLarge", stepTooLarge},
	{"Budget", budget},
	{"LicenseGrowth", licenseGrowth},
	{"ClassNotOrderable", classNotOrderable},
	{"CapacityShortage", capacityShortage},
	{"RefusedByAWS", refusedByAWS},
	{"OptInTagMissing", optInTagMissing},
	{"ReaderAutoScaling", readerAutoScaling},
	{"DeclaredElsewhere", declaredElsewhere},
	{"BlueGreenDeployment", blueGreenDeployment},
	{"PendingModifications", pendingModifications},
	{ApprovalRequired, approvalRequired},
}

// CheckRaise runs the guards on a proposal to add further readers to an operation in progress, and returns the vetoes in the order of
// the chain.
func CheckRaise(in Input) []Veto {
	in.failedReaders = in.Observation.FailedReaders()
	in.Observation = in.Observation.WithoutFailedReaders()
	return runChecks(raiseChain, in)
}

// Check runs every guard and returns the vetoes in the order of the chain; none when the proposal is allowed. No guard sees a reader
// of dbscaler that AWS failed to create: it is no capacity, and its status blocks neither its own removal nor another change.
func Check(in Input) []Veto {
	in.failedReaders = in.Observation.FailedReaders()
	in.Observation = in.Observation.WithoutFailedReaders()
	return runChecks(chain, in)
}

func runChecks(checks []check, in Input) []Veto {
	var vetoes []Veto
	for _, c := range checks {
		message, retryAfter, err := c.run(in)
		if err != nil {
			message, retryAfter = "The guard could not be evaluated, so nothing changes: "+err.Error(), 0
		}
		if message != "" {
			vetoes = append(vetoes, Veto{Guard: c.name, Message: message, RetryAfter: retryAfter})
		}
	}
	return vetoes
}

// Names returns the names of the guards of Check in the order of the chain.
func Names() []string { return namesOf(chain) }

// RaiseNames returns the names of the guards of CheckRaise in the order of the chain.
func RaiseNames() []string { return namesOf(raiseChain) }

func namesOf(checks []check) []string {
	names := make([]string, len(checks))
	for n, c := range checks {
		names[n] = c.name
	}
	return names
}
