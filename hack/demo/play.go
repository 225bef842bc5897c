package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

const (
	// frame is how often the screen looks, by the machine's clock.
	frame = 100 * time.Millisecond
	// headStart is how long the operator has to start before the simulated day begins.
	headStart = 1500 * time.Millisecond
	// headerTimeout bounds how long a client may take to send a request's header.
	headerTimeout = 10 * time.Second
	// keepFor is how long everything is left running with --keep, at most.
	keepFor = 8 * time.Hour
)

// show is everything that runs.
type show struct {
	settings
	root     string
	dir      string // for the kubeconfig and the operator's log
	clock    simclock.Scaled
	length   time.Duration
	env      *testenv.Environment
	client   client.Client
	aws      *rdssim.Server
	operator *supervisor
	screen   *screen
}

// run plays the day, prints the table, and says whether the operator let the readers saturate, or become fewer than they were.
func run(ctx context.Context, s settings) (overloaded bool, err error) {
	ctrl.SetLogger(logr.Discard())
	root, err := projectRoot()
	if err != nil {
		return false, err
	}
	day, hand, err := scenario(root, s)
	if err != nil {
		return false, err
	}
	length := time.Duration(s.hours * float64(time.Hour))
	alone, err := without(day, length, hand)
	if err != nil {
		return false, err
	}
	d := &show{settings: s, root: root, length: length, screen: &screen{out: os.Stdout, every: every(length)}}
	if d.dir, err = os.MkdirTemp("", "dbscaler-demo-"); err != nil {
		return false, err
	}
	defer d.stop()
	if err := d.setUp(ctx, day); err != nil {
		return false, err
	}
	policy, err := d.play(ctx)
	if err != nil {
		return false, errors.Join(err, fmt.Errorf("the operator's log is %s", d.operator.log.Name()))
	}
	ours := d.tally(policy)
	table(os.Stdout, alone, ours)
	d.footer()
	if s.keep {
		d.wait(ctx)
	}
	if s.trace != "" { // a recording may jump faster than anything could follow
		return ours.saturated > alone.saturated, nil
	}
	return ours.saturated > 0 || ours.fewest < ours.start, nil
}

// every is how much simulated time lies between two lines: some forty lines a day.
func every(length time.Duration) time.Duration {
	for _, d := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour} {
		if length/d <= 40 {
			return d
		}
	}
	return 24 * time.Hour
}

// setUp brings up the control plane, the simulated AWS and the operator, and applies the policy.
func (d *show) setUp(ctx context.Context, day model.Scenario) (err error) {
	fmt.Printf("Starting etcd and kube-apiserver …\n")
	if d.env, err = testenv.StartWithoutCRDs(); err != nil {
		return err
	}
	if d.client, err = d.env.Client(); err != nil {
		return err
	}
	kubeconfig := filepath.Join(d.dir, "kubeconfig")
	if err := d.env.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	endpoint, err := d.serveAWS(day)
	if err != nil {
		return err
	}
	fmt.Printf("A simulated AWS listens at %s.\n\n", endpoint)
	policy, err := d.policyFile()
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"apply", "-k", filepath.Join(d.root, "config", "crd")},
		{"create", "namespace", namespace},
		{"apply", "-n", namespace, "-f", policy},
	} {
		if err := kubectl(ctx, os.Stdout, d.env.Kubectl(), kubeconfig, d.root, args...); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(d.dir, "operator.log"))
	if err != nil {
		return err
	}
	d.operator = &supervisor{kubeconfig: kubeconfig, endpoint: endpoint, clock: d.clock, log: log}
	return d.operator.start()
}

// serveAWS serves the simulated AWS on a free port of the loopback interface. Its day begins a moment later.
func (d *show) serveAWS(day model.Scenario) (endpoint string, err error) {
	world, err := model.New(day)
	if err != nil {
		return "", err
	}
	document, err := os.ReadFile(filepath.Join(d.root, "config", "iam", "policy.json"))
	if err != nil {
		return "", err
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		return "", err
	}
	d.clock = simclock.Scaled{Origin: clock.RealClock{}.Now().Add(headStart), Start: day.Start.UTC(), Speed: d.speed}
	d.aws = rdssim.New(rdssim.Options{World: world, Clock: d.clock, AccountID: day.AccountID, Policy: policy, Log: logr.Discard()})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	web := &http.Server{Handler: d.aws, ReadHeaderTimeout: headerTimeout}
	go func() { _ = web.Serve(listener) }() // it ends with the process
	return "http://" + listener.Addr().String(), nil
}

// policyFile is the sample policy, or one for the class of a recording.
func (d *show) policyFile() (string, error) {
	sample := filepath.Join(d.root, "config", "samples", "clinical-engine.yaml")
	if d.trace == "" {
		return sample, nil
	}
	classes, err := ladder(d.class)
	if err != nil {
		return "", err
	}
	path := filepath.Join(d.dir, "policy.yaml")
	text := fmt.Sprintf(`apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: %s}
spec:
  targetRef: {kind: DBCluster, identifier: %s, region: %s}
  readers: {instanceClasses: [%s], maxReplicas: 4}
  guardrails: {maxOperationsPerDay: 12}
`, policyName, clusterName, region, strings.Join(classes, ", "))
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// play shows the day until its end and returns the policy as it then is.
func (d *show) play(ctx context.Context) (*v1alpha1.DBScalingPolicy, error) {
	end := d.clock.Start.Add(d.length)
	kills := killTimes(d.kills, d.seed, d.clock.Start, d.length)
	slices.SortFunc(kills, time.Time.Compare)
	fmt.Printf("\n%s, %g hours in about %s. Figures of the database are simulated.\n", d.clock.Start.Format("2 January 2006"),
		d.length.Hours(), d.clock.WallDuration(d.length).Round(time.Second))
	d.screen.header()
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	policy := &v1alpha1.DBScalingPolicy{}
	for {
		select {
		case <-ctx.Done():
			return policy, ctx.Err()
		case <-ticker.C:
		}
		now := d.clock.Now()
		if len(kills) > 0 && !now.Before(kills[0]) {
			kills = kills[1:]
			if err := d.crash(now); err != nil {
				return policy, err
			}
		}
		if !d.operator.running() {
			return policy, errors.New("the operator stopped by itself")
		}
		if err := d.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: policyName}, policy); err != nil {
			return policy, err
		}
		reader, writer := d.look()
		d.screen.changes(now, policy)
		d.screen.line(now, reader, writer, policy)
		if !now.Before(end) {
			return policy, nil
		}
	}
}

// crash kills the operator and starts it again.
func (d *show) crash(now time.Time) error {
	d.operator.kill()
	fmt.Printf("%-6s   ✗ kill -9 of the operator; it is started again\n", now.Format("15:04"))
	return d.operator.start()
}

// look is the truth about the last minute.
func (d *show) look() (reader, writer usage) {
	d.aws.WithWorld(func(w *model.World) {
		minutes := w.Minutes(region, clusterName)
		if len(minutes) == 0 {
			return
		}
		last := minutes[len(minutes)-1]
		reader = usage{last.HottestReaderPercent, last.ReaderVCPUs > 0}
		writer = usage{last.WriterPercent, last.WriterPercent > 0}
	})
	return reader, writer
}

// tally is what the day came to with the operator.
func (d *show) tally(policy *v1alpha1.DBScalingPolicy) tally {
	var t tally
	d.aws.WithWorld(func(w *model.World) {
		t.count(w.Minutes(region, clusterName))
		t.readers = readersOf(w)
	})
	for _, r := range slices.Backward(policy.Status.History) {
		t.act(r.StartTime.UTC(), shapeOf(r.From)+" → "+shapeOf(r.To))
	}
	if op := policy.Status.Operation; op != nil {
		t.act(op.StartTime.UTC(), shapeOf(op.From)+" → "+shapeOf(op.To))
	}
	d.aws.WithWorld(func(w *model.World) { t.lowest(w.Minutes(region, clusterName)) })
	return t
}

// footer lists what AWS was asked to change, and what the operator costs.
func (d *show) footer() {
	fmt.Println("  What AWS was asked to change:")
	changed := false
	for _, c := range d.aws.Calls() {
		if c.IsMutating() {
			changed = true
			fmt.Printf("    %s %s %s%s %s %s\n", c.Time.Format("15:04:05"), c.Operation, c.Parameters["DBInstanceIdentifier"],
				c.Parameters["TargetDBInstanceIdentifier"], c.Parameters["DBInstanceClass"], c.Error)
		}
	}
	if !changed {
		fmt.Println("    nothing")
	}
	if bytes, known := d.operator.residentBytes(); known {
		fmt.Printf("  The operator's process has %d MiB of memory resident.\n", bytes>>20)
	}
	fmt.Println()
}

// wait leaves everything running until somebody interrupts.
func (d *show) wait(ctx context.Context) {
	fmt.Printf(`Everything is left running, for %s at most. In another shell:

  export KUBECONFIG=%s PATH=%s:$PATH
  kubectl get dbsp -A -o wide
  kubectl describe dbsp -n %s %s
  kubectl explain dbscalingpolicy.spec
  kubectl get events.events.k8s.io -n %s
  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=%s
  aws rds describe-db-instances
  kill -9 %d    # the operator; it is not started again

Stop it with Ctrl-C.
`, keepFor, d.operator.kubeconfig, filepath.Dir(d.env.Kubectl()), namespace, policyName, namespace, d.operator.endpoint, region,
		d.operator.pid())
	ctx, cancel := context.WithTimeout(ctx, keepFor)
	defer cancel()
	<-ctx.Done()
}

// stop ends what was started.
func (d *show) stop() {
	if d.operator != nil {
		d.operator.kill()
		_ = d.operator.log.Close() // everything has been written by another process
	}
	if d.env != nil {
		if err := d.env.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "demo: stopping the control plane: %v\n", err)
		}
	}
}
