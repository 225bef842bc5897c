package v1alpha1

// The condition types. Paused, Overridden, OwnershipConflict, ReplicaWithoutClients, Reconciling and Stalled are present only while they are True, as
// kstatus defines it for the last two.
const (
	// ConditionReady summarizes Accepted, TargetFound, Authorized and MetricsAvailable, and is False during an OwnershipConflict. It
	// is True when the policy is in force. An operation in progress does not make it False.
	ConditionReady = "Ready"
	// ConditionAccepted says whether the spec is valid beyond what the API server checks.
	ConditionAccepted = "Accepted"
	// ConditionTargetFound says whether the database exists and is of a kind that can be scaled.
	ConditionTargetFound = "TargetFound"
	// ConditionAuthorized says whether the policy may change the database. It requires the opt-in tag, the AWS permissions, and
	// that no older policy scales the same database.
	ConditionAuthorized = "Authorized"
	// ConditionMetricsAvailable says whether there are enough recent CPU samples for a decision.
	ConditionMetricsAvailable = "MetricsAvailable"
	// ConditionScalingLimited says whether a limit prevents a change that the load requires. The reason names the limit.
	ConditionScalingLimited = "ScalingLimited"
	// ConditionPaused is True while the policy is paused by an annotation, or an annotation is invalid.
	ConditionPaused = "Paused"
	// ConditionOverridden is True while annotations set the shape of the database.
	ConditionOverridden = "Overridden"
	// ConditionOwnershipConflict is True while the operator changes nothing because another client has reverted two operations.
	ConditionOwnershipConflict = "OwnershipConflict"
	// ConditionReplicaWithoutClients is True while no client is connected to a read replica of a DB instance, so that the replica does
	// not count as capacity.
	ConditionReplicaWithoutClients = "ReplicaWithoutClients"
	// ConditionReconciling is True while an operation is in progress.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True while the policy cannot make progress without manual intervention.
	ConditionStalled = "Stalled"
)

// The reasons of conditions and decisions. The reason of ScalingLimited is the name of a guard or the reason of a decision.
const (
	// ReasonAccepted: the spec is valid.
	ReasonAccepted = "Accepted"
	// ReasonUnknownInstanceClass: the spec names an instance class that the catalog does not contain.
	ReasonUnknownInstanceClass = "UnknownInstanceClass"
	// ReasonLadderOutOfOrder: the classes of a list are not sorted by vCPUs.
	ReasonLadderOutOfOrder = "LadderOutOfOrder"
	// ReasonClassNotOffered: AWS does not offer a class of the spec for the engine of the database.
	ReasonClassNotOffered = "ClassNotOffered"
	// ReasonInvalidSchedule: a schedule or disruption window cannot be parsed.
	ReasonInvalidSchedule = "InvalidSchedule"
	// ReasonFound: the database exists.
	ReasonFound = "Found"
	// ReasonNotFound: the database does not exist in the account and region.
	ReasonNotFound = "NotFound"
	// ReasonUnsupported: the database exists but is of a kind that cannot be scaled.
	ReasonUnsupported = "Unsupported"
	// ReasonAuthorized: the policy may change the database.
	ReasonAuthorized = "Authorized"
	// ReasonOptInTagMissing: the database lacks the tag that allows policies of this namespace to change it.
	ReasonOptInTagMissing = "OptInTagMissing"
	// ReasonAccessDenied: the IAM role lacks a permission.
	ReasonAccessDenied = "AccessDenied"
	// ReasonPolicyConflict: an older policy scales the same database.
	ReasonPolicyConflict = "PolicyConflict"
	// ReasonMetricsAvailable: there are enough recent samples.
	ReasonMetricsAvailable = "MetricsAvailable"
	// ReasonMetricsUnavailable: there are too few recent samples.
	ReasonMetricsUnavailable = "MetricsUnavailable"
	// ReasonAWSUnavailable: AWS does not respond or throttles.
	ReasonAWSUnavailable = "AWSUnavailable"
	// ReasonPending: the condition has not been evaluated yet.
	ReasonPending = "Pending"
	// ReasonReady: the policy is in force.
	ReasonReady = "Ready"
	// ReasonOperationInProgress: an operation is in progress.
	ReasonOperationInProgress = "OperationInProgress"
	// ReasonStepFailed: a step of an operation did not have its effect.
	ReasonStepFailed = "StepFailed"
	// ReasonInsufficientCapacity: AWS has no capacity for the class at the moment.
	ReasonInsufficientCapacity = "InsufficientCapacity"
	// ReasonQuotaExceeded: a quota of the account is exhausted.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonRefusedByAWS: AWS rejects the change, and would reject it again.
	ReasonRefusedByAWS = "RefusedByAWS"
	// ReasonOperationImpossible: no safe sequence of steps leads to the required shape.
	ReasonOperationImpossible = "OperationImpossible"
	// ReasonScalingUp: an operation that adds capacity is in progress.
	ReasonScalingUp = "ScalingUp"
	// ReasonScalingDown: an operation that removes capacity is in progress.
	ReasonScalingDown = "ScalingDown"
	// ReasonCleaningUp: an operation that removes leftover surge readers is in progress.
	ReasonCleaningUp = "CleaningUp"
	// ReasonCompleted: an operation has just succeeded.
	ReasonCompleted = "Completed"
	// ReasonPausedByAnnotation: an annotation pauses the policy until a time.
	ReasonPausedByAnnotation = "PausedByAnnotation"
	// ReasonInvalidAnnotation: an annotation cannot be parsed, which counts as a pause.
	ReasonInvalidAnnotation = "InvalidAnnotation"
	// ReasonOverriddenByAnnotation: annotations set the shape until a time.
	ReasonOverriddenByAnnotation = "OverriddenByAnnotation"
	// ReasonInvalidPrice: a price or the cost limit cannot be parsed.
	ReasonInvalidPrice = "InvalidPrice"
	// ReasonPolicyDeleted: the policy was deleted during an operation.
	ReasonPolicyDeleted = "PolicyDeleted"
	// ReasonPolicyChanged: an operation was abandoned because the spec no longer allows its result.
	ReasonPolicyChanged = "PolicyChanged"
	// ReasonRevertedTwice: somebody else has undone the changes of two operations within a week.
	ReasonRevertedTwice = "RevertedTwice"
	// ReasonNoConnections: DatabaseConnections of a read replica is zero.
	ReasonNoConnections = "NoConnections"
	// ReasonNotLimited: no limit applies.
	ReasonNotLimited = "NotLimited"
)
