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

// createReader adds a reader to a cluster with the settings of the writer, since a failover may promote it.
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
		return rejectCall("the cluster has no writer to copy the settings of a reader from")
	}
	return s.createInUntriedZone(usableZones(cluster.AvailabilityZones, members), call, func(zone *string) error {
		input := newReaderInput(members[writer], cluster, call, zone)
		if window := members[writer].PreferredMaintenanceWindow; window != nil {
			backup := aws.ToString(cluster.PreferredBackupWindow)
			input.PreferredMaintenanceWindow = aws.String(staggeredWindow(*window, maintenanceWindows(members), backup))
		}
		_, err := s.writer(call.Policy).CreateDBInstance(ctx, input)
		return err
	})
}

// createInUntriedZone creates a reader in the first zone that is not in call.AvoidZones. AWS chooses when no zone is known.
func (s *scopeClient) createInUntriedZone(zones []string, call scaling.Call, create func(zone *string) error) error {
	if len(zones) > 0 {
		untried := slices.DeleteFunc(slices.Clone(zones), func(zone string) bool { return slices.Contains(call.AvoidZones, zone) })
		if len(untried) == 0 {
			return &scaling.NoCapacityError{LastZone: true, Err: fmt.Errorf("%w: no availability zone of the database (%s) has a %s",
				scaling.ErrNoCapacity, strings.Join(zones, ", "), call.InstanceClass)}
		}
		zones = untried
	}
	err := classify(create(firstZone(zones)), s.scope)
	if errors.Is(err, scaling.ErrNoCapacity) {
		return &scaling.NoCapacityError{Zone: aws.ToString(firstZone(zones)), LastZone: len(zones) < 2, Err: err}
	}
	return err
}

// newReaderInput returns the request for a reader with the settings of the writer. It omits storage, credentials, backups,
// security groups and the engine version, which belong to the cluster (RDS API reference, CreateDBInstance, Aurora).
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
		Tags:                       readerTags(call.Tags, tagMap(cluster.TagList), tagMap(writer.TagList)),
	}
	if len(writer.DBParameterGroups) > 0 {
		in.DBParameterGroupName = writer.DBParameterGroups[0].DBParameterGroupName
	}
	// AWS refuses these settings when the feature that they belong to is off.
	if aws.ToInt32(writer.MonitoringInterval) > 0 {
		in.MonitoringRoleArn = writer.MonitoringRoleArn
	}
	if aws.ToBool(writer.PerformanceInsightsEnabled) {
		in.PerformanceInsightsKMSKeyId = writer.PerformanceInsightsKMSKeyId
		in.PerformanceInsightsRetentionPeriod = writer.PerformanceInsightsRetentionPeriod
	}
	return in
}

// maxTags is the number of tags that a resource of RDS can have, without those that AWS set itself (RDS user guide, "Tagging
// Amazon RDS resources").
const maxTags = 50

// uncopiedTagPrefixes start the keys of tags that a new reader does not take from the writer or the source. AWS reserves the
// first two. Aurora Auto Scaling marks the readers that it manages, and may delete, with the third. The last are dbscaler's own:
// a writer can be a former reader that dbscaler created for another operation.
var uncopiedTagPrefixes = []string{"aws:", "rds:", "application-autoscaling:", "dbscaler.io/"}

// readerTags returns the tags of a new reader, sorted by key: those of the call, the opt-in tag of the cluster or source
// instance, and the tags of the writer or source instance, which cost allocation, backups and access policies depend on. When
// these are more than RDS accepts, the last of the writer's tags in the order of their keys are left out.
func readerTags(callTags, targetTags, writerTags map[string]string) []types.Tag {
	all := map[string]string{}
	maps.Copy(all, callTags)
	if value, ok := targetTags[scaling.TagOptIn]; ok {
		all[scaling.TagOptIn] = value
	}
	for _, key := range slices.Sorted(maps.Keys(writerTags)) {
		if _, exists := all[key]; !exists && len(all) < maxTags && isTagCopied(key, writerTags[key]) {
			all[key] = writerTags[key]
		}
	}
	var sorted []types.Tag
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, types.Tag{Key: aws.String(key), Value: aws.String(all[key])})
	}
	return sorted
}

// isTagCopied reports whether a new reader takes a tag from the writer or the source. AWS reserves its prefixes in any case,
// and for values too (RDS API reference, Tag).
func isTagCopied(key, value string) bool {
	key, value = strings.ToLower(key), strings.ToLower(value)
	return !slices.ContainsFunc(uncopiedTagPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) &&
		!strings.HasPrefix(value, "aws:") && !strings.HasPrefix(value, "rds:")
}

// firstZone returns the first zone, or nil when there is none, so that AWS chooses.
func firstZone(zones []string) *string {
	if len(zones) == 0 {
		return nil
	}
	return aws.String(zones[0])
}

// subnetZones returns the availability zones in which instances have a subnet.
func subnetZones(members []types.DBInstance) map[string]bool {
	hasSubnet := map[string]bool{}
	for _, m := range members {
		if m.DBSubnetGroup == nil {
			continue
		}
		for _, subnet := range m.DBSubnetGroup.Subnets {
			if subnet.SubnetAvailabilityZone != nil {
				hasSubnet[aws.ToString(subnet.SubnetAvailabilityZone.Name)] = true
			}
		}
	}
	return hasSubnet
}

// usableZones returns the availability zones of a database, those with the fewest members first, then by name; none when
// they are not known. It leaves out zones without a subnet of the database. Without zones it uses those of the subnets.
func usableZones(zones []string, members []types.DBInstance) []string {
	memberCount := map[string]int{}
	hasSubnet := subnetZones(members)
	for _, m := range members {
		memberCount[aws.ToString(m.AvailabilityZone)]++
	}
	if len(zones) == 0 {
		zones = slices.Collect(maps.Keys(hasSubnet))
	}
	zones = slices.Sorted(slices.Values(zones))
	zones = slices.DeleteFunc(zones, func(zone string) bool { return len(hasSubnet) > 0 && !hasSubnet[zone] })
	slices.SortStableFunc(zones, func(a, b string) int { return memberCount[a] - memberCount[b] })
	return zones
}
