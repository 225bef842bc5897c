package awsx

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// Retention is how long samples are kept in memory: the longest window that a policy can have, 24 hours, and an hour.
	Retention = 25 * time.Hour
	// period of the RDS metrics that are read (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
	period = time.Minute
	// overlap is how much of what is known already is read again: a minute's sample may come late, and the newest ones may
	// still change. It also covers the minutes that have not settled at either end of a window.
	overlap = 10 * time.Minute
)

// metric is one of CloudWatch's metrics in the namespace AWS/RDS. Each is read as the minute's Average.
type metric struct {
	name string
	// recent says that only the newest sample matters.
	recent bool
	// unit is what a replica lag is measured in.
	unit time.Duration
}

var (
	// cpuUtilization is in percent of the instance's vCPUs.
	cpuUtilization = metric{name: "CPUUtilization"}
	// auroraReplicaLag is how far an Aurora reader is behind, in milliseconds.
	auroraReplicaLag = metric{name: "AuroraReplicaLag", recent: true, unit: time.Millisecond}
	// replicaLag is how far a replica outside Aurora is behind, in seconds; below zero, replication is broken.
	replicaLag = metric{name: "ReplicaLag", recent: true, unit: time.Second}
)

// seriesKey is one metric of one instance. It goes by DbiResourceId: a new instance of an old name has a new one.
type seriesKey struct {
	resource string
	metric   metric
}

// wanted is a series that a target needs.
type wanted struct {
	seriesKey
	// instance is the identifier that CloudWatch knows the instance by.
	instance string
	// created is when the instance was. Samples from before belong to an older instance of the same name.
	created time.Time
}

// retention is how long samples of a metric are kept, and so how far back they are read at most.
func (m metric) retention() time.Duration {
	if m.recent {
		return overlap
	}
	return Retention
}

// series lists what is to be read for a target. An instance that is still being created has none.
func (t *topology) series(target scaling.Target) []wanted {
	var members []types.DBInstance
	var cluster types.DBCluster
	if target.Kind == scaling.DBCluster {
		cluster, members = t.clusters[target.Identifier], t.members[target.Identifier]
	} else if i, found := t.instances[target.Identifier]; found {
		members = []types.DBInstance{i}
	}
	var out []wanted
	for _, i := range members {
		if i.InstanceCreateTime == nil {
			continue
		}
		for _, m := range metricsOf(cluster, i) {
			out = append(out, wanted{
				seriesKey: seriesKey{resource: aws.ToString(i.DbiResourceId), metric: m},
				instance:  aws.ToString(i.DBInstanceIdentifier), created: *i.InstanceCreateTime,
			})
		}
	}
	return out
}

// metricsOf lists the metrics of an instance; the cluster is empty when it is the target itself.
func metricsOf(cluster types.DBCluster, i types.DBInstance) []metric {
	role, member := roleOf(cluster, aws.ToString(i.DBInstanceIdentifier))
	reader := member && !aws.ToBool(role.IsClusterWriter)
	switch {
	case reader && isAurora(aws.ToString(i.Engine)):
		return []metric{cpuUtilization, auroraReplicaLag}
	case reader, replicaSource(i) != "":
		return []metric{cpuUtilization, replicaLag}
	default:
		return []metric{cpuUtilization}
	}
}

// query asks for what is not known of a series, and for the overlap.
func (w wanted) query(known series, window time.Duration, end time.Time) query {
	begin := end.Add(-min(window+overlap, w.metric.retention()))
	if w.created.After(begin) {
		begin = w.created.Truncate(period)
	}
	// An instance that is younger than a minute has no sample yet, and CloudWatch wants a start before the end.
	if latest := end.Add(-period); begin.After(latest) {
		begin = latest
	}
	start := known.next(begin)
	return query{wanted: w, start: start, whole: start.Equal(begin)}
}

// compare orders series by instance, then by metric.
func compare(a, b wanted) int {
	return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(a.metric.name, b.metric.name))
}

// series is what is known of one metric of one instance. The samples are replaced, never changed, so that they can be
// handed out.
type series struct {
	// read is when it was last asked for, whatever came of it.
	read time.Time
	// err is why that failed, or nil.
	err error
	// from and until bound the time that was read without a gap.
	from, until time.Time
	// samples, oldest first.
	samples []scaling.Sample
}

// next is where reading begins, given how far back samples are wanted: at the newest known sample less the overlap, or at
// the beginning when it was not read that far back yet, or not for long.
func (s series) next(begin time.Time) time.Time {
	if s.from.IsZero() || begin.Before(s.from) {
		return begin
	}
	start := s.until
	if n := len(s.samples); n > 0 {
		start = s.samples[n-1].At
	}
	if start = start.Add(-overlap); start.After(begin) {
		return start
	}
	return begin
}

// merge adds samples, which replace known ones of the same minute, and drops those before the oldest to keep.
func merge(known, fresh []scaling.Sample, oldest time.Time) []scaling.Sample {
	byMinute := func(a, b scaling.Sample) int { return a.At.Compare(b.At) }
	all := slices.Concat(fresh, known)
	slices.SortStableFunc(all, byMinute) // of two for a minute, the fresh one comes first
	all = slices.CompactFunc(all, func(a, b scaling.Sample) bool { return a.At.Equal(b.At) })
	return slices.DeleteFunc(all, func(s scaling.Sample) bool { return s.At.Before(oldest) })
}

// lag reads the newest replica lag out of a series, or nil when it is unknown: none, older than scaling.Stale, or broken.
func lag(m metric, samples []scaling.Sample, now time.Time) *scaling.Lag {
	if len(samples) == 0 {
		return nil
	}
	newest := samples[len(samples)-1]
	if newest.Value < 0 || now.Sub(newest.At) > scaling.Stale {
		return nil
	}
	return &scaling.Lag{At: newest.At, Value: time.Duration(newest.Value * float64(m.unit))}
}
