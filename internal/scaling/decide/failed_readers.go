package decide

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// proposeFailedReaderCleanup proposes to remove the readers of the operator that AWS failed to create. They never served, so that
// the load does not matter.
func proposeFailedReaderCleanup(o *scaling.Observation) *scaling.Proposal {
	failed := o.FailedReaders()
	if len(failed) == 0 {
		return nil
	}
	descriptions := make([]string, len(failed))
	for n, i := range failed {
		descriptions[n] = fmt.Sprintf("%s (%s, %s)", i.Identifier, i.Class, i.Status)
	}
	text := "AWS failed to create readers that dbscaler requested, and they have to be deleted: " + strings.Join(descriptions, ", ")
	return &scaling.Proposal{Reason: scaling.ReasonFailedReader, Message: text, Cause: text, Change: scaling.Change{
		Pool: scaling.Readers, Direction: scaling.Cleanup, From: o.Shape(scaling.Readers), To: o.WithoutFailedReaders().Shape(scaling.Readers),
	}}
}
