package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// TargetStatus converts the observed target. It records when the engine version changed, when another database took its name and
// when it became the primary of a global database, because AWS does not report these times reliably.
func TargetStatus(before *v1alpha1.TargetStatus, o scaling.Observation) *v1alpha1.TargetStatus {
	out := &v1alpha1.TargetStatus{
		ARN: o.ARN, Engine: o.Engine, EngineVersion: o.EngineVersion, ResourceID: o.ResourceID, GlobalCluster: o.GlobalCluster,
	}
	switch {
	case o.GlobalSecondary:
		out.GlobalRole = v1alpha1.GlobalRoleSecondary
	case o.GlobalCluster != "":
		out.GlobalRole = v1alpha1.GlobalRolePrimary
	}
	if before != nil && before.ARN == o.ARN {
		out.ReplaceTime, out.PromotionTime = before.ReplaceTime, before.PromotionTime
		now := ptr.To(metav1.NewTime(o.ObservedAt.Truncate(time.Second)))
		if before.ResourceID != "" && o.ResourceID != "" && before.ResourceID != o.ResourceID {
			out.ReplaceTime = now
		}
		if before.GlobalRole == v1alpha1.GlobalRoleSecondary && !o.GlobalSecondary {
			out.PromotionTime = now
		}
	}
	for writer := range o.InPool(scaling.Writer) {
		if o.Serverless {
			out.CapacityRange = fmt.Sprintf("%s to %s", catalog.ServerlessClassName(o.MinCapacity), writer.Class)
		}
	}
	switch {
	case before == nil || before.ARN != o.ARN:
	case before.EngineVersion != o.EngineVersion:
		out.UpgradeTime = ptr.To(metav1.NewTime(o.ObservedAt.Truncate(time.Second)))
	default:
		out.UpgradeTime = before.UpgradeTime
	}
	return out
}

// EngineUpgradedAt returns when a change of the engine version was observed, or zero when there was none.
func EngineUpgradedAt(in *v1alpha1.TargetStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return timeOrZero(in.UpgradeTime)
}

// PromotedAt returns when the cluster was first observed as a primary after it had been a secondary, or zero.
func PromotedAt(in *v1alpha1.TargetStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return timeOrZero(in.PromotionTime)
}

// ReplacedAt returns when another database with the same name was observed, or zero.
func ReplacedAt(in *v1alpha1.TargetStatus) time.Time {
	if in == nil {
		return time.Time{}
	}
	return timeOrZero(in.ReplaceTime)
}

// PoolStatus converts the observed instances of a pool and updates the recorded state of the pool. It returns nil for an empty pool.
func PoolStatus(before *v1alpha1.PoolStatus, o scaling.Observation, pool scaling.Pool) *v1alpha1.PoolStatus {
	o = o.WithoutFailedReaders() // the pool did not change when AWS failed to create one
	shape := o.Shape(pool)
	if shape.Count == 0 {
		return nil
	}
	out := &v1alpha1.PoolStatus{Shape: shape.String(), Instances: make([]v1alpha1.InstanceStatus, 0, shape.Count)}
	for i := range o.InPool(pool) {
		s := v1alpha1.InstanceStatus{
			Identifier: i.Identifier, InstanceClass: i.Class, PendingInstanceClass: i.PendingClass, Status: i.Status,
			ResourceID: i.ResourceID, AvailabilityZone: i.AvailabilityZone, PromotionTier: promotionTier(o.Engine, i),
		}
		if i.CreatedByOperator() {
			s.CreatedBy = i.Tags[scaling.TagCreatedBy]
		}
		out.Instances = append(out.Instances, s)
	}
	slices.SortFunc(out.Instances, func(a, b v1alpha1.InstanceStatus) int { return cmp.Compare(a.Identifier, b.Identifier) })
	known := PoolState(before)
	poolState := known.Update(&o, pool)
	out.LastChangeTime, out.UnchangedSinceTime = optionalTime(poolState.ChangedAt), optionalTime(poolState.UnchangedSince)
	if slices.Equal(poolState.CapacityHistory, known.CapacityHistory) && before != nil {
		out.CapacityHistory = before.CapacityHistory // as nearly always; converted again, equal quantities would differ in memory
		return out
	}
	for _, period := range poolState.CapacityHistory {
		out.CapacityHistory = append(out.CapacityHistory, v1alpha1.CapacityPeriod{
			StartTime: metav1.NewTime(period.StartedAt), EndTime: metav1.NewTime(period.EndedAt), VCPUs: vcpuQuantity(period.VCPUs),
		})
	}
	return out
}

// promotionTier is the failover priority of an instance; nil outside Aurora, where there is none.
func promotionTier(engine string, i *scaling.Instance) *int32 {
	if !strings.HasPrefix(engine, "aurora") {
		return nil
	}
	return ptr.To(int32(i.PromotionTier))
}

// SetUnchangedSince records since when a pool that was observed for the first time has been the same by RDS events. It does nothing for a
// pool that is empty or changing.
func SetUnchangedSince(out *v1alpha1.PoolStatus, since time.Time) {
	if out != nil && out.LastChangeTime != nil && since.Before(out.LastChangeTime.Time) {
		out.UnchangedSinceTime = optionalTime(since)
	}
}

// vcpuQuantity writes vCPUs in the unit of Kubernetes for CPUs. The smallest capacity of Aurora Serverless v2 counts as 125m.
func vcpuQuantity(vcpus float64) *resource.Quantity {
	return resource.NewMilliQuantity(int64(math.Round(1000*vcpus)), resource.DecimalSI)
}

// PoolState converts the recorded state of a pool.
func PoolState(in *v1alpha1.PoolStatus) state.PoolState {
	if in == nil {
		return state.PoolState{}
	}
	out := state.PoolState{ChangedAt: timeOrZero(in.LastChangeTime), UnchangedSince: timeOrZero(in.UnchangedSinceTime)}
	for _, i := range in.Instances {
		out.Instances = append(out.Instances, state.InstanceState{
			Identifier: i.Identifier, Class: i.InstanceClass, Serving: scaling.IsServing(i.Status), ResourceID: i.ResourceID,
		})
	}
	for _, p := range in.CapacityHistory {
		out.CapacityHistory = append(out.CapacityHistory, scaling.CapacityPeriod{
			StartedAt: p.StartTime.Time, EndedAt: p.EndTime.Time, VCPUs: quantityValue(p.VCPUs),
		})
	}
	return out
}
