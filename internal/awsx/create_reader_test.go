package awsx

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestNewReaderInput_CopiesWriterSettings(t *testing.T) {
	cluster := types.DBCluster{
		DBClusterIdentifier: aws.String("orders"), Engine: aws.String("aurora-mysql"), DBSubnetGroup: aws.String("private"),
		TagList: []types.Tag{
			{Key: aws.String(scaling.TagOptIn), Value: aws.String("platform")},
			{Key: aws.String("of-the-cluster"), Value: aws.String("not copied")},
		},
	}
	writer := types.DBInstance{
		DBInstanceIdentifier: aws.String("orders-a"), DBInstanceClass: aws.String("db.r6g.large"), EngineVersion: aws.String("8.0"),
		DBParameterGroups:          []types.DBParameterGroupStatus{{DBParameterGroupName: aws.String("tuned")}},
		PubliclyAccessible:         aws.Bool(false),
		MonitoringRoleArn:          aws.String("arn:aws:iam::111122223333:role/monitoring"),
		MonitoringInterval:         aws.Int32(15),
		CopyTagsToSnapshot:         aws.Bool(true),
		StorageEncrypted:           aws.Bool(true),
		BackupRetentionPeriod:      aws.Int32(7),
		PerformanceInsightsEnabled: aws.Bool(true), PerformanceInsightsKMSKeyId: aws.String("key"),
		PerformanceInsightsRetentionPeriod: aws.Int32(465), CACertificateIdentifier: aws.String("rds-ca-rsa2048-g1"),
		AutoMinorVersionUpgrade: aws.Bool(false), PreferredMaintenanceWindow: aws.String("sun:04:00-sun:05:00"),
		TagList: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("orders")},
			{Key: aws.String(scaling.TagOptIn), Value: aws.String("billing")},
			{Key: aws.String(scaling.TagSurge), Value: aws.String("op-0")},
			{Key: aws.String("CostCenter"), Value: aws.String("4711")},
			{Key: aws.String("aws:cloudformation:stack-name"), Value: aws.String("orders")},
			{Key: aws.String("application-autoscaling:resourceId"), Value: aws.String("cluster:orders")},
		},
	}
	call := scaling.Call{
		Action: scaling.CreateReader, Instance: "orders-new", InstanceClass: "db.r6g.xlarge", PromotionTier: 0,
		Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
	want := rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders-new"), DBClusterIdentifier: aws.String("orders"),
		DBInstanceClass: aws.String("db.r6g.xlarge"), Engine: aws.String("aurora-mysql"), PromotionTier: aws.Int32(0),
		AvailabilityZone: aws.String("eu-west-1b"), DBSubnetGroupName: aws.String("private"),
		PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(false),
		CACertificateIdentifier: aws.String("rds-ca-rsa2048-g1"), CopyTagsToSnapshot: aws.Bool(true),
		PreferredMaintenanceWindow: aws.String("sun:04:00-sun:05:00"), DBParameterGroupName: aws.String("tuned"),
		MonitoringInterval: aws.Int32(15), MonitoringRoleArn: aws.String("arn:aws:iam::111122223333:role/monitoring"),
		EnablePerformanceInsights: aws.Bool(true), PerformanceInsightsKMSKeyId: aws.String("key"),
		PerformanceInsightsRetentionPeriod: aws.Int32(465),
		Tags: []types.Tag{
			{Key: aws.String("CostCenter"), Value: aws.String("4711")},
			{Key: aws.String(scaling.TagCreatedBy), Value: aws.String(scaling.TagCreatedByValue)},
			{Key: aws.String(scaling.TagOptIn), Value: aws.String("platform")},
			{Key: aws.String("team"), Value: aws.String("orders")},
		},
	}
	if got := newReaderInput(writer, cluster, call, aws.String("eu-west-1b")); !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}

	writer.MonitoringInterval, writer.PerformanceInsightsEnabled = aws.Int32(0), aws.Bool(false)
	got := newReaderInput(writer, cluster, call, nil)
	if got.MonitoringRoleArn != nil || got.PerformanceInsightsKMSKeyId != nil || got.PerformanceInsightsRetentionPeriod != nil {
		t.Error("settings of disabled features are copied")
	}
	if got.AvailabilityZone != nil {
		t.Error("the request names a zone although none is known")
	}
}

func TestReaderTags(t *testing.T) {
	callTags := map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: "platform/orders"}
	targetTags := map[string]string{scaling.TagOptIn: "platform", "of-the-target": "not copied"}
	many := map[string]string{}
	for n := range 60 {
		many[fmt.Sprintf("key-%02d", n)] = ""
	}
	ownTags := []string{scaling.TagCreatedBy, scaling.TagPolicy, scaling.TagOptIn}
	tests := []struct {
		name       string
		writerTags map[string]string
		wantCopied []string
	}{
		{"no tags", nil, nil},
		{"cost allocation and backup tags", map[string]string{"CostCenter": "4711", "backup": "daily"}, []string{"CostCenter", "backup"}},
		{"tags of AWS", map[string]string{"aws:a": "", "AWS:b": "", "rds:c": "", "awsome": ""}, []string{"awsome"}},
		{"reserved values", map[string]string{"a": "aws:a", "b": "RDS:b"}, nil},
		{"tag of Aurora Auto Scaling", map[string]string{"application-autoscaling:resourceId": "cluster:orders"}, nil},
		{"tags of dbscaler", map[string]string{scaling.TagSurge: "op-0", scaling.TagPolicy: "a/b", scaling.TagOptIn: "billing"}, nil},
		{"more tags than RDS accepts", many, slices.Sorted(maps.Keys(many))[:47]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := readerTags(callTags, targetTags, test.writerTags)
			want := map[string]string{scaling.TagOptIn: "platform"}
			maps.Copy(want, callTags)
			for _, key := range test.wantCopied {
				want[key] = test.writerTags[key]
			}
			if !maps.Equal(tagMap(got), want) || len(got) != len(ownTags)+len(test.wantCopied) {
				t.Errorf("got %v, want %v", tagMap(got), want)
			}
		})
	}
}

func TestUsableZones_LeastUsedFirst(t *testing.T) {
	instanceIn := func(zone string, subnets ...string) types.DBInstance {
		i := types.DBInstance{AvailabilityZone: aws.String(zone)}
		if len(subnets) > 0 {
			i.DBSubnetGroup = &types.DBSubnetGroup{}
		}
		for _, s := range subnets {
			i.DBSubnetGroup.Subnets = append(i.DBSubnetGroup.Subnets, types.Subnet{
				SubnetAvailabilityZone: &types.AvailabilityZone{Name: aws.String(s)},
			})
		}
		return i
	}
	tests := []struct {
		name    string
		zones   []string
		members []types.DBInstance
		want    *string
	}{
		{"zone without members first", []string{"c", "b", "a"}, []types.DBInstance{instanceIn("a"), instanceIn("c")}, aws.String("b")},
		{"zone with the fewest members first", []string{"a", "b", "c"}, []types.DBInstance{instanceIn("a"), instanceIn("a"), instanceIn("b"), instanceIn("c"), instanceIn("c")}, aws.String("b")},
		{"equal zones sorted by name", []string{"c", "b", "a"}, []types.DBInstance{instanceIn("a"), instanceIn("b"), instanceIn("c")}, aws.String("a")},
		{"zone without a subnet excluded", []string{"a", "b", "c"}, []types.DBInstance{instanceIn("a", "a", "c")}, aws.String("c")},
		{"no zone when zones are unknown", nil, []types.DBInstance{instanceIn("a")}, nil},
		{"zones of the subnets when no zones are given", nil, []types.DBInstance{instanceIn("a", "a", "b")}, aws.String("b")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := firstZone(usableZones(test.zones, test.members))
			if aws.ToString(got) != aws.ToString(test.want) || (got == nil) != (test.want == nil) {
				t.Errorf("got %s, want %s", aws.ToString(got), aws.ToString(test.want))
			}
		})
	}
}
