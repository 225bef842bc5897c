package model

import (
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Scenario describes a world: its databases, what they are asked to do, and what goes wrong.
type Scenario struct {
	// Start is when the simulation begins, on a whole minute.
	Start metav1.Time `json:"start"`
	// Seed draws durations and noise. The same seed gives the same world, and the same load whatever is done to it.
	Seed int64 `json:"seed,omitempty"`
	// AccountID owns the databases that name no other account.
	AccountID string `json:"accountID"`
	// PublishDelay is how long after a minute has ended its metrics appear. Without it the delay is from 60 to 90 seconds,
	// another one each minute.
	PublishDelay metav1.Duration `json:"publishDelay,omitempty"`
	// RefuseAfterAvailable is how long an instance that has just become available still answers InvalidDBInstanceState, as
	// AWS has been seen to do (hashicorp/terraform-provider-aws#31594).
	RefuseAfterAvailable metav1.Duration `json:"refuseAfterAvailable,omitempty"`
	// Retention is how long metrics are kept, at least a day; as long as CloudWatch does without it.
	Retention metav1.Duration `json:"keep,omitempty"`
	// MinCreateDuration and MaxCreateDuration bound how long an instance takes to be created; 6 to 9 minutes without them.
	MinCreateDuration metav1.Duration `json:"createLeast,omitempty"`
	MaxCreateDuration metav1.Duration `json:"createMost,omitempty"`
	Databases         []Database      `json:"databases"`
	// CapacityShortages are classes that AWS runs out of.
	CapacityShortages []CapacityShortage `json:"shortages,omitempty"`
	// UnorderableClasses are classes that cannot be ordered.
	UnorderableClasses []UnorderableClass `json:"withdrawals,omitempty"`
	// MetricGaps are stretches of time in which instances publish nothing.
	MetricGaps []MetricGap `json:"metricGaps,omitempty"`

	// baseDir is where relative paths of recordings begin.
	baseDir string
}

// Database is a cluster, when it lists instances, or a plain instance. A cluster whose engine is not Aurora is a Multi-AZ DB
// cluster.
type Database struct {
	Identifier string `json:"identifier"`
	Region     string `json:"region"`
	AccountID  string `json:"accountID,omitempty"`
	// Engine as the RDS API writes it, for example aurora-postgresql or mysql.
	Engine        string            `json:"engine"`
	EngineVersion string            `json:"engineVersion"`
	Tags          map[string]string `json:"tags,omitempty"`
	// Class and MultiAZ are those of a plain instance.
	Class   string `json:"class,omitempty"`
	MultiAZ bool   `json:"multiAZ,omitempty"`
	// Instances are the members of a cluster; the first is the writer.
	Instances []Member `json:"instances,omitempty"`
	// Serverless is the capacity range of an Aurora cluster whose instances have the class db.serverless.
	Serverless *ServerlessCapacity `json:"serverless,omitempty"`
	// Replicas are the read replicas of a plain instance.
	Replicas []Member `json:"replicas,omitempty"`
	// PerformanceInsights publishes DBLoad and DBLoadCPU.
	PerformanceInsights bool `json:"performanceInsights,omitempty"`
	// DeletionProtection keeps a plain instance, or the cluster, from being deleted.
	DeletionProtection bool `json:"deletionProtection,omitempty"`
	// StorageType of a cluster: aurora, which is the default, or aurora-iopt1, which is I/O-Optimized.
	StorageType string `json:"storageType,omitempty"`
	// MaintenanceWindow in UTC, for example sun:02:00-sun:02:30, which is the default.
	MaintenanceWindow string `json:"maintenanceWindow,omitempty"`
	// BackupWindow in UTC, for example 01:00-01:30, which is the default.
	BackupWindow string `json:"backupWindow,omitempty"`
	// Backups lets a plain instance be backing-up for a few minutes each day when its window opens. Backups of Aurora do not
	// show.
	Backups bool `json:"backups,omitempty"`
	// Maintenance are actions that AWS wants to carry out.
	Maintenance []ScheduledMaintenance `json:"maintenance,omitempty"`
	// AutoScaling registers a cluster with Aurora Auto Scaling from the start.
	AutoScaling *AutoScaling `json:"autoScaling,omitempty"`
	Load        Load         `json:"load,omitempty"`
	// Upgrades are engine upgrades that people carry out, in the order of time.
	Upgrades []EngineUpgrade `json:"upgrades,omitempty"`
}

// Member is one instance of a cluster.
type Member struct {
	Identifier string `json:"identifier"`
	Class      string `json:"class"`
	// PromotionTier is 1 unless it says otherwise.
	PromotionTier *int              `json:"promotionTier,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
}

// Load is what a database is asked to do. A plain instance without read replicas has only the writer's.
type Load struct {
	Writer  Curve `json:"writer,omitempty"`
	Readers Curve `json:"readers,omitempty"`
}

// Curve is a demand over time, in vCPUs: points with straight lines between them, evenly spaced ones, or a recording. Before its
// first point it is as at the first, after its last as at the last.
type Curve struct {
	Points    []CurvePoint   `json:"points,omitempty"`
	Series    *RegularSeries `json:"even,omitempty"`
	Recording *Recording     `json:"recording,omitempty"`
	// Multipliers change the demand from a moment on, for example because queries cost more or clients leave.
	Multipliers []Multiplier `json:"multipliers,omitempty"`
	// NoisePercent is the greatest deviation, drawn anew every minute, in percent of the demand.
	NoisePercent float64 `json:"noisePercent,omitempty"`
}

// RegularSeries is a demand at moments that are as far from each other: the first, and then every so often. It is not copied.
type RegularSeries struct {
	From     Instant         `json:"from"`
	Interval metav1.Duration `json:"every"`
	VCPUs    []float64       `json:"vcpus"`
}

// CurvePoint is the demand at one moment.
type CurvePoint struct {
	At    Instant `json:"at"`
	VCPUs float64 `json:"vcpus"`
}

// Multiplier multiplies a demand from a moment on, on top of the multipliers before it.
type Multiplier struct {
	From   Instant `json:"from"`
	Factor float64 `json:"factor"`
}

// Recording is a load that was measured: a CSV file with the columns timestamp,value. Times are UTC.
type Recording struct {
	// File is the path; a relative one begins at the folder of the scenario's file.
	File string `json:"file"`
	// Class makes the values percent of this class; without it they are counts.
	Class string `json:"class,omitempty"`
	// Scale multiplies the values; for counts it is the vCPUs of one. 0 means 1.
	Scale float64 `json:"scale,omitempty"`
	// From is how far into the recording the scenario begins.
	From metav1.Duration `json:"from,omitempty"`
}

// EngineUpgrade is an engine upgrade: a short restart of every instance, after which each query costs more, or less. It waits
// until every instance is available.
type EngineUpgrade struct {
	At            Instant `json:"at"`
	EngineVersion string  `json:"engineVersion"`
	// CostFactor multiplies the demand from then on, on top of earlier upgrades.
	CostFactor float64 `json:"costFactor"`
}

// CapacityShortage is a class that AWS has no capacity of.
type CapacityShortage struct {
	Class string `json:"class"`
	// Zones are the availability zones without it, for example eu-west-1a; none means all.
	Zones []string `json:"zones,omitempty"`
	From  Instant  `json:"from"`
	// Until ends it; without it the shortage lasts.
	Until *Instant `json:"until,omitempty"`
}

// UnorderableClass is a class that cannot be ordered in a region.
type UnorderableClass struct {
	Region string  `json:"region"`
	Class  string  `json:"class"`
	From   Instant `json:"from"`
	// Until ends it; without it the class stays withdrawn.
	Until *Instant `json:"until,omitempty"`
}

// ScheduledMaintenance is an action that AWS wants to carry out. It is only shown, never carried out.
type ScheduledMaintenance struct {
	// Instance is the member of the cluster that it is for; without one it is for the cluster, or the plain instance, itself.
	Instance string `json:"instance,omitempty"`
	// Action as the RDS API has it, for example system-update.
	Action      string  `json:"action"`
	Description string  `json:"description,omitempty"`
	From        Instant `json:"from"`
	// Until ends it; without it the action stays pending.
	Until *Instant `json:"until,omitempty"`
	// AutoAppliedAfterDate and ForcedApplyDate are those of Maintenance; without them there are none.
	AutoAppliedAfterDate *Instant `json:"autoAppliedAfter,omitempty"`
	ForcedApplyDate      *Instant `json:"forcedApply,omitempty"`
	// OptInStatus is what the owner has asked for: immediate, next-maintenance, or nothing.
	OptInStatus string `json:"optIn,omitempty"`
}

// MetricGap is a stretch of time in which an instance, or every one of the region, publishes no metrics.
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

// ParseScenario reads a scenario from YAML or JSON. Fields that it does not know are refused. Relative paths of recordings
// begin at the working directory.
func ParseScenario(data []byte) (Scenario, error) {
	var s Scenario
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return s, err
	}
	return s, s.Validate()
}
