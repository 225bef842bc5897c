package operator

import (
	"testing"
	"time"
)

// TestLeaderElection: an API server that is away for ten seconds changes no leader, and a leader that cannot renew the lease has stopped, by
// as much as with the defaults of client-go, before another one may take it.
func TestLeaderElection(t *testing.T) {
	if renewDeadline < 10*time.Second {
		t.Errorf("a leader stops after %s without the API server, want at least 10 s", renewDeadline)
	}
	const defaultMargin = 3 * time.Second // 15 s of the lease, less 10 s until the deadline and 2 s until the renewal begins
	if margin := leaseDuration - renewDeadline - leaseRetryPeriod; margin < defaultMargin {
		t.Errorf("a leader stops %s before another one may lead, want at least %s", margin, defaultMargin)
	}
}
