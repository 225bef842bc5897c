package awsx

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

const (
	// SampleRetention is how long samples are kept in memory at most: the longest window that a policy can have, 24 hours, and an hour.
	SampleRetention = 25 * time.Hour
	// samplePeriod is the period of the RDS metrics (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
	samplePeriod = time.Minute
	// minOverlap is how much of the known samples is read again at least: a sample may arrive late, and the newest may still
	// change. It also covers the minutes at either end of a window that have not settled.
	minOverlap = 10 * time.Minute
	// loadRetention is how long DBLoadCPU is kept, and the CPU of a writer that is not scaled: the longest scale-up window, and the overlap.
	loadRetention = 70 * time.Minute
	// historyRetention is how far back the CPU history of a role is read: as long as CloudWatch keeps points of one minute
	// (CloudWatch user guide, "Metrics retention").
	historyRetention = 15 * 24 * time.Hour
	// slowInterval is how often memory and connections are read: they change slowly, and CloudWatch charges for each metric requested.
	slowInterval = 12 * time.Minute
	// historyInterval is how often the CPU history of the roles is read: once for each of its periods.
	historyInterval = 15 * time.Minute
	// uptimeInterval is how often EngineUptime is read. A restart mostly shows in the status of an instance as well.
	uptimeInterval = 5 * time.Minute
)

// metric is a CloudWatch metric in the namespace AWS/RDS, and how it is read.
type metric struct {
	name      string
	statistic types.Statistic
	// period is the time that each sample covers.
	period time.Duration
	// readInterval is how often the metric is read; zero means at each refresh.
	readInterval time.Duration
	// quietInterval is how often the metric is read instead while the target is read less often than once a minute, when it is not zero.
	quietInterval time.Duration
	// emptyInterval is how often the metric is read instead while no samples are known, when it is not zero.
	emptyInterval time.Duration
	// fixedRetention is how long samples are kept, and so how far back they are read. Zero means as long as policies need.
	fixedRetention time.Duration
	// usesScaleDownWindow says that samples are needed for TrackedTarget.ScaleDownWindow only, which saves half of the memory of a fleet's
	// slow metrics.
	usesScaleDownWindow bool
	// lagUnit is the unit of a replica lag; zero for other metrics.
	lagUnit time.Duration
	// role is the cluster role whose mean it is, WRITER or READER; empty for a metric of one instance.
	role string
}

var (
	// cpuUtilization is in percent of the instance's vCPUs.
	cpuUtilization = &metric{name: "CPUUtilization", statistic: types.StatisticAverage, period: samplePeriod}
	// dbLoadCPU is the number of sessions that use or wait for a CPU. It is missing without Performance Insights, and for an idle
	// minute.
	dbLoadCPU = &metric{name: "DBLoadCPU", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: loadRetention}
	// possibleDBLoadCPU is the same for an instance with the standard mode of Database Insights: every instance has that, also where
	// Performance Insights is off and nothing publishes the metric.
	possibleDBLoadCPU = &metric{
		name: dbLoadCPU.name, statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: loadRetention, emptyInterval: time.Hour,
	}
	// auroraReplicaLag is the lag of an Aurora reader in milliseconds.
	auroraReplicaLag = &metric{
		name: "AuroraReplicaLag", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: minOverlap,
		lagUnit: time.Millisecond,
	}
	// replicaLag is the lag of a replica outside Aurora in seconds; a negative value means that replication is broken.
	replicaLag = &metric{
		name: "ReplicaLag", statistic: types.StatisticAverage, period: samplePeriod, fixedRetention: minOverlap, lagUnit: time.Second,
	}
	// engineUptime is how long the engine of an Aurora instance has run, in seconds.
	engineUptime = &metric{
		name: "EngineUptime", statistic: types.StatisticMinimum, period: samplePeriod, readInterval: uptimeInterval,
		quietInterval: slowInterval, fixedRetention: minOverlap,
	}
	// freeableMemory is in bytes.
	freeableMemory = &metric{
		name: "FreeableMemory", statistic: types.StatisticMinimum, period: 5 * time.Minute, readInterval: slowInterval,
		usesScaleDownWindow: true,
	}
	// databaseConnections is the number of client connections.
	databaseConnections = &metric{
		name: "DatabaseConnections", statistic: types.StatisticMaximum, period: 5 * time.Minute, readInterval: slowInterval,
		usesScaleDownWindow: true,
	}
	// serverlessCapacity is the capacity that an Aurora Serverless v2 instance has scaled to, in Aurora capacity units. ACUUtilization
	// is the same in percent of the maximum capacity (Aurora user guide, "Important Amazon CloudWatch metrics for Aurora Serverless
	// v2").
	serverlessCapacity = &metric{
		name: "ServerlessDatabaseCapacity", statistic: types.StatisticAverage, period: 5 * time.Minute, readInterval: slowInterval,
	}
	// writerCPU and readersCPU are the mean over the instances that had the role, in percent.
	writerCPU, readersCPU = roleCPUHistory("WRITER"), roleCPUHistory("READER")
	// instanceCPU is the CPU history of an instance that is not a member of a cluster.
	instanceCPU = roleCPUHistory("")
)

func roleCPUHistory(role string) *metric {
	return &metric{
		name: cpuUtilization.name, statistic: types.StatisticAverage, period: 15 * time.Minute, readInterval: historyInterval,
		fixedRetention: historyRetention, role: role,
	}
}

// isRequired reports whether no decision is made while the metric cannot be read: the CPU load of a pool and the lag of its
// readers. Other metrics are optional; their readers accept that samples are missing.
func (m *metric) isRequired() bool { return m == cpuUtilization || m.lagUnit != 0 }

// showsLoad reports whether the load of a pool that is not scaled needs the metric. A restart may be a failover.
func (m *metric) showsLoad() bool {
	return m == cpuUtilization || m.name == dbLoadCPU.name || m == engineUptime
}

// lookback is how far back the metric is read, and kept, when policies need samples of the given window.
func (m *metric) lookback(window time.Duration) time.Duration {
	if m.fixedRetention > 0 {
		return m.fixedRetention
	}
	return min(window+minOverlap, SampleRetention)
}

// rereadOverlap is how much of the known samples is read again.
func (m *metric) rereadOverlap() time.Duration { return max(minOverlap, m.period) }

// maxInstanceMetrics is at least the number of metrics of an instance.
const maxInstanceMetrics = 16

// instanceMetrics appends the metrics of an instance. The cluster is empty when the instance is the target itself or a read
// replica of it. CloudWatch has no mean over the read replicas of an instance, so they have no CPU history.
func instanceMetrics(metrics []*metric, cluster *rdstypes.DBCluster, i *rdstypes.DBInstance) []*metric {
	role, isMember := memberOf(*cluster, aws.ToString(i.DBInstanceIdentifier))
	isReader := isMember && !aws.ToBool(role.IsClusterWriter)
	metrics = ioMetrics(append(metrics, cpuUtilization, freeableMemory, databaseConnections), i)
	switch {
	case aws.ToBool(i.PerformanceInsightsEnabled), i.DatabaseInsightsMode == rdstypes.DatabaseInsightsModeAdvanced:
		metrics = append(metrics, dbLoadCPU)
	case i.DatabaseInsightsMode != "":
		metrics = append(metrics, possibleDBLoadCPU)
	}
	if isAurora(aws.ToString(i.Engine)) {
		metrics = append(metrics, engineUptime)
	}
	if aws.ToString(i.DBInstanceClass) == serverlessClass {
		metrics = append(metrics, serverlessCapacity)
	}
	switch {
	case isReader && isAurora(aws.ToString(i.Engine)):
		metrics = append(metrics, auroraReplicaLag)
	case isReader, replicationSource(*i) != "":
		metrics = append(metrics, replicaLag)
	}
	if !isMember && replicationSource(*i) == "" {
		metrics = append(metrics, instanceCPU)
	}
	return metrics
}
