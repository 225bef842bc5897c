// Package guard is the chain of checks between a decision and an action. Each can veto; an error inside one is a veto.
package guard

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Input is everything that a guard may look at.
type Input struct {
	Policy      scaling.Policy
	Observation scaling.Observation
	// Pools is what each pool was seen to carry.
	Pools []scaling.PoolAssessment
	// Proposal is what is to be done.
	Proposal scaling.Proposal
	// Operation is how it is to be done.
	Operation scaling.Operation
	Now       time.Time
}

// poolLoad is what a pool was seen to carry; not fresh when it was not looked at.
func (in Input) poolLoad(pool scaling.Pool) scaling.Load {
	for n := range in.Pools {
		if in.Pools[n].Load.Pool == pool {
			return in.Pools[n].Load
		}
	}
	return scaling.Load{Pool: pool}
}

// Veto says that a guard holds a proposal back.
type Veto struct {
	// Guard is the name of the guard, which is also the reason that conditions, events and metrics show.
	Guard string
	// Message says what stands in the way and what to do about it. It stays the same while the cause does.
	Message string
	// RetryAfter is when it makes sense to ask again; zero when nothing but a new observation can tell.
	RetryAfter time.Duration
}

// ApprovalRequired is the name of the guard that waits for a person to approve.
const ApprovalRequired = "ApprovalMissing"

// check is one guard: it returns a message to veto, or nothing. An error is a veto too.
type check struct {
	name string
	run  func(Input) (message string, retryAfter time.Duration, err error)
}

// chain is every guard, in the order in which a person would want to hear of them.
var chain = []check{
	{"Paused", paused},
	{"OwnershipConflict", ownershipConflict},
	{"ModeRecommend", recommendMode},
	{"OutOfBounds", outOfBounds},
	{"LargestStep", stepTooLarge},
	{"Budget", budget},
	{"ClassNotOrderable", classNotOrderable},
	{"CapacityShortage", capacityShortage},
	{"OptInTagMissing", optInTagMissing},
	{"OwnerConflict", readerAutoScaling},
	{"DeclaredElsewhere", declaredElsewhere},
	{"MetricsStale", metricsStale},
	{"DatabaseBusy", databaseBusy},
	{"PendingModifications", pendingModifications},
	{"PendingMaintenance", pendingMaintenance},
	{"BackupWindow", backupWindow},
	{"ForeignReader", readerNotOwned},
	{"MinimumReaders", minimumReaders},
	{"ReadersCarryLoad", readerCapacity},
	{"ReplicaLag", replicaLag},
	{"OperationsPerDay", operationsPerDay},
	{"Cooldown", cooldown},
	{"DisruptionWindow", disruptionWindow},
	{ApprovalRequired, approvalRequired}, // so late that what a person approves is not held back by another
	{FleetSlot, fleetSlot},               // the last, so that only what could begin at once has a place in the queue
}

// Check asks every guard and returns the vetoes, in the order of the chain; none when the proposal may pass.
func Check(in Input) []Veto { return runChecks(chain, in) }

// runChecks asks guards one after the other.
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

// Names lists the guards in the order in which they are asked.
func Names() []string {
	names := make([]string, len(chain))
	for n, c := range chain {
		names[n] = c.name
	}
	return names
}
