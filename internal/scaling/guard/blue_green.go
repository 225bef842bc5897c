package guard

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// blueGreenDeployment leaves a database as it is from the creation of a blue/green deployment until its switchover: a change of blue
// does not reach green, which goes into production with the old size, and green is the copy that somebody tests. An emergency of the
// production database (blue) is served, since green may be switched over days later or never; not during the switchover, which the
// change could make fail.
func blueGreenDeployment(in Input) (string, time.Duration, error) {
	d := in.Observation.BlueGreen
	isEmergency := in.Proposal.Emergency
	switch {
	case in.Observation.BlueGreenUnknown != "" && !isEmergency:
		return "", 0, errors.New("blue/green deployments could not be read: " + in.Observation.BlueGreenUnknown)
	case d == nil, d.Role == scaling.BlueRole && isEmergency && d.Status != scaling.BlueGreenSwitchingOver:
		return "", 0, nil
	case d.Role == scaling.GreenRole:
		return fmt.Sprintf("the database is the green environment of the blue/green deployment %s (%s), which the operator does not change: "+
			"name the blue database in spec.targetRef", d.Name, d.Status), 0, nil
	}
	return fmt.Sprintf("the blue/green deployment %s exists (%s), and a change would not reach its green environment: switch it over or "+
		"delete it. Emergencies are still served, outside the switchover; size the green environment yourself before the switchover",
		d.Name, d.Status), 0, nil
}
