package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

func (b *builder) viewConditions() []Condition {
	var out []Condition
	for _, c := range b.status.Conditions {
		out = append(out, Condition{
			Type: c.Type, Status: string(c.Status), Reason: c.Reason, Message: c.Message, Since: c.LastTransitionTime.UTC(),
		})
	}
	return out
}

// healthyWhenTrue are the conditions that should be True; all others should be False or absent.
var healthyWhenTrue = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized,
	v1alpha1.ConditionMetricsAvailable,
}

// problems are the conditions that are not as they should be. Reconciling is none: an operation in progress is shown as such. Of conditions
// with the same reason and message, only the most specific one is shown.
func problems(all []Condition) []Condition {
	var unhealthy []Condition
	for _, c := range all {
		isHealthy := c.Type == v1alpha1.ConditionReconciling || c.Status == "False"
		if slices.Contains(healthyWhenTrue, c.Type) {
			isHealthy = c.Status == "True"
		}
		if !isHealthy {
			unhealthy = append(unhealthy, c)
		}
	}
	var out []Condition
	for n, c := range unhealthy {
		isRepeated := false
		for k, other := range unhealthy {
			same := other.Reason == c.Reason && other.Message == c.Message
			isRepeated = isRepeated || same && (vagueness(other) < vagueness(c) || vagueness(other) == vagueness(c) && k < n)
		}
		if !isRepeated {
			out = append(out, c)
		}
	}
	return out
}

// vagueness ranks conditions that say the same: a summary of others is the vaguest.
func vagueness(c Condition) int {
	switch {
	case c.Type == v1alpha1.ConditionReady || c.Type == v1alpha1.ConditionStalled:
		return 2
	case c.Status == "Unknown":
		return 1
	}
	return 0
}

// condition returns a condition of a type, or nil.
func (p *Policy) condition(conditionType string) *Condition {
	n := slices.IndexFunc(p.Conditions, func(c Condition) bool { return c.Type == conditionType })
	if n < 0 {
		return nil
	}
	return &p.Conditions[n]
}

// isTrue reports whether a condition is present and True.
func (p *Policy) isTrue(conditionType string) bool {
	c := p.condition(conditionType)
	return c != nil && c.Status == "True"
}

// summarize says how a policy is, in one word and in a sentence.
func summarize(p *Policy) (State, string) {
	message := "there is no decision yet"
	if p.Decision != nil {
		message = p.Decision.Message
	}
	ready := p.condition(v1alpha1.ConditionReady)
	switch {
	case p.isTrue(v1alpha1.ConditionStalled):
		return StateStalled, p.condition(v1alpha1.ConditionStalled).Message
	case p.pause() != nil && (p.Operation != nil || ready != nil):
		return StatePaused, p.summarizePause()
	case p.Operation != nil:
		return StateChanging, summarizeOperation(p.Operation)
	case ready == nil:
		return StateNew, "The operator has not reconciled this policy yet. If this lasts for minutes, check that the operator runs and takes " +
			"policies of this namespace: kubectl get pods -n dbscaler-system"
	case p.isTrue(v1alpha1.ConditionPaused):
		return StatePaused, p.condition(v1alpha1.ConditionPaused).Message
	case ready.Status != "True":
		return StateNotReady, ready.Message
	case p.Decision != nil && len(p.Decision.BlockedBy) > 0:
		return StateBlocked, message
	case p.isTrue(v1alpha1.ConditionScalingLimited):
		return StateLimited, p.condition(v1alpha1.ConditionScalingLimited).Message
	case p.Decision != nil && p.Decision.Desired != "":
		return StatePending, message
	}
	return StateSteady, message
}

// pause is the pause that is in force, as its annotation says: the operator adds it to the status a moment later. It is nil without one,
// and while the policy is deleted: the operator then removes its surge reader also while it is paused.
func (p *Policy) pause() *ManualControl {
	n := slices.IndexFunc(p.ManualControls, func(m ManualControl) bool { return m.Kind == ControlPause })
	if n < 0 || p.Deleting {
		return nil
	}
	return &p.ManualControls[n]
}

// summarizePause says until when the policy is paused, what waits for that, and how to end the pause.
func (p *Policy) summarizePause() string {
	m := p.pause()
	text := m.Text
	if !m.Until.IsZero() {
		text += " until " + formatTime(m.Until, p.Time)
	}
	if op := p.Operation; op != nil {
		text += fmt.Sprintf(". Operation %s takes no further step; %d of %s done", op.ID, op.DoneSteps, counted(len(op.Steps), "step"))
	}
	return text + fmt.Sprintf(". To resume: kubectl dbscaler resume %s -n %s", p.Name, p.Namespace)
}

func summarizeOperation(op *Operation) string {
	text := fmt.Sprintf("%s %s → %s: %d of %s done after %s, usually at most %s", capitalize(poolNoun(op.Pool)), op.From, op.To, op.DoneSteps,
		counted(len(op.Steps), "step"), formatAge(duration(op.ElapsedSeconds)), formatAge(duration(op.ExpectedSeconds)))
	if op.Overdue {
		text += ". It takes longer than usual"
	}
	return text
}

// IsSettled reports whether nothing is in progress and nothing is about to start: no operation, no approved change and no change that
// nothing blocks. A policy that the operator has not reconciled is not settled, unless it is stalled.
func (p *Policy) IsSettled() bool {
	switch {
	case p.State == StateStalled:
		return true
	case p.Operation != nil, p.State == StateNew, p.State == StatePending, p.StatusOutdated:
		return false
	}
	return !p.isApproved()
}

// isApproved reports whether the change that waits for an approval has one, so that it starts with the next reconcile.
func (p *Policy) isApproved() bool {
	d := p.Decision
	return d != nil && len(d.BlockedBy) == 1 && d.BlockedBy[0].Guard == guard.ApprovalRequired &&
		slices.ContainsFunc(p.ManualControls, func(m ManualControl) bool { return m.Kind == ControlApproval })
}

// capitalize writes the first letter of a word in upper case.
func capitalize(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
