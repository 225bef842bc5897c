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
	// refreshInterval is how often the screen looks, by the machine's clock.
	refreshInterval = 100 * time.Millisecond
	// startDelay is how long the operator has to start before the simulated day begins.
	startDelay = 1500 * time.Millisecond
	// readHeaderTimeout bounds how long a client may take to send a request's header.
	readHeaderTimeout = 10 * time.Second
	// maxKeepDuration is how long everything is left running with --keep, at most.
	maxKeepDuration = 8 * time.Hour
)

// demo is everything that runs.
type demo struct {
	settings
	projectDir string
	workDir    string // for the kubeconfig and the operator's log
	clock      simclock.Scaled
	duration   time.Duration
	env        *testenv.Environment
	client     client.Client
	aws        *rdssim.Server
	operator   *supervisor
	progress   *progressPrinter
}

// run plays the day, prints the table, and says whether the operator let the readers saturate, or become fewer than they were.
func run(ctx context.Context, s settings) (goalMissed bool, err error) {
	ctrl.SetLogger(logr.Discard())
	root, err := findProjectDir()
	if err != nil {
		return false, err
	}
	scenario, resize, err := newScenario(root, s)
	if err != nil {
		return false, err
	}
	length := time.Duration(s.hours * float64(time.Hour))
	withoutOperator, err := simulateWithoutOperator(scenario, length, resize)
	if err != nil {
		return false, err
	}
	d := &demo{settings: s, projectDir: root, duration: length, progress: &progressPrinter{out: os.Stdout, interval: reportInterval(length)}}
	if d.workDir, err = os.MkdirTemp("", "dbscaler-demo-"); err != nil {
		return false, err
	}
	defer d.stop()
	if err := d.setUp(ctx, scenario); err != nil {
		return false, err
	}
	policy, err := d.watch(ctx)
	if err != nil {
		return false, errors.Join(err, fmt.Errorf("the operator's log is %s", d.operator.log.Name()))
	}
	withOperator := d.summarize(policy)
	printComparison(os.Stdout, withoutOperator, withOperator)
	d.printAWSChanges()
	if s.keep {
		d.waitForInterrupt(ctx)
	}
	if s.trace != "" { // a recording may jump faster than anything could follow
		return withOperator.saturatedMinutes > withoutOperator.saturatedMinutes, nil
	}
	return withOperator.saturatedMinutes > 0 || withOperator.minReaderVCPUs < withOperator.initialReaderVCPUs, nil
}

// reportInterval is how much simulated time lies between two lines: some forty lines a day.
func reportInterval(length time.Duration) time.Duration {
	for _, d := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour} {
		if length/d <= 40 {
			return d
		}
	}
	return 24 * time.Hour
}

// setUp brings up the control plane, the simulated AWS and the operator, and applies the policy.
func (d *demo) setUp(ctx context.Context, scenario model.Scenario) (err error) {
	fmt.Printf("Starting etcd and kube-apiserver …\n")
	if d.env, err = testenv.StartWithoutCRDs(); err != nil {
		return err
	}
	if d.client, err = d.env.Client(); err != nil {
		return err
	}
	kubeconfig := filepath.Join(d.workDir, "kubeconfig")
	if err := d.env.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	endpoint, err := d.startAWS(scenario)
	if err != nil {
		return err
	}
	fmt.Printf("A simulated AWS listens at %s.\n\n", endpoint)
	policy, err := d.policyPath()
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"apply", "-k", filepath.Join(d.projectDir, "config", "crd")},
		{"create", "namespace", namespace},
		{"apply", "-n", namespace, "-f", policy},
	} {
		if err := runKubectl(ctx, os.Stdout, d.env.Kubectl(), kubeconfig, d.projectDir, args...); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(d.workDir, "operator.log"))
	if err != nil {
		return err
	}
	d.operator = &supervisor{kubeconfig: kubeconfig, endpoint: endpoint, clock: d.clock, log: log}
	return d.operator.start()
}

// startAWS serves the simulated AWS on a free port of the loopback interface. Its day begins a moment later.
func (d *demo) startAWS(scenario model.Scenario) (endpoint string, err error) {
	world, err := model.New(scenario)
	if err != nil {
		return "", err
	}
	document, err := os.ReadFile(filepath.Join(d.projectDir, "config", "iam", "policy.json"))
	if err != nil {
		return "", err
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		return "", err
	}
	d.clock = simclock.Scaled{Origin: clock.RealClock{}.Now().Add(startDelay), Start: scenario.Start.UTC(), Speed: d.speed}
	d.aws = rdssim.New(rdssim.Options{World: world, Clock: d.clock, AccountID: scenario.AccountID, Policy: policy, Log: logr.Discard()})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: d.aws, ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(listener) }() // it ends with the process
	return "http://" + listener.Addr().String(), nil
}

// policyPath is the sample policy, or one for the class of a recording.
func (d *demo) policyPath() (string, error) {
	sample := filepath.Join(d.projectDir, "config", "samples", "clinical-engine.yaml")
	if d.trace == "" {
		return sample, nil
	}
	classes, err := classLadder(d.class)
	if err != nil {
		return "", err
	}
	path := filepath.Join(d.workDir, "policy.yaml")
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

// watch shows the day until its end and returns the policy as it then is.
func (d *demo) watch(ctx context.Context) (*v1alpha1.DBScalingPolicy, error) {
	end := d.clock.Start.Add(d.duration)
	kills := drawKillTimes(d.kills, d.seed, d.clock.Start, d.duration)
	slices.SortFunc(kills, time.Time.Compare)
	fmt.Printf("\n%s, %g hours in about %s. Figures of the database are simulated.\n", d.clock.Start.Format("2 January 2006"),
		d.duration.Hours(), d.clock.WallDuration(d.duration).Round(time.Second))
	d.progress.printHeader()
	ticker := time.NewTicker(refreshInterval)
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
			if err := d.restartOperator(now); err != nil {
				return policy, err
			}
		}
		if !d.operator.isRunning() {
			return policy, errors.New("the operator stopped by itself")
		}
		if err := d.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: policyName}, policy); err != nil {
			return policy, err
		}
		reader, writer := d.currentUsage()
		d.progress.printChanges(now, policy)
		d.progress.printState(now, reader, writer, policy)
		if !now.Before(end) {
			return policy, nil
		}
	}
}

// restartOperator kills the operator and starts it again.
func (d *demo) restartOperator(now time.Time) error {
	d.operator.kill()
	fmt.Printf("%-6s   ✗ kill -9 of the operator; it is started again\n", now.Format("15:04"))
	return d.operator.start()
}

// currentUsage is the truth about the last minute.
func (d *demo) currentUsage() (reader, writer cpuUsage) {
	d.aws.WithWorld(func(w *model.World) {
		minutes := w.Minutes(region, clusterName)
		if len(minutes) == 0 {
			return
		}
		last := minutes[len(minutes)-1]
		reader = cpuUsage{last.HottestReaderPercent, last.ReaderVCPUs > 0}
		writer = cpuUsage{last.WriterPercent, last.WriterPercent > 0}
	})
	return reader, writer
}

// summarize is what the day came to with the operator.
func (d *demo) summarize(policy *v1alpha1.DBScalingPolicy) summary {
	var t summary
	d.aws.WithWorld(func(w *model.World) {
		t.addMinutes(w.Minutes(region, clusterName))
		t.finalReaders = describeReaders(w)
	})
	for _, r := range slices.Backward(policy.Status.History) {
		t.addShapeChange(r.StartTime.UTC(), formatShape(r.From)+" → "+formatShape(r.To))
	}
	if op := policy.Status.Operation; op != nil {
		t.addShapeChange(op.StartTime.UTC(), formatShape(op.From)+" → "+formatShape(op.To))
	}
	d.aws.WithWorld(func(w *model.World) { t.recordMinReaderVCPUs(w.Minutes(region, clusterName)) })
	return t
}

// printAWSChanges lists what AWS was asked to change, and what the operator costs.
func (d *demo) printAWSChanges() {
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

// waitForInterrupt leaves everything running until somebody interrupts.
func (d *demo) waitForInterrupt(ctx context.Context) {
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
`, maxKeepDuration, d.operator.kubeconfig, filepath.Dir(d.env.Kubectl()), namespace, policyName, namespace, d.operator.endpoint, region,
		d.operator.pid())
	ctx, cancel := context.WithTimeout(ctx, maxKeepDuration)
	defer cancel()
	<-ctx.Done()
}

// stop ends what was started.
func (d *demo) stop() {
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
