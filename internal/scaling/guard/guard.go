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
	History     scaling.History
	// Load is what each pool was seen to carry.
	Load []scaling.Load
	// Proposal is what is to be done.
	Proposal scaling.Proposal
	// Operation is how it is to be done.
	Operation scaling.Operation
	Now       time.Time
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

// check is one guard: it returns a message to veto, or nothing. An error is a veto too.
type check struct {
	name string
	run  func(Input) (message string, retryAfter time.Duration, err error)
}

// chain is every guard, in the order in which a person would want to hear of them.
var chain = []check{
	{"ModeRecommend", modeRecommend},
	{"OutOfBounds", outOfBounds},
	{"OptInTagMissing", optInTagMissing},
	{"MetricsStale", metricsStale},
	{"DatabaseBusy", databaseBusy},
	{"PendingModifications", pendingModifications},
	{"ForeignReader", foreignReader},
	{"ReadersCarryLoad", readersCarryLoad},
	{"OperationsPerDay", operationsPerDay},
	{"Cooldown", cooldown},
	{"DisruptionWindow", disruptionWindow},
}

// Check returns the first veto, or nil when every guard lets the proposal pass.
func Check(in Input) *Veto {
	for _, c := range chain {
		message, retryAfter, err := c.run(in)
		if err != nil {
			return &Veto{Guard: c.name, Message: "The guard could not be evaluated, so nothing changes: " + err.Error()}
		}
		if message != "" {
			return &Veto{Guard: c.name, Message: message, RetryAfter: retryAfter}
		}
	}
	return nil
}

// Names lists the guards in the order in which they are asked.
func Names() []string {
	names := make([]string, len(chain))
	for n, c := range chain {
		names[n] = c.name
	}
	return names
}
