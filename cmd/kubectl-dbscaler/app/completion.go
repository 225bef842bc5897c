package app

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// engines are the engines that the catalog knows, as the RDS API names them (RDS API reference, CreateDBInstance, Engine).
var engines = []string{
	"aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "oracle-ee", "oracle-se2", "postgres", "sqlserver-ee", "sqlserver-ex",
	"sqlserver-se", "sqlserver-web",
}

// setUpCompletion registers the completion of what the commands have in common, where a command has registered none: names of policies,
// namespaces and contexts, instance classes, and flags with fixed values. Every other flag completes nothing, rather than files.
func setUpCompletion(root *cobra.Command, kube *genericclioptions.ConfigFlags) {
	policies := completePolicies(kube)
	for _, c := range allCommands(root) {
		if c.ValidArgsFunction == nil && takesPolicy(c) {
			c.ValidArgsFunction = policies
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { setUpFlagCompletion(c, f, kube) })
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { setUpFlagCompletion(root, f, kube) })
}

// allCommands lists a command and those below it.
func allCommands(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, child := range c.Commands() {
		out = append(out, allCommands(child)...)
	}
	return out
}

// takesPolicy reports whether the first argument of a command is the name of a policy.
func takesPolicy(c *cobra.Command) bool {
	_, arguments, _ := strings.Cut(c.Use, " ")
	return strings.HasPrefix(strings.TrimLeft(arguments, "(["), "NAME") || strings.HasPrefix(strings.TrimLeft(arguments, "(["), "POLICY")
}

// fileFlags are the flags that take a file, with the extensions that the shell offers; none offers all files.
var fileFlags = map[string][]string{
	"filename": {"yaml", "yml", "json"}, "metrics": {"csv", "json"}, "ledger": nil, "html": nil, "kubeconfig": nil,
	"certificate-authority": nil, "client-certificate": nil, "client-key": nil, "cache-dir": nil,
}

// setUpFlagCompletion registers the completion of a flag that has none.
func setUpFlagCompletion(c *cobra.Command, f *pflag.Flag, kube *genericclioptions.ConfigFlags) {
	if _, exists := c.GetFlagCompletionFunc(f.Name); exists || f.Value.Type() == "bool" {
		return
	}
	extensions, isFile := fileFlags[f.Name]
	isFile = isFile || f.Name == "output" && strings.HasPrefix(f.Usage, "File")
	switch {
	case isFile && len(extensions) > 0:
		complete(c, f.Name, cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt))
	case isFile:
		complete(c, f.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		})
	default:
		complete(c, f.Name, newFlagCompletion(c, f, kube))
	}
}

// newFlagCompletion returns the completion of a flag that takes no file.
func newFlagCompletion(c *cobra.Command, f *pflag.Flag, kube *genericclioptions.ConfigFlags) cobra.CompletionFunc {
	isOwn := c.HasParent()
	switch f.Name {
	case "class", "start-class", "writer-class":
		return completeClasses
	case "engine":
		return completeWords(engines...)
	case "pool":
		return completeWords("readers", "writer")
	case "pricing-region":
		return completeWords(awsx.PricingRegions...)
	case "against":
		return completeList(append([]string{"all"}, backtest.ComparisonNames()...))
	case "namespace":
		return completeObjects(kube, &corev1.NamespaceList{})
	case "account":
		return completeObjects(kube, &v1alpha1.AWSAccountList{})
	case "context", "user", "cluster":
		if !isOwn { // init has a flag --cluster of its own
			return completeKubeconfig(kube, f.Name)
		}
	}
	return completeWords(fixedValues(f.Usage)...)
}

// fixedValues returns the values that the usage of a flag lists behind a colon, as in "Output format: text or json"; none when it lists
// anything but words.
func fixedValues(usage string) []string {
	_, list, found := strings.Cut(usage, ": ")
	if !found {
		return nil
	}
	list, _, _ = strings.Cut(list, " (")
	list, _, _ = strings.Cut(list, ";")
	words := strings.Split(strings.ReplaceAll(list, " or ", ", "), ", ")
	isWord := func(word string) bool { return word != "" && !strings.ContainsAny(word, " .:/=") }
	if len(words) < 2 || slices.ContainsFunc(words, func(word string) bool { return !isWord(word) }) {
		return nil
	}
	return words
}

// completeClasses completes an instance class.
func completeClasses(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, class := range catalog.All() {
		names = append(names, class.Name)
	}
	return filterPrefix(names, prefix), cobra.ShellCompDirectiveNoFileComp
}

// completeList completes values that are separated by commas.
func completeList(values []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		before := prefix[:strings.LastIndex(prefix, ",")+1]
		var out []string
		for _, value := range values {
			if !slices.Contains(strings.Split(before, ","), value) {
				out = append(out, before+value)
			}
		}
		return filterPrefix(out, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeObjects completes the names of all objects of a kind.
func completeObjects(kube *genericclioptions.ConfigFlags, list client.ObjectList) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		cluster, err := newClusterReader(kube)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, isList := list.DeepCopyObject().(client.ObjectList)
		if !isList {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		if err := cluster.client.List(ctx, found); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return filterPrefix(namesOf(found), prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// namesOf returns the names of the objects in a list.
func namesOf(list runtime.Object) []string {
	var names []string
	switch l := list.(type) {
	case *corev1.NamespaceList:
		for _, o := range l.Items {
			names = append(names, o.Name)
		}
	case *v1alpha1.AWSAccountList:
		for _, o := range l.Items {
			names = append(names, o.Name)
		}
	}
	return names
}

// completeKubeconfig completes a context, user or cluster of the kubeconfig.
func completeKubeconfig(kube *genericclioptions.ConfigFlags, kind string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		config, err := kube.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		switch kind {
		case "context":
			for name := range config.Contexts {
				names = append(names, name)
			}
		case "user":
			for name := range config.AuthInfos {
				names = append(names, name)
			}
		case "cluster":
			for name := range config.Clusters {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return filterPrefix(names, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}
