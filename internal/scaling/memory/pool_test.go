package memory

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// seen is a look at readers of some classes, so long after the first.
func seen(after time.Duration, classes ...string) scaling.Observation {
	o := scaling.Observation{At: now.Add(after), Engine: "aurora-postgresql"}
	for n, class := range classes {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: string(rune('a' + n)), Class: class, Status: scaling.Available})
	}
	return o
}

func looks(all ...scaling.Observation) Pool {
	var p Pool
	for _, o := range all {
		p = p.Look(o, scaling.Readers)
	}
	return p
}

const large, xlarge = "db.r6g.large", "db.r6g.xlarge"

// Since when a pool has been what it is: from when it was first seen so, in service, or its last restart.
func TestSince(t *testing.T) {
	restarted := func(after, at time.Duration) scaling.Observation {
		o := seen(after, large)
		o.Instances[0].RestartedAt = now.Add(at)
		return o
	}
	busy := seen(2*time.Hour, large)
	busy.Instances[0].Status = "rebooting"
	gone := seen(3 * time.Hour)
	for name, test := range map[string]struct {
		pool Pool
		want time.Duration // less than zero: it is changing
	}{
		"the same":                            {looks(seen(0, large), seen(time.Hour, large)), 0},
		"another class":                       {looks(seen(0, large), seen(time.Hour, xlarge)), time.Hour},
		"one more":                            {looks(seen(0, large), seen(time.Hour, large, large)), time.Hour},
		"out of service":                      {looks(seen(0, large), busy), -1},
		"back in service":                     {looks(seen(0, large), busy, seen(3*time.Hour, large)), 3 * time.Hour},
		"gone, and back":                      {looks(seen(0, large), gone, seen(4*time.Hour, large)), 4 * time.Hour},
		"restarted":                           {looks(seen(0, large), restarted(2*time.Hour, time.Hour)), time.Hour},
		"a start that EngineUptime has later": {looks(seen(0, large), restarted(time.Hour, 3*time.Minute)), 0},
		"one that is later than that":         {looks(seen(0, large), restarted(time.Hour, 4*time.Minute)), 4 * time.Minute},
	} {
		switch since := test.pool.Since; {
		case test.want < 0 && !since.IsZero(), test.want >= 0 && !since.Equal(now.Add(test.want)):
			t.Errorf("%s: since %s", name, since)
		}
	}
}

// What a pool was is remembered when it was so for a quarter of an hour, for fifteen days, and 64 times at most.
func TestPast(t *testing.T) {
	p := looks(seen(0, large), seen(14*time.Minute, large, large), seen(time.Hour, xlarge), seen(2*time.Hour, xlarge))
	if len(p.Past) != 1 || p.Past[0] != (scaling.PastCapacity{Since: now.Add(14 * time.Minute), Until: now.Add(time.Hour), VCPUs: 4}) {
		t.Errorf("past is %+v", p.Past)
	}
	shapes := p.Shapes(nil, seen(2*time.Hour, xlarge))
	if len(shapes) != 2 || shapes[1] != (scaling.PastCapacity{Since: now.Add(time.Hour), Until: now.Add(2 * time.Hour), VCPUs: 4}) {
		t.Errorf("shapes are %+v", shapes)
	}
	const day = 24 * time.Hour
	if p := p.Look(seen(time.Hour+15*day, xlarge), scaling.Readers); len(p.Past) != 1 {
		t.Errorf("after fifteen days %+v is remembered", p.Past)
	}
	if p := p.Look(seen(time.Hour+15*day+time.Second, xlarge), scaling.Readers); len(p.Past) != 0 {
		t.Errorf("after more than fifteen days %+v is remembered", p.Past)
	}
	p = Pool{}
	for n := range 70 {
		p = p.Look(seen(time.Duration(n)*time.Hour, []string{large, xlarge}[n%2]), scaling.Readers)
	}
	if len(p.Past) != 64 || !p.Past[63].Until.Equal(now.Add(69*time.Hour)) {
		t.Errorf("%d are remembered", len(p.Past))
	}
}
