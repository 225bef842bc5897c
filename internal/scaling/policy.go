package scaling

import "time"

// Mode says how far a policy may go.
type Mode string

// The modes.
const (
	// Enforce decides and acts.
	Enforce Mode = "Enforce"
	// Recommend decides and reports, and never acts.
	Recommend Mode = "Recommend"
)

// Preference says which way the reader pool changes when several shapes would do.
type Preference string

// The preferences.
const (
	// Cheapest takes the shape with the fewest vCPUs: within a family, price is proportional to vCPUs.
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
	Writer     *WriterLimits
	CPU        CPU
	ScaleUp    Pace
	ScaleDown  Pace
	Guardrails Guardrails
	// Disruption lists when a step that interrupts the writer may begin. Empty means at any time.
	Disruption []Window
}

// ReaderLimits bounds the reader pool.
type ReaderLimits struct {
	// InstanceClasses is the ladder, smallest first.
	InstanceClasses []string
	// Min and Max bound the number of readers, both included.
	Min, Max   int
	Preference Preference
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

// Pace is how quickly one direction is taken.
type Pace struct {
	// Window is what a threshold is held against: the average of it on the way up, each minute of it on the way down.
	Window time.Duration
	// Cooldown is how long to wait after a change before this direction is taken again.
	Cooldown time.Duration
}

// Guardrails bound what the operator may do whatever the load.
type Guardrails struct {
	// MaxOperationsPerDay is how many operations may start within 24 hours.
	MaxOperationsPerDay int
	// SurgeReaders is how many readers an operation may add for its own length, so that capacity never drops: 0 or 1.
	SurgeReaders int
}

// Window is a recurring stretch of time.
type Window struct {
	// Schedule is a cron expression of five fields: when the window opens.
	Schedule string
	// Duration is how long it stays open.
	Duration time.Duration
	// TimeZone is the IANA time zone that Schedule is read in.
	TimeZone string
}
