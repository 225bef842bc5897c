package catalog

import (
	"math"
	"strings"
)

// usableMemoryRatio is the share of a class's memory that is DBInstanceClassMemory: the operating system and the processes of RDS
// use the rest. Measured: max_connections of Aurora PostgreSQL is 1722 on db.r6g.large, where 16 GiB/9531392
// would be 1802.
const usableMemoryRatio = 0.95

// MaxConnections is the maximum number of client connections of a class with the default parameter group of an engine; false when
// the rule of the engine is not known. For SQL Server it does not depend on the class.
//
// Sources: Aurora user guide, "Maximum connections to an Aurora PostgreSQL DB instance" and "… Aurora MySQL DB instance";
// RDS user guide, "Quotas and constraints", maximum number of database connections.
func (c Class) MaxConnections(engine string) (int, bool) {
	memory := usableMemoryRatio * float64(c.MemoryBytes)
	switch {
	case engine == "aurora-postgresql" && c.Family == serverlessFamily:
		return c.serverlessMaxConnections(), true
	case engine == "aurora-postgresql", engine == "postgres":
		return int(min(memory/9531392, 5000)), true
	case engine == "aurora-mysql":
		return int(max(45*math.Log2(memory/805306368), 1000*math.Log2(memory/8187281408))), true
	case engine == "mysql":
		return int(memory / 12582880), true
	case engine == "mariadb":
		return int(min(memory/25165760, 12000)), true
	case strings.HasPrefix(engine, "oracle"):
		return int(min(memory/9868951, 20000)), true
	case strings.HasPrefix(engine, "sqlserver"):
		return 32767, true
	}
	return 0, false
}

// PageCacheRatio is the share of a class's memory that the default parameter group of an engine gives to its page cache. The
// cache follows the class, so that only the rest must fit another class. It is 0 for engines whose rule is not known: all memory
// must fit.
//
// Sources: default parameter groups: shared_buffers SUM({DBInstanceClassMemory/12038},-50003) pages of 8 KiB (Aurora
// PostgreSQL), {DBInstanceClassMemory/32768} pages of 8 KiB (RDS for PostgreSQL), innodb_buffer_pool_size
// {DBInstanceClassMemory*3/4} (MySQL, MariaDB, Aurora MySQL).
func PageCacheRatio(engine string) float64 {
	switch engine {
	case "aurora-postgresql":
		return 0.68 * usableMemoryRatio
	case "postgres":
		return 0.25 * usableMemoryRatio
	case "aurora-mysql", "mysql", "mariadb":
		return 0.75 * usableMemoryRatio
	}
	return 0
}
