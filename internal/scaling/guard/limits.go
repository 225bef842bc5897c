package guard

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

const day = 24 * time.Hour

// modeRecommend holds everything back for a policy that only recommends.
func modeRecommend(in Input) (string, time.Duration, error) {
	if in.Policy.Mode == scaling.Enforce {
		return "", 0, nil
	}
	return "spec.mode is Recommend, so this is only reported. Set it to Enforce to let the operator act", 0, nil
}

// outOfBounds is the last line before the limits of the policy, whatever the engine decided.
func outOfBounds(in Input) (string, time.Duration, error) {
	to := in.Proposal.To
	if in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil // it removes only what an operation of ours added
	}
	switch in.Proposal.Pool {
	case scaling.Writer:
		if in.Policy.Writer != nil && to.Count == 1 && slices.Contains(in.Policy.Writer.InstanceClasses, to.InstanceClass) {
			return "", 0, nil
		}
	case scaling.Readers:
		r := in.Policy.Readers
		if r != nil && slices.Contains(r.InstanceClasses, to.InstanceClass) && to.Count >= r.Min && to.Count <= r.Max {
			return "", 0, nil
		}
	}
	return fmt.Sprintf("%s is outside what the policy allows", to), 0, nil
}

// operationsPerDay bounds how often a database is changed.
func operationsPerDay(in Input) (string, time.Duration, error) {
	most := in.Policy.Guardrails.MaxOperationsPerDay
	if in.Proposal.Direction == scaling.Cleanup || in.History.StartedSince(in.Now.Add(-day)) < most {
		return "", 0, nil
	}
	return fmt.Sprintf("%d operations were started in the last 24 h, as many as guardrails.maxOperationsPerDay allows", most), 0, nil
}

// cooldown lets the effect of a change show before the next one. Growing waits for what grew or failed before; shrinking
// waits for any change. A cleanup waits for nothing, and growing does not wait for one.
func cooldown(in Input) (string, time.Duration, error) {
	wait, what := in.Policy.ScaleUp.Cooldown, "scaleUp"
	match := func(p scaling.Past) bool {
		return p.Direction == scaling.Up || !p.Succeeded && p.Direction != scaling.Cleanup
	}
	switch in.Proposal.Direction {
	case scaling.Cleanup:
		return "", 0, nil
	case scaling.Down:
		wait, what = in.Policy.ScaleDown.Cooldown, "scaleDown"
		match = func(scaling.Past) bool { return true }
	case scaling.Up:
	}
	last := in.History.LastCompleted(match)
	ends := last.Add(wait)
	if last.IsZero() || !in.Now.Before(ends) {
		return "", 0, nil
	}
	return fmt.Sprintf("behavior.%s.cooldownSeconds after the last operation ends at %s", what, ends.UTC().Format(time.RFC3339)),
		ends.Sub(in.Now), nil
}

// disruptionWindow keeps what interrupts the writer inside the windows of the policy.
func disruptionWindow(in Input) (string, time.Duration, error) {
	if in.Proposal.Pool != scaling.Writer {
		return "", 0, nil
	}
	open, next, err := schedule.Open(in.Policy.Disruption, in.Now)
	if err != nil || open {
		return "", 0, err
	}
	if next.IsZero() {
		return "the writer would be interrupted, and none of spec.disruptionWindows will ever open", 0, nil
	}
	return fmt.Sprintf("the writer would be interrupted; the next disruption window opens at %s", next.UTC().Format(time.RFC3339)),
		next.Sub(in.Now), nil
}
