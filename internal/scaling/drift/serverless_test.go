package drift

import (
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestDetect_ServerlessRange: the minimum and the maximum capacity of a cluster are compared separately.
func TestDetect_ServerlessRange(t *testing.T) {
	operations := []CompletedOperation{
		succeeded("max", 2, ExpectedInstance{Instance: "sessions", Action: scaling.ModifyCapacity, InstanceClass: "32 ACU"}),
		succeeded("min", 1, ExpectedInstance{Instance: "sessions", Action: scaling.ModifyMinCapacity, InstanceClass: "2.5 ACU"}),
	}
	for _, test := range []struct {
		name        string
		maxCapacity string
		minCapacity float64
		want        string
	}{
		{"both as set", "32 ACU", 2.5, ""},
		{"minimum reverted", "32 ACU", 0.5, "min/sessions 2.5 ACU→0.5 ACU"},
		{"maximum reverted", "16 ACU", 2.5, "max/sessions 32 ACU→16 ACU"},
	} {
		o := observe("sessions-1", test.maxCapacity)
		o.Instances[0].Writer, o.Serverless, o.MinCapacity = true, true, test.minCapacity
		_, reverts := Detect(Input{Operations: operations, Observation: o, Now: now})
		got := ""
		for _, r := range reverts {
			got += r.String()
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
