package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// PoolWithoutSamples returns the first scaled pool that has an instance without a CPU sample of the last MaxSampleAge, and
// false when there is none. A pool that changed less than MaxSampleAge ago, or is changing, is not expected to have any.
func PoolWithoutSamples(o scaling.Observation, pools []scaling.PoolAssessment, now time.Time) (scaling.Pool, bool) {
	for _, pool := range pools {
		changedAt := o.ChangedAt(pool.Load.Pool)
		if pool.Hold.Reason == scaling.ReasonStaticEndpoints { // no reader belongs to the pool
			continue
		}
		if !pool.Scaled || changedAt.IsZero() || now.Sub(changedAt) < scaling.MaxSampleAge {
			continue
		}
		if now.Sub(pool.Load.NewestSampleAt) > scaling.MaxSampleAge {
			return pool.Load.Pool, true
		}
	}
	return "", false
}
