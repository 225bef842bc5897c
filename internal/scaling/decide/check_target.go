package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// The reasons why a target cannot be scaled.
const (
	// ReasonTargetNotFound: there is no such database in that account and region.
	ReasonTargetNotFound scaling.Reason = "NotFound"
	// ReasonTargetUnsupported: the database exists, but the policy cannot scale a database of this kind.
	ReasonTargetUnsupported scaling.Reason = "Unsupported"
	// ReasonClassNotOffered: the policy names a class that the database's engine does not run on.
	ReasonClassNotOffered scaling.Reason = "ClassNotOffered"
)

// CheckTarget says why a policy cannot scale the database that was observed. The hold is empty when it can.
func CheckTarget(p scaling.Policy, o scaling.Observation) scaling.Hold {
	unsupported := func(message string) scaling.Hold {
		return scaling.Hold{Reason: ReasonTargetUnsupported, Message: message}
	}
	switch {
	case !o.Found:
		return scaling.Hold{Reason: ReasonTargetNotFound, Message: fmt.Sprintf(
			"There is no %s named %q in %s. Check spec.targetRef: identifier, region, and accountRef when it is in another account",
			p.Target.Kind, p.Target.Identifier, p.Target.Scope)}
	case o.Unsupported != "":
		return unsupported(o.Unsupported)
	case o.Serverless && !p.Serverless:
		return unsupported("The cluster is Aurora Serverless v2, whose instances have no class to choose. Set the bounds of its " +
			"capacity in spec.serverless instead of spec.readers and spec.writer")
	case p.Serverless && !o.Serverless:
		return unsupported("spec.serverless is for Aurora Serverless v2, and at least one instance of the target is not. List instance " +
			"classes in spec.readers and spec.writer instead")
	case o.ResizedAsUnit && p.Readers != nil:
		return unsupported("The target is a Multi-AZ DB cluster, which is resized as a unit. To scale it, remove spec.readers and list " +
			"the classes of all its instances in spec.writer")
	}
	if p.Readers != nil {
		if hold := checkLadder("readers", p.Readers.InstanceClasses, o.Engine); hold.Reason != "" {
			return hold
		}
	}
	if p.Writer != nil {
		return checkLadder("writer", p.Writer.InstanceClasses, o.Engine)
	}
	return scaling.Hold{}
}

func checkLadder(field string, ladder []string, engine string) scaling.Hold {
	for _, name := range ladder {
		if class, err := catalog.Lookup(name); err == nil && !class.Supports(engine) {
			return scaling.Hold{Reason: ReasonClassNotOffered, Message: fmt.Sprintf(
				"spec.%s.instanceClasses: %s does not run on %s. Remove it from the list", field, engine, name)}
		}
	}
	return scaling.Hold{}
}
