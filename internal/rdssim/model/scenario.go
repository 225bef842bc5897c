package model

import (
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Scenario describes a simulation: its databases, their load, and what goes wrong.
type Scenario struct {
	// Start is the simulated time at which the simulation begins, on a whole minute.
	Start metav1.Time `json:"start"`
	// Seed is that of the random durations and noise. The same seed and requests give the same results, and the load does not
	// depend on requests.
	Seed int64 `json:"seed,omitempty"`
	// AccountID owns the databases that name no other account.
	AccountID string `json:"accountID"`
	// PublishDelay is the time from the end of a minute until its metrics appear. The default is 60 to 90 seconds, varying by
	// minute.
	PublishDelay metav1.Duration `json:"publishDelay,omitempty"`
	// RefuseAfterAvailable is how long an instance that has just become available still answers InvalidDBInstanceState, as
	// observed on AWS (hashicorp/terraform-provider-aws#31594).
	RefuseAfterAvailable metav1.Duration `json:"refuseAfterAvailable,omitempty"`
	// Retention is how long metrics are kept, at least a day. The default is DefaultRetention.
	Retention metav1.Duration `json:"retention,omitempty"`
	// MinCreateDuration and MaxCreateDuration bound how long the creation of an instance takes. The default is 6 to 9 minutes.
	MinCreateDuration metav1.Duration `json:"minCreateDuration,omitempty"`
	MaxCreateDuration metav1.Duration `json:"maxCreateDuration,omitempty"`
	// CreateTimeAtAcceptance says that an instance has its creation time as soon as AWS has accepted the request. By default it has
	// none until it is in service. The RDS API reference says no more than "when the DB instance was created" (DBInstance).
	CreateTimeAtAcceptance bool `json:"createTimeAtAcceptance,omitempty"`
	// StorageInitialization is how long a new read replica is storage-initialization after its creation, in service. The default is 0.
	StorageInitialization metav1.Duration `json:"storageInitialization,omitempty"`
	// InstanceQuota is the quota of DB instances of each account in a region. The default is InstanceQuota.
	InstanceQuota int        `json:"instanceQuota,omitempty"`
	Databases     []Database `json:"databases"`
	// ParameterGroups are the parameter groups that users have made.
	ParameterGroups []ParameterGroup `json:"parameterGroups,omitempty"`
	// CapacityShortages are classes of which AWS lacks capacity for a time.
	CapacityShortages []CapacityShortage `json:"capacityShortages,omitempty"`
	// UnorderableClasses are classes that cannot be ordered for a time.
	UnorderableClasses []UnorderableClass `json:"unorderableClasses,omitempty"`
	// MetricGaps are periods in which instances publish no metrics.
	MetricGaps []MetricGap `json:"metricGaps,omitempty"`

	// baseDir is the directory to which relative paths of recordings refer.
	baseDir string
}

// Database is a cluster if it lists instances, and a standalone instance otherwise. A cluster whose engine is not Aurora is a
// Multi-AZ DB cluster.
type Database struct {
	Identifier string `json:"identifier"`
	Region     string `json:"region"`
	AccountID  string `json:"accountID,omitempty"`
	// Engine as the RDS API writes it, for example aurora-postgresql or mysql.
	Engine        string            `json:"engine"`
	EngineVersion string            `json:"engineVersion"`
	Tags          map[string]string `json:"tags,omitempty"`
	// Class and MultiAZ are those of a standalone instance.
	Class   string `json:"class,omitempty"`
	MultiAZ bool   `json:"multiAZ,omitempty"`
	// Instances are the members of a cluster; the first is the writer.
	Instances []Member `json:"instances,omitempty"`
	// Serverless is the capacity range of an Aurora cluster whose instances have the class db.serverless.
	Serverless *ServerlessCapacity `json:"serverless,omitempty"`
	// Replicas are the read replicas of a standalone instance.
	Replicas []Member `json:"replicas,omitempty"`
	// NewReplicaClientWeight is the ClientWeight of the read replicas that are created later. The default is 1.
	NewReplicaClientWeight *float64 `json:"newReplicaClientWeight,omitempty"`
	// PerformanceInsights publishes DBLoad and DBLoadCPU.
	PerformanceInsights bool `json:"performanceInsights,omitempty"`
	// DeletionProtection prevents the deletion of the standalone instance or the cluster.
	DeletionProtection bool `json:"deletionProtection,omitempty"`
	// StorageType of a cluster: aurora (the default) or aurora-iopt1 (I/O-Optimized).
	StorageType string `json:"storageType,omitempty"`
	// Settings are those of a standalone instance. Its initial replicas have the same, with automated backups off.
	Settings *InstanceSettings `json:"settings,omitempty"`
	// MaintenanceWindow in UTC. The default is sun:02:00-sun:02:30.
	MaintenanceWindow string `json:"maintenanceWindow,omitempty"`
	// BackupWindow in UTC. The default is 01:00-01:30.
	BackupWindow string `json:"backupWindow,omitempty"`
	// Backups makes a standalone instance backing-up for a few minutes each day when its window opens. Aurora shows no such
	// status.
	Backups bool `json:"backups,omitempty"`
	// Maintenance lists maintenance actions that become pending.
	Maintenance []ScheduledMaintenance `json:"maintenance,omitempty"`
	// DeferredChanges are changes of a cluster that somebody defers to its maintenance window.
	DeferredChanges []DeferredChange `json:"deferredChanges,omitempty"`
	// StagedParameters are parameters that somebody changes and that a restart applies.
	StagedParameters []StagedParameters `json:"stagedParameters,omitempty"`
	// ParameterGroup is the DB parameter group of the instances that name no other, and ClusterParameterGroup that of a cluster. The
	// default is that of the engine.
	ParameterGroup        string `json:"parameterGroup,omitempty"`
	ClusterParameterGroup string `json:"clusterParameterGroup,omitempty"`
	// CustomEndpoints are those of an Aurora cluster.
	CustomEndpoints []CustomEndpoint `json:"customEndpoints,omitempty"`
	// GlobalCluster is the Aurora global database that a cluster is the primary of.
	GlobalCluster string `json:"globalCluster,omitempty"`
	// BlueGreen are blue/green deployments of the database.
	BlueGreen []ScheduledBlueGreen `json:"blueGreenDeployments,omitempty"`
	// AutoScaling registers a cluster with Aurora Auto Scaling from the start.
	AutoScaling *AutoScaling `json:"autoScaling,omitempty"`
	// Age is how long ago the database was created. The default is a year.
	Age metav1.Duration `json:"age,omitempty"`
	// Steady computes the metrics of an Aurora cluster when they are queried, instead of simulating it, until something changes it: for
	// fleets of thousands. Its load is daily, or none. GroundTruth and Minutes say nothing about it before the change.
	Steady bool `json:"steady,omitempty"`
	Load   Load `json:"load,omitempty"`
	// IO is what the clients read and write. Without it the database does no I/O.
	IO *IOWorkload `json:"io,omitempty"`
	// Upgrades are engine upgrades, in the order of time.
	Upgrades []EngineUpgrade `json:"upgrades,omitempty"`
}

// Member is an instance of a cluster, or a read replica.
type Member struct {
	Identifier string `json:"identifier"`
	Class      string `json:"class"`
	// PromotionTier is from 0 to 15. The default is 1.
	PromotionTier *int `json:"promotionTier,omitempty"`
	// ClientWeight is the number of clients of a read replica relative to the others. The default is 1; with 0 none connects to it.
	ClientWeight *float64          `json:"clientWeight,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	// ParameterGroup is its DB parameter group.
	ParameterGroup string `json:"parameterGroup,omitempty"`
}

// ScheduledBlueGreen is a blue/green deployment that somebody creates, and switches over if Switchover is set. What is busy then
// refuses it.
type ScheduledBlueGreen struct {
	Name       string   `json:"name"`
	At         Instant  `json:"at"`
	Switchover *Instant `json:"switchover,omitempty"`
}

// Load is the demand of a database by role. A standalone instance without read replicas has only a writer.
type Load struct {
	Writer  Curve `json:"writer,omitempty"`
	Readers Curve `json:"readers,omitempty"`
}

// Curve is a demand in vCPUs over time: points, a series or a recording, with linear interpolation, or a daily load. Before the first
// value and after the last it is constant.
type Curve struct {
	Points    []CurvePoint   `json:"points,omitempty"`
	Series    *RegularSeries `json:"series,omitempty"`
	Recording *Recording     `json:"recording,omitempty"`
	Daily     *DailyLoad     `json:"daily,omitempty"`
	// Multipliers change the demand from an instant on, for example because queries cost more or clients leave.
	Multipliers []Multiplier `json:"multipliers,omitempty"`
	// NoisePercent is the maximum random deviation in percent of the demand, drawn every minute.
	NoisePercent float64 `json:"noisePercent,omitempty"`
}

// RegularSeries is a demand in vCPUs at a fixed interval, the first value at From. The simulation references VCPUs without
// copying it.
type RegularSeries struct {
	From     Instant         `json:"from"`
	Interval metav1.Duration `json:"interval"`
	VCPUs    []float64       `json:"vcpus"`
}

// DailyLoad is a demand that rises and falls once a day, as a cosine. It has no beginning and no end.
type DailyLoad struct {
	MeanVCPUs float64 `json:"meanVCPUs"`
	// VariationPercent is how far the highest and the lowest demand are from the mean, in percent of it.
	VariationPercent float64 `json:"variationPercent,omitempty"`
	// Peak is an instant of the highest demand.
	Peak Instant `json:"peak,omitempty"`
}

// CurvePoint is the demand at an instant.
type CurvePoint struct {
	At    Instant `json:"at"`
	VCPUs float64 `json:"vcpus"`
}

// Multiplier multiplies a demand from an instant on, in addition to earlier multipliers.
type Multiplier struct {
	From   Instant `json:"from"`
	Factor float64 `json:"factor"`
}

// Recording is a measured load: a CSV file with the columns timestamp,value. Timestamps are in UTC.
type Recording struct {
	// File is a path. A relative path refers to the directory of the scenario file.
	File string `json:"file"`
	// Class makes the values percentages of the vCPUs of this class. Without it they are counts.
	Class string `json:"class,omitempty"`
	// Scale multiplies the values. For counts it is the vCPUs per count. 0 means 1.
	Scale float64 `json:"scale,omitempty"`
	// From is the offset in the recording at which the scenario begins.
	From metav1.Duration `json:"from,omitempty"`
}

// EngineUpgrade is an engine upgrade: a short restart of every instance, after which the cost of each query changes by a
// factor. It waits until every instance is available.
type EngineUpgrade struct {
	At            Instant `json:"at"`
	EngineVersion string  `json:"engineVersion"`
	// CostFactor multiplies the demand from then on, in addition to earlier upgrades.
	CostFactor float64 `json:"costFactor"`
}

// CapacityShortage is a period in which AWS lacks capacity of a class.
type CapacityShortage struct {
	Class string `json:"class"`
	// Zones are the affected availability zones, for example eu-west-1a; empty means all.
	Zones []string `json:"zones,omitempty"`
	From  Instant  `json:"from"`
	// Until is the end; without it the shortage does not end.
	Until *Instant `json:"until,omitempty"`
}

// UnorderableClass is a period in which a class cannot be ordered in a region.
type UnorderableClass struct {
	Region string  `json:"region"`
	Class  string  `json:"class"`
	From   Instant `json:"from"`
	// Until is the end; without it the class stays unorderable.
	Until *Instant `json:"until,omitempty"`
}

// ScheduledMaintenance is a maintenance action that becomes pending. It is only listed, never applied.
type ScheduledMaintenance struct {
	// Instance is the identifier of the affected cluster member. If empty, the cluster or the standalone instance itself is
	// affected.
	Instance string `json:"instance,omitempty"`
	// Action as the RDS API names it, for example system-update.
	Action      string  `json:"action"`
	Description string  `json:"description,omitempty"`
	From        Instant `json:"from"`
	// Until is the end; without it the action stays pending.
	Until *Instant `json:"until,omitempty"`
	// AutoAppliedAfterDate and ForcedApplyDate are those of MaintenanceAction.
	AutoAppliedAfterDate *Instant `json:"autoAppliedAfterDate,omitempty"`
	ForcedApplyDate      *Instant `json:"forcedApplyDate,omitempty"`
	// OptInStatus is the opt-in request of the owner: immediate, next-maintenance or empty.
	OptInStatus string `json:"optInStatus,omitempty"`
}

// DeferredChange is a ModifyDBCluster request without ApplyImmediately. A cluster that is not available then refuses it.
type DeferredChange struct {
	At Instant `json:"at"`
	ClusterPendingChanges
}

// StagedParameters makes a parameter group pending-reboot.
type StagedParameters struct {
	At Instant `json:"at"`
	// Instance is the instance whose DB parameter group has changed. If empty, the DB cluster parameter group has.
	Instance string `json:"instance,omitempty"`
}

// MetricGap is a period in which an instance publishes no metrics. An empty instance means all instances of the region.
type MetricGap struct {
	Region   string  `json:"region"`
	Instance string  `json:"instance,omitempty"`
	From     Instant `json:"from"`
	Until    Instant `json:"until"`
}

// LoadScenario reads a scenario from a YAML or JSON file. The error names the file.
func LoadScenario(path string) (Scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Scenario{}, err
	}
	s, err := ParseScenario(data)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.baseDir = filepath.Dir(path)
	return s, nil
}

// ParseScenario reads a scenario from YAML or JSON. It refuses unknown fields. Relative paths of recordings refer to the working
// directory.
func ParseScenario(data []byte) (Scenario, error) {
	var s Scenario
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return s, err
	}
	return s, s.Validate()
}
