package state

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

var now = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// The last three records of each direction of each pool are kept, others for a day, and at most 64.
func TestRetainedRecords(t *testing.T) {
	record := func(pool scaling.Pool, direction scaling.Direction, ago time.Duration) scaling.OperationRecord {
		return scaling.OperationRecord{Pool: pool, Direction: direction, CompletedAt: now.Add(-ago)}
	}
	h := scaling.History{
		record(scaling.Readers, scaling.Up, time.Hour), record(scaling.Readers, scaling.Up, 24*time.Hour),
		record(scaling.Readers, scaling.Up, 25*time.Hour), record(scaling.Readers, scaling.Up, 26*time.Hour), // the fourth of its direction
		record(scaling.Readers, scaling.Down, 30*time.Hour), record(scaling.Writer, scaling.Up, 100*time.Hour),
	}
	kept := RetainedRecords(h, now)
	if want := []int{0, 1, 2, 4, 5}; len(kept) != len(want) || kept[3] != want[3] || kept[4] != want[4] {
		t.Errorf("got %v, want %v", kept, want)
	}
	var many scaling.History
	for range 100 {
		many = append(many, record(scaling.Readers, scaling.Up, time.Minute))
	}
	if n := len(RetainedRecords(many, now)); n != 64 {
		t.Errorf("got %d records, want 64", n)
	}
}

// The effect is measured once, for the newest operation of the pool, when it succeeded and there are samples.
func TestMeasureEffect(t *testing.T) {
	op := scaling.Operation{Pool: scaling.Readers, Direction: scaling.Up, UtilizationPercent: 80, StartedAt: now.Add(-time.Hour)}
	h := scaling.History{NewOperationRecord(op, true, now)}
	load := scaling.Load{Pool: scaling.Readers, Fresh: true, UtilizationPercent: 41.6}
	if n, percent, known := MeasureEffect(h, &load); n != 0 || percent != 42 || !known {
		t.Errorf("operation %d led to %d %%, known %t", n, percent, known)
	}
	if r := h[0]; *r.UtilizationBefore != 80 || r.CompletedAt != now || r.LeadTime != 0 || !r.Succeeded {
		t.Errorf("the record is %+v", r)
	}
	stale := load
	stale.Fresh = false
	lowerBound := load
	lowerBound.IsLowerBound = true
	other := load
	other.Pool = scaling.Writer
	recorded := scaling.History{NewOperationRecord(op, true, now)}
	recorded[0].UtilizationAfter = new(int)
	for name, test := range map[string]struct {
		h    scaling.History
		load scaling.Load
	}{
		"no samples": {h, stale}, "only some instances were measured": {h, lowerBound}, "another pool": {h, other}, "already recorded": {recorded, load},
		"the operation failed": {scaling.History{NewOperationRecord(op, false, now)}, load},
	} {
		if _, _, known := MeasureEffect(test.h, &test.load); known {
			t.Errorf("%s: got an effect", name)
		}
	}
}
