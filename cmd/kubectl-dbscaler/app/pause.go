package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

const (
	// defaultPause is about a shift, as in the action of Argo CD.
	defaultPause = 8 * time.Hour
	// maxPause is the longest pause with an end.
	maxPause = 30 * 24 * time.Hour
	// defaultOverride is as in the action of Argo CD.
	defaultOverride = 2 * time.Hour
	// maxOverride is the longest override: a longer one belongs into the spec.
	maxOverride = 30 * 24 * time.Hour
)

// pauseCommand implements kubectl dbscaler pause.
type pauseCommand struct {
	manualControl
	end                   endFlags
	indefinitely, replace bool
}

func newPauseCommand(shared manualControl) *cobra.Command {
	p := &pauseCommand{manualControl: shared, end: endFlags{defaultLength: defaultPause, maxLength: maxPause}}
	c := &cobra.Command{
		Use:   "pause POLICY [--for DURATION | --until TIME | --indefinitely]",
		Short: "Stop all changes of a policy for a time",
		Long: `Stop all changes of a policy for a time. No operation starts, and one in
progress takes no further step; what AWS has already started runs to its end.
The status still shows what the operator would do.

A pause ends by itself. One that does not has to be asked for: --indefinitely.`,
		Example: `  # For 8 hours
  kubectl dbscaler pause orders -n shop --reason "index rebuild"

  # For two hours, and only show what would be set
  kubectl dbscaler pause orders -n shop --for 2h --dry-run`,
		RunE: func(c *cobra.Command, args []string) error { return p.apply(c.Context(), args[0], p.plan) },
	}
	p.end.addTo(c.Flags())
	c.Flags().BoolVar(&p.indefinitely, "indefinitely", false, "Until somebody resumes the policy")
	c.Flags().BoolVar(&p.replace, "replace", false, "Let the pause end earlier than the present one")
	p.addTo(c)
	return c
}

func (p *pauseCommand) plan(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	now := p.now()
	if p.indefinitely && (p.end.length != "" || p.end.until != "") {
		return controlChange{}, asInputError(errors.New("set either --indefinitely or an end with --for or --until, not both"))
	}
	end, err := p.end.end(now)
	if err != nil {
		return controlChange{}, asInputError(err)
	}
	value, until := end.UTC().Format(time.RFC3339), formatEnd(end, now)
	if p.indefinitely {
		value, until = v1alpha1.PausedIndefinitely, "somebody resumes it"
		if end, err = time.Parse(time.RFC3339, value); err != nil {
			return controlChange{}, err // unreachable: the constant is a time
		}
	}
	change := controlChange{
		control: convert.Pause, verb: verbOverride, done: "paused", set: map[string]string{v1alpha1.AnnotationPausedUntil: value},
		details: []detail{{label: "Until", text: until}, p.undo(policy, "resume")},
	}
	if replaced, present := describePause(policy, now); replaced != "" {
		if end.Before(present) && !p.replace {
			return controlChange{}, asInputError(fmt.Errorf("%s/%s is already paused %s, which is later: add --replace to let it end earlier",
				policy.Namespace, policy.Name, replaced))
		}
		change.details = append(change.details, detail{label: "Replaces", text: "a pause " + replaced})
	}
	if policy.Status.Operation != nil {
		change.warnings = append(change.warnings,
			fmt.Sprintf("operation %s is in progress: it waits, and its surge reader, if it has one, costs money until it ends",
				policy.Status.Operation.ID))
	}
	return change, nil
}

// describePause describes the pause that is in force, with its end, or returns an empty text.
func describePause(policy *v1alpha1.DBScalingPolicy, now time.Time) (string, time.Time) {
	value := policy.Annotations[v1alpha1.AnnotationPausedUntil]
	end, err := time.Parse(time.RFC3339, value)
	if err != nil || !end.After(now) {
		return "", time.Time{}
	}
	text := "until " + end.UTC().Format(time.RFC3339)
	if value == v1alpha1.PausedIndefinitely {
		text = "until somebody resumes it"
	}
	if by := convert.Pause.Requester(policy.Annotations); by != nil {
		text += ", by " + by.String()
	}
	return text, end
}

// resumeCommand implements kubectl dbscaler resume.
type resumeCommand struct{ manualControl }

func newResumeCommand(shared manualControl) *cobra.Command {
	r := &resumeCommand{shared}
	c := &cobra.Command{
		Use:   "resume POLICY",
		Short: "End the pause of a policy",
		Long: `End the pause of a policy. The operator acts again at the next reconcile, within
a minute.`,
		Example: `  kubectl dbscaler resume orders -n shop --reason "index is ready"`,
		RunE:    func(c *cobra.Command, args []string) error { return r.apply(c.Context(), args[0], r.plan) },
	}
	r.addTo(c)
	return c
}

func (r *resumeCommand) plan(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	value, isSet := policy.Annotations[v1alpha1.AnnotationPausedUntil]
	paused := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionPaused)
	switch {
	case !isSet && paused != nil && paused.Reason == v1alpha1.ReasonInvalidAnnotation && hasOverride(policy):
		return controlChange{}, asInputError(fmt.Errorf(
			"%s/%s counts as paused, because an annotation of its override is invalid: remove it with %s", policy.Namespace, policy.Name,
			r.command(policy, "override", "--end")))
	case !isSet:
		return controlChange{unchanged: "is not paused"}, nil
	}
	ended, _ := describePause(policy, r.now())
	if ended == "" {
		ended = fmt.Sprintf("with the value %q", value)
	}
	change := controlChange{
		control: convert.Pause, verb: verbOverride, done: "resumed", remove: []string{v1alpha1.AnnotationPausedUntil},
		details: []detail{{label: "Ends", text: "a pause " + ended}, r.undo(policy, "pause")},
	}
	return change, nil
}
