package awsx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// createReader adds a reader to a cluster with the settings of its writer, which it may have to replace one day.
func (s *scopeClient) createReader(ctx context.Context, target scaling.Target, call scaling.Call) error {
	cluster, err := s.describeCluster(ctx, target.Identifier)
	if err != nil {
		return err
	}
	var members []types.DBInstance
	pages := rds.NewDescribeDBInstancesPaginator(s.rdsReader, &rds.DescribeDBInstancesInput{
		Filters: []types.Filter{{Name: aws.String("db-cluster-id"), Values: []string{target.Identifier}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		members = append(members, page.DBInstances...)
	}
	writer := slices.IndexFunc(members, func(i types.DBInstance) bool {
		role, _ := memberOf(cluster, aws.ToString(i.DBInstanceIdentifier))
		return aws.ToBool(role.IsClusterWriter)
	})
	if writer < 0 {
		return rejectCall("the cluster has no writer whose settings a reader could have")
	}
	return createInUntriedZone(usableZones(cluster.AvailabilityZones, members), call, func(zone *string) error {
		_, err := s.rdsWriter.CreateDBInstance(ctx, newReaderInput(members[writer], cluster, call, zone))
		return err
	})
}

// createInUntriedZone makes a reader in the first of the zones that was not tried yet; where none is known AWS chooses.
func createInUntriedZone(zones []string, call scaling.Call, create func(zone *string) error) error {
	if len(zones) > 0 {
		untried := slices.DeleteFunc(slices.Clone(zones), func(zone string) bool { return slices.Contains(call.AvoidZones, zone) })
		if len(untried) == 0 {
			return &scaling.NoCapacityError{LastZone: true, Err: fmt.Errorf("%w: none of the zones of the database (%s) has a %s",
				scaling.ErrNoCapacity, strings.Join(zones, ", "), call.InstanceClass)}
		}
		zones = untried
	}
	err := Classify(create(firstZone(zones)))
	if errors.Is(err, scaling.ErrNoCapacity) {
		return &scaling.NoCapacityError{Zone: aws.ToString(firstZone(zones)), LastZone: len(zones) < 2, Err: err}
	}
	return err
}

// newReaderInput is the request for a reader with the settings of the writer. Storage, credentials, backups, security groups
// and the engine's version are the cluster's, and are left out (CreateDBInstance, Aurora).
func newReaderInput(
	writer types.DBInstance, cluster types.DBCluster, call scaling.Call, zone *string,
) *rds.CreateDBInstanceInput {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier:       aws.String(call.Instance),
		DBClusterIdentifier:        cluster.DBClusterIdentifier,
		DBInstanceClass:            aws.String(call.InstanceClass),
		Engine:                     cluster.Engine,
		PromotionTier:              aws.Int32(int32(call.PromotionTier)),
		AvailabilityZone:           zone,
		DBSubnetGroupName:          cluster.DBSubnetGroup,
		PubliclyAccessible:         writer.PubliclyAccessible,
		AutoMinorVersionUpgrade:    writer.AutoMinorVersionUpgrade,
		CACertificateIdentifier:    writer.CACertificateIdentifier,
		CopyTagsToSnapshot:         writer.CopyTagsToSnapshot,
		PreferredMaintenanceWindow: writer.PreferredMaintenanceWindow,
		MonitoringInterval:         writer.MonitoringInterval,
		EnablePerformanceInsights:  writer.PerformanceInsightsEnabled,
		Tags:                       readerTags(call.Tags, tagMap(cluster.TagList)),
	}
	if len(writer.DBParameterGroups) > 0 {
		in.DBParameterGroupName = writer.DBParameterGroups[0].DBParameterGroupName
	}
	// These go only with what they belong to: alone they are refused.
	if aws.ToInt32(writer.MonitoringInterval) > 0 {
		in.MonitoringRoleArn = writer.MonitoringRoleArn
	}
	if aws.ToBool(writer.PerformanceInsightsEnabled) {
		in.PerformanceInsightsKMSKeyId = writer.PerformanceInsightsKMSKeyId
		in.PerformanceInsightsRetentionPeriod = writer.PerformanceInsightsRetentionPeriod
	}
	return in
}

// readerTags are the tags of the call and the cluster's opt-in tag, in order of their keys.
func readerTags(call, cluster map[string]string) []types.Tag {
	all := maps.Clone(call)
	if all == nil {
		all = map[string]string{}
	}
	if value, ok := cluster[scaling.TagOptIn]; ok {
		all[scaling.TagOptIn] = value
	}
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(all[key])})
	}
	return list
}

// firstZone is the first of some zones, or nil when there is none: AWS chooses then.
func firstZone(zones []string) *string {
	if len(zones) == 0 {
		return nil
	}
	return aws.String(zones[0])
}

// usableZones are the availability zones of a database, those with the fewest members first, then by name; none when they are not
// known. A zone without a subnet of the database cannot be used; where no zones are given, those of its subnets are.
func usableZones(zones []string, members []types.DBInstance) []string {
	used := map[string]int{}
	subnets := map[string]bool{}
	for _, m := range members {
		used[aws.ToString(m.AvailabilityZone)]++
		if m.DBSubnetGroup == nil {
			continue
		}
		for _, subnet := range m.DBSubnetGroup.Subnets {
			if subnet.SubnetAvailabilityZone != nil {
				subnets[aws.ToString(subnet.SubnetAvailabilityZone.Name)] = true
			}
		}
	}
	if len(zones) == 0 {
		zones = slices.Collect(maps.Keys(subnets))
	}
	zones = slices.Sorted(slices.Values(zones))
	zones = slices.DeleteFunc(zones, func(zone string) bool { return len(subnets) > 0 && !subnets[zone] })
	slices.SortStableFunc(zones, func(a, b string) int { return used[a] - used[b] })
	return zones
}
