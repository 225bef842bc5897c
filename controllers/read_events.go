package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// eventsTimeout limits the reading of RDS events, in wall-clock time: the first decision can do without them.
const eventsTimeout = 20 * time.Second

// pastEvents are the RDS events from before the first observation of a database, and whether they were read.
type pastEvents struct {
	events []scaling.DatabaseEvent
	known  bool
}

// readPastEvents reads RDS events when the policy observes the database for the first time, which is when status knows nothing of its
// pools. It is not repeated, except that the SDK retries a request that AWS throttles: what happens from now on is observed. Without the
// events the pools count as changed now. It returns an error only when the reconcile was canceled.
func (r *Reconciler) readPastEvents(ctx context.Context, s *reconcileScope) (outcome, error) {
	status := &s.object.Status
	isFirst := status.Writer == nil && status.Readers == nil && status.Operation == nil && len(status.History) == 0
	if !isFirst || s.deleting || r.EventReader == nil {
		return proceed, nil
	}
	readCtx, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	observedAt := s.observation.ObservedAt
	read, err := r.EventReader.ReadEvents(readCtx, s.policy.Target, observedAt.Add(-scaling.EventLookBack), observedAt)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return stop, ctx.Err()
	case errors.Is(err, scaling.ErrNotRead):
		return pending, nil
	case err != nil:
		ctrllog.FromContext(ctx).Error(err, "RDS events cannot be read: the first scale-up waits for new samples", "target",
			s.policy.Target.String(), "role", s.policy.Target.Scope.RoleARN)
		remedy := "Nothing needs to be done"
		if errors.Is(err, scaling.ErrDenied) {
			remedy = grantPermissions
		}
		s.recordWarning(events.PastUnknown, observeAction, fmt.Sprintf("RDS events cannot be read: %s. It is not known whether the database "+
			"has changed lately, so that the first scale-up waits for samples from now on. %s", publicMessage(scaling.StableMessage(err)), remedy))
		return proceed, nil
	}
	s.pastEvents = pastEvents{read, true}
	return proceed, nil
}

// setUnchangedSince records since when each pool has been the same by the events that readPastEvents has read, if it has.
func (s *reconcileScope) setUnchangedSince() {
	if !s.pastEvents.known {
		return
	}
	status, o, target := &s.object.Status, s.observation, s.policy.Target
	convert.SetUnchangedSince(status.Writer, state.UnchangedSince(o, target, scaling.Writer, s.pastEvents.events))
	convert.SetUnchangedSince(status.Readers, state.UnchangedSince(o, target, scaling.Readers, s.pastEvents.events))
}
