package decide

import (
	"math"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// A hot standby of PostgreSQL must allow as many connections as its primary: with fewer it pauses the replication, before version 14
// it stops (PostgreSQL documentation, "Hot Standby", administrator's overview). With the default parameter group max_connections
// follows the class up to 5000, so that a source outgrows its read replicas. Whether RDS compensates for it is not documented.

// lowersStandby reports whether a candidate would make a read replica of PostgreSQL allow fewer connections than its source, or fewer
// than now where it already does: the replicas scale up before the source, and down after it.
func (e *poolEvaluation) lowersStandby(c *candidate) bool {
	o := e.observation
	if o.Kind != scaling.DBInstance || o.Engine != "postgres" {
		return false
	}
	if e.standby == nil {
		e.standby = &standbyLimits{}
		e.standby.source, e.standby.lowest, e.standby.err = standbyConnections(o)
	}
	if e.standby.err != nil {
		return false // newPoolEvaluation reports a class that the catalog does not have
	}
	limits := e.limitsOf(c.class)
	if e.pool == scaling.Writer {
		return limits.MaxConnections > max(e.standby.source, e.standby.lowest)
	}
	return limits.MaxConnections < min(e.standby.source, e.standby.lowest)
}

// standbyLimits is what standbyConnections returns.
type standbyLimits struct {
	source, lowest int
	err            error
}

// standbyConnections returns the max_connections of the source and the lowest one of its read replicas, which without replicas is
// the largest number.
func standbyConnections(o *scaling.Observation) (source, lowest int, err error) {
	lowest = math.MaxInt32
	for n := range o.Instances {
		i := &o.Instances[n]
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return 0, 0, err
		}
		connections := class.LimitsWith(o.Engine, i.Parameters.Values).MaxConnections
		if i.Writer {
			source = connections
		} else {
			lowest = min(lowest, connections)
		}
	}
	return source, lowest, nil
}
