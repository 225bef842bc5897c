package notify

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

const (
	// BlockedAfter is how long the same guard or limit must prevent a change before that is reported. Cooldowns, a busy database and the
	// wait for a slot usually pass within it, and the alert DBScalerScalingBlocked waits about as long.
	BlockedAfter = 15 * time.Minute
	// MaxPending is how many undelivered notifications the status of a policy keeps. A policy reports a few a day, so that this covers
	// MaxAge; above it the oldest is dropped.
	MaxPending = 16
	// maxApprovals is how many hashes of wanted approvals are remembered. A load near a threshold alternates between a few shapes.
	maxApprovals = 8
	// overloadPercent is the use of all vCPUs, on average over the scale-up window, from which on a pool is overloaded, as for the metric
	// dbscaler_pool_overload_seconds_total. recoveredPercent is the use below which the overload has ended: the gap keeps a load near the
	// first from being reported again and again.
	overloadPercent, recoveredPercent = 95, 80
)

// approvalRequired is the guard of spec.mode Approve, which has a notification of its own.
const approvalRequired = "ApprovalRequired"

// silentReasons are the reasons of the condition ScalingLimited that are not reported as blocked: the first two are the modes of a policy,
// and the others only prevent a scale-down.
var silentReasons = []string{"RecommendMode", approvalRequired, "UpgradeWatch", "RegionSwitch", "CPUCreditsExhausted"}

// silentDecisions are the decisions whose delay is not reported: nothing lacks capacity.
var silentDecisions = []string{"ScaleDown", "LeftoverSurgeReader", "FailedReader"}

// Pool is what one reconcile has found about a pool that the policy scales.
type Pool struct {
	Pool v1alpha1.Pool
	// Shape is the present shape.
	Shape v1alpha1.Shape
	// UsedPercent is the use of all vCPUs in percent, on average over the scale-up window.
	UsedPercent float64
	// Known says whether it is known: there are enough recent samples.
	Known bool
}

// Transition is one change of the status of a policy.
type Transition struct {
	// Before is the status as it was last written, and After the one to write.
	Before, After *v1alpha1.DBScalingPolicyStatus
	// Pools are those that were assessed; empty when the database was not. Blocked changes and overloads are then left as they are.
	Pools []Pool
	// From is the present shape of the pool that the decision is to change; nil when it changes none.
	From *v1alpha1.Shape
	// HourlyCost is the price of a shape of a pool per hour in US dollars; empty when it is not known.
	HourlyCost func(v1alpha1.Pool, v1alpha1.Shape) string
	// IsSettled says whether every receiver has the notification of an id, or never will.
	IsSettled func(id string) bool
	Now       time.Time
}

// Derive returns status.notifications for a transition: without those that are settled, and with those that the transition adds. It also
// returns how many were dropped because there was no room. It reads nothing else, so that what is reported depends only on what is
// written: whoever writes the transition reports it, and a restart repeats none. Deriving the same transition twice adds nothing.
func Derive(t Transition) (next *v1alpha1.NotificationStatus, dropped int) {
	d := derivation{Transition: t, status: v1alpha1.NotificationStatus{}}
	if t.After.Notifications != nil {
		d.status = *t.After.Notifications.DeepCopy()
	}
	d.status.Pending = slices.DeleteFunc(d.status.Pending, func(n v1alpha1.PendingNotification) bool { return t.IsSettled(n.ID) })
	d.reportStart()
	d.reportEnds()
	d.reportApproval()
	d.reportConflict()
	d.reportBlocked()
	d.reportOverloads()
	if excess := len(d.status.Pending) - MaxPending; excess > 0 {
		d.status.Pending, dropped = slices.Delete(d.status.Pending, 0, excess), excess
	}
	if len(d.status.Pending) == 0 {
		d.status.Pending = nil
	}
	if d.isEmpty() {
		return nil, dropped
	}
	return &d.status, dropped
}

// Withdraw returns status.notifications when the policy may no longer see the database: only what reports an operation is left.
func Withdraw(status *v1alpha1.NotificationStatus) *v1alpha1.NotificationStatus {
	if status == nil {
		return nil
	}
	out := status.DeepCopy()
	out.Blocked, out.OverloadedPools, out.Approvals = nil, nil, nil
	out.Pending = slices.DeleteFunc(out.Pending, func(n v1alpha1.PendingNotification) bool { return n.Operation == "" })
	return out
}

// derivation is the state of one Derive.
type derivation struct {
	Transition
	status v1alpha1.NotificationStatus
}

func (d *derivation) isEmpty() bool {
	s := &d.status
	return len(s.Pending) == 0 && s.Operation == "" && len(s.Approvals) == 0 && s.Blocked == nil && len(s.OverloadedPools) == 0
}

// add adds a notification, unless it is there already.
func (d *derivation) add(n v1alpha1.PendingNotification) {
	if slices.ContainsFunc(d.status.Pending, func(p v1alpha1.PendingNotification) bool { return p.ID == n.ID }) {
		return
	}
	if n.From != nil && n.Pool != "" {
		n.FromHourlyCostUSD = d.HourlyCost(n.Pool, *n.From)
	}
	if n.To != nil && n.Pool != "" {
		n.ToHourlyCostUSD = d.HourlyCost(n.Pool, *n.To)
	}
	n.Message, n.Cause = truncate(n.Message), truncate(n.Cause)
	n.Time = metav1.NewTime(d.Now)
	d.status.Pending = append(d.status.Pending, n)
}

// maxTextBytes is the maximum length of a message and a cause in status, in bytes.
const maxTextBytes = 2048

// truncate cuts a text between characters: a condition may have a longer message.
func truncate(text string) string {
	if len(text) <= maxTextBytes {
		return text
	}
	end := maxTextBytes - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// reportStart reports an operation whose first request is about to be made. One that only waits for a slot may still be given up.
func (d *derivation) reportStart() {
	op := d.After.Operation
	hasRequest := func(s v1alpha1.OperationStep) bool { return s.Attempts > 0 }
	if op == nil || op.ID == d.status.Operation || !slices.ContainsFunc(op.Steps, hasRequest) {
		return
	}
	d.status.Operation = op.ID
	n := v1alpha1.PendingNotification{
		ID: operationEventID(op.DecisionHash, op.ID, "started"), Type: v1alpha1.NotificationOperationStarted,
		Pool: op.Pool, Direction: op.Direction, From: op.From.DeepCopy(), To: op.To.DeepCopy(), Cause: op.Cause, Operation: op.ID,
		Hash: op.DecisionHash, UtilizationPercent: op.UtilizationPercent,
	}
	if decision := d.After.Decision; decision != nil {
		n.Reason, n.Message = decision.Reason, decision.Message
	}
	d.add(n)
}

// reportEnds reports the operations that have been added to the history.
func (d *derivation) reportEnds() {
	for n := len(d.After.History) - 1; n >= 0; n-- { // oldest first
		r := &d.After.History[n]
		isSame := func(before v1alpha1.OperationRecord) bool {
			return before.ID == r.ID && before.StartTime.Equal(&r.StartTime)
		}
		if slices.ContainsFunc(d.Before.History, isSame) {
			continue
		}
		kind, word := v1alpha1.NotificationOperationFailed, "failed"
		if r.Outcome == v1alpha1.OutcomeSucceeded {
			kind, word = v1alpha1.NotificationOperationSucceeded, "succeeded"
		}
		d.add(v1alpha1.PendingNotification{
			ID: operationEventID(r.DecisionHash, r.ID, word), Type: kind, Pool: r.Pool, Direction: r.Direction, From: r.From.DeepCopy(),
			To: r.To.DeepCopy(), Reason: r.Reason, Message: r.Message, Operation: r.ID, Hash: r.DecisionHash,
			UtilizationPercent: r.UtilizationBeforePercent,
		})
	}
}

// reportApproval reports a change that waits for an approval, once for each hash.
func (d *derivation) reportApproval() {
	decision := d.After.Decision
	if decision.FirstBlocker() != approvalRequired || decision.Hash == "" || slices.Contains(d.status.Approvals, decision.Hash) {
		return
	}
	d.status.Approvals = append(d.status.Approvals, decision.Hash)
	if excess := len(d.status.Approvals) - maxApprovals; excess > 0 {
		d.status.Approvals = slices.Delete(d.status.Approvals, 0, excess)
	}
	n := d.aboutDecision(decision)
	n.ID, n.Type, n.Reason = d.eventID(d.Now, "approval-wanted"), v1alpha1.NotificationApprovalWanted, decision.Reason
	d.add(n)
}

// reportConflict reports the beginning of an ownership conflict.
func (d *derivation) reportConflict() {
	conflict := conflictOf(d.After)
	if before := conflictOf(d.Before); conflict == nil || before != nil && before.Time.Equal(&conflict.Time) {
		return
	}
	n := v1alpha1.PendingNotification{Type: v1alpha1.NotificationOwnershipConflict, Reason: v1alpha1.ReasonRevertedTwice}
	if reverts := d.After.Ownership.Reverts; len(reverts) > 0 {
		last := reverts[len(reverts)-1]
		n.Pool, n.Operation = last.Pool, last.Operation
		for _, r := range d.After.History {
			if r.ID == last.Operation {
				n.Hash = r.DecisionHash
			}
		}
	}
	n.ID = eventID(n.Hash, n.Reason, conflict.Time.Time, "ownership-conflict")
	if c := meta.FindStatusCondition(d.After.Conditions, v1alpha1.ConditionOwnershipConflict); c != nil {
		n.Message = c.Message
	}
	d.add(n)
}

func conflictOf(status *v1alpha1.DBScalingPolicyStatus) *v1alpha1.OwnershipConflict {
	if status.Ownership == nil {
		return nil
	}
	return status.Ownership.Conflict
}

// reportBlocked remembers since when the same limit has prevented a change, and reports it once after BlockedAfter. While the database
// could not be assessed it is not known whether the limit is still there.
func (d *derivation) reportBlocked() {
	if len(d.Pools) == 0 {
		return
	}
	limit := meta.FindStatusCondition(d.After.Conditions, v1alpha1.ConditionScalingLimited)
	decision, blocked := d.After.Decision, d.status.Blocked
	switch {
	case limit == nil || limit.Status != metav1.ConditionTrue || slices.Contains(silentReasons, limit.Reason),
		decision == nil || slices.Contains(silentDecisions, decision.Reason):
		d.status.Blocked = nil
		return
	case blocked == nil || blocked.Reason != limit.Reason:
		d.status.Blocked = &v1alpha1.BlockedChange{Reason: limit.Reason, SinceTime: metav1.NewTime(d.Now)}
		return
	case blocked.ReportTime != nil || d.Now.Sub(blocked.SinceTime.Time) < BlockedAfter:
		return
	}
	blocked.ReportTime = &metav1.Time{Time: d.Now}
	n := d.aboutDecision(decision)
	n.ID, n.Type = d.eventID(blocked.SinceTime.Time, "change-blocked"), v1alpha1.NotificationChangeBlocked
	n.Reason, n.Message = limit.Reason, limit.Message
	d.add(n)
}

// reportOverloads reports each pool that becomes overloaded, once until the overload has ended.
func (d *derivation) reportOverloads() {
	for _, p := range d.Pools {
		reported := slices.Index(d.status.OverloadedPools, p.Pool)
		switch {
		case !p.Known:
		case reported >= 0 && p.UsedPercent < recoveredPercent:
			d.status.OverloadedPools = slices.Delete(d.status.OverloadedPools, reported, reported+1)
		case reported < 0 && p.UsedPercent >= overloadPercent:
			d.status.OverloadedPools = append(d.status.OverloadedPools, p.Pool)
			percent := int32(p.UsedPercent)
			n := v1alpha1.PendingNotification{
				ID: d.eventID(d.Now, "overload-seen-"+string(p.Pool)), Type: v1alpha1.NotificationOverloadSeen, Pool: p.Pool,
				From: p.Shape.DeepCopy(), UtilizationPercent: &percent, Hash: d.currentHash(),
			}
			if decision := d.After.Decision; decision != nil {
				n.Reason, n.Message = decision.Reason, decision.Message
			}
			d.add(n)
		}
	}
	if len(d.status.OverloadedPools) == 0 {
		d.status.OverloadedPools = nil
	}
}

// aboutDecision is a notification with what the decision says about the pool to change.
func (d *derivation) aboutDecision(decision *v1alpha1.DecisionStatus) v1alpha1.PendingNotification {
	n := v1alpha1.PendingNotification{
		Pool: decision.Pool, To: decision.Desired.DeepCopy(), Message: decision.Message, Cause: decision.Cause, Hash: d.currentHash(),
	}
	n.From = d.From.DeepCopy()
	if op := d.After.Operation; op != nil {
		n.Operation, n.From = op.ID, op.From.DeepCopy()
	}
	for _, p := range d.Pools {
		if p.Pool == decision.Pool && p.Known {
			percent := int32(p.UsedPercent)
			n.UtilizationPercent = &percent
		}
	}
	return n
}

// currentHash is the hash of the decision that is in force: that which started the operation in progress, or the latest. It is empty when
// the latest decision proposes no change.
func (d *derivation) currentHash() string {
	if op := d.After.Operation; op != nil {
		return op.DecisionHash
	}
	if decision := d.After.Decision; decision != nil {
		return decision.Hash
	}
	return ""
}

// eventID is the id of an event about the decision in force.
func (d *derivation) eventID(at time.Time, suffix string) string {
	reason := "Unknown"
	if decision := d.After.Decision; decision != nil {
		reason = decision.Reason
	}
	return eventID(d.currentHash(), reason, at, suffix)
}

// eventID is the id of an event that began at a time: hash, time and what happened. A decision that proposes no change has no hash in the
// ledger, so that its reason takes the place.
func eventID(hash, reason string, at time.Time, suffix string) string {
	if hash == "" {
		hash = reason
	}
	return fmt.Sprintf("%s-%d-%s", hash, at.Unix(), suffix)
}

// operationEventID is the id of an event about an operation. Two operations can have one hash: after a failure that has changed nothing
// the same change is decided again.
func operationEventID(hash, operation, suffix string) string {
	if hash == "" { // an earlier version of the operator started it
		return operation + "-" + suffix
	}
	return fmt.Sprintf("%s-%s-%s", hash, operation, suffix)
}
