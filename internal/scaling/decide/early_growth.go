package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ownChangeTolerance is how long after the end of an operation its last change may be observed.
const ownChangeTolerance = time.Minute

// proposeEarlyGrowth proposes to add readers to a pool whose load is not fully known yet, because it has just grown or was observed for the
// first time: the readers that are in service and warmed up already show more than the pool carries. It returns the load that the
// proposal rests on, and nil without one.
//
// Readers are only added, which interrupts nothing. Where the roles of instances may have changed, their samples may be those of the
// writer, and nothing is proposed.
func (e *poolEvaluation) proposeEarlyGrowth() (*scaling.Proposal, scaling.Load) {
	o := e.observation
	class := e.currentShape().InstanceClass
	if e.pool != scaling.Readers || o.Kind != scaling.DBCluster || o.ResizedAsUnit || class == "" || !e.isCompositionKnown() {
		return nil, scaling.Load{}
	}
	load := leastLoad(e.policy, o, e.instances, e.instances, e.now)
	if !load.Fresh || load.Censored { // a hidden demand is measured again before it is doubled again
		return nil, load
	}
	early := *e
	early.load, early.candidates, early.buffers = load, nil, new(poolBuffers)
	proposal := early.proposeMoreReaders(class, e.policy.Readers.Max-len(e.instances), "though their load is not fully known yet")
	e.reported = early.reported
	return proposal, load
}

// isCompositionKnown reports whether every reader is known to have been a reader for as long as it is warmed up: the last change of the
// pool was the operation that enlarged it, or the pool was observed for the first time.
func (e *poolEvaluation) isCompositionKnown() bool {
	o := e.observation
	changedAt := o.ChangedAt(scaling.Readers)
	if changedAt.IsZero() {
		return false
	}
	if len(o.History) == 0 {
		return len(o.ReadersCapacityHistory) <= 1
	}
	for _, r := range o.History {
		if r.Pool == scaling.Readers {
			return r.Direction == scaling.Up && r.Succeeded && !changedAt.After(r.CompletedAt.Add(ownChangeTolerance))
		}
	}
	return false
}
