package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// manualControl is what the commands have in common that set annotations: pause, resume, override, approve and resolve.
type manualControl struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	reason, dryRun, outputFormat string
}

// The values of --dry-run.
const dryRunNone, dryRunClient, dryRunServer = "none", "client", "server"

// The output formats besides text and json.
const outputName, outputYAML = "name", "yaml"

// fieldManager is the manager of the annotations in managedFields.
const fieldManager = "kubectl-dbscaler"

// maxReasonBytes is the maximum length of --reason: the operator shows that much.
const maxReasonBytes = 256

// The verbs that permit to set annotations: config/rbac/manual_control_guard.yaml.
const verbApprove, verbOverride = "approve", "override"

// newManualControlCommands returns the commands that set the annotations of manual control.
func newManualControlCommands(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) []*cobra.Command {
	shared := manualControl{kube: kube, streams: streams, clock: clk}
	return []*cobra.Command{
		newPauseCommand(shared), newResumeCommand(shared), newOverrideCommand(shared), newApproveCommand(shared), newResolveCommand(shared),
	}
}

// addTo adds the flags and the completion that these commands have in common.
func (m *manualControl) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&m.reason, "reason", "", "Why; recorded in an annotation with your name, and shown in status and events")
	f.StringVar(&m.dryRun, "dry-run", dryRunNone,
		"none, client (show what would be set) or server (let the API server check it as well); client without a value")
	f.Lookup("dry-run").NoOptDefVal = dryRunClient
	f.StringVarP(&m.outputFormat, "output", "o", "", "Print the policy instead: yaml, json or name")
	c.Args, c.DisableFlagsInUseLine = requirePolicy, true // the line names what matters, and the flags follow
	c.ValidArgsFunction = m.completePolicies
	completeValues(c, "dry-run", dryRunNone, dryRunClient, dryRunServer)
	completeValues(c, "output", outputYAML, outputJSON, outputName)
}

// requirePolicy checks that one policy is named.
func requirePolicy(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return asInputError(errNoPolicyNamed)
	case 1:
		if name := strings.TrimPrefix(args[0], "dbsp/"); name != "" && !strings.Contains(name, "/") {
			return nil
		}
		return asInputError(fmt.Errorf("%q is not the name of a policy: name one without its namespace, and set --namespace", args[0]))
	}
	return asInputError(fmt.Errorf("%d policies are named: name one", len(args)))
}

func (m *manualControl) validate() error {
	switch {
	case m.dryRun != dryRunNone && m.dryRun != dryRunClient && m.dryRun != dryRunServer:
		return fmt.Errorf("--dry-run is %q: it must be none, client or server", m.dryRun)
	case m.outputFormat != "" && m.outputFormat != outputYAML && m.outputFormat != outputJSON && m.outputFormat != outputName:
		return fmt.Errorf("--output is %q: it must be yaml, json or name", m.outputFormat)
	case len(m.reason) > maxReasonBytes:
		return fmt.Errorf("--reason has %d bytes: it must have at most %d", len(m.reason), maxReasonBytes)
	case strings.ContainsAny(m.reason, "\n\r\x1b"):
		return errors.New("--reason must be one line of text")
	}
	return nil
}

// controlChange is what a command does to a policy.
type controlChange struct {
	// control is the control that changes, and verb what permits that.
	control convert.Control
	verb    string
	// set and remove are the annotations.
	set    map[string]string
	remove []string
	// unchanged says why nothing is to be done; otherwise it is empty.
	unchanged string
	// done is what the policy is afterwards, for example "paused".
	done string
	// details are printed below, in order, and then warnings.
	details  []detail
	warnings []string
}

// detail is one labelled line of the output. A command is not wrapped.
type detail struct {
	label, text string
	isCommand   bool
}

// maxAttempts is how often a change is worked out again because somebody else, mostly the operator, has written the policy meanwhile.
const maxAttempts = 10

// apply works out a change from the present policy and makes it, if the policy is still the same. Otherwise it works it out again.
func (m *manualControl) apply(ctx context.Context, arg string, plan func(*v1alpha1.DBScalingPolicy) (controlChange, error)) error {
	if err := m.validate(); err != nil {
		return asInputError(err)
	}
	cluster, err := newControlClient(m.kube)
	if err != nil {
		return err
	}
	key := types.NamespacedName{Namespace: cluster.namespace, Name: strings.TrimPrefix(arg, "dbsp/")}
	user := cluster.readUser(ctx)
	for range maxAttempts {
		policy, err := cluster.readPolicy(ctx, key, user)
		if err != nil {
			return err
		}
		change, err := plan(policy)
		if err != nil {
			return err
		}
		if change.unchanged == "" {
			err = m.patch(ctx, cluster, policy, change, user)
		}
		switch {
		case err == nil:
			if user == "" {
				change.warnings = append(change.warnings, "your name is not recorded: the API server does not tell it")
			}
			return m.print(policy, change, user)
		case apierrors.IsForbidden(err):
			return cluster.explainForbidden(ctx, err, key, user, "patch", change.verb)
		case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
			return asInputError(shortenError(err))
		case !apierrors.IsConflict(err):
			return fmt.Errorf("the policy could not be changed: %w", shortenError(err))
		}
	}
	return fmt.Errorf("the policy changes all the time: %d attempts failed; try again", maxAttempts)
}

// patch makes a change of the annotations of a policy, which must not have changed since it was read, and updates it. A dry run on the
// client only updates it.
func (m *manualControl) patch(
	ctx context.Context, cluster *controlClient, policy *v1alpha1.DBScalingPolicy, change controlChange, user string,
) error {
	after := maps.Clone(policy.Annotations)
	if after == nil {
		after = map[string]string{}
	}
	patch := map[string]any{}
	set := func(key, value string, isSet bool) {
		if isSet {
			after[key], patch[key] = value, value
		} else if _, exists := after[key]; exists {
			delete(after, key)
			patch[key] = nil
		}
	}
	for key, value := range change.set {
		set(key, value, true)
	}
	for _, key := range change.remove {
		set(key, "", false)
	}
	set(change.control.By, change.control.RecordValue(user, after), user != "")
	set(change.control.Reason, m.reason, m.reason != "")
	if m.dryRun == dryRunClient {
		policy.Annotations = after
		return nil
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": policy.ResourceVersion, "annotations": patch}})
	if err != nil {
		return err
	}
	options := []client.PatchOption{client.FieldOwner(fieldManager)}
	if m.dryRun == dryRunServer {
		options = append(options, client.DryRunAll)
	}
	return cluster.Patch(ctx, policy, client.RawPatch(types.MergePatchType, text), options...)
}

// command returns the command line of another command for a policy, which begins with the name of the command.
func (m *manualControl) command(policy *v1alpha1.DBScalingPolicy, name string, flags ...string) string {
	words := append([]string{"kubectl dbscaler", name, policy.Name}, flags...)
	words = append(words, "-n", policy.Namespace)
	if m.kube.Context != nil && *m.kube.Context != "" {
		words = append(words, "--context", *m.kube.Context)
	}
	if m.kube.KubeConfig != nil && *m.kube.KubeConfig != "" {
		words = append(words, "--kubeconfig", *m.kube.KubeConfig)
	}
	return strings.Join(words, " ")
}

// undo is the line with the command that undoes a change.
func (m *manualControl) undo(policy *v1alpha1.DBScalingPolicy, name string, flags ...string) detail {
	return detail{label: "Undo", text: m.command(policy, name, flags...), isCommand: true}
}

// now is the present time, to the second.
func (m *manualControl) now() time.Time { return m.clock.Now().Truncate(time.Second) }
