package convert

import (
	"slices"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// SetEndpoints adds the addresses of a pool and of its instances to its status, which may be nil. Clients of read replicas of a DB
// instance cannot find them otherwise. Call it only when the owner of the database consented to the policy.
func SetEndpoints(status *v1alpha1.PoolStatus, o scaling.Observation, pool scaling.Pool) {
	if status == nil {
		return
	}
	status.Endpoint = o.Endpoint(pool)
	for i := range o.InPool(pool) {
		n := slices.IndexFunc(status.Instances, func(s v1alpha1.InstanceStatus) bool { return s.Identifier == i.Identifier })
		if n >= 0 {
			status.Instances[n].Endpoint = i.Endpoint
		}
	}
}
