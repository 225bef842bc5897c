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
func Search(ctx context.Context, s backtest.Setup, limits Limits, onEvaluated func(candidates int)) (Result, error) {
	length := s.Recording.End().Sub(s.Recording.Start)
	if length < minRecordingLength {
		return Result{}, errRecordingTooShort
	}
	splitAt := s.Recording.Start.Add(time.Duration(trainingShare * float64(length))).Truncate(time.Hour)
	if classes, minCount, _ := poolLimits(s, s.Policy); len(classes) > 0 { // that all begin alike
		s.InitialShape.InstanceClass, s.InitialShape.Count = cmp.Or(s.InitialShape.InstanceClass, classes[0]), cmp.Or(s.InitialShape.Count, minCount)
	}
	sr := &searcher{setup: s, limits: limits, splitAt: splitAt, evaluated: map[string]Candidate{}, onEvaluated: onEvaluated}
	sr.minLargestVCPUs, sr.hasPrices = requiredVCPUs(s, splitAt), len(s.UnpricedClasses()) == 0
	sr.maxSmallestVCPUs = math.Inf(1)
	if factor := s.Policy.Guardrails.MaxStepFactor; factor > 0 {
		sr.maxSmallestVCPUs = float64(factor) * float64(s.InitialShape.Count) * classVCPUs(s, s.InitialShape.InstanceClass)
	}
	start := Candidate{Policy: s.Policy, InitialShape: s.InitialShape}
	base, err := sr.evaluate(ctx, []Candidate{start})
	if err != nil {
		return Result{}, err
	}
	random, err := sr.evaluate(ctx, sr.randomCandidates(start))
	if err != nil {
		return Result{}, err
	}
	best := slices.MinFunc(append(random, base...), sr.compare)
	for range maxRounds {
		previous := best
		for _, vary := range dimensions {
			candidates, err := sr.evaluate(ctx, sr.alternatives(vary, best))
			if err != nil {
				return Result{}, err
			}
			best = slices.MinFunc(append(candidates, best), sr.compare)
		}
		if candidateKey(previous) == candidateKey(best) {
			break
		}
	}
	ranked := make([]Candidate, 0, len(sr.evaluated))
	for _, candidate := range sr.evaluated {
		ranked = append(ranked, candidate)
	}
	slices.SortFunc(ranked, sr.compare)
	result := Result{SplitAt: splitAt, EvaluatedPolicies: len(ranked)}
	ranked = distinctCandidates(ranked)
	result.Best, err = sr.validate(ctx, ranked[:min(maxRecommendations, len(ranked))])
	if err != nil {
		return result, err
	}
	validated, err := sr.validate(ctx, base)
	if err == nil {
		result.Base = validated[0]
	}
	return result, err
}

// randomCandidates draws policies at random: a choice in every dimension, one after the other. The same seed always draws the same.
func (s *searcher) randomCandidates(base Candidate) []Candidate {
	random := rand.New(rand.NewPCG(1, 1)) // repeatable
	out := make([]Candidate, 0, randomPolicies)
	seen := map[string]bool{}
	for range randomPolicies {
		candidate := base
		for _, vary := range dimensions {
			if choices := s.alternatives(vary, candidate); len(choices) > 0 {
				candidate = choices[random.IntN(len(choices))]
			}
		}
		if key := candidateKey(candidate); !seen[key] {
			seen[key] = true
			out = append(out, candidate)
		}
	}
	return out
}

// distinctCandidates keeps of policies that differ in their windows alone, or that did the same, the first.
func distinctCandidates(candidates []Candidate) []Candidate {
	seen, scored := map[string]bool{}, map[backtest.Score]bool{}
	return slices.DeleteFunc(candidates, func(candidate Candidate) bool {
		candidate.Policy.ScaleUp.Window, candidate.Policy.ScaleDown.Window, candidate.Policy.ScaleDownClassWindow = 0, 0, 0
		key := candidateKey(candidate)
		duplicate := seen[key] || scored[candidate.TrainingScore]
		seen[key], scored[candidate.TrainingScore] = true, true
		return duplicate
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
func candidateKey(c Candidate) string {
	p := c.Policy
	text := fmt.Sprint(p.CPU, p.ScaleUp, p.ScaleDown, p.ScaleDownClassWindow, c.InitialShape)
	if p.Readers != nil {
		text += fmt.Sprint(*p.Readers)
	}
	if p.Writer != nil {
		text += fmt.Sprint(*p.Writer)
	}
	return text
}

// evaluate plays the policies that were not played yet on the part that is fitted on, and gives all of them.
func (s *searcher) evaluate(ctx context.Context, candidates []Candidate) ([]Candidate, error) {
	out := make([]Candidate, len(candidates))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n, candidate := range candidates {
		if evaluated, ok := s.evaluated[candidateKey(candidate)]; ok {
			out[n] = evaluated
			continue
		}
		group.Go(func() error {
			run, err := backtest.RunPolicy(ctx, s.setupFor(candidate, time.Time{}, s.splitAt), nil)
			if err != nil {
				return err
			}
			candidate.TrainingScore, candidate.MeetsLimits = run.Score, s.meetsLimits(run.Score)
			out[n] = candidate
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.evaluatedCount++; s.onEvaluated != nil {
				s.onEvaluated(s.evaluatedCount)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, candidate := range out {
		s.evaluated[candidateKey(candidate)] = candidate
	}
	return out, nil
}

// validate scores policies on the rest.
func (s *searcher) validate(ctx context.Context, candidates []Candidate) ([]Candidate, error) {
	out := slices.Clone(candidates)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelRuns)
	for n := range out {
		group.Go(func() error {
			run, err := backtest.RunPolicy(ctx, s.setupFor(out[n], s.splitAt, time.Time{}), nil)
			out[n].ValidationScore, out[n].MeetsLimitsInValidation = run.Score, s.meetsLimits(run.Score)
			return err
		})
	}
	return out, group.Wait()
}

// setupFor is the setup of a policy, scored from a moment to another.
func (s *searcher) setupFor(candidate Candidate, from, until time.Time) backtest.Setup {
	setup := s.setup
	setup.Policy, setup.InitialShape, setup.ScoredFrom, setup.ScoredUntil = candidate.Policy, candidate.InitialShape, from, until
	return setup
}

// scoredWeeks is how many weeks a score is of.
func scoredWeeks(score backtest.Score) float64 { return float64(score.ScoredMinutes) / week.Minutes() }

// meetsLimits says whether a score keeps to the limits.
func (s *searcher) meetsLimits(score backtest.Score) bool { return s.limitExcess(score) == 0 }

// limitExcess is by how much a score is over the limits, in parts of them, added up. What is not allowed at all counts from one on.
func (s *searcher) limitExcess(score backtest.Score) float64 {
	excess := func(value, limit float64) float64 { return max(0, value-limit) / max(limit, 1) }
	total := excess(float64(score.OverloadedMinutes), s.limits.MaxOverloadedMinutesPerWeek*scoredWeeks(score)) +
		excess(float64(score.Disruptions), s.limits.MaxDisruptionsPerWeek*scoredWeeks(score))
	if s.limits.MaxMonthlyCost > 0 {
		total += excess(float64(MonthlyCost(score)), float64(s.limits.MaxMonthlyCost))
	}
	return total
}

// MonthlyCost is what a month of a score costs.
func MonthlyCost(score backtest.Score) scaling.Money {
	return scaling.Money(float64(score.Cost) * hoursPerMonth * 60 / max(1, float64(score.ScoredMinutes)))
}

// compare puts the policy first that did better: nearer to the limits, then cheaper, then less overloaded, and then the one that
// changes less of what it began with.
func (s *searcher) compare(a, b Candidate) int {
	cost := func(score backtest.Score) float64 {
		if s.hasPrices {
			return float64(score.Cost)
		}
		return math.Round(1000 * score.VCPUHours) // what sums of fractions are off by is no saving
	}
	return cmp.Or(cmp.Compare(s.limitExcess(a.TrainingScore), s.limitExcess(b.TrainingScore)), cmp.Compare(cost(a.TrainingScore), cost(b.TrainingScore)),
		cmp.Compare(a.TrainingScore.OverloadedMinutes, b.TrainingScore.OverloadedMinutes), cmp.Compare(len(a.Changes), len(b.Changes)), cmp.Compare(candidateKey(a), candidateKey(b)))
}
