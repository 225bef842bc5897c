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
	// autoScalingEvery is how often it is read which clusters Aurora Auto Scaling manages. People register them by hand.
	autoScalingEvery = 10 * time.Minute
	// autoScalingErrorEvery is how long after an error it is read again: a role that was made for an earlier version may lack
	// the permission for good.
	autoScalingErrorEvery = 10 * time.Minute
	// autoScalingTimeout bounds the reading, so that a private network without an endpoint of Application Auto Scaling leaves
	// time for the other facts.
	autoScalingTimeout = 10 * time.Second
	// scalablePage is the largest page of DescribeScalableTargets (Application Auto Scaling API reference).
	scalablePage = 50
	// scalableCluster begins the resource id of an Aurora cluster (Application Auto Scaling API reference, ScalableTarget).
	scalableCluster = "cluster:"
)

// scalableTargets lists the limits within which Aurora Auto Scaling sets the number of readers, by cluster.
func scalableTargets(
	ctx context.Context, client applicationautoscaling.DescribeScalableTargetsAPIClient,
) (map[string]scaling.AutoScaling, error) {
	ctx, cancel := context.WithTimeout(ctx, autoScalingTimeout)
	defer cancel()
	out := map[string]scaling.AutoScaling{}
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(client, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace:  types.ServiceNamespaceRds,
		ScalableDimension: types.ScalableDimensionRDSClusterReadReplicaCount,
		MaxResults:        aws.Int32(scalablePage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, overdue(err, autoScalingTimeout)
		}
		for _, t := range page.ScalableTargets {
			if cluster, ok := strings.CutPrefix(aws.ToString(t.ResourceId), scalableCluster); ok {
				out[cluster] = scaling.AutoScaling{Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
			}
		}
	}
	return out, nil
}

// autoScaling is what is known of a cluster, or nil where nothing is registered, where that could never be read, and for a
// plain instance. The caller holds s.mu.
func (s *scope) autoScaling(t scaling.Target) *scaling.AutoScaling {
	limits, registered := s.scalable.value[t.Identifier]
	if !registered || t.Kind != scaling.DBCluster {
		return nil
	}
	return &limits
}

// readScalable reads which clusters Aurora Auto Scaling manages. What was known stands while it cannot be read: to forget it
// would let two of us set the number of readers.
func (s *scope) readScalable(ctx context.Context, now time.Time) {
	value, err := scalableTargets(ctx, s.autoScalers)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.scalable
	s.scalable = keep(s, before, "which clusters Aurora Auto Scaling manages", now, value, err)
	if err != nil {
		s.scalable.value = before.value
	}
}
