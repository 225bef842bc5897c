package operation

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// Poll is how often to look while a step is under way.
	Poll = 15 * time.Second
	// settle is how long AWS may take to show that it has accepted a change: 5 to 30 seconds are usual. After that a step
	// without any trace was never asked for, or the request was lost, and it is asked for again.
	settle = 90 * time.Second
	// settleFailover is the same for a failover, which must never be asked for twice: "typically less than 120 seconds" in
	// all (AWS re:Post, Aurora failover).
	settleFailover = 5 * time.Minute
	// maxAttempts is how often AWS is asked for the same step.
	maxAttempts = 5
	// patience is how long a step may wait for the database to be at rest before it begins.
	patience = 2 * time.Hour
)

// deadline is how long each step may take in all. The figures are several times the durations seen in practice: a class
// change takes up to 20 minutes, a new reader up to 10, a failover up to 2.
var deadline = map[scaling.Action]time.Duration{
	scaling.ModifyInstanceClass: 90 * time.Minute,
	scaling.ModifyPromotionTier: 15 * time.Minute,
	scaling.CreateReader:        60 * time.Minute,
	scaling.DeleteReader:        60 * time.Minute,
	scaling.Failover:            20 * time.Minute,
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
		if !step.Completed.IsZero() {
			continue
		}
		state, message := inspect(*step, o)
		switch {
		case state == stateDone:
			step.Completed = now
			continue
		case state == stateImpossible:
			return Progress{Outcome: Failed, Operation: op, Message: message}
		case !step.Started.IsZero() && now.Sub(step.Started) > deadline[step.Action]:
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"%s of %s is not done after %s: %s", step.Action, step.Instance, deadline[step.Action], message)}
		case state == stateUnderWay && step.Started.IsZero() && now.Sub(idleSince(op, n)) > patience:
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"could not begin to %s for %s: %s", describe(*step), patience, message)}
		case state == stateUnderWay, !due(*step, o, now):
			return wait(op, message)
		}
		if busy := atRest(o); busy != "" {
			if step.Started.IsZero() && now.Sub(idleSince(op, n)) > patience {
				return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
					"could not begin to %s for %s: %s", describe(*step), patience, busy)}
			}
			return wait(op, "Waiting to begin "+describe(*step)+": "+busy)
		}
		if gone := lostReader(op, n, o); gone != "" {
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"%s, which this operation added, does not exist any more, so it is not safe to %s", gone, describe(*step))}
		}
		if step.Attempts >= maxAttempts {
			return Progress{Outcome: Failed, Operation: op, Message: fmt.Sprintf(
				"AWS was asked %d times for %s and shows no trace of it", step.Attempts, describe(*step))}
		}
		if step.Started.IsZero() {
			step.Started = now
		}
		step.LastAttempt = now
		step.Attempts++
		return Progress{
			Outcome: Running, Operation: op, Call: call(policy, op, *step, o, now), RequeueAfter: Poll,
			Message: fmt.Sprintf("Step %d of %d: %s", n+1, len(op.Steps), describe(*step)),
		}
	}
	return Progress{Outcome: Succeeded, Operation: op, Message: fmt.Sprintf("%s: %s → %s", op.Pool, op.From, op.To)}
}

// due says whether a step without a trace is to be asked for: the first time at once, again only when an observation made
// long after the last attempt still shows nothing.
func due(s scaling.Step, o scaling.Observation, now time.Time) bool {
	if s.LastAttempt.IsZero() {
		return true
	}
	quiet := settle
	if s.Action == scaling.Failover {
		quiet = settleFailover
	}
	return now.Sub(s.LastAttempt) >= quiet && o.At.Sub(s.LastAttempt) >= quiet-Poll
}

// lostReader names a reader that the operation added and that is gone although the nth step, which takes an instance out of
// service, counts on it.
func lostReader(op scaling.Operation, n int, o scaling.Observation) string {
	if action := op.Steps[n].Action; action != scaling.ModifyInstanceClass && action != scaling.Failover {
		return ""
	}
	for _, s := range op.Steps[:n] {
		if _, exists := o.Instance(s.Instance); s.Action == scaling.CreateReader && !exists {
			return s.Instance
		}
	}
	return ""
}

// idleSince is when the step before the nth was done, or the operation was started.
func idleSince(op scaling.Operation, n int) time.Time {
	if n == 0 {
		return op.Started
	}
	return op.Steps[n-1].Completed
}

// atRest says what is going on in a database, or nothing when the next step may begin.
func atRest(o scaling.Observation) string {
	if o.Status != scaling.Available {
		return "the database is " + o.Status
	}
	for _, i := range o.Instances {
		switch {
		case !i.Available():
			return i.Identifier + " is " + i.Status
		case i.PendingClass != "":
			return i.Identifier + " is about to become " + i.PendingClass
		case len(i.PendingOther) > 0:
			return i.Identifier + " has modifications that wait for its maintenance window"
		}
	}
	return ""
}

func wait(op scaling.Operation, message string) Progress {
	return Progress{Outcome: Running, Operation: op, Message: message, RequeueAfter: Poll}
}

// call is the request that a step makes.
func call(policy string, op scaling.Operation, s scaling.Step, o scaling.Observation, now time.Time) *scaling.Call {
	c := &scaling.Call{Action: s.Action, Instance: s.Instance, InstanceClass: s.InstanceClass, PromotionTier: s.PromotionTier}
	if s.Action == scaling.CreateReader {
		c.AvoidZones, _ = o.Short(s.InstanceClass, now)
		c.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: policy}
		if s.Surge {
			c.Tags[scaling.TagSurge] = op.ID
		}
	}
	return c
}
