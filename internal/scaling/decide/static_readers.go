package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// holdForStaticReaders replaces the proposal for a reader pool without readers, where the readers that exist are in static lists of
// custom endpoints: a new reader would join none of them, and might serve nobody. A manual override is carried out.
func holdForStaticReaders(
	p *scaling.Policy, static []scaling.Instance, a *scaling.PoolAssessment, proposal *scaling.Proposal,
) *scaling.Proposal {
	isPoolEmpty := len(static) > 0 && a.Load.Pool == scaling.Readers && a.Load.Capacity == 0
	if p.Readers == nil || !isPoolEmpty || proposal != nil && proposal.Reason == scaling.ReasonOverride {
		return proposal
	}
	a.Hold = scaling.Hold{Reason: scaling.ReasonStaticEndpoints, Message: fmt.Sprintf(
		"Every reader (%d) is in the static list of a custom endpoint, which no new reader joins, so that the number and the class of "+
			"readers stay as they are. To have readers scaled, leave one out of the static lists, or use an exclusion list", len(static))}
	return nil
}
