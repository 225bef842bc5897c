// Package operator builds the operator: the manager with its caches and servers, the AWS client and the reconciler. main.go runs
// it as installed; the demonstration runs the same with a faster clock.
package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"gopkg.in/natefinch/lumberjack.v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/controllers"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/ownership"
	"github.com/dbscaler/dbscaler/internal/pricelist"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/shard"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

const (
	// maxLedgerMegabytes is the size at which a ledger file is rotated.
	maxLedgerMegabytes = 64
	// maxLedgerBackups is how many rotated files are kept, compressed.
	maxLedgerBackups = 4
)

// The leader election. The deadline is the default of client-go, as in kube-controller-manager: with it an API server may be away for ten
// seconds without a change of the leader. The retry is a second more frequent than there. A replica that does not lead looks at the lease
// after 1 to 2.2 times as long (client-go, leaderelection.JitterFactor): it sees the last renewal so much later, and the end of the lease
// as well. The lease is a second shorter, so that a leader that cannot renew it stops, after leaseRetryPeriod and renewDeadline at most, 3
// seconds before another one may take it, as with the defaults.
const leaseDuration, renewDeadline, leaseRetryPeriod = 14 * time.Second, 10 * time.Second, time.Second

// MemoryLimitPercent is the part of the container's memory, in percent, up to which the Go heap may grow before the garbage collector works
// harder: the rest is for what it does not count.
const MemoryLimitPercent = 90

// GCPercent is by how much the heap may grow, in percent of what is in use, until garbage is collected; Go's default is 100. Half of the
// heap are samples without pointers, which cost nothing to mark, so that memory is saved for little CPU time.
const GCPercent = 50

// Options configure the operator; the flags of main.go set them.
type Options struct {
	// MetricsAddress is where metrics are served, for example ":8443", or "0" to disable them.
	MetricsAddress string
	// MetricsSecure serves metrics over TLS, only to clients that the API server authorizes.
	MetricsSecure bool
	// ProbeAddress is where /healthz and /readyz are served, or "0" to disable them.
	ProbeAddress string
	// LeaderElection elects a leader among the replicas; only the leader reconciles.
	LeaderElection bool
	// LeaderElectionNamespace holds the lease; empty means the namespace that the operator runs in.
	LeaderElectionNamespace string
	// Concurrency is how many policies are reconciled at once.
	Concurrency int
	// MaxDisruptiveOperations is how many operations that interrupt instances may be in progress at once, over all policies; 0
	// means no limit.
	MaxDisruptiveOperations int
	// ClusterName is the name of this Kubernetes cluster in AWS tags; empty when it has none.
	ClusterName string
	// RequireAccount refuses policies that name no AWSAccount.
	RequireAccount bool
	// Shard is the number of this shard, from 0 to TotalShards-1; a negative one is taken from PodName.
	Shard int
	// TotalShards is the number of operators among which the accounts and regions are divided; 0 and 1 mean that they are not.
	TotalShards int
	// PodName is the name of the pod that the operator runs in, or of the host.
	PodName string
	// WatchNamespaces are the namespaces whose policies are reconciled; empty means all.
	WatchNamespaces []string
	// WatchLabelSelector selects the policies that are reconciled, in the syntax of kubectl; empty means all.
	WatchLabelSelector string
	// AWSEndpoint is the URL of every AWS service; empty means AWS's own.
	AWSEndpoint string
	// LedgerFile receives one line of JSON for each decision that differs from the one before, and is rotated; empty disables the
	// ledger.
	LedgerFile string
	// PricingRegion is the region whose Pricing API is asked for prices; empty asks none.
	PricingRegion string
	// PricesFile lists the hourly prices of instances; empty for none.
	PricesFile string
	// Notifications say where what happens to policies is reported.
	Notifications Notifications
	// Version of this build, for the user agent.
	Version string
	// Clock is the time that decisions are based on.
	Clock clock.Clock
	// ClockSpeed is how many seconds of Clock pass in one second of wall-clock time: 1 except in a demonstration.
	ClockSpeed float64
	Log        logr.Logger
}

// Validate returns an error that names the option that is invalid and its range.
func (o Options) Validate() error {
	if o.Concurrency < 1 || o.Concurrency > 64 {
		return fmt.Errorf("--concurrency must be from 1 to 64, not %d", o.Concurrency)
	}
	if o.MaxDisruptiveOperations < 0 {
		return fmt.Errorf("--max-disruptive-operations must be 0, for no limit, or more, not %d", o.MaxDisruptiveOperations)
	}
	if err := scaling.CheckClusterName(o.ClusterName); err != nil {
		return fmt.Errorf("cluster-name: %w", err)
	}
	if o.ClockSpeed <= 0 {
		return fmt.Errorf("the clock speed must be above 0, not %g", o.ClockSpeed)
	}
	if _, err := o.assignment(); err != nil {
		return err
	}
	if err := o.Notifications.Validate(); err != nil {
		return err
	}
	return o.validateWatches()
}

// New builds the manager without starting it. The error says which part could not be built.
func New(ctx context.Context, config *rest.Config, o Options) (manager.Manager, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	assigned, err := o.assignment()
	if err != nil {
		return nil, err
	}
	cacheOptions, err := o.cacheOptions()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Logger:                        o.Log,
		Cache:                         cacheOptions,
		Metrics:                       metricsOptions(o),
		HealthProbeBindAddress:        o.ProbeAddress,
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              o.leaderElectionID(assigned),
		LeaderElectionNamespace:       o.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // safe, because the process ends as soon as the manager has stopped
		LeaseDuration:                 ptr.To(leaseDuration),
		RenewDeadline:                 ptr.To(renewDeadline),
		RetryPeriod:                   ptr.To(leaseRetryPeriod),
	})
	if err != nil {
		return nil, fmt.Errorf("building the manager: %w", err)
	}
	o.Log.Info("this operator takes policies as follows", "shard", assigned.String(), "namespaces", o.WatchNamespaces, "selector",
		o.WatchLabelSelector, "lease", o.leaderElectionID(assigned))
	if err := addReconciler(ctx, mgr, o, assigned); err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, nil
}

func addReconciler(ctx context.Context, mgr manager.Manager, o Options, assigned shard.Assignment) error {
	awsClient, err := awsx.New(ctx, awsx.Options{
		Endpoint: o.AWSEndpoint, Version: o.Version, Clock: o.Clock, Registerer: metrics.Registry, Log: o.Log,
		PricingRegion: o.PricingRegion, ClusterName: o.ClusterName,
	})
	if err != nil {
		return err
	}
	declarations, err := ownership.New(mgr.GetConfig(), clock.RealClock{}, o.Log) // listings of the API server are cached in wall-clock time
	if err != nil {
		return err
	}
	series, err := telemetry.New(metrics.Registry)
	if err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	reconciler := &controllers.Reconciler{
		Client:       mgr.GetClient(),
		APIReader:    mgr.GetAPIReader(),
		Executor:     awsClient,
		Declarations: declarations,
		Clock:        o.Clock,
		Events:       events.Recorder{Sink: mgr.GetEventRecorder("dbscaler")},
		Metrics:      series,
		ClockSpeed:   o.ClockSpeed,
		Concurrency:  o.Concurrency, MaxDisruptiveOperations: o.MaxDisruptiveOperations,
		ClusterName: o.ClusterName, RequireAccount: o.RequireAccount,
		Shard: assigned, WatchNamespaces: o.WatchNamespaces, WatchesSubset: o.watchesSubset(),
	}
	if o.LedgerFile != "" {
		reconciler.Ledger = &lumberjack.Logger{Filename: o.LedgerFile, MaxSize: maxLedgerMegabytes, MaxBackups: maxLedgerBackups, Compress: true}
	}
	if o.PricesFile != "" {
		prices, err := pricelist.Open(o.PricesFile, o.Log)
		if err != nil {
			return fmt.Errorf("reading the price list: %w", err)
		}
		reconciler.PriceList = prices.ClassPrices
	}
	if reconciler.Notifications, err = addSender(mgr, o, awsClient); err != nil {
		return err
	}
	poller := awsx.NewPoller(awsClient, reconciler.ReconcileTargets)
	reconciler.Observer, reconciler.EventReader, reconciler.ReadsInBackground = poller, poller, true
	activate := manager.RunnableFunc(func(ctx context.Context) error { // runs on the leader only
		poller.Activate()
		return reconciler.ReconcileOperations(ctx)
	})
	if err := errors.Join(mgr.Add(poller), mgr.Add(activate)); err != nil {
		return err
	}
	return reconciler.SetupWithManager(ctx, mgr)
}

func metricsOptions(o Options) metricsserver.Options {
	out := metricsserver.Options{BindAddress: o.MetricsAddress, SecureServing: o.MetricsSecure}
	if o.MetricsSecure {
		out.FilterProvider = filters.WithAuthenticationAndAuthorization
		// HTTP/2 is disabled because of GHSA-qppj-fm5r-hxr3 and GHSA-4374-p667-p6c8 (stream resets).
		out.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	return out
}
