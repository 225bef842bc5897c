package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	// refreshInterval is the wall-clock time between two readings of the state.
	refreshInterval = 100 * time.Millisecond
	// startDelay is the wall-clock time that the operator has to start before simulated time starts.
	startDelay = 1500 * time.Millisecond
	// readHeaderTimeout is the maximum time in which a client of the simulated AWS must send the header of a request.
	readHeaderTimeout = 10 * time.Second
	// maxKeepDuration is the maximum time for which --keep leaves all processes running.
	maxKeepDuration = 8 * time.Hour
)

// demo is one run of the demonstration and the processes that it started.
type demo struct {
	settings
	projectDir string
	workDir    string // holds the kubeconfig and the operator's log
	clock      simclock.Scaled
	origin     time.Time     // wall-clock time at which the simulated time starts; zero for startDelay after now
	duration   time.Duration // simulated
	env        *testenv.Environment
	client     client.Client
	aws        *rdssim.Server
	operator   *supervisor
	progress   *progressPrinter
	meter      *burstMeter  // with --burst, otherwise nil
	webOut     io.Writer    // where --web prints the address of the dashboard
	stopWeb    func() error // with --web, otherwise nil
}

// saturatedOrSmaller is the missed goal of a run without --burst.
const saturatedOrSmaller = "the readers saturated (with TRACE: for longer than without dbscaler), or reader capacity fell below its " +
	"initial value"

// run simulates the scenario with the operator and without it and prints the comparison. missedGoal says what the operator did not
// reach; it is empty if it reached the goal.
func run(ctx context.Context, s settings) (missedGoal string, err error) {
	ctrl.SetLogger(logr.Discard())
	projectDir, err := findProjectDir()
	if err != nil {
		return "", err
	}
	if s.burst {
		return runBurst(ctx, s, projectDir)
	}
	scenario, resize, err := newScenario(projectDir, s)
	if err != nil {
		return "", err
	}
	if s.web {
		if err := addWebFleet(&scenario); err != nil {
			return "", err
		}
	}
	duration := time.Duration(s.hours * float64(time.Hour))
	withoutOperator, err := simulateWithoutOperator(scenario, duration, resize)
	if err != nil {
		return "", err
	}
	d := &demo{
		settings: s, projectDir: projectDir, duration: duration - s.past, progress: newProgressPrinter(os.Stdout, duration-s.past),
		webOut: os.Stdout,
	}
	if d.workDir, err = os.MkdirTemp("", "dbscaler-demo-"); err != nil {
		return "", err
	}
	defer d.stop()
	if err := d.setUp(ctx, scenario); err != nil {
		return "", err
	}
	policy, err := d.watch(ctx)
	if err != nil {
		return "", errors.Join(err, fmt.Errorf("see the operator's log: %s", d.operator.log.Name()))
	}
	withOperator := d.summarize(policy)
	printComparison(os.Stdout, withoutOperator, withOperator)
	d.printAWSChanges()
	if s.keep {
		d.waitForInterrupt(ctx)
	}
	goalMissed := withOperator.saturatedMinutes > 0 || withOperator.minReaderVCPUs < withOperator.initialReaderVCPUs
	if s.trace != "" || s.past > 0 { // a recorded load may rise faster than AWS can add capacity, and the past may be saturated
		goalMissed = withOperator.saturatedMinutes > withoutOperator.saturatedMinutes
	}
	if goalMissed {
		return saturatedOrSmaller, nil
	}
	return "", nil
}

// setUp starts the control plane and the simulated AWS, applies the policy, and starts the operator.
func (d *demo) setUp(ctx context.Context, scenario model.Scenario) (err error) {
	fmt.Println("Starting etcd and kube-apiserver ...")
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
	fmt.Printf("The simulated AWS listens on %s\n\n", endpoint)
	if d.keep {
		if err := d.writePlugin(endpoint); err != nil {
			return err
		}
		d.printAccess(kubeconfig)
		fmt.Println()
	}
	policy, err := d.policyPath()
	if err != nil {
		return err
	}
	commands := [][]string{
		{"apply", "-k", filepath.Join(d.projectDir, "config", "crd")},
		{"create", "namespace", namespace},
		{"apply", "-n", namespace, "-f", policy},
	}
	if d.web {
		fleet, err := d.writeWebPolicies()
		if err != nil {
			return err
		}
		commands = append(commands, []string{"apply", "-f", fleet})
	}
	for _, args := range commands {
		if err := runKubectl(ctx, os.Stdout, d.env.Kubectl(), kubeconfig, d.projectDir, args...); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(d.workDir, "operator.log"))
	if err != nil {
		return err
	}
	d.operator = &supervisor{kubeconfig: kubeconfig, endpoint: endpoint, clock: d.clock, log: log, ledger: d.ledgerPath()}
	if d.web {
		if err := d.startWeb(ctx); err != nil {
			return err
		}
	}
	return d.operator.start()
}

// startAWS serves the simulated AWS on a free port of the loopback interface, with the past of the settings. Simulated time starts
// after startDelay.
func (d *demo) startAWS(scenario model.Scenario) (endpoint string, err error) {
	world, err := model.New(scenario)
	if err != nil {
		return "", err
	}
	now := scenario.Start.UTC().Add(d.past)
	world.Advance(now)
	document, err := os.ReadFile(filepath.Join(d.projectDir, "config", "iam", "policy.json"))
	if err != nil {
		return "", err
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		return "", err
	}
	if d.origin.IsZero() {
		d.origin = clock.RealClock{}.Now().Add(startDelay)
	}
	d.clock = simclock.Scaled{Origin: d.origin, Start: now, Speed: d.speed}
	d.aws = rdssim.New(rdssim.Options{World: world, Clock: d.clock, AccountID: scenario.AccountID, Policy: policy, Log: logr.Discard()})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: d.aws, ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(listener) }() // it stops with the process
	return "http://" + listener.Addr().String(), nil
}

// policyPath returns the path of the sample policy, or writes the policy of the flash crowd or one for the class of the recording and
// returns its path.
func (d *demo) policyPath() (string, error) {
	path := filepath.Join(d.workDir, "policy.yaml")
	if d.burst {
		return path, os.WriteFile(path, []byte(burstPolicy), 0o600)
	}
	sample := filepath.Join(d.projectDir, "config", "samples", "clinical-engine.yaml")
	if d.trace == "" {
		return sample, nil
	}
	classes, err := classLadder(d.class)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(`apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: %s}
spec:
  targetRef: {kind: DBCluster, identifier: %s, region: %s}
  mode: Enforce
  readers: {instanceClasses: [%s], maxReplicas: 4}
  guardrails: {maxOperationsPerDay: 12}
`, policyName, clusterName, region, strings.Join(classes, ", "))
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// watch prints the state of the database and what the operator does until the simulated time is over. It returns the policy at
// the end.
func (d *demo) watch(ctx context.Context) (*v1alpha1.DBScalingPolicy, error) {
	end := d.clock.Start.Add(d.duration)
	kills := drawKillTimes(d.kills, d.seed, d.clock.Start, d.duration)
	slices.SortFunc(kills, time.Time.Compare)
	fmt.Printf("\nSimulating %g hours of %s in about %s. All database figures are simulated.\n", d.duration.Hours(),
		d.clock.Start.Format("2 January 2006"), d.clock.WallDuration(d.duration).Round(time.Second))
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
			return policy, errors.New("the operator exited unexpectedly")
		}
		if err := d.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: policyName}, policy); err != nil {
			return policy, err
		}
		reader, writer := d.currentUsage()
		if d.meter != nil {
			d.aws.WithWorld(d.meter.measure)
			d.meter.recordOperation(os.Stdout, now, policy.Status.Operation)
		}
		d.progress.printChanges(now, policy)
		d.progress.printState(now, reader, writer, policy)
		if !now.Before(end) {
			return policy, nil
		}
	}
}

// restartOperator kills the operator with SIGKILL and starts it again.
func (d *demo) restartOperator(now time.Time) error {
	d.operator.kill()
	fmt.Printf("%-6s   ✗ the operator is killed (SIGKILL) and started again\n", now.Format("15:04"))
	return d.operator.start()
}

// currentUsage returns the CPU utilization of the hottest reader and of the writer in the last minute, from the model.
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

// summarize returns the results of the run with the operator.
func (d *demo) summarize(policy *v1alpha1.DBScalingPolicy) summary {
	var result summary
	d.aws.WithWorld(func(w *model.World) {
		result.addMinutes(w.Minutes(region, clusterName))
		result.finalReaders = describeReaders(w)
	})
	for _, r := range slices.Backward(policy.Status.History) {
		result.addShapeChange(r.StartTime.UTC(), formatShape(r.From)+" → "+formatShape(r.To))
	}
	if op := policy.Status.Operation; op != nil {
		result.addShapeChange(op.StartTime.UTC(), formatShape(op.From)+" → "+formatShape(op.To))
	}
	d.aws.WithWorld(func(w *model.World) { result.recordMinReaderVCPUs(w.Minutes(region, clusterName)) })
	return result
}

// printAWSChanges lists the changes that the operator requested from AWS, and the memory of the operator's process.
func (d *demo) printAWSChanges() {
	fmt.Println("  Changes requested from AWS:")
	found := false
	for _, c := range d.aws.Calls() {
		if c.IsMutating() {
			found = true
			call := fmt.Sprintf("%s %s %s%s %s %s", c.Time.Format("15:04:05"), c.Operation, c.Parameters["DBInstanceIdentifier"],
				c.Parameters["TargetDBInstanceIdentifier"], c.Parameters["DBInstanceClass"], c.Error)
			fmt.Printf("    %s\n", strings.TrimSpace(call))
		}
	}
	if !found {
		fmt.Println("    none")
	}
	if bytes, known := d.operator.residentBytes(); known {
		fmt.Printf("  Resident memory of the operator's process: %d MiB\n", bytes>>20)
	}
	fmt.Println()
}

// waitForInterrupt leaves all processes running until an interrupt, and prints commands to try.
func (d *demo) waitForInterrupt(ctx context.Context) {
	fmt.Printf(`All processes keep running for up to %s, and simulated time goes on at %g seconds a second. `, maxKeepDuration, d.speed)
	d.printAccess(d.operator.kubeconfig)
	fmt.Printf(`  kubectl dbscaler explain %[2]s -n %[1]s --metrics
  kubectl dbscaler pause %[2]s -n %[1]s
  kubectl get dbsp -A -o wide
  kubectl describe dbsp -n %[1]s %[2]s
  kubectl explain dbscalingpolicy.spec
  kubectl get events.events.k8s.io -n %[1]s
  export AWS_ENDPOINT_URL=%[3]s AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=%[4]s
  aws rds describe-db-instances
  kill -9 %[5]d    # kills the operator; nothing restarts it

Press Ctrl-C to stop.
`, namespace, policyName, d.operator.endpoint, region, d.operator.pid())
	ctx, cancel := context.WithTimeout(ctx, maxKeepDuration)
	defer cancel()
	<-ctx.Done()
}

// stop stops the dashboard, the operator and the control plane.
func (d *demo) stop() {
	if d.stopWeb != nil {
		if err := d.stopWeb(); err != nil {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		}
	}
	if d.operator != nil {
		d.operator.kill()
		_ = d.operator.log.Close() // only the operator's process writes to it
	}
	if d.env != nil {
		if err := d.env.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "demo: stopping the control plane: %v\n", err)
		}
	}
}
