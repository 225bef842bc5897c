package awsx

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// auroraTopology returns a cluster of a writer and two readers, after change was applied to it.
func auroraTopology(change func(c *types.DBCluster, members []types.DBInstance)) *topology {
	c := types.DBCluster{
		DBClusterIdentifier: aws.String("orders"), DBClusterArn: aws.String("arn:aws:rds:eu-west-1:111122223333:cluster:orders"),
		Engine: aws.String("aurora-postgresql"), EngineVersion: aws.String("15.4"), EngineMode: aws.String("provisioned"),
		DbClusterResourceId: aws.String("cluster-orders"), ClusterCreateTime: aws.Time(testStart),
		Status:  aws.String("available"),
		TagList: []types.Tag{{Key: aws.String(scaling.TagOptIn), Value: aws.String("platform")}},
	}
	var members []types.DBInstance
	for _, name := range []string{"orders-c", "orders-a", "orders-b"} {
		c.DBClusterMembers = append(c.DBClusterMembers, types.DBClusterMember{
			DBInstanceIdentifier: aws.String(name), IsClusterWriter: aws.Bool(name == "orders-b"), PromotionTier: aws.Int32(3),
		})
		members = append(members, types.DBInstance{
			DBInstanceIdentifier: aws.String(name), DBClusterIdentifier: aws.String("orders"),
			DbiResourceId: aws.String("db-" + name), Engine: aws.String("aurora-postgresql"),
			DBInstanceClass: aws.String("db.r6g.large"), DBInstanceStatus: aws.String("available"),
			InstanceCreateTime: aws.Time(testStart), AvailabilityZone: aws.String("eu-west-1a"),
		})
	}
	if change != nil {
		change(&c, members)
	}
	t := &topology{
		readAt: testStart, clusters: map[string]*types.DBCluster{"orders": &c}, instances: map[string]*types.DBInstance{},
		memberIDs: map[string][]string{},
	}
	for _, m := range members {
		id := aws.ToString(m.DBInstanceIdentifier)
		t.instances[id] = &m
		t.memberIDs["orders"] = append(t.memberIDs["orders"], id)
	}
	return t
}

var ordersCluster = scaling.Target{Scope: euWest1, Kind: scaling.DBCluster, Identifier: "orders"}

func TestTopology_ObservesCluster(t *testing.T) {
	got := auroraTopology(func(_ *types.DBCluster, members []types.DBInstance) {
		members[0].PendingModifiedValues = &types.PendingModifiedValues{
			DBInstanceClass: aws.String("db.r6g.xlarge"), CACertificateIdentifier: aws.String("rds-ca-rsa2048-g1"),
			ProcessorFeatures: []types.ProcessorFeature{}, MultiAZ: aws.Bool(false),
		}
		members[1].InstanceCreateTime = nil
		members[1].DBInstanceStatus = aws.String("creating")
		members[1].TagList = []types.Tag{{Key: aws.String(scaling.TagCreatedBy), Value: aws.String(scaling.TagCreatedByValue)}}
	}).observe(ordersCluster)
	want := scaling.Observation{
		ObservedAt: testStart, Found: true, Kind: scaling.DBCluster, ARN: "arn:aws:rds:eu-west-1:111122223333:cluster:orders",
		ResourceID: "cluster-orders",
		Engine:     "aurora-postgresql", EngineVersion: "15.4", Status: "available",
		Tags: map[string]string{scaling.TagOptIn: "platform"},
		Instances: []scaling.Instance{
			{
				Identifier: "orders-b", ResourceID: "db-orders-b", Class: "db.r6g.large", Status: "available", Writer: true, PromotionTier: 3,
				AvailabilityZone: "eu-west-1a", CreatedAt: testStart, Tags: map[string]string{},
			},
			{
				Identifier: "orders-a", ResourceID: "db-orders-a", Class: "db.r6g.large", Status: "creating", PromotionTier: 3,
				AvailabilityZone: "eu-west-1a", Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
			},
			{
				Identifier: "orders-c", ResourceID: "db-orders-c", Class: "db.r6g.large", Status: "available", PromotionTier: 3,
				AvailabilityZone: "eu-west-1a", CreatedAt: testStart, Tags: map[string]string{},
				PendingClass: "db.r6g.xlarge", OtherPendingModifications: []string{"CACertificateIdentifier", "MultiAZ"},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTopology_MissingTargetIsNotFound(t *testing.T) {
	for _, target := range []scaling.Target{
		{Kind: scaling.DBCluster, Identifier: "missing"},
		{Kind: scaling.DBCluster, Identifier: "orders-a"},
		{Kind: scaling.DBInstance, Identifier: "orders"},
	} {
		if got := auroraTopology(nil).observe(target); got.Found || !got.ObservedAt.Equal(testStart) {
			t.Errorf("%s: %+v", target, got)
		}
	}
}

func TestTopology_UnsupportedClusters(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *types.DBCluster, members []types.DBInstance)
		want   string
	}{
		{"Aurora cluster supported", nil, ""},
		{"DocumentDB", func(c *types.DBCluster, _ []types.DBInstance) { c.Engine = aws.String("docdb") }, "docdb cluster"},
		{"Neptune", func(c *types.DBCluster, _ []types.DBInstance) { c.Engine = aws.String("neptune") }, "neptune cluster"},
		{"Multi-AZ with processor features", func(c *types.DBCluster, members []types.DBInstance) {
			c.Engine = aws.String("postgres")
			members[1].ProcessorFeatures = []types.ProcessorFeature{{Name: aws.String("coreCount"), Value: aws.String("2")}}
		}, "processor features are set on its member"},
		{"Serverless v1", func(c *types.DBCluster, _ []types.DBInstance) { c.EngineMode = aws.String("serverless") }, "Serverless v1"},
		{"Serverless v2", func(_ *types.DBCluster, members []types.DBInstance) {
			members[1].DBInstanceClass = aws.String("db.serverless")
		}, "its member orders-a is Serverless v2"},
		{"Limitless", func(c *types.DBCluster, _ []types.DBInstance) {
			c.ClusterScalabilityType = types.ClusterScalabilityTypeLimitless
		}, "Limitless"},
		{"secondary of a global database", func(c *types.DBCluster, _ []types.DBInstance) {
			c.GlobalClusterIdentifier = aws.String("world")
			for n := range c.DBClusterMembers {
				c.DBClusterMembers[n].IsClusterWriter = aws.Bool(false)
			}
		}, "name the primary cluster"},
		{"primary of a global database supported", func(c *types.DBCluster, _ []types.DBInstance) {
			c.GlobalClusterIdentifier = aws.String("world")
		}, ""},
		{"cross-Region replica", func(c *types.DBCluster, _ []types.DBInstance) {
			c.ReplicationSourceIdentifier = aws.String("arn:aws:rds:us-east-1:111122223333:cluster:orders")
		}, "name the primary cluster"},
		{"stopped", func(c *types.DBCluster, _ []types.DBInstance) { c.Status = aws.String("stopped") }, "start it first"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := auroraTopology(test.change).observe(ordersCluster)
			if !o.Found || !strings.Contains(o.Unsupported, test.want) || (test.want == "") != (o.Unsupported == "") {
				t.Errorf("found %v, unsupported %q", o.Found, o.Unsupported)
			}
		})
	}
}

func TestTopology_ObservesInstance(t *testing.T) {
	tests := []struct {
		name   string
		change func(i *types.DBInstance)
		want   string
	}{
		{"plain instance supported", func(*types.DBInstance) {}, ""},
		{"member of a cluster", func(i *types.DBInstance) { i.DBClusterIdentifier = aws.String("orders") },
			"belongs to DB cluster orders: name the cluster instead"},
		{"read replica", func(i *types.DBInstance) { i.ReadReplicaSourceDBInstanceIdentifier = aws.String("main") },
			"read replica of main"},
		{"read replica of a cluster", func(i *types.DBInstance) { i.ReadReplicaSourceDBClusterIdentifier = aws.String("main") },
			"read replica of main"},
		{"instance with read replicas supported", func(i *types.DBInstance) { i.ReadReplicaDBInstanceIdentifiers = []string{"r1", "r2"} }, ""},
		{"processor features", func(i *types.DBInstance) {
			i.ProcessorFeatures = []types.ProcessorFeature{{Name: aws.String("coreCount"), Value: aws.String("2")}}
		}, "processor features"},
		{"stopped", func(i *types.DBInstance) { i.DBInstanceStatus = aws.String("stopped") }, "start it first"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := types.DBInstance{
				DBInstanceIdentifier: aws.String("ledger"), DBInstanceArn: aws.String("arn:aws:rds:eu-west-1:111122223333:db:ledger"),
				DBInstanceClass: aws.String("db.m6g.large"), DBInstanceStatus: aws.String("available"),
				Engine: aws.String("postgres"), EngineVersion: aws.String("15.4"), MultiAZ: aws.Bool(true),
				InstanceCreateTime: aws.Time(testStart),
			}
			test.change(&db)
			topology := &topology{readAt: testStart, instances: map[string]*types.DBInstance{"ledger": &db}}
			o := topology.observe(scaling.Target{Kind: scaling.DBInstance, Identifier: "ledger"})
			if !strings.Contains(o.Unsupported, test.want) || (test.want == "") != (o.Unsupported == "") {
				t.Errorf("unsupported %q", o.Unsupported)
			}
			if !o.Found || !o.MultiAZ || o.Engine != "postgres" || o.ARN != *db.DBInstanceArn || o.Status != *db.DBInstanceStatus {
				t.Errorf("got %+v", o)
			}
			if len(o.Instances) != 1 || !o.Instances[0].Writer || o.Instances[0].Class != "db.m6g.large" {
				t.Errorf("instances %+v", o.Instances)
			}
		})
	}
}

// setAllFields sets every exported field of a struct and returns the names.
func setAllFields(pending reflect.Value) (names []string) {
	for field, v := range pending.Fields() {
		if !field.IsExported() {
			continue
		}
		switch v.Kind() {
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			if v.Elem().Kind() == reflect.Struct {
				setAllFields(v.Elem())
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		case reflect.String:
			v.SetString("full")
		}
		names = append(names, field.Name)
	}
	return names
}

func TestPendingChanges_NamesEveryField(t *testing.T) {
	var instance types.PendingModifiedValues
	want := slices.DeleteFunc(setAllFields(reflect.ValueOf(&instance).Elem()), func(name string) bool { return name == "DBInstanceClass" })
	if got := pendingChanges(instance, "DBInstanceClass"); !slices.Equal(got, want) || len(got) < 20 {
		t.Errorf("instance: got %v, want %v", got, want)
	}
	var cluster types.ClusterPendingModifiedValues
	want = setAllFields(reflect.ValueOf(&cluster).Elem())
	if got := pendingChanges(cluster, ""); !slices.Equal(got, want) || len(got) < 11 {
		t.Errorf("cluster: got %v, want %v", got, want)
	}
}

func TestTopology_PendingModificationsOfCluster(t *testing.T) {
	for _, test := range []struct {
		name, engine string
		pending      *types.ClusterPendingModifiedValues
		want         []string
	}{
		{"none", "aurora-postgresql", nil, nil},
		{"engine upgrade", "aurora-postgresql", &types.ClusterPendingModifiedValues{EngineVersion: aws.String("16.2")}, []string{"EngineVersion"}},
		{"master password and renaming", "postgres",
			&types.ClusterPendingModifiedValues{MasterUserPassword: aws.String("****"), DBClusterIdentifier: aws.String("orders-old")},
			[]string{"DBClusterIdentifier", "MasterUserPassword"}},
		{"disabled IAM authentication", "postgres", &types.ClusterPendingModifiedValues{IAMDatabaseAuthenticationEnabled: aws.Bool(false)},
			[]string{"IAMDatabaseAuthenticationEnabled"}},
		{"empty elements", "postgres", &types.ClusterPendingModifiedValues{
			CertificateDetails: &types.CertificateDetails{}, PendingCloudwatchLogsExports: &types.PendingCloudwatchLogsExports{LogTypesToEnable: []string{}},
		}, nil},
		{"allocated storage of a Multi-AZ DB cluster", "postgres", &types.ClusterPendingModifiedValues{AllocatedStorage: aws.Int32(400)},
			[]string{"AllocatedStorage"}},
		{"allocated storage of Aurora is always 1", "aurora-mysql", &types.ClusterPendingModifiedValues{AllocatedStorage: aws.Int32(1)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := auroraTopology(func(c *types.DBCluster, _ []types.DBInstance) {
				c.Engine, c.PendingModifiedValues = aws.String(test.engine), test.pending
			}).observe(ordersCluster)
			if !slices.Equal(o.PendingModifications, test.want) {
				t.Errorf("got %v, want %v", o.PendingModifications, test.want)
			}
		})
	}
}

func TestTopology_GroupsPendingReboot(t *testing.T) {
	parameterGroup := func(status string) []types.DBParameterGroupStatus {
		return []types.DBParameterGroupStatus{{DBParameterGroupName: aws.String("tuned"), ParameterApplyStatus: aws.String(status)}}
	}
	for _, test := range []struct {
		name   string
		change func(c *types.DBCluster, members []types.DBInstance)
		want   []string
	}{
		{"no groups", func(*types.DBCluster, []types.DBInstance) {}, nil},
		{"everything in effect", func(c *types.DBCluster, members []types.DBInstance) {
			c.DBClusterMembers[0].DBClusterParameterGroupStatus = aws.String("in-sync")
			members[0].DBParameterGroups = parameterGroup("in-sync")
			members[0].OptionGroupMemberships = []types.OptionGroupMembership{{OptionGroupName: aws.String("audit"), Status: aws.String("in-sync")}}
		}, nil},
		{"parameters that wait for an upgrade", func(_ *types.DBCluster, members []types.DBInstance) {
			members[0].DBParameterGroups = parameterGroup("pending-database-upgrade")
		}, nil},
		{"parameters of the instance", func(_ *types.DBCluster, members []types.DBInstance) {
			members[0].DBParameterGroups = parameterGroup("pending-reboot")
		}, []string{"DB parameter group tuned is pending-reboot"}},
		{"parameters that failed to apply", func(_ *types.DBCluster, members []types.DBInstance) {
			members[0].DBParameterGroups = parameterGroup("failed-to-apply")
		}, []string{"DB parameter group tuned is failed-to-apply"}},
		{"unknown status", func(_ *types.DBCluster, members []types.DBInstance) {
			members[0].DBParameterGroups = parameterGroup("thawing")
		}, []string{"DB parameter group tuned is thawing"}},
		{"options of the instance and parameters of the cluster", func(c *types.DBCluster, members []types.DBInstance) {
			c.DBClusterParameterGroup = aws.String("shared")
			c.DBClusterMembers[0].DBClusterParameterGroupStatus = aws.String("pending-reboot")
			members[0].OptionGroupMemberships = []types.OptionGroupMembership{{OptionGroupName: aws.String("audit"), Status: aws.String("pending-apply")}}
		}, []string{"option group audit is pending-apply", "DB cluster parameter group shared is pending-reboot"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := auroraTopology(test.change).observe(ordersCluster)
			for _, i := range o.Instances {
				if want := i.Identifier == "orders-c"; want && !slices.Equal(i.PendingReboot, test.want) || !want && i.PendingReboot != nil {
					t.Errorf("%s: got %v, want %v for orders-c", i.Identifier, i.PendingReboot, test.want)
				}
			}
		})
	}
}

func TestTopology_ListsTargetSeries(t *testing.T) {
	young := testStart.Add(time.Hour)
	topology := auroraTopology(func(_ *types.DBCluster, members []types.DBInstance) {
		members[0].InstanceCreateTime = nil // orders-c is being created
		members[1].InstanceCreateTime = &young
		members[1].PerformanceInsightsEnabled = aws.Bool(true)
		members[2].DatabaseInsightsMode, members[2].DBInstanceClass = types.DatabaseInsightsModeStandard, aws.String("db.t4g.large")
	})
	topology.instances["copy"] = &types.DBInstance{
		DBInstanceIdentifier: aws.String("copy"), DbiResourceId: aws.String("db-copy"), Engine: aws.String("mysql"),
		InstanceCreateTime: aws.Time(testStart), ReadReplicaSourceDBInstanceIdentifier: aws.String("main"),
	}
	seriesOf := func(resource, instance string, created time.Time, metrics ...*metric) []targetSeries {
		var out []targetSeries
		for _, m := range metrics {
			out = append(out, targetSeries{seriesKey: seriesKey{resource, m}, identifier: instance, createdAt: created})
		}
		return out
	}
	clusterSeries := func(name string) []targetSeries {
		return seriesOf("cluster-"+name, name, testStart, readersCPU, writerCPU)
	}
	tests := []struct {
		target scaling.Target
		want   []targetSeries
	}{
		{ordersCluster, slices.Concat(
			clusterSeries("orders"),
			seriesOf("db-orders-a", "orders-a", young, cpuUtilization, freeableMemory, databaseConnections, readIOPS, bufferCacheHitRatio,
				dbLoadCPU, engineUptime, auroraReplicaLag),
			seriesOf("db-orders-b", "orders-b", testStart, cpuUtilization, freeableMemory, databaseConnections, readIOPS, bufferCacheHitRatio,
				cpuCreditBalance, cpuSurplusCreditsCharged, possibleDBLoadCPU, engineUptime),
		)},
		{scaling.Target{Kind: scaling.DBInstance, Identifier: "copy"},
			seriesOf("db-copy", "copy", testStart, cpuUtilization, freeableMemory, databaseConnections, readIOPS, writeIOPS, readThroughput,
				writeThroughput, diskQueueDepth, ebsByteBalance, ebsIOBalance, replicaLag)},
		{scaling.Target{Kind: scaling.DBCluster, Identifier: "missing"}, nil},
	}
	for _, test := range tests {
		if got := topology.targetSeries(test.target); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.target, got, test.want)
		}
	}

	writer := seriesOf("db-orders-b", "orders-b", testStart, cpuUtilization, possibleDBLoadCPU, engineUptime)
	for n := range writer {
		writer[n].retention = loadRetention
	}
	want := slices.Concat(seriesOf("cluster-orders", "orders", testStart, readersCPU), tests[0].want[2:10], writer)
	if got := topology.appendSeries(nil, ordersCluster, true); !slices.Equal(got, want) {
		t.Errorf("with only the readers scaled: got %v, want %v", got, want)
	}
	topology.clusters["orders"].Engine = aws.String("mysql") // a Multi-AZ DB cluster is resized as a unit
	if got, all := topology.appendSeries(nil, ordersCluster, true), topology.targetSeries(ordersCluster); !slices.Equal(got, all) {
		t.Errorf("of a Multi-AZ DB cluster: got %v, want %v", got, all)
	}
}
