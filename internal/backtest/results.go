// Package backtest shows what a policy would have done under a recorded load, beside other autoscalers and beside the best that
// could have been done. It decides with the operator's own code and drives the simulator's model, so that every figure about a
// database is simulated.
package backtest

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RunKind is what a run is of.
type RunKind string

// The kinds of run.
const (
	// PolicyRun is the policy in question, decided by dbscaler.
	PolicyRun RunKind = "dbscaler"
	// BaselineRun is another autoscaler.
	BaselineRun RunKind = "peer"
	// StaticRun is a size that never changes.
	StaticRun RunKind = "static"
	// OracleRun knows the future: it is the limit and no peer.
	OracleRun RunKind = "oracle"
)

// Run is how one autoscaler fared.
type Run struct {
	// ID and Name are those of the autoscaler; Source says by which rule it decides.
	ID, Name, Source string
	Kind             RunKind
	// OtherPlatform says that it is of another platform, which changes a size within a minute or so and without an interruption: what no
	// RDS instance can.
	OtherPlatform bool
	Score         Score
	Timeline      Timeline
	// Events are the changes and what they interrupted, oldest first. No more than the newest thousand are kept.
	Events []Event
}

// Score is how well a run went. Minutes in gaps of the recording count for nothing; changes and disruptions in them do.
type Score struct {
	// ScoredMinutes that were scored.
	ScoredMinutes int
	// OverloadedMinutes is the minutes in which an instance in service was at 90 % CPU or more, or demand was not served.
	OverloadedMinutes int
	// UnservedVCPUMinutes is the work that was not served when it was asked for, in vCPU minutes.
	UnservedVCPUMinutes float64
	// VCPUHours is what the pool consisted of, in vCPU hours, surge readers included.
	VCPUHours float64
	// Cost is what that cost; Priced says whether every price was known.
	Cost      scaling.Money
	CostKnown bool
	// Disruptions is the restarts of instances in service, and the failovers.
	Disruptions int
	// Changes is how often the size was changed.
	Changes int
}

// Add is what two runs come to together. Their money is left out.
func (s Score) Add(other Score) Score {
	return Score{
		ScoredMinutes: s.ScoredMinutes + other.ScoredMinutes, OverloadedMinutes: s.OverloadedMinutes + other.OverloadedMinutes, UnservedVCPUMinutes: s.UnservedVCPUMinutes + other.UnservedVCPUMinutes,
		VCPUHours: s.VCPUHours + other.VCPUHours, Disruptions: s.Disruptions + other.Disruptions, Changes: s.Changes + other.Changes,
	}
}

// CostRatio is how much a run cost compared with another, in money where both are priced and otherwise in vCPU hours; zero when the other
// cost nothing.
func (s Score) CostRatio(other Score) float64 {
	a, b := s.VCPUHours, other.VCPUHours
	if s.CostKnown && other.CostKnown {
		a, b = float64(s.Cost), float64(other.Cost)
	}
	if b == 0 {
		return 0
	}
	return a / b
}

// Timeline is how a run went over time, in buckets of the same length: at most 2,000, however long the recording is.
type Timeline struct {
	Start        time.Time
	BucketLength time.Duration
	// DemandVCPUs is the greatest of each bucket in vCPUs, NaN in a gap; Capacity the least vCPUs that were in service.
	DemandVCPUs, CapacityVCPUs []float64
	// OverloadedMinutes is the minutes of each bucket that were overloaded.
	OverloadedMinutes []int
}

// Event is something that happened in a run.
type Event struct {
	Time time.Time
	// Kind is what happened, and Text says it with its reason for people.
	Kind    EventKind
	Message string
}

// EventKind is what happened.
type EventKind string

// The kinds of event.
const (
	// EventScaleUp and Shrank: a change was begun.
	EventScaleUp   EventKind = "grew"
	EventScaleDown EventKind = "shrank"
	// EventDisruption: an instance in service was restarted, or the writer failed over.
	EventDisruption EventKind = "disrupted"
	// EventBlocked: a guard held a change back that the load called for.
	EventBlocked EventKind = "held back"
)

// Comparison is the runs of one recording.
type Comparison struct {
	// PolicyName is the namespace/name of the policy, and Source the recording's for people.
	PolicyName, RecordingSource string
	Start, End                  time.Time
	Interval                    time.Duration
	// GapMinutes is the minutes without a recording, and Uncertain those in which the recorded database was saturated, so that its true
	// demand is not known.
	GapMinutes, UncertainMinutes int
	// Runs begin with the policy's own; the oracle, if there is one, comes last.
	Runs []Run
}
