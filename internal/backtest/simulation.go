package backtest

import (
	"context"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// RunPolicy runs a policy under a recorded load, from its beginning to its end. Each look is told to each, which may be nil. The error
// says what of the setup makes no sense, or that the context ended.
func RunPolicy(ctx context.Context, s Setup, each func(ReconcileRecord)) (Run, error) {
	run := Run{ID: "dbscaler", Name: "dbscaler", Source: "this policy, by the operator's own decisions", Kind: PolicyRun}
	s, err := s.validated()
	if err != nil {
		return run, err
	}
	w, m, err := newSimulation(s)
	if err != nil {
		return run, err
	}
	r := newEngine(w, s, m.recordEvent)
	err = simulate(ctx, s, w, m, func(now time.Time) time.Duration {
		look, pause := r.reconcile(now)
		if each != nil {
			each(look)
		}
		return pause
	})
	return m.result(run), err
}

// newSimulation makes the world of a setup and the meter on it.
func newSimulation(s Setup) (*model.World, *scorer, error) {
	scenario, err := s.Scenario()
	if err != nil {
		return nil, nil, err
	}
	w, err := model.New(scenario)
	if err != nil {
		return nil, nil, err
	}
	return w, newScorer(w, s), nil
}

// simulate lets time pass until the recording ends, and looks each time when the last look asked for it.
func simulate(ctx context.Context, s Setup, w *model.World, m *scorer, look func(time.Time) time.Duration) error {
	end := s.endTime()
	for now := w.Now(); now.Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.Advance(now)
		m.scoreNewMinutes()
		now = now.Add(look(now))
	}
	w.Advance(end.Truncate(time.Minute))
	m.scoreNewMinutes()
	return nil
}
