package scaling

// IO is what an instance reads and writes, as CloudWatch shows it: one sample for each five minutes (RDS user guide, "Amazon
// CloudWatch metrics for Amazon RDS"; Aurora user guide, "Amazon CloudWatch metrics for Amazon Aurora"). A series is empty where RDS
// does not publish the metric, or where it was not read.
type IO struct {
	// ReadIOPS and WriteIOPS are the operations per second of the busiest minute.
	ReadIOPS, WriteIOPS Series
	// ReadThroughput and WriteThroughput are the bytes per second of the busiest minute.
	ReadThroughput, WriteThroughput Series
	// QueueDepth is the mean number of requests that wait for the volumes (DiskQueueDepth).
	QueueDepth Series
	// ByteBalance and IOBalance are the lowest EBSByteBalance% and EBSIOBalance%: what is left of the bursts above the baseline
	// throughput and IOPS of the class. Only classes that burst publish them.
	ByteBalance, IOBalance Series
	// CacheHitRatio is the mean BufferCacheHitRatio of an Aurora instance, in percent.
	CacheHitRatio Series
}

// CPUCredits are the CPU credits of an instance of a burstable class: one sample for each five minutes.
type CPUCredits struct {
	// Balance is the lowest CPUCreditBalance.
	Balance Series
	// SurplusCharged is the highest CPUSurplusCreditsCharged: credits that were used above the baseline and are billed.
	SurplusCharged Series
}

// IOLimits says whether a smaller class is checked against the I/O of the database.
type IOLimits string

// The values of IOLimits.
const (
	// CheckIOLimits checks it. The zero value means the same.
	CheckIOLimits IOLimits = "Check"
	// IgnoreIOLimits sizes by CPU, memory and connections only.
	IgnoreIOLimits IOLimits = "Ignore"
)

// CandidateIO is what the I/O check of a candidate compared; zero where it did not apply. All figures are those of one instance.
type CandidateIO struct {
	// IOPS and BytesPerSecond are the 99th percentile of the I/O that it would have, and MaxIOPS and MaxBytesPerSecond what it may
	// have: a share of what the class sustains.
	IOPS, MaxIOPS, BytesPerSecond, MaxBytesPerSecond float64
	// CacheHitPercent is the 5th percentile of BufferCacheHitRatio.
	CacheHitPercent float64
	// BalancePercent is the 1st percentile of the EBS burst balances, and QueueDepth the 99th of DiskQueueDepth.
	BalancePercent, QueueDepth float64
}
