package controllers

import (
	"context"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// slow is a client whose writes of status take a time.
type slow struct {
	client.Client
	pass func()
}

// Status implements client.StatusClient.
func (c slow) Status() client.SubResourceWriter { return slowWriter{c.Client.Status(), c.pass} }

type slowWriter struct {
	client.SubResourceWriter
	pass func()
}

// Patch implements client.SubResourceWriter.
func (w slowWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	w.pass()
	return w.SubResourceWriter.Patch(ctx, o, patch, opts...)
}

// An intent that took long to write is not carried out any more: whoever looks next could take its time for that of the call,
// and ask a second time. It is asked for once it is seen that nothing came of it.
func TestALateIntentIsNotCarriedOut(t *testing.T) {
	l := newLab(t, cluster("db.r6g.large", 0.5, 1.8, "db.r6g.large"))
	l.apply(readersVertical)
	delay := time.Duration(0)
	l.reconciler.Client = slow{l.client, func() { l.clock.Step(delay) }}
	l.run("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		load := p.Status.Decision
		if p.Status.Readers != nil && p.Status.Readers.Since != nil && l.clock.Now().Sub(p.Status.Readers.Since.Time) > 7*time.Minute {
			delay = 25 * time.Second
		}
		return load != nil && p.Status.Operation != nil
	})
	p := l.get("p")
	if p.Status.Operation == nil || p.Status.Operation.Steps[0].Attempts != 1 || len(l.changes()) > 0 {
		t.Fatalf("AWS was asked for %q; status:\n%s", l.changes(), dump(p))
	}
	delay = 0
	l.until("p", "asked for", 5*time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return len(l.changes()) > 0 })
	if p := l.get("p"); p.Status.Operation.Steps[0].Attempts != 2 {
		t.Errorf("AWS was asked for %q; status:\n%s", l.changes(), dump(p))
	}
}
