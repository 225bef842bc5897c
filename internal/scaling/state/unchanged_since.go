package state

import (
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxSampleGap is the longest time between two CPU samples of an instance that counts as uninterrupted. CloudWatch loses a minute now and
// then; a change of the class of a DB instance without a standby takes longer, so that a gap is a trace of it when its events are missing.
const maxSampleGap = 3 * time.Minute

// minQuietTime is how long a pool must have been the same. A younger change may not be over: its later events may be on their way, and a
// change of an instance takes up to 20 minutes, so that an event that was lost may have said that another one follows.
const minQuietTime = 30 * time.Minute

// UnchangedSince is since when a pool that is observed for the first time has been the same, by RDS events of the last
// scaling.EventLookBack: since the end of the last change of one of its instances or of the cluster, and no longer than that. Zero means
// that it is not known, or less than minQuietTime: then the pool counts as changed when it was first observed.
//
// Whatever is not certain counts as a change: an event that is not known to be routine, an event that only says that something began, an
// instance without a creation time or whose creation left no event. A gap in the CPU samples and a restart by EngineUptime count as
// changes, too, because AWS may have lost the events. A Multi-AZ DB cluster and Aurora Serverless v2 are never known: the user guide
// lists no event for a change of their class or capacity.
func UnchangedSince(o scaling.Observation, target scaling.Target, pool scaling.Pool, events []scaling.DatabaseEvent) time.Time {
	if o.ResizedAsUnit || o.BlueGreen != nil || o.BlueGreenUnknown != "" {
		return time.Time{}
	}
	from := o.ObservedAt.Add(-scaling.EventLookBack)
	since := from
	newest := newestChanges(o, target, pool, events)
	for _, e := range newest {
		if !isEnd(e.Message) {
			return time.Time{}
		}
		since = later(since, e.Time)
	}
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		hasEvent := !newest[eventSource{scaling.EventOfInstance, i.Identifier}].Time.Before(i.CreatedAt)
		if i.CreatedAt.IsZero() || i.CreatedAt.After(from) && !hasEvent {
			return time.Time{}
		}
		since = later(later(since, i.RestartedAt), sampledSince(i.CPU, since))
	}
	if o.ObservedAt.Sub(since) < minQuietTime {
		return time.Time{}
	}
	return since.Truncate(time.Second)
}

// eventSource is the resource that an event is about.
type eventSource struct{ kind, identifier string }

// newestChanges returns the newest event of each source that may have changed a pool. Of two at the same time, one that is no end counts.
func newestChanges(
	o scaling.Observation, target scaling.Target, pool scaling.Pool, events []scaling.DatabaseEvent,
) map[eventSource]scaling.DatabaseEvent {
	newest := map[eventSource]scaling.DatabaseEvent{}
	for _, e := range events {
		if isRoutine(e) || !concernsPool(o, target, pool, e) {
			continue
		}
		source := eventSource{e.SourceType, e.SourceIdentifier}
		if known, exists := newest[source]; !exists || e.Time.After(known.Time) || e.Time.Equal(known.Time) && !isEnd(e.Message) {
			newest[source] = e
		}
	}
	return newest
}

// otherSources are the source types whose events change no pool (RDS user guide, "Amazon RDS event categories and event messages").
var otherSources = []string{
	"db-parameter-group", "db-security-group", "db-snapshot", "db-cluster-snapshot", "db-proxy", "custom-engine-version", "zero-etl",
}

// concernsPool reports whether an event may be about a pool. The events of an instance are about the pool that it is in now: a change
// of its role is an event of the cluster. An instance that no longer exists may have been a reader, since its event does not name its
// cluster. A blue/green deployment or a resource of an unknown type may be of this database.
func concernsPool(o scaling.Observation, target scaling.Target, pool scaling.Pool, e scaling.DatabaseEvent) bool {
	switch e.SourceType {
	case scaling.EventOfCluster:
		return target.Kind == scaling.DBCluster && e.SourceIdentifier == target.Identifier
	case scaling.EventOfInstance:
		if i, exists := o.Instance(e.SourceIdentifier); exists {
			return i.Writer == (pool == scaling.Writer)
		}
		message := strings.ToLower(e.Message)
		isGone := slices.Contains(e.Categories, "deletion") || strings.Contains(message, "delet") || strings.Contains(message, "promot")
		return isGone && pool == scaling.Readers || strings.Contains(message, "renam")
	}
	return !slices.Contains(otherSources, e.SourceType)
}

// routineCategories are the categories whose events change no instance.
var routineCategories = []string{"backup", "low storage", "security patching"}

// routineMessages are in the messages of further events that change no instance, in lower case: announcements, warnings about the storage,
// and settings outside the engine (RDS user guide, as above).
var routineMessages = []string{
	"minor version upgrade available", "update is available", "reset master credentials", "monitoring interval changed",
	"free storage capacity", "burst balance credits", "approaching the maximum storage threshold",
	"actual backtrack window",
}

// isRoutine reports whether an event is known to change no instance.
func isRoutine(e scaling.DatabaseEvent) bool {
	if len(e.Categories) > 0 && !slices.ContainsFunc(e.Categories, func(c string) bool { return !slices.Contains(routineCategories, c) }) {
		return true
	}
	message := strings.ToLower(e.Message)
	return slices.ContainsFunc(routineMessages, func(part string) bool { return strings.Contains(message, part) })
}

// endMessages are in the messages of events that say that something is over, in lower case.
var endMessages = []string{
	"finished", "complete", "restarted", "created", "deleted", "resumed", "recovered", "restored", "renamed", "patched", "updated",
	"has been upgraded", "db instance started",
}

// isEnd reports whether a message says that what it tells of is over and nothing is to follow.
func isEnd(message string) bool {
	message = strings.ToLower(message)
	contains := func(part string) bool { return strings.Contains(message, part) }
	return !contains("failed") && !contains("pending") && slices.ContainsFunc(endMessages, contains)
}

// sampledSince is the start of the first sample after the last gap in a series since a time; a time after every sample when there is none.
func sampledSince(cpu scaling.Series, from time.Time) time.Time {
	if newest, known := cpu.NewestSample(); !known || newest.Time.Before(from) {
		return from.Add(scaling.EventLookBack)
	}
	since, previous := from, from
	for at := range cpu.From(from).All() {
		if at.Sub(previous) > maxSampleGap {
			since = at
		}
		previous = at
	}
	return since
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
