package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// approveCommand implements kubectl dbscaler approve.
type approveCommand struct {
	manualControl
	hash   string
	revoke bool
	// shown is the hash of the first reading: a later one must not approve another change.
	shown string
}

func newApproveCommand(shared manualControl) *cobra.Command {
	a := &approveCommand{manualControl: shared}
	c := &cobra.Command{
		Use:   "approve POLICY [--hash HASH | --revoke]",
		Short: "Approve the change that a policy in mode Approve proposes",
		Long: `Approve the change that a policy with spec.mode Approve proposes, and print it.
With --dry-run it is only printed. The approval is valid for this change and
once: a change of the desired shape, or of the pool, needs another approval.
The command approves nothing if the proposed change becomes another one while
it runs. With --hash it approves the change with that hash and no other.

An override needs no approval.`,
		Example: `  # Look at the change first
  kubectl dbscaler approve orders -n shop --dry-run

  # Approve that change and no other
  kubectl dbscaler approve orders -n shop --hash 1f2e3d4c`,
		RunE: func(c *cobra.Command, args []string) error {
			if a.revoke {
				return a.apply(c.Context(), args[0], a.planRevoke)
			}
			return a.apply(c.Context(), args[0], a.plan)
		},
	}
	c.Flags().StringVar(&a.hash, "hash", "", "Hash of the change, as --dry-run and status.decision.hash show it")
	c.Flags().BoolVar(&a.revoke, "revoke", false, "Take the approval back, as long as the operation has not started")
	a.addTo(c)
	complete(c, "hash", func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if policy := a.completedPolicy(c, args); policy != nil && policy.Status.Decision != nil && policy.Status.Decision.Hash != "" {
			return []string{policy.Status.Decision.Hash}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// approvalRequired is the name of the guard that waits for an approval.
const approvalRequired = "ApprovalRequired"

func (a *approveCommand) plan(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	name, d := policy.Namespace+"/"+policy.Name, policy.Status.Decision
	switch {
	case policy.Spec.Mode != v1alpha1.ModeApprove:
		return controlChange{}, asInputError(fmt.Errorf("spec.mode of %s is %s, so that no change waits for an approval: set it to Approve", name,
			policy.Spec.Mode))
	case d == nil:
		return controlChange{}, asInputError(fmt.Errorf("%s has no decision yet: wait a minute, or run kubectl dbscaler doctor", name))
	case d.Hash != "" && policy.Annotations[v1alpha1.AnnotationApprove] == d.Hash:
		return controlChange{unchanged: fmt.Sprintf("has an approval of this change (hash %s) already", d.Hash), details: a.describe(policy)}, nil
	case d.Hash == "" || !slices.Contains(d.BlockedBy, approvalRequired):
		return controlChange{}, asInputError(fmt.Errorf("no change of %s waits for an approval: the decision is %s", name, d.Reason))
	}
	if want := cmp.Or(a.hash, a.shown); want != "" && want != d.Hash {
		return controlChange{}, asInputError(fmt.Errorf("%s proposes another change now, with the hash %s and not %s: look at it with --dry-run",
			name, d.Hash, want))
	}
	a.shown = d.Hash
	change := controlChange{
		control: convert.Approval, verb: verbApprove, done: "approved", set: map[string]string{v1alpha1.AnnotationApprove: d.Hash},
		details: append(a.describe(policy), a.undo(policy, "approve", "--revoke")),
	}
	others := slices.DeleteFunc(slices.Clone(d.BlockedBy), func(guard string) bool { return guard == approvalRequired })
	if len(others) > 0 {
		change.warnings = append(change.warnings,
			fmt.Sprintf("the change is also blocked by %s: it starts when that has passed, if it is still the same", strings.Join(others, ", ")))
	}
	return change, nil
}

// describe describes the change that is proposed.
func (a *approveCommand) describe(policy *v1alpha1.DBScalingPolicy) []detail {
	d := policy.Status.Decision
	pool, before := "writer", policy.Status.Writer
	switch d.Pool {
	case v1alpha1.PoolReaders:
		pool, before = "readers", policy.Status.Readers
	case v1alpha1.PoolMinCapacity:
		pool, before = "minimum capacity", nil
	case v1alpha1.PoolWriter:
	}
	to := "a shape that status does not have"
	if d.Desired != nil {
		to = scaling.Shape{InstanceClass: d.Desired.InstanceClass, Count: int(ptr.Deref(d.Desired.Replicas, 0))}.String()
	}
	text := fmt.Sprintf("%s → %s", pool, to)
	if before != nil && before.Shape != "" {
		text = fmt.Sprintf("%s %s → %s", pool, before.Shape, to)
	}
	return []detail{
		{label: "Change", text: text},
		{label: "Decision", text: strings.TrimSuffix(d.Reason+": "+d.Cause, ": ")},
		{label: "Cost", text: describeCost(policy, before)},
		{label: "Hash", text: d.Hash},
		{label: "Valid", text: "for this change, once: until the desired shape or the pool changes"},
	}
}

// describeCost compares the hourly cost of the pool before and after the change, as far as prices are known.
func describeCost(policy *v1alpha1.DBScalingPolicy, before *v1alpha1.PoolStatus) string {
	d := policy.Status.Decision
	costs := map[string]string{}
	for _, alternative := range d.Alternatives {
		shape := scaling.Shape{InstanceClass: alternative.Shape.InstanceClass, Count: int(ptr.Deref(alternative.Shape.Replicas, 0))}
		costs[shape.String()] = alternative.HourlyCostUSD
	}
	if d.Desired == nil {
		return "not known"
	}
	after := costs[scaling.Shape{InstanceClass: d.Desired.InstanceClass, Count: int(ptr.Deref(d.Desired.Replicas, 0))}.String()]
	present := ""
	if before != nil {
		present = cmp.Or(costs[before.Shape], priceOf(policy, before))
	}
	switch {
	case after == "":
		return "not known, because prices are not"
	case present == "":
		return fmt.Sprintf("$%s an hour afterwards", after)
	}
	return fmt.Sprintf("$%s an hour → $%s an hour", present, after)
}

// priceOf is the hourly cost of the instances of a pool by the prices in the spec, or empty.
func priceOf(policy *v1alpha1.DBScalingPolicy, pool *v1alpha1.PoolStatus) string {
	prices := map[string]string{}
	for _, p := range policy.Spec.Prices {
		prices[string(p.InstanceClass)] = p.HourlyPriceUSD
	}
	var total scaling.Money
	for _, i := range pool.Instances {
		price, err := scaling.ParseUSD(prices[i.InstanceClass])
		if err != nil {
			return ""
		}
		total += price
	}
	if total == 0 {
		return ""
	}
	return strings.TrimPrefix(total.String(), "$")
}

// planRevoke takes an approval back.
func (a *approveCommand) planRevoke(policy *v1alpha1.DBScalingPolicy) (controlChange, error) {
	if a.hash != "" {
		return controlChange{}, asInputError(errors.New("set either --hash or --revoke, not both"))
	}
	hash, isSet := policy.Annotations[v1alpha1.AnnotationApprove]
	if !isSet {
		return controlChange{unchanged: "has no approval"}, nil
	}
	change := controlChange{
		control: convert.Approval, verb: verbApprove, done: "no longer approved", remove: []string{v1alpha1.AnnotationApprove},
		details: []detail{{label: "Hash", text: hash}},
	}
	if d := policy.Status.Decision; d != nil && d.Hash == hash {
		change.details = append(change.details, a.undo(policy, "approve", "--hash", hash))
	}
	if policy.Status.Operation != nil {
		change.warnings = append(change.warnings,
			fmt.Sprintf("operation %s has started and goes on: stop it with kubectl dbscaler pause", policy.Status.Operation.ID))
	}
	return change, nil
}
