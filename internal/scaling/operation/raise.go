package operation

import (
	"fmt"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Raise returns the operation with further new readers, for a proposal that has the class of the operation and more readers. What was
// done or requested stays as it is; the new steps follow the last create. The error says why the operation cannot be raised so.
func Raise(p scaling.Policy, o scaling.Observation, op scaling.Operation, proposal scaling.Proposal) (scaling.Operation, error) {
	added := proposal.To.Count - op.To.Count
	if op.Pool != scaling.Readers || op.Direction != scaling.Up || proposal.To.InstanceClass != op.To.InstanceClass || added <= 0 {
		return op, fmt.Errorf("the operation %s leads to %s and cannot be raised to %s: it only adds readers of its class", op.ID, op.To,
			proposal.To)
	}
	creates, position := 0, 0
	for n, s := range op.Steps {
		if s.Action == scaling.CreateReader {
			creates++
			position = n + 1
		}
	}
	op.Steps = slices.Clone(op.Steps)
	for n := range added {
		op.Steps = slices.Insert(op.Steps, position+n, newCreateStep(p, o, op.To.InstanceClass, op.ID, creates+n+1, false))
	}
	op.To, op.Cause = proposal.To, proposal.Cause
	return op, nil
}
