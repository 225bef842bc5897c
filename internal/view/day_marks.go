package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// MarkKind is what a mark stands for.
type MarkKind string

// The kinds of marks.
const (
	// MarkOperation: the operator changed the database.
	MarkOperation MarkKind = "Operation"
	// MarkBlocked: a guard blocked a change.
	MarkBlocked MarkKind = "Blocked"
	// MarkDecision: the operator decided something else than before, and changed nothing.
	MarkDecision MarkKind = "Decision"
	// MarkEvent: a Kubernetes event about something else.
	MarkEvent MarkKind = "Event"
)

// OutcomeRunning is the outcome of an operation in progress.
const OutcomeRunning = "InProgress"

// Mark is something that happened at a time or during it.
type Mark struct {
	Kind MarkKind  `json:"kind"`
	Time time.Time `json:"time"`
	// End is absent for what is in progress or in force, and equal to Time for what has no duration.
	End  time.Time `json:"end,omitzero"`
	Pool string    `json:"pool,omitempty"`
	// Title says in a few words what happened, and Text why, with the figures at that time.
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	// Outcome of an operation is Succeeded, Failed or InProgress.
	Outcome string `json:"outcome,omitempty"`
	// Guard is the one that blocks, and Emergency says that the blocked change is urgent.
	Guard     string `json:"guard,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
	Warning   bool   `json:"warning,omitempty"`
}

// sameTime is how far apart two sources may date the same thing: a decision is one reconcile before the operation that it starts.
const sameTime = 2 * time.Minute

// marks lists what happened, oldest first.
func (d *dayBuilder) marks() []Mark {
	decisions := d.decisions()
	out := d.operationMarks(decisions)
	operations := len(out)
	for _, s := range decisions {
		mark := decisionMark(s)
		starts := func(m Mark) bool {
			return m.Pool == mark.Pool && m.Time.Sub(mark.Time).Abs() <= sameTime
		}
		if mark.Kind == MarkDecision && s.Decision.Desired != "" && slices.ContainsFunc(out[:operations], starts) {
			continue // the mark of the operation has its cause
		}
		out = append(out, mark)
	}
	out = append(out, d.eventMarks(out)...)
	out = slices.DeleteFunc(out, func(m Mark) bool {
		return !m.End.IsZero() && m.End.Before(d.from) || m.Time.After(d.Now)
	})
	sortMarks(out)
	return out
}

// decisions are those of the ledger, of the caller and of the status, oldest first, each with its end. Successive ones that say the same
// are one.
func (d *dayBuilder) decisions() []SeenDecision {
	var all []SeenDecision
	if d.day.Ledger != nil {
		all = append(all, d.day.Ledger.decisions...)
	}
	add := func(s SeenDecision) {
		last := len(all) - 1
		if last >= 0 && !s.Decision.Time.After(all[last].Decision.Time) {
			if s.Until.After(all[last].Until) && isSameDecision(&s.Decision, &all[last].Decision) {
				all[last].Until = s.Until
			}
			return
		}
		if last >= 0 && all[last].Until.IsZero() {
			all[last].Until = s.Decision.Time
		}
		all = append(all, s)
	}
	for _, s := range d.day.Seen {
		add(s)
	}
	if current := d.viewDecision(); current != nil {
		if d.operation == nil { // otherwise it says only how far the operation is
			add(SeenDecision{Decision: *current})
		} else if last := len(all) - 1; last >= 0 && all[last].Until.IsZero() {
			all[last].Until = d.operation.StartedAt.UTC()
		}
	}
	return joinDecisions(all)
}

// joinDecisions makes successive decisions that say the same one.
func joinDecisions(all []SeenDecision) []SeenDecision {
	var out []SeenDecision
	for _, s := range all {
		last := len(out) - 1
		if last >= 0 && isSameDecision(&out[last].Decision, &s.Decision) {
			out[last].Until = s.Until
			out[last].Decision.Emergency = out[last].Decision.Emergency || s.Decision.Emergency
			continue
		}
		out = append(out, s)
	}
	return out
}

// isSameDecision reports whether two decisions want the same for the same reason, and the same guard blocks it.
func isSameDecision(a, b *Decision) bool {
	return a.Reason == b.Reason && a.Pool == b.Pool && a.Desired == b.Desired && a.firstGuard() == b.firstGuard()
}

// AppendSeen adds the decision of a later view of the same policy to those that were seen before, unless it says the same as the last one.
// While an operation is in progress, the decision says only how far it is.
func AppendSeen(seen []SeenDecision, p *Policy) []SeenDecision {
	last := len(seen) - 1
	isOpen := last >= 0 && seen[last].Until.IsZero()
	switch {
	case p.Operation != nil:
		if isOpen {
			seen[last].Until = p.Operation.StartTime
		}
	case p.Decision == nil, last >= 0 && !p.Decision.Time.After(seen[last].Decision.Time):
	case isOpen && isSameDecision(&seen[last].Decision, p.Decision):
		seen[last].Decision = withTime(*p.Decision, seen[last].Decision.Time)
	default:
		if isOpen {
			seen[last].Until = p.Decision.Time
		}
		seen = append(seen, SeenDecision{Decision: *p.Decision})
	}
	return seen
}

// withTime is a decision of another time.
func withTime(d Decision, at time.Time) Decision {
	d.Time = at
	return d
}

// firstGuard is the most important guard that blocks, or empty.
func (d *Decision) firstGuard() string {
	if len(d.BlockedBy) == 0 {
		return ""
	}
	return d.BlockedBy[0].Guard
}

func decisionMark(s SeenDecision) Mark {
	dec := &s.Decision
	m := Mark{
		Kind: MarkDecision, Time: dec.Time, End: dec.Time, Pool: dec.Pool, Title: dec.Reason, Text: dec.Message, Emergency: dec.Emergency,
	}
	if dec.Desired != "" {
		m.Title = fmt.Sprintf("%s: %s %s → %s", dec.Reason, poolNoun(dec.Pool), orUnknownShape(dec.From), dec.Desired)
	}
	if dec.Cause != "" && !strings.Contains(m.Text, dec.Cause) {
		m.Text = strings.TrimSpace(m.Text + ". " + dec.Cause)
	}
	if guard := dec.firstGuard(); guard != "" {
		block := &dec.BlockedBy[0]
		m.Kind, m.Guard, m.End = MarkBlocked, guard, s.Until
		m.Title = fmt.Sprintf("%s blocks %s %s → %s", guard, poolNoun(dec.Pool), orUnknownShape(dec.From), dec.Desired)
		if block.Message != "" && !strings.Contains(m.Text, block.Message) {
			m.Text = strings.TrimSpace(m.Text + ". " + block.Message)
		}
	}
	return m
}

func orUnknownShape(shape string) string {
	if shape == "" {
		return "unknown"
	}
	return shape
}

// operationMarks are the operations that status has, with their causes as far as decisions or events have them.
func (d *dayBuilder) operationMarks(decisions []SeenDecision) []Mark {
	var out []Mark
	for n := range d.status.History {
		r := &d.status.History[n]
		m := Mark{
			Kind: MarkOperation, Time: r.StartTime.UTC(), End: r.CompletionTime.UTC(), Pool: string(r.Pool), Outcome: string(r.Outcome),
			Title: fmt.Sprintf("%s %s → %s", poolNoun(string(r.Pool)), formatShape(r.From), formatShape(r.To)),
		}
		m.Text = fmt.Sprintf("%s after %s", r.Outcome, formatAge(r.CompletionTime.Sub(r.StartTime.Time)))
		if r.UtilizationBeforePercent != nil {
			m.Text += fmt.Sprintf(", CPU %d%% before", *r.UtilizationBeforePercent)
			if r.UtilizationAfterPercent != nil {
				m.Text += fmt.Sprintf(" and %d%% after", *r.UtilizationAfterPercent)
			}
		}
		m.Warning = r.Outcome != v1alpha1.OutcomeSucceeded
		m.Text += sentence(r.Message) + sentence(d.causeOf(r.ID, string(r.Pool), m.Time, decisions))
		out = append(out, m)
	}
	if op := d.operation; op != nil {
		out = append(out, Mark{
			Kind: MarkOperation, Time: op.StartedAt.UTC(), Pool: string(op.Pool), Outcome: OutcomeRunning, Emergency: op.Emergency,
			Title: fmt.Sprintf("%s %s → %s", poolNoun(string(op.Pool)), op.From, op.To), Text: "In progress" + sentence(op.Cause),
		})
	}
	return out
}

// sentence continues a text with another sentence, if there is one.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return ". " + text
}

// causeOf is why an operation was started, by the decision just before it or by its event; empty when neither is known.
func (d *dayBuilder) causeOf(id, pool string, start time.Time, decisions []SeenDecision) string {
	for _, s := range decisions {
		if s.Decision.Pool == pool && len(s.Decision.BlockedBy) == 0 && s.Decision.Cause != "" && s.Decision.Time.Sub(start).Abs() <= sameTime {
			return s.Decision.Cause
		}
	}
	for _, e := range d.Events {
		// "Readers: A → B (operation ID, 3 steps). Cause", from controllers/decide.go.
		if _, after, found := strings.Cut(e.Note, "(operation "+id+","); found && e.Reason == "OperationStarted" {
			if _, cause, found := strings.Cut(after, "). "); found {
				return oneLine(cause)
			}
		}
	}
	return ""
}

// eventMarks are the events that say what the other marks do not.
func (d *dayBuilder) eventMarks(others []Mark) []Mark {
	var out []Mark
	for _, e := range d.Events {
		m := Mark{Kind: MarkEvent, Time: e.Time, End: e.Time, Title: e.Reason, Text: oneLine(e.Note), Warning: e.Warning}
		if e.Time.Before(d.from) || strings.HasPrefix(e.Reason, "Operation") {
			continue
		}
		if e.Reason == "ScalingBlocked" || e.Reason == "ApprovalRequired" {
			m.Kind = MarkBlocked
			covers := func(o Mark) bool {
				return o.Kind == MarkBlocked && !e.Time.Before(o.Time.Add(-sameTime)) && (o.End.IsZero() || !e.Time.After(o.End.Add(sameTime)))
			}
			if slices.ContainsFunc(others, covers) {
				continue
			}
		}
		out = append(out, m)
	}
	return out
}
