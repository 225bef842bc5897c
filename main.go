// dbscaler keeps AWS RDS and Aurora databases the right size, as DBScalingPolicies ask for.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	_ "time/tzdata" // disruption windows name time zones, and the image has no files

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dbscaler/dbscaler/internal/operator"
)

// The exit codes.
const (
	exitFailure = 1 // something could not be built, or stopped by itself
	exitUsage   = 2 // the flags make no sense
)

func main() {
	os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	options, level, replay, err := parseFlags(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "dbscaler: %v\n", err)
		return exitUsage
	}
	if replay {
		if err := operator.Replay(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "dbscaler: %v\n", err)
			return exitFailure
		}
		return 0
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	options.Log = log

	config, err := ctrl.GetConfig()
	if err != nil {
		log.Error(err, "no way to the API server: run in a cluster, or name a kubeconfig with --kubeconfig or KUBECONFIG")
		return exitFailure
	}
	manager, err := operator.New(ctx, config, options)
	if err != nil {
		log.Error(err, "the operator could not be built")
		return exitFailure
	}
	log.Info("starting", "version", options.Version)
	if err := manager.Start(ctx); err != nil {
		log.Error(err, "the operator stopped by itself")
		return exitFailure
	}
	return 0
}

// parseFlags reads the flags. The error says which one makes no sense.
func parseFlags(args []string) (options operator.Options, level slog.Level, replay bool, err error) {
	options = operator.Options{Clock: clock.RealClock{}, ClockSpeed: 1, Version: buildVersion()}
	flags := flag.CommandLine // controller-runtime's --kubeconfig is registered there
	flags.Init("dbscaler", flag.ContinueOnError)
	flags.StringVar(&options.MetricsAddress, "metrics-bind-address", ":8443", "where metrics are served; 0 serves none")
	flags.BoolVar(&options.MetricsSecure, "metrics-secure", true,
		"serve metrics over TLS, to those whom the API server allows to get /metrics")
	flags.StringVar(&options.ProbeAddress, "health-probe-bind-address", ":8081", "where /healthz and /readyz are served; 0 serves none")
	flags.BoolVar(&options.LeaderElection, "leader-elect", false, "take turns with other replicas: one acts at a time")
	flags.StringVar(&options.LeaderElectionNamespace, "leader-election-namespace", "",
		"the namespace of the lease; by default the one that the operator runs in")
	flags.IntVar(&options.Concurrency, "concurrency", 4, "how many policies are reconciled at once, from 1 to 64")
	flags.IntVar(&options.MaxDisruptiveOperations, "max-disruptive-operations", 3,
		"how many operations that interrupt instances may be under way at once, over all policies; 0 for no bound")
	flags.StringVar(&options.AWSEndpoint, "aws-endpoint-url", "",
		"use this URL for every AWS service; the AWS SDK's own variables, such as AWS_ENDPOINT_URL_RDS, work as well")
	flags.StringVar(&options.LedgerFile, "ledger-file", "",
		"write the whole of each decision that differs from the one before into this file, as lines of JSON; it is rotated at 64 MB")
	flags.StringVar(&options.PricesFile, "prices-file", "", "read what instances cost from this YAML file")
	flags.StringVar(&options.PricingRegion, "pricing-region", "",
		"ask the Pricing API here what instances cost: us-east-1, eu-central-1 or ap-south-1; by default it is not asked")
	flags.BoolVar(&replay, "replay", false,
		"decide every entry of the ledger on standard input again, say whether the same comes out, and exit")
	flags.TextVar(&level, "log-level", level, "the least level that is logged: DEBUG, INFO, WARN or ERROR")
	if err := flags.Parse(args); err != nil {
		return options, level, false, err
	}
	if flags.NArg() > 0 {
		return options, level, false, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return options, level, replay, options.Validate()
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
