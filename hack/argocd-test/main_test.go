// Package argocdtest runs the operator under the real Argo CD: `make argocd-test`.
package argocdtest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dbscaler/dbscaler/internal/operator"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// The environment of the process that runs the operator: the test binary itself.
const (
	originVar = "DBSCALER_ARGOCD_TEST_ORIGIN" // wall-clock time at which the clock starts
	startVar  = "DBSCALER_ARGOCD_TEST_START"  // simulated time at the origin
)

// clockSpeed is how many simulated seconds pass in a second. It is moderate, because Argo CD lives in wall-clock time.
const clockSpeed = 30

func TestMain(m *testing.M) {
	if os.Getenv(originVar) == "" {
		ctrl.SetLogger(logr.Discard())
		os.Exit(m.Run())
	}
	if err := runOperator(); err != nil {
		fmt.Fprintf(os.Stderr, "operator: %v\n", err)
		os.Exit(1)
	}
}

// runOperator runs the operator as main.go does, on an accelerated clock, until it is told to end.
func runOperator() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, testLimit) // also when the test has been killed
	defer cancel()
	scaled := simclock.Scaled{Speed: clockSpeed}
	for name, to := range map[string]*time.Time{originVar: &scaled.Origin, startVar: &scaled.Start} {
		at, err := time.Parse(time.RFC3339Nano, os.Getenv(name))
		if err != nil {
			return err
		}
		*to = at
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1 // accelerated time makes requests more frequent
	manager, err := operator.New(ctx, config, operator.Options{
		MetricsAddress: "0", ProbeAddress: "0", Concurrency: 2, MaxDisruptiveOperations: 3, Version: "argocd-test", Clock: scaled,
		ClockSpeed: scaled.Speed, Log: log,
	})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
