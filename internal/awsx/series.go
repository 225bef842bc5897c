package awsx

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// Retention is how long samples are kept in memory: the longest window that a policy can have, 24 hours, and an hour.
	Retention = 25 * time.Hour
	// period of the RDS metrics that are read (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
	period = time.Minute
	// overlap is how much of what is known already is read again at least: a sample may come late, and the newest ones may
	// still change. It also covers the minutes that have not settled at either end of a window.
	overlap = 10 * time.Minute
	// loadKept is how long DBLoadCPU is kept: the longest scale-up window, and the overlap.
	loadKept = 70 * time.Minute
	// historyKept is how far back the roles' CPU is read: as long as CloudWatch keeps the points of a minute (CloudWatch user
	// guide, "Metrics retention").
	historyKept = 15 * 24 * time.Hour
	// slowly is how often memory, connections and the roles' history are read: they change slowly, and CloudWatch charges
	// for each metric asked for.
	slowly = 10 * time.Minute
	// uptimeEvery is how often EngineUptime is read. A restart mostly shows in an instance's status as well.
	uptimeEvery = 5 * time.Minute
)

// metric is one of CloudWatch's metrics in the namespace AWS/RDS, and how it is read.
type metric struct {
	name string
	stat types.Statistic
	// period is how long each sample stands for.
	period time.Duration
	// every is how often it is read; zero means at each reading.
	every time.Duration
	// kept is how long samples are kept, and so how far back they are read at most. Zero means as long as policies want.
	kept time.Duration
	// unit is what a replica lag is measured in.
	unit time.Duration
	// role is the role of a cluster whose mean it is, or empty for an instance's own.
	role string
}

var (
	// cpuUtilization is in percent of the instance's vCPUs.
	cpuUtilization = metric{name: "CPUUtilization", stat: types.StatisticAverage, period: period}
	// dbLoadCPU is the number of sessions that have or want a CPU. There is none without Performance Insights or Database
	// Insights, nor for an idle minute.
	dbLoadCPU = metric{name: "DBLoadCPU", stat: types.StatisticAverage, period: period, kept: loadKept}
	// auroraReplicaLag is how far an Aurora reader is behind, in milliseconds.
	auroraReplicaLag = metric{name: "AuroraReplicaLag", stat: types.StatisticAverage, period: period, kept: overlap, unit: time.Millisecond}
	// replicaLag is how far a replica outside Aurora is behind, in seconds; below zero, replication is broken.
	replicaLag = metric{name: "ReplicaLag", stat: types.StatisticAverage, period: period, kept: overlap, unit: time.Second}
	// engineUptime is how long an Aurora instance's engine has run, in seconds.
	engineUptime = metric{name: "EngineUptime", stat: types.StatisticMinimum, period: period, every: uptimeEvery, kept: overlap}
	// freeableMemory is in bytes.
	freeableMemory = metric{name: "FreeableMemory", stat: types.StatisticMinimum, period: 5 * time.Minute, every: slowly}
	// databaseConnections is the number of client connections.
	databaseConnections = metric{name: "DatabaseConnections", stat: types.StatisticMaximum, period: 5 * time.Minute, every: slowly}
	// writerCPU and readersCPU are the means over the instances that had the role, in percent.
	writerCPU, readersCPU = history("WRITER"), history("READER")
	// instanceCPU is the same of an instance that is no member of a cluster.
	instanceCPU = history("")
)

func history(role string) metric {
	return metric{
		name: cpuUtilization.name, stat: types.StatisticAverage, period: 15 * time.Minute, every: slowly, kept: historyKept, role: role,
	}
}

// seriesKey is one metric of one instance or of a cluster's role. It goes by DbiResourceId and DbClusterResourceId: a new
// database of an old name has a new one.
type seriesKey struct {
	resource string
	metric   metric
}

// wanted is a series that a target needs.
type wanted struct {
	seriesKey
	// instance is the identifier that CloudWatch knows the instance by, or that of the cluster for the mean of a role.
	instance string
	// created is when it was. Samples from before belong to an older database of the same name.
	created time.Time
}

// retention is how long samples of a metric are kept, and so how far back they are read at most.
func (m metric) retention() time.Duration {
	if m.kept > 0 {
		return m.kept
	}
	return Retention
}

// needed says whether nothing is to be decided while a metric cannot be read: what a pool carries, and whether its readers
// keep up. The rest is missing then, which whoever reads it has to bear anyway.
func (m metric) needed() bool { return m == cpuUtilization || m.unit != 0 }

// reach is how far back a metric is read when policies want samples of so long.
func (m metric) reach(window time.Duration) time.Duration {
	if m.kept > 0 {
		return m.kept
	}
	return min(window+overlap, Retention)
}

// overlap is how much of a metric is read again.
func (m metric) overlap() time.Duration { return max(overlap, m.period) }

// series lists what is to be read for a target. An instance that is still being created has none.
func (t *topology) series(target scaling.Target) []wanted {
	var members []rdstypes.DBInstance
	var cluster rdstypes.DBCluster
	var out []wanted
	if target.Kind == scaling.DBCluster {
		cluster, members = t.clusters[target.Identifier], t.members[target.Identifier]
		if len(members) > 0 {
			for _, m := range []metric{readersCPU, writerCPU} {
				out = append(out, wanted{
					seriesKey: seriesKey{resource: aws.ToString(cluster.DbClusterResourceId), metric: m},
					instance:  target.Identifier, created: aws.ToTime(cluster.ClusterCreateTime),
				})
			}
		}
	} else if i, found := t.instances[target.Identifier]; found {
		members = append([]rdstypes.DBInstance{i}, t.replicas[target.Identifier]...)
	}
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

// metricsOf lists the metrics of an instance; the cluster is empty when it is the target itself or a read replica of it. What read
// replicas carried days ago CloudWatch has no mean of.
func metricsOf(cluster rdstypes.DBCluster, i rdstypes.DBInstance) []metric {
	role, member := roleOf(cluster, aws.ToString(i.DBInstanceIdentifier))
	reader := member && !aws.ToBool(role.IsClusterWriter)
	out := []metric{cpuUtilization, freeableMemory, databaseConnections}
	if aws.ToBool(i.PerformanceInsightsEnabled) || i.DatabaseInsightsMode != "" {
		out = append(out, dbLoadCPU)
	}
	if isAurora(aws.ToString(i.Engine)) {
		out = append(out, engineUptime)
	}
	switch {
	case reader && isAurora(aws.ToString(i.Engine)):
		out = append(out, auroraReplicaLag)
	case reader, replicaSource(i) != "":
		out = append(out, replicaLag)
	}
	if !member && replicaSource(i) == "" {
		out = append(out, instanceCPU)
	}
	return out
}

// query asks for what is not known of a series, and for the overlap.
func (w wanted) query(known series, window time.Duration, now time.Time) query {
	end := now.Truncate(w.metric.period)
	begin := end.Add(-w.metric.reach(window)).Truncate(w.metric.period)
	if w.created.After(begin) {
		begin = w.created.Truncate(w.metric.period)
	}
	// An instance that is younger than a period has no sample yet, and CloudWatch wants a start before the end.
	if latest := end.Add(-w.metric.period); begin.After(latest) {
		begin = latest
	}
	start := known.next(begin, w.metric)
	return query{wanted: w, start: start, end: end, whole: start.Equal(begin)}
}

// compare orders series by instance, then by metric.
func compare(a, b wanted) int {
	return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(a.metric.name, b.metric.name),
		cmp.Compare(a.metric.period, b.metric.period), cmp.Compare(a.metric.role, b.metric.role))
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
func (s series) next(begin time.Time, m metric) time.Time {
	if s.from.IsZero() || begin.Before(s.from) {
		return begin
	}
	start := s.until
	if n := len(s.samples); n > 0 {
		start = s.samples[n-1].At
	}
	if start = start.Add(-m.overlap()); start.After(begin) {
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

// restarted reads out of a series of EngineUptime when the engine was started, to the minute; zero when that is unknown.
func restarted(samples scaling.Series, now time.Time) time.Time {
	newest, known := samples.Newest()
	if !known || now.Sub(newest.At) > uptimeEvery+scaling.Stale {
		return time.Time{}
	}
	return newest.At.Add(period).Add(-time.Duration(newest.Value) * time.Second).Truncate(period)
}
