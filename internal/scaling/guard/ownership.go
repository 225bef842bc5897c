package guard

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ownershipConflict blocks every change after somebody else reverted two operations, until a user resolves the conflict. The
// cleanup of surge readers is allowed, since only the operator removes them.
func ownershipConflict(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil
	}
	return in.Observation.OwnershipConflict, 0, nil
}

// declaredElsewhere vetoes a change of an instance whose class another object in this Kubernetes cluster declares, unless it
// declares the desired class: its controller would revert the change.
func declaredElsewhere(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		if s.Action != scaling.ModifyInstanceClass && s.Action != scaling.DeleteReader {
			continue
		}
		if in.Observation.DeclarationsUnknown != "" {
			return "", 0, errors.New("the objects of ACK and Crossplane, which may declare the instances, could not be listed: " +
				in.Observation.DeclarationsUnknown)
		}
		for _, d := range in.Observation.Declarations {
			switch {
			case d.Instance != s.Instance:
			case s.Action == scaling.DeleteReader:
				return fmt.Sprintf("%s declares %s and would recreate it: %s", d.DeclaredBy, d.Instance, d.Remedy), 0, nil
			case d.InstanceClass != s.InstanceClass:
				return fmt.Sprintf("%s declares that %s is %s and would revert the change. To let this policy decide, %s",
					d.DeclaredBy, d.Instance, d.InstanceClass, d.Remedy), 0, nil
			}
		}
	}
	return "", 0, nil
}
