package scaling

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Direction is whether a change adds or removes capacity.
type Direction string

// The directions.
const (
	Up      Direction = "Up"
	Down    Direction = "Down"
	Cleanup Direction = "Cleanup"
)

// Reason says in one CamelCase word what was decided, or why nothing was.
type Reason string

// The reasons of a proposal.
const (
	// ReasonScaleUp: the pool is too small, and a larger shape was chosen.
	ReasonScaleUp Reason = "ScaleUp"
	// ReasonPredictiveScaleUp: the pool will be too small before a new size could be in service.
	ReasonPredictiveScaleUp Reason = "ScaleUpAhead"
	// ReasonScaleDown: the pool has been too large for the whole window, and a smaller shape was chosen.
	ReasonScaleDown Reason = "ScaleDown"
	// ReasonBelowMinimum: the pool is smaller than the policy allows.
	ReasonBelowMinimum Reason = "BelowMinimum"
	// ReasonBelowSchedule: the pool is smaller than a schedule of the policy asks for now.
	ReasonBelowSchedule Reason = "BelowSchedule"
	// ReasonPromotionCandidateTooSmall: the readers grow so that one of them can succeed the writer that has to grow.
	ReasonPromotionCandidateTooSmall Reason = "SuccessorTooSmall"
	// ReasonOverride: a person wants another shape for a time.
	ReasonOverride Reason = "Override"
	// ReasonLeftoverSurgeReader: a surge reader outlived its operation and is not needed.
	ReasonLeftoverSurgeReader Reason = "SurgeLeftover"
)

// The reasons of a hold.
const (
	// ReasonWithinThresholds: utilization is between the thresholds.
	ReasonWithinThresholds Reason = "WithinBand"
	// ReasonAtMaximum: the pool is too small and already as large as the policy allows.
	ReasonAtMaximum Reason = "AtMaximum"
	// ReasonAtMinimum: the pool is too large and nothing smaller is allowed or fits.
	ReasonAtMinimum Reason = "AtMinimum"
	// ReasonNoSuitableShape: the pool is too small, the policy allows larger shapes, and none of them may be taken now.
	ReasonNoSuitableShape Reason = "NothingFits"
	// ReasonUnknownClass: an instance has a class, or the policy allows one, that the catalogue does not know.
	ReasonUnknownClass Reason = "UnknownInstanceClass"
	// ReasonInvalidSchedule: a schedule cannot be read.
	ReasonInvalidSchedule Reason = "InvalidSchedule"
	// ReasonStabilizing: the pool has changed, or was seen for the first time, and what it carries now is not known yet.
	ReasonStabilizing Reason = "Settling"
	// ReasonMetricsUnavailable: there are too few recent samples to decide anything.
	ReasonMetricsUnavailable Reason = "MetricsMissing"
	// ReasonUpgradeWatch: the engine was upgraded, so that nothing shrinks for a time.
	ReasonUpgradeWatch Reason = "UpgradeWatch"
	// ReasonScalingIneffective: growing has changed nothing several times, so that it is not repeated.
	ReasonScalingIneffective Reason = "ScalingIneffective"
	// ReasonOverridden: a person holds the shape as it is.
	ReasonOverridden Reason = "Overridden"
)

// Decision is what should change, the most urgent first, or why nothing should.
type Decision struct {
	// Proposals are the changes to make, the most urgent first. At most one is carried out; the next is considered only
	// when the guards hold the ones before it back.
	Proposals []Proposal
	// Hold says why nothing should change. It is set when there is no proposal.
	Hold Hold
	// Pools is how each pool was looked at, whether the policy scales it or not: readers, then writer.
	Pools []PoolAssessment
	// RequeueAfter is when the decision wants to be made again.
	RequeueAfter time.Duration
}

// PoolAssessment is how one pool was looked at.
type PoolAssessment struct {
	Load Load
	// Scaled says whether the policy scales the pool.
	Scaled bool
	// Hold says why it should stay as it is, or is empty.
	Hold Hold
	// RequiredVCPUs is what a new shape had to carry, in vCPUs; zero when none was looked for.
	RequiredVCPUs float64
	// Candidates are the shapes that were looked at, in the order of the ladder, and why each lost.
	Candidates []Candidate
}

// Hold is a decision to change nothing.
type Hold struct {
	Reason Reason
	// Message explains the reason. It stays the same while the reason does, so that status is not written every minute.
	Message string
}

// Proposal is a change that is called for.
type Proposal struct {
	Reason Reason
	// Message explains the reason. It stays the same while the proposal does, so that status is not written every minute.
	Message string
	// Cause is the figures that led to it, for the operation's record.
	Cause string
	// Emergency says that the pool is saturated and its demand far above its capacity.
	Emergency bool
	Change
}

// Change is a pool's way from one shape to another.
type Change struct {
	Pool      Pool
	Direction Direction
	From, To  Shape
	// Demand is what the pool must carry, in vCPUs.
	Demand float64
	// UtilizationPercent is the pool's, in percent, when the change was called for.
	UtilizationPercent float64
}

// Hash names a change of a pool that has been what it is since then, so that an approval of one is not an approval of the
// same change at another time: eight hexadecimal digits.
func (c Change) Hash(target Target, poolChangedAt time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s|%s|%d", target, c.Pool, c.Direction, c.From, c.To, poolChangedAt.Unix()))
	return hex.EncodeToString(sum[:4])
}

// Verdict is why a candidate lost, or that it was chosen.
type Verdict string

// The verdicts on candidates.
const (
	// VerdictChosen: it is what is proposed.
	VerdictChosen Verdict = "Chosen"
	// VerdictFits: it would do, and another is preferred.
	VerdictFits Verdict = "Fits"
	// VerdictWrongDirection: it has no more capacity, or no less, than the pool has now.
	VerdictWrongDirection Verdict = "WrongDirection"
	// VerdictTooSmall: its predicted utilization is above the target.
	VerdictTooSmall Verdict = "TooSmall"
	// VerdictTooSmallForDailyPeak: not even its largest number of instances would carry what the day asks for, so that the class would soon have to
	// be changed back.
	VerdictTooSmallForDailyPeak Verdict = "TooSmallForDay"
	// VerdictTooSmallForHottest: the reader that most of the load sticks to would be as hot as before.
	VerdictTooSmallForHottest Verdict = "TooSmallForHottest"
	// VerdictInsufficientMemory: what does not follow the class would not fit into its memory.
	VerdictInsufficientMemory Verdict = "TooLittleMemory"
	// VerdictInsufficientConnections: it takes fewer connections than there are.
	VerdictInsufficientConnections Verdict = "TooFewConnections"
	// VerdictMemoryUnknown and VerdictConnectionsUnknown: it is smaller, and samples are missing that would tell whether that fits.
	VerdictMemoryUnknown      Verdict = "MemoryUnknown"
	VerdictConnectionsUnknown Verdict = "ConnectionsUnknown"
	// VerdictStepTooLarge: it is further away than one operation may go.
	VerdictStepTooLarge Verdict = "StepTooLarge"
	// VerdictOverBudget: the target would cost more than the policy allows, or its price is not known and the policy has a budget.
	VerdictOverBudget Verdict = "OverBudget"
	// VerdictPriceUnknown: it is of another family, and without prices nobody knows which is cheaper.
	VerdictPriceUnknown Verdict = "PriceUnknown"
	// VerdictNotOrderable: AWS does not offer the class for this engine and version here.
	VerdictNotOrderable Verdict = "NotOrderable"
	// VerdictNoCapacity: AWS had no instance of the class a short time ago.
	VerdictNoCapacity Verdict = "NoCapacity"
	// VerdictNoPromotionCandidate: no reader would be left that is as large as the writer and first in line to succeed it.
	VerdictNoPromotionCandidate Verdict = "LosesSuccessor"
	// VerdictBelowSchedule: a schedule of the policy asks for more, now or soon.
	VerdictBelowSchedule Verdict = "BelowSchedule"
	// VerdictCountManaged: it has another number of readers, which Aurora Auto Scaling manages.
	VerdictCountManaged Verdict = "CountManaged"
	// VerdictMoreExpensive: it costs as much as the present shape, or more.
	VerdictMoreExpensive Verdict = "Dearer"
)

// Candidate is a shape that the policy allows, and what became of it.
type Candidate struct {
	Shape Shape
	// VCPUs of all its instances.
	VCPUs float64
	// PredictedUtilization is the utilization that it would have, in percent.
	PredictedUtilization float64
	// HourlyCost is what an hour of it costs; zero when that is not known.
	HourlyCost Money
	// ResizedInstances is how many of the present instances would get another class, Counted by how many their number would change.
	ResizedInstances, CountChange int
	Verdict                       Verdict
}

// Load is what a pool was seen to carry.
type Load struct {
	Pool Pool
	// NewestSampleAt is the start of the newest minute that every instance in service has published a sample for; zero when there
	// is none.
	NewestSampleAt time.Time
	// StableAt is when the samples since the pool's last change will fill the scale-up window; zero while it is changing.
	StableAt time.Time
	// Fresh says whether there are enough recent samples since the last change. The figures below are meaningless when
	// there are not.
	Fresh bool
	// UtilizationPercent is the mean over the scale-up window, in percent of Carrying.
	UtilizationPercent float64
	// Demand is the peak over the scale-up window, in vCPUs.
	Demand float64
	// Capacity is the vCPUs of the pool.
	Capacity float64
	// UsableCapacity is the vCPUs that the policy counts on: with OneReaderLost, those that are left without the largest reader.
	UsableCapacity float64
	// HottestPercent is the mean of the hottest instance over the scale-up window, in percent of its vCPUs, and HottestDemand the
	// highest demand of those instances that are too hot, in vCPUs.
	HottestPercent, HottestDemand float64
	// Saturated says that an instance was seen saturated in the scale-up window.
	Saturated bool
	// Censored says that it was, and that nothing showed the demand above its vCPUs: the true demand is at least Demand.
	Censored bool
	// Emergency says that the pool is saturated and its demand, as far as it is known, far above its capacity.
	Emergency bool
	// TrendDemand and Season are demands foreseen for when a new size could be in service, in vCPUs; zero when nothing is foreseen.
	TrendDemand, SeasonalDemand float64
	// ScaleDownWindow is what the scale-down window shows.
	ScaleDownWindow ScaleDownWindow
}

// ScaleDownWindow is what the scale-down window of a pool shows.
type ScaleDownWindow struct {
	// Complete says whether every minute of it has a sample of every instance, up to now.
	Complete bool
	// Saturated says that an instance was seen saturated in it.
	Saturated bool
	// PeakDemand is the highest demand in it, in vCPUs.
	PeakDemand float64
	// SeasonalDemand is the highest demand of earlier days and weeks in the hour ahead, in vCPUs; zero when nothing is foreseen, or the pool is
	// not too large anyway.
	SeasonalDemand float64
}

// History is what a policy did before, newest first.
type History []OperationRecord

// OperationRecord is one operation that has ended.
type OperationRecord struct {
	Pool                   Pool
	Direction              Direction
	Succeeded              bool
	StartedAt, CompletedAt time.Time
	// Disruptive says that it took instances out of service, or was to.
	Disruptive bool
	// NothingChanged says that AWS had no capacity for it and nothing was changed: it counts for nothing.
	NothingChanged bool
	// LeadTime is how long it took until capacity was added; zero when that is not known.
	LeadTime time.Duration
	// UtilizationBefore is the pool's utilization in percent when it was called for, and After once it had taken effect; nil when that
	// is not known.
	UtilizationBefore, UtilizationAfter *int
}

// CountStartedSince counts the operations, cleanups left out, that were started after t.
func (h History) CountStartedSince(t time.Time) int {
	n := 0
	for _, p := range h {
		if p.Direction != Cleanup && !p.NothingChanged && p.StartedAt.After(t) {
			n++
		}
	}
	return n
}

// CountDisruptiveSince counts those of them that interrupted instances.
func (h History) CountDisruptiveSince(t time.Time) int {
	n := 0
	for _, p := range h {
		if p.Direction != Cleanup && !p.NothingChanged && p.StartedAt.After(t) && p.Disruptive {
			n++
		}
	}
	return n
}

// IsDisruptive says whether a pool's way from one shape to another takes instances out of service for a time: any but the adding or
// removing of readers does.
func IsDisruptive(pool Pool, from, to Shape) bool {
	return pool == Writer || from.InstanceClass != to.InstanceClass
}

// LastCompleted is the operation that ended last of those that match accepts, or nil when there is none.
func (h History) LastCompleted(match func(OperationRecord) bool) *OperationRecord {
	var last *OperationRecord
	for n := range h {
		if match(h[n]) && (last == nil || h[n].CompletedAt.After(last.CompletedAt)) {
			last = &h[n]
		}
	}
	return last
}
