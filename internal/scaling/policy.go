package scaling

import (
	"slices"
	"time"
)

// Mode says how far a policy may go.
type Mode string

// The modes.
const (
	// Enforce decides and acts.
	Enforce Mode = "Enforce"
	// Recommend decides and reports, and never acts.
	Recommend Mode = "Recommend"
	// Approve decides, and acts once a person has named the decision's hash.
	Approve Mode = "Approve"
)

// Redundancy says which readers a shape is sized with.
type Redundancy string

// The redundancies.
const (
	// AllReaders: the load fits when all readers are in service.
	AllReaders Redundancy = "AllReaders"
	// OneReaderLost: the load still fits with one reader lost.
	OneReaderLost Redundancy = "OneReaderLost"
)

// Preference says which way the reader pool changes when several shapes would do.
type Preference string

// The preferences.
const (
	// Cheapest takes the shape that costs least: in money where prices are known, otherwise by vCPUs, since within a family
	// the price doubles with the size.
	Cheapest Preference = "Cheapest"
	// Vertical changes the class first and the count only when no class fits.
	Vertical Preference = "Vertical"
	// Horizontal changes the count first and the class only when no count fits.
	Horizontal Preference = "Horizontal"
)

// Policy is what one DBScalingPolicy asks for.
type Policy struct {
	// Name is namespace/name of the object.
	Name string
	// Namespace is the namespace of the object; the database's opt-in tag must name it.
	Namespace string
	Target    Target
	Mode      Mode
	// Readers is nil when the policy leaves the readers alone.
	Readers *ReaderLimits
	// Writer is nil when the policy leaves the writer alone.
	Writer *WriterLimits
	// Serverless says that Writer lists maximum capacities of Aurora Serverless v2, as catalog.ServerlessClassName writes them.
	Serverless bool
	CPU        CPU
	ScaleUp    Behavior
	ScaleDown  Behavior
	// ScaleDownClassWindow is how far back a smaller class must have carried the load before instances are resized to it, where that is longer
	// than the window of ScaleDown.
	ScaleDownClassWindow time.Duration
	Guardrails           Guardrails
	PredictiveScaling    PredictiveScaling
	// AfterEngineUpgrade is how to watch a database whose engine was upgraded.
	AfterEngineUpgrade UpgradeWatch
	// ScheduledMinimums are the least that the pools may be at certain times.
	ScheduledMinimums []ScheduledMinimum
	// DisruptionWindows lists when a step that interrupts the writer may begin. Empty means at any time.
	DisruptionWindows []Window
	// Prices are what an hour of one instance of a class costs, where the policy says so. They win over those observed.
	Prices map[string]Money
	// ManualControl is what a person asked for on the object, outside the spec.
	ManualControl ManualControl
}

// ReaderLimits bounds the reader pool.
type ReaderLimits struct {
	// InstanceClasses is the ladder, smallest first.
	InstanceClasses []string
	// Min and Max bound the number of readers, both included.
	Min, Max   int
	Preference Preference
	Redundancy Redundancy
}

// WriterLimits bounds the writer.
type WriterLimits struct {
	// InstanceClasses is the ladder, smallest first.
	InstanceClasses []string
}

// CPU holds the thresholds, in percent of the pool's vCPUs.
type CPU struct {
	// Target is what a new shape is sized for.
	Target int
	// ScaleUp is where the pool is too small.
	ScaleUp int
	// ScaleDown is where the pool is too large.
	ScaleDown int
}

// Behavior is how quickly one direction is taken.
type Behavior struct {
	// Window is what a threshold is held against: the average of it on the way up, each minute of it on the way down.
	Window time.Duration
	// Cooldown is how long to wait after a change before this direction is taken again.
	Cooldown time.Duration
}

// Guardrails bound what the operator may do whatever the load.
type Guardrails struct {
	// MaxOperationsPerDay is how many operations that interrupt instances may start within 24 hours; of those that only add or remove
	// readers there may be four times as many. A third of them is kept for growing.
	MaxOperationsPerDay int
	// SurgeReaders is how many readers an operation may add for its own length, so that capacity never drops: 0 or 1.
	SurgeReaders int
	// MaxStepFactor bounds one operation: a pool grows to at most this many times its vCPUs, and shrinks to no less than
	// its vCPUs divided by this. Zero means no bound.
	MaxStepFactor int
	// MaxHourlyCost is what an hour of all instances of the target may cost once an operation is done; surge readers are
	// not counted. Zero means no bound.
	MaxHourlyCost Money
	// AllowEmergencyDisruption says that in an emergency the writer may be interrupted outside the disruption windows.
	AllowEmergencyDisruption bool
}

// PredictiveScaling says which predictions may raise the demand that a shape must carry. None ever lowers it.
type PredictiveScaling struct {
	// Trend looks at where the last half hour leads.
	Trend bool
	// History looks at the same time of earlier days and weeks.
	History bool
}

// UpgradeWatch is how to look at a database after its engine was upgraded: queries may have become dearer.
type UpgradeWatch struct {
	// Duration of the watch; nothing shrinks during it.
	Duration time.Duration
	// ScaleUp is the threshold meanwhile, in percent, where it is lower than the usual one.
	ScaleUp int
}

// ScheduledMinimum is the least that the pools may be while its window is open.
type ScheduledMinimum struct {
	// Name for people.
	Name   string
	Window Window
	// MinReaders is the least number of readers; zero says nothing about them.
	MinReaders int
	// ReaderClass and WriterClass are the least classes, or empty.
	ReaderClass, WriterClass string
}

// Window is a stretch of time: a recurring one, or a single one.
type Window struct {
	// Schedule is a cron expression of five fields: when the window opens. Empty for a single one.
	Schedule string
	// Start is when a single window opens; zero for a recurring one.
	Start time.Time
	// Duration is how long it stays open.
	Duration time.Duration
	// TimeZone is the IANA time zone that Schedule is read in.
	TimeZone string
}

// ManualControl is what a person asked for by annotation. What cannot be read counts as a pause: it is better to do nothing than to
// guess.
type ManualControl struct {
	// InvalidReason says what cannot be read, or is empty.
	InvalidReason string
	// PausedUntil is when a pause ends; zero when there is none.
	PausedUntil time.Time
	// ApprovedHash is the hash of the decision that was approved, or empty.
	ApprovedHash string
	// Override is the shape that a person wants for a time, or nil.
	Override *ManualOverride
}

// ManualOverride is the shape that a person wants, whatever the load, until it expires.
type ManualOverride struct {
	// Readers and Writer are the shapes wanted; nil leaves the pool alone.
	Readers, Writer *Shape
	// ExpiresAt is when the load decides again.
	ExpiresAt time.Time
}

// Allows says whether the limits let a pool have a shape.
func (p Policy) Allows(pool Pool, to Shape) bool {
	switch {
	case pool == Writer && p.Writer != nil:
		return to.Count == 1 && slices.Contains(p.Writer.InstanceClasses, to.InstanceClass)
	case pool == Readers && p.Readers != nil:
		return slices.Contains(p.Readers.InstanceClasses, to.InstanceClass) && to.Count >= p.Readers.Min && to.Count <= p.Readers.Max
	default:
		return false
	}
}

// DesiredShape is the shape that a person wants a pool to have at now, or nil.
func (w ManualControl) DesiredShape(pool Pool, now time.Time) *Shape {
	override := w.ActiveOverride(now)
	switch {
	case override == nil:
		return nil
	case pool == Writer:
		return override.Writer
	default:
		return override.Readers
	}
}

// IsPaused says whether a person has paused the policy at now, or asked for something that cannot be read.
func (w ManualControl) IsPaused(now time.Time) bool {
	return w.InvalidReason != "" || now.Before(w.PausedUntil)
}

// ActiveOverride is the override in force at now, or nil.
func (w ManualControl) ActiveOverride(now time.Time) *ManualOverride {
	if w.Override == nil || !now.Before(w.Override.ExpiresAt) {
		return nil
	}
	return w.Override
}
