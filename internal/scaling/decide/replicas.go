package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The clients of RDS read replicas are not distributed: each replica has an address of its own. So the load of a pool of replicas
// is judged by the hottest one, as if all were as busy, and a replica without clients is no capacity.

// excludeInstances returns the instances without those of the given names.
func excludeInstances(instances []poolInstance, names []string) []poolInstance {
	if len(names) == 0 {
		return instances
	}
	return slices.DeleteFunc(slices.Clone(instances), func(i poolInstance) bool { return slices.Contains(names, i.Identifier) })
}

// newLoadTimeline is the load of a pool: what its instances use together, or, with byHottest, what they would use together if each
// were as busy, in percent, as the busiest one of the minute. The buffer is that of newTimeline.
func newLoadTimeline(
	buffer []minuteLoad, byHottest bool, instances []poolInstance, changedAt, now time.Time, window time.Duration,
) timeline {
	t := newTimeline(buffer, instances, changedAt, now, window)
	if !byHottest {
		return t
	}
	capacity, one := totalVCPUs(instances), t
	one.minutes = make([]minuteLoad, len(t.minutes))
	for n := range t.minutes {
		t.minutes[n].demand = 0
	}
	for n := range instances {
		clear(one.minutes)
		if !changedAt.IsZero() {
			one.addSamples(&instances[n], laterOf(t.start, changedAt.Add(WarmUp)))
		}
		for k := range one.minutes {
			t.minutes[k].demand = max(t.minutes[k].demand, one.minutes[k].demand/instances[n].vcpus*capacity)
		}
	}
	return t
}

// loadTimeline is the load of the pool over a window, without replicas that have no clients. The buffer is that of newTimeline.
func (e *poolEvaluation) loadTimeline(buffer []minuteLoad, changedAt time.Time, window time.Duration) timeline {
	return newLoadTimeline(buffer, e.load.ByHottest, excludeInstances(e.instances, e.load.WithoutClients), changedAt, e.now, window)
}

// servingCount is the number of instances of a candidate that carry load. Replicas without clients are removed first, as far as
// dbscaler may remove them.
func (e *poolEvaluation) servingCount(c *candidate) int {
	if len(e.load.WithoutClients) == 0 {
		return c.Shape.Count
	}
	removable := 0
	for n := range e.instances {
		if i := &e.instances[n]; i.CanBeRemoved() && slices.Contains(e.load.WithoutClients, i.Identifier) {
			removable++
		}
	}
	removed := max(0, len(e.instances)-c.Shape.Count)
	return max(0, c.Shape.Count-len(e.load.WithoutClients)+min(removed, removable))
}

// servingVCPUs is the vCPUs of a candidate that carry load.
func (e *poolEvaluation) servingVCPUs(c *candidate) float64 {
	if len(e.load.WithoutClients) == 0 {
		return c.VCPUs
	}
	return float64(e.servingCount(c)) * c.class.vcpus
}

// hottestPercent is the utilization of the hottest instance of a candidate if the load stays as uneven as it is.
func (e *poolEvaluation) hottestPercent(c *candidate) float64 {
	serving := len(e.instances) - len(e.load.WithoutClients)
	return utilizationPercent(e.load.HottestDemand*float64(serving), e.servingVCPUs(c))
}

// shrinksReplica reports whether a read replica with clients would get fewer vCPUs: the vCPUs of further replicas do not make up for
// that, since its clients stay.
func (e *poolEvaluation) shrinksReplica(c *candidate) bool {
	return e.pool == scaling.Readers && e.observation.Kind == scaling.DBInstance &&
		c.class.vcpus < maxVCPUs(excludeInstances(e.instances, e.load.WithoutClients))
}

// hasLessCapacity reports whether a candidate has fewer usable vCPUs than the pool, or as many without replicas that have no
// clients.
func (e *poolEvaluation) hasLessCapacity(c *candidate) bool {
	onlyUnused := len(e.load.WithoutClients) > 0 && c.Shape.Count < len(e.instances) && e.usableVCPUs(c) == e.load.UsableCapacity
	return e.usableVCPUs(c) < e.load.UsableCapacity || onlyUnused
}

// add adds the use of one of several instances to a total. With byHottest, each of them counts as much as the one with the most.
func (*poolUsage) add(used float64, byHottest bool, instances int, total *float64) {
	if byHottest {
		*total = max(*total, used*float64(instances))
	} else {
		*total += used
	}
}

// cannotReplicate reports whether a candidate has more read replicas than now, and AWS creates none.
func (e *poolEvaluation) cannotReplicate(c *candidate) bool {
	return e.pool == scaling.Readers && e.observation.CannotReplicate != "" && c.Shape.Count > len(e.instances)
}

// isRefused reports whether AWS has refused what a candidate needs: a new reader of its class, or the resize of an instance to it.
func (e *poolEvaluation) isRefused(c *candidate) bool {
	_, refused := e.refusal(c)
	return refused
}

// refusal returns the refusal that applies to a candidate.
func (e *poolEvaluation) refusal(c *candidate) (scaling.Refusal, bool) {
	if len(e.observation.Refusals) == 0 {
		return scaling.Refusal{}, false
	}
	if e.pool == scaling.Readers && c.Shape.Count > len(e.instances) {
		if r, found := e.observation.FindRefusal(e.pool, scaling.CreateReader, c.class.name, "", e.now); found {
			return r, true
		}
	}
	if c.ResizedInstances == 0 {
		return scaling.Refusal{}, false
	}
	return e.observation.FindRefusal(e.pool, resizeAction(e.observation), c.class.name, "", e.now)
}

// resizeAction is the action that gives the instances of the database another class.
func resizeAction(o *scaling.Observation) scaling.Action {
	switch {
	case o.Serverless:
		return scaling.ModifyCapacity
	case o.ResizedAsUnit:
		return scaling.ModifyClusterClass
	default:
		return scaling.ModifyInstanceClass
	}
}

// isMissingInZone reports whether an instance would be resized to a class that AWS does not offer in its availability zone.
func isMissingInZone(o *scaling.Observation, class string, instances []poolInstance) bool {
	zones := o.OrderableGaps[class].Zones
	return len(zones) > 0 && slices.ContainsFunc(instances, func(i poolInstance) bool {
		return i.Class != class && slices.Contains(zones, i.AvailabilityZone)
	})
}

// verdictDetail adds to the text of a verdict what is known about this database. It does not change while the cause is the same.
func (e *poolEvaluation) verdictDetail(v scaling.Verdict) string {
	o := e.observation
	switch v {
	case scaling.VerdictCannotReplicate:
		return ": " + o.CannotReplicate
	case scaling.VerdictReplicaWithoutClients:
		return " (" + strings.Join(e.load.WithoutClients, ", ") + ")"
	case scaling.VerdictRefusedByAWS:
		for n := range e.candidates {
			if r, found := e.refusal(&e.candidates[n]); found {
				return fmt.Sprintf(" (%s; it is requested again after %s, or when the policy's spec changes)", r.Message, formatTime(r.ExpiresAt))
			}
		}
	case scaling.VerdictNotOrderable:
		if o.Orderable != nil && len(o.Orderable) == 0 && len(o.OrderableGaps) == 0 {
			return fmt.Sprintf(", nor any other: AWS offers no class for %s %s any more. Upgrade the engine", o.Engine, o.EngineVersion)
		}
		for n := range e.ladder {
			if features := o.OrderableGaps[e.ladder[n].name].Features; len(features) > 0 {
				return fmt.Sprintf(" with what the database uses (%s lacks %s)", e.ladder[n].name, strings.Join(features, ", "))
			}
		}
	default:
	}
	return ""
}

// basisSuffix says that the demand is not a measured sum.
func (e *poolEvaluation) basisSuffix() string {
	if e.load.ByHottest {
		return ", if every replica were as busy as the hottest one"
	}
	return ""
}

// mentionReplicasWithoutClients adds to a hold, or to the cause of a proposal, which replicas do not count.
func (e *poolEvaluation) mentionReplicasWithoutClients(hold *scaling.Hold, proposal *scaling.Proposal) {
	if len(e.load.WithoutClients) == 0 {
		return
	}
	text := ". Not counted as capacity, because no client is connected: " + strings.Join(e.load.WithoutClients, ", ")
	if proposal != nil {
		proposal.Cause += text
	} else if hold.Message != "" {
		hold.Message += text
	}
}
