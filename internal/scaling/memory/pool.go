// Package memory is what has to be remembered from one look at a database to the next, since AWS cannot tell it: since when a pool
// has been what it is, how large it was before, and what was done. It is pure: what is remembered comes in and goes out.
package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// pastLength is the greatest number of past capacities remembered, as the API's limit has it.
	pastLength = 64
	// pastAge is how long they are remembered: as long as CloudWatch keeps one-minute points (CloudWatch user guide, "Metrics
	// retention").
	pastAge = 15 * 24 * time.Hour
	// pastLeast is how long a pool must have been so to be remembered: what is read by it are means of a quarter of an hour.
	pastLeast = 15 * time.Minute
	// restartDoubt is by how much EngineUptime may put a start too late, compared with when the instance was seen in service.
	restartDoubt = 3 * time.Minute
)

// Member is an instance as it was last seen.
type Member struct {
	Identifier, Class string
	Serving           bool
}

// Pool is what is remembered of a pool.
type Pool struct {
	// Members by their identifiers; none before the first look.
	Members []Member
	// Since is when the pool was first seen to consist of these, each in service; zero while it is changing.
	Since time.Time
	// Past is how many vCPUs it had before, oldest first.
	Past []scaling.PastCapacity
}

// Look brings up to date what is remembered of a pool. Since stays what it was, and starts anew when an instance came, went,
// changed its class, restarted or was out of service: AWS cannot tell that later. Times are whole seconds.
func (p Pool) Look(o scaling.Observation, pool scaling.Pool) Pool {
	next, restarted := Pool{Members: make([]Member, 0, len(o.Instances))}, time.Time{}
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		next.Members = append(next.Members, Member{i.Identifier, i.Class, scaling.Serving(i.Status)})
		if i.RestartedAt.After(restarted) {
			restarted = i.RestartedAt
		}
	}
	if len(next.Members) == 0 {
		return Pool{}
	}
	slices.SortFunc(next.Members, func(a, b Member) int { return cmp.Compare(a.Identifier, b.Identifier) })
	restarted = restarted.Truncate(time.Second)
	same := !p.Since.IsZero() && slices.Equal(p.Members, next.Members)
	switch {
	case !next.serving():
	case same && !restarted.After(p.Since.Add(restartDoubt)):
		next.Since = p.Since
	case same: // it is still what it was, and its samples from before the restart are not to be trusted
		next.Since = restarted
	default:
		next.Since = o.At.Truncate(time.Second)
	}
	next.Past = p.past(next.Since, o)
	return next
}

func (p Pool) serving() bool {
	return !slices.ContainsFunc(p.Members, func(m Member) bool { return !m.Serving })
}

// past adds what a pool was before to what is remembered of it, when that has ended.
func (p Pool) past(since time.Time, o scaling.Observation) []scaling.PastCapacity {
	past := p.Past
	if !p.Since.IsZero() && !since.Equal(p.Since) {
		ended := o.At.Truncate(time.Second)
		if vcpus := p.vcpus(o.Engine); vcpus > 0 && ended.Sub(p.Since) >= pastLeast {
			past = append(slices.Clone(past), scaling.PastCapacity{Since: p.Since, Until: ended, VCPUs: vcpus})
		}
	}
	first := max(0, len(past)-pastLength)
	for first < len(past) && o.At.Sub(past[first].Until) > pastAge {
		first++
	}
	return past[first:]
}

// vcpus is the vCPUs of the members together; zero when a class is not known.
func (p Pool) vcpus(engine string) float64 {
	total := 0
	for _, m := range p.Members {
		class, err := catalog.Lookup(m.Class)
		if err != nil {
			return 0
		}
		total += class.VCPUFor(engine)
	}
	return float64(total)
}

// Shapes is how many vCPUs the pool had when, up to now. It is written over what into has.
func (p Pool) Shapes(into []scaling.PastCapacity, o scaling.Observation) []scaling.PastCapacity {
	out := append(into[:0], p.Past...)
	if vcpus := p.vcpus(o.Engine); !p.Since.IsZero() && vcpus > 0 {
		out = append(out, scaling.PastCapacity{Since: p.Since, Until: o.At, VCPUs: vcpus})
	}
	return out
}
