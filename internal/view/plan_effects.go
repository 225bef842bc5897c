package view

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// addSteps adds the steps of a change that are not done, with their durations, what they interrupt and what they cost.
func (x *planner) addSteps(change *PlannedChange, o scaling.Observation, steps []scaling.Step) {
	cost := newCostForecast(&x.policy, &o)
	before := o
	if x.operation != nil && change.Verdict == ChangeInProgress { // what it has added already is not part of the price before
		cost.before, _ = scaling.HourlyCost(&x.policy, &o, x.operation.Pool, x.operation.From)
	}
	for n, s := range steps {
		if !s.CompletedAt.IsZero() {
			continue
		}
		shortest, longest := seconds(operation.ShortDuration(steps, n)), seconds(operation.LongDuration(steps, n))
		change.Steps = append(change.Steps, PlannedStep{
			Action: string(s.Action), Text: stepText(s), Instance: s.Instance, InstanceClass: s.InstanceClass,
			InProgress: !s.StartedAt.IsZero(), MinSeconds: shortest, MaxSeconds: longest,
		})
		change.MinSeconds, change.MaxSeconds = change.MinSeconds+shortest, change.MaxSeconds+longest
		if i, interrupts := x.interruption(&before, s); interrupts {
			i.Step = len(change.Steps)
			change.Interruptions = append(change.Interruptions, i)
		}
		before.Instances = operation.InstancesAfter(before.Instances, s)
		cost.add(before.Instances)
	}
	change.Cost = cost.planned()
	change.LastSeconds = x.lastDuration(change, steps)
}

// lastDuration is how long the last successful operation took that changed the same pool in the same way; nil when status has none.
func (x *planner) lastDuration(change *PlannedChange, steps []scaling.Step) *int64 {
	isDisruptive := scaling.Operation{Steps: steps}.IsDisruptive()
	for _, r := range x.observation.History {
		if r.Succeeded && r.Pool == scaling.Pool(change.Pool) && r.Disruptive == isDisruptive && r.Direction != scaling.Cleanup {
			return ptr.To(seconds(r.CompletedAt.Sub(r.StartedAt)))
		}
	}
	return nil
}

// interruption says what clients notice of a step, by the instances before it; false when they notice nothing. The durations are those of
// the Aurora user guide ("Fault tolerance", "Creating a reader"), of the RDS user guide ("Failing over a Multi-AZ DB instance", "Multi-AZ
// DB cluster deployments") and of AWS re:Post.
func (x *planner) interruption(o *scaling.Observation, s scaling.Step) (Interruption, bool) {
	var names []string
	for _, i := range o.RestartedInstances(s.Action, s.Instance) {
		names = append(names, i.Identifier)
	}
	switch s.Action {
	case scaling.ModifyInstanceClass:
		return Interruption{Kind: InterruptionRestart, Instances: names, Text: x.restartText(o, s.Instance)}, true
	case scaling.Failover:
		text := fmt.Sprintf("the writer becomes %s: writes fail until then, typically for less than 60 s, and the connections of %s are cut",
			s.Instance, strings.Join(names, " and "))
		if o.ReadersRestartOnFailover() {
			text = fmt.Sprintf("the writer becomes %s: writes fail until then, typically for less than 60 s, and with this engine version every "+
				"instance restarts", s.Instance)
		}
		return Interruption{Kind: InterruptionFailover, Instances: names, Text: text}, true
	case scaling.ModifyClusterClass:
		return Interruption{Kind: InterruptionFailover, Instances: names, Text: "every member restarts, the standbys first, and then one " +
			"becomes the writer: writes fail until then, typically for less than 35 s"}, true
	case scaling.DeleteReader:
		return Interruption{Kind: InterruptionRemoval, Instances: []string{s.Instance}, Text: fmt.Sprintf(
			"%s is removed: its clients have %s to disconnect, then their connections are cut", s.Instance, formatAge(operation.DrainTimeout))}, true
	case scaling.CreateReader:
		if !o.SuspendsSource(s.Action) {
			return Interruption{}, false
		}
		text := "the snapshot for the new read replica suspends the I/O of the source, from about a second to minutes"
		if x.Live == nil {
			text += ", unless the source is Multi-AZ"
		}
		return Interruption{Kind: InterruptionSuspendedIO, Text: text}, true
	case scaling.ModifyPromotionTier, scaling.ModifyCapacity, scaling.ModifyMinCapacity:
	}
	return Interruption{}, false
}

// restartText says what a resize of one instance in place interrupts.
func (x *planner) restartText(o *scaling.Observation, instance string) string {
	i, _ := o.Instance(instance)
	others := 0
	for n := range o.Instances {
		if other := &o.Instances[n]; !other.Writer && other.Identifier != instance {
			others++
		}
	}
	text := instance + " restarts and is out of service for minutes"
	switch {
	case i.Writer && o.Kind == scaling.DBInstance && o.MultiAZ:
		return instance + " fails over to its standby: it is out of service for typically 60 to 120 s"
	case i.Writer && o.Kind == scaling.DBInstance && x.Live == nil:
		return text + ", or typically 60 to 120 s if it is Multi-AZ: no writes and no reads"
	case i.Writer:
		return text + ": no writes"
	case o.Kind == scaling.DBInstance:
		return text + ": its clients lose it, because read replicas have no common endpoint"
	case others == 0:
		return text + ": the reader endpoint leads to the writer"
	}
	return text + ": the reader endpoint leads to " + counted(others, "other reader")
}

// costForecast follows the price of all instances through the steps of an operation.
type costForecast struct {
	policy                 *scaling.Policy
	observation            *scaling.Observation
	before, highest, after scaling.Money
	unpriced               []string
}

func newCostForecast(p *scaling.Policy, o *scaling.Observation) *costForecast {
	c := &costForecast{policy: p, observation: o}
	c.add(o.Instances)
	c.before = c.after
	return c
}

// add adds the instances after a step.
func (c *costForecast) add(instances []scaling.Instance) {
	c.after = 0
	for n := range instances {
		price, known := scaling.ClassPrice(c.policy, c.observation, instances[n].Class)
		if !known && !slices.Contains(c.unpriced, instances[n].Class) {
			c.unpriced = append(c.unpriced, instances[n].Class)
		}
		c.after += price
	}
	c.highest = max(c.highest, c.after)
}

func (c *costForecast) planned() PlannedCost {
	if len(c.unpriced) > 0 {
		return PlannedCost{UnpricedClasses: c.unpriced}
	}
	return PlannedCost{BeforeUSD: dollars(c.before), HighestUSD: dollars(c.highest), AfterUSD: dollars(c.after)}
}

// direction is that of a change in status, which does not say it.
func (x *planner) direction(pool scaling.Pool, from, to scaling.Shape) scaling.Direction {
	if pool == scaling.MinCapacity {
		if lowest, isCapacity := catalog.ParseACUs(to.InstanceClass); isCapacity && lowest < x.observation.MinCapacity {
			return scaling.Down
		}
		return scaling.Up
	}
	vcpus := func(class string) float64 {
		spec, err := catalog.Lookup(class)
		if err != nil {
			return 0
		}
		return spec.VCPUFor(x.observation.Engine)
	}
	before := float64(from.Count) * vcpus(from.InstanceClass)
	if from.InstanceClass == "" {
		before = 0
		for _, i := range x.observation.PoolInstances(pool) {
			before += vcpus(i.Class)
		}
	}
	if float64(to.Count)*vcpus(to.InstanceClass) < before {
		return scaling.Down
	}
	return scaling.Up
}

// statusShape converts a shape of status.
func statusShape(s *v1alpha1.Shape) scaling.Shape {
	return scaling.Shape{InstanceClass: s.InstanceClass, Count: int(ptr.Deref(s.Replicas, 0))}
}

// answer states the plan in a sentence.
func (x *planner) answer() string {
	if len(x.plan.Changes) == 0 {
		if len(x.plan.Requested) > 0 {
			return "Nothing would change: the database has the requested shape already"
		}
		if x.view.Decision == nil {
			return "Nothing is known to change: " + x.view.Summary
		}
		return fmt.Sprintf("Nothing would change (%s): %s", x.view.Decision.Reason, x.view.Decision.Message)
	}
	if x.view.pause() != nil && x.view.Operation != nil && len(x.plan.Requested) == 0 {
		return x.view.Summary
	}
	var parts []string
	for n := range x.plan.Changes {
		parts = append(parts, describeChange(&x.plan.Changes[n], len(x.plan.Requested) > 0, n > 0))
	}
	return strings.Join(parts, ". ")
}

// describeChange says a change and its verdict in a sentence.
func describeChange(c *PlannedChange, isRequested, isLater bool) string {
	text := fmt.Sprintf("%s %s → %s", capitalize(poolNoun(c.Pool)), c.From, c.To)
	when := "with the next reconcile"
	switch {
	case isLater:
		when = "after that"
	case isRequested:
		when = "as soon as an override requests it"
	}
	switch c.Verdict {
	case ChangeInProgress:
		return fmt.Sprintf("%s goes on: %s left", text, counted(len(c.Steps), "step"))
	case ChangeBlocked:
		blocking, _, _ := strings.Cut(c.Message, ":")
		return fmt.Sprintf("%s does not start now: %s blocks it", text, blocking)
	case ChangeImpossible:
		return text + " is not possible"
	case ChangeUnknown:
		return fmt.Sprintf("%s starts %s, unless a guard objects of which the status does not know enough", text, when)
	}
	return fmt.Sprintf("%s starts %s", text, when)
}
