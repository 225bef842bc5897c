package scaling

import (
	"slices"
	"time"
)

// Mode says whether a policy acts on its decisions.
type Mode string

// The modes.
const (
	// Enforce carries out decisions.
	Enforce Mode = "Enforce"
	// Recommend only reports decisions.
	Recommend Mode = "Recommend"
	// Approve carries out a decision once a person has approved its hash.
	Approve Mode = "Approve"
)

// Redundancy says how many readers must be able to carry the load.
type Redundancy string

// The redundancies.
const (
	// AllReaders: the load must fit all readers.
	AllReaders Redundancy = "AllReaders"
	// OneReaderLost: the load must fit when one reader is lost.
	OneReaderLost Redundancy = "OneReaderLost"
)

// Preference says which shape of the reader pool is chosen when several fit.
type Preference string

// The preferences.
const (
	// Cheapest chooses the shape with the lowest cost: in money where prices are known, otherwise in vCPUs, since within a family
	// the price doubles with the size.
	Cheapest Preference = "Cheapest"
	// Vertical changes the class, and the count only when no class fits.
	Vertical Preference = "Vertical"
	// Horizontal changes the count, and the class only when no count fits.
	Horizontal Preference = "Horizontal"
)

// Policy is the configuration of one DBScalingPolicy.
type Policy struct {
	// Name is the namespace/name of the object.
	Name string
	// Namespace is the namespace of the object, which the opt-in tag of the database must name.
	Namespace string
	// Cluster is the name of the Kubernetes cluster that the operator was given, or empty.
	Cluster string
	Target  Target
	Mode    Mode
	// Readers is nil when the policy does not scale the readers.
	Readers *ReaderLimits
	// ReaderTags are AWS tags of new readers, surge readers included. The tags of dbscaler take precedence over them.
	ReaderTags map[string]string
	// Writer is nil when the policy does not scale the writer.
	Writer *WriterLimits
	// Serverless says that Writer lists maximum capacities of Aurora Serverless v2, in the form of catalog.ServerlessClassName.
	Serverless bool
	// MinCapacity bounds the minimum capacity of Aurora Serverless v2; nil when the policy does not scale it.
	MinCapacity *CapacityRange
	CPU         CPU
	ScaleUp     Behavior
	ScaleDown   Behavior
	// ScaleDownClassWindow is the window whose peak a smaller class must carry before instances are resized to it, when it is longer
	// than the window of ScaleDown.
	ScaleDownClassWindow time.Duration
	// OverloadedMinuteVCPUHours is the price of an overloaded minute, in hours of one vCPU, by which the past decides about a smaller
	// class; zero ignores the past beyond ScaleDownClassWindow.
	OverloadedMinuteVCPUHours int
	Guardrails                Guardrails
	PredictiveScaling         PredictiveScaling
	// AfterEngineUpgrade applies for a time after the engine was upgraded.
	AfterEngineUpgrade UpgradeWatch
	// ScheduledMinimums are the minimum sizes of the pools at certain times.
	ScheduledMinimums []ScheduledMinimum
	// DisruptionWindows are the windows in which a step that interrupts the writer may start. Empty means at any time.
	DisruptionWindows []Window
	// Prices are the hourly prices of one instance by class. They take precedence over the observed ones.
	Prices map[string]Money
	// ManualControl is what a person requested by annotations of the object.
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

// CapacityRange is a range of capacities of Aurora Serverless v2, in Aurora capacity units (ACUs), both bounds included.
type CapacityRange struct{ Lowest, Highest float64 }

// CPU holds the thresholds, in percent of the pool's vCPUs.
type CPU struct {
	// Target is what a new shape is sized for.
	Target int
	// ScaleUp is where the pool is too small.
	ScaleUp int
	// ScaleDown is where the pool is too large.
	ScaleDown int
}

// Behavior is the timing of one direction.
type Behavior struct {
	// Window is the window that is compared with the threshold: its average for a scale-up, each of its minutes for a scale-down.
	Window time.Duration
	// Cooldown is the time after an operation in which no other of this direction may start.
	Cooldown time.Duration
}

// Guardrails limit what the operator may do, whatever the load.
type Guardrails struct {
	// MaxOperationsPerDay is the number of disruptive operations that may start within 24 hours; of those that only add or remove
	// readers there may be four times as many. A third of them is reserved for scale-ups.
	MaxOperationsPerDay int
	// SurgeReaders is the number of readers that an operation may add for its duration, so that capacity never drops: 0 or 1.
	SurgeReaders int
	// MaxStepFactor limits one operation: it scales a pool up to at most its vCPUs times this, and down to at least its vCPUs
	// divided by this. Zero means no limit.
	MaxStepFactor int
	// MaxHourlyCost is the maximum hourly price of all instances of the target after an operation, without surge readers. Zero means
	// no limit.
	MaxHourlyCost Money
	// IOLimits says whether a smaller class must fit the I/O of the database. Empty means that it must.
	IOLimits IOLimits
	// AllowLicenseGrowth says whether more vCPUs may run when the customer brings the licence of the engine.
	AllowLicenseGrowth bool
	// AllowEmergencyDisruption says whether the writer may be interrupted outside the disruption windows in an emergency.
	AllowEmergencyDisruption bool
	// TrustUnreadableParameters says that parameters which cannot be read or evaluated count as the defaults of the engine.
	TrustUnreadableParameters bool
}

// PredictiveScaling says which predictions may raise the demand that a shape must carry. Predictions never lower it.
type PredictiveScaling struct {
	// Trend extrapolates the last 30 minutes.
	Trend bool
	// History uses the same time of earlier days and weeks.
	History bool
}

// UpgradeWatch applies after the engine was upgraded, since queries may have become more expensive.
type UpgradeWatch struct {
	// Duration is how long it applies. No pool is scaled down during that time.
	Duration time.Duration
	// ScaleUp is the scale-up threshold during that time, in percent, when it is lower than CPU.ScaleUp. Zero means no other.
	ScaleUp int
}

// ScheduledMinimum is the minimum size of the pools while its window is open.
type ScheduledMinimum struct {
	// Name is used in messages.
	Name   string
	Window Window
	// MinReaders is the minimum number of readers; zero for none.
	MinReaders int
	// ReaderClass and WriterClass are the minimum classes, or empty.
	ReaderClass, WriterClass string
}

// Window is a recurring or a single window of time.
type Window struct {
	// Schedule is a cron expression with five fields for the opening of a recurring window. Empty for a single one.
	Schedule string
	// Start is when a single window opens; zero for a recurring one.
	Start time.Time
	// Duration is how long the window stays open.
	Duration time.Duration
	// TimeZone is the IANA time zone of Schedule.
	TimeZone string
}

// ManualControl is what a person requested by annotations. An invalid annotation counts as a pause: doing nothing is safer than
// guessing.
type ManualControl struct {
	// InvalidReason says which annotation is invalid and why, or is empty.
	InvalidReason string
	// PausedUntil is when the pause ends; zero for no pause.
	PausedUntil time.Time
	// ApprovedHash is the hash of the approved decision, or empty.
	ApprovedHash string
	// Override is the manual override, or nil.
	Override *ManualOverride
	// PausedBy, OverriddenBy and ApprovedBy are who requested the pause, the override and the approval; nil when that is not recorded.
	PausedBy     *Requester `json:",omitempty"`
	OverriddenBy *Requester `json:",omitempty"`
	ApprovedBy   *Requester `json:",omitempty"`
}

// ManualOverride is the shapes that a person requests, whatever the load, until it expires.
type ManualOverride struct {
	// Readers and Writer are the requested shapes; nil for none.
	Readers, Writer *Shape
	// ExpiresAt is when the override ends.
	ExpiresAt time.Time
}

// Allows reports whether the limits allow a pool to have a shape.
func (p Policy) Allows(pool Pool, to Shape) bool {
	switch {
	case pool == Writer && p.Writer != nil:
		return to.Count == 1 && slices.Contains(p.Writer.InstanceClasses, to.InstanceClass)
	case pool == MinCapacity && p.MinCapacity != nil:
		acus, ok := parseACUs(to.InstanceClass)
		return ok && to.Count == 1 && acus >= p.MinCapacity.Lowest && acus <= p.MinCapacity.Highest
	case pool == Readers && p.Readers != nil:
		return slices.Contains(p.Readers.InstanceClasses, to.InstanceClass) && to.Count >= p.Readers.Min && to.Count <= p.Readers.Max
	default:
		return false
	}
}

// DesiredShape is the shape that an override active at now requests for a pool, or nil.
func (m ManualControl) DesiredShape(pool Pool, now time.Time) *Shape {
	override := m.ActiveOverride(now)
	switch {
	case override == nil || pool == MinCapacity:
		return nil
	case pool == Writer:
		return override.Writer
	default:
		return override.Readers
	}
}

// IsPaused reports whether the policy is paused at now, also by an invalid annotation.
func (m ManualControl) IsPaused(now time.Time) bool {
	return m.InvalidReason != "" || now.Before(m.PausedUntil)
}

// ActiveOverride is the override that is active at now, or nil.
func (m ManualControl) ActiveOverride(now time.Time) *ManualOverride {
	if m.Override == nil || !now.Before(m.Override.ExpiresAt) {
		return nil
	}
	return m.Override
}
