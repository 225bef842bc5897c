package convert

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestRestoreObservation_AsStatusRemembers: a reader of a policy gets the change times, the history and the refusals of status, a change
// that status has not seen yet, and leaves the status as it was.
func TestRestoreObservation_AsStatusRemembers(t *testing.T) {
	o := readersObservation(0, "db.r6g.large", "available", "a")
	object := &v1alpha1.DBScalingPolicy{}
	object.Generation = 2
	object.Status.Readers = PoolStatus(nil, o, scaling.Readers)
	object.Status.Target = TargetStatus(nil, o)
	object.Status.History = []v1alpha1.OperationRecord{{ID: "x", Pool: v1alpha1.PoolReaders, Direction: v1alpha1.DirectionUp, Outcome: v1alpha1.OutcomeSucceeded}}
	object.Status.Refusals = []v1alpha1.Refusal{
		{Message: "refused", Generation: 2, ExpiryTime: metav1.NewTime(now.Add(24 * time.Hour))}, {Message: "old", Generation: 2, ExpiryTime: metav1.NewTime(now)},
	}
	before := object.DeepCopy()
	later := readersObservation(60, "db.r6g.large", "available", "a")
	got := RestoreObservation(later, object, now.Add(time.Hour))
	if !got.ReadersChangedAt.Equal(now) || len(got.History) != 1 || len(got.Refusals) != 1 || got.Refusals[0].Message != "refused" {
		t.Errorf("got changed at %s, history %v, refusals %v", got.ReadersChangedAt, got.History, got.Refusals)
	}
	if got := RestoreObservation(readersObservation(60, "db.r6g.large", "modifying", "a"), object, now.Add(time.Hour)); !got.ReadersChangedAt.IsZero() {
		t.Errorf("while a reader is modified: changed at %s, want never", got.ReadersChangedAt)
	}
	if !equality.Semantic.DeepEqual(before, object) {
		t.Errorf("the status was changed to %+v", object.Status)
	}
}

// TestPoolStatus_ZoneAndPromotionTier: zone and tier are shown, the tier only of Aurora.
func TestPoolStatus_ZoneAndPromotionTier(t *testing.T) {
	o := readersObservation(0, "db.r6g.large", "available", "a")
	o.Instances[0].AvailabilityZone, o.Instances[0].PromotionTier = "eu-west-1b", 0
	i := PoolStatus(nil, o, scaling.Readers).Instances[0]
	if i.AvailabilityZone != "eu-west-1b" || i.PromotionTier == nil || *i.PromotionTier != 0 {
		t.Errorf("got %+v", i)
	}
	o.Engine = "postgres"
	if i := PoolStatus(nil, o, scaling.Readers).Instances[0]; i.PromotionTier != nil {
		t.Errorf("a read replica has the tier %d", *i.PromotionTier)
	}
}
