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

// operatorCommand is the first argument of the process that runs the operator. The operator has its own process so that it can be
// killed and started again.
const operatorCommand = "manager"

// runOperator runs the operator, wired as in main.go, on an accelerated clock.
func runOperator(ctx context.Context, args []string) error {
	var clock simclock.Scaled
	var probes, metrics, ledger string
	flags := flag.NewFlagSet(operatorCommand, flag.ContinueOnError)
	addClockFlags(flags, &clock)
	flags.StringVar(&probes, "health-probe-bind-address", "0", "address that serves /healthz and /readyz; 0 serves none")
	flags.StringVar(&metrics, "metrics-bind-address", "0", "address that serves metrics without TLS; 0 serves none")
	flags.StringVar(&ledger, "ledger-file", "", "file for the decisions; empty writes none")
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
	kubeconfig.QPS = -1 // no client-side limit: accelerated time makes requests more frequent
	manager, err := operator.New(ctx, kubeconfig, operator.Options{
		MetricsAddress: metrics, ProbeAddress: probes, Concurrency: 1, MaxDisruptiveOperations: 3, Version: "demo", Clock: clock,
		ClockSpeed: clock.Speed, Log: log, LedgerFile: ledger,
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
