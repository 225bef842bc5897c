package awsx

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// parametersInterval is how often the parameters of a group are read: people change them rarely, and a restart applies those that
	// matter here. parametersRetryInterval is how soon they are read again after an error.
	parametersInterval      = 6 * time.Hour
	parametersRetryInterval = 5 * time.Minute
	// defaultGroupPrefix starts the names of the parameter groups of AWS, in which nobody can set a parameter (RDS user guide, "Default
	// and custom parameter groups").
	defaultGroupPrefix = "default."
	// userSource selects the parameters that users have set.
	userSource = "user"
)

// observedParameters are the parameters that an observation needs.
var observedParameters = append([]string{"apg_ccm_enabled"}, catalog.ParameterNames...)

// parameterGroupKey identifies a parameter group within a region.
type parameterGroupKey struct {
	name string
	// isCluster says that it is a DB cluster parameter group.
	isCluster bool
}

func (k parameterGroupKey) String() string {
	if k.isCluster {
		return "DB cluster parameter group " + k.name
	}
	return "DB parameter group " + k.name
}

func compareParameterGroups(a, b parameterGroupKey) int {
	return cmp.Or(compareBools(a.isCluster, b.isCluster), cmp.Compare(a.name, b.name))
}

// parameterGroupsOf returns the groups with parameters of users that concern an instance of a cluster, or of none: the last one takes
// precedence.
func parameterGroupsOf(instance scaling.Instance, clusterGroup string) []parameterGroupKey {
	var keys []parameterGroupKey
	add := func(name string, isCluster bool) {
		if name != "" && !strings.HasPrefix(name, defaultGroupPrefix) {
			keys = append(keys, parameterGroupKey{name, isCluster})
		}
	}
	add(clusterGroup, true)
	for _, name := range instance.ParameterGroups {
		add(name, false)
	}
	return keys
}

// clusterGroup returns the DB cluster parameter group of a target, or "".
func (t *topology) clusterGroup(target scaling.Target) string {
	if target.Kind != scaling.DBCluster {
		return ""
	}
	return aws.ToString(t.cluster(target.Identifier).DBClusterParameterGroup)
}

// listParameters returns the observed parameters that users have set in a group.
func listParameters(ctx context.Context, client rdsReadAPI, key parameterGroupKey) (map[string]string, error) {
	values := map[string]string{}
	addAll := func(parameters []types.Parameter) {
		for _, p := range parameters {
			if name := aws.ToString(p.ParameterName); p.ParameterValue != nil && slices.Contains(observedParameters, name) {
				values[name] = aws.ToString(p.ParameterValue)
			}
		}
	}
	if key.isCluster {
		pages := rds.NewDescribeDBClusterParametersPaginator(client, &rds.DescribeDBClusterParametersInput{
			DBClusterParameterGroupName: aws.String(key.name), Source: aws.String(userSource), MaxRecords: aws.Int32(describePageSize),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			addAll(page.Parameters)
		}
		return values, nil
	}
	pages := rds.NewDescribeDBParametersPaginator(client, &rds.DescribeDBParametersInput{
		DBParameterGroupName: aws.String(key.name), Source: aws.String(userSource), MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		addAll(page.Parameters)
	}
	return values, nil
}

// addParameters adds the parameters of users to the instances of an observation, or why they could not be read. It returns false when
// some must be read first. The caller holds s.mu.
func (s *scopeClient) addParameters(o *scaling.Observation, view *topology, t scaling.Target, requestedAt time.Time) bool {
	clusterGroup := view.clusterGroup(t)
	for n := range o.Instances {
		i := &o.Instances[n]
		for _, key := range parameterGroupsOf(*i, clusterGroup) {
			group := s.parameters[key]
			switch {
			case group.isStale(requestedAt, parametersInterval, parametersRetryInterval):
				return false
			case group.err != nil:
				operation := "rds:DescribeDBParameters"
				if key.isCluster {
					operation = "rds:DescribeDBClusterParameters"
				}
				i.Parameters.Unknown = fmt.Sprintf("the %s could not be read: %s", key, unreadableReason(group.err, operation))
			case len(group.value) > 0:
				merged := maps.Clone(group.value)
				for name, value := range i.Parameters.Values {
					if _, overridden := merged[name]; !overridden {
						merged[name] = value
					}
				}
				i.Parameters.Values = merged
			}
		}
	}
	return true
}

// unreadableReason says why something could not be read and what to do, without what differs between attempts.
func unreadableReason(err error, operation string) string {
	return fmt.Sprintf("%s; grant %s if the role lacks it", scaling.StableMessage(err), operation)
}

func compareStrings(a, b string) int { return strings.Compare(a, b) }
