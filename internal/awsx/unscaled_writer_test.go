package awsx

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestPoller_FailoverOfUnscaledWriter: within three minutes of a failover, and of another one back, the present reader has all samples and
// the present writer those of its load.
func TestPoller_FailoverOfUnscaledWriter(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	members := []string{"orders000-a", "orders000-b"} // the writer is the first
	for _, instance := range members {
		c.publishMetric(instance, "CPUUtilization", -300, 60, 40)
		c.publishMetric(instance, "DatabaseConnections", -300, 60, 7)
	}
	h := startPoller(t, c)
	track := func() {
		h.poller.Track([]scaling.TrackedTarget{{Target: targets[0], Window: 3 * time.Hour, ReadInterval: 2 * time.Minute, ReadersOnly: true}})
	}
	track()
	h.awaitRead(targets[0])
	for range 3 {
		for range 3 {
			h.passTime(time.Minute)
			track()
			h.poller.Observe(t.Context(), targets, time.Time{}) // as a reconcile does: what is not complete is read at once
		}
		h.awaitLoops()
		o := h.observe(targets[0], time.Time{})
		for n, id := range members {
			i, _ := o.Instance(id)
			cpu, connections := i.CPU.Count(), i.Connections.Count()
			if isWriter := n == 0; i.Writer != isWriter || isWriter && (cpu < 60 || cpu > 80 || connections > 0) ||
				!isWriter && (cpu < 185 || connections < 35) {
				t.Errorf("after %d minutes %s (writer: %t) has %d samples of the CPU and %d of the connections", h.minute(), id, i.Writer, cpu, connections)
			}
		}
		slices.Reverse(members)
		c.update(func() { c.clusters["orders000"] = slices.Clone(members) })
	}
}
