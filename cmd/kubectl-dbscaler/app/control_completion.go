package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// completeValues lets the shell complete a flag with fixed values.
func completeValues(c *cobra.Command, flag string, values ...string) {
	complete(c, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	})
}

// complete registers the completion of a flag.
func complete(c *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(err) // the command does not have the flag
	}
}

// completePolicies completes the name of a policy in the namespace.
func (m *manualControl) completePolicies(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	cluster, err := newControlClient(m.kube)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list v1alpha1.DBScalingPolicyList
	if err := cluster.List(c.Context(), &list, client.InNamespace(cluster.namespace)); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, policy := range list.Items {
		if strings.HasPrefix(policy.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(policy.Name, describeTarget(&policy)))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func describeTarget(policy *v1alpha1.DBScalingPolicy) string {
	target := policy.Spec.TargetRef
	return fmt.Sprintf("%s %s in %s", target.Kind, target.Identifier, target.Region)
}

// completeReaders completes a number of readers within the limits of the policy, and then a class that it allows.
func (m *manualControl) completeReaders(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	policy := m.completedPolicy(c, args)
	if policy == nil || policy.Spec.Readers == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	readers := policy.Spec.Readers
	count, _, hasCount := strings.Cut(prefix, "x")
	var values []string
	if !hasCount {
		for n := max(1, readers.MinReplicas); n <= readers.MaxReplicas; n++ {
			values = append(values, strconv.Itoa(int(n))+"x")
		}
		return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	for _, class := range readers.InstanceClasses {
		values = append(values, count+"x"+string(class))
	}
	return filterPrefix(values, prefix), cobra.ShellCompDirectiveNoFileComp
}

// completeWriter completes a class that the policy allows.
func (m *manualControl) completeWriter(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	policy := m.completedPolicy(c, args)
	if policy == nil || policy.Spec.Writer == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var values []string
	for _, class := range policy.Spec.Writer.InstanceClasses {
		values = append(values, string(class))
	}
	return filterPrefix(values, prefix), cobra.ShellCompDirectiveNoFileComp
}

// completedPolicy reads the policy that is named on the command line, or returns nil.
func (m *manualControl) completedPolicy(c *cobra.Command, args []string) *v1alpha1.DBScalingPolicy {
	cluster, err := newControlClient(m.kube)
	if err != nil || len(args) == 0 {
		return nil
	}
	policy := &v1alpha1.DBScalingPolicy{}
	if err := cluster.Get(c.Context(), types.NamespacedName{Namespace: cluster.namespace, Name: args[0]}, policy); err != nil {
		return nil
	}
	return policy
}

func filterPrefix(values []string, prefix string) []string {
	return slices.DeleteFunc(values, func(value string) bool { return !strings.HasPrefix(value, prefix) })
}
