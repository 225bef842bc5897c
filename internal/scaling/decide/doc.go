// Package decide computes which shape (instance class and count) each pool of a database should have. It is pure: the same
// policy, observation and time always give the same decision. Nothing here reads a clock or calls AWS.
//
// # Where to find what
//
// [Evaluate] (evaluate.go) is the only entry point. It works in this order:
//
//  1. Propose to delete readers that AWS failed to create: proposeFailedReaderCleanup (failed_readers.go). The other steps do
//     not see them.
//  2. Merge. A database whose instances can only be resized together becomes one instance: mergeInstances
//     (resized_as_unit.go).
//  3. Assess the load of each pool: assessLoad (assess_load.go). It adds up the demand of each minute (timeline.go) and
//     predicts demand (predict.go).
//  4. Propose one change per pool: evaluatePool (evaluate.go), which calls proposeOverride (override.go) while a manual
//     override is active, and otherwise proposeScaling (evaluate.go):
//     - Is the pool too small? detectTooSmall (scale_up.go). The shape to scale up to: proposeScaleUp (scale_up.go).
//     - Is it below readers.minReplicas or a schedule? proposeRaiseToMinimum (scheduled_minimum.go).
//     - Is it too large? isTooLarge (scale_down.go). The shape to scale down to: proposeScaleDown (scale_down.go).
//  5. Enlarge the readers first where the writer must scale up and no reader could be promoted:
//     proposePromotionCandidate (promotion.go).
//  6. Remove leftover surge readers: proposeSurgeCleanup (surge_cleanup.go).
//  7. Order the proposals, the most urgent first: sortByUrgency (order.go). Without any, report the most important reason
//     for changing nothing: mostSevereHold (order.go).
//
// Every step that looks for a shape lists all allowed shapes (candidates.go), gives each a verdict (checks.go) and takes the
// preferred one of those that fit (preference.go, pricing.go).
//
// # The arithmetic
//
// All demand is in vCPUs and all utilization in percent.
//
//	demand of a minute    sum over the pool's instances of CPUUtilization / 100 x vCPUs; of a saturated instance the
//	                      larger of that and DBLoadCPU
//	usable capacity       vCPUs of all instances; with redundancy OneReaderLost without the largest reader
//	utilization           100 x mean demand over the scale-up window / usable capacity
//	too small             utilization >= cpu.scaleUpPercent, or one of the other cases of detectTooSmall
//	required vCPUs        up: the peak demand over the scale-up window, or the predicted demand if that is higher;
//	                      down: the peak over the scale-down window, or the predicted demand if that is higher
//	a shape fits          100 x required vCPUs / its usable vCPUs <= cpu.targetPercent, and memory, connections and I/O (io.go) fit
//	too large             utilization below cpu.scaleDownPercent in every minute of the scale-down window; a few may be missing (gaps.go)
//
// Cooldowns, limits on the number of operations and busy databases are not considered here: they are guards (package guard).
package decide
