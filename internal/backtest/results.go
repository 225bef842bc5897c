// Package backtest simulates what a policy would have done under a recorded load, and compares it with other autoscalers and with the
// best possible result. It runs the operator's own decision code against the simulator's model: every figure about a database is
// simulated.
package backtest

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RunKind is the kind of autoscaler that a run simulates.
type RunKind string

// The kinds of run.
const (
	// PolicyRun is dbscaler with the given policy.
	PolicyRun RunKind = "dbscaler"
	// BaselineRun is another autoscaler.
	BaselineRun RunKind = "baseline"
	// StaticRun is a size that never changes.
	StaticRun RunKind = "static"
	// ReactiveRun is the reactive limit. It knows the present exactly and nothing of the future. It is a bound, too.
	ReactiveRun RunKind = "reactive"
	// OracleRun knows the future. It is a bound, not an autoscaler that could exist.
	OracleRun RunKind = "oracle"
)

// Run is the result of one autoscaler.
type Run struct {
	// ID and Name are the autoscaler's; Source describes its rule and where the rule is published.
	ID, Name, Source string
	Kind             RunKind
	// OtherPlatform says that the autoscaler belongs to a platform that changes a size within about a minute and without an
	// interruption. No RDS instance can do that.
	OtherPlatform bool
	Score         Score
	Timeline      Timeline
	// Events are the changes and disruptions, oldest first: at most the newest 1,000.
	Events []Event
}

// Score is the quality of a run. Minutes in gaps of the recording are not scored; changes and disruptions in them are.
type Score struct {
	// ScoredMinutes is the number of minutes that were scored.
	ScoredMinutes int
	// OverloadedMinutes is the number of minutes in which an instance in service was at 90 % CPU or more, or demand was not served.
	OverloadedMinutes int
	// UnservedVCPUMinutes is the work that was not served when it was requested, in vCPU minutes.
	UnservedVCPUMinutes float64
	// VCPUHours is the size of the pool over time, in vCPU hours, including surge readers.
	VCPUHours float64
	// Cost is the cost of that size; CostKnown says whether the policy has every price.
	Cost      scaling.Money
	CostKnown bool
	// UsedVCPUHours is the part of VCPUHours that served new work.
	UsedVCPUHours float64
	// Shortages is the number of times that the pool did not have enough vCPUs, or was overloaded. ShortageMinutes is the sum of their times
	// to capacity, and LongestShortage the longest: from the first such minute until enough vCPUs served.
	Shortages, ShortageMinutes, LongestShortage int
	// ForeseenGrowths is the number of times that the policy grew by a prediction. NeededGrowths is how many of them were needed: within two
	// hours the demand would have reached the policy's scale-up threshold without them. AvertedShortages is the number of shortages that
	// they averted.
	ForeseenGrowths, NeededGrowths, AvertedShortages int
	// Disruptions is the number of restarts of instances in service, and of failovers.
	Disruptions int
	// Changes is the number of times that the size was changed.
	Changes int
	// QuietMinutes is the number of minutes in which the policy read one-minute metrics every other minute only.
	QuietMinutes int
}

// Add is the sum of two scores, without Cost.
func (s Score) Add(other Score) Score {
	return Score{
		ScoredMinutes: s.ScoredMinutes + other.ScoredMinutes, OverloadedMinutes: s.OverloadedMinutes + other.OverloadedMinutes,
		UnservedVCPUMinutes: s.UnservedVCPUMinutes + other.UnservedVCPUMinutes, VCPUHours: s.VCPUHours + other.VCPUHours,
		UsedVCPUHours: s.UsedVCPUHours + other.UsedVCPUHours,
		Shortages:     s.Shortages + other.Shortages, ShortageMinutes: s.ShortageMinutes + other.ShortageMinutes,
		LongestShortage: max(s.LongestShortage, other.LongestShortage),
		ForeseenGrowths: s.ForeseenGrowths + other.ForeseenGrowths, NeededGrowths: s.NeededGrowths + other.NeededGrowths,
		AvertedShortages: s.AvertedShortages + other.AvertedShortages,
		Disruptions:      s.Disruptions + other.Disruptions, Changes: s.Changes + other.Changes,
		QuietMinutes: s.QuietMinutes + other.QuietMinutes,
	}
}

// Slack is the share of the vCPUs that served no work: 1 − used ÷ provisioned.
func (s Score) Slack() float64 {
	if s.VCPUHours == 0 {
		return 0
	}
	return 1 - s.UsedVCPUHours/s.VCPUHours
}

// TimeToCapacity is the mean time to capacity in minutes; zero without a shortage.
func (s Score) TimeToCapacity() float64 {
	return float64(s.ShortageMinutes) / float64(max(1, s.Shortages))
}

// ForesightPrecision is the share of the foreseen growths that were needed. It is false if nothing was foreseen.
func (s Score) ForesightPrecision() (share float64, known bool) {
	return float64(s.NeededGrowths) / float64(max(1, s.ForeseenGrowths)), s.ForeseenGrowths > 0
}

// ForesightRecall is the share of the shortages that a foreseen growth averted. It is false if there were none, averted or not.
func (s Score) ForesightRecall() (share float64, known bool) {
	all := s.Shortages + s.AvertedShortages
	return float64(s.AvertedShortages) / float64(max(1, all)), all > 0
}

// CostRatio is the cost divided by that of another run: in money where both costs are known, otherwise in vCPU hours. It is zero if
// the other run cost nothing.
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

// Timeline is the course of a run, in buckets of equal length: at most 2,000, for a recording of any length.
type Timeline struct {
	Start        time.Time
	BucketLength time.Duration
	// DemandVCPUs is the maximum demand of each bucket, NaN in a gap; CapacityVCPUs the minimum of the vCPUs in service.
	DemandVCPUs, CapacityVCPUs []float64
	// OverloadedMinutes is the number of overloaded minutes in each bucket.
	OverloadedMinutes []int
}

// Event is a change, a disruption or a blocked change.
type Event struct {
	Time time.Time
	Kind EventKind
	// Message describes the event and its reason.
	Message string
	// Foreseen says that a prediction caused the change.
	Foreseen bool
}

// EventKind is the kind of an event.
type EventKind string

// The kinds of event.
const (
	// EventScaleUp and EventScaleDown: a change started.
	EventScaleUp   EventKind = "scale-up"
	EventScaleDown EventKind = "scale-down"
	// EventDisruption: an instance in service was restarted, or the writer failed over.
	EventDisruption EventKind = "disruption"
	// EventBlocked: a guard blocked a change that the decision proposed.
	EventBlocked EventKind = "blocked"
)

// Comparison is the runs of several autoscalers under one recording.
type Comparison struct {
	// PolicyName is the namespace/name of the policy; RecordingSource describes where the recording is from.
	PolicyName, RecordingSource string
	Start, End                  time.Time
	Interval                    time.Duration
	// GapMinutes is the number of minutes without a recorded value. UncertainMinutes is the number of minutes in which the recorded
	// database was saturated, so that its true demand is unknown.
	GapMinutes, UncertainMinutes int
	// Runs begin with the policy's run and end with the reactive limit's and the oracle's, if they were requested.
	Runs []Run
}
