// Package baseline has the rules of other autoscalers, as their makers publish them, so that a backtest can compare dbscaler with
// them under the same load. A rule is pure: it depends on its argument and its own state only.
package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Observation is the input of a rule.
type Observation struct {
	Now time.Time
	// CPUPercent is the published mean utilization of the pool in percent, one sample a minute, oldest first. A minute without a
	// sample is missing. It reaches back at least as far as the autoscaler's Lookback.
	CPUPercent scaling.Series
	// HottestPercent is the same for the busiest instance.
	HottestPercent scaling.Series
	// RunningVCPUs is the load on the hosts, running or waiting for a CPU, as an agent on the host measures it: the mean of the last
	// minute in vCPUs. NaN is missing.
	RunningVCPUs float64
	// LadderVCPUs are the possible sizes in vCPUs of the whole pool, smallest first. SizeIndex is the index of the current size.
	LadderVCPUs []float64
	SizeIndex   int
	// ChangeInProgress says that a change has started and is not complete.
	ChangeInProgress bool
	// ChangedAt is the completion of the last change; zero before the first.
	ChangedAt time.Time
}

// Rule is the decision rule of an autoscaler.
type Rule interface {
	// DesiredSizeIndex is the index of the size to change to, or of the current size.
	DesiredSizeIndex(Observation) int
}

// Method is the way in which an autoscaler changes the size.
type Method string

// The methods.
const (
	// MethodReaders adds and removes readers of one class.
	MethodReaders Method = "Readers"
	// MethodClasses changes the class of every instance in place, one after the other. Each instance restarts once.
	MethodClasses Method = "Classes"
	// MethodSeamless changes the vCPUs without an interruption, on another platform. No RDS instance can do that.
	MethodSeamless Method = "Seamless"
)

// Autoscaler is an alternative to dbscaler.
type Autoscaler struct {
	// Name is the display name, for example Aurora Auto Scaling (H=3).
	Name string
	// ID is the name in options: lower-case letters, digits and hyphens.
	ID string
	// Source says where the rule is published, and with which settings it runs.
	Source string
	// Interval is the time between two evaluations of the rule.
	Interval time.Duration
	// Lookback is how far back the rule reads samples.
	Lookback time.Duration
	Method   Method
	// ChangeDelay is the duration of a seamless change.
	ChangeDelay time.Duration
	// NewRule creates a rule without any state.
	NewRule func() Rule
}

// All lists the autoscalers. None of them starts a change while another is in progress, and none goes beyond the ladder. The
// following applies to every rule unless its comment says otherwise:
//
//   - A size is the vCPUs of the whole pool. "Rounded up to the ladder" is the smallest size with at least so many vCPUs, or the
//     largest size if there is none.
//   - "The newest n minutes" end with the newest published minute. They count only if none of them is missing and the newest one
//     started at most 5 minutes ago.
//   - A cooldown of c ends exactly c after its start.
//   - Demand above 100 % of the current size is not visible.
func All() []Autoscaler {
	return []Autoscaler{
		newAurora(3), newAurora(5), newPredictive(), newAtlas(), newHPA(), newNeon(),
		newSpanner(), newCloudSpanner(), newLambda(), newClickHouse(), newDAS(),
	}
}
