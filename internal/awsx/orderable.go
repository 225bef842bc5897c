package awsx

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
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
	unsupported featureSet
}

// orderableOptions are the options of each class; empty when AWS offers none, nil when they could not be read.
type orderableOptions map[string][]orderableOption

// featureSet is a set of features: bit n stands for featureNames[n].
type featureSet uint16

// The features of orderableOption.unsupported.
const (
	featureVPC featureSet = 1 << iota
	featureMultiAZ
	featureInsights
	featureMonitoring
	featureIAM
	featureEncryption
	featureIOPS
	featureLogVolume
	featureKerberos
	featureReplicas
	featureGlobal
)

// featureNames are the features as messages name them.
var featureNames = [...]string{
	"VPC", "Multi-AZ", "Performance Insights", "Enhanced Monitoring", "IAM database authentication", "storage encryption", "provisioned IOPS",
	"a dedicated log volume", "Kerberos authentication", "read replicas", "Aurora global databases",
}

const (
	networkDual        = "DUAL"
	featureDualNetwork = "IPv6 (network type DUAL)"
	featureZone        = "an availability zone of the database's subnets"
)

// names lists the features of a set.
func (s featureSet) names() []string {
	var names []string
	for n, name := range featureNames {
		if s&(1<<n) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// add adds a feature to a set.
func (s *featureSet) add(feature featureSet, applies bool) {
	if applies {
		*s |= feature
	}
}

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
		feature   featureSet
		supported *bool
	}{
		{featureVPC, o.Vpc}, {featureMultiAZ, o.MultiAZCapable}, {featureReplicas, o.ReadReplicaCapable},
		{featureInsights, o.SupportsPerformanceInsights}, {featureMonitoring, o.SupportsEnhancedMonitoring},
		{featureIAM, o.SupportsIAMDatabaseAuthentication}, {featureEncryption, o.SupportsStorageEncryption},
		{featureIOPS, o.SupportsIops}, {featureLogVolume, o.SupportsDedicatedLogVolume}, {featureKerberos, o.SupportsKerberosAuthentication},
		{featureGlobal, o.SupportsGlobalDatabases},
	} {
		out.unsupported.add(f.feature, f.supported != nil && !*f.supported)
	}
	return out
}

// orderableNeeds is what a database uses and a class must therefore be offered with. Empty strings are not known. It is comparable: most
// databases of a scope need the same.
type orderableNeeds struct {
	licenseModel, storageType, networkType string
	features                               featureSet
	// zones are those of the database's subnets, sorted and separated by zoneSeparator; empty when they are not known.
	zones string
}

const zoneSeparator = ","

// zoneList lists the zones.
func (n orderableNeeds) zoneList() []string {
	if n.zones == "" {
		return nil
	}
	return strings.Split(n.zones, zoneSeparator)
}

// orderableNeeds returns what the database of a target uses: the cluster, and the writer or the source instance, whose settings new
// readers get.
func (t *topology) orderableNeeds(target scaling.Target) orderableNeeds {
	if target.Kind != scaling.DBCluster {
		source := t.instances[target.Identifier]
		if source == nil {
			return orderableNeeds{}
		}
		n := instanceNeeds(source, nil)
		n.storageType = aws.ToString(source.StorageType)
		n.features.add(featureReplicas, len(t.replicaIDs[target.Identifier]) > 0)
		return n
	}
	cluster, members := t.cluster(target.Identifier), t.members(target.Identifier)
	if len(members) == 0 {
		return orderableNeeds{}
	}
	writer := max(0, slices.IndexFunc(members, func(i *types.DBInstance) bool {
		role, _ := memberOf(cluster, aws.ToString(i.DBInstanceIdentifier))
		return aws.ToBool(role.IsClusterWriter)
	}))
	n := instanceNeeds(members[writer], cluster.AvailabilityZones)
	n.storageType = aws.ToString(cluster.StorageType)
	n.features.add(featureGlobal, aws.ToString(cluster.GlobalClusterIdentifier) != "")
	return n
}

// instanceNeeds returns what an instance uses. Where the zones of its cluster are known, only those of them count in which it has a subnet:
// an Aurora cluster has three, whatever its subnets.
func instanceNeeds(db *types.DBInstance, clusterZones []string) orderableNeeds {
	n := orderableNeeds{licenseModel: aws.ToString(db.LicenseModel), networkType: aws.ToString(db.NetworkType)}
	storage := aws.ToString(db.StorageType)
	n.features.add(featureVPC, db.DBSubnetGroup != nil)
	n.features.add(featureMultiAZ, aws.ToBool(db.MultiAZ) && aws.ToString(db.DBClusterIdentifier) == "")
	n.features.add(featureInsights, aws.ToBool(db.PerformanceInsightsEnabled))
	n.features.add(featureMonitoring, aws.ToInt32(db.MonitoringInterval) > 0)
	n.features.add(featureIAM, aws.ToBool(db.IAMDatabaseAuthenticationEnabled))
	n.features.add(featureEncryption, aws.ToBool(db.StorageEncrypted))
	n.features.add(featureIOPS, storage == "io1" || storage == "io2")
	n.features.add(featureLogVolume, aws.ToBool(db.DedicatedLogVolume))
	n.features.add(featureKerberos, len(db.DomainMemberships) > 0)
	if db.DBSubnetGroup == nil {
		return n
	}
	const usualZones = 8
	zones := make([]string, 0, usualZones)
	for i := range db.DBSubnetGroup.Subnets {
		zone := db.DBSubnetGroup.Subnets[i].SubnetAvailabilityZone
		if zone == nil || len(clusterZones) > 0 && !slices.Contains(clusterZones, aws.ToString(zone.Name)) {
			continue
		}
		zones = append(zones, aws.ToString(zone.Name))
	}
	slices.Sort(zones)
	n.zones = strings.Join(slices.Compact(zones), zoneSeparator)
	return n
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
	return append(missing, (n.features & o.unsupported).names()...)
}

// orderableMatches are the orderable options of a key, and what they lack for the needs that were asked for: there are hundreds of options,
// and thousands of databases that need the same.
type orderableMatches struct {
	options orderableOptions

	mu      sync.Mutex
	byNeeds map[orderableNeeds]orderableMatch
}

// orderableMatch is a result of orderableOptions.matching. Observations share it, so that it must not be changed.
type orderableMatch struct {
	classes []string
	gaps    map[string]scaling.OrderableGap
}

func newOrderableMatches(options orderableOptions) *orderableMatches {
	return &orderableMatches{options: options, byNeeds: map[orderableNeeds]orderableMatch{}}
}

// find is orderableOptions.matching, worked out once for the same needs. Without options, nothing could be read.
func (m *orderableMatches) find(n orderableNeeds) ([]string, map[string]scaling.OrderableGap) {
	if m == nil {
		return nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	match, known := m.byNeeds[n]
	if !known {
		match.classes, match.gaps = m.options.matching(n)
		m.byNeeds[n] = match
	}
	return match.classes, match.gaps
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
	zones := n.zoneList()
	hasMatch, zonesKnown := false, len(zones) > 0
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
	absent := slices.DeleteFunc(slices.Clone(zones), func(zone string) bool { return slices.Contains(offered, zone) })
	switch len(absent) {
	case 0:
		return scaling.OrderableGap{}
	case len(zones):
		return scaling.OrderableGap{Features: []string{featureZone}}
	default:
		return scaling.OrderableGap{Zones: absent}
	}
}
