package operation

import (
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// shortDurations is how long each step takes when AWS is quick, the clients of a reader disconnect at once, and nothing has to be waited
// for: a class change 5 to 20 minutes, a new reader 5 to 10, a failover less than 2 (see stepDeadlines and failoverRetryInterval), each
// with the second observation that confirms it. No guide of AWS promises a shortest time, so that these are no bounds.
var shortDurations = map[scaling.Action]time.Duration{
	scaling.ModifyInstanceClass: 5 * time.Minute,
	scaling.ModifyPromotionTier: time.Minute,
	scaling.CreateReader:        5 * time.Minute,
	scaling.DeleteReader:        2 * time.Minute,
	scaling.Failover:            time.Minute,
	scaling.ModifyClusterClass:  15 * time.Minute, // three instances, one after the other
	scaling.ModifyCapacity:      time.Minute,
	scaling.ModifyMinCapacity:   time.Minute,
}

// DrainTimeout is how long the clients of a reader have to disconnect before it is deleted.
const DrainTimeout = drainTimeout

// ShortDuration is how long a step of an operation takes when everything goes quickly. A new reader that is requested together with the
// one before takes no time of its own, and an instance that an earlier step created or resized is warmed up before it is promoted.
func ShortDuration(steps []scaling.Step, n int) time.Duration {
	s := steps[n]
	if isCreatedWithPrevious(steps, n) {
		return 0
	}
	total := shortDurations[s.Action]
	wasChanged := slices.ContainsFunc(steps[:n], func(earlier scaling.Step) bool {
		return earlier.Instance == s.Instance && (earlier.Action == scaling.CreateReader || earlier.Action == scaling.ModifyInstanceClass)
	})
	if s.Action == scaling.Failover && wasChanged {
		total += promotionWarmUp
	}
	return total
}

// LongDuration is how long a step of an operation usually takes at most, as ExpectedEnd counts it.
func LongDuration(steps []scaling.Step, n int) time.Duration {
	if isCreatedWithPrevious(steps, n) {
		return 0
	}
	return usualDurations[steps[n].Action]
}

// isCreatedWithPrevious reports whether a step creates a reader, and the one before as well: both are requested at the same time.
func isCreatedWithPrevious(steps []scaling.Step, n int) bool {
	return n > 0 && steps[n].Action == scaling.CreateReader && steps[n-1].Action == scaling.CreateReader
}

// InstancesAfter returns the instances as they are once a step is done. A new reader is in service and has the settings of the writer, as
// the operator creates it.
func InstancesAfter(instances []scaling.Instance, s scaling.Step) []scaling.Instance {
	out := slices.Clone(instances)
	setClass := func(i *scaling.Instance) { i.Class, i.PendingClass = s.InstanceClass, "" }
	n := slices.IndexFunc(out, func(i scaling.Instance) bool { return i.Identifier == s.Instance })
	switch s.Action {
	case scaling.CreateReader:
		if n < 0 {
			return append(out, newReader(out, s))
		}
	case scaling.DeleteReader:
		if n >= 0 {
			return slices.Delete(out, n, n+1)
		}
	case scaling.ModifyInstanceClass:
		if n >= 0 {
			setClass(&out[n])
		}
	case scaling.ModifyPromotionTier:
		if n >= 0 {
			out[n].PromotionTier = s.PromotionTier
		}
	case scaling.Failover:
		for k := range out {
			out[k].Writer = k == n || n < 0 && out[k].Writer
		}
	case scaling.ModifyClusterClass, scaling.ModifyCapacity:
		for k := range out {
			setClass(&out[k])
		}
	case scaling.ModifyMinCapacity:
	}
	return out
}

// newReader is the reader that a step creates.
func newReader(instances []scaling.Instance, s scaling.Step) scaling.Instance {
	tags := map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	reader := scaling.Instance{
		Identifier: s.Instance, Class: s.InstanceClass, Status: scaling.StatusAvailable, PromotionTier: s.PromotionTier, Tags: tags,
	}
	for n := range instances {
		if w := &instances[n]; w.Writer {
			reader.ParameterGroups, reader.Parameters = slices.Clone(w.ParameterGroups), w.Parameters
			reader.Tags = maps.Clone(w.Tags)
			if reader.Tags == nil {
				reader.Tags = map[string]string{}
			}
			maps.Copy(reader.Tags, tags)
		}
	}
	return reader
}
