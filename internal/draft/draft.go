// Package draft derives the first DBScalingPolicy of an existing database from what AWS says about it and from its load in the past. Each
// value has a comment that says why it is what it is. The package only derives: it makes no requests and has no clock.
//
// A draft is cautious. It has the mode Recommend, it allows a smaller class only after a week of known load, and missing data is missing:
// it never counts as an idle database.
package draft

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// Input is what is known about a database.
type Input struct {
	// Name and Namespace are those of the policy.
	Name, Namespace string
	// Target is the database. The account of its scope is the name of an AWSAccount, or empty.
	Target      scaling.Target
	Observation scaling.Observation
	// MaintenanceWindow is the weekly window of the database in the form of the RDS API, for example sun:02:00-sun:02:30, in UTC; empty
	// when it is not known.
	MaintenanceWindow string
	// Writer is the load of the writer, and Readers that of all readers together. For a database that is resized as a unit, Writer is
	// that of its busiest instance at each time.
	Writer, Readers Load
	Thresholds      Thresholds
	Now             time.Time
}

// Thresholds are the conditions of a change, and why they were chosen.
type Thresholds struct {
	CPU scaling.CPU
	// ScaleUpWindow, ScaleDownWindow and ClassWindow are set only when IsFitted.
	ScaleUpWindow, ScaleDownWindow, ClassWindow time.Duration
	// IsFitted says that they were fitted to the load of the database; otherwise they are the defaults of the API.
	IsFitted bool
	// Reasons say why, in sentences.
	Reasons []string
}

// DefaultCPU are the thresholds of a policy that sets none (api/v1alpha1, CPUThresholds).
var DefaultCPU = scaling.CPU{Target: 65, ScaleUp: 75, ScaleDown: 50}

// UnsupportedError says why the operator scales no such database, in the words of the operator.
type UnsupportedError struct{ Reason string }

// Error implements error.
func (e *UnsupportedError) Error() string { return e.Reason }

// Check returns an UnsupportedError if the operator refuses the database whatever a policy says (decide.CheckTarget), or if an instance has
// a class that no policy can name.
func Check(target scaling.Target, o scaling.Observation) error {
	if !o.Found {
		return &UnsupportedError{fmt.Sprintf("there is no %s %s in %s", target.Kind, target.Identifier, target.Scope.Region)}
	}
	if hold := decide.CheckTarget(scaling.Policy{Target: target, Serverless: o.Serverless}, o); hold.Reason != "" {
		return &UnsupportedError{fmt.Sprintf("%s %s cannot be scaled: %s", target.Kind, target.Identifier, hold.Message)}
	}
	if len(o.PoolInstances(scaling.Writer)) == 0 {
		return &UnsupportedError{fmt.Sprintf("%s %s has no writer: a policy can scale it only while AWS shows one", target.Kind,
			target.Identifier)}
	}
	for _, i := range o.Instances {
		if _, err := catalog.Lookup(i.Class); err != nil {
			return &UnsupportedError{fmt.Sprintf("instance %s: %v: this version of dbscaler has no figures of it, and guesses none",
				i.Identifier, err)}
		}
	}
	return nil
}

// hasReaders reports whether the policy scales readers: those that exist. A policy with readers for a database without any would add one.
func (in Input) hasReaders() bool {
	return !in.Observation.ResizedAsUnit && len(in.Observation.PoolInstances(scaling.Readers)) > 0
}

// days is the length of the examined time for messages.
func days(l Load) string {
	n := int((l.To.Sub(l.From) + 12*time.Hour) / (24 * time.Hour))
	if n == 1 {
		return "day"
	}
	return fmt.Sprintf("%d days", n)
}

// formatTime is a time for comments, in UTC.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
