package operation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// PollInterval is how often to observe while an operation is in progress.
	PollInterval = 15 * time.Second
	// stepRetryInterval is how long after a request a step without a visible effect is requested again. AWS usually shows within 5 to 30
	// seconds that it has accepted a change; after this interval the request is presumed lost.
	stepRetryInterval = 90 * time.Second
	// failoverRetryInterval is longer, so that a failover is not requested again while the first may still be in progress: it takes
	// "typically less than 120 seconds" (AWS re:Post, Aurora failover).
	failoverRetryInterval = 5 * time.Minute
	// maxAttempts is how many times the same step is requested.
	maxAttempts = 5
	// promotionWarmUp is how long an instance is in service before it becomes the writer. Buffer caches fill within minutes under
	// load (AWS re:Post, on warming up after a failover; no source measures it, so the value is generous).
	promotionWarmUp = 5 * time.Minute
	// drainTimeout is how long the clients of a reader have to disconnect before it is deleted: connection pools renew their
	// connections every few minutes, and the remaining readers take as long to warm up.
	drainTimeout = 5 * time.Minute
	// maxStartDelay is how long a step may wait until the database is idle and the step can start.
	maxStartDelay = 2 * time.Hour
)

// stepDeadlines is how long each step may take in total. The figures are several times the durations seen in practice: a class
// change takes up to 20 minutes, a new reader up to 10, a failover up to 2.
var stepDeadlines = map[scaling.Action]time.Duration{
	scaling.ModifyInstanceClass: 90 * time.Minute,
	scaling.ModifyPromotionTier: 15 * time.Minute,
	scaling.CreateReader:        60 * time.Minute,
	scaling.DeleteReader:        60 * time.Minute,
	scaling.Failover:            20 * time.Minute,
	scaling.ModifyClusterClass:  4 * time.Hour, // three instances, one after the other
	scaling.ModifyCapacity:      30 * time.Minute,
	scaling.ModifyMinCapacity:   30 * time.Minute,
}

// Outcome is the state of an operation.
type Outcome string

// The outcomes.
const (
	Running   Outcome = "Running"
	Succeeded Outcome = "Succeeded"
	Failed    Outcome = "Failed"
)

// Progress is the state of an operation and what to do next.
type Progress struct {
	Outcome Outcome
	// Operation has its steps updated. Persist it before making the Call.
	Operation scaling.Operation
	// Call is the request to make now, or nil.
	Call *scaling.Call
	// Refused is the step that failed because AWS refused it each time with the same answer, or nil.
	Refused *scaling.Step
	// InsufficientCapacity says that the operation failed because AWS had no capacity for the instance that it accepted to create.
	InsufficientCapacity bool
	// Message says what the operator does or waits for, or why the operation failed.
	Message string
	// RequeueAfter is when to observe again while the operation is running.
	RequeueAfter time.Duration
}

// nextCreateInterval is when to observe again while the operation has further readers to request.
const nextCreateInterval = time.Second

// Next updates an operation from an observation and returns what to do. It never requests a step whose effect is already visible,
// and never a step before the previous one is done and the whole database is idle. Creates that follow each other are the exception:
// each is requested without waiting for those before it, because a new reader takes nothing out of service.
func Next(policy string, op scaling.Operation, o scaling.Observation, now time.Time) Progress {
	op.Steps = append([]scaling.Step(nil), op.Steps...)
	var waiting *Progress
	for n := range op.Steps {
		step := &op.Steps[n]
		if !step.CompletedAt.IsZero() {
			continue
		}
		if waiting != nil && step.Action != scaling.CreateReader {
			break
		}
		progress := advanceStep(policy, op, n, o, now)
		switch {
		case progress == nil:
			continue
		case progress.Outcome != Running || progress.Call != nil:
			if hasUnrequestedCreate(op, n+1) {
				progress.RequeueAfter = nextCreateInterval
			}
			return *progress
		case waiting == nil:
			waiting = progress
		}
		if step.Action != scaling.CreateReader || step.Attempts == 0 {
			break
		}
	}
	if waiting != nil {
		return *waiting
	}
	return Progress{Outcome: Succeeded, Operation: op, Message: fmt.Sprintf("%s: %s → %s", op.Pool, op.From, op.To)}
}

// hasUnrequestedCreate reports whether the nth step is a create that was not requested.
func hasUnrequestedCreate(op scaling.Operation, n int) bool {
	return n < len(op.Steps) && op.Steps[n].Action == scaling.CreateReader && op.Steps[n].Attempts == 0
}

// advanceStep updates the nth step, which is not completed, and returns what to do for it; nil when it is done. The operation shares
// its steps with the caller.
func advanceStep(policy string, op scaling.Operation, n int, o scaling.Observation, now time.Time) *Progress {
	step := &op.Steps[n]
	state, message := inspectStepOf(op, *step, o)
	if state != stateDone {
		step.ObservedAt = time.Time{}
	}
	startTimedOut := step.StartedAt.IsZero() && now.Sub(readySince(op, n)) > maxStartDelay
	switch {
	case state == stateDone && confirmDone(step, o):
		step.CompletedAt = now
		return nil
	case state == stateDone:
		return keepWaiting(op, "Confirming with a second observation: "+describe(*step))
	case state == stateImpossible:
		return failImpossible(op, *step, o, message)
	case !step.StartedAt.IsZero() && now.Sub(step.StartedAt) > stepDeadlines[step.Action]:
		return fail(op, fmt.Sprintf("%s of %s did not complete within %.0f minutes: %s",
			step.Action, step.Instance, stepDeadlines[step.Action].Minutes(), message))
	case state == stateInProgress && startTimedOut:
		return fail(op, fmt.Sprintf("could not %s within %s: %s", describe(*step), scaling.FormatDuration(maxStartDelay), message))
	case state == stateInProgress:
		return keepWaiting(op, message)
	case !isDue(*step, o, now):
		return keepWaiting(op, "Waiting for the effect of the request to "+describe(*step)+describeAnswer(*step))
	}
	if reason := cmp.Or(busyReason(withoutOwnCreates(op, n, o)), waitReason(op, n, o, now)); reason != "" {
		if startTimedOut {
			return fail(op, fmt.Sprintf("could not %s within %s: %s", describe(*step), scaling.FormatDuration(maxStartDelay), reason))
		}
		return keepWaiting(op, fmt.Sprintf("Waiting to %s: %s", describe(*step), reason))
	}
	if reason := unsafeReason(op, n, o); reason != "" {
		return fail(op, fmt.Sprintf("%s, so it is not safe to %s", reason, describe(*step)))
	}
	if step.Attempts >= maxAttempts {
		return giveUp(op, *step, o)
	}
	if step.StartedAt.IsZero() {
		step.StartedAt = now
	}
	step.LastAttemptAt = now
	step.Attempts++
	return &Progress{
		Outcome: Running, Operation: op, Call: newCall(policy, op, *step, o, now), RequeueAfter: PollInterval,
		Message: fmt.Sprintf("Step %d of %d: %s", n+1, len(op.Steps), describe(*step)),
	}
}

// withoutOwnCreates returns the observation without the other readers that the operation is creating, when the nth step creates one:
// AWS creates several readers at once.
func withoutOwnCreates(op scaling.Operation, n int, o scaling.Observation) scaling.Observation {
	if op.Steps[n].Action != scaling.CreateReader {
		return o
	}
	o.Instances = slices.DeleteFunc(slices.Clone(o.Instances), func(i scaling.Instance) bool {
		return !i.IsAvailable() && slices.ContainsFunc(op.Steps, func(s scaling.Step) bool {
			return s.Action == scaling.CreateReader && s.Instance == i.Identifier && s.Attempts > 0 && s.CompletedAt.IsZero()
		})
	})
	return o
}

// inspectStepOf inspects a step of an operation. A reader that is no longer a failed one is not deleted as such.
func inspectStepOf(op scaling.Operation, s scaling.Step, o scaling.Observation) (stepState, string) {
	state, message := inspectStep(s, o)
	if i, exists := o.Instance(s.Instance); state == stateNotVisible && exists && deletesFailedReader(op, s) && !i.IsFailedReader() {
		return stateImpossible, fmt.Sprintf("%s is %s, no longer a reader that failed to be created: it is not deleted", i.Identifier, i.Status)
	}
	return state, message
}

// failImpossible ends an operation with a step that can no longer be done.
func failImpossible(op scaling.Operation, s scaling.Step, o scaling.Observation, message string) *Progress {
	i, _ := o.Instance(s.Instance)
	failed := fail(op, message)
	failed.InsufficientCapacity = s.Action == scaling.CreateReader && i.IsFailedReader() && i.Status == scaling.StatusInsufficientCapacity
	return failed
}

// deletesFailedReader reports whether a step deletes a reader that AWS failed to create: a cleanup deletes surge readers and those.
func deletesFailedReader(op scaling.Operation, s scaling.Step) bool {
	return op.Direction == scaling.Cleanup && s.Action == scaling.DeleteReader && !s.Surge
}

func fail(op scaling.Operation, message string) *Progress {
	return &Progress{Outcome: Failed, Operation: op, Message: message}
}

func keepWaiting(op scaling.Operation, message string) *Progress {
	return &Progress{Outcome: Running, Operation: op, Message: message, RequeueAfter: PollInterval}
}

// isDue reports whether a step without a visible effect is to be requested: immediately the first time, and again only when an
// observation made long after the last attempt still shows nothing.
func isDue(s scaling.Step, o scaling.Observation, now time.Time) bool {
	if s.LastAttemptAt.IsZero() {
		return true
	}
	interval := stepRetryInterval
	if s.Action == scaling.Failover {
		interval = failoverRetryInterval
	}
	return now.Sub(s.LastAttemptAt) >= interval && o.ObservedAt.Sub(s.LastAttemptAt) >= interval-PollInterval
}

// confirmDone reports whether an earlier observation already showed the effect of a step, and records the first one. One observation
// is not enough: a response of the RDS API may be outdated or transient (see also docs/how-it-acts.md).
func confirmDone(s *scaling.Step, o scaling.Observation) bool {
	if s.ObservedAt.IsZero() {
		s.ObservedAt = o.ObservedAt
	}
	return o.ObservedAt.After(s.ObservedAt)
}

// waitReason returns what the nth step waits for while the database is idle, or "": a promotion candidate must have caught up with the
// writer and have a warm cache, the clients of a reader to be deleted need time to disconnect, and somebody else decides when a
// restart applies changes of parameters.
func waitReason(op scaling.Operation, n int, o scaling.Observation, now time.Time) string {
	s := op.Steps[n]
	i, _ := o.Instance(s.Instance)
	if reason := o.PendingRebootReason(s.Action, s.Instance); reason != "" {
		return reason
	}
	switch s.Action {
	case scaling.Failover:
		switch {
		case i.ReplicaLag == nil:
			return fmt.Sprintf("the replica lag of %s is unknown", i.Identifier)
		case i.ReplicaLag.Value > scaling.MaxReplicaLag:
			return fmt.Sprintf("the replica lag of %s exceeds %s", i.Identifier, scaling.FormatDuration(scaling.MaxReplicaLag))
		case now.Sub(lastRestart(op, n, i)) < promotionWarmUp:
			return fmt.Sprintf("%s has been in service for less than %s, so its cache is cold", i.Identifier,
				scaling.FormatDuration(promotionWarmUp))
		}
	case scaling.DeleteReader:
		if deletesFailedReader(op, s) { // it has no clients
			if !o.ObservedAt.After(op.StartedAt) {
				return "a second observation must confirm that it failed to be created"
			}
			return ""
		}
		if now.Sub(readySince(op, n)) < drainTimeout && !hasNoConnections(i, readySince(op, n)) {
			return fmt.Sprintf("its clients have %.0f minutes to disconnect%s", drainTimeout.Minutes(), describeAddress(o, i))
		}
	case scaling.ModifyClusterClass:
		for _, r := range o.PoolInstances(scaling.Readers) {
			if r.ReplicaLag == nil || r.ReplicaLag.Value > scaling.MaxReplicaLag {
				return fmt.Sprintf("the replica lag of the standby %s is unknown or exceeds %s", r.Identifier,
					scaling.FormatDuration(scaling.MaxReplicaLag))
			}
		}
	case scaling.ModifyInstanceClass, scaling.ModifyPromotionTier, scaling.CreateReader, scaling.ModifyCapacity,
		scaling.ModifyMinCapacity:
	}
	return ""
}

// lastRestart returns when an instance was last restarted, from its uptime and the steps before the nth.
func lastRestart(op scaling.Operation, n int, i scaling.Instance) time.Time {
	last := i.RestartedAt
	for _, s := range op.Steps[:n] {
		if s.Instance == i.Identifier && !last.After(s.StartedAt) { // the uptime does not show the restart yet
			last = s.CompletedAt
		}
	}
	return last
}

// hasNoConnections reports whether the newest known connection count is newer than since and zero. An unknown count is not zero.
func hasNoConnections(i scaling.Instance, since time.Time) bool {
	newest, known := i.Connections.NewestSample()
	return known && newest.Time.After(since) && newest.Value == 0
}

// unsafeReason returns why the nth step must not take its instance out of service, or "": somebody else has deleted a reader that the
// operation added, has changed the class or the parameter group of the promotion candidate, or has put a reader into a static list. A new
// operation finds another one. A surge reader and one that failed to be created are removed in any case.
func unsafeReason(op scaling.Operation, n int, o scaling.Observation) string {
	action := op.Steps[n].Action
	deletesReader := action == scaling.DeleteReader && !op.Steps[n].Surge && op.Direction != scaling.Cleanup
	if action != scaling.ModifyInstanceClass && action != scaling.Failover && !deletesReader {
		return ""
	}
	i, _ := o.Instance(op.Steps[n].Instance)
	if action == scaling.Failover {
		if i.Class != op.To.InstanceClass {
			return fmt.Sprintf("%s is a %s and no longer a %s", i.Identifier, i.Class, op.To.InstanceClass)
		}
		if mismatch := o.ParameterGroupMismatch(i); mismatch != "" {
			return mismatch
		}
	}
	// An instance that was the writer before the operation may be resized and promoted again, whatever its endpoints.
	failedOver := slices.ContainsFunc(op.Steps[:n], func(s scaling.Step) bool { return s.Action == scaling.Failover })
	if endpoint := o.StaticEndpoint(i.Identifier); endpoint != "" && !i.Writer && !failedOver {
		return fmt.Sprintf("%s is in the static list of the custom endpoint %s", i.Identifier, endpoint)
	}
	for _, s := range op.Steps[:n] {
		_, exists := o.Instance(s.Instance)
		if isDeleted := deletesReader && s.Surge; s.Action == scaling.CreateReader && !exists && !isDeleted {
			return s.Instance + ", which this operation added, no longer exists"
		}
	}
	return ""
}

// readySince returns when the last of the steps before the nth was done, or when the operation was started.
func readySince(op scaling.Operation, n int) time.Time {
	since := op.StartedAt
	for _, s := range op.Steps[:n] {
		if s.CompletedAt.After(since) {
			since = s.CompletedAt
		}
	}
	return since
}

// busyReason returns what another change is doing to the database or will do to it, or "" when it is idle and the next step can
// start. A reader that failed to be created does not count.
func busyReason(o scaling.Observation) string {
	o = o.WithoutFailedReaders()
	if reason := unavailableReason(o); reason != "" {
		return reason
	}
	const pending = "%s has modifications pending for its maintenance window (%s), which the request would also apply"
	if len(o.PendingModifications) > 0 {
		return fmt.Sprintf(pending, "the cluster", strings.Join(o.PendingModifications, ", "))
	}
	for _, i := range o.Instances {
		switch {
		case i.PendingClass != "":
			return i.Identifier + " is about to become " + i.PendingClass
		case len(i.OtherPendingModifications) > 0:
			return fmt.Sprintf(pending, i.Identifier, strings.Join(i.OtherPendingModifications, ", "))
		}
	}
	return ""
}

// unavailableReason returns which part of the database is not available, or "". A reader that failed to be created does not count.
func unavailableReason(o scaling.Observation) string {
	if !scaling.IsAvailable(o.Status) {
		return "the database is " + o.Status
	}
	for _, i := range o.WithoutFailedReaders().Instances {
		if !i.IsAvailable() {
			return i.Identifier + " is " + i.Status
		}
	}
	return ""
}

// newCall returns the AWS call of a step.
func newCall(policy string, op scaling.Operation, s scaling.Step, o scaling.Observation, now time.Time) *scaling.Call {
	c := &scaling.Call{Action: s.Action, Instance: s.Instance, InstanceClass: s.InstanceClass, PromotionTier: s.PromotionTier}
	if s.Action == scaling.CreateReader {
		c.AvoidZones, _ = o.CapacityShortages(s.InstanceClass, now)
		c.AvoidZones = append(c.AvoidZones, o.OrderableGaps[s.InstanceClass].Zones...)
		c.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: policy}
		if s.Surge {
			c.Tags[scaling.TagSurge] = op.ID
		}
	}
	return c
}
