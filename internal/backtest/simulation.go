package backtest

import (
	"context"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// RunPolicy simulates a policy under the whole recorded load. It calls onReconcile, which may be nil, after each reconcile. The
// error says which part of the setup cannot be simulated, or that the context ended.
func RunPolicy(ctx context.Context, s Setup, onReconcile func(ReconcileRecord)) (Run, error) {
	run := Run{ID: "dbscaler", Name: "dbscaler", Source: "this policy, by the operator's own decisions", Kind: PolicyRun}
	s, err := s.validated()
	if err != nil {
		return run, err
	}
	world, sc, err := newSimulation(s)
	if err != nil {
		return run, err
	}
	e := newEngine(world, s, sc.recordEvent)
	err = simulate(ctx, s, world, sc, func(now time.Time) time.Duration {
		record, requeueAfter := e.reconcile(now)
		if onReconcile != nil {
			onReconcile(record)
		}
		return requeueAfter
	})
	run = sc.result(run)
	run.Score.QuietMinutes = e.quietMinutes
	return run, err
}

// newSimulation creates the simulated world of a setup and the scorer that measures it.
func newSimulation(s Setup) (*model.World, *scorer, error) {
	scenario, err := s.Scenario()
	if err != nil {
		return nil, nil, err
	}
	world, err := model.New(scenario)
	if err != nil {
		return nil, nil, err
	}
	return world, newScorer(world, s), nil
}

// simulate advances the world until the recording ends. It calls reconcile, waits as long as reconcile returns, and calls it again.
func simulate(ctx context.Context, s Setup, world *model.World, sc *scorer, reconcile func(time.Time) time.Duration) error {
	end := s.endTime()
	for now := world.Now(); now.Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		world.Advance(now)
		sc.scoreNewMinutes()
		now = now.Add(reconcile(now))
	}
	world.Advance(end.Truncate(time.Minute))
	sc.scoreNewMinutes()
	return nil
}
