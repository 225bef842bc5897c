package backtest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/reactive"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// reactiveInterval is the time between two decisions of the reactive limit.
	reactiveInterval = 15 * time.Second
	// readerCreation is the model's mean time to create a reader: 6 to 9 minutes.
	readerCreation = 7*time.Minute + 30*time.Second
)

// reactiveKeepDurations are the times for which the reactive limit may keep what is not needed at present. It uses the best one of them for
// the load: the one with the lowest cost, where an overloaded minute costs as much as an hour of the pool.
var reactiveKeepDurations = []time.Duration{0, 10 * time.Minute, 30 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour}

// reactiveRule is the rule of the reactive limit for a setup. A new size serves as soon as readers can be created, whatever its class;
// for the writer, as soon as the oracle could have it.
func (s Setup) reactiveRule() (rule reactive.Rule, sizes []poolSize, start int) {
	rule = reactive.Rule{
		TargetPercent: float64(s.Policy.CPU.Target), GrowDuration: readerCreation, RemoveDuration: removeMinutes * time.Minute,
	}
	if s.Pool == scaling.Writer {
		rule.GrowDuration = time.Duration(s.writerChangeMinutes()) * time.Minute
		rule.RemoveDuration = rule.GrowDuration
	}
	ladder := s.newSizeLadder(func(poolSize) bool { return true })
	for n, size := range ladder.sizes {
		isDominated := false // a larger size costs no more
		for _, larger := range ladder.sizes[n+1:] {
			isDominated = isDominated || larger.hourlyCost <= size.hourlyCost
		}
		if !isDominated || n == ladder.startIndex {
			if n == ladder.startIndex {
				start = len(sizes)
			}
			sizes = append(sizes, size)
			rule.Sizes = append(rule.Sizes, reactive.Size{VCPUs: size.vcpus, HourlyCost: size.hourlyCost})
		}
	}
	return rule, sizes, start
}

// runReactiveLimit plays the reactive limit with each of the keep durations, and returns the best run.
func runReactiveLimit(ctx context.Context, s Setup) (Run, error) {
	var best Run
	for n, keep := range reactiveKeepDurations {
		run, err := playReactiveLimit(ctx, s, keep)
		if err != nil {
			return run, err
		}
		if n == 0 || weighOverload(run.Score) < weighOverload(best.Score) {
			best = run
		}
	}
	return best, nil
}

// weighOverload is the cost of a run in vCPU hours, where each overloaded minute costs as much as an hour of the pool.
func weighOverload(s Score) float64 {
	return s.VCPUHours * (1 + float64(s.OverloadedMinutes)/max(1, float64(s.ScoredMinutes)/60))
}

// playReactiveLimit plays the reactive limit in the simulated world: its vCPUs serve the load as those of any other run, with the same
// saturation and the same backlog. They are warm, and the clients are distributed at once.
func playReactiveLimit(ctx context.Context, s Setup, keep time.Duration) (Run, error) {
	rule, sizes, start := s.reactiveRule()
	rule.KeepDuration = keep
	run := Run{
		ID: reactiveID, Name: "Reactive limit", Kind: ReactiveRun,
		Source: fmt.Sprintf("knows the present demand exactly and without delay, asks at once for the smallest size on which it needs at most "+
			"%d%% CPU, waits %s for it, and keeps it for %s after it was needed last (the best time for this load): a bound for loads that "+
			"cannot be foreseen", s.Policy.CPU.Target, rule.GrowDuration, keep),
	}
	world, sc, err := newSimulation(s)
	if err != nil {
		return run, err
	}
	pool := reactive.NewPool(rule, start)
	state := pool.Advance(world.Now(), math.NaN())
	sc.billedSize = func() (float64, float64) { return state.BilledVCPUs, state.HourlyCost }
	region, id := s.Policy.Target.Scope.Region, s.Policy.Target.Identifier
	var instances []string
	world.ForEachInstance(region, id, func(i *model.Instance, writer bool) {
		if writer == (s.Pool == scaling.Writer) {
			instances = append(instances, i.Identifier)
		}
	})
	err = simulate(ctx, s, world, sc, func(now time.Time) time.Duration {
		before := state
		state = pool.Advance(now, presentLoad(world, s, now))
		if before.RightSize != state.RightSize {
			kind := EventScaleUp
			if state.RightSize < before.RightSize {
				kind = EventScaleDown
			}
			message := fmt.Sprintf("%s → %s", sizes[before.RightSize].Shape, sizes[state.RightSize].Shape)
			sc.recordEvent(Event{Time: now, Kind: kind, Message: message})
		}
		if before.VCPUs != state.VCPUs {
			for _, name := range instances {
				// It cannot fail: the instance exists, and its share is positive.
				_ = world.SetVCPUs(region, name, state.VCPUs/float64(len(instances)))
			}
		}
		return reactiveInterval
	})
	return sc.result(run), err
}

// presentLoad is the load of the pool now, in vCPUs: new work, and the waiting work that clients request again. It is NaN in a gap.
func presentLoad(world *model.World, s Setup, now time.Time) float64 {
	if !isRecorded(s.Recording, now) {
		return math.NaN()
	}
	writer, readers, _ := world.PoolGroundTruth(s.Policy.Target.Scope.Region, s.Policy.Target.Identifier)
	pool := readers
	if s.Pool == scaling.Writer {
		pool = writer
	}
	return pool.DemandVCPUs + pool.BacklogVCPUSeconds/retryPeriod.Seconds()
}
