package scaling

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Direction says whether a change adds capacity, removes it, or removes leftover surge readers and readers that failed to be created.
type Direction string

// The directions.
const (
	Up      Direction = "Up"
	Down    Direction = "Down"
	Cleanup Direction = "Cleanup"
)

// Reason is the reason of a proposal or of a hold, in CamelCase.
type Reason string

// The reasons of a proposal.
const (
	// ReasonScaleUp: the pool is too small, and a larger shape was chosen.
	ReasonScaleUp Reason = "ScaleUp"
	// ReasonPredictiveScaleUp: the pool will be too small before a new size could be in service.
	ReasonPredictiveScaleUp Reason = "PredictiveScaleUp"
	// ReasonScaleDown: the pool was too large during the whole scale-down window, and a smaller shape was chosen.
	ReasonScaleDown Reason = "ScaleDown"
	// ReasonBelowMinimum: the pool is smaller than the policy allows.
	ReasonBelowMinimum Reason = "BelowMinimum"
	// ReasonBelowSchedule: the pool is smaller than an open schedule of the policy requires.
	ReasonBelowSchedule Reason = "BelowSchedule"
	// ReasonPromotionCandidateTooSmall: the writer must scale up, and no reader is large enough to be promoted to writer, so that
	// the readers scale up first.
	ReasonPromotionCandidateTooSmall Reason = "PromotionCandidateTooSmall"
	// ReasonOverride: a manual override requests another shape.
	ReasonOverride Reason = "Override"
	// ReasonLeftoverSurgeReader: a surge reader is still there after its operation has ended, and is not needed.
	ReasonLeftoverSurgeReader Reason = "LeftoverSurgeReader"
	// ReasonFailedReader: AWS accepted the creation of a reader and then failed to create it; what is left of it is removed.
	ReasonFailedReader Reason = "FailedReader"
)

// The reasons of a hold.
const (
	// ReasonWithinThresholds: utilization is between the thresholds.
	ReasonWithinThresholds Reason = "WithinThresholds"
	// ReasonAtMaximum: the pool is too small, and already as large as the policy allows.
	ReasonAtMaximum Reason = "AtMaximum"
	// ReasonAtMinimum: the pool is too large, and no smaller shape is allowed or suitable.
	ReasonAtMinimum Reason = "AtMinimum"
	// ReasonNoSuitableShape: the pool is too small, and none of the larger shapes that the policy allows can be chosen now.
	ReasonNoSuitableShape Reason = "NoSuitableShape"
	// ReasonUnknownClass: the catalog does not have the class of an instance or of the policy.
	ReasonUnknownClass Reason = "UnknownInstanceClass"
	// ReasonInvalidSchedule: a schedule of the policy cannot be parsed.
	ReasonInvalidSchedule Reason = "InvalidSchedule"
	// ReasonStabilizing: the pool has changed, or was observed for the first time, and its load is not known yet.
	ReasonStabilizing Reason = "Stabilizing"
	// ReasonMetricsUnavailable: there are too few recent samples for a decision.
	ReasonMetricsUnavailable Reason = "MetricsUnavailable"
	// ReasonUpgradeWatch: the engine was upgraded recently, so that no pool is scaled down.
	ReasonUpgradeWatch Reason = "UpgradeWatch"
	// ReasonScalingIneffective: several scale-ups have not lowered utilization, so that no other is tried for a time.
	ReasonScalingIneffective Reason = "ScalingIneffective"
	// ReasonCPUCreditsExhausted: an instance of a burstable class has used up its CPU credits or is billed for surplus credits, so
	// that its pool is not scaled down.
	ReasonCPUCreditsExhausted Reason = "CPUCreditsExhausted" //nolint:gosec // G101 takes credits for credentials
	// ReasonStaticEndpoints: every reader is in the static list of a custom endpoint, so that no reader belongs to the pool.
	ReasonStaticEndpoints Reason = "StaticEndpoints"
	// ReasonRegionSwitch: the cluster has become the primary of its global database recently, so that no pool is scaled down.
	ReasonRegionSwitch Reason = "RegionSwitch"
	// ReasonOverridden: a manual override keeps the current shape.
	ReasonOverridden Reason = "Overridden"
)

// Decision is the changes that a database needs, or the reason why it needs none.
type Decision struct {
	// Proposals are the changes to make, the most urgent first. At most one is carried out: the first that no guard blocks.
	Proposals []Proposal
	// Hold says why nothing should change. It is set when there is no proposal.
	Hold Hold
	// Pools is the assessment of each pool, whether the policy scales it or not: readers, then writer.
	Pools []PoolAssessment
	// RequeueAfter is the time after which to decide again.
	RequeueAfter time.Duration
}

// PoolAssessment is what was measured and considered for one pool.
type PoolAssessment struct {
	Load Load
	// Scaled says whether the policy scales the pool.
	Scaled bool
	// Hold says why the pool should stay as it is, or is empty.
	Hold Hold
	// RequiredVCPUs is the measured demand of the pool: the peak of the scale-up window, in vCPUs. Zero when the policy does not
	// scale the pool.
	RequiredVCPUs float64
	// Candidates are the shapes that were considered, in the order of the ladder, each with its verdict.
	Candidates []Candidate
}

// Hold is a decision to change nothing.
type Hold struct {
	Reason Reason
	// Message explains the reason. It does not change while the reason does not, so that status is not written every minute.
	Message string
}

// Proposal is a change that should be made.
type Proposal struct {
	Reason Reason
	// Message explains the reason. It does not change while the proposal does not, so that status is not written every minute.
	Message string
	// Cause is the figures that led to the proposal, for the record of the operation.
	Cause string
	// Emergency says that the pool is saturated and its demand far above its capacity.
	Emergency bool
	Change
}

// Change is a change of a pool from one shape to another.
type Change struct {
	Pool      Pool
	Direction Direction
	From, To  Shape
	// Demand is the demand of the pool, in vCPUs.
	Demand float64
	// UtilizationPercent is the utilization of the pool when the change was proposed.
	UtilizationPercent float64
}

// Hash identifies a change of a pool that last changed at poolChangedAt, in eight hexadecimal digits. An approval of it is not
// an approval of the same change at another time.
func (c Change) Hash(target Target, poolChangedAt time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s|%s|%d", target, c.Pool, c.Direction, c.From, c.To, poolChangedAt.Unix()))
	return hex.EncodeToString(sum[:4])
}

// Verdict says that a candidate was chosen, or why not.
type Verdict string

// The verdicts on candidates.
const (
	// VerdictChosen: the candidate is proposed.
	VerdictChosen Verdict = "Chosen"
	// VerdictFits: the candidate fits, and another one is preferred.
	VerdictFits Verdict = "Fits"
	// VerdictWrongDirection: the candidate has no more capacity than the pool, or no less.
	VerdictWrongDirection Verdict = "WrongDirection"
	// VerdictTooSmall: its predicted utilization is above the target.
	VerdictTooSmall Verdict = "TooSmall"
	// VerdictTooSmallForDailyPeak: not even the largest number of instances of its class would carry the daily peak, so that the
	// class would soon have to be changed back.
	VerdictTooSmallForDailyPeak Verdict = "TooSmallForDailyPeak"
	// VerdictTooSmallForHottest: the hottest reader would stay above the threshold.
	VerdictTooSmallForHottest Verdict = "TooSmallForHottest"
	// VerdictInsufficientMemory: the memory in use, without what follows the class, does not fit.
	VerdictInsufficientMemory Verdict = "InsufficientMemory"
	// VerdictInsufficientConnections: it allows fewer connections than are in use.
	VerdictInsufficientConnections Verdict = "InsufficientConnections"
	// VerdictMemoryUnknown and VerdictConnectionsUnknown: it is smaller, and the samples are missing that would show whether
	// memory or connections fit.
	VerdictMemoryUnknown      Verdict = "MemoryUnknown"
	VerdictConnectionsUnknown Verdict = "ConnectionsUnknown"
	// VerdictInsufficientIO: the I/O of the database would be above what the EBS limits of its class sustain.
	VerdictInsufficientIO Verdict = "InsufficientIO"
	// VerdictIOSaturated: the volumes are at the limit of the current class: their burst balance is low, or requests queue.
	VerdictIOSaturated Verdict = "IOSaturated"
	// VerdictInsufficientCache: it would have a smaller buffer cache, and the current one already misses too many reads.
	VerdictInsufficientCache Verdict = "InsufficientCache"
	// VerdictIOUnknown: it is smaller, and the samples or the limits of the class are missing that would show whether the I/O fits.
	VerdictIOUnknown Verdict = "IOUnknown"
	// VerdictParametersDoNotFit: it is smaller, and a parameter that a user set to a fixed value is too large for it.
	VerdictParametersDoNotFit Verdict = "ParametersDoNotFit"
	// VerdictParametersUnknown: it is smaller, and the parameters that users set are not known or cannot be evaluated.
	VerdictParametersUnknown Verdict = "ParametersUnknown"
	// VerdictStandbyTooSmall: a read replica of PostgreSQL would allow fewer connections than its source.
	VerdictStandbyTooSmall Verdict = "StandbyTooSmall"
	// VerdictStepTooLarge: it is further away than guardrails.maxStepFactor allows in one operation.
	VerdictStepTooLarge Verdict = "StepTooLarge"
	// VerdictOverBudget: the target would cost more than the policy allows, or the policy has a budget and the price is not known.
	VerdictOverBudget Verdict = "OverBudget"
	// VerdictPriceUnknown: it is of another family, and without prices it is not known which is cheaper.
	VerdictPriceUnknown Verdict = "PriceUnknown"
	// VerdictNotOrderable: AWS does not offer the class for this engine and version in this region.
	VerdictNotOrderable Verdict = "NotOrderable"
	// VerdictNoCapacity: AWS had no instances of the class a short time ago.
	VerdictNoCapacity Verdict = "NoCapacity"
	// VerdictRefusedByAWS: AWS refused this change within the last day.
	VerdictRefusedByAWS Verdict = "RefusedByAWS"
	// VerdictCannotReplicate: it has more readers, and AWS refuses every read replica of the source.
	VerdictCannotReplicate Verdict = "CannotReplicate"
	// VerdictReplicaWithoutClients: it has more readers, and no client is connected to one that is there already.
	VerdictReplicaWithoutClients Verdict = "ReplicaWithoutClients"
	// VerdictNoPromotionCandidate: no reader at the best promotion tier would be as large as the writer.
	VerdictNoPromotionCandidate Verdict = "NoPromotionCandidate"
	// VerdictBelowSchedule: a schedule of the policy requires more, now or within the hour.
	VerdictBelowSchedule Verdict = "BelowSchedule"
	// VerdictCountManaged: it has another number of readers, and Aurora Auto Scaling manages that number.
	VerdictCountManaged Verdict = "CountManaged"
	// VerdictBelowMinCapacity: it is a maximum capacity below the minimum capacity of the cluster.
	VerdictBelowMinCapacity Verdict = "BelowMinCapacity"
	// VerdictMoreExpensive: it costs as much as the current shape or more, or saves too little to resize readers.
	VerdictMoreExpensive Verdict = "MoreExpensive"
)

// Candidate is a shape that the policy allows, and its verdict.
type Candidate struct {
	Shape Shape
	// VCPUs is the number of vCPUs of all its instances.
	VCPUs float64
	// PredictedUtilization is the utilization that it would have, in percent.
	PredictedUtilization float64
	// HourlyCost is the price of all its instances per hour; zero when that is not known.
	HourlyCost Money
	// ResizedInstances is the number of current instances that would get another class, CountChange the number of instances
	// that would be added or removed.
	ResizedInstances, CountChange int
	// IO is what was compared for the I/O of the candidate.
	IO      CandidateIO
	Verdict Verdict
}
