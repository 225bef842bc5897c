package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/draft"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// initCommand implements kubectl dbscaler init.
type initCommand struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	cluster, instance, region                  string
	roleARN, externalID, operatorRole, account string
	name, file                                 string
	endpointURL, pricingRegion                 string
	days                                       int
	fit                                        bool
}

// defaultInitDays is two weeks: what CloudWatch keeps in minutes, with a day to spare. maxInitDays is what it keeps in five minutes.
const (
	defaultInitDays = 14
	maxInitDays     = int(fiveMinuteRetention / (24 * time.Hour))
)

func newInitCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	i := &initCommand{kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "init (--cluster ID | --instance ID) --region REGION [-o FILE]",
		Short: "Write the first policy of an existing database, from its last weeks",
		Long: `Look at a database in AWS and at its load of the last days in CloudWatch, and
write a DBScalingPolicy that fits it, in the mode Recommend: the instance
classes around the present one that AWS offers, the number of readers, and
windows. A comment says why each value is what it is, with figures. What is
not known is said, and gets a cautious default.

What is still missing, such as tags, permissions and metrics, is written to
standard error with the command for each. Nothing in AWS or in Kubernetes is
changed. The command needs your AWS credentials, and no Kubernetes cluster.

The flag --cluster names a DB cluster here, not one of the kubeconfig.

Exit codes: 0 after success, 1 after a failure, for example a missing
permission, 2 for invalid input and for a database that cannot be scaled.`,
		Example: `  # An Aurora or Multi-AZ DB cluster, for the namespace shop
  kubectl dbscaler init --cluster orders --region eu-west-1 -n shop

  # An RDS instance in another account, into a file
  kubectl dbscaler init --instance billing --region eu-west-1 -n shop \
    --role-arn arn:aws:iam::123456789012:role/dbscaler-member \
    --account production -o billing.yaml`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return i.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&i.cluster, "cluster", "", "Identifier of the Aurora or Multi-AZ DB cluster")
	f.StringVar(&i.instance, "instance", "", "Identifier of the DB instance that belongs to no cluster")
	f.StringVar(&i.region, "region", "", "AWS region of the database")
	f.StringVar(&i.roleARN, "role-arn", "", "Role to assume with your AWS credentials, as the operator will")
	f.StringVar(&i.externalID, "external-id", "", "External ID that the trust policy of --role-arn requires")
	f.StringVar(&i.account, "account", "", "AWSAccount that the policy names, if the operator reaches the database through one")
	f.StringVar(&i.operatorRole, "operator-role", "", "ARN of the operator's own role, whose permissions are checked without --role-arn")
	f.IntVar(&i.days, "days", defaultInitDays, fmt.Sprintf("How many days of load to read, at most %d", maxInitDays))
	f.BoolVar(&i.fit, "fit", true, "Search thresholds by simulation; with false the policy has the defaults")
	f.StringVar(&i.name, "name", "", "Name of the policy (default: the identifier)")
	f.StringVarP(&i.file, "output", "o", "", "File for the policy, which must not exist (default: standard output)")
	f.StringVar(&i.pricingRegion, "pricing-region", "", "Region of the Pricing API, to set a cost limit")
	f.StringVar(&i.endpointURL, "endpoint-url", "", "URL that replaces the AWS endpoints")
	return c
}

var (
	// identifierPattern and regionPattern are those of the API (api/v1alpha1, TargetRef), and rolePattern is that of the ARN of a role.
	identifierPattern = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	regionPattern     = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	rolePattern       = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
)

// maxIdentifierLength is that of the API (api/v1alpha1, TargetRef).
const maxIdentifierLength = 63

// validate checks the flags and returns the database.
func (i *initCommand) validate() (scaling.Target, error) {
	target := scaling.Target{Kind: scaling.DBCluster, Identifier: i.cluster, Scope: scaling.Scope{
		Region: i.region, Account: i.account, RoleARN: i.roleARN, ExternalID: i.externalID,
	}}
	if i.instance != "" {
		target.Kind, target.Identifier = scaling.DBInstance, i.instance
	}
	name := cmp.Or(i.name, target.Identifier)
	switch {
	case (i.cluster == "") == (i.instance == ""):
		return target, errors.New("set --cluster to a DB cluster, or --instance to a DB instance outside clusters, and not both")
	case !identifierPattern.MatchString(target.Identifier) || len(target.Identifier) > maxIdentifierLength:
		return target, fmt.Errorf("%q is no identifier of a database: write it in lower case, as the RDS console shows it", target.Identifier)
	case i.region == "":
		return target, errors.New("no region: set --region, for example eu-west-1")
	case !regionPattern.MatchString(i.region):
		return target, fmt.Errorf("--region is %q: it must be an AWS region such as eu-west-1", i.region)
	case i.days < 1 || i.days > maxInitDays:
		return target, fmt.Errorf("--days is %d: it must be 1 to %d", i.days, maxInitDays)
	case i.externalID != "" && i.roleARN == "":
		return target, errors.New("--external-id is only valid with --role-arn")
	}
	for flag, role := range map[string]string{"role-arn": i.roleARN, "operator-role": i.operatorRole} {
		if role != "" && !rolePattern.MatchString(role) {
			return target, fmt.Errorf("--%s is %q: it must be the ARN of a role, such as arn:aws:iam::123456789012:role/dbscaler", flag, role)
		}
	}
	for flag, value := range map[string]string{"name": name, "account": i.account} {
		if problems := validation.IsDNS1123Subdomain(value); value != "" && len(problems) > 0 {
			return target, fmt.Errorf("--%s is %q: %s", flag, value, problems[0])
		}
	}
	return target, nil
}

func (i *initCommand) run(ctx context.Context) error {
	target, err := i.validate()
	if err != nil {
		return asInputError(err)
	}
	namespace, _, err := i.kube.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return asInputError(shortenError(err))
	}
	out, closeOutput, err := i.openOutput()
	if err != nil {
		return asInputError(err)
	}
	text, missing, err := i.draft(ctx, target, namespace)
	if err == nil {
		_, err = io.WriteString(out, text)
	}
	if err := closeOutput(err); err != nil {
		return err
	}
	return i.writeMissing(missing, target, namespace)
}

// openOutput returns the output, and the function that closes it and removes a file that has no policy. It never overwrites a file.
func (i *initCommand) openOutput() (io.Writer, func(error) error, error) {
	if i.file == "" || i.file == "-" {
		return i.streams.Out, func(err error) error { return err }, nil
	}
	file, err := os.OpenFile(i.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a manifest has no secrets
	if errors.Is(err, os.ErrExist) {
		return nil, nil, fmt.Errorf("%s exists: choose another file for --output, or remove it", i.file)
	}
	if err != nil {
		return nil, nil, err
	}
	return file, func(err error) error {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(i.file)
		}
		return err
	}, nil
}

// draft reads the database and returns its policy as YAML, and what the operator still misses.
func (i *initCommand) draft(ctx context.Context, target scaling.Target, namespace string) (string, []missingItem, error) {
	reader, err := i.newDatabaseReader(ctx, target)
	if err != nil {
		return "", nil, err
	}
	in, err := reader.read(ctx)
	if err != nil {
		return "", nil, interruptedOr(ctx, err)
	}
	in.Name, in.Namespace, in.Now = cmp.Or(i.name, target.Identifier), namespace, i.clock.Now()
	in.Thresholds = draft.Thresholds{CPU: draft.DefaultCPU}
	policy, err := i.parse(ctx, draft.Manifest(in))
	if err != nil {
		return "", nil, fmt.Errorf("the drafted policy is not valid, which is an error of this command: %w", err)
	}
	if in.Thresholds, err = i.chooseThresholds(ctx, policy, in, reader.recordings); err != nil {
		return "", nil, interruptedOr(ctx, err)
	}
	text := draft.Manifest(in)
	if policy, err = i.parse(ctx, text); err != nil {
		return "", nil, fmt.Errorf("the drafted policy is not valid, which is an error of this command: %w", err)
	}
	return text, reader.findMissing(ctx, policy, in), interruptedOr(ctx, nil)
}

// interruptedOr returns the error, or that the user interrupted the command.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// parse validates a manifest as the API server and the operator do.
func (i *initCommand) parse(ctx context.Context, text string) (scaling.Policy, error) {
	json, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return scaling.Policy{}, err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(json); err != nil {
		return scaling.Policy{}, err
	}
	_, policy, err := validatePolicy(ctx, u)
	policy.Target.Scope.RoleARN, policy.Target.Scope.ExternalID = i.roleARN, i.externalID
	return policy, err
}

// writeMissing tells on standard error where the policy is, what is missing and what comes next.
func (i *initCommand) writeMissing(missing []missingItem, target scaling.Target, namespace string) error {
	var b strings.Builder
	file := "POLICY.yaml"
	if i.file != "" && i.file != "-" {
		file = i.file
		fmt.Fprintf(&b, "The policy is in %s.\n", file)
	}
	writeMissingItems(&b, missing)
	name := cmp.Or(i.name, target.Identifier)
	fmt.Fprintf(&b, "\nNext:\n  kubectl apply -f %s\n  kubectl dbscaler doctor %s -n %s\n  kubectl dbscaler explain %s -n %s\n",
		file, name, namespace, name, namespace)
	_, err := io.WriteString(i.streams.ErrOut, b.String())
	return err
}
