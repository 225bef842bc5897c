package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// overrideCommand implements kubectl dbscaler override.
type overrideCommand struct {
	manualControl
	end                            endFlags
	readers, writer                string
	endOverride, replace, exceeded bool
}

func newOverrideCommand(shared manualControl) *cobra.Command {
	o := &overrideCommand{manualControl: shared, end: endFlags{defaultLength: defaultOverride, maxLength: maxOverride}}
	c := &cobra.Command{
		Use:   "override POLICY (--readers NxCLASS | --writer CLASS | --end)",
		Short: "Set the shape of the database for a time, regardless of the load",
		Long: `Set the shape of the database for a time, regardless of the load. Afterwards
scaling follows the load again. A smaller shape must carry the present load;
otherwise the database stays as it is. The operator respects the budget, the
disruption windows and the guards that protect the database, and never removes
readers that it did not create.

The shape must be one that the policy allows, unless --exceed-limits is set.`,
		Example: `  # Three readers for two hours
  kubectl dbscaler override orders -n shop --readers 3xdb.r6g.xlarge --for 2h

  # A larger writer until a time
  kubectl dbscaler override orders -n shop --writer db.r6g.2xlarge \
    --until 2026-11-27T18:00:00+01:00 --reason "launch"

  # End it now
  kubectl dbscaler override orders -n shop --end`,
		RunE: func(c *cobra.Command, args []string) error {
			if o.endOverride {
				return o.apply(c.Context(), args[0], o.planEnd)
			}
			return o.apply(c.Context(), args[0], o.plan)
		},
	}
	f := c.Flags()
	f.StringVar(&o.readers, "readers", "", "Number and class of the readers, such as 3xdb.r6g.xlarge")
	f.StringVar(&o.writer, "writer", "", "Class of the writer, such as db.r6g.2xlarge")
	o.end.addTo(f)
	f.BoolVar(&o.endOverride, "end", false, "End the override that is in force")
	f.BoolVar(&o.replace, "replace", false, "Replace the override that is in force")
	f.BoolVar(&o.exceeded, "exceed-limits", false, "Accept classes and numbers outside of the limits of the policy")
	o.addTo(c)
	complete(c, "readers", o.completeReaders)
	complete(c, "writer", o.completeWriter)
	return c
}

// overrideAnnotations are the annotations of an override.
var overrideAnnotations = []string{v1alpha1.AnnotationOverrideReaders, v1alpha1.AnnotationOverrideWriter, v1alpha1.AnnotationOverrideUntil}

// hasOverride reports whether a policy has an annotation of an override, whether it is valid or not.
func hasOverride(policy *v1alpha1.DBScalingPolicy) bool {
	return slices.ContainsFunc(overrideAnnotations, func(key string) bool {
		_, isSet := policy.Annotations[key]
		return isSet
	})
}

func (o *overrideCommand) plan(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	now := o.now()
	end, err := o.end.end(now)
	if err != nil {
		return controlChange{}, asInputError(err)
	}
	readers, err := o.check(policy)
	if err != nil {
		return controlChange{}, asInputError(err)
	}
	change := controlChange{
		control: convert.Override, verb: verbOverride, done: "overridden", set: map[string]string{
			v1alpha1.AnnotationOverrideUntil: end.UTC().Format(time.RFC3339),
		},
	}
	if replaced := describeOverride(policy, now); replaced != "" {
		if !o.replace {
			return controlChange{}, asInputError(fmt.Errorf("%s/%s already has an override, %s: add --replace to replace it",
				policy.Namespace, policy.Name, replaced))
		}
		change.details = append(change.details, detail{label: "Replaces", text: replaced})
	}
	if o.readers != "" {
		change.set[v1alpha1.AnnotationOverrideReaders] = fmt.Sprintf("%d x %s", readers.Count, readers.InstanceClass)
		change.details = append(change.details, detail{label: "Readers", text: readers.String() + presentShape(policy.Status.Readers)})
	} else {
		change.remove = append(change.remove, v1alpha1.AnnotationOverrideReaders)
	}
	if o.writer != "" {
		change.set[v1alpha1.AnnotationOverrideWriter] = o.writer
		change.details = append(change.details, detail{label: "Writer", text: o.writer + presentShape(policy.Status.Writer)})
	} else {
		change.remove = append(change.remove, v1alpha1.AnnotationOverrideWriter)
	}
	change.details = append(change.details, detail{label: "Until", text: formatEnd(end, now)}, o.undo(policy, "override", "--end"))
	if paused, _ := describePause(policy, now); paused != "" {
		change.warnings = append(change.warnings, fmt.Sprintf("the policy is paused %s: nothing changes before it is resumed", paused))
	}
	if policy.Status.Ownership != nil && policy.Status.Ownership.Conflict != nil {
		change.warnings = append(change.warnings, "there is an ownership conflict: nothing changes before it is resolved")
	}
	return change, nil
}

// check checks the shapes and what the policy is for. The error is one line.
func (o *overrideCommand) check(policy *v1alpha1.DBScalingPolicy) (scaling.Shape, error) {
	spec, name := policy.Spec, policy.Namespace+"/"+policy.Name
	var readers scaling.Shape
	switch {
	case o.readers == "" && o.writer == "":
		return readers, errors.New("no shape: set --readers, --writer or both, or end an override with --end")
	case spec.Serverless != nil:
		return readers, fmt.Errorf("%s scales Aurora Serverless v2, which has a range of capacity and no shape: change spec.serverless instead",
			name)
	case spec.Mode == v1alpha1.ModeRecommend:
		return readers, fmt.Errorf("spec.mode of %s is Recommend, so that an override has no effect: set it to Enforce or Approve first", name)
	}
	if o.readers != "" {
		shape, valid := convert.ParseShape(o.readers)
		switch {
		case !valid:
			return readers, fmt.Errorf("--readers is %q: it must be a number and a class, such as 3xdb.r6g.xlarge", o.readers)
		case spec.Readers == nil:
			return readers, fmt.Errorf("--readers: %s does not scale readers, because it has no spec.readers", name)
		case shape.Count < 1 || shape.Count > maxReaders:
			return readers, fmt.Errorf("--readers: the number is %d, and must be 1 to %d", shape.Count, maxReaders)
		case !o.exceeded && (shape.Count < int(spec.Readers.MinReplicas) || shape.Count > int(spec.Readers.MaxReplicas)):
			return readers, fmt.Errorf("--readers: %s allows %d to %d readers, and not %d: choose one of these numbers, or add --exceed-limits",
				name, spec.Readers.MinReplicas, spec.Readers.MaxReplicas, shape.Count)
		}
		readers = shape
		if err := o.checkClass("--readers", shape.InstanceClass, spec.Readers.InstanceClasses); err != nil {
			return readers, err
		}
	}
	if o.writer != "" {
		if spec.Writer == nil {
			return readers, fmt.Errorf("--writer: %s does not scale the writer, because it has no spec.writer", name)
		}
		return readers, o.checkClass("--writer", o.writer, spec.Writer.InstanceClasses)
	}
	return readers, nil
}

// checkClass checks that a class exists and that the policy allows it.
func (o *overrideCommand) checkClass(flag, class string, allowed []v1alpha1.InstanceClass) error {
	names := make([]string, len(allowed))
	for n, c := range allowed {
		names[n] = string(c)
	}
	if slices.Contains(names, class) {
		return nil
	}
	if _, err := catalog.Lookup(class); err != nil {
		return fmt.Errorf("%s: %w. The policy allows %s", flag, err, strings.Join(names, ", "))
	}
	if o.exceeded {
		return nil
	}
	return fmt.Errorf("%s: the policy does not allow %s: choose one of %s, or add --exceed-limits", flag, class, strings.Join(names, ", "))
}

// presentShape is the present shape of a pool, for a comparison.
func presentShape(pool *v1alpha1.PoolStatus) string {
	if pool == nil || pool.Shape == "" {
		return ""
	}
	return ", now " + pool.Shape
}

// describeOverride describes the override that is in force, or returns an empty text.
func describeOverride(policy *v1alpha1.DBScalingPolicy, now time.Time) string {
	until := policy.Annotations[v1alpha1.AnnotationOverrideUntil]
	if end, err := time.Parse(time.RFC3339, until); err != nil || !end.After(now) {
		return ""
	}
	var shapes []string
	if readers := policy.Annotations[v1alpha1.AnnotationOverrideReaders]; readers != "" {
		shapes = append(shapes, "readers "+readers)
	}
	if writer := policy.Annotations[v1alpha1.AnnotationOverrideWriter]; writer != "" {
		shapes = append(shapes, "writer "+writer)
	}
	text := strings.Join(shapes, " and ") + " until " + until
	if by := convert.Override.Requester(policy.Annotations); by != nil {
		text += ", by " + by.String()
	}
	return text
}

// planEnd ends an override, also one that is over or invalid.
func (o *overrideCommand) planEnd(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	if o.readers != "" || o.writer != "" || o.end.length != "" || o.end.until != "" {
		return controlChange{}, asInputError(errors.New("--end ends an override: set no shape and no duration with it"))
	}
	change := controlChange{control: convert.Override, verb: verbOverride, done: "no longer overridden: scaling follows the load again"}
	if !hasOverride(policy) {
		return controlChange{unchanged: "has no override"}, nil
	}
	change.remove = overrideAnnotations
	if ended := describeOverride(policy, o.now()); ended != "" {
		change.details = append(change.details, detail{label: "Ends", text: ended})
		present := overrideCommand{writer: policy.Annotations[v1alpha1.AnnotationOverrideWriter]}
		var flags []string
		if shape, valid := convert.ParseShape(policy.Annotations[v1alpha1.AnnotationOverrideReaders]); valid {
			present.readers = fmt.Sprintf("%dx%s", shape.Count, shape.InstanceClass)
			flags = append(flags, "--readers", present.readers)
		}
		if present.writer != "" {
			flags = append(flags, "--writer", present.writer)
		}
		if _, err := present.check(policy); err != nil {
			flags = append(flags, "--exceed-limits")
		}
		flags = append(flags, "--until", policy.Annotations[v1alpha1.AnnotationOverrideUntil])
		change.details = append(change.details, o.undo(policy, "override", flags...))
	}
	return change, nil
}
