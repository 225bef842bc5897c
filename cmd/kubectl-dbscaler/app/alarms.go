package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/alarms"
)

// defaultRunbooks is the address of the runbooks of the alert rules.
const defaultRunbooks = "https://github.com/dbscaler/dbscaler/blob/main/docs/runbooks"

// alarmsCommand implements kubectl dbscaler alarms.
type alarmsCommand struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams

	filename, outputFormat string
	options                alarms.Options
}

func newAlarmsCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	a := &alarmsCommand{kube: kube, streams: streams}
	c := &cobra.Command{
		Use:   "alarms (NAME | -f policy.yaml) -o " + strings.Join(formatNames(), "|"),
		Short: "Print CloudWatch alarms that work while the operator is down",
		Long: `Print alarms that derive from a policy: the load is at or above cpu.scaleUpPercent for longer than the operator needs to relieve it
(load-high), the database is saturated (saturated), it is saturated and nobody acts (not-scaled), Aurora Serverless v2 uses its maximum
capacity (capacity-at-maximum), or the database publishes no metrics (metrics-missing). The alarms run in CloudWatch. Only those of the
format prometheus need Kubernetes: they are rules over the metrics of the operator.

Nothing in AWS or in the cluster is changed. Print the alarms again after a change of the policy, or of the read replicas of an instance.

The names of the read replicas, the kind of a DB cluster and the account are read from the status of the policy, where it has one. With a
manifest, name read replicas with --instance, and set --multi-az-cluster for a Multi-AZ DB cluster.

Exit codes: 0 after success, 2 for invalid input (flags or policy).`,
		Example: `  # Terraform resources that notify an SNS topic
  kubectl dbscaler alarms -f policy.yaml -o terraform \
    --sns-topic-arn arn:aws:sns:eu-west-1:123456789012:on-call > alarms.tf

  # A CloudFormation stack for the policy orders in the namespace shop
  kubectl dbscaler alarms orders -n shop -o cloudformation > alarms.yaml
  aws cloudformation deploy --region eu-west-1 --stack-name orders-alarms \
    --template-file alarms.yaml

  # An instance with two read replicas, through AWS Controllers for Kubernetes
  kubectl dbscaler alarms -f ledger.yaml --instance ledger-read-1 \
    --instance ledger-read-2 -o ack | kubectl apply -f -`,
		Args: optionalPolicy,
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	f.StringVarP(&a.filename, "filename", "f", "", "Manifest of the policy, or - for standard input (default: the policy NAME in the cluster)")
	f.StringVarP(&a.outputFormat, "output", "o", "", "Output format: "+strings.Join(formatNames(), ", "))
	f.StringArrayVar(&a.options.TopicARNs, "sns-topic-arn", nil,
		"ARN of an SNS topic to notify when an alarm starts and when it ends; may be repeated, up to five times")
	f.StringVar(&a.options.Prefix, "prefix", "dbscaler-", "Start of the name of each alarm")
	f.StringArrayVar(&a.options.Instances, "instance", nil,
		"Identifier of a read replica of a DB instance, or of a member of a Multi-AZ DB cluster; may be repeated (default: those in the status)")
	f.BoolVar(&a.options.MultiAZCluster, "multi-az-cluster", false,
		"The target is a Multi-AZ DB cluster, not an Aurora cluster (default: by the engine in the status)")
	f.BoolVar(&a.options.MayBeStopped, "may-be-stopped", false,
		"Leave out the alarm metrics-missing, for a database that is stopped at times: CloudWatch does not tell it from a broken one")
	f.StringVar(&a.options.RunbookURL, "runbooks", defaultRunbooks, "Address of the runbooks")
	return c
}

func formatNames() []string {
	var names []string
	for _, format := range alarms.Formats() {
		names = append(names, string(format))
	}
	return names
}

func (a *alarmsCommand) run(ctx context.Context, name string) error {
	formats := strings.Join(formatNames(), ", ")
	format := alarms.Format(a.outputFormat)
	switch {
	case a.outputFormat == "":
		return asInputError(fmt.Errorf("no output format: set --output to one of %s", formats))
	case !slices.Contains(alarms.Formats(), format):
		return asInputError(fmt.Errorf("--output is %q: it must be one of %s", a.outputFormat, formats))
	case format == alarms.Prometheus && len(a.options.TopicARNs) > 0:
		return asInputError(errors.New("--sns-topic-arn is not valid with --output prometheus: Alertmanager decides whom it notifies"))
	}
	object, policy, err := readPolicy(ctx, a.kube, a.streams.In, a.filename, name)
	if err != nil {
		return err
	}
	set, err := alarms.Derive(policy, completeOptions(a.options, object))
	if err != nil {
		return asInputError(err)
	}
	for _, note := range set.Notes {
		fmt.Fprintln(a.streams.ErrOut, note)
	}
	return alarms.Write(a.streams.Out, format, set)
}

// completeOptions adds what the status says and the flags do not.
func completeOptions(o alarms.Options, object *v1alpha1.DBScalingPolicy) alarms.Options {
	o.AccountName = object.Spec.TargetRef.AccountRef.Name
	status := object.Status
	if status.Target != nil {
		// arn:partition:rds:region:account:cluster:identifier
		if parts := strings.Split(status.Target.ARN, ":"); len(parts) > 5 {
			o.AccountID = parts[4]
		}
		isCluster := object.Spec.TargetRef.Kind == v1alpha1.TargetKindDBCluster
		if engine := status.Target.Engine; isCluster && engine != "" && !strings.HasPrefix(engine, "aurora") {
			o.MultiAZCluster = true
		}
	}
	if len(o.Instances) > 0 {
		return o
	}
	var pools []*v1alpha1.PoolStatus
	switch {
	case o.MultiAZCluster:
		pools = []*v1alpha1.PoolStatus{status.Writer, status.Readers}
	case object.Spec.TargetRef.Kind == v1alpha1.TargetKindDBInstance:
		pools = []*v1alpha1.PoolStatus{status.Readers}
	}
	for _, pool := range pools {
		if pool == nil {
			continue
		}
		for _, i := range pool.Instances {
			o.Instances = append(o.Instances, i.Identifier)
		}
	}
	return o
}
