package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The IDs of the runs that are not a baseline's.
const (
	staticPeak, staticMean, staticP995, reactiveID, oracleID = "static-peak", "static-mean", "static-p99.5", "reactive", "oracle"
	// CompareAll is the name for all runs.
	CompareAll = "all"
)

// ComparisonNames lists the IDs that a policy can be compared with, baselines first.
func ComparisonNames() []string {
	var out []string
	for _, autoscaler := range baseline.All() {
		out = append(out, autoscaler.ID)
	}
	return append(out, staticPeak, staticMean, staticP995, reactiveID, oracleID)
}

// Compare runs a policy and the autoscalers that are named in against under the same load. It omits autoscalers that do not scale
// the pool. It calls done, which may be nil, after each run, with the total number of runs. The error says which part of the setup
// cannot be simulated, which name is unknown, or that the context ended.
func Compare(ctx context.Context, s Setup, against []string, done func(name string, total int)) (Comparison, error) {
	s, err := s.validated()
	if err != nil {
		return Comparison{}, err
	}
	if err := s.checkInitialCount(); err != nil {
		return Comparison{}, err
	}
	runners, err := s.comparedRuns(against)
	if err != nil {
		return Comparison{}, err
	}
	runs := make([]*Run, len(runners))
	var progress sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n, runner := range runners {
		group.Go(func() error {
			run, err := runner(ctx)
			if err != nil && !errors.Is(err, errPoolNotScaled) {
				return fmt.Errorf("%s: %w", run.Name, err)
			}
			if err == nil {
				runs[n] = &run
			}
			if done != nil {
				progress.Lock()
				defer progress.Unlock()
				done(run.Name, len(runners))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Comparison{}, err
	}
	c := Comparison{PolicyName: s.Policy.Name, Start: s.Recording.Start, End: s.Recording.End(), Interval: s.Recording.Interval}
	c.GapMinutes, c.UncertainMinutes = countGapAndSaturatedMinutes(s)
	for _, run := range runs {
		if run != nil {
			c.Runs = append(c.Runs, *run)
		}
	}
	return c, nil
}

// checkInitialCount checks that the policy allows the initial number of readers. Outside the limits, the baselines would have no sizes to
// choose from.
func (s Setup) checkInitialCount() error {
	if r, count := s.Policy.Readers, s.InitialShape.Count; s.Pool == scaling.Readers && (count < r.Min || count > r.Max) {
		return fmt.Errorf("the pool starts with %d readers, and the policy allows %d to %d: set --start-count within these limits",
			count, r.Min, r.Max)
	}
	return nil
}

// maxParallelRuns is the maximum number of runs at the same time.
const maxParallelRuns = 4

// comparedRuns are the functions that run a comparison, the policy's first and the oracle's last.
func (s Setup) comparedRuns(against []string) ([]func(context.Context) (Run, error), error) {
	known := ComparisonNames()
	if slices.Contains(against, CompareAll) {
		against = known
	}
	for _, name := range against {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown autoscaler %q to compare with: give one of %s, or %s", name, strings.Join(known, ", "), CompareAll)
		}
	}
	runners := []func(context.Context) (Run, error){func(ctx context.Context) (Run, error) { return RunPolicy(ctx, s, nil) }}
	for _, autoscaler := range baseline.All() {
		if slices.Contains(against, autoscaler.ID) {
			runners = append(runners, func(ctx context.Context) (Run, error) { return runBaseline(ctx, s, autoscaler) })
		}
	}
	for _, name := range []string{staticPeak, staticMean, staticP995} {
		if slices.Contains(against, name) {
			runners = append(runners, func(ctx context.Context) (Run, error) { return runStatic(ctx, s, name) })
		}
	}
	if slices.Contains(against, reactiveID) {
		runners = append(runners, func(ctx context.Context) (Run, error) { return runReactiveLimit(ctx, s) })
	}
	if slices.Contains(against, oracleID) {
		runners = append(runners, func(ctx context.Context) (Run, error) { return runOracle(ctx, s) })
	}
	return runners, nil
}

// countGapAndSaturatedMinutes counts the minutes without a recorded value, and those in which the recorded database was saturated.
func countGapAndSaturatedMinutes(s Setup) (gaps, uncertain int) {
	minutesPerValue := int(s.Recording.Interval / time.Minute)
	for n, demand := range s.Recording.Demand {
		if math.IsNaN(demand) {
			gaps += minutesPerValue
		}
		if n < len(s.Recording.Censored) && s.Recording.Censored[n] {
			uncertain += minutesPerValue
		}
	}
	return gaps, uncertain
}

// runStatic runs a size that never changes. For staticPeak it is the smallest size that is never overloaded, or the largest size; for
// staticMean the smallest size on which the mean demand is at or below the policy's target; for staticP995 the smallest size that has the
// 99.5th percentile of the demand and 20 % more (the defaults of AWS Compute Optimizer: "P99.5 threshold", "20% headroom").
func runStatic(ctx context.Context, s Setup, id string) (Run, error) {
	peak, mean, p995 := describeDemand(s)
	run := Run{ID: id, Kind: StaticRun}
	isLargeEnough := func(x poolSize) bool { return peak < overloadShare*x.vcpus }
	run.Name, run.Source = "Static, for the peak", "the smallest size that is never overloaded, or the largest"
	if id == staticMean {
		isLargeEnough = func(x poolSize) bool { return 100*mean <= float64(s.Policy.CPU.Target)*x.vcpus }
		run.Name = "Static, for the mean"
		run.Source = fmt.Sprintf("the smallest size on which the mean demand needs at most %d%% CPU", s.Policy.CPU.Target)
	}
	if id == staticP995 {
		const headroom = 1.2
		isLargeEnough = func(x poolSize) bool { return headroom*p995 <= x.vcpus }
		run.Name, run.Source = "Static, P99.5 + 20 %", "the smallest size with the 99.5th percentile of the demand and 20% more"
	}
	sizes := s.allowedSizes()
	n := slices.IndexFunc(sizes, isLargeEnough)
	if n < 0 {
		n = len(sizes) - 1
	}
	s.InitialShape = sizes[n].Shape
	run.Name += " (" + s.InitialShape.String() + ")"
	world, sc, err := newSimulation(s)
	if err != nil {
		return run, err
	}
	err = simulate(ctx, s, world, sc, func(time.Time) time.Duration { return time.Hour })
	return sc.result(run), err
}

// describeDemand returns the maximum, the mean and the 99.5th percentile of the minute demands, in vCPUs.
func describeDemand(s Setup) (peak, mean, p995 float64) {
	var recorded []float64
	for _, demand := range minuteDemand(s.Recording) {
		if !math.IsNaN(demand) {
			recorded = append(recorded, demand)
			mean += demand
		}
	}
	if len(recorded) == 0 {
		return 0, 0, 0
	}
	slices.Sort(recorded)
	const percentile = 0.995
	rank := int(math.Ceil(percentile * float64(len(recorded)))) // the nearest rank
	return recorded[len(recorded)-1], mean / float64(len(recorded)), recorded[max(0, rank-1)]
}
