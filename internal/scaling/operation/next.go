package operation

import (
	"cmp"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// PollInterval is how often to look while a step is under way.
	PollInterval = 15 * time.Second
	// retryInterval is how long AWS may take to show that it has accepted a change: 5 to 30 seconds are usual. After that a step
	// without any trace was never asked for, or the request was lost, and it is asked for again.
	retryInterval = 90 * time.Second
	// failoverRetryInterval is the same for a failover, which must never be asked for twice: "typically less than 120 seconds" in
	// all (AWS re:Post, Aurora failover).
	failoverRetryInterval = 5 * time.Minute
	// maxAttempts is how often AWS is asked for the same step.
	maxAttempts = 5
	// promotionWarmUp is how long an instance is in service before it takes over as the writer. Buffer caches fill within minutes under
	// load (AWS re:Post, on warming up after a failover; measured in no one place, so chosen generously).
	promotionWarmUp = 5 * time.Minute
	// drainTimeout is how long the clients of a reader that goes have to leave it: connection pools renew what they hold every few
	// minutes, and the readers that stay need as long to warm up.
	drainTimeout = 5 * time.Minute
	// maxStartDelay is how long a step may wait for the database to be at rest before it begins.
	maxStartDelay = 2 * time.Hour
)

// stepDeadlines is how long each step may take in all. The figures are several times the durations seen in practice: a class
// change takes up to 20 minutes, a new reader up to 10, a failover up to 2.
var stepDeadlines = map[scaling.Action]time.Duration{
	scaling.ModifyInstanceClass: 90 * time.Minute,
	scaling.ModifyPromotionTier: 15 * time.Minute,
	scaling.CreateReader:        60 * time.Minute,
	scaling.DeleteReader:        60 * time.Minute,
	scaling.Failover:            20 * time.Minute,
	scaling.ModifyClusterClass:  4 * time.Hour, // three instances, one after the other
	scaling.ModifyCapacity:      30 * time.Minute,
}

// Outcome is how far an operation has come.
type Outcome string

// The outcomes.
const (
	Running   Outcome = "Running"
	Succeeded Outcome = "Succeeded"
	Failed    Outcome = "Failed"
)

// Progress is what to do about an operation now.
type Progress struct {
	Outcome Outcome
	// Operation with its steps brought up to date. It is to be persisted before Call is made.
	Operation scaling.Operation
	// Call is the request to make now, or nil.
	Call *scaling.Call
	// Message says what is waited for, or why it failed.
	Message string
	// RequeueAfter is when to look again while it is running.
	RequeueAfter time.Duration
}

// Next brings an operation up to date with what is observed and says what to do. It never asks for a step whose effect is
// already visible, and never for a step before the one before it is done and the whole database is at rest.
func Next(policy string, op scaling.Operation, o scaling.Observation, now time.Time) Progress {
	op.Steps = append([]scaling.Step(nil), op.Steps...)
	for n := range op.Steps {
		step := &op.Steps[n]
		if !step.CompletedAt.IsZero() {
			continue
		}
		state, message := inspectStep(*step, o)
		if state != stateDone {
			step.ObservedAt = time.Time{}
		}
		switch {
		case state == stateDone && confirmDone(step, o):
			step.CompletedAt = now
			continue
		case state == stateDone:
			return keepWaiting(op, "Looking once more whether it is done: "+describe(*step))
		case state == stateImpossible:
			return Progress{Outcome: Failed, Operation: op, Message: message}
		case !step.StartedAt.IsZero() && now.Sub(step.StartedAt) > stepDeadlines[step.Action]:
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"%s of %s is not done after %s: %s", step.Action, step.Instance, stepDeadlines[step.Action], message)}
		case state == stateInProgress && step.StartedAt.IsZero() && now.Sub(readySince(op, n)) > maxStartDelay:
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"could not begin to %s for %s: %s", describe(*step), maxStartDelay, message)}
		case state == stateInProgress, !isDue(*step, o, now):
			return keepWaiting(op, message)
		}
		if reason := cmp.Or(busyReason(o), waitReason(op, n, o, now)); reason != "" {
			if step.StartedAt.IsZero() && now.Sub(readySince(op, n)) > maxStartDelay {
				return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
					"could not begin to %s for %s: %s", describe(*step), maxStartDelay, reason)}
			}
			return keepWaiting(op, "Waiting to begin "+describe(*step)+": "+reason)
		}
		if reason := unsafeReason(op, n, o); reason != "" {
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf("%s, so it is not safe to %s", reason, describe(*step))}
		}
		if step.Attempts >= maxAttempts {
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"AWS was asked %d times for %s and shows no trace of it", step.Attempts, describe(*step))}
		}
		if step.StartedAt.IsZero() {
			step.StartedAt = now
		}
		step.LastAttemptAt = now
		step.Attempts++
		return Progress{
			Outcome: Running, Operation: op, Call: newCall(policy, op, *step, o, now), RequeueAfter: PollInterval,
			Message: fmt.Sprintf("Step %d of %d: %s", n+1, len(op.Steps), describe(*step)),
		}
	}
	return Progress{Outcome: Succeeded, Operation: op, Message: fmt.Sprintf("%s: %s → %s", op.Pool, op.From, op.To)}
}

// isDue says whether a step without a trace is to be asked for: the first time at once, again only when an observation made
// long after the last attempt still shows nothing.
func isDue(s scaling.Step, o scaling.Observation, now time.Time) bool {
	if s.LastAttemptAt.IsZero() {
		return true
	}
	interval := retryInterval
	if s.Action == scaling.Failover {
		interval = failoverRetryInterval
	}
	return now.Sub(s.LastAttemptAt) >= interval && o.ObservedAt.Sub(s.LastAttemptAt) >= interval-PollInterval
}

// confirmDone says whether an effect that shows now was seen before. What the RDS API tells of one moment may be out of date, or
// pass, so that one look is not enough (see also docs/how-it-works.md).
func confirmDone(s *scaling.Step, o scaling.Observation) bool {
	if s.ObservedAt.IsZero() {
		s.ObservedAt = o.ObservedAt
	}
	return o.ObservedAt.After(s.ObservedAt)
}

// waitReason says what has to be waited for before the nth step, with the database at rest: the heir of a writer is in step with
// it and has a warm cache, and the clients of a reader that goes have had time to leave it.
func waitReason(op scaling.Operation, n int, o scaling.Observation, now time.Time) string {
	s := op.Steps[n]
	i, _ := o.Instance(s.Instance)
	switch s.Action {
	case scaling.Failover:
		switch {
		case i.ReplicaLag == nil:
			return fmt.Sprintf("the replica lag of %s is not known", i.Identifier)
		case i.ReplicaLag.Value > scaling.MaxReplicaLag:
			return fmt.Sprintf("%s is more than %s behind the writer", i.Identifier, scaling.MaxReplicaLag)
		case now.Sub(lastRestart(op, n, i)) < promotionWarmUp:
			return fmt.Sprintf("%s has not been in service for %s yet, and its cache is cold", i.Identifier, promotionWarmUp)
		}
	case scaling.DeleteReader:
		if now.Sub(readySince(op, n)) < drainTimeout && !hasNoConnections(i, readySince(op, n)) {
			return fmt.Sprintf("its clients have %s to leave it", drainTimeout)
		}
	case scaling.ModifyClusterClass:
		for _, r := range o.PoolInstances(scaling.Readers) {
			if r.ReplicaLag == nil || r.ReplicaLag.Value > scaling.MaxReplicaLag {
				return fmt.Sprintf("the standby %s is more than %s behind the writer, or nobody knows", r.Identifier, scaling.MaxReplicaLag)
			}
		}
	case scaling.ModifyInstanceClass, scaling.ModifyPromotionTier, scaling.CreateReader, scaling.ModifyCapacity:
	}
	return ""
}

// lastRestart is when an instance was last restarted, as far as its own uptime and the steps before the nth tell.
func lastRestart(op scaling.Operation, n int, i scaling.Instance) time.Time {
	last := i.RestartedAt
	for _, s := range op.Steps[:n] {
		if s.Instance == i.Identifier && !last.After(s.StartedAt) { // its uptime does not show the restart yet
			last = s.CompletedAt
		}
	}
	return last
}

// hasNoConnections says whether the newest count of an instance's connections is from after since, and zero. An unknown count is not.
func hasNoConnections(i scaling.Instance, since time.Time) bool {
	last := len(i.Connections) - 1
	return last >= 0 && i.Connections[last].Time.After(since) && i.Connections[last].Value == 0
}

// unsafeReason says what the nth step, which takes an instance out of service, counts on and somebody else has changed: a reader that
// the operation added, or the class of the heir.
func unsafeReason(op scaling.Operation, n int, o scaling.Observation) string {
	action := op.Steps[n].Action
	if action != scaling.ModifyInstanceClass && action != scaling.Failover {
		return ""
	}
	if candidate, _ := o.Instance(op.Steps[n].Instance); action == scaling.Failover && candidate.Class != op.To.InstanceClass {
		return fmt.Sprintf("%s is a %s and no %s any more", candidate.Identifier, candidate.Class, op.To.InstanceClass)
	}
	for _, s := range op.Steps[:n] {
		if _, exists := o.Instance(s.Instance); s.Action == scaling.CreateReader && !exists {
			return s.Instance + ", which this operation added, does not exist any more"
		}
	}
	return ""
}

// readySince is when the step before the nth was done, or the operation was started.
func readySince(op scaling.Operation, n int) time.Time {
	if n == 0 {
		return op.StartedAt
	}
	return op.Steps[n-1].CompletedAt
}

// busyReason says what is going on in a database, or nothing when the next step may begin.
func busyReason(o scaling.Observation) string {
	if o.Status != scaling.StatusAvailable {
		return "the database is " + o.Status
	}
	for _, i := range o.Instances {
		switch {
		case !i.IsAvailable():
			return i.Identifier + " is " + i.Status
		case i.PendingClass != "":
			return i.Identifier + " is about to become " + i.PendingClass
		case len(i.OtherPendingModifications) > 0:
			return i.Identifier + " has modifications that wait for its maintenance window"
		}
	}
	return ""
}

func keepWaiting(op scaling.Operation, message string) Progress {
	return Progress{Outcome: Running, Operation: op, Message: message, RequeueAfter: PollInterval}
}

// newCall is the request that a step makes.
func newCall(policy string, op scaling.Operation, s scaling.Step, o scaling.Observation, now time.Time) *scaling.Call {
	c := &scaling.Call{Action: s.Action, Instance: s.Instance, InstanceClass: s.InstanceClass, PromotionTier: s.PromotionTier}
	if s.Action == scaling.CreateReader {
		c.AvoidZones, _ = o.CapacityShortages(s.InstanceClass, now)
		c.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: policy}
		if s.Surge {
			c.Tags[scaling.TagSurge] = op.ID
		}
	}
	return c
}
