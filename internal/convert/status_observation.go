package convert

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// StatusObservation is the database as the status of a policy has it, for readers who may read only Kubernetes. It has the instances with
// their classes, states, zones and promotion tiers, the history, shortages, refusals and an ownership conflict. It lacks everything else:
// samples, tags but the one of readers that dbscaler created, parameter groups, custom endpoints, pending changes, prices and what AWS
// offers. A caller must not take what is missing for what does not exist: neither a veto nor a pass of a guard that reads it says anything.
// Found is false when the status has no instances.
func StatusObservation(object *v1alpha1.DBScalingPolicy, now time.Time) scaling.Observation {
	status := &object.Status
	o := scaling.Observation{ObservedAt: now, Kind: scaling.TargetKind(object.Spec.TargetRef.Kind), Status: scaling.StatusAvailable}
	if status.Target == nil {
		return o
	}
	o.ARN, o.ResourceID = status.Target.ARN, status.Target.ResourceID
	o.Engine, o.EngineVersion = status.Target.Engine, status.Target.EngineVersion
	o.GlobalCluster, o.GlobalSecondary = status.Target.GlobalCluster, status.Target.GlobalRole == v1alpha1.GlobalRoleSecondary
	lowest, _, isServerless := strings.Cut(status.Target.CapacityRange, " to ")
	if isServerless {
		o.MinCapacity, _ = catalog.ParseACUs(lowest)
	}
	o.Serverless = isServerless
	o.ResizedAsUnit = isServerless || o.Kind == scaling.DBCluster && !strings.HasPrefix(o.Engine, "aurora") // a Multi-AZ DB cluster
	o.Instances = append(statusInstances(status.Writer, true), statusInstances(status.Readers, false)...)
	o.Found = len(o.Instances) > 0
	if c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionOwnershipConflict); c != nil && c.Status == "True" {
		o.OwnershipConflict = c.Message
	}
	return RestoreObservation(o, object, now)
}

// statusInstances converts the instances of a pool in status.
func statusInstances(pool *v1alpha1.PoolStatus, writer bool) []scaling.Instance {
	if pool == nil {
		return nil
	}
	var out []scaling.Instance
	for _, i := range pool.Instances {
		instance := scaling.Instance{
			Identifier: i.Identifier, ResourceID: i.ResourceID, Class: i.InstanceClass, PendingClass: i.PendingInstanceClass, Status: i.Status,
			Writer: writer, PromotionTier: int(ptr.Deref(i.PromotionTier, 0)), AvailabilityZone: i.AvailabilityZone, Endpoint: i.Endpoint,
			Parameters: scaling.Parameters{Unknown: "the status of a policy has no parameters"},
		}
		if i.CreatedBy != "" {
			instance.Tags = map[string]string{scaling.TagCreatedBy: i.CreatedBy}
		}
		out = append(out, instance)
	}
	return out
}
