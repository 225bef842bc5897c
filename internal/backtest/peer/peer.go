// Package peer has the rules by which other autoscalers decide, as their makers publish them, so that they can be run beside
// dbscaler on the same load. A rule is pure: what it sees is an argument, and what it remembers is its own.
package peer

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// View is what an autoscaler sees when it looks.
type View struct {
	Now time.Time
	// CPU is the mean utilization of the pool in percent, minute by minute and oldest first, as far as it is published; a minute
	// that is not in it is missing. It reaches back at least as far as the rule's Reach.
	CPU scaling.Series
	// Hottest is that of the busiest instance.
	Hottest scaling.Series
	// Running is the vCPUs that had or wanted a CPU, averaged over the minute until now, as an agent on the machine sees it.
	Running float64
	// Ladder is the sizes that there are, in vCPUs of the whole pool, smallest first; Rung is the present one.
	Ladder []float64
	Rung   int
	// Busy says that a change is under way.
	Busy bool
	// Changed is when the last change was completed; zero before the first.
	Changed time.Time
}

// Rule is how an autoscaler decides. Look gives the rung that it wants, which is the present one when nothing is to change.
type Rule interface {
	Look(View) int
}

// Means is how an autoscaler changes the size.
type Means string

// The means.
const (
	// Readers adds and removes readers of one class.
	Readers Means = "Readers"
	// Classes gives every instance another class, one after the other and in place, so that each is restarted once.
	Classes Means = "Classes"
	// Seamless changes the vCPUs without an interruption, which no RDS instance can: the platform is another.
	Seamless Means = "Seamless"
)

// Peer is an autoscaler that users would pick instead.
type Peer struct {
	// Name for people, for example Aurora Auto Scaling (H=3).
	Name string
	// ID is its name in options: lower-case letters, digits and hyphens.
	ID string
	// Source says where its rule is published, and with which settings it is run.
	Source string
	// Every is how often it looks.
	Every time.Duration
	// Reach is how far back it looks.
	Reach time.Duration
	Means Means
	// Delay is how long a Seamless change takes until it has effect.
	Delay time.Duration
	// New makes a rule with nothing in memory.
	New func() Rule
}
