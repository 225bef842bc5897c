package awsx

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// orderable is an option with gp3 in three zones, after edits.
func orderable(edits ...func(*types.OrderableDBInstanceOption)) orderableOption {
	o := types.OrderableDBInstanceOption{StorageType: aws.String("gp3"), LicenseModel: aws.String("postgresql-license"), Vpc: aws.Bool(true)}
	for _, zone := range []string{"a", "b", "c"} {
		o.AvailabilityZones = append(o.AvailabilityZones, types.AvailabilityZone{Name: aws.String(zone)})
	}
	for _, edit := range edits {
		edit(&o)
	}
	return newOrderableOption(o)
}

// A class is orderable when one of its options has all that the database uses. What AWS says nothing about is no gap.
func TestOrderableOptions_Matching(t *testing.T) {
	without := func(edit func(*types.OrderableDBInstanceOption)) orderableOptions {
		return orderableOptions{"x": {orderable(edit)}}
	}
	uses := func(features featureSet) orderableNeeds {
		return orderableNeeds{licenseModel: "postgresql-license", storageType: "gp3", networkType: "IPV4", features: features, zones: "a,b"}
	}
	dual := uses(0)
	dual.networkType = "DUAL"
	ownLicense := uses(0)
	ownLicense.licenseModel = "bring-your-own-license"
	for _, test := range []struct {
		name    string
		options orderableOptions
		needs   orderableNeeds
		gap     string // features, or zones
	}{
		{"everything", orderableOptions{"x": {orderable()}}, uses(featureInsights), ""},
		{"a feature that is off", without(func(o *types.OrderableDBInstanceOption) { o.SupportsPerformanceInsights = aws.Bool(false) }),
			uses(featureInsights), "Performance Insights"},
		{"a feature that is off and not used", without(func(o *types.OrderableDBInstanceOption) { o.SupportsPerformanceInsights = aws.Bool(false) }),
			uses(0), ""},
		{"another storage type", without(func(o *types.OrderableDBInstanceOption) { o.StorageType = aws.String("io1") }), uses(0), "the storage type gp3"},
		{"one of two storage types", orderableOptions{"x": {orderable(func(o *types.OrderableDBInstanceOption) { o.StorageType = aws.String("io1") }), orderable()}},
			uses(0), ""},
		{"another licence", orderableOptions{"x": {orderable()}}, ownLicense, "the licence model bring-your-own-license"},
		{"IPv6", without(func(o *types.OrderableDBInstanceOption) { o.SupportedNetworkTypes = []string{"IPV4"} }), dual, featureDualNetwork},
		{"a zone", without(func(o *types.OrderableDBInstanceOption) { o.AvailabilityZones = o.AvailabilityZones[:1] }), uses(0), "b"},
		{"every zone", without(func(o *types.OrderableDBInstanceOption) { o.AvailabilityZones = o.AvailabilityZones[2:] }), uses(0), featureZone},
		{"unknown zones", without(func(o *types.OrderableDBInstanceOption) { o.AvailabilityZones = nil }), uses(0), ""},
	} {
		classes, gaps := test.options.matching(test.needs)
		gap := gaps["x"]
		if got := strings.Join(append(gap.Features, gap.Zones...), ", "); got != test.gap || slices.Contains(classes, "x") != (len(gap.Features) == 0) {
			t.Errorf("%s: got %v, lacking %q", test.name, classes, got)
		}
	}
	if classes, gaps := (orderableOptions)(nil).matching(uses(0)); classes != nil || gaps != nil {
		t.Errorf("options that could not be read: got %v, %v", classes, gaps)
	}
	if classes, _ := (orderableOptions{}).matching(uses(0)); classes == nil || len(classes) > 0 {
		t.Errorf("no options: got %v", classes)
	}
}

// What a database uses is read from its source or writer, and its zones from its subnets.
func TestTopology_OrderableNeeds(t *testing.T) {
	subnets := &types.DBSubnetGroup{}
	for _, zone := range []string{"eu-west-1b", "eu-west-1a"} {
		subnets.Subnets = append(subnets.Subnets, types.Subnet{SubnetAvailabilityZone: &types.AvailabilityZone{Name: aws.String(zone)}})
	}
	db := types.DBInstance{
		DBInstanceIdentifier: aws.String("ledger"), LicenseModel: aws.String("general-public-license"), StorageType: aws.String("io2"),
		NetworkType: aws.String("DUAL"), MultiAZ: aws.Bool(true), PerformanceInsightsEnabled: aws.Bool(true), MonitoringInterval: aws.Int32(60),
		IAMDatabaseAuthenticationEnabled: aws.Bool(true), StorageEncrypted: aws.Bool(true), DBSubnetGroup: subnets,
	}
	top := &topology{
		instances: map[string]*types.DBInstance{"ledger": &db}, replicaIDs: map[string][]string{"ledger": {"read"}},
	}
	got := top.orderableNeeds(scaling.Target{Kind: scaling.DBInstance, Identifier: "ledger"})
	want := featureVPC | featureMultiAZ | featureInsights | featureMonitoring | featureIAM | featureEncryption | featureIOPS | featureReplicas
	if got.features != want || got.storageType != "io2" || got.networkType != "DUAL" || got.licenseModel != "general-public-license" ||
		got.zones != "eu-west-1a,eu-west-1b" {
		t.Errorf("the instance needs %+v", got)
	}
	cluster := auroraTopology(func(c *types.DBCluster, members []types.DBInstance) {
		c.StorageType, c.AvailabilityZones = aws.String("aurora"), []string{"eu-west-1a"}
		members[2].DBSubnetGroup, members[2].PerformanceInsightsEnabled = subnets, aws.Bool(true) // the writer
	}).orderableNeeds(ordersCluster)
	if cluster.features != featureVPC|featureInsights || cluster.storageType != "aurora" || cluster.zones != "eu-west-1a" {
		t.Errorf("the cluster needs %+v", cluster)
	}
}

func TestReplicationObstacle(t *testing.T) {
	for _, test := range []struct {
		name string
		db   types.DBInstance
		want string
	}{
		{"backups", types.DBInstance{BackupRetentionPeriod: aws.Int32(7)}, ""},
		{"unknown backups", types.DBInstance{}, ""},
		{"no backups", types.DBInstance{BackupRetentionPeriod: aws.Int32(0)}, "backup retention period"},
		{"managed password", types.DBInstance{Engine: aws.String("mysql"), MasterUserSecret: &types.MasterUserSecret{}}, "ManageMasterUserPassword"},
		{"managed password, SQL Server", types.DBInstance{Engine: aws.String("sqlserver-ee"), MasterUserSecret: &types.MasterUserSecret{}}, ""},
		{"domain", types.DBInstance{DomainMemberships: []types.DomainMembership{{Domain: aws.String("d-1")}}}, "Active Directory domain d-1"},
	} {
		if got := replicationObstacle(test.db); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q", test.name, got)
		}
	}
}

// Endpoints, obstacles and replicas of replicas are observed. An instance that is being created has no endpoint.
func TestTopology_ObservesReplicas(t *testing.T) {
	endpoint := func(name string) *types.Endpoint {
		return &types.Endpoint{Address: aws.String(name + ".c1.eu-west-1.rds.amazonaws.com"), Port: aws.Int32(5432)}
	}
	source := types.DBInstance{
		DBInstanceIdentifier: aws.String("ledger"), Engine: aws.String("oracle-ee"), LicenseModel: aws.String("bring-your-own-license"),
		BackupRetentionPeriod: aws.Int32(0), Endpoint: endpoint("ledger"), ReadReplicaDBInstanceIdentifiers: []string{"read"},
	}
	replica := types.DBInstance{
		DBInstanceIdentifier: aws.String("read"), Engine: aws.String("oracle-ee"), ReadReplicaSourceDBInstanceIdentifier: aws.String("ledger"),
		ReadReplicaDBInstanceIdentifiers: []string{"copy"}, ReadReplicaDBClusterIdentifiers: []string{"aurora-copy"},
	}
	o := (&topology{
		instances: map[string]*types.DBInstance{"ledger": &source, "read": &replica}, replicaIDs: map[string][]string{"ledger": {"read"}},
	}).observe(scaling.Target{Kind: scaling.DBInstance, Identifier: "ledger"})
	if o.WriterEndpoint != "ledger.c1.eu-west-1.rds.amazonaws.com:5432" || o.ReaderEndpoint != "" || o.CannotReplicate == "" || !o.BringsLicense() {
		t.Errorf("got %+v", o)
	}
	if w, r := o.Instances[0], o.Instances[1]; w.HasReplicas() || w.Endpoint != o.WriterEndpoint || r.Endpoint != "" || !slices.Equal(r.Replicas, []string{"copy", "aurora-copy"}) {
		t.Errorf("got %+v", o.Instances)
	}
	cluster := auroraTopology(func(c *types.DBCluster, _ []types.DBInstance) {
		c.Endpoint, c.ReaderEndpoint, c.Port = aws.String("w.example"), aws.String("r.example"), aws.Int32(3306)
	}).observe(ordersCluster)
	if cluster.WriterEndpoint != "w.example:3306" || cluster.ReaderEndpoint != "r.example:3306" {
		t.Errorf("the cluster has the endpoints %q and %q", cluster.WriterEndpoint, cluster.ReaderEndpoint)
	}
}

// The error says whether the class may be the cause, and what to do where AWS does not say it.
func TestAwsError_AboutClass(t *testing.T) {
	for _, test := range []struct {
		code, text string
		aboutClass bool
		remedy     string
	}{
		{"InvalidParameterCombination", "RDS does not support creating a DB instance with DBInstanceClass=db.x", true, ""},
		{"InvalidParameterCombination", "Performance Insights not supported for this configuration.", true, "retention to 7 days"},
		{"InvalidParameterValue", "PerformanceInsightsRetentionPeriod 31 is not valid", true, "retention to 7 days"},
		{"InvalidParameterValue", "Creating read replicas for source instance with engine mysql where ManageMasterUserPassword is enabled is not supported", false, ""},
		{"KMSKeyNotAccessibleFault", "The key is disabled", false, ""},
		{"DBSubnetGroupNotFoundFault", "There is no such group", false, ""},
		{"StorageTypeNotSupported", "gp3 is not supported", true, ""},
	} {
		err := Classify(&smithy.OperationError{
			ServiceID: "RDS", OperationName: "CreateDBInstance", Err: &smithy.GenericAPIError{Code: test.code, Message: test.text},
		})
		if scaling.IsAboutClass(err) != test.aboutClass || !scaling.IsSentToAWS(err) || !strings.Contains(err.Error(), test.remedy) {
			t.Errorf("%s %s: got %v", test.code, test.text, err)
		}
	}
	if err := rejectCall("no writer"); !scaling.IsAboutClass(err) || scaling.IsSentToAWS(err) {
		t.Error("a call that was not sent counts as sent")
	}
}

// Thousands of databases need the same, so that it is matched once. Without options nothing is known.
func TestOrderableMatches(t *testing.T) {
	matches := newOrderableMatches(orderableOptions{"x": {orderable()}, "y": {orderable(func(o *types.OrderableDBInstanceOption) {
		o.SupportsPerformanceInsights = aws.Bool(false)
	})}})
	needs := orderableNeeds{storageType: "gp3", features: featureInsights, zones: "a,b"}
	classes, gaps := matches.find(needs)
	if !slices.Equal(classes, []string{"x"}) || !slices.Equal(gaps["y"].Features, []string{"Performance Insights"}) || len(gaps) != 1 {
		t.Errorf("got %v, lacking %v", classes, gaps)
	}
	if allocated := testing.AllocsPerRun(100, func() { matches.find(needs) }); allocated > 0 {
		t.Errorf("to find the same again allocates %g objects, want none", allocated)
	}
	needs.features = 0
	if classes, gaps := matches.find(needs); !slices.Equal(classes, []string{"x", "y"}) || gaps != nil {
		t.Errorf("other needs: got %v, lacking %v", classes, gaps)
	}
	if classes, gaps := (*orderableMatches)(nil).find(needs); classes != nil || gaps != nil {
		t.Errorf("options that could not be read: got %v, %v", classes, gaps)
	}
}

// TestTopology_Allocations: every reconcile makes an observation, of which little is new.
func TestTopology_Allocations(t *testing.T) {
	top := auroraTopology(nil)
	var list [usualSeries]targetSeries
	if allocated := testing.AllocsPerRun(100, func() { top.appendSeries(list[:0], ordersCluster, true) }); allocated > 1 { // the list of members
		t.Errorf("the series of a cluster allocate %g objects, want one", allocated)
	}
}

// A database that has not changed stays in memory as it was read first.
func TestKeepUnchanged(t *testing.T) {
	read := func(status string) *types.DBInstance {
		return &types.DBInstance{DBInstanceStatus: aws.String(status), TagList: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}}
	}
	first := keepUnchanged(nil, read("available"), interner{})
	if again := keepUnchanged(first, read("available"), interner{}); again != first {
		t.Error("an equal instance is another one")
	}
	page := []types.DBInstance{*read("modifying")}
	changed := keepUnchanged(first, &page[0], interner{})
	if changed == first || aws.ToString(changed.DBInstanceStatus) != "modifying" {
		t.Error("a change was missed")
	}
	if changed == &page[0] {
		t.Error("the instance keeps its page in memory")
	}
}
