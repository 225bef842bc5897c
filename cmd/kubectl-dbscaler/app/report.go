package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/view"
)

// reportCommand implements kubectl dbscaler report.
type reportCommand struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	allNamespaces, force                  bool
	output, ledgerFile, operatorNamespace string
	logLines                              int64
}

// The defaults of the flags, and the most lines of a log.
const defaultLogLines, maxLogLines = 2000, 1_000_000

func newReportCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	r := &reportCommand{kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "report [POLICY]",
		Short: "Write a redacted zip for a bug report",
		Long: `Write a zip file for a bug report: the policy, or all of the namespace, with
status and events; AWSAccounts; the Deployment, pods, Leases and ConfigMaps of
the operator; its logs and metrics; the versions; and the end of a ledger file.

AWS account IDs, ARNs, host names of databases, URLs, external IDs and IDs of
credentials are replaced by pseudonyms, the same in all files. Secrets are never
read, and environment variables of pods have no values. Names of namespaces,
policies, databases and users stay: read the files before you send them.

What you may not read is left out, named in errors.txt of the zip, and printed
with the right that is missing.

Exit codes: 0 if the file was written, also if parts are missing; 1 after a
failure; 2 for invalid input.`,
		Example: `  # About one policy
  kubectl dbscaler report orders -n shop

  # About all policies, with the end of the ledger
  kubectl dbscaler report -A --ledger dbscaler.jsonl -o report.zip

  # The operator runs in another namespace than dbscaler-system
  kubectl dbscaler report orders -n shop --operator-namespace platform`,
		Args:              optionalPolicy,
		ValidArgsFunction: completePolicies(kube),
		RunE:              func(c *cobra.Command, args []string) error { return r.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	f.BoolVarP(&r.allNamespaces, "all-namespaces", "A", false, "Include the policies of all namespaces")
	f.StringVarP(&r.output, "output", "o", "", "The file to write (default: dbscaler-report-TIME.zip in this folder)")
	f.BoolVar(&r.force, "force", false, "Replace the file if it exists")
	f.StringVar(&r.ledgerFile, "ledger", "", "Include the last records of this ledger file; - reads standard input")
	f.StringVar(&r.operatorNamespace, "operator-namespace", installedNamespace, "The namespace that the operator runs in")
	f.Int64Var(&r.logLines, "log-lines", defaultLogLines, "How many of the last lines of each log to include")
	mustRegister(c.MarkFlagFilename("output", "zip"))
	return c
}

func (r *reportCommand) validate(name string) error {
	switch {
	case name != "" && r.allNamespaces:
		return errors.New("set either the name of a policy or --all-namespaces, not both")
	case r.logLines < 1 || r.logLines > maxLogLines:
		return fmt.Errorf("--log-lines is %d: it must be 1 to %d", r.logLines, maxLogLines)
	case r.output == "-":
		return errors.New("--output is -: name a file, because a zip is not text")
	case r.operatorNamespace == "":
		return errors.New("--operator-namespace is empty: name the namespace that the operator runs in")
	}
	return nil
}

// path is the file to write.
func (r *reportCommand) path() string {
	if r.output != "" {
		return r.output
	}
	return "dbscaler-report-" + r.clock.Now().UTC().Format("20060102T150405Z") + ".zip"
}

func (r *reportCommand) run(ctx context.Context, name string) error {
	if err := r.validate(name); err != nil {
		return asInputError(err)
	}
	path := r.path()
	if _, err := os.Lstat(path); err == nil && !r.force { // said before the work; write makes sure
		return asInputError(fmt.Errorf("%s exists: choose another --output, or replace it with --force", path))
	}
	reader, err := newPolicyReader(r.kube, r.clock, metricsFlags{})
	if err != nil {
		return err
	}
	policies, _, err := reader.list(ctx, selection{name: strings.TrimPrefix(name, "dbsp/"), allNamespaces: r.allNamespaces})
	if err != nil {
		return err
	}
	archive := newReportArchive()
	archive.add("README.txt", "") // the first file; its text follows
	collector, err := newReportCollector(r.kube, archive, r.logLines)
	if err != nil {
		return err
	}
	r.addPolicies(ctx, reader, archive, policies)
	collector.addPolicies(ctx, policies)
	collector.addAccounts(ctx)
	collector.addOperator(ctx, r.operatorNamespace)
	collector.addVersions(ctx)
	if r.ledgerFile != "" {
		if err := r.addLedger(archive, policies); err != nil {
			return err
		}
	}
	r.addReadme(archive)
	if err := archive.write(path, r.force, r.clock.Now()); err != nil {
		return err
	}
	for _, problem := range archive.problems {
		fmt.Fprintf(r.streams.ErrOut, "not in the report: %s\n", problem)
	}
	fmt.Fprintf(r.streams.Out, "%s written: %d files about %d policies. Read them before you send it\n", path, len(archive.names),
		len(policies))
	return nil
}

// addPolicies adds what status and explain show of each policy.
func (r *reportCommand) addPolicies(
	ctx context.Context, reader *policyReader, archive *reportArchive, policies []v1alpha1.DBScalingPolicy,
) {
	for n := range policies {
		p := reader.views(ctx, policies[n:n+1], true)[0]
		var text strings.Builder
		err := errors.Join(
			view.WriteTree(&text, p, view.Options{Wide: true, Width: maxWidth}),
			writeSeparated(&text, func() error { return view.WriteExplanation(&text, view.ExplainStatus(p), view.Options{Wide: true}) }),
			writeSeparated(&text, func() error {
				in := view.HistoryInput{Input: view.Input{Object: &policies[n], Now: r.clock.Now(), Events: p.Events, EventsUnknown: p.EventsUnknown}}
				return view.WriteHistory(&text, view.NewHistory(in), view.Options{Wide: true})
			}))
		if err != nil {
			archive.addProblem("the state of %s/%s: %v", p.Namespace, p.Name, err)
			continue
		}
		archive.add(fmt.Sprintf("policies/%s/%s.txt", p.Namespace, p.Name), text.String())
	}
}

// writeSeparated writes a text after an empty line.
func writeSeparated(text *strings.Builder, write func() error) error {
	text.WriteString("\n")
	return write()
}

// addReadme says what is in the report.
func (r *reportCommand) addReadme(archive *reportArchive) {
	if len(archive.problems) > 0 {
		archive.add("errors.txt", strings.Join(archive.problems, "\n")+"\n")
	}
	var text strings.Builder
	fmt.Fprintf(&text, `A report about dbscaler for a bug report, of %s, by kubectl dbscaler report.

AWS account IDs, ARNs, host names of databases, URLs, external IDs and IDs of
credentials are replaced by pseudonyms such as account-1: the same value has the
same pseudonym in all files. Secrets were not read, and environment variables of
pods have no values. Names of namespaces, policies, databases, instances and
users are as they are. Tags of databases in the ledger are as they are, too.

`, r.clock.Now().UTC().Format("2006-01-02T15:04:05Z"))
	for _, name := range archive.names {
		if what := describeFile(name); what != "" {
			fmt.Fprintf(&text, "%s: %s\n", name, what)
		}
	}
	archive.add("README.txt", text.String())
}

// describeFile says what a file of the report has.
func describeFile(name string) string {
	for _, d := range []struct{ prefix, suffix, text string }{
		{"README.txt", "", ""},
		{"errors.txt", "", "what could not be read, and the right that is missing"},
		{"versions.txt", "", "the versions of the plugin, Kubernetes, the operator and the CRDs"},
		{"policies/", ".yaml", "a policy with its status"},
		{"policies/", ".txt", "what status, explain and history show of a policy"},
		{"events/", "", "events about policies, or in the namespace of the operator"},
		{"awsaccounts.yaml", "", "the AWSAccounts"},
		{"operator/logs/", ".previous.log", "the log of a container before its last restart"},
		{"operator/logs/", "", "the end of the log of a container"},
		{"operator/metrics/", "", "the metrics of a pod of the operator"},
		{"operator/", "", "objects of the operator"},
		{"ledger.jsonl", "", "the last records of the ledger about these policies"},
	} {
		if strings.HasPrefix(name, d.prefix) && strings.HasSuffix(name, d.suffix) {
			return d.text
		}
	}
	return ""
}
