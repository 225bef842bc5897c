package state

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

var now = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// The last three of each direction of each pool stay, the others for a day, and 64 in all.
func TestRetainedRecords(t *testing.T) {
	past := func(pool scaling.Pool, direction scaling.Direction, ago time.Duration) scaling.OperationRecord {
		return scaling.OperationRecord{Pool: pool, Direction: direction, CompletedAt: now.Add(-ago)}
	}
	h := scaling.History{
		past(scaling.Readers, scaling.Up, time.Hour), past(scaling.Readers, scaling.Up, 24*time.Hour),
		past(scaling.Readers, scaling.Up, 25*time.Hour), past(scaling.Readers, scaling.Up, 26*time.Hour), // the fourth
		past(scaling.Readers, scaling.Down, 30*time.Hour), past(scaling.Writer, scaling.Up, 100*time.Hour),
	}
	kept := RetainedRecords(h, now)
	if want := []int{0, 1, 2, 4, 5}; len(kept) != len(want) || kept[3] != want[3] || kept[4] != want[4] {
		t.Errorf("%v are kept, want %v", kept, want)
	}
	var many scaling.History
	for range 100 {
		many = append(many, past(scaling.Readers, scaling.Up, time.Minute))
	}
	if n := len(RetainedRecords(many, now)); n != 64 {
		t.Errorf("%d are kept", n)
	}
}

// What an operation led to is noted once, of the newest one of the pool, when it succeeded and there are samples.
func TestMeasureEffect(t *testing.T) {
	op := scaling.Operation{Pool: scaling.Readers, Direction: scaling.Up, UtilizationPercent: 80, StartedAt: now.Add(-time.Hour)}
	h := scaling.History{NewOperationRecord(op, true, now)}
	load := scaling.Load{Pool: scaling.Readers, Fresh: true, UtilizationPercent: 41.6}
	if n, percent, known := MeasureEffect(h, load); n != 0 || percent != 42 || !known {
		t.Errorf("operation %d led to %d %%, %t", n, percent, known)
	}
	if past := h[0]; *past.UtilizationBefore != 80 || past.CompletedAt != now || past.LeadTime != 0 || !past.Succeeded {
		t.Errorf("remembered is %+v", past)
	}
	stale := load
	stale.Fresh = false
	other := load
	other.Pool = scaling.Writer
	noted := scaling.History{NewOperationRecord(op, true, now)}
	noted[0].UtilizationAfter = new(int)
	for name, test := range map[string]struct {
		h    scaling.History
		load scaling.Load
	}{
		"no samples": {h, stale}, "another pool": {h, other}, "noted already": {noted, load}, "it failed": {scaling.History{NewOperationRecord(op, false, now)}, load},
	} {
		if _, _, known := MeasureEffect(test.h, test.load); known {
			t.Errorf("%s: something is noted", name)
		}
	}
}
