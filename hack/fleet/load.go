package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// pollInterval is the time between two looks at what is waited for.
	pollInterval = 200 * time.Millisecond
	// The names of the measured processes.
	processLeader, processStandby, processAWS, processAPIServer, processEtcd = "leader", "standby", "simulated AWS", "API server", "etcd"
)

// loadTest is one run and the processes that it started.
type loadTest struct {
	settings
	out     io.Writer
	folder  string
	origin  time.Time // from which time passes faster
	plane   *controlPlane
	aws     *child
	admin   awsAdmin
	leader  *replica
	standby *replica
	// standbyStarted is when the standby was started.
	standbyStarted time.Time
	meter          *usageMeter
	watch          *policyWatch
	// failedScrapes counts the failures to read metrics, which were read again.
	failedScrapes atomic.Int64
}

// replica is a process of the operator.
type replica struct {
	*child
	metricsURL, profilesAddress string
}

// scrape reads some metrics of the operator.
func (r *replica) scrape(ctx context.Context, names ...string) (metricsSnapshot, error) {
	return scrape(ctx, http.DefaultClient, r.metricsURL+"?"+url.Values{"name[]": names}.Encode())
}

// runLoadTest measures a fleet and prints the table. The error is errExceeded when a cluster has too many readers, or
// when accounts that work notice those that do not.
func runLoadTest(ctx context.Context, s settings, out io.Writer) (err error) {
	t, err := newLoadTest(s, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop(err)) }()
	r := &results{settings: s}
	phases := []struct {
		name string
		run  func(context.Context, *results) error
	}{
		{"start", t.start}, {"evaluate", t.evaluateAll}, {"steady", t.measureSteady}, {"change", t.changeLoads},
		{"failover", t.killLeader}, {"verify", t.verify},
	}
	for _, phase := range phases {
		if err := phase.run(ctx, r); err != nil {
			return fmt.Errorf("phase %s: %w; the logs are in %s", phase.name, err, t.folder)
		}
	}
	t.meter.stop()
	r.print(out)
	if s.out != "" {
		if err := r.writePage(s.out); err != nil {
			return err
		}
	}
	if r.tooManyReaders > 0 || r.isNoticed() {
		return errExceeded
	}
	return nil
}

func newLoadTest(s settings, out io.Writer) (*loadTest, error) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	folder, err := os.MkdirTemp("", "dbscaler-fleet-")
	return &loadTest{settings: s, out: out, folder: folder, origin: time.Now()}, err
}

// logf prints what happens, with the time since the start of the run.
func (t *loadTest) logf(format string, args ...any) {
	fmt.Fprintf(t.out, "%7.1fs  %s\n", time.Since(t.origin).Seconds(), fmt.Sprintf(format, args...))
}

// start starts the API server and the simulated AWS, and applies the policies.
func (t *loadTest) start(ctx context.Context, r *results) error {
	t.logf("starting etcd, kube-apiserver and the simulated AWS with %d clusters in %d accounts", t.policies, t.scopes)
	if err := t.startControlPlane(ctx); err != nil {
		return err
	}
	if err := t.startAWS(ctx); err != nil {
		return err
	}
	begin := time.Now()
	if err := t.plane.applyPolicies(ctx, &t.fleet, 0, t.policies); err != nil {
		return err
	}
	r.applied = time.Since(begin)
	t.logf("applied %d policies", t.policies)
	return nil
}

// startControlPlane starts the API server with the namespaces and accounts, and follows the policies.
func (t *loadTest) startControlPlane(ctx context.Context) (err error) {
	t.meter = startUsageMeter()
	if t.plane, err = startControlPlane(t.folder); err != nil {
		return err
	}
	for process, pid := range t.plane.pids {
		t.meter.add(process, pid)
	}
	if err := t.plane.prepare(ctx, &t.fleet); err != nil {
		return err
	}
	t.watch, err = t.plane.watchPolicies(ctx)
	return err
}

// startAWS starts the simulated AWS.
func (t *loadTest) startAWS(ctx context.Context) error {
	profiles, err := freeAddress()
	if err != nil {
		return err
	}
	args := []string{
		simulatorCommand, "--policies", strconv.Itoa(t.policies), "--scopes", strconv.Itoa(t.scopes), "--slow", strconv.Itoa(t.slow),
		"--denied", strconv.Itoa(t.denied), "--aged", t.age.String(), "--profiles-address", profiles,
	}
	if t.aws, err = startChild(ctx, t.folder, "simulated-aws", nil, append(args, t.commonArgs()...)); err != nil {
		return err
	}
	t.admin = awsAdmin{t.aws.address}
	t.meter.add(processAWS, t.aws.pid())
	t.profile(ctx, processAWS, profiles)
	return nil
}

// commonArgs are the flags of both kinds of processes.
func (t *loadTest) commonArgs() []string {
	return []string{
		"--origin", t.origin.Format(time.RFC3339Nano), "--speed", strconv.FormatFloat(t.speed, 'g', -1, 64), "--limit", t.limit.String(),
	}
}

// startReplica starts a replica of the operator.
func (t *loadTest) startReplica(ctx context.Context, name string) (*replica, error) {
	metrics, errMetrics := freeAddress()
	profiles, errProfiles := freeAddress()
	if err := errors.Join(errMetrics, errProfiles); err != nil {
		return nil, err
	}
	environment := []string{
		"KUBECONFIG=" + t.plane.kubeconfig, "AWS_ENDPOINT_URL=" + t.aws.address, "AWS_ACCESS_KEY_ID=fleet", "AWS_SECRET_ACCESS_KEY=fleet",
		"GOGC=", "AWS_REGION=" + region, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	args := []string{
		managerCommand, "--metrics-address", metrics, "--concurrency", strconv.Itoa(t.concurrency), "--profiles-address", profiles,
		"--memory", strconv.Itoa(t.memory), "--shard", strconv.Itoa(t.shard.Index), "--total-shards", strconv.Itoa(t.shard.Total),
	}
	c, err := startChild(ctx, t.folder, name, environment, append(args, t.commonArgs()...))
	if err != nil {
		return nil, err
	}
	t.meter.add(name, c.pid())
	r := &replica{child: c, metricsURL: "http://" + metrics + "/metrics", profilesAddress: profiles}
	go t.scrapeLikePrometheus(ctx, r)
	return r, nil
}

// waitUntil waits until a condition holds. The error names what was waited for when the time is over or a process has ended.
func (t *loadTest) waitUntil(ctx context.Context, what string, limit time.Duration, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		done, err := holds()
		if done || err != nil {
			return err
		}
		for _, c := range []*child{t.aws, t.leader.process()} {
			if c != nil && !c.isRunning() {
				return fmt.Errorf("waiting until %s: %s has ended", what, c.name)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// process returns the process of a replica; nil without one.
func (r *replica) process() *child {
	if r == nil {
		return nil
	}
	return r.child
}

// stop ends all processes. It removes the folder with their logs if the run has not failed.
func (t *loadTest) stop(failed error) error {
	if failed == nil {
		defer func() { _ = os.RemoveAll(t.folder) }()
	}
	for _, c := range []*child{t.standby.process(), t.leader.process(), t.aws} {
		if c != nil {
			c.stop()
		}
	}
	if t.plane == nil {
		return nil
	}
	return t.plane.stop()
}
