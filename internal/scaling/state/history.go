package state

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// HistoryRetention is how long the record of an ended operation is kept. The last minRecordsPerDirection of each direction of
	// each pool are always kept, since cooldowns and lead times are computed from them.
	HistoryRetention       = 24 * time.Hour
	minRecordsPerDirection = 3
	// maxRecords is the number of records kept, which is the limit of the API.
	maxRecords = 64
)

// RetainedRecords returns the indexes of the records to keep of a history that is sorted newest first.
func RetainedRecords(h scaling.History, now time.Time) []int {
	type key struct {
		pool      scaling.Pool
		direction scaling.Direction
	}
	kept := map[key]int{}
	var retained []int
	for n, record := range h {
		k := key{record.Pool, record.Direction}
		kept[k]++
		if len(retained) < maxRecords && (now.Sub(record.CompletedAt) <= HistoryRetention || kept[k] <= minRecordsPerDirection) {
			retained = append(retained, n)
		}
	}
	return retained
}

// NewOperationRecord is the record of an operation that has ended at now.
func NewOperationRecord(op scaling.Operation, succeeded bool, now time.Time) scaling.OperationRecord {
	utilization := op.UtilizationPercent
	return scaling.OperationRecord{
		Pool: op.Pool, Direction: op.Direction, Succeeded: succeeded, StartedAt: op.StartedAt, CompletedAt: now,
		LeadTime: op.LeadTime(), UtilizationBefore: &utilization, Disruptive: scaling.IsDisruptive(op.Pool, op.From, op.To),
		UnservedReaders: op.UnservedReaders(),
	}
}

// MeasureEffect returns the utilization, in percent, after the newest operation of a pool, with the index of its record; false
// when it is recorded already, the operation failed, there are no samples, or only some instances were measured.
func MeasureEffect(h scaling.History, load *scaling.Load) (index, percent int, known bool) {
	n := 0
	for n < len(h) && h[n].Pool != load.Pool {
		n++
	}
	if n == len(h) || !load.Fresh || load.IsLowerBound || h[n].UtilizationAfter != nil || !h[n].Succeeded {
		return 0, 0, false
	}
	return n, int(math.Round(load.UtilizationPercent)), true
}
