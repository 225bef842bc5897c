package app

import (
	"context"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recommend"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/draft"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// minSearchedLoad is the load that a search needs: four days to fit, and two to check.
	minSearchedLoad = 6 * 24 * time.Hour
	// minSearchedShare is the share of it that must be known.
	minSearchedShare = 0.9
	// minSaving is the share of the cost that other thresholds must save: a smaller one is chance.
	minSaving = 0.03
)

// searchLimits are the default limits of kubectl dbscaler recommend.
var searchLimits = recommend.Limits{MaxOverloadedMinutesPerWeek: 5, MaxDisruptionsPerWeek: 2, KeepShapes: true}

// chooseThresholds searches thresholds by simulation, as recommend does, and keeps them only if the drafted policy is better with them on
// the part of the load that the search has not seen. Otherwise the defaults stay.
func (i *initCommand) chooseThresholds(
	ctx context.Context, policy scaling.Policy, in draft.Input, recordings map[scaling.Pool]*recording.Recording,
) (draft.Thresholds, error) {
	defaults := func(format string, args ...any) draft.Thresholds {
		return draft.Thresholds{CPU: draft.DefaultCPU, Reasons: []string{"Thresholds: the defaults. " + fmt.Sprintf(format, args...)}}
	}
	setup, reason := newThresholdSetup(policy, in, recordings)
	switch {
	case !i.fit:
		return defaults("No others were searched (--fit=false)."), nil
	case reason != "":
		return defaults("No others were searched: %s.", reason), nil
	}
	progress := newProgress(i.streams.ErrOut)
	result, err := recommend.Search(ctx, setup, searchLimits, progress.policiesEvaluated)
	progress.clear()
	if err != nil {
		return draft.Thresholds{}, err
	}
	best, base := result.Best[0], result.Base
	examined := fmt.Sprintf("%d variants of thresholds and windows were simulated under the load of the %s, fitted up to %s and checked on "+
		"the rest", result.EvaluatedPolicies, poolWords(setup.Pool), result.SplitAt.UTC().Format("2006-01-02 15:04Z"))
	isBetter := best.MeetsLimits && best.MeetsLimitsInValidation && (!base.MeetsLimitsInValidation ||
		isCheaper(best.TrainingScore, base.TrainingScore) && isCheaper(best.ValidationScore, base.ValidationScore))
	if !isBetter {
		return defaults("%s: none was better on both parts. With the defaults, simulated on the rest: %s.", examined,
			report.FormatScore(base.ValidationScore)), nil
	}
	p := best.Policy
	return draft.Thresholds{
		CPU: p.CPU, ScaleUpWindow: p.ScaleUp.Window, ScaleDownWindow: p.ScaleDown.Window, ClassWindow: p.ScaleDownClassWindow,
		IsFitted: true, Reasons: []string{fmt.Sprintf("Thresholds: %s. Simulated on the rest: %s; with the defaults: %s.", examined,
			report.FormatScore(best.ValidationScore), report.FormatScore(base.ValidationScore))},
	}, nil
}

// poolWords names a pool in a sentence.
func poolWords(pool scaling.Pool) string {
	if pool == scaling.Readers {
		return "readers"
	}
	return "writer"
}

// isCheaper reports whether a score costs less than another by at least minSaving.
func isCheaper(s, other backtest.Score) bool {
	ratio := s.CostRatio(other)
	return ratio > 0 && ratio <= 1-minSaving
}

// newThresholdSetup returns the setup of the simulation of the readers, or else of the writer; or why there is none.
func newThresholdSetup(
	policy scaling.Policy, in draft.Input, recordings map[scaling.Pool]*recording.Recording,
) (setup backtest.Setup, reason string) {
	o := in.Observation
	pool, load := scaling.Writer, in.Writer
	if policy.Readers != nil && o.Kind == scaling.DBCluster {
		pool, load = scaling.Readers, in.Readers
	}
	recorded := recordings[pool]
	switch {
	case o.Serverless:
		return setup, "the simulation does not know Aurora Serverless v2"
	case o.ResizedAsUnit:
		return setup, "the simulation does not know Multi-AZ DB clusters"
	case recorded == nil:
		return setup, "no load is known"
	case load.Known < minSearchedLoad || float64(load.Known) < minSearchedShare*float64(recorded.End().Sub(recorded.Start)):
		return setup, fmt.Sprintf("only %.1f days of load are known; six are needed, with few gaps", load.Known.Hours()/24)
	}
	other := scaling.Readers
	if pool == scaling.Readers {
		other = scaling.Writer
	}
	isMeasured := true // demand above saturation
	for _, i := range o.PoolInstances(pool) {
		isMeasured = isMeasured && !i.DBLoadCPU.IsEmpty()
	}
	return backtest.Setup{
		Policy: policy, Pool: pool, Recording: recorded, InitialShape: poolShape(o, pool), OtherPoolShape: poolShape(o, other), Engine: o.Engine,
		MultiAZ: o.MultiAZ, PerformanceInsights: isMeasured, Seed: 1,
	}, ""
}
