package backtest

import (
	"context"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// Play runs a policy under a recorded load, from its beginning to its end. Each look is told to each, which may be nil. The error
// says what of the setup makes no sense, or that the context ended.
func Play(ctx context.Context, s Setup, each func(Look)) (Run, error) {
	run := Run{ID: "dbscaler", Name: "dbscaler", Source: "this policy, by the operator's own decisions", Kind: Ours}
	s, err := s.complete()
	if err != nil {
		return run, err
	}
	w, m, err := begin(s)
	if err != nil {
		return run, err
	}
	r := newOperator(w, s, m.tell)
	err = drive(ctx, s, w, m, func(now time.Time) time.Duration {
		look, pause := r.look(now)
		if each != nil {
			each(look)
		}
		return pause
	})
	return m.result(run), err
}

// begin makes the world of a setup and the meter on it.
func begin(s Setup) (*model.World, *meter, error) {
	scenario, err := s.Scenario()
	if err != nil {
		return nil, nil, err
	}
	w, err := model.New(scenario)
	if err != nil {
		return nil, nil, err
	}
	return w, newMeter(w, s), nil
}

// drive lets time pass until the recording ends, and looks each time when the last look asked for it.
func drive(ctx context.Context, s Setup, w *model.World, m *meter, look func(time.Time) time.Duration) error {
	end := s.end()
	for now := w.Now(); now.Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.Advance(now)
		m.measure()
		now = now.Add(look(now))
	}
	w.Advance(end.Truncate(time.Minute))
	m.measure()
	return nil
}
