package awsx

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// autoScalingInterval is how often it is read which clusters Aurora Auto Scaling manages. People register them by hand.
	autoScalingInterval = 10 * time.Minute
	// autoScalingRetryInterval is how long after an error it is read again: a role that was made for an earlier version may lack
	// the permission for good.
	autoScalingRetryInterval = 10 * time.Minute
	// autoScalingTimeout bounds the reading, so that a private network without an endpoint of Application Auto Scaling leaves
	// time for the other facts.
	autoScalingTimeout = 10 * time.Second
	// scalableTargetsPageSize is the largest page of DescribeScalableTargets (Application Auto Scaling API reference).
	scalableTargetsPageSize = 50
	// clusterResourcePrefix begins the resource id of an Aurora cluster (Application Auto Scaling API reference, ScalableTarget).
	clusterResourcePrefix = "cluster:"
)

// listAutoScalingLimits lists the limits within which Aurora Auto Scaling sets the number of readers, by cluster.
func listAutoScalingLimits(
	ctx context.Context, client applicationautoscaling.DescribeScalableTargetsAPIClient,
) (map[string]scaling.AutoScaling, error) {
	ctx, cancel := context.WithTimeout(ctx, autoScalingTimeout)
	defer cancel()
	out := map[string]scaling.AutoScaling{}
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(client, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace:  types.ServiceNamespaceRds,
		ScalableDimension: types.ScalableDimensionRDSClusterReadReplicaCount,
		MaxResults:        aws.Int32(scalableTargetsPageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, asTimeoutError(err, autoScalingTimeout)
		}
		for _, t := range page.ScalableTargets {
			if cluster, ok := strings.CutPrefix(aws.ToString(t.ResourceId), clusterResourcePrefix); ok {
				out[cluster] = scaling.AutoScaling{Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
			}
		}
	}
	return out, nil
}

// autoScalingFor is what is known of a cluster, or nil where nothing is registered, where that could never be read, and for a
// plain instance. The caller holds s.mu.
func (s *scopeClient) autoScalingFor(t scaling.Target) *scaling.AutoScaling {
	limits, registered := s.autoScalingLimits.value[t.Identifier]
	if !registered || t.Kind != scaling.DBCluster {
		return nil
	}
	return &limits
}

// refreshAutoScaling reads which clusters Aurora Auto Scaling manages. What was known stands while it cannot be read: to forget it
// would let two of us set the number of readers.
func (s *scopeClient) refreshAutoScaling(ctx context.Context, now time.Time) {
	value, err := listAutoScalingLimits(ctx, s.autoScaling)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.autoScalingLimits
	s.autoScalingLimits = updateCachedValue(s, before, "which clusters Aurora Auto Scaling manages", now, value, err)
	if err != nil {
		s.autoScalingLimits.value = before.value
	}
}
