package catalog

import (
	"fmt"
	"math"
)

// The parameters that decide what fits a class, by their names in the RDS API. MySQL and MariaDB have the buffer pool in bytes,
// PostgreSQL the shared buffers in pages of 8 KiB (RDS user guide, "Working with PostgreSQL parameters").
const (
	maxConnectionsParameter = "max_connections"
	bufferPoolParameter     = "innodb_buffer_pool_size"
	sharedBuffersParameter  = "shared_buffers"
	sharedBuffersPageBytes  = 8192
	// maxCacheRatio is the share of a class's memory that a page cache of fixed size may take. The default of MySQL is 0.75; what
	// exceeds this leaves too little for connections, and AWS puts the instance into incompatible-parameters when it cannot start.
	maxCacheRatio = 0.80
)

// ParameterNames are the parameters that Limits reads.
var ParameterNames = []string{maxConnectionsParameter, bufferPoolParameter, sharedBuffersParameter}

// Limits is what a class holds with the parameters of an instance.
type Limits struct {
	// MaxConnections is the maximum number of client connections; ConnectionsKnown says whether the rule of the engine is known.
	MaxConnections   int
	ConnectionsKnown bool
	// CacheBytes is the size of the page cache.
	CacheBytes float64
	// Misfit says which parameter of fixed value is too large for the class, with both figures, or is empty.
	Misfit string
	// Unknown says which parameter cannot be evaluated, or is empty. The default of the engine is then used for it.
	Unknown string
}

// LimitsWith returns what the class holds with the parameters that a user has set, which replace the defaults of the engine. A value
// that follows the class, by a formula, fits every class. One that does not, fits a class when it is no more than the default of the
// engine for max_connections, and no more than 80 % of the memory for the page cache.
func (c Class) LimitsWith(engine string, parameters map[string]string) Limits {
	limits := Limits{CacheBytes: PageCacheRatio(engine) * float64(c.MemoryBytes)}
	limits.MaxConnections, limits.ConnectionsKnown = c.MaxConnections(engine)
	memory := usableMemoryRatio * float64(c.MemoryBytes)
	if text, set := parameters[maxConnectionsParameter]; set && limits.ConnectionsKnown {
		value, followsClass, err := evaluateFormula(text, memory)
		switch {
		case err != nil:
			limits.Unknown = maxConnectionsParameter + ": " + err.Error()
		case !followsClass && value > float64(limits.MaxConnections):
			limits.Misfit = fmt.Sprintf("max_connections is set to %.0f, and %s holds %d", value, c.Name, limits.MaxConnections)
			limits.MaxConnections = int(value)
		default:
			limits.MaxConnections = int(min(value, math.MaxInt32))
		}
	}
	name, unit := bufferPoolParameter, 1.0
	if engine == "postgres" || engine == "aurora-postgresql" {
		name, unit = sharedBuffersParameter, sharedBuffersPageBytes
	}
	text, set := parameters[name]
	if !set || PageCacheRatio(engine) == 0 {
		return limits
	}
	value, _, err := evaluateFormula(text, memory)
	if err != nil {
		limits.Unknown = name + ": " + err.Error()
		return limits
	}
	limits.CacheBytes = value * unit
	if limits.CacheBytes > maxCacheRatio*memory {
		limits.Misfit = fmt.Sprintf("%s is %.1f GiB, and %s has %.1f GiB of memory for the engine", name, limits.CacheBytes/gib, c.Name,
			memory/gib)
	}
	return limits
}
