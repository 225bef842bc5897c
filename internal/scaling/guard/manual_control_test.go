package guard

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestPaused_SaysWhoAndHowToResume checks the message, and when the veto may have ended: never by itself without an end.
func TestPaused_SaysWhoAndHowToResume(t *testing.T) {
	const resume = ". To resume now: kubectl dbscaler resume orders -n shop, or remove the annotation scaling.dbscaler.io/paused-until"
	alice := &scaling.Requester{User: "alice", Reason: "rebuild"}
	for _, test := range []struct {
		control    scaling.ManualControl
		want       string
		retryAfter time.Duration
	}{
		{scaling.ManualControl{PausedUntil: now.Add(time.Hour)}, "a user paused the policy until 2026-02-05T11:00:00Z" + resume, time.Hour},
		{scaling.ManualControl{PausedUntil: now.Add(time.Hour), PausedBy: alice}, "alice (rebuild) paused the policy until 2026-02-05T11:00:00Z" + resume, time.Hour},
		{scaling.ManualControl{PausedUntil: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), PausedBy: alice}, "alice (rebuild) paused the policy until it is resumed" + resume, 0},
		{scaling.ManualControl{PausedUntil: now}, "", 0},
	} {
		message, retryAfter, err := paused(Input{Policy: scaling.Policy{Name: "shop/orders", ManualControl: test.control}, Now: now})
		if message != test.want || retryAfter != test.retryAfter || err != nil {
			t.Errorf("got %q, %s, %v, want %q, %s", message, retryAfter, err, test.want, test.retryAfter)
		}
	}
}
