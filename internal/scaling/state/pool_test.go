package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// observationAt is an observation of readers with the given classes.
func observationAt(after time.Duration, classes ...string) scaling.Observation {
	o := scaling.Observation{ObservedAt: now.Add(after), Engine: "aurora-postgresql"}
	for n, class := range classes {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: string(rune('a' + n)), Class: class, Status: scaling.StatusAvailable})
	}
	return o
}

// stateAfter is the state of the readers after observations in a row.
func stateAfter(all ...scaling.Observation) PoolState {
	var p PoolState
	for _, o := range all {
		p = p.Update(&o, scaling.Readers)
	}
	return p
}

const large, xlarge = "db.r6g.large", "db.r6g.xlarge"

// A pool last changed when it was first observed with its instances in service, or at its last restart.
func TestPoolState_ChangedAt(t *testing.T) {
	restarted := func(after, at time.Duration) scaling.Observation {
		o := observationAt(after, large)
		o.Instances[0].RestartedAt = now.Add(at)
		return o
	}
	busy := observationAt(2*time.Hour, large)
	busy.Instances[0].Status = "rebooting"
	gone := observationAt(3 * time.Hour)
	for name, test := range map[string]struct {
		pool PoolState
		want time.Duration // negative while the pool is changing
	}{
		"unchanged":               {stateAfter(observationAt(0, large), observationAt(time.Hour, large)), 0},
		"another class":           {stateAfter(observationAt(0, large), observationAt(time.Hour, xlarge)), time.Hour},
		"an instance added":       {stateAfter(observationAt(0, large), observationAt(time.Hour, large, large)), time.Hour},
		"out of service":          {stateAfter(observationAt(0, large), busy), -1},
		"back in service":         {stateAfter(observationAt(0, large), busy, observationAt(3*time.Hour, large)), 3 * time.Hour},
		"removed and added again": {stateAfter(observationAt(0, large), gone, observationAt(4*time.Hour, large)), 4 * time.Hour},
		"restarted":               {stateAfter(observationAt(0, large), restarted(2*time.Hour, time.Hour)), time.Hour},
		"a start within the tolerance of EngineUptime": {stateAfter(observationAt(0, large), restarted(time.Hour, 3*time.Minute)), 0},
		"a start after the tolerance of EngineUptime": {stateAfter(observationAt(0, large), restarted(time.Hour, 4*time.Minute)),
			4 * time.Minute},
	} {
		switch changedAt := test.pool.ChangedAt; {
		case test.want < 0 && !changedAt.IsZero(), test.want >= 0 && !changedAt.Equal(now.Add(test.want)):
			t.Errorf("%s: changed at %s", name, changedAt)
		}
	}
}

// A capacity period of at least a quarter of an hour is kept for fifteen days, and at most 64 are kept.
func TestPoolState_CapacityHistory(t *testing.T) {
	p := stateAfter(observationAt(0, large), observationAt(14*time.Minute, large, large), observationAt(time.Hour, xlarge), observationAt(2*time.Hour, xlarge))
	if len(p.CapacityHistory) != 1 || p.CapacityHistory[0] != (scaling.CapacityPeriod{StartedAt: now.Add(14 * time.Minute), EndedAt: now.Add(time.Hour), VCPUs: 4}) {
		t.Errorf("capacity history is %+v", p.CapacityHistory)
	}
	periods := p.FullCapacityHistory(nil, new(observationAt(2*time.Hour, xlarge)))
	if len(periods) != 2 || periods[1] != (scaling.CapacityPeriod{StartedAt: now.Add(time.Hour), EndedAt: now.Add(2 * time.Hour), VCPUs: 4}) {
		t.Errorf("full capacity history is %+v", periods)
	}
	const day = 24 * time.Hour
	if p := p.Update(new(observationAt(time.Hour+15*day, xlarge)), scaling.Readers); len(p.CapacityHistory) != 1 {
		t.Errorf("after fifteen days the capacity history is %+v", p.CapacityHistory)
	}
	if p := p.Update(new(observationAt(time.Hour+15*day+time.Second, xlarge)), scaling.Readers); len(p.CapacityHistory) != 0 {
		t.Errorf("after more than fifteen days the capacity history is %+v", p.CapacityHistory)
	}
	p = PoolState{}
	var full []scaling.CapacityPeriod
	for n := range 240 {
		o := observationAt(time.Duration(n)*time.Hour, []string{large, xlarge}[n/3%2])
		p = p.Update(&o, scaling.Readers)
		full = p.FullCapacityHistory(full, &o)
		if want := p.FullCapacityHistory(nil, &o); !slices.Equal(full, want) {
			t.Fatalf("after hour %d, the history in the same memory is %v, want %v", n, full, want)
		}
	}
	if len(p.CapacityHistory) != 64 || !p.CapacityHistory[63].EndedAt.Equal(now.Add(237*time.Hour)) {
		t.Errorf("got %d capacity periods, want 64", len(p.CapacityHistory))
	}
}

// Another instance with the same name and class makes a new pool. A state from before the resource IDs were recorded does not.
func TestPoolState_ReplacedInstance(t *testing.T) {
	observe := func(at time.Time, resourceID string) scaling.Observation {
		return scaling.Observation{ObservedAt: at, Engine: "aurora-postgresql", Instances: []scaling.Instance{
			{Identifier: "a", Class: xlarge, Status: scaling.StatusAvailable, ResourceID: resourceID},
		}}
	}
	later := now.Add(time.Hour)
	for _, test := range []struct {
		before, after string
		want          time.Time
	}{
		{"db-blue", "db-blue", now}, {"db-blue", "db-green", later}, {"", "db-blue", now},
	} {
		got := PoolState{}.Update(new(observe(now, test.before)), scaling.Readers).Update(new(observe(later, test.after)), scaling.Readers)
		if !got.ChangedAt.Equal(test.want) {
			t.Errorf("%q, then %q: changed at %s, want %s", test.before, test.after, got.ChangedAt, test.want)
		}
	}
}
