package awsx

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The metrics of the volumes, of the buffer cache and of the CPU credits (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS";
// Aurora user guide, "Amazon CloudWatch metrics for Amazon Aurora"). None is required: where samples are missing, no instance gets a
// smaller class.
var (
	// readIOPS to writeThroughput are per second; the highest minute of each period counts.
	readIOPS        = slowMetric("ReadIOPS", types.StatisticMaximum)
	writeIOPS       = slowMetric("WriteIOPS", types.StatisticMaximum)
	readThroughput  = slowMetric("ReadThroughput", types.StatisticMaximum)
	writeThroughput = slowMetric("WriteThroughput", types.StatisticMaximum)
	// diskQueueDepth is the number of requests that wait.
	diskQueueDepth = slowMetric("DiskQueueDepth", types.StatisticAverage)
	// ebsByteBalance and ebsIOBalance are in percent. Classes that do not burst on EBS do not publish them.
	ebsByteBalance = slowMetric("EBSByteBalance%", types.StatisticMinimum)
	ebsIOBalance   = slowMetric("EBSIOBalance%", types.StatisticMinimum)
	// bufferCacheHitRatio is in percent, of Aurora only.
	bufferCacheHitRatio = slowMetric("BufferCacheHitRatio", types.StatisticAverage)
	// cpuCreditBalance and cpuSurplusCreditsCharged are published every five minutes, for burstable classes only.
	cpuCreditBalance         = slowMetric("CPUCreditBalance", types.StatisticMinimum)
	cpuSurplusCreditsCharged = slowMetric("CPUSurplusCreditsCharged", types.StatisticMaximum)
)

// slowMetric is a metric that is read in periods of five minutes, as far back as policies need.
func slowMetric(name string, statistic types.Statistic) *metric {
	return &metric{name: name, statistic: statistic, period: 5 * time.Minute, readInterval: slowInterval}
}

// burstablePrefix begins the names of the burstable classes.
const burstablePrefix = "db.t"

// ioMetrics appends the metrics of what an instance reads and writes, and of its CPU credits. The storage of Aurora is not on the
// volumes of the instance.
func ioMetrics(metrics []*metric, i *rdstypes.DBInstance) []*metric {
	if isAurora(aws.ToString(i.Engine)) {
		metrics = append(metrics, readIOPS, bufferCacheHitRatio)
	} else {
		metrics = append(metrics, readIOPS, writeIOPS, readThroughput, writeThroughput, diskQueueDepth, ebsByteBalance, ebsIOBalance)
	}
	if strings.HasPrefix(aws.ToString(i.DBInstanceClass), burstablePrefix) {
		metrics = append(metrics, cpuCreditBalance, cpuSurplusCreditsCharged)
	}
	return metrics
}

// ioSeries is the field of an instance that one of the metrics of ioMetrics belongs to.
func ioSeries(i *scaling.Instance, m *metric) *scaling.Series {
	switch m {
	case readIOPS:
		return &i.IO.ReadIOPS
	case writeIOPS:
		return &i.IO.WriteIOPS
	case readThroughput:
		return &i.IO.ReadThroughput
	case writeThroughput:
		return &i.IO.WriteThroughput
	case diskQueueDepth:
		return &i.IO.QueueDepth
	case ebsByteBalance:
		return &i.IO.ByteBalance
	case ebsIOBalance:
		return &i.IO.IOBalance
	case bufferCacheHitRatio:
		return &i.IO.CacheHitRatio
	case cpuCreditBalance:
		return &i.Credits.Balance
	default:
		return &i.Credits.SurplusCharged
	}
}
