package rdssim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// The elements below have the names of the RDS API reference.

type tagElement struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type endpointElement struct {
	Address string `xml:"Address"`
	Port    int    `xml:"Port"`
}

type memberElement struct {
	DBInstanceIdentifier          string `xml:"DBInstanceIdentifier"`
	IsClusterWriter               bool   `xml:"IsClusterWriter"`
	PromotionTier                 int    `xml:"PromotionTier"`
	DBClusterParameterGroupStatus string `xml:"DBClusterParameterGroupStatus"`
}

type securityGroupElement struct {
	VpcSecurityGroupID string `xml:"VpcSecurityGroupId"`
	Status             string `xml:"Status"`
}

type clusterElement struct {
	DBClusterIdentifier        string                 `xml:"DBClusterIdentifier"`
	DBClusterArn               string                 `xml:"DBClusterArn"`
	DBClusterResourceID        string                 `xml:"DbClusterResourceId"`
	Engine                     string                 `xml:"Engine"`
	EngineVersion              string                 `xml:"EngineVersion"`
	EngineMode                 string                 `xml:"EngineMode"`
	Status                     string                 `xml:"Status"`
	Endpoint                   string                 `xml:"Endpoint"`
	ReaderEndpoint             string                 `xml:"ReaderEndpoint"`
	Port                       int                    `xml:"Port"`
	DBClusterInstanceClass     string                 `xml:"DBClusterInstanceClass,omitempty"`
	ServerlessV2               *capacityElement       `xml:"ServerlessV2ScalingConfiguration,omitempty"`
	PendingModifiedValues      *clusterPendingElement `xml:"PendingModifiedValues,omitempty"`
	MultiAZ                    bool                   `xml:"MultiAZ"`
	StorageType                string                 `xml:"StorageType"`
	DBSubnetGroup              string                 `xml:"DBSubnetGroup"`
	DBClusterParameterGroup    string                 `xml:"DBClusterParameterGroup"`
	PreferredBackupWindow      string                 `xml:"PreferredBackupWindow"`
	PreferredMaintenanceWindow string                 `xml:"PreferredMaintenanceWindow"`
	DeletionProtection         bool                   `xml:"DeletionProtection"`
	ClusterCreateTime          string                 `xml:"ClusterCreateTime"`
	AvailabilityZones          []string               `xml:"AvailabilityZones>AvailabilityZone"`
	DBClusterMembers           []memberElement        `xml:"DBClusterMembers>DBClusterMember"`
	VpcSecurityGroups          []securityGroupElement `xml:"VpcSecurityGroups>VpcSecurityGroupMembership"`
	CustomEndpoints            []string               `xml:"CustomEndpoints>member"`
	GlobalClusterIdentifier    string                 `xml:"GlobalClusterIdentifier,omitempty"`
	TagList                    []tagElement           `xml:"TagList>Tag"`
}

type capacityElement struct {
	MinCapacity float64 `xml:"MinCapacity"`
	MaxCapacity float64 `xml:"MaxCapacity"`
	// SecondsUntilAutoPause is "only shown when the minimum capacity for the cluster is set to 0 ACUs".
	SecondsUntilAutoPause int `xml:"SecondsUntilAutoPause,omitempty"`
}

type clusterPendingElement struct {
	EngineVersion         string `xml:"EngineVersion,omitempty"`
	MasterUserPassword    string `xml:"MasterUserPassword,omitempty"`
	StorageType           string `xml:"StorageType,omitempty"`
	BackupRetentionPeriod int    `xml:"BackupRetentionPeriod,omitempty"`
}

type pendingModifiedValuesElement struct {
	DBInstanceClass         string `xml:"DBInstanceClass,omitempty"`
	EngineVersion           string `xml:"EngineVersion,omitempty"`
	MultiAZ                 *bool  `xml:"MultiAZ,omitempty"`
	CACertificateIdentifier string `xml:"CACertificateIdentifier,omitempty"`
}

type parameterGroupElement struct {
	DBParameterGroupName string `xml:"DBParameterGroupName"`
	ParameterApplyStatus string `xml:"ParameterApplyStatus"`
}

type optionGroupElement struct {
	OptionGroupName string `xml:"OptionGroupName"`
	Status          string `xml:"Status"`
}

type subnetGroupElement struct {
	DBSubnetGroupName string `xml:"DBSubnetGroupName"`
	SubnetGroupStatus string `xml:"SubnetGroupStatus"`
}

type domainElement struct {
	Domain string `xml:"Domain"`
	Status string `xml:"Status"`
}

type secretElement struct {
	SecretArn    string `xml:"SecretArn"`
	SecretStatus string `xml:"SecretStatus"`
}

// settingsElement holds the elements of an instance for model.InstanceSettings.
type settingsElement struct {
	BackupRetentionPeriod            int             `xml:"BackupRetentionPeriod"`
	StorageType                      string          `xml:"StorageType,omitempty"`
	AllocatedStorage                 int             `xml:"AllocatedStorage,omitempty"`
	MaxAllocatedStorage              int             `xml:"MaxAllocatedStorage,omitempty"`
	Iops                             int             `xml:"Iops,omitempty"`
	StorageThroughput                int             `xml:"StorageThroughput,omitempty"`
	DedicatedLogVolume               bool            `xml:"DedicatedLogVolume"`
	NetworkType                      string          `xml:"NetworkType,omitempty"`
	IAMDatabaseAuthenticationEnabled bool            `xml:"IAMDatabaseAuthenticationEnabled"`
	EnabledCloudwatchLogsExports     []string        `xml:"EnabledCloudwatchLogsExports>member"`
	DomainMemberships                []domainElement `xml:"DomainMemberships>DomainMembership"`
	MasterUserSecret                 *secretElement  `xml:"MasterUserSecret,omitempty"`
}

type instanceElement struct {
	DBInstanceIdentifier       string                       `xml:"DBInstanceIdentifier"`
	DBInstanceArn              string                       `xml:"DBInstanceArn"`
	DbiResourceID              string                       `xml:"DbiResourceId"`
	DBClusterIdentifier        string                       `xml:"DBClusterIdentifier,omitempty"`
	ReadReplicaSource          string                       `xml:"ReadReplicaSourceDBInstanceIdentifier,omitempty"`
	ReadReplicas               []string                     `xml:"ReadReplicaDBInstanceIdentifiers>ReadReplicaDBInstanceIdentifier"`
	DBInstanceClass            string                       `xml:"DBInstanceClass"`
	Engine                     string                       `xml:"Engine"`
	EngineVersion              string                       `xml:"EngineVersion"`
	LicenseModel               string                       `xml:"LicenseModel"`
	DBInstanceStatus           string                       `xml:"DBInstanceStatus"`
	Endpoint                   *endpointElement             `xml:"Endpoint,omitempty"`
	PromotionTier              *int                         `xml:"PromotionTier,omitempty"`
	MultiAZ                    bool                         `xml:"MultiAZ"`
	AvailabilityZone           string                       `xml:"AvailabilityZone"`
	SecondaryAvailabilityZone  string                       `xml:"SecondaryAvailabilityZone,omitempty"`
	DBSubnetGroup              subnetGroupElement           `xml:"DBSubnetGroup"`
	DBParameterGroups          []parameterGroupElement      `xml:"DBParameterGroups>DBParameterGroup"`
	OptionGroupMemberships     []optionGroupElement         `xml:"OptionGroupMemberships>OptionGroupMembership"`
	VpcSecurityGroups          []securityGroupElement       `xml:"VpcSecurityGroups>VpcSecurityGroupMembership"`
	PendingModifiedValues      pendingModifiedValuesElement `xml:"PendingModifiedValues"`
	PreferredBackupWindow      string                       `xml:"PreferredBackupWindow"`
	PreferredMaintenanceWindow string                       `xml:"PreferredMaintenanceWindow"`
	PerformanceInsightsEnabled bool                         `xml:"PerformanceInsightsEnabled"`
	MonitoringInterval         int                          `xml:"MonitoringInterval"`
	MonitoringRoleArn          string                       `xml:"MonitoringRoleArn,omitempty"`
	CACertificateIdentifier    string                       `xml:"CACertificateIdentifier"`
	AutoMinorVersionUpgrade    bool                         `xml:"AutoMinorVersionUpgrade"`
	PubliclyAccessible         bool                         `xml:"PubliclyAccessible"`
	CopyTagsToSnapshot         bool                         `xml:"CopyTagsToSnapshot"`
	DeletionProtection         bool                         `xml:"DeletionProtection"`
	settingsElement
	InstanceCreateTime string       `xml:"InstanceCreateTime,omitempty"`
	TagList            []tagElement `xml:"TagList>Tag"`
}

type eventElement struct {
	Date             string   `xml:"Date"`
	Message          string   `xml:"Message"`
	SourceArn        string   `xml:"SourceArn"`
	SourceIdentifier string   `xml:"SourceIdentifier"`
	SourceType       string   `xml:"SourceType"`
	EventCategories  []string `xml:"EventCategories>EventCategory"`
}

type (
	// The list elements of these are present even if the list is empty.
	describeDBClustersResult struct {
		DBClusters struct{ DBCluster []clusterElement }
		Marker     string `xml:"Marker,omitempty"`
	}
	describeDBInstancesResult struct {
		DBInstances struct{ DBInstance []instanceElement }
		Marker      string `xml:"Marker,omitempty"`
	}
	describeEventsResult struct {
		Events struct{ Event []eventElement }
		Marker string `xml:"Marker,omitempty"`
	}
	listTagsResult struct {
		TagList []tagElement `xml:"TagList>Tag"`
	}
	createDBInstanceReadReplicaResult struct {
		DBInstance instanceElement `xml:"DBInstance"`
	}
	modifyDBInstanceResult struct {
		DBInstance instanceElement `xml:"DBInstance"`
	}
	createDBInstanceResult struct {
		DBInstance instanceElement `xml:"DBInstance"`
	}
	deleteDBInstanceResult struct {
		DBInstance instanceElement `xml:"DBInstance"`
	}
	rebootDBInstanceResult struct {
		DBInstance instanceElement `xml:"DBInstance"`
	}
	modifyDBClusterResult struct {
		DBCluster clusterElement `xml:"DBCluster"`
	}
	failoverDBClusterResult struct {
		DBCluster clusterElement `xml:"DBCluster"`
	}
	emptyResult struct{}
)

const (
	databasePort = 5432
	// securityGroupID is the VPC security group of clusters and of their members.
	securityGroupID = "sg-00000000000000001"
	// backupRetentionDays is the BackupRetentionPeriod of databases with automated backups.
	backupRetentionDays = 7
)

// formatTime formats a time as RDS does. The zero time is empty.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func newTagElements(tags map[string]string) []tagElement {
	var out []tagElement
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, tagElement{key, tags[key]})
	}
	return out
}

func (s *Server) newClusterElement(r *request, c *model.Cluster) clusterElement {
	out := clusterElement{
		DBClusterIdentifier: c.Identifier, DBClusterArn: c.ARN(), DBClusterResourceID: c.ResourceID, Engine: c.Engine,
		EngineVersion: c.EngineVersion, EngineMode: "provisioned", Status: c.Status, Port: databasePort,
		Endpoint:               c.Identifier + ".cluster-simulated." + c.Region + ".rds.amazonaws.com",
		ReaderEndpoint:         c.Identifier + ".cluster-ro-simulated." + c.Region + ".rds.amazonaws.com",
		DBClusterInstanceClass: c.InstanceClass, MultiAZ: len(c.Members) > 1,
		StorageType: c.StorageType, DBSubnetGroup: c.DBSubnetGroup, DBClusterParameterGroup: c.ParameterGroup,
		PreferredBackupWindow: c.BackupWindow, PreferredMaintenanceWindow: c.MaintenanceWindow,
		DeletionProtection: c.DeletionProtection, ClusterCreateTime: formatTime(c.CreatedAt), AvailabilityZones: c.AvailabilityZones,
		VpcSecurityGroups: []securityGroupElement{{securityGroupID, "active"}}, TagList: newTagElements(c.Tags),
	}
	out.GlobalClusterIdentifier = c.GlobalCluster
	for _, e := range c.CustomEndpoints {
		out.CustomEndpoints = append(out.CustomEndpoints, customEndpointAddress(c, e))
	}
	if c.Capacity != nil {
		out.ServerlessV2 = &capacityElement{c.Capacity.Min, c.Capacity.Max, c.Capacity.SecondsUntilAutoPause}
	}
	if c.PendingChanges != (model.ClusterPendingChanges{}) { // "returned only when there are pending changes"
		pending := clusterPendingElement(c.PendingChanges)
		out.PendingModifiedValues = &pending
	}
	for _, id := range c.Members {
		member := memberElement{
			DBInstanceIdentifier: id, IsClusterWriter: id == c.Writer && !c.GlobalSecondary, DBClusterParameterGroupStatus: model.ParametersInSync,
		}
		if i, found := s.options.World.ViewInstance(r.caller.region, id); found && i.AccountID == r.caller.account {
			member.PromotionTier = i.PromotionTier
			member.DBClusterParameterGroupStatus = cmp.Or(i.ClusterParameterStatus, model.ParametersInSync)
		}
		out.DBClusterMembers = append(out.DBClusterMembers, member)
	}
	return out
}

// newSecurityGroupElements returns the security groups of an instance. Those of a member are the cluster's.
func newSecurityGroupElements(i *model.Instance) []securityGroupElement {
	if i.Cluster != "" {
		return []securityGroupElement{{securityGroupID, "active"}}
	}
	var out []securityGroupElement
	for _, group := range i.Settings.SecurityGroups {
		out = append(out, securityGroupElement{group, "active"})
	}
	return out
}

// newSettingsElement returns the elements for the settings of an instance.
func newSettingsElement(i *model.Instance) settingsElement {
	settings := i.Settings
	out := settingsElement{
		BackupRetentionPeriod: cmp.Or(settings.BackupRetentionDays, backupRetentionDays),
		StorageType:           settings.Storage.Type, AllocatedStorage: settings.Storage.AllocatedGiB,
		MaxAllocatedStorage: settings.Storage.MaxAllocatedGiB, Iops: settings.Storage.IOPS,
		StorageThroughput: settings.Storage.ThroughputMiBps, DedicatedLogVolume: settings.Storage.DedicatedLogVolume,
		NetworkType: settings.NetworkType, IAMDatabaseAuthenticationEnabled: settings.IAMAuthentication,
		EnabledCloudwatchLogsExports: settings.LogExports,
	}
	if settings.NoAutomatedBackups {
		out.BackupRetentionPeriod = 0
	}
	if settings.Domain != "" {
		out.DomainMemberships = []domainElement{{settings.Domain, "joined"}}
	}
	if settings.ManagedMasterPassword {
		out.MasterUserSecret = &secretElement{
			"arn:aws:secretsmanager:" + i.Region + ":" + i.AccountID + ":secret:rds!" + i.ResourceID, "active",
		}
	}
	return out
}

func newInstanceElement(i *model.Instance) instanceElement {
	out := instanceElement{
		DBInstanceIdentifier: i.Identifier, DBInstanceArn: i.ARN(), DbiResourceID: i.ResourceID, DBClusterIdentifier: i.Cluster,
		ReadReplicaSource: i.ReplicationSource, ReadReplicas: i.Replicas,
		DBInstanceClass: i.Class, Engine: i.Engine, EngineVersion: i.EngineVersion, LicenseModel: model.DefaultLicenseModel(i.Engine),
		DBInstanceStatus: i.Status,
		MultiAZ:          i.MultiAZ, AvailabilityZone: i.AvailabilityZone, SecondaryAvailabilityZone: i.SecondaryAvailabilityZone,
		DBSubnetGroup:          subnetGroupElement{i.DBSubnetGroup, "Complete"},
		DBParameterGroups:      []parameterGroupElement{{i.ParameterGroup, cmp.Or(i.ParameterStatus, model.ParametersInSync)}},
		OptionGroupMemberships: []optionGroupElement{{"default:" + i.Engine, "in-sync"}},
		VpcSecurityGroups:      newSecurityGroupElements(i), settingsElement: newSettingsElement(i),
		PendingModifiedValues: pendingModifiedValuesElement{
			DBInstanceClass: i.PendingChanges.Class, EngineVersion: i.PendingChanges.EngineVersion, MultiAZ: i.PendingChanges.MultiAZ,
			CACertificateIdentifier: i.PendingChanges.CACertificate,
		},
		PreferredBackupWindow: i.BackupWindow, PreferredMaintenanceWindow: i.MaintenanceWindow,
		PerformanceInsightsEnabled: i.PerformanceInsights, MonitoringInterval: i.MonitoringInterval,
		CACertificateIdentifier: i.CACertificate, DeletionProtection: i.DeletionProtection,
		InstanceCreateTime: formatTime(i.CreateTime()), TagList: newTagElements(i.Tags),
	}
	if i.MonitoringInterval > 0 {
		out.MonitoringRoleArn = "arn:aws:iam::" + i.AccountID + ":role/rds-monitoring-role"
	}
	if i.Cluster != "" {
		out.PromotionTier = &i.PromotionTier
	}
	if !i.CreatedAt.IsZero() { // an instance has no endpoint while it is being created
		out.Endpoint = &endpointElement{i.Identifier + ".simulated." + i.Region + ".rds.amazonaws.com", databasePort}
	}
	return out
}
