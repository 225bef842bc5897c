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
	// autoScalingInterval is how often the limits of Aurora Auto Scaling are read. People register clusters by hand.
	autoScalingInterval = 10 * time.Minute
	// autoScalingRetryInterval is how soon they are read again after an error. It is long because a role made for an earlier
	// version of dbscaler may lack the permission permanently.
	autoScalingRetryInterval = 10 * time.Minute
	// autoScalingTimeout limits one read, so that a private network without an endpoint of Application Auto Scaling leaves
	// time for the other metadata.
	autoScalingTimeout = 10 * time.Second
	// scalableTargetsPageSize is the largest page of DescribeScalableTargets (Application Auto Scaling API reference).
	scalableTargetsPageSize = 50
	// clusterResourcePrefix starts the resource id of an Aurora cluster (Application Auto Scaling API reference, ScalableTarget).
	clusterResourcePrefix = "cluster:"
)

// listAutoScalingLimits returns the minimum and maximum number of readers that Aurora Auto Scaling may set, by cluster.
func listAutoScalingLimits(
	ctx context.Context, client applicationautoscaling.DescribeScalableTargetsAPIClient,
) (map[string]scaling.AutoScaling, error) {
	ctx, cancel := context.WithTimeout(ctx, autoScalingTimeout)
	defer cancel()
	limits := map[string]scaling.AutoScaling{}
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(client, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace:  types.ServiceNamespaceRds,
		ScalableDimension: types.ScalableDimensionRDSClusterReadReplicaCount,
		MaxResults:        aws.Int32(scalableTargetsPageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.ScalableTargets {
			if cluster, ok := strings.CutPrefix(aws.ToString(t.ResourceId), clusterResourcePrefix); ok {
				limits[cluster] = scaling.AutoScaling{Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
			}
		}
	}
	return limits, nil
}

// autoScalingFor returns the limits of a cluster. It returns nil for a plain instance, for a cluster that is not
// registered, and when the limits could never be read. The caller holds s.mu.
func (s *scopeClient) autoScalingFor(t scaling.Target) *scaling.AutoScaling {
	limits, registered := s.autoScalingLimits.value[t.Identifier]
	if !registered || t.Kind != scaling.DBCluster {
		return nil
	}
	return &limits
}

// refreshAutoScaling reads the limits of all clusters. After an error the previous limits stay in force: without them,
// dbscaler and Aurora Auto Scaling would both set the number of readers.
func (s *scopeClient) refreshAutoScaling(ctx context.Context, now time.Time) {
	value, err := listAutoScalingLimits(ctx, s.autoScaling)
	err = classifyRead(err, s.scope, autoScalingTimeout)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.autoScalingLimits
	s.autoScalingLimits = updateCachedValue(s, before, "limits of Aurora Auto Scaling", now, value, err)
	if err != nil {
		s.autoScalingLimits.value = before.value
	}
}
