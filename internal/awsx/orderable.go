package awsx

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// orderableInterval is how often the orderable classes of an engine version are read: AWS adds some every few months.
	orderableInterval = 6 * time.Hour
	// orderableRetryInterval is how soon they are read again after an error.
	orderableRetryInterval = 5 * time.Minute
	// orderablePageSize is the largest page of DescribeOrderableDBInstanceOptions (RDS API reference).
	orderablePageSize = 1000
)

// orderableKey is what the orderable classes depend on within a region.
type orderableKey struct {
	engine, version string
	// isMultiAZCluster selects the classes for a Multi-AZ DB cluster, of which there are fewer.
	isMultiAZCluster bool
}

func orderableKeyFor(o scaling.Observation) orderableKey {
	return orderableKey{engine: o.Engine, version: o.EngineVersion, isMultiAZCluster: o.ResizedAsUnit && !o.Serverless}
}

func compareOrderableKeys(a, b orderableKey) int {
	return cmp.Or(cmp.Compare(a.engine, b.engine), cmp.Compare(a.version, b.version), compareBools(a.isMultiAZCluster, b.isMultiAZCluster))
}

// orderableOption is a combination of settings in which AWS offers a class.
type orderableOption struct {
	licenseModel, storageType string
	zones, networkTypes       []string
	// unsupported are the features that AWS says it does not support. A feature that it says nothing about may be supported.
	unsupported []string
}

// orderableOptions are the options of each class; empty when AWS offers none, nil when they could not be read.
type orderableOptions map[string][]orderableOption

// The features of orderableOption.unsupported, as messages name them.
const (
	featureVPC         = "VPC"
	featureMultiAZ     = "Multi-AZ"
	featureReplicas    = "read replicas"
	featureInsights    = "Performance Insights"
	featureMonitoring  = "Enhanced Monitoring"
	featureIAM         = "IAM database authentication"
	featureEncryption  = "storage encryption"
	featureIOPS        = "provisioned IOPS"
	featureLogVolume   = "a dedicated log volume"
	featureKerberos    = "Kerberos authentication"
	featureGlobal      = "Aurora global databases"
	networkDual        = "DUAL"
	featureDualNetwork = "IPv6 (network type DUAL)"
	featureZone        = "an availability zone of the database's subnets"
)

// listOrderableOptions returns the options in which AWS offers the classes of an engine version.
func listOrderableOptions(ctx context.Context, client rdsReadAPI, key orderableKey) (orderableOptions, error) {
	options := orderableOptions{}
	pages := rds.NewDescribeOrderableDBInstanceOptionsPaginator(client, &rds.DescribeOrderableDBInstanceOptionsInput{
		Engine: aws.String(key.engine), EngineVersion: aws.String(key.version), MaxRecords: aws.Int32(orderablePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.OrderableDBInstanceOptions {
			if !key.isMultiAZCluster || aws.ToBool(o.SupportsClusters) {
				class := aws.ToString(o.DBInstanceClass)
				options[class] = append(options[class], newOrderableOption(o))
			}
		}
	}
	return options, nil
}

func newOrderableOption(o types.OrderableDBInstanceOption) orderableOption {
	out := orderableOption{
		licenseModel: aws.ToString(o.LicenseModel), storageType: aws.ToString(o.StorageType), networkTypes: o.SupportedNetworkTypes,
	}
	for _, zone := range o.AvailabilityZones {
		out.zones = append(out.zones, aws.ToString(zone.Name))
	}
	for _, f := range []struct {
		name      string
		supported *bool
	}{
		{featureVPC, o.Vpc}, {featureMultiAZ, o.MultiAZCapable}, {featureReplicas, o.ReadReplicaCapable},
		{featureInsights, o.SupportsPerformanceInsights}, {featureMonitoring, o.SupportsEnhancedMonitoring},
		{featureIAM, o.SupportsIAMDatabaseAuthentication}, {featureEncryption, o.SupportsStorageEncryption},
		{featureIOPS, o.SupportsIops}, {featureLogVolume, o.SupportsDedicatedLogVolume}, {featureKerberos, o.SupportsKerberosAuthentication},
		{featureGlobal, o.SupportsGlobalDatabases},
	} {
		if f.supported != nil && !*f.supported {
			out.unsupported = append(out.unsupported, f.name)
		}
	}
	return out
}

// orderableNeeds is what a database uses and a class must therefore be offered with. Empty strings are not known.
type orderableNeeds struct {
	licenseModel, storageType, networkType string
	features                               []string
	// zones are those of the database's subnets; none when they are not known.
	zones []string
}

// orderableNeeds returns what the database of a target uses: the cluster, and the writer or the source instance, whose settings new
// readers get.
func (t *topology) orderableNeeds(target scaling.Target) orderableNeeds {
	if target.Kind != scaling.DBCluster {
		source, replicas := t.instance(target.Identifier), t.replicas(target.Identifier)
		n := instanceNeeds(source)
		n.storageType = aws.ToString(source.StorageType)
		n.addFeature(featureReplicas, len(replicas) > 0)
		return n
	}
	cluster, members := t.cluster(target.Identifier), t.members(target.Identifier)
	if len(members) == 0 {
		return orderableNeeds{}
	}
	writer := max(0, slices.IndexFunc(members, func(i types.DBInstance) bool {
		role, _ := memberOf(cluster, aws.ToString(i.DBInstanceIdentifier))
		return aws.ToBool(role.IsClusterWriter)
	}))
	n := instanceNeeds(members[writer])
	n.storageType = aws.ToString(cluster.StorageType)
	n.addFeature(featureGlobal, aws.ToString(cluster.GlobalClusterIdentifier) != "")
	if len(cluster.AvailabilityZones) > 0 { // an Aurora cluster has three, whatever its subnets
		n.zones = slices.DeleteFunc(n.zones, func(zone string) bool { return !slices.Contains(cluster.AvailabilityZones, zone) })
	}
	return n
}

// instanceNeeds returns what an instance uses.
func instanceNeeds(db types.DBInstance) orderableNeeds {
	n := orderableNeeds{licenseModel: aws.ToString(db.LicenseModel), networkType: aws.ToString(db.NetworkType)}
	storage := aws.ToString(db.StorageType)
	n.addFeature(featureVPC, db.DBSubnetGroup != nil)
	n.addFeature(featureMultiAZ, aws.ToBool(db.MultiAZ) && aws.ToString(db.DBClusterIdentifier) == "")
	n.addFeature(featureInsights, aws.ToBool(db.PerformanceInsightsEnabled))
	n.addFeature(featureMonitoring, aws.ToInt32(db.MonitoringInterval) > 0)
	n.addFeature(featureIAM, aws.ToBool(db.IAMDatabaseAuthenticationEnabled))
	n.addFeature(featureEncryption, aws.ToBool(db.StorageEncrypted))
	n.addFeature(featureIOPS, storage == "io1" || storage == "io2")
	n.addFeature(featureLogVolume, aws.ToBool(db.DedicatedLogVolume))
	n.addFeature(featureKerberos, len(db.DomainMemberships) > 0)
	n.zones = slices.Sorted(maps.Keys(subnetZones([]types.DBInstance{db})))
	return n
}

func (n *orderableNeeds) addFeature(name string, isUsed bool) {
	if isUsed {
		n.features = append(n.features, name)
	}
}

// lacks returns what an option lacks of what a database uses.
func (o orderableOption) lacks(n orderableNeeds) []string {
	var missing []string
	if o.licenseModel != "" && n.licenseModel != "" && o.licenseModel != n.licenseModel {
		missing = append(missing, "the licence model "+n.licenseModel)
	}
	if o.storageType != "" && n.storageType != "" && o.storageType != n.storageType {
		missing = append(missing, "the storage type "+n.storageType)
	}
	if n.networkType == networkDual && len(o.networkTypes) > 0 && !slices.Contains(o.networkTypes, networkDual) {
		missing = append(missing, featureDualNetwork)
	}
	for _, feature := range n.features {
		if slices.Contains(o.unsupported, feature) {
			missing = append(missing, feature)
		}
	}
	return missing
}

// matching returns the classes that AWS offers with what a database uses, sorted, and what it lacks of the others and in some zones.
func (all orderableOptions) matching(n orderableNeeds) ([]string, map[string]scaling.OrderableGap) {
	if all == nil {
		return nil, nil
	}
	classes, gaps := []string{}, map[string]scaling.OrderableGap{}
	for class, options := range all {
		gap := gapOf(options, n)
		if len(gap.Features) == 0 {
			classes = append(classes, class)
		}
		if len(gap.Features)+len(gap.Zones) > 0 {
			gaps[class] = gap
		}
	}
	slices.Sort(classes)
	if len(gaps) == 0 {
		gaps = nil
	}
	return classes, gaps
}

// gapOf returns what the options of a class lack of what a database uses. When no option has everything, it is what the closest one
// lacks.
func gapOf(options []orderableOption, n orderableNeeds) scaling.OrderableGap {
	var missing, offered []string
	hasMatch, zonesKnown := false, len(n.zones) > 0
	for _, o := range options {
		lacks := o.lacks(n)
		if len(lacks) == 0 {
			hasMatch = true
			offered = append(offered, o.zones...)
			zonesKnown = zonesKnown && len(o.zones) > 0
		} else if missing == nil || len(lacks) < len(missing) {
			missing = lacks
		}
	}
	if !hasMatch {
		return scaling.OrderableGap{Features: missing}
	}
	if !zonesKnown {
		return scaling.OrderableGap{}
	}
	absent := slices.DeleteFunc(slices.Clone(n.zones), func(zone string) bool { return slices.Contains(offered, zone) })
	switch len(absent) {
	case 0:
		return scaling.OrderableGap{}
	case len(n.zones):
		return scaling.OrderableGap{Features: []string{featureZone}}
	default:
		return scaling.OrderableGap{Zones: absent}
	}
}
