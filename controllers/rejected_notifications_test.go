package controllers

import (
	"context"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// badNotificationsClient makes each notification that it writes one that the schema of the CRD refuses.
type badNotificationsClient struct{ client.Client }

func (c badNotificationsClient) Status() client.SubResourceWriter {
	return badNotificationsWriter{c.Client.Status()}
}

type badNotificationsWriter struct{ client.SubResourceWriter }

func (w badNotificationsWriter) Patch(ctx context.Context, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	if p, ok := object.(*v1alpha1.DBScalingPolicy); ok && p.Status.Notifications != nil {
		for n := range p.Status.Notifications.Pending {
			p.Status.Notifications.Pending[n].Type = "NotInTheSchema"
		}
	}
	return w.SubResourceWriter.Patch(ctx, object, patch, opts...)
}

// A notification that the API server rejects does not keep the intent of an operation from being persisted.
func TestNotifications_RejectedByAPIServer(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	r := newReceiver(t)
	h.sendTo(r)
	h.reconciler.Client = badNotificationsClient{h.client}
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	if len(r.events()) > 0 || p.Status.Notifications != nil && len(p.Status.Notifications.Pending) > 0 {
		t.Errorf("received %v, and status has %v: the API server should have rejected all", r.types(), p.Status.Notifications)
	}
}
