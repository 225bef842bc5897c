package v1alpha1

// The types of conditions. Paused, Overridden, OwnershipConflict, Reconciling and Stalled are present only while they are
// True (kstatus).
const (
	// ConditionReady sums up Accepted, TargetFound, Permitted and MetricsFresh: True when the policy is in force. An
	// operation under way does not make it False.
	ConditionReady = "Ready"
	// ConditionAccepted says whether the spec makes sense beyond what the API server checks.
	ConditionAccepted = "Accepted"
	// ConditionTargetFound says whether the database exists and is of a kind that can be scaled.
	ConditionTargetFound = "TargetFound"
	// ConditionAuthorized says whether the policy may change the database: the opt-in tag, AWS permissions, and no older
	// policy for the same database.
	ConditionAuthorized = "Permitted"
	// ConditionMetricsAvailable says whether there are enough recent CPU samples to decide on.
	ConditionMetricsAvailable = "MetricsFresh"
	// ConditionScalingLimited says whether a change that the load calls for is held back; its reason names what by.
	ConditionScalingLimited = "ScalingLimited"
	// ConditionPaused is True while a person holds everything back, or asked for something that cannot be read.
	ConditionPaused = "Paused"
	// ConditionOverridden is True while a person holds the database at a shape of their own.
	ConditionOverridden = "Overridden"
	// ConditionOwnershipConflict is True while the operator keeps its hands off, because somebody has undone what it set twice.
	ConditionOwnershipConflict = "OwnershipConflict"
	// ConditionReconciling is True while an operation is under way or the spec has not been looked at.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True while nothing will change until a person does something.
	ConditionStalled = "Stalled"
)

// The reasons of conditions and decisions. A ScalingLimited condition has the name of a guard, or the reason of a decision, as its
// reason.
const (
	// ReasonAccepted: the spec makes sense.
	ReasonAccepted = "Accepted"
	// ReasonUnknownInstanceClass: a ladder names a class that the operator does not know.
	ReasonUnknownInstanceClass = "UnknownInstanceClass"
	// ReasonLadderOutOfOrder: a ladder's classes do not grow in vCPUs.
	ReasonLadderOutOfOrder = "LadderOutOfOrder"
	// ReasonClassNotOffered: a ladder names a class that the database's engine is not offered on.
	ReasonClassNotOffered = "ClassNotOffered"
	// ReasonInvalidSchedule: a schedule or disruption window cannot be read.
	ReasonInvalidSchedule = "InvalidSchedule"
	// ReasonFound: the database exists.
	ReasonFound = "Found"
	// ReasonNotFound: there is no such database in that account and region.
	ReasonNotFound = "NotFound"
	// ReasonUnsupported: the database exists and is of a kind that cannot be scaled.
	ReasonUnsupported = "Unsupported"
	// ReasonAuthorized: the policy may change the database.
	ReasonAuthorized = "Permitted"
	// ReasonOptInTagMissing: the database does not carry the tag that lets this namespace change it.
	ReasonOptInTagMissing = "OptInTagMissing"
	// ReasonAccessDenied: the IAM role may not do what is needed.
	ReasonAccessDenied = "AccessDenied"
	// ReasonPolicyConflict: an older policy scales the same database.
	ReasonPolicyConflict = "PolicyConflict"
	// ReasonMetricsAvailable: there are enough recent samples.
	ReasonMetricsAvailable = "Fresh"
	// ReasonMetricsUnavailable: there are too few recent samples.
	ReasonMetricsUnavailable = "MetricsMissing"
	// ReasonAWSUnavailable: AWS does not answer or throttles.
	ReasonAWSUnavailable = "AWSUnavailable"
	// ReasonPending: not looked at yet.
	ReasonPending = "Pending"
	// ReasonReady: the policy is in force.
	ReasonReady = "Ready"
	// ReasonOperationInProgress: an operation is under way.
	ReasonOperationInProgress = "OperationInProgress"
	// ReasonStepFailed: a step of an operation did not do what it should.
	ReasonStepFailed = "StepFailed"
	// ReasonInsufficientCapacity: AWS has no instance of that class now.
	ReasonInsufficientCapacity = "InsufficientCapacity"
	// ReasonQuotaExceeded: the account's quota is used up.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonRefusedByAWS: AWS refuses the change, whatever the time.
	ReasonRefusedByAWS = "RefusedByAWS"
	// ReasonOperationImpossible: there is no safe way to the shape that the load calls for.
	ReasonOperationImpossible = "OperationImpossible"
	// ReasonScalingUp: an operation that adds capacity is under way.
	ReasonScalingUp = "ScalingUp"
	// ReasonScalingDown: an operation that removes capacity is under way.
	ReasonScalingDown = "ScalingDown"
	// ReasonCleaningUp: an operation that removes what another left behind is under way.
	ReasonCleaningUp = "CleaningUp"
	// ReasonCompleted: an operation has just ended well.
	ReasonCompleted = "Completed"
	// ReasonPausedByAnnotation: a person paused the policy until a time.
	ReasonPausedByAnnotation = "PausedByAnnotation"
	// ReasonInvalidAnnotation: an annotation cannot be read, which counts as a pause.
	ReasonInvalidAnnotation = "InvalidAnnotation"
	// ReasonOverriddenByAnnotation: a person wants a shape until a time.
	ReasonOverriddenByAnnotation = "OverriddenByAnnotation"
	// ReasonInvalidPrice: a price or budget cannot be read.
	ReasonInvalidPrice = "InvalidPrice"
	// ReasonPolicyDeleted: the policy was deleted in the middle of an operation.
	ReasonPolicyDeleted = "PolicyDeleted"
	// ReasonPolicyChanged says that an operation was given up because the spec no longer allows what it leads to.
	ReasonPolicyChanged = "PolicyChanged"
	// ReasonRevertedTwice: within a week somebody has undone what two operations had set.
	ReasonRevertedTwice = "RevertedTwice"
	// ReasonNotLimited: nothing is held back.
	ReasonNotLimited = "NotLimited"
)
