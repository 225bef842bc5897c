package recommend

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// dimension lists the variants of a policy in one setting of the recorded pool, within the limits of the base policy.
type dimension func(base backtest.Setup, policy scaling.Policy) []scaling.Policy

// dimensions are varied in this order: first the allowed shapes, then the conditions of a change.
var dimensions = append([]dimension{ladderVariants, readerCountVariants}, conditionDimensions...)

// conditionDimensions are the conditions of a change.
var conditionDimensions = []dimension{
	thresholdVariants,
	windowVariants(func(p *scaling.Policy) *time.Duration { return &p.ScaleUp.Window }, time.Minute, 2*time.Minute, 5*time.Minute),
	windowVariants(func(p *scaling.Policy) *time.Duration { return &p.ScaleDown.Window }, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour),
	windowVariants(func(p *scaling.Policy) *time.Duration { return &p.ScaleDownClassWindow }, 4*time.Hour, 12*time.Hour, 24*time.Hour),
}

// dimensions are those that the search varies.
func (s *searcher) dimensions() []dimension {
	if s.limits.KeepShapes {
		return conditionDimensions
	}
	return dimensions
}

// ladderVariants have each contiguous part of the base policy's ladder.
func ladderVariants(base backtest.Setup, policy scaling.Policy) []scaling.Policy {
	var out []scaling.Policy
	addParts := func(classes []string, setClasses func(variant *scaling.Policy, classes []string)) {
		for from := range classes {
			for to := from + 1; to <= len(classes); to++ {
				variant := policy
				setClasses(&variant, classes[from:to])
				out = append(out, variant)
			}
		}
	}
	if base.Pool == scaling.Readers {
		addParts(base.Policy.Readers.InstanceClasses, func(variant *scaling.Policy, classes []string) {
			readers := *policy.Readers
			readers.InstanceClasses = classes
			variant.Readers = &readers
		})
	} else {
		addParts(base.Policy.Writer.InstanceClasses, func(variant *scaling.Policy, classes []string) {
			variant.Writer = &scaling.WriterLimits{InstanceClasses: classes}
		})
	}
	return out
}

// readerCountVariants have each range of reader counts within the base policy's limits, with at least the initial readers.
func readerCountVariants(base backtest.Setup, policy scaling.Policy) []scaling.Policy {
	if base.Pool != scaling.Readers {
		return nil
	}
	limits := base.Policy.Readers
	var out []scaling.Policy
	for minCount := max(limits.Min, base.InitialShape.Count); minCount <= limits.Max; minCount++ {
		for maxCount := minCount; maxCount <= limits.Max; maxCount++ {
			variant, readers := policy, *policy.Readers
			readers.Min, readers.Max = minCount, maxCount
			variant.Readers = &readers
			out = append(out, variant)
		}
	}
	return out
}

// thresholdVariants have different CPU thresholds.
func thresholdVariants(_ backtest.Setup, policy scaling.Policy) []scaling.Policy {
	thresholds := []scaling.CPU{
		{Target: 45, ScaleUp: 60, ScaleDown: 30}, {Target: 50, ScaleUp: 65, ScaleDown: 35}, {Target: 55, ScaleUp: 70, ScaleDown: 40},
		{Target: 60, ScaleUp: 75, ScaleDown: 45}, {Target: 65, ScaleUp: 75, ScaleDown: 50}, {Target: 65, ScaleUp: 80, ScaleDown: 50},
		{Target: 70, ScaleUp: 80, ScaleDown: 55}, {Target: 75, ScaleUp: 85, ScaleDown: 60},
	}
	out := slices.Repeat([]scaling.Policy{policy}, len(thresholds))
	for n := range out {
		out[n].CPU = thresholds[n]
	}
	return out
}

// windowVariants have different values of one window.
func windowVariants(windowOf func(*scaling.Policy) *time.Duration, choices ...time.Duration) dimension {
	return func(_ backtest.Setup, policy scaling.Policy) []scaling.Policy {
		out := slices.Repeat([]scaling.Policy{policy}, len(choices))
		for n := range out {
			*windowOf(&out[n]) = choices[n]
		}
		return out
	}
}
