// Package search finds the policy that would have done best under a recorded load, within limits, by playing many. It is fitted on the
// first part of the recording and judged on the rest, which it has not seen.
package recommend

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
	// MaxOverloadedMinutesPerWeek is in minutes, MaxDisruptionsPerWeek counts restarts and failovers.
	MaxOverloadedMinutesPerWeek, MaxDisruptionsPerWeek float64
	// MaxMonthlyCost is in money, for a month of 730 hours; zero is no limit. It needs prices.
	MaxMonthlyCost scaling.Money
}

// Candidate is a policy that was tried.
type Candidate struct {
	Policy scaling.Policy
	// InitialShape is what the pool began with.
	InitialShape scaling.Shape
	// Changes says in words what is different from the policy that the search began with; empty for that one itself.
	Changes []string
	// TrainingScore and Judged are its scores on the part that it was fitted on, and on the rest.
	TrainingScore, ValidationScore backtest.Score
	// MeetsLimits says whether it keeps to the limits on the part that it was fitted on, and MeetsLimitsInValidation on the rest.
	MeetsLimits, MeetsLimitsInValidation bool
}

// Result is what a search found.
type Result struct {
	// Base is the policy that the search began with.
	Base Candidate
	// Best are the best that were found, the best first; the base may be among them.
	Best []Candidate
	// SplitAt is where the part that was fitted on ends.
	SplitAt time.Time
	// EvaluatedPolicies is how many policies were played.
	EvaluatedPolicies int
}

const (
	// trainingShare is the part of the recording that policies are fitted on.
	trainingShare = 0.7
	// randomPolicies is how many policies are drawn, rounds how often every dimension is gone through at most, and shown how many of the best are
	// given.
	randomPolicies, maxRounds, maxRecommendations = 60, 3, 4
	// maxParallelRuns is how many policies are played at once.
	maxParallelRuns = 4
	// minRecordingLength is the length of a recording below which there is nothing to fit and to judge.
	minRecordingLength = 4 * 24 * time.Hour
	// hoursPerMonth is what AWS and its users reckon with, in hours.
	hoursPerMonth = 730
)

// errRecordingTooShort: the recording is too short.
var errRecordingTooShort = errors.New("the recording is shorter than four days: nothing could be judged on what was not fitted")

// Search plays policies that are drawn at random, and goes on from the best of them: it goes through the dimensions of a policy one by
// one, keeps in each the choice that does best with the others as they are, and goes through them again until nothing gets better.
// The same recording gives the same result. Each policy that was played is told to done, which may be nil, with how many that makes.
// The error says what of the setup makes no sense, or that the context ended.
func Search(ctx context.Context, s backtest.Setup, limits Limits, done func(tried int)) (Result, error) {
	length := s.Recording.End().Sub(s.Recording.Start)
	if length < minRecordingLength {
		return Result{}, errRecordingTooShort
	}
	split := s.Recording.Start.Add(time.Duration(trainingShare * float64(length))).Truncate(time.Hour)
	if classes, least, _ := poolLimits(s, s.Policy); len(classes) > 0 { // that all begin alike
		s.InitialShape.InstanceClass, s.InitialShape.Count = cmp.Or(s.InitialShape.InstanceClass, classes[0]), cmp.Or(s.InitialShape.Count, least)
	}
	x := &searcher{setup: s, limits: limits, splitAt: split, evaluated: map[string]Candidate{}, onEvaluated: done}
	x.minLargestVCPUs, x.hasPrices = requiredVCPUs(s, split), len(s.UnpricedClasses()) == 0
	x.maxSmallestVCPUs = math.Inf(1)
	if factor := s.Policy.Guardrails.MaxStepFactor; factor > 0 {
		x.maxSmallestVCPUs = float64(factor) * float64(s.InitialShape.Count) * classVCPUs(s, s.InitialShape.InstanceClass)
	}
	base := Candidate{Policy: s.Policy, InitialShape: s.InitialShape}
	first, err := x.evaluate(ctx, []Candidate{base})
	if err != nil {
		return Result{}, err
	}
	drawn, err := x.evaluate(ctx, x.randomCandidates(base))
	if err != nil {
		return Result{}, err
	}
	best := slices.MinFunc(append(drawn, first...), x.compare)
	for range maxRounds {
		before := best
		for _, d := range dimensions {
			tried, err := x.evaluate(ctx, x.alternatives(d, best))
			if err != nil {
				return Result{}, err
			}
			best = slices.MinFunc(append(tried, best), x.compare)
		}
		if candidateKey(before) == candidateKey(best) {
			break
		}
	}
	all := make([]Candidate, 0, len(x.evaluated))
	for _, f := range x.evaluated {
		all = append(all, f)
	}
	slices.SortFunc(all, x.compare)
	r := Result{SplitAt: split, EvaluatedPolicies: len(all)}
	all = distinctCandidates(all)
	r.Best, err = x.validate(ctx, all[:min(maxRecommendations, len(all))])
	if err != nil {
		return r, err
	}
	judged, err := x.validate(ctx, first)
	if err == nil {
		r.Base = judged[0]
	}
	return r, err
}

// randomCandidates draws policies at random: a choice in every dimension, one after the other. The same seed always draws the same.
func (x *searcher) randomCandidates(base Candidate) []Candidate {
	random := rand.New(rand.NewPCG(1, 1)) // repeatable
	out := make([]Candidate, 0, randomPolicies)
	seen := map[string]bool{}
	for range randomPolicies {
		f := base
		for _, d := range dimensions {
			if all := x.alternatives(d, f); len(all) > 0 {
				f = all[random.IntN(len(all))]
			}
		}
		if k := candidateKey(f); !seen[k] {
			seen[k] = true
			out = append(out, f)
		}
	}
	return out
}

// distinctCandidates keeps of policies that differ in their windows alone, or that did the same, the first.
func distinctCandidates(all []Candidate) []Candidate {
	seen, scored := map[string]bool{}, map[backtest.Score]bool{}
	return slices.DeleteFunc(all, func(f Candidate) bool {
		f.Policy.ScaleUp.Window, f.Policy.ScaleDown.Window, f.Policy.ScaleDownClassWindow = 0, 0, 0
		k := candidateKey(f)
		known := seen[k] || scored[f.TrainingScore]
		seen[k], scored[f.TrainingScore] = true, true
		return known
	})
}

// searcher is a search under way.
type searcher struct {
	setup   backtest.Setup
	limits  Limits
	splitAt time.Time
	// minLargestVCPUs is the vCPUs that the largest shape of a policy must have, and reach those that its smallest may have.
	minLargestVCPUs, maxSmallestVCPUs float64
	// hasPrices says that money counts: that every class has a price.
	hasPrices bool
	mu        sync.Mutex
	evaluated map[string]Candidate
	// evaluatedCount is how many policies were played so far, which done is told.
	evaluatedCount int
	onEvaluated    func(int)
}

// candidateKey tells policies apart.
func candidateKey(f Candidate) string {
	p := f.Policy
	text := fmt.Sprint(p.CPU, p.ScaleUp, p.ScaleDown, p.ScaleDownClassWindow, f.InitialShape)
	if p.Readers != nil {
		text += fmt.Sprint(*p.Readers)
	}
	if p.Writer != nil {
		text += fmt.Sprint(*p.Writer)
	}
	return text
}

// evaluate plays the policies that were not played yet on the part that is fitted on, and gives all of them.
func (x *searcher) evaluate(ctx context.Context, wanted []Candidate) ([]Candidate, error) {
	out := make([]Candidate, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n, f := range wanted {
		if known, ok := x.evaluated[candidateKey(f)]; ok {
			out[n] = known
			continue
		}
		group.Go(func() error {
			run, err := backtest.RunPolicy(ctx, x.setupFor(f, time.Time{}, x.splitAt), nil)
			if err != nil {
				return err
			}
			f.TrainingScore, f.MeetsLimits = run.Score, x.meetsLimits(run.Score)
			out[n] = f
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.evaluatedCount++; x.onEvaluated != nil {
				x.onEvaluated(x.evaluatedCount)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, f := range out {
		x.evaluated[candidateKey(f)] = f
	}
	return out, nil
}

// validate scores policies on the rest.
func (x *searcher) validate(ctx context.Context, found []Candidate) ([]Candidate, error) {
	out := slices.Clone(found)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n := range out {
		group.Go(func() error {
			run, err := backtest.RunPolicy(ctx, x.setupFor(out[n], x.splitAt, time.Time{}), nil)
			out[n].ValidationScore, out[n].MeetsLimitsInValidation = run.Score, x.meetsLimits(run.Score)
			return err
		})
	}
	return out, group.Wait()
}

// setupFor is the setup of a policy, scored from a moment to another.
func (x *searcher) setupFor(f Candidate, from, until time.Time) backtest.Setup {
	s := x.setup
	s.Policy, s.InitialShape, s.ScoredFrom, s.ScoredUntil = f.Policy, f.InitialShape, from, until
	return s
}

// scoredWeeks is how many weeks a score is of.
func scoredWeeks(s backtest.Score) float64 { return float64(s.ScoredMinutes) / week.Minutes() }

// meetsLimits says whether a score keeps to the limits.
func (x *searcher) meetsLimits(s backtest.Score) bool { return x.limitExcess(s) == 0 }

// limitExcess is by how much a score is over the limits, in parts of them, added up. What is not allowed at all counts from one on.
func (x *searcher) limitExcess(s backtest.Score) float64 {
	over := func(is, limit float64) float64 { return max(0, is-limit) / max(limit, 1) }
	total := over(float64(s.OverloadedMinutes), x.limits.MaxOverloadedMinutesPerWeek*scoredWeeks(s)) +
		over(float64(s.Disruptions), x.limits.MaxDisruptionsPerWeek*scoredWeeks(s))
	if x.limits.MaxMonthlyCost > 0 {
		total += over(float64(MonthlyCost(s)), float64(x.limits.MaxMonthlyCost))
	}
	return total
}

// MonthlyCost is what a month of a score costs.
func MonthlyCost(s backtest.Score) scaling.Money {
	return scaling.Money(float64(s.Cost) * hoursPerMonth * 60 / max(1, float64(s.ScoredMinutes)))
}

// compare puts the policy first that did better: nearer to the limits, then cheaper, then less overloaded, and then the one that
// changes less of what it began with.
func (x *searcher) compare(a, b Candidate) int {
	cost := func(s backtest.Score) float64 {
		if x.hasPrices {
			return float64(s.Cost)
		}
		return math.Round(1000 * s.VCPUHours) // what sums of fractions are off by is no saving
	}
	return cmp.Or(cmp.Compare(x.limitExcess(a.TrainingScore), x.limitExcess(b.TrainingScore)), cmp.Compare(cost(a.TrainingScore), cost(b.TrainingScore)),
		cmp.Compare(a.TrainingScore.OverloadedMinutes, b.TrainingScore.OverloadedMinutes), cmp.Compare(len(a.Changes), len(b.Changes)), cmp.Compare(candidateKey(a), candidateKey(b)))
}
