package awsx

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// topologyMetadata is what the RDS API tells of a database in further requests: parameters, custom endpoints, and blue/green
// deployments. Package scaling uses it for the choice of classes and of the reader to promote.
type topologyMetadata struct {
	// parameters are the parameters of users by parameter group.
	parameters map[parameterGroupKey]cachedValue[map[string]string]
	// customEndpoints are by cluster identifier, blueGreen by the ARN of the cluster or instance.
	customEndpoints cachedValue[map[string][]scaling.CustomEndpoint]
	blueGreen       cachedValue[map[string]scaling.BlueGreenDeployment]
}

// addTopologyMetadata adds it to an observation. It returns false when some of it must be read first. The caller holds s.mu.
func (s *scopeClient) addTopologyMetadata(o *scaling.Observation, view *topology, t scaling.Target, requestedAt time.Time) bool {
	return s.addCustomEndpoints(o, view, t, requestedAt) && s.addBlueGreen(o, requestedAt) && s.addParameters(o, view, t, requestedAt)
}

// refreshTopologyMetadata reads what is due for the targets. Custom endpoints are read only where a cluster has some, and the
// parameters of the groups that users have made.
func (s *scopeClient) refreshTopologyMetadata(ctx context.Context, targets []scaling.Target, now time.Time) {
	hasTargets, hasEndpoints, dueGroups := false, false, map[parameterGroupKey]bool{}
	for target, view := range s.views(targets) {
		o := view.observe(target)
		if !o.Found {
			continue
		}
		hasTargets = true
		hasEndpoints = hasEndpoints || target.Kind == scaling.DBCluster && len(view.cluster(target.Identifier).CustomEndpoints) > 0
		for _, i := range o.Instances {
			for _, key := range parameterGroupsOf(i, view.clusterGroup(target)) {
				dueGroups[key] = true
			}
		}
	}
	s.mu.RLock()
	maps.DeleteFunc(dueGroups, func(key parameterGroupKey, _ bool) bool {
		return !s.parameters[key].isStale(now, parametersInterval-maxSnapshotAge, parametersRetryInterval)
	})
	endpointsDue := hasEndpoints && s.customEndpoints.isStale(now, customEndpointsInterval-maxSnapshotAge, customEndpointsRetryInterval)
	blueGreenDue := hasTargets && s.blueGreen.isStale(now, blueGreenInterval-maxSnapshotAge, blueGreenRetryInterval)
	s.mu.RUnlock()
	if endpointsDue {
		value, err := listCustomEndpoints(ctx, s.rdsReader)
		err = classifyRead(err, s.scope, metadataTimeout)
		s.mu.Lock()
		s.customEndpoints = updateCachedValue(s, s.customEndpoints, "custom endpoints", now, value, err)
		s.mu.Unlock()
	}
	if blueGreenDue {
		value, err := listBlueGreenDeployments(ctx, s.rdsReader)
		err = classifyRead(err, s.scope, metadataTimeout)
		s.mu.Lock()
		s.blueGreen = updateCachedValue(s, s.blueGreen, "blue/green deployments", now, value, err)
		s.mu.Unlock()
	}
	for _, key := range slices.SortedFunc(maps.Keys(dueGroups), compareParameterGroups) {
		value, err := listParameters(ctx, s.rdsReader, key)
		err = classifyRead(err, s.scope, metadataTimeout)
		s.mu.Lock()
		s.parameters[key] = updateCachedValue(s, s.parameters[key], key.String(), now, value, err)
		s.mu.Unlock()
	}
}
