package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// pluginCommand is the first argument of the process that runs the kubectl plugin. On the wall clock the plugin would find that the last
// operation ended years ago, and that CloudWatch has no recent samples.
const pluginCommand = "plugin"

// clockFlags returns the flags of a process that has the clock of the demonstration.
func clockFlags(clock simclock.Scaled) []string {
	return []string{
		"--origin", clock.Origin.Format(time.RFC3339Nano), "--start", clock.Start.Format(time.RFC3339Nano),
		"--speed", strconv.FormatFloat(clock.Speed, 'g', -1, 64),
	}
}

// addClockFlags reads the flags of clockFlags into a clock.
func addClockFlags(flags *flag.FlagSet, clock *simclock.Scaled) {
	flags.Func("origin", "wall-clock time at which simulated time is --start", timeFlag(&clock.Origin))
	flags.Func("start", "simulated time at --origin", timeFlag(&clock.Start))
	flags.Float64Var(&clock.Speed, "speed", 1, "simulated seconds for each second of wall-clock time")
}

// runPlugin runs the kubectl plugin on the clock of the demonstration, and returns its exit code.
func runPlugin(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	var clock simclock.Scaled
	flags := flag.NewFlagSet(pluginCommand, flag.ContinueOnError)
	addClockFlags(flags, &clock)
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	var options []app.Option
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		options = append(options, app.WithoutColor())
	}
	//nolint:contextcheck // each command takes the context of its execution
	plugin := app.New(streams, clock, options...)
	plugin.SetArgs(flags.Args())
	err := plugin.ExecuteContext(ctx)
	if err != nil && !errors.As(err, new(*app.WouldChangeError)) {
		fmt.Fprintf(streams.ErrOut, "kubectl-dbscaler: %v\n", err)
	}
	return app.ExitCode(err, flags.Args())
}

// pluginDir is the folder for the PATH that has the plugin of this run.
func (d *demo) pluginDir() string { return filepath.Join(d.workDir, "bin") }

// writePlugin writes the plugin of this run, for the PATH: a script that runs this program as pluginCommand, with credentials for the
// simulated AWS.
func (d *demo) writePlugin(endpoint string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.pluginDir(), 0o700); err != nil {
		return err
	}
	const text = "#!/bin/sh\nexport AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\nexec '%s' %s %s -- \"$@\"\n"
	script := fmt.Sprintf(text, endpoint, self, pluginCommand, strings.Join(clockFlags(d.clock), " "))
	return os.WriteFile(filepath.Join(d.pluginDir(), "kubectl-dbscaler"), []byte(script), 0o700)
}

// printAccess prints how another shell reaches what the demonstration runs.
func (d *demo) printAccess(kubeconfig string) {
	fmt.Printf("In another shell, while it runs:\n\n  export KUBECONFIG=%s PATH=%s:%s:$PATH\n  kubectl dbscaler status %s -n %s --metrics\n",
		kubeconfig, d.pluginDir(), filepath.Dir(d.env.Kubectl()), policyName, namespace)
}
