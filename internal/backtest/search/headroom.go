package search

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// headroom is how many times the highest demand that was fitted on the largest shape of a policy must carry: a ladder without its upper
// rungs costs the least, as long as nothing new happens. It is the factor by which a saturated pool grows whose demand nothing shows.
const headroom = 2

// room is the vCPUs that the largest shape of a policy must have: what carries the headroom at the target, and no more than the policy
// has that the search begins with.
func room(s backtest.Setup, split time.Time) float64 {
	return min(largest(s, s.Policy), headroom*peak(s.Recording, split)*100/float64(s.Policy.CPU.Target))
}

// choices are the alternatives to a policy in a dimension that have room for what was not seen yet.
func (x *searcher) choices(d dimension, of Found) []Found {
	var out []Found
	for _, p := range d(Found{Policy: x.setup.Policy, Start: x.setup.Start}, of.Policy) {
		if largest(x.setup, p) >= x.least {
			out = append(out, Found{Policy: p, Start: of.Start, Changed: changes(x.setup.Policy, p)})
		}
	}
	return out
}

// largest is the vCPUs of the largest shape of a policy.
func largest(s backtest.Setup, p scaling.Policy) float64 {
	var classes []string
	count := 1
	switch {
	case s.Pool == scaling.Readers && p.Readers != nil:
		classes, count = p.Readers.InstanceClasses, p.Readers.Max
	case s.Pool == scaling.Writer && p.Writer != nil:
		classes = p.Writer.InstanceClasses
	}
	most := 0.0
	for _, name := range classes {
		if class, err := catalog.Lookup(name); err == nil { // what nobody knows is said when it is played
			most = max(most, float64(class.VCPUFor(s.Engine)))
		}
	}
	return most * float64(count)
}

// peak is the highest demand of a recording before a moment, in vCPUs.
func peak(r *recording.Recording, until time.Time) float64 {
	most := 0.0
	for n, demand := range r.Demand {
		if demand > most && r.Start.Add(time.Duration(n)*r.Interval).Before(until) { // which a gap is not
			most = demand
		}
	}
	return most
}
