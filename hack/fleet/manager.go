package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dbscaler/dbscaler/internal/operator"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

const (
	// managerCommand is the first argument of the process that runs the operator.
	managerCommand = "manager"
	// operatorNamespace holds the lease of the leader.
	operatorNamespace = "dbscaler-system"
	// maxDisruptiveOperations is the default of the operator's flag.
	maxDisruptiveOperations = 3
)

// runManager runs one replica of the operator as main.go does, with the API server of KUBECONFIG and the AWS of AWS_ENDPOINT_URL. It
// serves metrics without TLS on the loopback interface.
func runManager(ctx context.Context, args []string) error {
	var scaled simclock.Scaled
	options := operator.Options{
		ProbeAddress: "0", LeaderElection: true, LeaderElectionNamespace: operatorNamespace,
		MaxDisruptiveOperations: maxDisruptiveOperations, Version: "fleet",
	}
	flags := flag.NewFlagSet(managerCommand, flag.ContinueOnError)
	flags.Func("origin", "wall-clock time from which time passes faster", timeFlag(&scaled.Origin))
	flags.Float64Var(&scaled.Speed, "speed", 1, "simulated seconds for each second of wall-clock time")
	flags.StringVar(&options.MetricsAddress, "metrics-address", "", "address that serves metrics")
	flags.IntVar(&options.Concurrency, "concurrency", defaultConcurrency, "number of policies that are reconciled at once")
	flags.IntVar(&options.Shard, "shard", 0, "shard of the operator")
	flags.IntVar(&options.TotalShards, "total-shards", 1, "number of shards of the operator")
	profiles := flags.String("profiles-address", "", "address that serves profiles; empty serves none")
	memory := flags.Int("memory", defaultMemory, "memory limit of the container, in MiB: the heap is kept below 90 % of it")
	limit := flags.Duration("limit", time.Hour, "time after which the process ends")
	if err := flags.Parse(args); err != nil {
		return err
	}
	debug.SetGCPercent(operator.GCPercent)
	debug.SetMemoryLimit(int64(*memory) << 20 * operator.MemoryLimitPercent / 100) // main.go asks the container for the limit
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	options.Log, options.Clock, options.ClockSpeed = log, newClock(scaled), scaled.Speed
	config, err := ctrl.GetConfig() // without a client-side limit, as in main.go
	if err != nil {
		return fmt.Errorf("no kubeconfig: %w", err)
	}
	evaluated := countEvaluated()
	manager, err := operator.New(ctx, config, options)
	if err != nil {
		return err
	}
	if *profiles != "" {
		if err := serveProfiles(*profiles, map[string]http.Handler{evaluatedPath: evaluated}); err != nil {
			return err
		}
	}
	announce(options.MetricsAddress)
	return manager.Start(ctx)
}
