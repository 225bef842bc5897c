package controllers

import (
	"context"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// slowStatusClient is a client whose writes of status take a time.
type slowStatusClient struct {
	client.Client
	beforePatch func()
}

// Status implements client.StatusClient.
func (c slowStatusClient) Status() client.SubResourceWriter {
	return slowStatusWriter{c.Client.Status(), c.beforePatch}
}

type slowStatusWriter struct {
	client.SubResourceWriter
	beforePatch func()
}

// Patch implements client.SubResourceWriter.
func (w slowStatusWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	w.beforePatch()
	return w.SubResourceWriter.Patch(ctx, o, patch, opts...)
}

// An intent that took long to write is not carried out any more: whoever looks next could take its time for that of the call,
// and ask a second time. It is asked for once it is seen that nothing came of it.
func TestReconcile_SkipsCallAfterSlowIntentWrite(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 0.5, 1.8, "db.r6g.large"))
	l.applyPolicy(verticalReadersPolicy)
	delay := time.Duration(0)
	l.reconciler.Client = slowStatusClient{l.client, func() { l.clock.Step(delay) }}
	l.runFor("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		load := p.Status.Decision
		if p.Status.Readers != nil && p.Status.Readers.LastChangeTime != nil && l.clock.Now().Sub(p.Status.Readers.LastChangeTime.Time) > 7*time.Minute {
			delay = 25 * time.Second
		}
		return load != nil && p.Status.Operation != nil
	})
	p := l.getPolicy("p")
	if p.Status.Operation == nil || p.Status.Operation.Steps[0].Attempts != 1 || len(l.awsChanges()) > 0 {
		t.Fatalf("AWS was asked for %q; status:\n%s", l.awsChanges(), statusYAML(p))
	}
	delay = 0
	l.runUntil("p", "asked for", 5*time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return len(l.awsChanges()) > 0 })
	if p := l.getPolicy("p"); p.Status.Operation.Steps[0].Attempts != 2 {
		t.Errorf("AWS was asked for %q; status:\n%s", l.awsChanges(), statusYAML(p))
	}
}
