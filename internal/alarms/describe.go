package alarms

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// The runbooks in docs/runbooks that say more.
const (
	runbookLoadHigh   = "DBScalerLoadHigh"
	runbookOverloaded = "DBScalerOverloaded"
	runbookAtMaximum  = "DBScalerAtMaximum"
	runbookSamplesOld = "DBScalerSamplesOld"
)

func (k Kind) runbook() string {
	switch k {
	case LoadHigh:
		return runbookLoadHigh
	case CapacityAtMaximum:
		return runbookAtMaximum
	case MetricsMissing:
		return runbookSamplesOld
	default:
		return runbookOverloaded
	}
}

// sentence is a part of a description.
type sentence struct {
	text string
	// use says which sentences are left out first when CloudWatch would not take the whole text.
	use use
}

type use int

const (
	required use = iota
	helpful
	explanation // left out first
)

// describe returns the description of an alarm: what is wrong, why the figures are these, and what to do.
func describe(set *Set, s source, a Alarm) string {
	p := set.Policy
	minutes := formatMinutes(a.duration())
	look := sentence{fmt.Sprintf("Do: kubectl describe dbsp -n %s %s; kubectl get pods -n dbscaler-system.", set.Namespace, set.Name),
		required}
	manual := sentence{"If Kubernetes is down, act in AWS (" + set.Region + "): " + s.manual + ".", helpful}
	runbook := sentence{"Runbook: " + set.RunbookURL + a.Kind.runbook() + ".md", required}
	figures := sentence{fmt.Sprintf("Why %s: dbscaler acts after %s at %d %%, an operation takes %s at most, and %s are reserve.", minutes,
		formatMinutes(p.ScaleUp.Window), p.CPU.ScaleUp, formatMinutes(operation.UsualDuration(s.actions...)),
		formatMinutes(detectionDelay)), explanation}
	var sentences []sentence
	switch a.Kind {
	case LoadHigh:
		sentences = []sentence{
			{fmt.Sprintf("The CPU of %s has been at %d %% or above for %s. %s", s.title, p.CPU.ScaleUp, minutes, suspect(p)), required},
			figures, look, manual, runbook,
		}
	case CapacityAtMaximum:
		sentences = []sentence{
			{fmt.Sprintf("The capacity of %s has been at %d %% or more of the maximum for %s, for its CPU or its memory. %s", s.title,
				scaling.SaturationPercent, minutes, suspect(p)), required},
			figures, look, manual, runbook,
		}
	case Saturated:
		sentences = []sentence{
			{fmt.Sprintf("The CPU of %s is saturated: %d %% or above in %d of %s. Queries wait, and timeouts are likely.", s.title,
				scaling.SaturationPercent, a.DatapointsToAlarm, minutes), required},
			{expectation(set, s), required}, look, manual, runbook,
		}
	case NotScaled:
		unchanged := "Nothing relieved it: one operation is shorter than that."
		if len(s.starts) > 0 {
			unchanged = fmt.Sprintf("No instance was added, resized or restarted for %s.", formatMinutes(s.quietTime(p)))
		}
		sentences = []sentence{
			{fmt.Sprintf("The CPU of %s has been saturated (%d %% or above) for %s, and nobody acts. %s %s", s.title, scaling.SaturationPercent,
				minutes, unchanged, suspect(p)), required},
			figures, {"Act now.", required}, look, manual, runbook,
		}
	case MetricsMissing:
		sentences = []sentence{
			{fmt.Sprintf("CloudWatch has had no CPUUtilization of %s for %s. The database is down, renamed or deleted, or its host "+
				"does not report. dbscaler cannot scale it, and no other alarm can fire.", s.title, minutes), required},
			{fmt.Sprintf("Do: aws rds describe-%s --region %s; kubectl describe dbsp -n %s %s.", describedResource(p.Target), set.Region,
				set.Namespace, set.Name), required},
			{"If it is stopped on purpose, disable the alarm, or print the alarms with --may-be-stopped.", helpful},
			runbook,
		}
	}
	return join(sentences)
}

// suspect says what usually prevents a change.
func suspect(p scaling.Policy) string {
	switch p.Mode {
	case scaling.Recommend:
		return "The policy is in mode Recommend: dbscaler reports what is needed, and a person must do it."
	case scaling.Approve:
		return "The policy is in mode Approve: a decision waits for a person, or something prevents it."
	default:
		return "dbscaler should have acted: it or its cluster is down, a guard or a window blocks the change, or the policy is at its maximum."
	}
}

// expectation says whether the operator will relieve a saturated source.
func expectation(set *Set, s source) string {
	switch {
	case s.isScaled && set.Policy.Mode == scaling.Enforce:
		return "dbscaler usually acts: if no operation is in progress, find out why."
	case s.isScaled:
		return suspect(set.Policy)
	case s.pool == scaling.Readers && set.Policy.Readers != nil:
		return "dbscaler scales the read replicas by their mean, so that one of them may stay saturated: move clients to another one."
	default:
		return "The policy does not scale it: nobody will act unless you do."
	}
}

func describedResource(t scaling.Target) string {
	if t.Kind == scaling.DBCluster {
		return "db-clusters --db-cluster-identifier " + t.Identifier
	}
	return "db-instances --db-instance-identifier " + t.Identifier
}

// join leaves out sentences, the explanations first, while the text is longer than CloudWatch allows.
func join(sentences []sentence) string {
	for {
		texts := make([]string, len(sentences))
		dispensable := 0
		for n, s := range sentences {
			texts[n] = s.text
			if s.use > sentences[dispensable].use {
				dispensable = n
			}
		}
		text := strings.Join(texts, " ")
		if utf8.RuneCountInString(text) <= maxDescriptionLength || sentences[dispensable].use == required {
			return text
		}
		sentences = slices.Delete(sentences, dispensable, dispensable+1)
	}
}

// formatMinutes is a duration in minutes, in words.
func formatMinutes(d time.Duration) string {
	switch minutes := d.Minutes(); minutes {
	case 1:
		return "1 minute"
	default:
		return fmt.Sprintf("%.4g minutes", minutes)
	}
}
