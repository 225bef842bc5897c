package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// doctorCommand implements kubectl dbscaler doctor.
type doctorCommand struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	allNamespaces, assumeRole                             bool
	clusterName, operatorRole, endpointURL, pricingRegion string
	outputFormat                                          string
}

func newDoctorCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	d := &doctorCommand{kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "doctor (NAME | -A)",
		Short: "Check whether the operator can scale a database, or what to do",
		Long: `Check everything that the operator needs to scale the database of a policy: the AWSAccount, credentials and role, each permission,
the opt-in tag of each instance, owners, Performance Insights, orderable classes, parameter groups, custom endpoints, windows and
quotas. For each finding that is not OK, say what to do. Nothing in AWS or in the cluster is changed: permissions to change something are
judged by iam:SimulatePrincipalPolicy, and are unknown without it.

The checks run with your kubeconfig and your AWS credentials. If the policy names an AWSAccount with a role, they assume that role. Flags
of the operator and its own role are read from its Deployment or StatefulSet and its ServiceAccount in dbscaler-system, unless flags
below state them.

Exit codes: 0 if no check failed (there may be warnings and unknown results), 1 if one failed, 2 for invalid input.`,
		Example: `  # The policy orders in the namespace shop
  kubectl dbscaler doctor orders -n shop

  # All policies; the operator has its own role through EKS Pod Identity
  kubectl dbscaler doctor -A \
    --operator-role arn:aws:iam::123456789012:role/dbscaler

  # As JSON, only what failed
  kubectl dbscaler doctor -A -o json | jq '.reports[] | .policy as $p |
    .findings[] | select(.status == "Failed") | {$p, check, action}'`,
		Args: optionalPolicy,
		RunE: func(c *cobra.Command, args []string) error { return d.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	f.BoolVarP(&d.allNamespaces, "all-namespaces", "A", false, "Check the policies of all namespaces")
	f.BoolVar(&d.assumeRole, "assume-role", true, "Assume the role of the AWSAccount; otherwise check with your own AWS credentials")
	f.StringVar(&d.operatorRole, "operator-role", "",
		"ARN of the operator's own role, whose permissions are simulated for policies that name no AWSAccount with a role; read from the "+
			"ServiceAccount with IRSA")
	f.StringVar(&d.clusterName, "cluster-name", "", "Value of the operator's flag --cluster-name (default: that of its Deployment)")
	f.StringVar(&d.pricingRegion, "pricing-region", "",
		"Value of the operator's flag --pricing-region, to check that prices can be read (default: that of its Deployment)")
	f.StringVar(&d.endpointURL, "endpoint-url", "", "URL that replaces the AWS endpoints")
	f.StringVarP(&d.outputFormat, "output", "o", outputText, "Output format: text or json")
	return c
}

// The output formats.
const outputText, outputJSON = "text", "json"

// ChecksFailedError says that checks failed. The findings were printed.
type ChecksFailedError struct{ Failed int }

// Error implements error.
func (e *ChecksFailedError) Error() string {
	if e.Failed == 1 {
		return "1 check failed: do what is said below it"
	}
	return fmt.Sprintf("%d checks failed: do what is said below each of them", e.Failed)
}

// validate checks the flags and the argument.
func (d *doctorCommand) validate(name string) error {
	switch {
	case name != "" && d.allNamespaces:
		return errors.New("set either the name of a policy or --all-namespaces, not both")
	case name == "" && !d.allNamespaces:
		return errors.New("no policy: set the name of a policy in the cluster, or --all-namespaces")
	case d.outputFormat != outputText && d.outputFormat != outputJSON:
		return fmt.Errorf("--output is %q: it must be %s or %s", d.outputFormat, outputText, outputJSON)
	case d.operatorRole != "" && !strings.Contains(d.operatorRole, ":role/"):
		return fmt.Errorf("--operator-role is %q: it must be the ARN of a role, such as arn:aws:iam::123456789012:role/dbscaler", d.operatorRole)
	}
	if err := scaling.CheckClusterName(d.clusterName); err != nil {
		return fmt.Errorf("--cluster-name: %w", err)
	}
	return nil
}

func (d *doctorCommand) run(ctx context.Context, name string) error {
	if err := d.validate(name); err != nil {
		return asInputError(err)
	}
	cluster, err := newClusterReader(d.kube)
	if err != nil {
		return err
	}
	policies, err := cluster.readPolicies(ctx, name, d.allNamespaces)
	if err != nil {
		return err
	}
	installed := cluster.readInstallation(ctx)
	d.operatorRole = cmp.Or(d.operatorRole, installed.roleARN)
	d.clusterName = cmp.Or(d.clusterName, installed.clusterName)
	d.pricingRegion = cmp.Or(d.pricingRegion, installed.pricingRegion)
	examiner, err := d.newAWSExaminer(ctx)
	if err != nil {
		return err
	}
	var reports []doctor.Report
	failed := 0
	for n := range policies {
		in := cluster.readInput(ctx, &policies[n], d.clusterName)
		in.Now = d.clock.Now()
		if installed.requireAccount && in.Access.Account == "" {
			in.Access.AccountDenied = convert.AccountRequired().Message
		}
		examiner.examine(ctx, &in)
		cluster.addOwners(ctx, &policies[n], &in)
		report := doctor.NewReport(in)
		if err := ctx.Err(); err != nil {
			return errors.New("interrupted")
		}
		reports = append(reports, report)
		failed += doctor.Count(report.Findings, doctor.Failed)
	}
	if err := writeReports(d.streams.Out, reports, d.outputFormat); err != nil {
		return err
	}
	if failed > 0 {
		return &ChecksFailedError{failed}
	}
	return nil
}

// writeReports prints the reports, with an empty line between them.
func writeReports(w io.Writer, reports []doctor.Report, format string) error {
	if format == outputJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Reports []doctor.Report `json:"reports"`
		}{reports})
	}
	texts := make([]string, len(reports))
	for n, r := range reports {
		texts[n] = doctor.FormatText(r)
	}
	_, err := io.WriteString(w, strings.Join(texts, "\n"))
	return err
}
