package operation

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// An operation that was approved goes on only while somebody wants what it leads to.
func TestSuperseded(t *testing.T) {
	allows := func(classes ...string) scaling.Policy {
		p := surgePolicy()
		p.Readers = &scaling.ReaderLimits{InstanceClasses: classes, Min: 1, Max: 2}
		p.Writer = &scaling.WriterLimits{InstanceClasses: classes}
		return p
	}
	wants := func(p scaling.Policy, until time.Duration) scaling.Policy {
		to := newShape(2, xlarge)
		p.ManualControl.Override = &scaling.ManualOverride{Readers: &to, ExpiresAt: start.Add(until)}
		return p
	}
	none := surgePolicy()
	readers := scaling.Operation{Pool: scaling.Readers, To: newShape(2, xlarge), Steps: []scaling.Step{requested(createStep("s")), resizeStep("a")}}
	more := readers
	more.To.Count = 3
	writer := scaling.Operation{Pool: scaling.Writer, To: newShape(1, xlarge), Steps: []scaling.Step{resizeStep("a"), failoverStep("a"), resizeStep("w")}}
	over := writer
	over.Steps = []scaling.Step{resizeStep("a"), requested(failoverStep("a")), resizeStep("w")}
	cleanup := scaling.Operation{Pool: scaling.Readers, Direction: scaling.Cleanup, To: newShape(2, large)}
	for _, test := range []struct {
		name     string
		policy   scaling.Policy
		op       scaling.Operation
		unwanted bool
	}{
		{"as it was", allows(large, xlarge), readers, false},
		{"the class is not allowed any more", allows(large), readers, true},
		{"nor so many", allows(large, xlarge), more, true},
		{"the readers are left alone now", none, readers, true},
		{"the writer as it was", allows(large, xlarge), writer, false},
		{"the writer's class is not allowed any more", allows(large), writer, true},
		{"it is, and the writer has failed over", allows(large), over, false},
		{"a person wants it", wants(allows(large), time.Minute), readers, false},
		{"a person wanted it", wants(allows(large), 0), readers, true},
		{"what is removed at the end", none, cleanup, false},
	} {
		if got := Superseded(test.policy, test.op, start); (got != "") != test.unwanted {
			t.Errorf("%s: it says %q", test.name, got)
		}
	}
}
