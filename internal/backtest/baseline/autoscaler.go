// Package peer has the rules by which other autoscalers decide, as their makers publish them, so that they can be run beside
// dbscaler on the same load. A rule is pure: what it sees is an argument, and what it remembers is its own.
package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Observation is what an autoscaler sees when it looks.
type Observation struct {
	Now time.Time
	// CPUPercent is the mean utilization of the pool in percent, minute by minute and oldest first, as far as it is published; a minute
	// that is not in it is missing. It reaches back at least as far as the rule's Reach.
	CPUPercent scaling.Series
	// HottestPercent is that of the busiest instance.
	HottestPercent scaling.Series
	// RunningVCPUs is the vCPUs that had or wanted a CPU, averaged over the minute until now, as an agent on the machine sees it.
	RunningVCPUs float64
	// LadderVCPUs is the sizes that there are, in vCPUs of the whole pool, smallest first; Rung is the present one.
	LadderVCPUs []float64
	Rung        int
	// ChangeInProgress says that a change is under way.
	ChangeInProgress bool
	// ChangedAt is when the last change was completed; zero before the first.
	ChangedAt time.Time
}

// Rule is how an autoscaler decides. Look gives the rung that it wants, which is the present one when nothing is to change.
type Rule interface {
	DesiredRung(Observation) int
}

// Method is how an autoscaler changes the size.
type Method string

// The means.
const (
	// MethodReaders adds and removes readers of one class.
	MethodReaders Method = "Readers"
	// MethodClasses gives every instance another class, one after the other and in place, so that each is restarted once.
	MethodClasses Method = "Classes"
	// MethodSeamless changes the vCPUs without an interruption, which no RDS instance can: the platform is another.
	MethodSeamless Method = "Seamless"
)

// Autoscaler is an autoscaler that users would pick instead.
type Autoscaler struct {
	// Name for people, for example Aurora Auto Scaling (H=3).
	Name string
	// ID is its name in options: lower-case letters, digits and hyphens.
	ID string
	// Source says where its rule is published, and with which settings it is run.
	Source string
	// Interval is how often it looks.
	Interval time.Duration
	// Lookback is how far back it looks.
	Lookback time.Duration
	Method   Method
	// ChangeDelay is how long a Seamless change takes until it has effect.
	ChangeDelay time.Duration
	// NewRule makes a rule with nothing in memory.
	NewRule func() Rule
}
