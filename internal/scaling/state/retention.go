package state

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RetainedRecord is an operation of the history that is still needed.
type RetainedRecord struct {
	// Index of the record in the history.
	Index int
	// KeepInstances says whether the instances that the operation changed are still needed: until HistoryRetention after its end, a
	// change of one of them by another client counts as a revert.
	KeepInstances bool
}

// TrimHistory returns what to keep of a history, newest first.
func TrimHistory(h scaling.History, now time.Time) []RetainedRecord {
	var out []RetainedRecord
	for _, n := range RetainedRecords(h, now) {
		out = append(out, RetainedRecord{Index: n, KeepInstances: now.Sub(h[n].CompletedAt) <= HistoryRetention})
	}
	return out
}

// accessDenialRetention is how long an operation that AWS denied keeps the policy unauthorized, unless an operation succeeds
// before. The guards pace the next attempt, which shows whether the role was corrected.
const accessDenialRetention = time.Hour

// IsDenialCurrent reports whether the denial of an operation that ended at completedAt still counts.
func IsDenialCurrent(completedAt, now time.Time) bool {
	return now.Sub(completedAt) <= accessDenialRetention
}
