package awsx

import (
	"net/http"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// startQuiet starts a poller with one cluster that is read every ten minutes unless its load rises, and reads it.
func startQuiet(t *testing.T, limits scaling.RiseLimits) (*pollerHarness, scaling.Target) {
	t.Helper()
	c, targets := newFakeFleet(t, 1)
	h := startPoller(t, c)
	h.poller.Track([]scaling.TrackedTarget{{Target: targets[0], ReadInterval: 10 * time.Minute, RiseLimits: limits}})
	h.awaitRead(targets[0])
	h.awaitLoops()
	h.forgetReads()
	c.publishMetric("orders000-a", "CPUUtilization", -1, 20, 0)
	c.publishMetric("orders000-b", "CPUUtilization", -1, 20, 0)
	for h.countReads() == 0 { // until it is read at its interval
		h.passTime(time.Second)
	}
	c.update(func() { c.metricRequests = nil })
	return h, targets[0]
}

// minute is the number of the present minute since testStart.
func (h *pollerHarness) minute() int { return int(h.clock.Since(testStart) / time.Minute) }

// countReads counts the reads of targets since it was called last.
func (h *pollerHarness) countReads() int {
	count := 0
	for len(h.reads) > 0 {
		count += len(<-h.reads)
	}
	return count
}

// queriesOf returns the dimensions of the queries of requests, each as name=value of its last dimension.
func queriesOf(requests []metricDataRequest) []string {
	var queries []string
	for _, request := range requests {
		for _, query := range request.MetricDataQueries {
			dimensions := query.MetricStat.Metric.Dimensions
			last := dimensions[len(dimensions)-1]
			queries = append(queries, last.Name+"="+last.Value)
		}
	}
	return queries
}

// TestScopePoller_ChecksForRises: between two reads of a quiet cluster only the mean of its readers is read, one metric a minute. It is
// read whole as soon as that is above the limit.
func TestScopePoller_ChecksForRises(t *testing.T) {
	h, target := startQuiet(t, scaling.RiseLimits{Readers: 20})
	h.publishMetric(target.Identifier+" READER", "CPUUtilization", -20, 40, 20)
	h.passTime(2 * time.Minute)
	if h.countReads() > 0 {
		t.Error("the cluster was read though its load has not risen above the limit")
	}
	h.update(func() {
		if got := queriesOf(h.metricRequests); len(got) != 2 || got[0] != "Role=READER" || got[1] != "Role=READER" {
			t.Errorf("in two minutes %v were read, want the mean of the readers twice", got)
		}
	})
	h.publishMetric(target.Identifier+" READER", "CPUUtilization", h.minute(), h.minute()+1, 20.5)
	h.passTime(time.Minute)
	if n := h.countReads(); n != 1 {
		t.Errorf("the cluster was read %d times when its load had risen, want once", n)
	}
}

// TestScopePoller_ChecksForRises_NotNeeded: nothing is read for a pool without a limit, on standby, and of a database that is read anyway.
func TestScopePoller_ChecksForRises_NotNeeded(t *testing.T) {
	t.Run("no limit", func(t *testing.T) {
		h, _ := startQuiet(t, scaling.RiseLimits{})
		h.passTime(3 * time.Minute)
		h.update(func() {
			if len(h.metricRequests) > 0 {
				t.Errorf("%v were read", queriesOf(h.metricRequests))
			}
		})
	})
	t.Run("standby", func(t *testing.T) {
		schedule := polledTarget{schedule: readSchedule{interval: 10 * time.Minute}, riseLimits: scaling.RiseLimits{Writer: 20}}
		schedule.nextReadAt = testStart.Add(10 * time.Minute)
		new(scopePoller).planRiseCheck(&schedule, testStart)
		if schedule.riseCheckAt.IsZero() {
			t.Error("the leader plans no check")
		}
		(&scopePoller{isStandby: true}).planRiseCheck(&schedule, testStart)
		if !schedule.riseCheckAt.IsZero() {
			t.Error("a standby plans a check")
		}
	})
	t.Run("read every minute", func(t *testing.T) {
		target := polledTarget{schedule: readSchedule{interval: time.Minute}, riseLimits: scaling.RiseLimits{Writer: 20}}
		target.nextReadAt = target.schedule.next(testStart, testStart, false)
		new(scopePoller).planRiseCheck(&target, testStart)
		if !target.riseCheckAt.IsZero() {
			t.Error("a check is planned")
		}
	})
}

// TestScopePoller_ChecksForRises_Error: a check that fails has no effect but that a rise is noticed later.
func TestScopePoller_ChecksForRises_Error(t *testing.T) {
	h, target := startQuiet(t, scaling.RiseLimits{Readers: 20})
	h.publishMetric(target.Identifier+" READER", "CPUUtilization", -20, 40, 60)
	h.update(func() {
		h.failures["GetMetricData"] = func(w http.ResponseWriter) { writeError(w, http.StatusForbidden, "AccessDenied", "not authorized") }
	})
	h.passTime(time.Minute)
	h.observe(target, time.Time{})
	if h.countReads() > 0 {
		t.Error("the cluster was read after a check that failed")
	}
	h.update(func() { delete(h.failures, "GetMetricData") })
	h.passTime(time.Minute)
	if n := h.countReads(); n != 1 {
		t.Errorf("the cluster was read %d times after the next check, want once", n)
	}
}

// TestScopePoller_QuietUptime: EngineUptime of a quiet cluster is read every 12 minutes, and else every 5.
func TestScopePoller_QuietUptime(t *testing.T) {
	for interval, want := range map[time.Duration]int{time.Minute: 6, 2 * time.Minute: 3} {
		c, targets := newFakeFleet(t, 1)
		h := startPoller(t, c)
		track := func() { h.poller.Track([]scaling.TrackedTarget{{Target: targets[0], ReadInterval: interval}}) }
		track()
		h.awaitRead(targets[0])
		for range 25 {
			h.passTime(time.Minute)
			track()
		}
		reads := 0
		c.update(func() {
			for _, request := range c.metricRequests {
				for _, query := range request.MetricDataQueries {
					if d := query.MetricStat.Metric.Dimensions[0]; query.MetricStat.Metric.MetricName == "EngineUptime" && d.Value == "orders000-a" {
						reads++
					}
				}
			}
		})
		if reads != want {
			t.Errorf("with samples every %s, EngineUptime was read %d times in 25 minutes, want %d", interval, reads, want)
		}
	}
}
