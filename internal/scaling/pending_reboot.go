package scaling

import (
	"fmt"
	"strings"
)

// RestartedInstances returns the observed instances that an action restarts: the instance that is resized, the instance that is
// promoted and the writer that it replaces (Aurora user guide, "Failing over an Aurora DB cluster"), or every member of a cluster
// whose class changes. A failover restarts every member where readers restart with the writer (see ReadersRestartOnFailover). The
// instance is that of the step or call.
func (o Observation) RestartedInstances(action Action, instance string) []Instance {
	var out []Instance
	for _, i := range o.Instances {
		restarted := false
		switch action {
		case ModifyInstanceClass:
			restarted = i.Identifier == instance
		case Failover:
			restarted = i.Identifier == instance || i.Writer || o.ReadersRestartOnFailover()
		case ModifyClusterClass:
			restarted = true
		case CreateReader, DeleteReader, ModifyPromotionTier, ModifyCapacity, ModifyMinCapacity:
		}
		if restarted {
			out = append(out, i)
		}
	}
	return out
}

// PendingRebootReason returns which changes of somebody else an action would apply because it restarts an instance, or "".
func (o Observation) PendingRebootReason(action Action, instance string) string {
	for _, i := range o.RestartedInstances(action, instance) {
		if len(i.PendingReboot) > 0 {
			return fmt.Sprintf("%s has changes that a restart would apply (%s)", i.Identifier, strings.Join(i.PendingReboot, ", "))
		}
	}
	return ""
}
