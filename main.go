// dbscaler is a Kubernetes operator that keeps AWS RDS and Aurora databases the right size, as DBScalingPolicies specify.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	_ "time/tzdata" // disruption windows name time zones, and the image has no zone files

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dbscaler/dbscaler/internal/operator"
)

// The exit codes.
const (
	exitFailure = 1 // the operator could not be built, or stopped with an error
	exitUsage   = 2 // the flags are invalid
)

func main() {
	os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	options, level, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "dbscaler: %v\n", err)
		return exitUsage
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	limitMemory(log)
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	options.Log = log

	config, err := ctrl.GetConfig()
	if err != nil {
		log.Error(err, "no configuration for the API server: run in a cluster, or name a kubeconfig with --kubeconfig or KUBECONFIG")
		return exitFailure
	}
	manager, err := operator.New(ctx, config, options)
	if err != nil {
		log.Error(err, "building the operator failed")
		return exitFailure
	}
	log.Info("starting", "version", options.Version)
	if err := manager.Start(ctx); err != nil {
		log.Error(err, "the operator stopped with an error")
		return exitFailure
	}
	return 0
}

// limitMemory keeps the heap small, and within the memory limit of the container, if there is one. GOGC and GOMEMLIMIT take precedence.
func limitMemory(log logr.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(operator.GCPercent)
	}
	limit, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithRatio(operator.MemoryLimitPercent / 100.0))
	if err != nil {
		log.V(1).Info("the container states no memory limit", "reason", err.Error())
		return
	}
	log.Info("limited the heap", "bytes", limit)
}

// parseFlags reads the flags. The error names the one that is invalid.
func parseFlags(args []string) (options operator.Options, level slog.Level, err error) {
	options = operator.Options{Clock: clock.RealClock{}, ClockSpeed: 1, Version: buildVersion(), PodName: podName()}
	flags := flag.CommandLine // controller-runtime's --kubeconfig is registered there
	flags.Init("dbscaler", flag.ContinueOnError)
	flags.StringVar(&options.MetricsAddress, "metrics-bind-address", ":8443", "address that metrics are served on; 0 disables them")
	flags.BoolVar(&options.MetricsSecure, "metrics-secure", true,
		"serve metrics over TLS, only to clients that the API server authorizes to get /metrics")
	flags.StringVar(&options.ProbeAddress, "health-probe-bind-address", ":8081",
		"address that /healthz and /readyz are served on; 0 disables them")
	flags.BoolVar(&options.LeaderElection, "leader-elect", false, "elect a leader among the replicas; only the leader reconciles")
	flags.StringVar(&options.LeaderElectionNamespace, "leader-election-namespace", "",
		"namespace of the lease; by default the namespace that the operator runs in")
	flags.IntVar(&options.Concurrency, "concurrency", 16, "number of policies that are reconciled at once, from 1 to 64")
	flags.IntVar(&options.MaxDisruptiveOperations, "max-disruptive-operations", 3,
		"maximum number of operations that interrupt instances and are in progress at once, over all policies; 0 for no limit")
	flags.StringVar(&options.ClusterName, "cluster-name", "",
		"name of this Kubernetes cluster in AWS tags: databases can then opt in with namespace@name, and new readers carry the name")
	flags.BoolVar(&options.RequireAccount, "require-account", false,
		"refuse policies that name no AWSAccount, instead of using the operator's own identity for them")
	flags.IntVar(&options.Shard, "shard", -1,
		"number of this shard, from 0 to --total-shards minus 1; by default the ordinal at the end of POD_NAME or of the host name")
	flags.IntVar(&options.TotalShards, "total-shards", 1,
		"number of operators among which the accounts and regions are divided; each reconciles the policies of its own")
	flags.Func("watch-namespaces", "reconcile the policies of these namespaces only, separated by commas; by default of all",
		func(s string) error {
			options.WatchNamespaces = strings.Split(s, ",")
			return nil
		})
	flags.StringVar(&options.WatchLabelSelector, "watch-label-selector", "",
		"reconcile only policies with these labels, such as team=payments; by default all")
	flags.StringVar(&options.AWSEndpoint, "aws-endpoint-url", "",
		"URL to use for every AWS service; the AWS SDK's own variables, such as AWS_ENDPOINT_URL_RDS, work as well")
	flags.StringVar(&options.LedgerFile, "ledger-file", "",
		"write each decision that differs from the one before, with its inputs, to this file as a line of JSON; it is rotated at 64 MB")
	flags.StringVar(&options.PricesFile, "prices-file", "", "YAML file with the hourly prices of instances")
	flags.StringVar(&options.PricingRegion, "pricing-region", "",
		"region whose Pricing API is asked for the prices of instances: us-east-1, eu-central-1 or ap-south-1; by default none is asked. "+
			"The China and GovCloud partitions need --prices-file instead")
	flags.StringVar(&options.Notifications.URL, "notification-url", "",
		"URL that notifications are posted to as CloudEvents; it is never logged")
	flags.StringVar(&options.Notifications.KeyFile, "notification-hmac-key-file", "",
		"file with the key, of at least 16 bytes, that signs what is posted to --notification-url; it is read for each notification")
	flags.BoolVar(&options.Notifications.AllowPlainHTTP, "notification-allow-http", false,
		"allow --notification-url to start with http://, for a receiver in the same cluster")
	flags.StringVar(&options.Notifications.TopicARN, "notification-sns-topic-arn", "",
		"ARN of the SNS topic that notifications are published to, with the operator's own identity")
	flags.StringVar(&options.Notifications.EventBus, "notification-event-bus", "",
		"name or ARN of the EventBridge event bus that notifications are put on, with the operator's own identity")
	flags.TextVar(&level, "log-level", level, "minimum level that is logged: DEBUG, INFO, WARN or ERROR")
	if err := flags.Parse(args); err != nil {
		return options, level, err
	}
	if flags.NArg() > 0 {
		return options, level, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return options, level, options.Validate()
}

// podName returns the name of the pod: POD_NAME, which the Downward API sets, or the name of the host, which is the same by default.
func podName() string {
	if name := os.Getenv("POD_NAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "" // reported when the number of the shard depends on it
	}
	return name
}

// version is set by the linker when hack/release builds the image. Otherwise the version is the one that `go build` reads from git.
var version string

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
