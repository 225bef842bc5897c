package state

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// HistoryRetention is how long an operation that has ended is remembered; the last minRecordsPerDirection of each direction of each pool
	// are always: cooldowns and lead times are read from them.
	HistoryRetention       = 24 * time.Hour
	minRecordsPerDirection = 3
	// maxRecords is the greatest number of operations remembered, as the API's limit has it.
	maxRecords = 64
)

// RetainedRecords lists which operations of a history, newest first, are still to be remembered, by their index.
func RetainedRecords(h scaling.History, now time.Time) []int {
	type key struct {
		pool      scaling.Pool
		direction scaling.Direction
	}
	seen := map[key]int{}
	var retained []int
	for n, record := range h {
		k := key{record.Pool, record.Direction}
		seen[k]++
		if len(retained) < maxRecords && (now.Sub(record.CompletedAt) <= HistoryRetention || seen[k] <= minRecordsPerDirection) {
			retained = append(retained, n)
		}
	}
	return retained
}

// NewOperationRecord is what is remembered of an operation that has ended at now.
func NewOperationRecord(op scaling.Operation, succeeded bool, now time.Time) scaling.OperationRecord {
	utilization := op.UtilizationPercent
	return scaling.OperationRecord{
		Pool: op.Pool, Direction: op.Direction, Succeeded: succeeded, StartedAt: op.StartedAt, CompletedAt: now, LeadTime: op.LeadTime(), UtilizationBefore: &utilization,
		Disruptive: scaling.IsDisruptive(op.Pool, op.From, op.To),
	}
}

// MeasureEffect is the utilization, in percent, that the newest operation of a pool led to, once there is something to read it from,
// with the index of the operation; false when there is nothing new to say.
func MeasureEffect(h scaling.History, load scaling.Load) (index, percent int, known bool) {
	n := slices.IndexFunc(h, func(record scaling.OperationRecord) bool { return record.Pool == load.Pool })
	if n < 0 || !load.Fresh || h[n].UtilizationAfter != nil || !h[n].Succeeded {
		return 0, 0, false
	}
	return n, int(math.Round(load.UtilizationPercent)), true
}
