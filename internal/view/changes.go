package view

import (
	"fmt"
	"time"
)

// Changes lists, in a line each, what is different in a later view of the same policy: the decision, the operation and its steps, ended
// operations, and conditions. Nil as before lists the present state.
func Changes(before, after *Policy) []string {
	var out []string
	add := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%s %s/%s  ", after.Time.Format(time.RFC3339), after.Namespace, after.Name)+fmt.Sprintf(format, args...))
	}
	if before == nil {
		before = &Policy{}
	}
	if before.State != after.State {
		add("%s: %s", after.State, after.Summary)
	}
	for _, r := range newRecords(before, after) {
		text := fmt.Sprintf("operation %s %s after %s: %s %s → %s", r.ID, r.Outcome, formatAge(duration(r.DurationSeconds)), poolNoun(r.Pool),
			r.From, r.To)
		if r.Message != "" {
			text += ". " + r.Message
		}
		add("%s", text)
	}
	addOperationChanges(before, after, add)
	if d := after.Decision; d != nil && after.Operation == nil && before.State == after.State &&
		(before.Decision == nil || before.Decision.Message != d.Message || before.Decision.Reason != d.Reason) {
		add("decision %s: %s", d.Reason, d.Message)
	}
	for _, c := range after.Problems {
		if c.Message == after.Summary || after.Decision != nil && c.Message == after.Decision.Message {
			continue
		}
		if other := before.condition(c.Type); other == nil || other.Status != c.Status || other.Reason != c.Reason {
			add("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, c.Message)
		}
	}
	return out
}

// newRecords lists the operations that have ended between two views, oldest first; none when there was no view before.
func newRecords(before, after *Policy) []Record {
	if before.Time.IsZero() {
		return nil
	}
	known := map[string]bool{}
	for _, r := range before.History {
		known[r.ID] = true
	}
	var out []Record
	for n := len(after.History) - 1; n >= 0; n-- {
		if !known[after.History[n].ID] {
			out = append(out, after.History[n])
		}
	}
	return out
}

func addOperationChanges(before, after *Policy, add func(string, ...any)) {
	op, was := after.Operation, before.Operation
	if op == nil {
		return
	}
	if was == nil || was.ID != op.ID {
		add("operation %s started: %s %s → %s: %s", op.ID, poolNoun(op.Pool), op.From, op.To, op.Path)
		was = &Operation{}
	} else if was.To != op.To {
		add("operation %s raised: %s %s → %s: %s", op.ID, poolNoun(op.Pool), op.From, op.To, op.Path)
	}
	for n, s := range op.Steps {
		state := StepWaiting
		if n < len(was.Steps) {
			state = was.Steps[n].State
		}
		if s.State == state {
			continue
		}
		text := fmt.Sprintf("step %d of %d %s: %s", n+1, len(op.Steps), map[StepState]string{
			StepDone: "done", StepInProgress: "started", StepWaiting: "waits",
		}[s.State], s.Text)
		if s.State == StepDone && s.ElapsedSeconds != nil {
			text += ", after " + formatAge(duration(*s.ElapsedSeconds))
		}
		add("%s", text)
	}
	if op.WaitsFor != was.WaitsFor && op.WaitsFor != "" {
		add("%s", op.WaitsFor)
	}
}
