// Package recommend finds the policy that would have had the best score under a recorded load, within limits, by simulating many
// policies. It selects policies on the first part of the recording, the training part, and scores them again on the rest, the
// validation part.
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

// week is the period of the limits.
const week = 7 * 24 * time.Hour

// Limits are the limits that a recommended policy has to meet.
type Limits struct {
	// MaxOverloadedMinutesPerWeek is in minutes. MaxDisruptionsPerWeek is the number of restarts and failovers.
	MaxOverloadedMinutesPerWeek, MaxDisruptionsPerWeek float64
	// MaxMonthlyCost is the cost of a month of 730 hours; zero is no limit. It needs prices.
	MaxMonthlyCost scaling.Money
	// KeepShapes keeps the classes and the number of readers of the policy: only thresholds and windows are varied.
	KeepShapes bool
}

// Candidate is a policy with its scores.
type Candidate struct {
	Policy scaling.Policy
	// InitialShape is the shape of the pool at the start.
	InitialShape scaling.Shape
	// Changes describes the differences from the base policy. It is empty for the base policy.
	Changes []string
	// TrainingScore is the score on the training part, ValidationScore the score on the validation part.
	TrainingScore, ValidationScore backtest.Score
	// MeetsLimits says that the training score meets the limits, MeetsLimitsInValidation that the validation score does.
	MeetsLimits, MeetsLimitsInValidation bool
}

// Result is the result of a search.
type Result struct {
	// Base is the given policy.
	Base Candidate
	// Best are the best candidates, best first. They may include the base.
	Best []Candidate
	// SplitAt is the end of the training part.
	SplitAt time.Time
	// EvaluatedPolicies is the number of policies that were simulated.
	EvaluatedPolicies int
}

const (
	// trainingShare is the training part as a share of the recording.
	trainingShare = 0.7
	// randomPolicies is the number of policies that are drawn at random, and randomThresholds that with KeepShapes.
	randomPolicies, randomThresholds = 60, 16
	// maxRounds is the maximum number of passes through all dimensions.
	maxRounds = 3
	// maxRecommendations is the maximum number of candidates in a result.
	maxRecommendations = 4
	// maxParallelRuns is the maximum number of simulations at the same time.
	maxParallelRuns = 4
	// minRecordingLength is the minimum length of a recording, so that both parts are long enough.
	minRecordingLength = 4 * 24 * time.Hour
	// hoursPerMonth is the length of a month, as AWS computes it.
	hoursPerMonth = 730
)

// errRecordingTooShort says that the recording is shorter than minRecordingLength.
var errRecordingTooShort = errors.New("the recording is shorter than four days, too short for a training and a validation part: " +
	"give a longer one")

// Search draws policies at random and improves the best of them by coordinate descent: it varies one dimension of the policy at a
// time and keeps the best variant, until a pass through all dimensions finds nothing better. The same recording gives the same
// result. Search calls onEvaluated, which may be nil, after each simulation, with the number of simulated policies so far. The
// error says which part of the setup cannot be simulated, or that the context ended.
func Search(ctx context.Context, s backtest.Setup, limits Limits, onEvaluated func(total int)) (Result, error) {
	length := s.Recording.End().Sub(s.Recording.Start)
	if length < minRecordingLength {
		return Result{}, errRecordingTooShort
	}
	splitAt := s.Recording.Start.Add(time.Duration(trainingShare * float64(length))).Truncate(time.Hour)
	if classes, minCount, _ := poolLimits(s, s.Policy); len(classes) > 0 { // all candidates start with the same shape
		s.InitialShape.InstanceClass = cmp.Or(s.InitialShape.InstanceClass, classes[0])
		s.InitialShape.Count = cmp.Or(s.InitialShape.Count, minCount)
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
		for _, vary := range sr.dimensions() {
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

// randomCandidates draws policies at random: a variant in each dimension. It always draws the same.
func (s *searcher) randomCandidates(base Candidate) []Candidate {
	random := rand.New(rand.NewPCG(1, 1)) // repeatable
	count := randomPolicies
	if s.limits.KeepShapes {
		count = randomThresholds
	}
	out := make([]Candidate, 0, count)
	seen := map[string]bool{}
	for range count {
		candidate := base
		for _, vary := range s.dimensions() {
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

// distinctCandidates keeps the first of several policies that differ in their windows only, or that have the same score.
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

// searcher is the state of a search.
type searcher struct {
	setup   backtest.Setup
	limits  Limits
	splitAt time.Time
	// minLargestVCPUs is the minimum of the vCPUs of a policy's largest shape, maxSmallestVCPUs the maximum of those of its smallest
	// shape.
	minLargestVCPUs, maxSmallestVCPUs float64
	// hasPrices says that every class has a price, so that costs are compared in money.
	hasPrices bool
	// mu protects evaluatedCount and serializes onEvaluated.
	mu             sync.Mutex
	evaluatedCount int
	onEvaluated    func(int)
	// evaluated are the candidates with a training score, by candidateKey.
	evaluated map[string]Candidate
}

// candidateKey identifies a policy and its initial shape.
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

// evaluate adds the training scores to candidates. It simulates only those that it has not simulated before.
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

// validate adds the validation scores to candidates.
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

// setupFor is the setup of a candidate, scored from one time until another.
func (s *searcher) setupFor(candidate Candidate, from, until time.Time) backtest.Setup {
	setup := s.setup
	setup.Policy, setup.InitialShape, setup.ScoredFrom, setup.ScoredUntil = candidate.Policy, candidate.InitialShape, from, until
	return setup
}

// scoredWeeks is the scored time in weeks.
func scoredWeeks(score backtest.Score) float64 { return float64(score.ScoredMinutes) / week.Minutes() }

// meetsLimits reports whether a score meets the limits.
func (s *searcher) meetsLimits(score backtest.Score) bool { return s.limitExcess(score) == 0 }

// limitExcess is the sum of the relative excesses over the limits. For limits below 1, it is the absolute excess.
func (s *searcher) limitExcess(score backtest.Score) float64 {
	excess := func(value, limit float64) float64 { return max(0, value-limit) / max(limit, 1) }
	total := excess(float64(score.OverloadedMinutes), s.limits.MaxOverloadedMinutesPerWeek*scoredWeeks(score)) +
		excess(float64(score.Disruptions), s.limits.MaxDisruptionsPerWeek*scoredWeeks(score))
	if s.limits.MaxMonthlyCost > 0 {
		total += excess(float64(MonthlyCost(score)), float64(s.limits.MaxMonthlyCost))
	}
	return total
}

// MonthlyCost is the cost of a score per month of 730 hours.
func MonthlyCost(score backtest.Score) scaling.Money {
	return scaling.Money(float64(score.Cost) * hoursPerMonth * 60 / max(1, float64(score.ScoredMinutes)))
}

// compare orders the better candidate first: the one nearer to the limits, then the cheaper one, then the less overloaded one, then
// the one with fewer changes from the base policy.
func (s *searcher) compare(a, b Candidate) int {
	cost := func(score backtest.Score) float64 {
		if s.hasPrices {
			return float64(score.Cost)
		}
		return math.Round(1000 * score.VCPUHours) // a rounding error is not a saving
	}
	scoreA, scoreB := a.TrainingScore, b.TrainingScore
	return cmp.Or(
		cmp.Compare(s.limitExcess(scoreA), s.limitExcess(scoreB)),
		cmp.Compare(cost(scoreA), cost(scoreB)),
		cmp.Compare(scoreA.OverloadedMinutes, scoreB.OverloadedMinutes),
		cmp.Compare(len(a.Changes), len(b.Changes)),
		cmp.Compare(candidateKey(a), candidateKey(b)),
	)
}
