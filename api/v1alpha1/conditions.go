package v1alpha1

// The condition types. Paused, Overridden, OwnershipConflict, CustomEndpoints, GlobalDatabase, BlueGreenDeployment,
// ReplicaWithoutClients, Reconciling and Stalled are present only while they are True, as kstatus defines it for the last two.
const (
	// ConditionReady summarizes Accepted, TargetFound, Authorized and MetricsAvailable, and is False during an OwnershipConflict. It
	// is True when the policy is in force. An operation in progress does not make it False.
	ConditionReady = "Ready"
	// ConditionAccepted says whether the spec is valid beyond what the API server checks.
	ConditionAccepted = "Accepted"
	// ConditionTargetFound says whether the database exists and is of a kind that can be scaled.
	ConditionTargetFound = "TargetFound"
	// ConditionAuthorized says whether the policy may change the database. It requires that the policy may use its AWSAccount, the
	// opt-in tag, the AWS permissions, and that no older policy scales the same database.
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
	// ConditionCustomEndpoints is True while the custom endpoints of the cluster have consequences for the reader pool, or cannot be
	// read.
	ConditionCustomEndpoints = "CustomEndpoints"
	// ConditionGlobalDatabase is True while the cluster is the primary of an Aurora global database, whose secondaries keep their size.
	ConditionGlobalDatabase = "GlobalDatabase"
	// ConditionBlueGreenDeployment is True while a blue/green deployment of the database has not been switched over, or cannot be read.
	ConditionBlueGreenDeployment = "BlueGreenDeployment"
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
	// ReasonNotFoundOrNotOptedIn: there is no such database in the account and region, or it does not carry the tag that allows
	// policies of this namespace to see and change it. Which of the two, only the operator's log says.
	ReasonNotFoundOrNotOptedIn = "NotFoundOrNotOptedIn"
	// ReasonAccountRequired: the policy names no AWSAccount, and the operator requires one.
	ReasonAccountRequired = "AccountRequired"
	// ReasonAccountNotFound: the AWSAccount that the policy names does not exist.
	ReasonAccountNotFound = "AccountNotFound"
	// ReasonInvalidAccount: the AWSAccount that the policy names cannot be used as it is.
	ReasonInvalidAccount = "InvalidAccount"
	// ReasonNamespaceNotAllowed: the AWSAccount does not select the namespace of the policy.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonRegionNotAllowed: the AWSAccount does not allow the region of the database.
	ReasonRegionNotAllowed = "RegionNotAllowed"
	// ReasonDifferentDatabase: an operation is in progress on another database than the one that the policy now leads to.
	ReasonDifferentDatabase = "DifferentDatabase"
	// ReasonOperatedByOtherCluster: the operator of another Kubernetes cluster scales the database.
	ReasonOperatedByOtherCluster = "OperatedByOtherCluster"
	// ReasonUnsupported: the database exists but is of a kind that cannot be scaled.
	ReasonUnsupported = "Unsupported"
	// ReasonAuthorized: the policy may change the database.
	ReasonAuthorized = "Authorized"
	// ReasonAccessDenied: the IAM role lacks a permission.
	ReasonAccessDenied = "AccessDenied"
	// ReasonPolicyConflict: an older policy scales the same database.
	ReasonPolicyConflict = "PolicyConflict"
	// ReasonPoliciesUnknown: the operator may list the policies of some namespaces only, and those of others may scale the database.
	ReasonPoliciesUnknown = "PoliciesUnknown"
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
	// ReasonStaticMembers: readers are in static lists of custom endpoints, so that they do not belong to the reader pool.
	ReasonStaticMembers = "StaticMembers"
	// ReasonNewReadersJoin: every new reader joins a custom endpoint.
	ReasonNewReadersJoin = "NewReadersJoin"
	// ReasonSecondariesNotScaled: the secondary clusters of the global database keep their size.
	ReasonSecondariesNotScaled = "SecondariesNotScaled"
	// ReasonNotSwitchedOver: a blue/green deployment exists and has not been switched over.
	ReasonNotSwitchedOver = "NotSwitchedOver"
	// ReasonUnreadable: what the condition is about cannot be read.
	ReasonUnreadable = "Unreadable"
	// ReasonTargetReplaced: another database has taken the name of the target during an operation.
	ReasonTargetReplaced = "TargetReplaced"
	// ReasonRevertedTwice: somebody else has undone the changes of two operations within a week.
	ReasonRevertedTwice = "RevertedTwice"
	// ReasonNoConnections: DatabaseConnections of a read replica is zero.
	ReasonNoConnections = "NoConnections"
	// ReasonNotLimited: no limit applies.
	ReasonNotLimited = "NotLimited"
)
