package convert

import (
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// RestoreObservation adds to an observation what the status of a policy remembers, as the operator does before it decides: when the pools
// last changed, their capacity before, ended operations, and what AWS lacked or refused. It is for readers of a policy who observe the
// database themselves. The status stays as it is. The state of the other policies (Fleet) is not part of it.
func RestoreObservation(o scaling.Observation, object *v1alpha1.DBScalingPolicy, now time.Time) scaling.Observation {
	status := object.Status.DeepCopy()
	o.History = state.ForgetServingReaders(History(status.History), &o)
	SetUnservedReaders(status.History, o.History)
	o.Instances = state.MarkUnservedReaders(o.Instances, Operation(status.Operation), o.History)
	target := TargetStatus(status.Target, o)
	writer := PoolState(PoolStatus(status.Writer, o, scaling.Writer))
	readers := PoolState(PoolStatus(status.Readers, o, scaling.Readers))
	o.UpgradedAt, o.PromotedAt = EngineUpgradedAt(target), PromotedAt(target)
	o.WriterChangedAt, o.ReadersChangedAt = writer.ChangedAt, readers.ChangedAt
	o.WriterUnchangedSince, o.ReadersUnchangedSince = writer.UnchangedSince, readers.UnchangedSince
	o.WriterCapacityHistory, o.ReadersCapacityHistory = writer.FullCapacityHistory(nil, &o), readers.FullCapacityHistory(nil, &o)
	o.Shortages = state.UpdateShortages(CapacityShortages(status.CapacityShortages), o, now)
	o.Refusals = state.ActiveRefusals(Refusals(status.Refusals), object.Generation, now)
	return o
}
