package guard

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ownershipConflict keeps hands off a database whose shape somebody else has set back twice, until a person acts. What an
// operation of ours has left behind is nobody else's to remove.
func ownershipConflict(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil
	}
	return in.Observation.OwnershipConflict, 0, nil
}

// declaredElsewhere leaves alone an instance whose class an object of this cluster declares, unless it declares the very class
// that the instance would get: its controller would change it back.
func declaredElsewhere(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		if s.Action != scaling.ModifyInstanceClass && s.Action != scaling.DeleteReader {
			continue
		}
		if in.Observation.DeclarationsUnknown != "" {
			return "", 0, errors.New("nobody knows whether ACK or Crossplane declare the instances, since their objects could not be listed: " +
				in.Observation.DeclarationsUnknown)
		}
		for _, c := range in.Observation.Declarations {
			switch {
			case c.Instance != s.Instance:
			case s.Action == scaling.DeleteReader:
				return fmt.Sprintf("%s declares %s, and would create it again: %s", c.DeclaredBy, c.Instance, c.Remedy), 0, nil
			case c.InstanceClass != s.InstanceClass:
				return fmt.Sprintf("%s declares that %s is %s, and would change it back. To let this policy decide, %s",
					c.DeclaredBy, c.Instance, c.InstanceClass, c.Remedy), 0, nil
			}
		}
	}
	return "", 0, nil
}
