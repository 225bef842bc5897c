package awsx

import (
	"hash/fnv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// earliestPublication and usualPublication are how long after the end of a minute RDS publishes its sample, at the earliest and
	// usually. AWS documents no figure; one to two minutes are observed.
	earliestPublication = time.Minute
	usualPublication    = 90 * time.Second
	// minPollPause and minPollAge are the shortest times between two reads of a scope and of a series.
	minPollPause = time.Second
	minPollAge   = 10 * time.Second
	// readSpread is the time over which the reads of a minute are spread.
	readSpread = 3 * time.Second
	// topologyRetryInterval is when the topology of a scope is read again after an error.
	topologyRetryInterval = 30 * time.Second
	// standbyInterval and standbyTopologyInterval are how often a replica that is not the leader reads samples, which CloudWatch charges
	// for, and the topology.
	standbyInterval         = time.Hour
	standbyTopologyInterval = 5 * time.Minute
	// standbySpread is the time over which such a replica reads the past of the databases after its start: others wait for the same limits.
	standbySpread = 5 * time.Minute
)

// readSchedule says when the samples of a target are read.
type readSchedule struct {
	// interval is TrackedTarget.ReadInterval.
	interval time.Duration
	// hash spreads the reads of different targets.
	hash uint32
}

// newReadSchedule returns the schedule of a target that is read once a minute.
func newReadSchedule(t scaling.Target) readSchedule {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Identifier)) // it never fails
	return readSchedule{hash: h.Sum32()}
}

// next is when a target that was read at readAt is read again. Its newest minute with a sample ended at newestEnd; zero when there is
// none. With an interval of less than a minute, that is when the next sample may be published, and at the interval until it is. Otherwise
// it is every so many minutes, when the sample of a minute usually has been published; a part of the targets in each minute.
func (s readSchedule) next(readAt, newestEnd time.Time, isStandby bool) time.Time {
	interval := s.interval
	switch {
	case isStandby:
		interval = standbyInterval
	case interval > 0 && interval < time.Minute:
		next := newestEnd.Add(time.Minute + earliestPublication)
		if latest := readAt.Add(time.Minute); next.After(latest) || newestEnd.IsZero() {
			return latest
		}
		if earliest := readAt.Add(interval); next.Before(earliest) {
			return earliest
		}
		return next
	}
	minutes := int64(max(1, interval/time.Minute))
	next := s.nextMinute(readAt)
	for (next.Unix()/60+int64(s.hash))%minutes != 0 {
		next = next.Add(time.Minute)
	}
	return next
}

// nextMinute is the first time after another one at which the sample of a minute usually has been published.
func (s readSchedule) nextMinute(after time.Time) time.Time {
	offset := usualPublication%time.Minute + time.Duration(s.hash)%readSpread
	return after.UTC().Add(-offset).Truncate(time.Minute).Add(time.Minute + offset)
}

// longestInterval is the longest time between two reads.
func (s readSchedule) longestInterval(isStandby bool) time.Duration {
	if isStandby {
		return 2 * standbyInterval
	}
	return 2 * max(time.Minute, s.interval)
}

// longestTopologyAge is the age up to which a topology is used. The caller holds p.pollMu.
func (p *scopePoller) longestTopologyAge() time.Duration {
	interval := p.topologyInterval()
	if p.isTopologyOld {
		interval = max(interval, standbyTopologyInterval)
	}
	return interval + maxReadDelay
}

// topologyInterval is how often the topology of the scope is read: so rarely that reading takes at most half of the time, since the
// account's other users share the limits of the RDS API. The caller holds p.pollMu.
func (p *scopePoller) topologyInterval() time.Duration {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.isStandby {
		return max(standbyTopologyInterval, 2*p.topologyDuration)
	}
	return max(maxSnapshotAge, 2*p.topologyDuration)
}
