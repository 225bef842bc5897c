package draft

import (
	"fmt"
	"math"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// maxAddedReaders is how many more readers than today a draft allows.
const maxAddedReaders = 3

// maxReaders is the maximum number of readers of an Aurora cluster (Aurora user guide, "Aurora Replicas"), which the API has as its limit.
const maxReaders = 15

// readerCounts are the limits of the number of readers, and why.
type readerCounts struct {
	lowest, highest int
	reasons         []string
}

// newReaderCounts chooses the limits of the number of readers. There is at least one.
func newReaderCounts(in Input) readerCounts {
	o := in.Observation
	readers := o.PoolInstances(scaling.Readers)
	present := min(len(readers), maxReaders)
	c := readerCounts{lowest: present, highest: present}
	explain := func(format string, args ...any) { c.reasons = append(c.reasons, fmt.Sprintf(format, args...)) }
	explain("minReplicas: there are %d today, and the operator removes none that it did not create.", len(readers))
	switch {
	case o.AutoScaling != nil:
		c.lowest, c.highest = max(1, min(o.AutoScaling.Min, present)), max(1, min(o.AutoScaling.Max, maxReaders))
		c.highest = max(c.highest, present)
		explain("Both limits are those of Aurora Auto Scaling, which keeps the number of readers: the operator only resizes them until you "+
			"remove it (docs/gitops.md). It has %d to %d.", o.AutoScaling.Min, o.AutoScaling.Max)
	case o.BringsLicense():
		explain("maxReplicas: no more than today, because you bring the licence of the engine.")
	case o.Kind == scaling.DBInstance:
		explain("maxReplicas: no more than today. Read replicas have no common endpoint, so that a new one has no clients until they are told " +
			"its address. Raise it when they are.")
	case !in.Readers.IsKnown():
		c.highest = min(present+1, maxReaders)
		explain("maxReplicas: one more than today, as a cautious default, because the load of the readers is not known.")
	default:
		smallest := math.Inf(1)
		for _, i := range readers {
			if class, err := catalog.Lookup(i.Class); err == nil {
				smallest = min(smallest, class.VCPUFor(o.Engine))
			}
		}
		needed := int(math.Ceil(growthFactor * in.Readers.Peak / (smallest * fraction(DefaultCPU.Target))))
		c.highest = min(max(needed, present+1), present+maxAddedReaders, maxReaders)
		explain("maxReplicas: twice the peak of %s vCPU on %s needs %d readers of today's class at %d %%; a draft allows one to %d more than "+
			"today.", formatVCPUs(in.Readers.Peak), formatTime(in.Readers.PeakAt), needed, DefaultCPU.Target, maxAddedReaders)
	}
	return c
}

// explainNoReaders says why the policy scales no readers, or is empty.
func explainNoReaders(in Input) string {
	o := in.Observation
	switch {
	case in.hasReaders() || o.ResizedAsUnit:
		return ""
	case o.CannotReplicate != "":
		return "No readers: there are none, and AWS refuses to create one: " + strings.TrimSuffix(o.CannotReplicate, ".") + "."
	case o.Kind == scaling.DBInstance:
		return "No readers: the instance has no read replicas, and a new one has no clients until they are told its address."
	default:
		return "No readers: the cluster has none, and with spec.readers the operator would create one at once. Add spec.readers if you want " +
			"that. While the writer is resized, a surge reader takes over for some minutes (guardrails.surgeReaders)."
	}
}
