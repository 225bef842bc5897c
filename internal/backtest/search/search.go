// Package search finds the policy that would have done best under a recorded load, within limits, by playing many. It is fitted on the
// first part of the recording and judged on the rest, which it has not seen.
package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// week is what limits are for.
const week = 7 * 24 * time.Hour

// Limits are what a policy has to keep to.
type Limits struct {
	// OverloadedPerWeek is in minutes, DisruptionsPerWeek counts restarts and failovers.
	OverloadedPerWeek, DisruptionsPerWeek float64
	// PerMonth is in money, for a month of 730 hours; zero is no limit. It needs prices.
	PerMonth scaling.Money
}

// Found is a policy that was tried.
type Found struct {
	Policy scaling.Policy
	// Start is what the pool began with.
	Start scaling.Shape
	// Changed says in words what is different from the policy that the search began with; empty for that one itself.
	Changed []string
	// Fitted and Judged are its scores on the part that it was fitted on, and on the rest.
	Fitted, Judged backtest.Score
	// Keeps says whether it keeps to the limits on the part that it was fitted on, and KeepsJudged on the rest.
	Keeps, KeepsJudged bool
}

// Result is what a search found.
type Result struct {
	// Base is the policy that the search began with.
	Base Found
	// Best are the best that were found, the best first; the base may be among them.
	Best []Found
	// Split is where the part that was fitted on ends.
	Split time.Time
	// Tried is how many policies were played.
	Tried int
}

const (
	// fittedShare is the part of the recording that policies are fitted on.
	fittedShare = 0.7
	// draws is how many policies are drawn, rounds how often every dimension is gone through at most, and shown how many of the best are
	// given.
	draws, rounds, shown = 60, 3, 4
	// parallel is how many policies are played at once.
	parallel = 4
	// shortest is the length of a recording below which there is nothing to fit and to judge.
	shortest = 4 * 24 * time.Hour
	// month is what AWS and its users reckon with, in hours.
	month = 730
)

// errShort: the recording is too short.
var errShort = errors.New("the recording is shorter than four days: nothing could be judged on what was not fitted")

// Search plays policies that are drawn at random, and goes on from the best of them: it goes through the dimensions of a policy one by
// one, keeps in each the choice that does best with the others as they are, and goes through them again until nothing gets better.
// The same recording gives the same result. Each policy that was played is told to done, which may be nil, with how many that makes.
// The error says what of the setup makes no sense, or that the context ended.
func Search(ctx context.Context, s backtest.Setup, limits Limits, done func(tried int)) (Result, error) {
	length := s.Recording.End().Sub(s.Recording.Start)
	if length < shortest {
		return Result{}, errShort
	}
	split := s.Recording.Start.Add(time.Duration(fittedShare * float64(length))).Truncate(time.Hour)
	if classes, least, _ := shapes(s, s.Policy); len(classes) > 0 { // that all begin alike
		s.Start.InstanceClass, s.Start.Count = cmp.Or(s.Start.InstanceClass, classes[0]), cmp.Or(s.Start.Count, least)
	}
	x := &searcher{setup: s, limits: limits, split: split, known: map[string]Found{}, done: done}
	x.least, x.priced = room(s, split), len(s.Unpriced()) == 0
	x.reach = math.Inf(1)
	if factor := s.Policy.Guardrails.MaxStepFactor; factor > 0 {
		x.reach = float64(factor) * float64(s.Start.Count) * vcpus(s, s.Start.InstanceClass)
	}
	base := Found{Policy: s.Policy, Start: s.Start}
	first, err := x.play(ctx, []Found{base})
	if err != nil {
		return Result{}, err
	}
	drawn, err := x.play(ctx, x.draw(base))
	if err != nil {
		return Result{}, err
	}
	best := slices.MinFunc(append(drawn, first...), x.compare)
	for range rounds {
		before := best
		for _, d := range dimensions {
			tried, err := x.play(ctx, x.choices(d, best))
			if err != nil {
				return Result{}, err
			}
			best = slices.MinFunc(append(tried, best), x.compare)
		}
		if key(before) == key(best) {
			break
		}
	}
	all := make([]Found, 0, len(x.known))
	for _, f := range x.known {
		all = append(all, f)
	}
	slices.SortFunc(all, x.compare)
	r := Result{Split: split, Tried: len(all)}
	all = different(all)
	r.Best, err = x.judge(ctx, all[:min(shown, len(all))])
	if err != nil {
		return r, err
	}
	judged, err := x.judge(ctx, first)
	if err == nil {
		r.Base = judged[0]
	}
	return r, err
}

// draw draws policies at random: a choice in every dimension, one after the other. The same seed always draws the same.
func (x *searcher) draw(base Found) []Found {
	random := rand.New(rand.NewPCG(1, 1)) // repeatable
	out := make([]Found, 0, draws)
	seen := map[string]bool{}
	for range draws {
		f := base
		for _, d := range dimensions {
			if all := x.choices(d, f); len(all) > 0 {
				f = all[random.IntN(len(all))]
			}
		}
		if k := key(f); !seen[k] {
			seen[k] = true
			out = append(out, f)
		}
	}
	return out
}

// different keeps of policies that differ in their windows alone, or that did the same, the first.
func different(all []Found) []Found {
	seen, scored := map[string]bool{}, map[backtest.Score]bool{}
	return slices.DeleteFunc(all, func(f Found) bool {
		f.Policy.ScaleUp.Window, f.Policy.ScaleDown.Window, f.Policy.ScaleDownClassWindow = 0, 0, 0
		k := key(f)
		known := seen[k] || scored[f.Fitted]
		seen[k], scored[f.Fitted] = true, true
		return known
	})
}

// searcher is a search under way.
type searcher struct {
	setup  backtest.Setup
	limits Limits
	split  time.Time
	// least is the vCPUs that the largest shape of a policy must have, and reach those that its smallest may have.
	least, reach float64
	// priced says that money counts: that every class has a price.
	priced bool
	mu     sync.Mutex
	known  map[string]Found
	// played is how many policies were played so far, which done is told.
	played int
	done   func(int)
}

// key tells policies apart.
func key(f Found) string {
	p := f.Policy
	text := fmt.Sprint(p.CPU, p.ScaleUp, p.ScaleDown, p.ScaleDownClassWindow, f.Start)
	if p.Readers != nil {
		text += fmt.Sprint(*p.Readers)
	}
	if p.Writer != nil {
		text += fmt.Sprint(*p.Writer)
	}
	return text
}

// play plays the policies that were not played yet on the part that is fitted on, and gives all of them.
func (x *searcher) play(ctx context.Context, wanted []Found) ([]Found, error) {
	out := make([]Found, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n, f := range wanted {
		if known, ok := x.known[key(f)]; ok {
			out[n] = known
			continue
		}
		group.Go(func() error {
			run, err := backtest.Play(ctx, x.of(f, time.Time{}, x.split), nil)
			if err != nil {
				return err
			}
			f.Fitted, f.Keeps = run.Score, x.keeps(run.Score)
			out[n] = f
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.played++; x.done != nil {
				x.done(x.played)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, f := range out {
		x.known[key(f)] = f
	}
	return out, nil
}

// judge scores policies on the rest.
func (x *searcher) judge(ctx context.Context, found []Found) ([]Found, error) {
	out := slices.Clone(found)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range out {
		group.Go(func() error {
			run, err := backtest.Play(ctx, x.of(out[n], x.split, time.Time{}), nil)
			out[n].Judged, out[n].KeepsJudged = run.Score, x.keeps(run.Score)
			return err
		})
	}
	return out, group.Wait()
}

// of is the setup of a policy, scored from a moment to another.
func (x *searcher) of(f Found, from, until time.Time) backtest.Setup {
	s := x.setup
	s.Policy, s.Start, s.From, s.Until = f.Policy, f.Start, from, until
	return s
}

// weeks is how many weeks a score is of.
func weeks(s backtest.Score) float64 { return float64(s.Minutes) / week.Minutes() }

// keeps says whether a score keeps to the limits.
func (x *searcher) keeps(s backtest.Score) bool { return x.excess(s) == 0 }

// excess is by how much a score is over the limits, in parts of them, added up. What is not allowed at all counts from one on.
func (x *searcher) excess(s backtest.Score) float64 {
	over := func(is, limit float64) float64 { return max(0, is-limit) / max(limit, 1) }
	total := over(float64(s.Overloaded), x.limits.OverloadedPerWeek*weeks(s)) +
		over(float64(s.Disruptions), x.limits.DisruptionsPerWeek*weeks(s))
	if x.limits.PerMonth > 0 {
		total += over(float64(Monthly(s)), float64(x.limits.PerMonth))
	}
	return total
}

// Monthly is what a month of a score costs.
func Monthly(s backtest.Score) scaling.Money {
	return scaling.Money(float64(s.Cost) * month * 60 / max(1, float64(s.Minutes)))
}

// compare puts the policy first that did better: nearer to the limits, then cheaper, then less overloaded, and then the one that
// changes less of what it began with.
func (x *searcher) compare(a, b Found) int {
	cost := func(s backtest.Score) float64 {
		if x.priced {
			return float64(s.Cost)
		}
		return math.Round(1000 * s.VCPUHours) // what sums of fractions are off by is no saving
	}
	return cmp.Or(cmp.Compare(x.excess(a.Fitted), x.excess(b.Fitted)), cmp.Compare(cost(a.Fitted), cost(b.Fitted)),
		cmp.Compare(a.Fitted.Overloaded, b.Fitted.Overloaded), cmp.Compare(len(a.Changed), len(b.Changed)), cmp.Compare(key(a), key(b)))
}
