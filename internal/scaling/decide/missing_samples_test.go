package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestPoolWithoutSamples(t *testing.T) {
	const limit = scaling.MaxSampleAge
	for _, test := range []struct {
		name              string
		changed, sampled  time.Duration // ago
		scaled, wantFound bool
	}{
		{"recent samples are not missing", time.Hour, limit, true, false},
		{"old samples are missing", time.Hour, limit + time.Second, true, true},
		{"pool that the policy does not scale is ignored", time.Hour, time.Hour, false, false},
		{"pool that has just changed is ignored", limit - time.Second, time.Hour, true, false},
		{"pool that changed long enough ago is checked", limit, time.Hour, true, true},
		{"pool that is changing is ignored", 0, time.Hour, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var o scaling.Observation
			if test.changed > 0 {
				o.ReadersChangedAt = now.Add(-test.changed)
			}
			pools := []scaling.PoolAssessment{
				{Scaled: test.scaled, Load: scaling.Load{Pool: scaling.Readers, NewestSampleAt: now.Add(-test.sampled)}},
			}
			if pool, found := PoolWithoutSamples(o, pools, now); found != test.wantFound || found && pool != scaling.Readers {
				t.Errorf("pool without samples is %q, %t; want %t", pool, found, test.wantFound)
			}
		})
	}
}
