package awsx

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestSimulator_ReadReplicas uses the wire protocols of the simulator and the shipped IAM policy.
func TestSimulator_ReadReplicas(t *testing.T) {
	s := simulateScenario(t, "read-replicas", shippedIAMPolicy(t))
	ledger := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}
	o := s.observe(t, ledger)
	if o.Kind != scaling.DBInstance || o.Unsupported != "" || !o.MultiAZ || len(o.Instances) != 3 || !o.Instances[0].Writer ||
		o.Instances[0].Identifier != "ledger" || o.Shape(scaling.Readers) != (scaling.Shape{InstanceClass: "db.m6g.large", Count: 2}) {
		t.Fatalf("got %+v", o)
	}
	for _, i := range o.Instances {
		if i.CPU.Count() < 50 || i.DBLoadCPU.Count() < 50 || i.FreeableMemory.Count() == 0 || (i.ReplicaLag != nil) == i.Writer {
			t.Errorf("%s: %d samples, lag %v", i.Identifier, i.CPU.Count(), i.ReplicaLag)
		}
	}
	if o.WriterCPU.Count() == 0 || o.ReadersCPU.Count() > 0 {
		t.Errorf("WriterCPU has %d samples and ReadersCPU %d, want some and 0", o.WriterCPU.Count(), o.ReadersCPU.Count())
	}

	create := scaling.Call{
		Action: scaling.CreateReader, Instance: "ledger-dbscaler-0a1b2c3d-1", InstanceClass: "db.m6g.xlarge",
		Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
	if err := s.client.Execute(t.Context(), ledger, create); err != nil {
		t.Fatal(err)
	}
	if i, found := s.observe(t, ledger).Instance(create.Instance); !found || i.Writer || i.IsAvailable() || !i.CreatedByOperator() || !scaling.IsOptedIn(i.Tags, "any", "") ||
		i.Class != "db.m6g.xlarge" {
		t.Fatalf("the new replica is %+v", i)
	}
	expectCause(t, s.client.Execute(t.Context(), ledger, create), scaling.ErrAlreadyExists)
	for range 60 {
		s.clock.Step(samplePeriod)
		if i, _ := s.observe(t, ledger).Instance(create.Instance); i.IsAvailable() && i.ReplicaLag != nil {
			break
		}
	}
	for _, rejected := range []scaling.Call{
		{Action: scaling.DeleteReader, Instance: "ledger-read"}, // not created by dbscaler
		{Action: scaling.DeleteReader, Instance: "ledger"},
		{Action: scaling.Failover, Instance: create.Instance},
	} {
		expectCause(t, s.client.Execute(t.Context(), ledger, rejected), scaling.ErrInvalid)
	}
	if err := s.client.Execute(t.Context(), ledger, scaling.Call{Action: scaling.DeleteReader, Instance: create.Instance}); err != nil {
		t.Fatal(err)
	}
	if i, found := s.observe(t, ledger).Instance(create.Instance); found && i.Status != "deleting" {
		t.Errorf("the deleted replica is %s", i.Status)
	}
	// A read replica is not supported as a target.
	replica := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger-read"}
	if o := s.observe(t, replica); o.Unsupported == "" {
		t.Error("a read replica is supported as a target")
	}
}

// ledgerInstance is the instance of the scenario read-replicas.
var ledgerInstance = scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}

// createLedgerReplica is a call that adds a read replica to ledgerInstance.
var createLedgerReplica = scaling.Call{
	Action: scaling.CreateReader, Instance: "ledger-dbscaler-0a1b2c3d-1", InstanceClass: "db.m6g.xlarge",
	Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
}

// TestSimulator_ReplicaHasSettingsOfSource: AWS gives a replica defaults for what the request omits, so the request names it.
func TestSimulator_ReplicaHasSettingsOfSource(t *testing.T) {
	s := simulateScenario(t, "read-replicas", shippedIAMPolicy(t))
	if err := s.client.Execute(t.Context(), ledgerInstance, createLedgerReplica); err != nil {
		t.Fatal(err)
	}
	s.WithWorld(func(w *model.World) {
		source, sourceErr := w.Instance("eu-west-1", "ledger")
		replica, replicaErr := w.Instance("eu-west-1", createLedgerReplica.Instance)
		if sourceErr != nil || replicaErr != nil {
			t.Fatal(sourceErr, replicaErr)
		}
		want := source.Settings
		want.NoAutomatedBackups = true // RDS creates every read replica without
		if !reflect.DeepEqual(replica.Settings, want) || replica.ParameterGroup != source.ParameterGroup {
			t.Errorf("got  %+v\nwant %+v", replica.Settings, want)
		}
		wantTags := map[string]string{
			scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagOptIn: scaling.OptInAny, "CostCenter": "4711",
		}
		if !maps.Equal(replica.Tags, wantTags) {
			t.Errorf("got the tags %v, want %v", replica.Tags, wantTags)
		}
	})
}

// TestSimulator_RefusedReplica checks that a source that cannot have read replicas is reported as such, with the reason.
func TestSimulator_RefusedReplica(t *testing.T) {
	for _, test := range []struct {
		name        string
		settings    model.InstanceSettings
		wantMessage string
		wantRequest bool
	}{
		{"no automated backups", model.InstanceSettings{NoAutomatedBackups: true}, "Automated backups are not enabled", true},
		{"master password in Secrets Manager", model.InstanceSettings{ManagedMasterPassword: true}, "ManageMasterUserPassword is enabled", true},
		{"member of an Active Directory domain", model.InstanceSettings{Domain: "d-1234567890"}, "Active Directory domain d-1234567890", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			scenario := loadScenario(t, "read-replicas")
			scenario.Databases[0].Settings = &test.settings
			s := simulate(t, scenario, shippedIAMPolicy(t))
			err := s.client.Execute(t.Context(), ledgerInstance, createLedgerReplica)
			expectCause(t, err, scaling.ErrInvalid)
			if !strings.Contains(err.Error(), test.wantMessage) {
				t.Errorf("the message %q lacks %q", err, test.wantMessage)
			}
			requested := slices.ContainsFunc(s.Calls(), func(c rdssim.Call) bool { return c.Operation == "CreateDBInstanceReadReplica" })
			if requested != test.wantRequest {
				t.Errorf("requested the replica: %t, want %t", requested, test.wantRequest)
			}
		})
	}
}

func TestNewReplicaInput_CopiesSourceSettings(t *testing.T) {
	source := types.DBInstance{
		DBInstanceIdentifier: aws.String("ledger"), DBInstanceClass: aws.String("db.m6g.large"), Engine: aws.String("postgres"),
		DBParameterGroups:  []types.DBParameterGroupStatus{{DBParameterGroupName: aws.String("tuned")}},
		PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(false), CopyTagsToSnapshot: aws.Bool(true),
		CACertificateIdentifier: aws.String("rds-ca-rsa2048-g1"), MonitoringInterval: aws.Int32(0), PerformanceInsightsEnabled: aws.Bool(false),
		IAMDatabaseAuthenticationEnabled: aws.Bool(true), EnabledCloudwatchLogsExports: []string{"postgresql"},
		VpcSecurityGroups: []types.VpcSecurityGroupMembership{
			{VpcSecurityGroupId: aws.String("sg-1"), Status: aws.String("active")},
			{VpcSecurityGroupId: aws.String("sg-2"), Status: aws.String("active")},
		},
		StorageType: aws.String("io2"), AllocatedStorage: aws.Int32(500), Iops: aws.Int32(20000), StorageThroughput: aws.Int32(0),
		MaxAllocatedStorage: aws.Int32(1000), DedicatedLogVolume: aws.Bool(true), NetworkType: aws.String("DUAL"),
		TagList: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("ledger")}, {Key: aws.String(scaling.TagOptIn), Value: aws.String("platform")},
		},
	}
	call := scaling.Call{
		Action: scaling.CreateReader, Instance: "ledger-new", InstanceClass: "db.m6g.xlarge",
		Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
	want := rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: aws.String("ledger-new"), SourceDBInstanceIdentifier: aws.String("ledger"),
		DBInstanceClass: aws.String("db.m6g.xlarge"), AvailabilityZone: aws.String("eu-west-1b"), MultiAZ: aws.Bool(false),
		PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(false), CopyTagsToSnapshot: aws.Bool(true),
		CACertificateIdentifier: aws.String("rds-ca-rsa2048-g1"), DeletionProtection: aws.Bool(false), MonitoringInterval: aws.Int32(0),
		EnablePerformanceInsights: aws.Bool(false), EnableIAMDatabaseAuthentication: aws.Bool(true),
		EnableCloudwatchLogsExports: []string{"postgresql"}, VpcSecurityGroupIds: []string{"sg-1", "sg-2"},
		StorageType: aws.String("io2"), Iops: aws.Int32(20000), MaxAllocatedStorage: aws.Int32(1000), DedicatedLogVolume: aws.Bool(true),
		NetworkType: aws.String("DUAL"),
		Tags: []types.Tag{
			{Key: aws.String(scaling.TagCreatedBy), Value: aws.String(scaling.TagCreatedByValue)},
			{Key: aws.String(scaling.TagOptIn), Value: aws.String("platform")}, {Key: aws.String("team"), Value: aws.String("ledger")},
		},
	}
	if got := newReplicaInput(source, call, aws.String("eu-west-1b")); !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}

	// Features that are off on the source are left out: not every engine knows them.
	source.IAMDatabaseAuthenticationEnabled, source.DedicatedLogVolume, source.EnabledCloudwatchLogsExports = aws.Bool(false), aws.Bool(false), nil
	source.NetworkType, source.VpcSecurityGroups, source.MaxAllocatedStorage = nil, nil, nil
	got := newReplicaInput(source, call, nil)
	if got.EnableIAMDatabaseAuthentication != nil || got.DedicatedLogVolume != nil || got.EnableCloudwatchLogsExports != nil ||
		got.NetworkType != nil || got.VpcSecurityGroupIds != nil || got.MaxAllocatedStorage != nil {
		t.Errorf("settings of disabled features are copied: %+v", *got)
	}
}

// TestNewReplicaInput_Storage checks which storage settings AWS accepts for which source.
func TestNewReplicaInput_Storage(t *testing.T) {
	type storage struct {
		kind                         string
		iops, throughput, maxStorage int32
	}
	for _, test := range []struct {
		name      string
		engine    string
		allocated int32
		source    storage
		want      storage
	}{
		{"gp2", "postgres", 100, storage{kind: "gp2"}, storage{kind: "gp2"}},
		{"magnetic", "mysql", 100, storage{kind: "standard"}, storage{kind: "standard"}},
		{"gp3 with baseline performance only", "postgres", 399, storage{kind: "gp3", iops: 3000, throughput: 125}, storage{}},
		{"gp3 with provisioned performance", "postgres", 400, storage{kind: "gp3", iops: 14000, throughput: 600}, storage{kind: "gp3", iops: 14000, throughput: 600}},
		{"gp3 of Oracle with provisioned performance", "oracle-ee", 200, storage{kind: "gp3", iops: 14000, throughput: 600}, storage{kind: "gp3", iops: 14000, throughput: 600}},
		{"gp3 of SQL Server with provisioned performance", "sqlserver-ee", 20, storage{kind: "gp3", iops: 4000, throughput: 200}, storage{kind: "gp3", iops: 4000, throughput: 200}},
		{"io1", "mariadb", 100, storage{kind: "io1", iops: 2000}, storage{kind: "io1", iops: 2000}},
		{"storage autoscaling", "postgres", 100, storage{kind: "gp2", maxStorage: 200}, storage{kind: "gp2", maxStorage: 200}},
		{"storage autoscaling at its limit", "postgres", 100, storage{kind: "gp2", maxStorage: 100}, storage{kind: "gp2"}},
		{"storage autoscaling close to its limit", "postgres", 100, storage{kind: "gp2", maxStorage: 109}, storage{kind: "gp2"}},
		{"unknown storage type", "postgres", 400, storage{kind: "gp9", iops: 14000}, storage{kind: "gp9"}},
		{"no storage type", "postgres", 400, storage{}, storage{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := types.DBInstance{Engine: aws.String(test.engine), AllocatedStorage: aws.Int32(test.allocated)}
			if s := test.source; s.kind != "" {
				source.StorageType, source.Iops, source.StorageThroughput = aws.String(s.kind), aws.Int32(s.iops), aws.Int32(s.throughput)
				source.MaxAllocatedStorage = aws.Int32(s.maxStorage)
			}
			in := newReplicaInput(source, scaling.Call{}, nil)
			got := storage{aws.ToString(in.StorageType), aws.ToInt32(in.Iops), aws.ToInt32(in.StorageThroughput), aws.ToInt32(in.MaxAllocatedStorage)}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
