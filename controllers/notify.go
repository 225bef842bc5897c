package controllers

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// deriveNotifications adds to status what the write of status reports, in the same write: a restart then loses nothing. base is the object
// as it was last written.
func (r *Reconciler) deriveNotifications(s *reconcileScope, base *v1alpha1.DBScalingPolicy) {
	status := &s.object.Status
	if r.Notifications == nil {
		status.Notifications = nil
		return
	}
	source := notify.Source(s.object, r.ClusterName)
	next, dropped := notify.Derive(notify.Transition{
		Before: &base.Status, After: status, Pools: s.notifiedPools(), From: s.proposedFrom, HourlyCost: s.poolHourlyCost, Now: s.now,
		IsSettled: func(id string) bool { return r.Notifications.IsSettled(source, id) },
	})
	status.Notifications = next
	s.droppedNotifications += dropped
}

// dropNotifications gives up the notifications that were added since base. It reports whether there were any.
func (s *reconcileScope) dropNotifications(base *v1alpha1.DBScalingPolicy) bool {
	now, before := s.object.Status.Notifications, base.Status.Notifications
	if equality.Semantic.DeepEqual(now, before) {
		return false
	}
	kept := ptr.Deref(before, v1alpha1.NotificationStatus{}).Pending
	s.droppedNotifications += max(0, len(ptr.Deref(now, v1alpha1.NotificationStatus{}).Pending)-len(kept))
	s.object.Status.Notifications = before.DeepCopy()
	return true
}

// offerNotifications hands what status has to the sender, which knows what it has already. It never waits.
func (r *Reconciler) offerNotifications(s *reconcileScope) {
	if r.Notifications == nil {
		return
	}
	r.Notifications.CountDropped(s.droppedNotifications)
	if s.object.Status.Notifications == nil {
		return
	}
	for _, n := range s.object.Status.Notifications.Pending {
		r.Notifications.Offer(notify.NewEvent(s.object, n, r.ClusterName))
	}
}

// notifiedPools are the scaled pools that were assessed.
func (s *reconcileScope) notifiedPools() []notify.Pool {
	var pools []notify.Pool
	for n := range s.assessments {
		if !s.assessments[n].Scaled {
			continue
		}
		load := &s.assessments[n].Load
		used, known := load.UsedPercent()
		known = known && !load.IsLowerBound // the pool is changing: the figure is no sign that an overload has ended
		pools = append(pools, notify.Pool{
			Pool: v1alpha1.Pool(load.Pool), Shape: convert.ShapeStatus(s.observation.Shape(load.Pool)), UsedPercent: used, Known: known,
		})
	}
	return pools
}

// poolHourlyCost is the price of a shape per hour in US dollars; empty when it is not known.
func (s *reconcileScope) poolHourlyCost(_ v1alpha1.Pool, shape v1alpha1.Shape) string {
	if shape.InstanceClass == "" || shape.Replicas == nil {
		return ""
	}
	price, known := scaling.ClassPrice(&s.policy, &s.observation, shape.InstanceClass)
	if !known {
		return ""
	}
	return strings.TrimPrefix((price * scaling.Money(*shape.Replicas)).String(), "$")
}
