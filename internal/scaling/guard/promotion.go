package guard

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// promotionCandidate protects the writer from a promotion that changes more than its class: the reader to be promoted must have the DB
// parameter group of the writer and be in no static list of a custom endpoint. Both may change after the operation was planned. It
// also vetoes a failover that restarts every reader of an old engine version, unless the owner has chosen the disruption windows for
// it or allows a disruption in this emergency.
func promotionCandidate(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		if s.Action != scaling.Failover {
			continue
		}
		if unknown := in.Observation.CustomEndpointsUnknown; unknown != "" {
			return "", 0, errors.New("the custom endpoints of the cluster, which a promotion may break, could not be read: " + unknown)
		}
		i, exists := in.Observation.Instance(s.Instance)
		if exists && !i.Writer {
			reason := in.Observation.ParameterGroupMismatch(i)
			if endpoint := in.Observation.StaticEndpoint(s.Instance); reason == "" && endpoint != "" && s.Instance != in.replacedWriter {
				reason = fmt.Sprintf("%s is in the static list of the custom endpoint %s", s.Instance, endpoint)
			}
			if reason != "" {
				return reason + ", so it is not promoted: give it the parameter group of the writer, or take it out of the list", 0, nil
			}
		}
		isAccepted := len(in.Policy.DisruptionWindows) > 0 || in.Proposal.Emergency && in.Policy.Guardrails.AllowEmergencyDisruption
		if in.Observation.ReadersRestartOnFailover() && len(in.Observation.PoolInstances(scaling.Readers)) > 0 && !isAccepted {
			return fmt.Sprintf("a failover of %s %s restarts every reader: upgrade the engine, or set spec.disruptionWindows to the times at "+
				"which all instances may restart", in.Observation.Engine, in.Observation.EngineVersion), 0, nil
		}
	}
	return "", 0, nil
}

// customEndpoints keeps the readers in static lists of custom endpoints in service: no other reader can take over their clients. Where
// the lists are not known, every reader may be in one, so that readers are only added. An emergency does not override this: it would
// move the outage to other clients.
func customEndpoints(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		i, exists := in.Observation.Instance(s.Instance)
		takesOut := s.Action == scaling.ModifyInstanceClass || s.Action == scaling.DeleteReader
		if !takesOut || !exists || i.Writer || i.SurgeOperation() != "" {
			continue
		}
		if unknown := in.Observation.CustomEndpointsUnknown; unknown != "" {
			return "", 0, fmt.Errorf("the custom endpoints of the cluster, of which %s may be a member, could not be read: %s", s.Instance, unknown)
		}
		if endpoint := in.Observation.StaticEndpoint(s.Instance); endpoint != "" && s.Instance != in.replacedWriter {
			return fmt.Sprintf("%s is in the static list of the custom endpoint %s, whose clients no other reader serves: take it out of the "+
				"list, or change it yourself", s.Instance, endpoint), 0, nil
		}
	}
	return "", 0, nil
}
