package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/dbscaler/dbscaler/internal/operator"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// operatorCommand is the first argument of the process that runs the operator. It is a process of its own so that it can
// be killed and started again.
const operatorCommand = "manager"

// runOperator runs the operator, wired as main.go wires it, by a clock that goes faster.
func runOperator(ctx context.Context, args []string) error {
	var clock simclock.Scaled
	var probes, metrics string
	flags := flag.NewFlagSet(operatorCommand, flag.ContinueOnError)
	flags.Func("origin", "the moment by the machine's clock at which the simulated time is --start", timeFlag(&clock.Origin))
	flags.Func("start", "the simulated time at --origin", timeFlag(&clock.Start))
	flags.Float64Var(&clock.Speed, "speed", 1, "how many simulated seconds pass in one of the machine's")
	flags.StringVar(&probes, "health-probe-bind-address", "0", "where /healthz and /readyz are served")
	flags.StringVar(&metrics, "metrics-bind-address", "0", "where metrics are served, without TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	kubeconfig, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("no kubeconfig: %w", err)
	}
	kubeconfig.QPS = -1 // the demonstration's day takes minutes, so its requests come faster
	manager, err := operator.New(ctx, kubeconfig, operator.Options{
		MetricsAddress: metrics, ProbeAddress: probes, Concurrency: 1, MaxDisruptiveOperations: 3, Version: "demo", Clock: clock,
		ClockSpeed: clock.Speed, Log: log,
	})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

func timeFlag(to *time.Time) func(string) error {
	return func(s string) (err error) {
		*to, err = time.Parse(time.RFC3339Nano, s)
		return err
	}
}
