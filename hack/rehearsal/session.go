package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// pollInterval is how often a database is described while the rehearsal waits for it.
	pollInterval = 15 * time.Second
	// stepTimeout limits the requests of one step. They are not interrupted by Ctrl-C: the response to a creation would be lost.
	stepTimeout = 2 * time.Minute
	// maxBusyTime limits how long a step is repeated while AWS says that the state of the database does not allow it.
	maxBusyTime = 20 * time.Minute
)

// session rehearses with one database.
type session struct {
	*rehearsal
	target *target
	// name is that of the database, such as aurora. identifier is that of the cluster or instance, and starts the others.
	name, identifier string
	operator         *awsx.Client
	databaseTarget   scaling.Target
	// exchanges are the recorded ones, in the order of the steps.
	exchanges []fixture.Exchange
	// lastStep is the last step that was made. If it is set before the run, the run ends with it.
	lastStep string
	// subnetGroup is that of the flag; a simulator has only the default one.
	subnetGroup string
	// hasFailed says that lastStep failed.
	hasFailed bool
	quiet     bool
}

// step is one step of a rehearsal.
type step struct {
	name string
	// run makes the requests, which are recorded.
	run func(ctx context.Context) error
	// isRefused says that AWS is expected to refuse the request. An acceptance is harmless, and becomes a difference.
	isRefused bool
	// wait waits until the effect of the step is complete; nil when there is none.
	wait func(ctx context.Context) error
}

func newSession(r *rehearsal, t *target, name string) *session {
	s := &session{rehearsal: r, target: t, name: name, identifier: namePrefix + r.runID + "-" + name, subnetGroup: r.subnetGroup}
	s.databaseTarget = scaling.Target{Scope: scaling.Scope{Region: t.region}, Kind: scaling.DBCluster, Identifier: s.identifier}
	if name == rdsName {
		s.databaseTarget.Kind = scaling.DBInstance
	}
	return s
}

// run makes all steps. The first one that fails ends it.
func (s *session) run(ctx context.Context) error {
	var err error
	if s.operator, err = s.target.newOperatorClient(ctx); err != nil {
		return err
	}
	until := s.lastStep
	s.lastStep = ""
	for n, step := range s.steps() {
		name := fmt.Sprintf("%02d-%s", n+1, step.name)
		if s.beforeStep != nil && !s.quiet {
			s.beforeStep(s.name, step.name)
		}
		err := s.makeStep(ctx, name, step)
		s.lastStep = name
		if err != nil {
			s.hasFailed = true
			return fmt.Errorf("%s, step %s: %w", s.name, name, err)
		}
		if name == until {
			break
		}
	}
	return nil
}

// makeStep makes a step, again while the database is busy, and waits until it is complete.
func (s *session) makeStep(ctx context.Context, name string, step step) error {
	deadline := s.target.clock.Now().Add(maxBusyTime)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		exchanges, err := s.attemptStep(ctx, name, step)
		if errors.Is(err, scaling.ErrBusy) && s.target.clock.Now().Before(deadline) {
			s.logf("%s: %s is repeated: %v", s.name, name, err)
			if err := waitToPoll(ctx, s.target.clock); err != nil {
				return err
			}
			continue
		}
		s.exchanges = append(s.exchanges, exchanges...)
		var apiErr smithy.APIError
		switch {
		case step.isRefused && err == nil:
			s.logf("%s: %s was accepted, and a refusal was expected", s.name, name)
		case step.isRefused && errors.As(err, &apiErr):
			s.logf("%s: %s was refused as expected: %s", s.name, name, apiErr.ErrorCode())
		case err != nil:
			return err
		default:
			s.logf("%s: %s", s.name, name)
		}
		if step.wait == nil {
			return nil
		}
		return step.wait(ctx)
	}
}

// attemptStep makes the requests of a step once, and returns what was recorded.
func (s *session) attemptStep(ctx context.Context, name string, step step) ([]fixture.Exchange, error) {
	recording := &stepRecording{step: name, redactor: fixture.Redactor{
		Account: s.target.account, Region: s.target.region, RunID: s.runID, SubnetGroup: s.subnetGroup, Database: s.identifier,
		Classes: rehearsedClasses,
	}}
	requestCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	err := step.run(withRecording(requestCtx, recording))
	exchanges, recordingErr := recording.finish()
	return exchanges, errors.Join(explainNetwork(awsx.Classify(err)), recordingErr)
}

func (s *session) logf(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}
