package app

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// resolveCommand implements kubectl dbscaler resolve.
type resolveCommand struct{ manualControl }

func newResolveCommand(shared manualControl) *cobra.Command {
	r := &resolveCommand{shared}
	c := &cobra.Command{
		Use:   "resolve POLICY",
		Short: "End an ownership conflict, once the other client has stopped",
		Long: `End an ownership conflict: another client reverted two operations within a week,
and the operator has stopped. Configure one of the two not to set the class or
the number of instances first. Otherwise the next conflict follows.`,
		Example: `  kubectl dbscaler resolve orders -n shop --reason "ignore_changes is set"`,
		RunE:    func(c *cobra.Command, args []string) error { return r.apply(c.Context(), args[0], r.plan) },
	}
	r.addTo(c)
	return c
}

func (r *resolveCommand) plan(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	ownership := policy.Status.Ownership
	if ownership == nil || ownership.Conflict == nil {
		return controlChange{}, asInputError(fmt.Errorf("%s/%s has no ownership conflict", policy.Namespace, policy.Name))
	}
	// Any value ends the conflict but the one at its beginning.
	number := r.clock.Now().Unix()
	if strconv.FormatInt(number, 10) == ownership.Conflict.ResolveAnnotation {
		number++
	}
	value := strconv.FormatInt(number, 10)
	if present := policy.Annotations[v1alpha1.AnnotationResolveConflict]; present != "" && present != ownership.Conflict.ResolveAnnotation {
		return controlChange{unchanged: "is being resolved already: the operator ends the conflict within a minute"}, nil
	}
	change := controlChange{
		control: convert.Resolution, verb: verbOverride, done: "resolved", set: map[string]string{v1alpha1.AnnotationResolveConflict: value},
		details: []detail{{label: "Conflict", text: "since " + ownership.Conflict.Time.UTC().Format(time.RFC3339)}},
		warnings: []string{"this cannot be undone. If the other client still sets the class, the operator and it change the database in turn, " +
			"until the operator stops again"},
	}
	for _, revert := range ownership.Reverts {
		change.details = append(change.details, detail{label: "Reverted", text: describeRevert(revert)})
	}
	change.details = append(change.details, detail{label: "Stop it", text: r.command(policy, "pause"), isCommand: true})
	return change, nil
}

// describeRevert says what another client did.
func describeRevert(r v1alpha1.Revert) string {
	what := fmt.Sprintf("%s to %s", r.ExpectedInstanceClass, r.ObservedInstanceClass)
	switch {
	case r.ObservedInstanceClass == "":
		what = "deleted"
	case r.ExpectedInstanceClass == "":
		what = "created again"
	}
	return fmt.Sprintf("%s: %s, at %s (operation %s)", r.Instance, what, r.Time.UTC().Format(time.RFC3339), r.Operation)
}
