package operation

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// An approved operation continues only while the policy or an override allows its target shape.
func TestSuperseded_WhenPolicyNoLongerAllowsResult(t *testing.T) {
	allows := func(classes ...string) scaling.Policy {
		p := surgePolicy()
		p.Readers = &scaling.ReaderLimits{InstanceClasses: classes, Min: 1, Max: 2}
		p.Writer = &scaling.WriterLimits{InstanceClasses: classes}
		return p
	}
	overrides := func(p scaling.Policy, until time.Duration) scaling.Policy {
		to := newShape(2, xlarge)
		p.ManualControl.Override = &scaling.ManualOverride{Readers: &to, ExpiresAt: start.Add(until)}
		return p
	}
	none := surgePolicy()
	readers := scaling.Operation{Pool: scaling.Readers, To: newShape(2, xlarge), Steps: []scaling.Step{requested(createStep("s")), resizeStep("a")}}
	threeReaders := readers
	threeReaders.To.Count = 3
	writer := scaling.Operation{Pool: scaling.Writer, To: newShape(1, xlarge), Steps: []scaling.Step{resizeStep("a"), failoverStep("a"), resizeStep("w")}}
	failedOver := writer
	failedOver.Steps = []scaling.Step{resizeStep("a"), requested(failoverStep("a")), resizeStep("w")}
	cleanup := scaling.Operation{Pool: scaling.Readers, Direction: scaling.Cleanup, To: newShape(2, large)}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		op     scaling.Operation
		want   bool
	}{
		{"readers within the policy", allows(large, xlarge), readers, false},
		{"reader class no longer allowed", allows(large), readers, true},
		{"number of readers no longer allowed", allows(large, xlarge), threeReaders, true},
		{"readers no longer scaled", none, readers, true},
		{"writer within the policy", allows(large, xlarge), writer, false},
		{"writer class no longer allowed", allows(large), writer, true},
		{"writer class no longer allowed after the failover", allows(large), failedOver, false},
		{"active override", overrides(allows(large), time.Minute), readers, false},
		{"ended override", overrides(allows(large), 0), readers, true},
		{"cleanup", none, cleanup, false},
	} {
		if got := Superseded(test.policy, test.op, start); (got != "") != test.want {
			t.Errorf("%s: got reason %q, want one: %t", test.name, got, test.want)
		}
	}
}
