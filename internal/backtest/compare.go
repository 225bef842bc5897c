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

// The names of runs that are no peer's.
const (
	staticPeak, staticMean, oracleID = "static-peak", "static-mean", "oracle"
	// CompareAll stands for every run that there is.
	CompareAll = "all"
)

// ComparisonNames lists what a policy can be compared with, peers first.
func ComparisonNames() []string {
	var out []string
	for _, p := range baseline.All() {
		out = append(out, p.ID)
	}
	return append(out, staticPeak, staticMean, oracleID)
}

// Compare plays a policy, and what it is to be compared with by name, under the same load. An autoscaler that does not scale the
// pool is left out. Each run that has ended is told to done, which may be nil, with how many there will be. The error says what of
// the setup makes no sense or which name nobody knows, or that the context ended.
func Compare(ctx context.Context, s Setup, against []string, done func(name string, of int)) (Comparison, error) {
	s, err := s.validated()
	if err != nil {
		return Comparison{}, err
	}
	if r := s.Policy.Readers; s.Pool == scaling.Readers && (s.InitialShape.Count < r.Min || s.InitialShape.Count > r.Max) { // the others would have no sizes
		return Comparison{}, fmt.Errorf("the pool begins with %d readers, and the policy has %d to %d: begin with as many (--start-count)",
			s.InitialShape.Count, r.Min, r.Max)
	}
	plays, err := s.comparedRuns(against)
	if err != nil {
		return Comparison{}, err
	}
	runs := make([]*Run, len(plays))
	var told sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n, play := range plays {
		group.Go(func() error {
			run, err := play(ctx)
			if err != nil && !errors.Is(err, errPoolNotScaled) {
				return fmt.Errorf("%s: %w", run.Name, err)
			}
			if err == nil {
				runs[n] = &run
			}
			if done != nil {
				told.Lock()
				defer told.Unlock()
				done(run.Name, len(plays))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Comparison{}, err
	}
	c := Comparison{PolicyName: s.Policy.Name, Start: s.Recording.Start, End: s.Recording.End(), Interval: s.Recording.Interval}
	c.GapMinutes, c.UncertainMinutes = countDoubtfulMinutes(s)
	for _, run := range runs {
		if run != nil {
			c.Runs = append(c.Runs, *run)
		}
	}
	return c, nil
}

// maxParallelRuns is how many runs are played at once.
const maxParallelRuns = 4

// comparedRuns are the runs of a comparison, the policy's own first and the oracle's last.
func (s Setup) comparedRuns(against []string) ([]func(context.Context) (Run, error), error) {
	known := ComparisonNames()
	if slices.Contains(against, CompareAll) {
		against = known
	}
	for _, name := range against {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is nothing called %q to compare with: it is one of %s, or %s", name, strings.Join(known, ", "), CompareAll)
		}
	}
	plays := []func(context.Context) (Run, error){func(ctx context.Context) (Run, error) { return RunPolicy(ctx, s, nil) }}
	for _, p := range baseline.All() {
		if slices.Contains(against, p.ID) {
			plays = append(plays, func(ctx context.Context) (Run, error) { return runBaseline(ctx, s, p) })
		}
	}
	for _, name := range []string{staticPeak, staticMean} {
		if slices.Contains(against, name) {
			plays = append(plays, func(ctx context.Context) (Run, error) { return runStatic(ctx, s, name) })
		}
	}
	if slices.Contains(against, oracleID) {
		plays = append(plays, func(ctx context.Context) (Run, error) { return runOracle(ctx, s) })
	}
	return plays, nil
}

// countDoubtfulMinutes are the minutes in which nothing was recorded, and those in which the recorded database was saturated.
func countDoubtfulMinutes(s Setup) (gaps, uncertain int) {
	each := int(s.Recording.Interval / time.Minute)
	for n, demand := range s.Recording.Demand {
		if math.IsNaN(demand) {
			gaps += each
		}
		if n < len(s.Recording.Censored) && s.Recording.Censored[n] {
			uncertain += each
		}
	}
	return gaps, uncertain
}

// runStatic runs a size that never changes: for the peak the smallest that is never overloaded, or the largest; for the mean the
// smallest that the mean demand does not take above the policy's target.
func runStatic(ctx context.Context, s Setup, id string) (Run, error) {
	peak, mean := peakAndMeanDemand(s)
	run := Run{ID: id, Kind: StaticRun}
	enough := func(x poolSize) bool { return peak < overloadShare*x.vcpus }
	run.Name, run.Source = "Static, for the peak", "the smallest size that is never overloaded, or the largest"
	if id == staticMean {
		enough = func(x poolSize) bool { return 100*mean <= float64(s.Policy.CPU.Target)*x.vcpus }
		run.Name = "Static, for the mean"
		run.Source = fmt.Sprintf("the smallest size that the mean demand takes to %d%% CPU at most", s.Policy.CPU.Target)
	}
	all := s.allowedSizes()
	n := slices.IndexFunc(all, enough)
	if n < 0 {
		n = len(all) - 1
	}
	s.InitialShape = all[n].Shape
	run.Name += " (" + s.InitialShape.String() + ")"
	w, m, err := newSimulation(s)
	if err != nil {
		return run, err
	}
	err = simulate(ctx, s, w, m, func(time.Time) time.Duration { return time.Hour })
	return m.result(run), err
}

// peakAndMeanDemand are the greatest and the mean demand of the minutes, in vCPUs.
func peakAndMeanDemand(s Setup) (peak, mean float64) {
	known := 0
	for _, demand := range minuteDemand(s.Recording) {
		if !math.IsNaN(demand) {
			peak = max(peak, demand)
			mean += demand
			known++
		}
	}
	return peak, mean / float64(max(1, known))
}
