package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// checkSpeed lets the check take a quarter of the time, and checkDuration is how long each size is measured, of simulated time.
	checkSpeed, checkDuration = 4, 2 * time.Minute
	// settleDuration is how long the operator runs after the first evaluations until it is measured.
	settleDuration = time.Minute
	// checkLimit is how long the first evaluation of a size may take.
	checkLimit = 2 * time.Minute
)

// The bounds. None depends on the machine.
const (
	// maxGrowth is how much larger the figures of a reconcile may be with twice as many policies.
	maxGrowth = 1.2
	// maxMallocs is the number of objects that may be allocated for a reconcile, its share of the reading of AWS included.
	maxMallocs = 5000
	// maxAllocatedKiB is how large they may be.
	maxAllocatedKiB = 320
	// maxStatusWrites is the number of writes of status for a reconcile: status is written when it changes.
	maxStatusWrites = 0.05
	// maxLists is the number of lists a minute from the API server, of all kinds.
	maxLists = 10
	// maxMetrics is the number of metrics a minute for a policy. Those that are read every ten minutes may all fall into the check.
	maxMetrics = 14
	// maxMetricReads is how often metrics are read in a minute, whatever the number of policies, and minBatch the least number of metrics of
	// each further GetMetricData request.
	maxMetricReads, minBatch = 20, 250
	// readsPerMinute is how often the databases are read at most, pageSize how many there are on a page, and instancesPerPolicy how many
	// instances a policy has.
	readsPerMinute, pageSize, instancesPerPolicy = 1.6, 100, 2
	// minReconciles is the least number of reconciles a minute for a policy: with fewer the other figures say nothing.
	minReconciles = 0.1
	// maxOtherCalls is the number of calls a minute of each operation that is not read with the databases.
	maxOtherCalls = 5
)

// checkFigures are the figures of one size of the fleet.
type checkFigures struct {
	policies int
	steadyFigures
}

// runCheck measures the operator with half of the policies and then with all of them, and compares the figures with the bounds.
func runCheck(ctx context.Context, s settings, out io.Writer) (err error) {
	s.speed, s.scopes, s.slow, s.denied = checkSpeed, 1, 0, 0
	t, err := newLoadTest(s, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop(err)) }()
	t.logf("starting etcd and kube-apiserver")
	if err := t.startControlPlane(ctx); err != nil {
		return err
	}
	var sizes []checkFigures
	applied := 0
	for _, t.policies = range []int{s.policies / 2, s.policies} {
		figures, err := t.measureSize(ctx, applied)
		if err != nil {
			return fmt.Errorf("%w; the logs are in %s", err, t.folder)
		}
		sizes, applied = append(sizes, figures), t.policies
		figures.print(out)
	}
	exceeded := checkBounds(sizes[0], sizes[1])
	for _, text := range exceeded {
		fmt.Fprintf(out, "exceeded: %s\n", text)
	}
	if len(exceeded) > 0 {
		return errExceeded
	}
	fmt.Fprintln(out, "all figures are within their bounds")
	return nil
}

// measureSize applies more policies, and measures an operator and a simulated AWS of their own once all have been evaluated.
func (t *loadTest) measureSize(ctx context.Context, applied int) (figures checkFigures, err error) {
	if err := t.plane.applyPolicies(ctx, &t.fleet, applied, t.policies); err != nil {
		return figures, err
	}
	if err := t.startAWS(ctx); err != nil {
		return figures, err
	}
	defer func() { t.aws.stop(); t.aws = nil }()
	if t.leader, err = t.startReplica(ctx, processLeader); err != nil {
		return figures, err
	}
	defer func() { t.leader.stop(); t.leader = nil }()
	if err := t.waitForLeader(ctx, t.leader); err != nil {
		return figures, err
	}
	if err := t.waitForEvaluations(ctx, checkLimit); err != nil {
		return figures, err
	}
	t.logf("evaluated %d policies", t.policies)
	if err := t.waitUntil(ctx, "the first evaluations are over", time.Minute, t.elapsed(t.wall(settleDuration))); err != nil {
		return figures, err
	}
	before, err := t.takeSnapshot(ctx)
	if err != nil {
		return figures, err
	}
	if err := t.waitUntil(ctx, "the measurement is over", 2*time.Minute, t.elapsed(t.wall(checkDuration))); err != nil {
		return figures, err
	}
	after, err := t.takeSnapshot(ctx)
	return checkFigures{t.policies, t.compare(before, after)}, err
}

// print prints the figures that are compared.
func (f checkFigures) print(out io.Writer) {
	perMinute := 1 / f.minutes
	fmt.Fprintf(out, "%d policies: %.0f reconciles a minute, %.0f objects of %.0f KiB and %.3f status writes for each; "+
		"%.1f metrics a minute for a policy; lists a minute: %s; AWS calls a minute: %s\n",
		f.policies, f.reconciles*perMinute, f.mallocsPerReconcile(), f.allocatedKiBPerReconcile(),
		f.statusWrites()/f.reconciles, f.metrics*perMinute/float64(f.policies), formatRates(f.apiLists, perMinute),
		formatRates(f.awsCalls, perMinute))
}

func (f checkFigures) mallocsPerReconcile() float64 { return f.mallocs / f.reconciles }

func (f checkFigures) allocatedKiBPerReconcile() float64 { return f.allocated / f.reconciles / 1024 }

// checkBounds returns what exceeds its bound, with half of the policies and with all of them.
func checkBounds(half, full checkFigures) []string {
	var exceeded []string
	limit := func(figure string, value, bound float64) {
		if !(value <= bound) { // also when it is not a number
			exceeded = append(exceeded, fmt.Sprintf("%s: %.3g, at most %.3g", figure, value, bound))
		}
	}
	for _, f := range []checkFigures{half, full} {
		perMinute, name := 1/f.minutes, fmt.Sprintf("with %d policies, ", f.policies)
		limit(name+"objects allocated for a reconcile", f.mallocsPerReconcile(), maxMallocs)
		limit(name+"KiB allocated for a reconcile", f.allocatedKiBPerReconcile(), maxAllocatedKiB)
		limit(name+"status writes for a reconcile", f.statusWrites()/f.reconciles, maxStatusWrites)
		limit(name+"lists of policies", f.apiLists[policyResource]*perMinute, 0)
		limit(name+"lists a minute", total(f.apiLists)*perMinute, maxLists)
		limit(name+"metrics a minute for a policy", f.metrics*perMinute/float64(f.policies), maxMetrics)
		for _, operation := range slices.Sorted(maps.Keys(f.awsCalls)) {
			limit(name+operation+" a minute", f.awsCalls[operation]*perMinute, f.maxCalls(operation))
		}
		if least := minReconciles * float64(f.policies); f.reconciles*perMinute < least {
			exceeded = append(exceeded, fmt.Sprintf("%sreconciles a minute: %.0f, at least %.0f", name, f.reconciles*perMinute, least))
		}
	}
	limit("growth of the objects allocated for a reconcile", full.mallocsPerReconcile()/half.mallocsPerReconcile(), maxGrowth)
	return exceeded
}

// maxCalls is the number of calls of an operation that are allowed a minute.
func (f checkFigures) maxCalls(operation string) float64 {
	pages := func(items int) float64 { return math.Ceil(float64(items) / pageSize) }
	switch {
	case operation == "DescribeDBClusters":
		return readsPerMinute * pages(f.policies)
	case operation == "DescribeDBInstances":
		return readsPerMinute * pages(f.policies*instancesPerPolicy)
	case operation == "GetMetricData":
		return maxMetricReads + f.metrics/f.minutes/minBatch
	case strings.HasPrefix(operation, "DescribeDBClusterEndpoints"):
		return readsPerMinute * pages(f.policies*2)
	}
	return maxOtherCalls
}
