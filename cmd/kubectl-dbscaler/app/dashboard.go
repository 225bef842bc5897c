package app

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/dashboard"
)

// dashboardCommand implements kubectl dbscaler dashboard.
type dashboardCommand struct {
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	port                 int
	refresh              time.Duration
	open                 bool
	selector, ledgerFile string
	metrics              metricsFlags
}

func newDashboardCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	d := &dashboardCommand{kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve a web page with the databases by risk, and the day of each",
		Long: `Serve a web page on this machine: the databases by risk, as top lists them, and for each of them its day: demand and capacity over
time, what the operator decided, changed or could not change, and the operation in progress, step by step. The page is updated every few
seconds. It needs no internet, and changes nothing.

The page shows the policies of all namespaces, or of those that you may list; --namespace shows one. Status has no load: --metrics reads it
from AWS once a minute, with your AWS credentials, while the page is open. --ledger adds every decision of a ledger of the operator; the
file is read again when it grows.

Only programs on this machine can reach the page, as with kubectl proxy, and they see with your rights: do not start it on a machine whose
users may not see the policies.

Ctrl-C ends it. Exit codes: 0 after Ctrl-C, 1 after a failure, 2 for invalid input.`,
		Example: `  # All databases, with their load
  kubectl dbscaler dashboard --metrics --open

  # One namespace, on a port that stays the same, with the decisions of the past
  kubectl dbscaler dashboard -n shop --port 8080 --metrics --ledger ledger.jsonl

  # The same figures as JSON
  curl -s http://127.0.0.1:8080/api/fleet`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c.Context()) },
	}
	f := c.Flags()
	f.IntVar(&d.port, "port", 0, "Port of 127.0.0.1 for the page; 0 chooses a free one")
	f.DurationVar(&d.refresh, "refresh", dashboard.DefaultRefresh, "How often the page reads again")
	f.BoolVar(&d.open, "open", false, "Open the page in the browser")
	f.StringVarP(&d.selector, "selector", "l", "", "Show only policies with these labels, such as team=payments")
	f.StringVar(&d.ledgerFile, "ledger", "", "Show the decisions and samples of this ledger file, too")
	d.metrics.addTo(f)
	return c
}

// minRefresh is the shortest time after which the page reads again.
const minRefresh = 500 * time.Millisecond

// validate checks the flags.
func (d *dashboardCommand) validate() error {
	const maxPort = 65535
	switch {
	case d.port < 0 || d.port > maxPort:
		return fmt.Errorf("--port is %d: it must be from 0 to %d", d.port, maxPort)
	case d.refresh < minRefresh:
		return fmt.Errorf("--refresh is %s: it must be at least %s", d.refresh, minRefresh)
	case d.ledgerFile == "-":
		return errors.New("--ledger must be a file: the page reads it again when it grows")
	}
	return d.metrics.validate()
}

func (d *dashboardCommand) run(ctx context.Context) error {
	if err := d.validate(); err != nil {
		return asInputError(err)
	}
	reader, err := newPolicyReader(d.kube, d.clock, d.metrics)
	if err != nil {
		return err
	}
	selected := selection{allNamespaces: *d.kube.Namespace == "", labels: d.selector}
	if _, err := reader.listOptions(selected); err != nil {
		return err
	}
	options := dashboard.Options{
		Source: &dashboardSource{policyReader: reader, selected: selected}, LedgerFile: d.ledgerFile, Clock: d.clock, Cluster: d.cluster(),
		Version: buildVersion(), Refresh: d.refresh,
	}
	if reader.measurer != nil {
		options.Measure = reader.measureForDashboard
	}
	server, err := dashboard.New(options)
	if err != nil {
		return asInputError(err)
	}
	listener, err := dashboard.Listen(ctx, d.port)
	if err != nil {
		return err
	}
	url := dashboard.URL(listener)
	fmt.Fprintf(d.streams.Out, "The dashboard is at %s\n", url)
	fmt.Fprintln(d.streams.ErrOut, "Only this machine can reach it. Ctrl-C stops it.")
	if d.open {
		if err := openBrowser(ctx, url); err != nil {
			fmt.Fprintf(d.streams.ErrOut, "The browser could not be opened: %v: open the address yourself\n", err)
		}
	}
	return server.Serve(ctx, listener)
}

// cluster names the cluster: the context of the kubeconfig.
func (d *dashboardCommand) cluster() string {
	if *d.kube.Context != "" {
		return *d.kube.Context
	}
	config, err := d.kube.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return "" // whatever reads the cluster reports it
	}
	return config.CurrentContext
}

// openBrowser opens a page of this process in the browser of the user.
func openBrowser(ctx context.Context, url string) error {
	command := exec.CommandContext(ctx, "xdg-open", url) //nolint:gosec // the URL is that of this process
	switch runtime.GOOS {
	case "darwin":
		command = exec.CommandContext(ctx, "open", url) //nolint:gosec // the URL is that of this process
	case "windows":
		command = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", url) //nolint:gosec // the URL is that of this process
	}
	if err := command.Start(); err != nil {
		return err
	}
	return command.Process.Release()
}

// measureForDashboard reads the databases of policies from AWS.
func (r *policyReader) measureForDashboard(
	ctx context.Context, policies []v1alpha1.DBScalingPolicy,
) map[types.NamespacedName]dashboard.Measurement {
	out := map[types.NamespacedName]dashboard.Measurement{}
	for key, m := range r.measurer.measure(ctx, policies) {
		out[key] = dashboard.Measurement{Observation: m.observation, Error: m.err}
	}
	return out
}
