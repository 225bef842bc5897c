package convert

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// Fleet reads from the status of all policies which of them hold or wait for one of the slots for disruptive operations. The
// policy with the UID own counts only as waiting itself.
func Fleet(slots int, own types.UID, policies []v1alpha1.DBScalingPolicy) scaling.Fleet {
	fleet := scaling.Fleet{Slots: slots}
	for n := range policies {
		p := &policies[n]
		op, decision := Operation(p.Status.Operation), p.Status.Decision
		waiting := waitsForSlot(p)
		switch {
		case p.UID == own:
			if waiting {
				fleet.WaitingSince = decision.Time.Time
			}
		case op != nil && op.IsDisruptive():
			fleet.Holders = append(fleet.Holders, policyName(p))
		case waiting:
			fleet.Waiting = append(fleet.Waiting, scaling.WaitingPolicy{
				Policy: policyName(p), Emergency: decision.Urgency == v1alpha1.UrgencyEmergency, WaitingSince: decision.Time.Time,
			})
		}
	}
	slices.Sort(fleet.Holders)
	return fleet
}

// CountsInFleet reports whether a policy may hold a slot or waits for one, so that Fleet has to know it.
func CountsInFleet(p *v1alpha1.DBScalingPolicy) bool {
	return p.Status.Operation != nil || waitsForSlot(p)
}

func waitsForSlot(p *v1alpha1.DBScalingPolicy) bool {
	return p.Status.Operation == nil && p.Status.Decision.FirstBlocker() == guard.FleetSlot
}

// PolicyIdentities reads what decides which of several policies for one database may change it.
func PolicyIdentities(policies []v1alpha1.DBScalingPolicy) []scaling.PolicyIdentity {
	var out []scaling.PolicyIdentity
	for n := range policies {
		out = append(out, PolicyIdentity(&policies[n]))
	}
	return out
}

// PolicyIdentity reads it of one policy.
func PolicyIdentity(p *v1alpha1.DBScalingPolicy) scaling.PolicyIdentity {
	out := scaling.PolicyIdentity{
		UID: string(p.UID), Name: policyName(p), CreatedAt: p.CreationTimestamp.Time, Deleting: !p.DeletionTimestamp.IsZero(), Target: Target(p),
	}
	if p.Status.Target != nil {
		out.TargetARN = p.Status.Target.ARN
	}
	return out
}

func policyName(p *v1alpha1.DBScalingPolicy) string { return p.Namespace + "/" + p.Name }
