package convert

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// PoolStatus writes what a pool consists of. It keeps the time since when that has been so from the status before, and
// starts it anew when an instance came, went, changed its class or was out of service: AWS cannot tell that later.
func PoolStatus(before *v1alpha1.PoolStatus, o scaling.Observation, pool scaling.Pool) *v1alpha1.PoolStatus {
	instances := o.Pool(pool)
	if len(instances) == 0 {
		return nil
	}
	out := &v1alpha1.PoolStatus{Shape: o.Shape(pool).String()}
	for _, i := range instances {
		s := v1alpha1.InstanceStatus{
			Identifier: i.Identifier, InstanceClass: i.Class, PendingInstanceClass: i.PendingClass, Status: i.Status,
		}
		if i.Own() {
			s.CreatedBy = i.Tags[scaling.TagCreatedBy]
		}
		out.Instances = append(out.Instances, s)
	}
	slices.SortFunc(out.Instances, func(a, b v1alpha1.InstanceStatus) int { return cmp.Compare(a.Identifier, b.Identifier) })
	switch {
	case !allServing(out):
	case before != nil && before.Since != nil && allServing(before) && sameInstances(before, out):
		out.Since = before.Since
	default:
		since := metav1.NewTime(o.At.Truncate(time.Second))
		out.Since = &since
	}
	return out
}

// Since reads since when a pool has been what it is; zero while it is changing.
func Since(in *v1alpha1.PoolStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return stamp(in.Since)
}

func allServing(p *v1alpha1.PoolStatus) bool {
	return !slices.ContainsFunc(p.Instances, func(i v1alpha1.InstanceStatus) bool { return !scaling.Serving(i.Status) })
}

func sameInstances(a, b *v1alpha1.PoolStatus) bool {
	return slices.EqualFunc(a.Instances, b.Instances, func(x, y v1alpha1.InstanceStatus) bool {
		return x.Identifier == y.Identifier && x.InstanceClass == y.InstanceClass
	})
}
