package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
)

const (
	// namePrefix starts the identifier of everything that a rehearsal creates, and tagRun is the key of a tag whose value is the ID of
	// the run. A rehearsal deletes only what has both.
	namePrefix, tagRun = "dbscaler-rehearsal-", "dbscaler.io/rehearsal"
	// defaultSubnetGroup is the DB subnet group of a default VPC.
	defaultSubnetGroup = "default"
	// cleanupTimeout limits the deletion of the databases of a run.
	cleanupTimeout = 30 * time.Minute
)

// rehearsal is one run.
type rehearsal struct {
	settings
	target *target
	runID  string
	in     io.Reader
	out    *lockedWriter
	found  foundResources
	// newPassword returns a master password.
	newPassword func() string
	// beforeStep is called before each step; nil outside of tests.
	beforeStep func(database, step string)
}

func newRehearsal(s settings, t *target, in io.Reader, out io.Writer) *rehearsal {
	return &rehearsal{settings: s, target: t, runID: newRunID(), in: in, out: &lockedWriter{out: out}, newPassword: newPassword}
}

// run rehearses. The end of ctx stops the rehearsal, and that of cleanupCtx the cleanup that follows.
func (r *rehearsal) run(ctx, cleanupCtx context.Context) error {
	if err := r.target.checkAccount(ctx); err != nil {
		return err
	}
	leftovers, err := r.target.findResources(ctx, func(resource) bool { return true })
	if err != nil {
		return fmt.Errorf("leftovers of earlier rehearsals cannot be searched for: %w", err)
	}
	r.showLeftovers(leftovers)
	if r.cleanup && len(leftovers) == 0 {
		return nil
	}
	if !r.cleanup {
		r.showCost(ctx)
	}
	if err := r.confirm(ctx); err != nil {
		return err
	}
	isLeftover := func(found resource) bool {
		return slices.ContainsFunc(leftovers, func(l resource) bool { return l.kind == found.kind && l.identifier == found.identifier })
	}
	if err := r.remove(cleanupCtx, isLeftover); err != nil || r.cleanup {
		return err
	}
	results, err := r.rehearse(ctx, cleanupCtx)
	// What another rehearsal has created since the start is not removed: it may be in progress.
	err = errors.Join(err, r.remove(cleanupCtx, func(found resource) bool { return found.runID == r.runID || isLeftover(found) }))
	if ctx.Err() != nil {
		return errors.Join(errors.New("the rehearsal was stopped: nothing was compared"), err)
	}
	return errors.Join(err, r.report(ctx, results))
}

// rehearse runs the steps of all databases in parallel, and removes each database after its last step. It returns the recordings of
// all that were started, also after an error.
func (r *rehearsal) rehearse(ctx, cleanupCtx context.Context) ([]*session, error) {
	ctx = withTimeLimit(ctx, r.target.clock, r.timeout, fmt.Sprintf("pass a longer --timeout, at most %s", maxTimeout))
	fmt.Fprintf(r.out, "Run %s in %s\n", r.runID, r.target.place())
	sessions, errs := make([]*session, len(r.only)), make([]error, len(r.only))
	var wg sync.WaitGroup
	for n, name := range r.only {
		sessions[n] = newSession(r, r.target, name)
		wg.Go(func() {
			errs[n] = sessions[n].run(ctx)
			prefix := sessions[n].identifier
			// An error is not final: the search at the end tries again, and reports what remains.
			_ = r.remove(cleanupCtx, func(found resource) bool {
				return found.runID == r.runID && strings.HasPrefix(found.identifier, prefix)
			})
		})
	}
	wg.Wait()
	return sessions, errors.Join(errs...)
}

// report stores the recordings, makes the same requests of a simulator, and shows the differences.
func (r *rehearsal) report(ctx context.Context, sessions []*session) error {
	dir := r.fixtures
	if dir == "" {
		dir = filepath.Join("bin", "rehearsal", r.runID)
	}
	recorded := map[string][]fixture.Exchange{}
	for _, s := range sessions {
		recorded[s.name] = s.exchanges
		if err := fixture.WriteDir(filepath.Join(dir, s.name), s.exchanges); err != nil {
			return fmt.Errorf("the recordings cannot be stored: %w", err)
		}
	}
	fmt.Fprintf(r.out, "\nThe recorded requests and responses are in %s\n", dir)
	simulated, err := r.simulate(ctx, sessions)
	return errors.Join(err, r.compare(recorded, simulated))
}

// simulate runs the same steps against a simulator that it starts, up to the last one that was made in AWS. It returns an error for
// a step that failed there only.
func (r *rehearsal) simulate(ctx context.Context, sessions []*session) (map[string][]fixture.Exchange, error) {
	simulator, err := startSimulator(ctx, r.region, r.account)
	if err != nil {
		return nil, err
	}
	defer simulator.stop()
	out := map[string][]fixture.Exchange{}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs = make([]error, len(sessions))
	)
	for n, recorded := range sessions {
		wg.Go(func() {
			s := newSession(r, simulator, recorded.name)
			s.quiet, s.lastStep = true, recorded.lastStep
			if recorded.subnetGroup != "" {
				s.subnetGroup = defaultSubnetGroup
			}
			if err := s.run(ctx); err != nil && (!recorded.hasFailed || s.lastStep != recorded.lastStep) {
				errs[n] = fmt.Errorf("the simulator cannot do what AWS does: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			out[s.name] = s.exchanges
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// lockedWriter lets sessions that run in parallel write lines.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

// Write implements io.Writer.
func (w *lockedWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(text)
}
