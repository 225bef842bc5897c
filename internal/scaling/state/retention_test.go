package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestTrimHistory(t *testing.T) {
	completed := func(ago time.Duration) scaling.OperationRecord {
		return scaling.OperationRecord{Pool: scaling.Readers, Direction: scaling.Up, CompletedAt: now.Add(-ago)}
	}
	h := scaling.History{
		completed(0), completed(24 * time.Hour), completed(24*time.Hour + time.Second), completed(25 * time.Hour), // the fourth of its direction
	}
	want := []RetainedRecord{{Index: 0, KeepInstances: true}, {Index: 1, KeepInstances: true}, {Index: 2}}
	if got := TrimHistory(h, now); !slices.Equal(got, want) {
		t.Errorf("retained records are %v, want %v", got, want)
	}
}

func TestIsDenialCurrent(t *testing.T) {
	for ago, want := range map[time.Duration]bool{0: true, time.Hour: true, time.Hour + time.Second: false} {
		if got := IsDenialCurrent(now.Add(-ago), now); got != want {
			t.Errorf("denial %s ago is current: %t, want %t", ago, got, want)
		}
	}
}
