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
	// SampleRetention is how long samples are kept in memory: the longest window that a policy can have, 24 hours, and an hour.
	SampleRetention = 25 * time.Hour
	// samplePeriod of the RDS metrics that are read (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
	samplePeriod = time.Minute
	// minOverlap is how much of what is known already is read again at least: a sample may come late, and the newest ones may
	// still change. It also covers the minutes that have not settled at either end of a window.
	minOverlap = 10 * time.Minute
	// loadRetention is how long DBLoadCPU is kept: the longest scale-up window, and the overlap.
	loadRetention = 70 * time.Minute
	// historyRetention is how far back the roles' CPU is read: as long as CloudWatch keeps the points of a minute (CloudWatch user
	// guide, "Metrics retention").
	historyRetention = 15 * 24 * time.Hour
	// slowInterval is how often memory, connections and the roles' history are read: they change slowly, and CloudWatch charges
	// for each metric asked for.
	slowInterval = 10 * time.Minute
	// uptimeInterval is how often EngineUptime is read. A restart mostly shows in an instance's status as well.
	uptimeInterval = 5 * time.Minute
)

// metric is one of CloudWatch's metrics in the namespace AWS/RDS, and how it is read.
type metric struct {
	name      string
	statistic types.Statistic
	// period is how long each sample stands for.
	period time.Duration
	// readInterval is how often it is read; zero means at each reading.
	readInterval time.Duration
	// fixedRetention is how long samples are kept, and so how far back they are read at most. Zero means as long as policies want.
	fixedRetention time.Duration
	// lagUnit is what a replica lag is measured in.
	lagUnit time.Duration
	// role is the role of a cluster whose mean it is, or empty for an instance's own.
	role string
}

var (
	// cpuUtilization is in percent of the instance's vCPUs.
	cpuUtilization = metric{name: "CPUUtilization", statistic: types.StatisticAverage, period: samplePeriod}
	// dbLoadCPU is the number of sessions that have or want a CPU. There is none without Performance Insights or Database
	// Insights, nor for an idle minute.
	dbLoadCPU = metric{name: "DBLoadCPU", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: loadRetention}
	// auroraReplicaLag is how far an Aurora reader is behind, in milliseconds.
	auroraReplicaLag = metric{name: "AuroraReplicaLag", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: minOverlap, lagUnit: time.Millisecond}
	// replicaLag is how far a replica outside Aurora is behind, in seconds; below zero, replication is broken.
	replicaLag = metric{name: "ReplicaLag", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: minOverlap, lagUnit: time.Second}
	// engineUptime is how long an Aurora instance's engine has run, in seconds.
	engineUptime = metric{name: "EngineUptime", statistic: types.StatisticMinimum, period: samplePeriod, readInterval: uptimeInterval, fixedRetention: minOverlap}
	// freeableMemory is in bytes.
	freeableMemory = metric{name: "FreeableMemory", statistic: types.StatisticMinimum, period: 5 * time.Minute, readInterval: slowInterval}
	// databaseConnections is the number of client connections.
	databaseConnections = metric{name: "DatabaseConnections", statistic: types.StatisticMaximum, period: 5 * time.Minute, readInterval: slowInterval}
	// writerCPU and readersCPU are the means over the instances that had the role, in percent.
	writerCPU, readersCPU = roleCPUHistory("WRITER"), roleCPUHistory("READER")
	// instanceCPU is the same of an instance that is no member of a cluster.
	instanceCPU = roleCPUHistory("")
)

func roleCPUHistory(role string) metric {
	return metric{
		name: cpuUtilization.name, statistic: types.StatisticAverage, period: 15 * time.Minute, readInterval: slowInterval, fixedRetention: historyRetention, role: role,
	}
}

// seriesKey is one metric of one instance or of a cluster's role. It goes by DbiResourceId and DbClusterResourceId: a new
// database of an old name has a new one.
type seriesKey struct {
	resourceID string
	metric     metric
}

// requiredSeries is a series that a target needs.
type requiredSeries struct {
	seriesKey
	// identifier is the identifier that CloudWatch knows the instance by, or that of the cluster for the mean of a role.
	identifier string
	// createdAt is when it was. Samples from before belong to an older database of the same name.
	createdAt time.Time
}

// sampleRetention is how long samples of a metric are kept, and so how far back they are read at most.
func (m metric) sampleRetention() time.Duration {
	if m.fixedRetention > 0 {
		return m.fixedRetention
	}
	return SampleRetention
}

// isRequired says whether nothing is to be decided while a metric cannot be read: what a pool carries, and whether its readers
// keep up. The rest is missing then, which whoever reads it has to bear anyway.
func (m metric) isRequired() bool { return m == cpuUtilization || m.lagUnit != 0 }

// lookback is how far back a metric is read when policies want samples of so long.
func (m metric) lookback(window time.Duration) time.Duration {
	if m.fixedRetention > 0 {
		return m.fixedRetention
	}
	return min(window+minOverlap, SampleRetention)
}

// rereadOverlap is how much of a metric is read again.
func (m metric) rereadOverlap() time.Duration { return max(minOverlap, m.period) }

// requiredSeries lists what is to be read for a target. An instance that is still being created has none.
func (t *topology) requiredSeries(target scaling.Target) []requiredSeries {
	var members []rdstypes.DBInstance
	var cluster rdstypes.DBCluster
	var out []requiredSeries
	if target.Kind == scaling.DBCluster {
		cluster, members = t.clusters[target.Identifier], t.members[target.Identifier]
		if len(members) > 0 {
			for _, m := range []metric{readersCPU, writerCPU} {
				out = append(out, requiredSeries{
					seriesKey:  seriesKey{resourceID: aws.ToString(cluster.DbClusterResourceId), metric: m},
					identifier: target.Identifier, createdAt: aws.ToTime(cluster.ClusterCreateTime),
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
		for _, m := range requiredMetrics(cluster, i) {
			out = append(out, requiredSeries{
				seriesKey:  seriesKey{resourceID: aws.ToString(i.DbiResourceId), metric: m},
				identifier: aws.ToString(i.DBInstanceIdentifier), createdAt: *i.InstanceCreateTime,
			})
		}
	}
	return out
}

// requiredMetrics lists the metrics of an instance; the cluster is empty when it is the target itself or a read replica of it. What read
// replicas carried days ago CloudWatch has no mean of.
func requiredMetrics(cluster rdstypes.DBCluster, i rdstypes.DBInstance) []metric {
	role, member := memberOf(cluster, aws.ToString(i.DBInstanceIdentifier))
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
	case reader, replicationSource(i) != "":
		out = append(out, replicaLag)
	}
	if !member && replicationSource(i) == "" {
		out = append(out, instanceCPU)
	}
	return out
}

// newQuery asks for what is not known of a series, and for the overlap.
func (w requiredSeries) newQuery(known cachedSeries, window time.Duration, now time.Time) metricQuery {
	end := now.Truncate(w.metric.period)
	begin := end.Add(-w.metric.lookback(window)).Truncate(w.metric.period)
	if w.createdAt.After(begin) {
		begin = w.createdAt.Truncate(w.metric.period)
	}
	// An instance that is younger than a period has no sample yet, and CloudWatch wants a start before the end.
	if latest := end.Add(-w.metric.period); begin.After(latest) {
		begin = latest
	}
	start := known.nextStart(begin, w.metric)
	return metricQuery{requiredSeries: w, start: start, end: end, isFullRange: start.Equal(begin)}
}

// compareSeries orders series by instance, then by metric.
func compareSeries(a, b requiredSeries) int {
	return cmp.Or(cmp.Compare(a.identifier, b.identifier), cmp.Compare(a.metric.name, b.metric.name),
		cmp.Compare(a.metric.period, b.metric.period), cmp.Compare(a.metric.role, b.metric.role))
}

// cachedSeries is what is known of one metric of one instance. The samples are replaced, never changed, so that they can be
// handed out.
type cachedSeries struct {
	// readAt is when it was last asked for, whatever came of it.
	readAt time.Time
	// err is why that failed, or nil.
	err error
	// coveredFrom and until bound the time that was read without a gap.
	coveredFrom, coveredUntil time.Time
	// samples, oldest first.
	samples []scaling.Sample
}

// nextStart is where reading begins, given how far back samples are wanted: at the newest known sample less the overlap, or at
// the beginning when it was not read that far back yet, or not for long.
func (s cachedSeries) nextStart(begin time.Time, m metric) time.Time {
	if s.coveredFrom.IsZero() || begin.Before(s.coveredFrom) {
		return begin
	}
	start := s.coveredUntil
	if n := len(s.samples); n > 0 {
		start = s.samples[n-1].Time
	}
	if start = start.Add(-m.rereadOverlap()); start.After(begin) {
		return start
	}
	return begin
}

// mergeSamples adds samples, which replace known ones of the same minute, and drops those before the oldest to keep.
func mergeSamples(known, fresh []scaling.Sample, oldest time.Time) []scaling.Sample {
	byMinute := func(a, b scaling.Sample) int { return a.Time.Compare(b.Time) }
	all := slices.Concat(fresh, known)
	slices.SortStableFunc(all, byMinute) // of two for a minute, the fresh one comes first
	all = slices.CompactFunc(all, func(a, b scaling.Sample) bool { return a.Time.Equal(b.Time) })
	return slices.DeleteFunc(all, func(s scaling.Sample) bool { return s.Time.Before(oldest) })
}

// newestLag reads the newest replica lag out of a series, or nil when it is unknown: none, older than scaling.MaxSampleAge, or broken.
func newestLag(m metric, samples []scaling.Sample, now time.Time) *scaling.Lag {
	if len(samples) == 0 {
		return nil
	}
	newest := samples[len(samples)-1]
	if newest.Value < 0 || now.Sub(newest.Time) > scaling.MaxSampleAge {
		return nil
	}
	return &scaling.Lag{MeasuredAt: newest.Time, Value: time.Duration(newest.Value * float64(m.lagUnit))}
}

// restartTime reads out of a series of EngineUptime when the engine was started, to the minute; zero when that is unknown.
func restartTime(samples scaling.Series, now time.Time) time.Time {
	newest, known := samples.NewestSample()
	if !known || now.Sub(newest.Time) > uptimeInterval+scaling.MaxSampleAge {
		return time.Time{}
	}
	return newest.Time.Add(samplePeriod).Add(-time.Duration(newest.Value) * time.Second).Truncate(samplePeriod)
}
