package view

import (
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// guardRemedies say what lifts the veto of a guard, as docs/status.md, "Guards".
var guardRemedies = map[string]string{
	"Paused":                   "wait until the pause ends, or run kubectl dbscaler resume; correct an annotation that is invalid",
	"OwnershipConflict":        "let only one client decide the size, then run kubectl dbscaler resolve",
	"RecommendMode":            "set spec.mode to Enforce or Approve",
	"OutOfBounds":              "change the limits of the policy, or correct the override",
	"StepTooLarge":             "raise guardrails.maxStepFactor, or set the shape with kubectl dbscaler override",
	"Budget":                   "raise guardrails.maxHourlyCostUSD, or add the missing prices",
	"LicenseGrowth":            "set guardrails.licenseGrowth to Allow, if you hold enough licences",
	"ClassNotOrderable":        "remove the class from the policy, or upgrade the engine",
	"CapacityShortage":         "wait until the time in status.capacityShortages, or allow more classes",
	"CannotReplicate":          "do what the message says, or leave readers out of the policy",
	"RefusedByAWS":             "remove the cause, then edit the spec, or wait a day",
	"OptInTagMissing":          "set the tag dbscaler.io/policy-namespace on the database and each instance",
	"ReaderAutoScaling":        "remove the scalable target of Aurora Auto Scaling, or leave the number of readers to it",
	"DeclaredElsewhere":        "stop the object of ACK or Crossplane from managing the class",
	"BlueGreenDeployment":      "switch the blue/green deployment over, or delete it",
	"MetricsStale":             "wait for CPU samples; if none come, check the instance in the RDS console",
	"DatabaseBusy":             "wait until the cluster and its instances are available",
	"PendingModifications":     "apply or cancel the change that waits for the maintenance window",
	"PendingReboot":            "reboot the instance, or revert the parameter",
	"PendingMaintenance":       "wait until the maintenance is done",
	"BackupWindow":             "wait until the backup window closes",
	"ReaderNotOwned":           "delete the reader yourself if it is not needed",
	"CustomEndpoints":          "take the reader out of the static list of the custom endpoint",
	"PromotionCandidate":       "give the reader the DB parameter group of the writer, or do what the message says",
	"MinimumReaders":           "set guardrails.surgeReaders to 1, or allow more readers",
	"ReaderCapacity":           "set guardrails.surgeReaders to 1, or allow more readers",
	"ReplicaLag":               "wait until the reader has caught up with the writer",
	"OperationsPerDay":         "wait, or raise guardrails.maxOperationsPerDay",
	"Cooldown":                 "wait until the cooldown ends",
	"DisruptionWindow":         "wait until a window of spec.disruptionWindows opens",
	"ApprovalRequired":         "approve the change: kubectl dbscaler approve",
	"FleetSlot":                "wait until another disruptive operation ends",
	ledger.OperationImpossible: "do what the message says",
}

// GuardRemedy says what lifts the veto of a guard; empty for an unknown one.
func GuardRemedy(guard string) string { return guardRemedies[guard] }

// holdRemedies say what would have to change for the operator to act, by the reason of a decision that changes nothing.
var holdRemedies = map[scaling.Reason]string{
	scaling.ReasonAtMaximum: "allow a larger shape in the policy (more readers or a larger class), or reduce the load: it has the largest " +
		"shape that the policy allows",
	scaling.ReasonAtMinimum:       "allow a smaller shape in the policy: it has the smallest one that fits",
	scaling.ReasonNoSuitableShape: "remove what the message names for the larger shapes: the table of candidates has the reason of each",
	scaling.ReasonUnknownClass:    "correct the class in the policy, or use a version of dbscaler that knows it",
	scaling.ReasonInvalidSchedule: "correct the schedule",
	scaling.ReasonStabilizing:     "wait until the time in the message: the load is measured on the pool as it is now",
	scaling.ReasonMetricsUnavailable: "CloudWatch must have recent CPUUtilization of every instance of the pool: check the instances in " +
		"the RDS console",
	scaling.ReasonUpgradeWatch:        "wait until the watch period after the engine upgrade ends: until then nothing scales down",
	scaling.ReasonRegionSwitch:        "wait until 12 hours after the switch of the primary region: until then nothing scales down",
	scaling.ReasonCPUCreditsExhausted: "wait until the instances have earned CPU credits, or use a class that is not burstable",
	scaling.ReasonScalingIneffective: "find what the sessions wait for: three scale-ups did not lower the utilization, so that a larger " +
		"shape would not either",
	scaling.ReasonStaticEndpoints: "take a reader out of the static list of its custom endpoint",
	scaling.ReasonOverridden:      "run kubectl dbscaler override --end, or wait until the override ends",
}
