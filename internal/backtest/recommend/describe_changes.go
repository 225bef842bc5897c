package recommend

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// describeChanges describes the differences of a policy from another, one line each.
func describeChanges(from, to scaling.Policy) []string {
	var out []string
	add := func(different bool, format string, args ...any) {
		if different {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	addLadder := func(a, b []string) { add(!slices.Equal(a, b), "instance classes %s", strings.Join(b, ", ")) }
	if a, b := from.Readers, to.Readers; a != nil && b != nil {
		addLadder(a.InstanceClasses, b.InstanceClasses)
		add(a.Min != b.Min || a.Max != b.Max, "%d to %d readers", b.Min, b.Max)
	}
	if a, b := from.Writer, to.Writer; a != nil && b != nil {
		addLadder(a.InstanceClasses, b.InstanceClasses)
	}
	add(from.CPU != to.CPU, "CPU target %d%%, scale up at %d%%, scale down at %d%%", to.CPU.Target, to.CPU.ScaleUp, to.CPU.ScaleDown)
	addWindow := func(name string, a, b time.Duration) { add(a != b, "%s of %g min", name, b.Minutes()) }
	addWindow("scale-up window", from.ScaleUp.Window, to.ScaleUp.Window)
	addWindow("scale-down window", from.ScaleDown.Window, to.ScaleDown.Window)
	addWindow("scale-down class window", from.ScaleDownClassWindow, to.ScaleDownClassWindow)
	return out
}
