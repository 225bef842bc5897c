package operation

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestExpectedEnd(t *testing.T) {
	start := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		actions []scaling.Action
		want    time.Duration
	}{
		"resize with a surge reader": {
			[]scaling.Action{scaling.CreateReader, scaling.ModifyInstanceClass, scaling.DeleteReader}, 70 * time.Minute,
		},
		"creates side by side count once": {[]scaling.Action{scaling.CreateReader, scaling.CreateReader, scaling.CreateReader}, 20 * time.Minute},
		"deletions follow each other":     {[]scaling.Action{scaling.DeleteReader, scaling.DeleteReader}, 40 * time.Minute},
		"create after another step counts again": {
			[]scaling.Action{scaling.CreateReader, scaling.Failover, scaling.CreateReader}, 50 * time.Minute,
		},
	} {
		op := scaling.Operation{StartedAt: start}
		for _, action := range test.actions {
			op.Steps = append(op.Steps, scaling.Step{Action: action})
		}
		if got := ExpectedEnd(op).Sub(start); got != test.want {
			t.Errorf("%s: the operation should take %s, want %s", name, got, test.want)
		}
	}
}

// TestUsualDurations_EndBeforeTheDeadline: an alert about a slow step comes before the step fails.
func TestUsualDurations_EndBeforeTheDeadline(t *testing.T) {
	for action, deadline := range stepDeadlines {
		if usual := usualDurations[action]; usual == 0 || usual >= deadline {
			t.Errorf("%s usually takes %s and fails after %s, want less, and more than 0", action, usual, deadline)
		}
	}
}
