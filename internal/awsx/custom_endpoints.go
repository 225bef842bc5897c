package awsx

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// customEndpointsInterval is how often the members of custom endpoints are read, and customEndpointsRetryInterval how soon after an
	// error. The list of the endpoints of a cluster is part of the topology, so that a new endpoint is read at once.
	customEndpointsInterval      = 5 * time.Minute
	customEndpointsRetryInterval = time.Minute
)

// listCustomEndpoints returns the custom endpoints of a region, by cluster. Those that are being deleted are left out.
func listCustomEndpoints(ctx context.Context, client rdsReadAPI) (map[string][]scaling.CustomEndpoint, error) {
	endpoints := map[string][]scaling.CustomEndpoint{}
	pages := rds.NewDescribeDBClusterEndpointsPaginator(client, &rds.DescribeDBClusterEndpointsInput{
		Filters:    []types.Filter{{Name: aws.String("db-cluster-endpoint-type"), Values: []string{"custom"}}},
		MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.DBClusterEndpoints {
			if aws.ToString(e.EndpointType) != "CUSTOM" || aws.ToString(e.Status) == "deleting" {
				continue
			}
			cluster := aws.ToString(e.DBClusterIdentifier)
			endpoints[cluster] = append(endpoints[cluster], scaling.CustomEndpoint{
				Identifier: aws.ToString(e.DBClusterEndpointIdentifier), StaticMembers: slices.Sorted(slices.Values(e.StaticMembers)),
				ExcludedMembers: slices.Sorted(slices.Values(e.ExcludedMembers)),
			})
		}
	}
	for _, list := range endpoints {
		slices.SortFunc(list, func(a, b scaling.CustomEndpoint) int { return compareStrings(a.Identifier, b.Identifier) })
	}
	return endpoints, nil
}

// addCustomEndpoints adds the custom endpoints of a cluster that has some to its observation, or why they could not be read. It
// returns false when they must be read first. The caller holds s.mu.
func (s *scopeClient) addCustomEndpoints(o *scaling.Observation, view *topology, t scaling.Target, requestedAt time.Time) bool {
	count := len(view.cluster(t.Identifier).CustomEndpoints)
	if t.Kind != scaling.DBCluster || count == 0 {
		return true
	}
	if s.customEndpoints.isStale(requestedAt, customEndpointsInterval, customEndpointsRetryInterval) {
		return false
	}
	if s.customEndpoints.err != nil {
		o.CustomEndpointsUnknown = unreadableReason(s.customEndpoints.err, "rds:DescribeDBClusterEndpoints")
		return true
	}
	o.CustomEndpoints = s.customEndpoints.value[t.Identifier]
	return true
}
