package catalog

import (
	"math"
	"strings"
)

// usableMemoryRatio is the part of a class's memory that RDS counts as DBInstanceClassMemory: the operating system and RDS's own
// processes take the rest. Measured: max_connections of Aurora PostgreSQL is 1722 on db.r6g.large, where 16 GiB/9531392
// would be 1802.
const usableMemoryRatio = 0.95

// MaxConnections is the number of client connections that a class takes with the default parameter group of an engine, and
// false when the engine's rule is not known. SQL Server does not bind it to the class.
//
// Sources: Aurora user guide, "Maximum connections to an Aurora PostgreSQL DB instance" and "… Aurora MySQL DB instance";
// RDS user guide, "Quotas and constraints", maximum number of database connections.
func (c Class) MaxConnections(engine string) (int, bool) {
	memory := usableMemoryRatio * float64(c.MemoryBytes)
	switch {
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

// PageCacheRatio is the part of a class's memory that an engine's default parameter group gives to its page cache. That part
// follows the class; only the rest has to fit. It is 0 for engines whose rule is not known, which asks for room for all.
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
