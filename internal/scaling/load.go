package scaling

import "time"

// SaturationPercent is the CPU utilization from which on an instance is saturated: its demand is at least what is measured.
const SaturationPercent = 95

// Load is the measured and predicted load of a pool. Utilization is in percent, and demand and capacity are in vCPUs.
type Load struct {
	Pool Pool
	// NewestSampleAt is the start of the newest minute that every instance in service has published a sample for; zero when there
	// is none.
	NewestSampleAt time.Time
	// StableAt is when the samples since the last change of the pool fill the scale-up window; zero while it is changing.
	StableAt time.Time
	// Fresh says whether there are enough recent samples since the last change. Otherwise none of the figures
	// below is set, except the capacities.
	Fresh bool
	// UtilizationPercent is the mean over the scale-up window, in percent of UsableCapacity.
	UtilizationPercent float64
	// Demand is the peak over the scale-up window.
	Demand float64
	// Capacity is the vCPUs of the pool.
	Capacity float64
	// UsableCapacity is the vCPUs that the policy sizes for: with OneReaderLost, those that are left without the largest reader.
	UsableCapacity float64
	// ByHottest says that Demand is what the pool would carry if every read replica were as busy as the hottest one: their clients are
	// not distributed over them.
	ByHottest bool
	// WithoutClients are the read replicas to which no client is connected. They are not part of the capacities.
	WithoutClients []string
	// HottestPercent is the mean of the hottest instance over the scale-up window, in percent of its vCPUs, and HottestDemand the
	// highest demand of the instances that are too hot.
	HottestPercent, HottestDemand float64
	// Saturated says that an instance was saturated during the scale-up window.
	Saturated bool
	// Censored says that an instance was saturated and nothing showed its demand above its vCPUs: the true demand is at least
	// Demand.
	Censored bool
	// IsLowerBound says that only some instances were measured, because the pool has just changed: the true load is at least this one.
	// It is enough to add instances, and says nothing about the effect of an operation.
	IsLowerBound bool
	// Emergency says that the pool is saturated and its demand, where it is known, far above its capacity.
	Emergency bool
	// RisingDemand is the demand that a steep rise has reached since the newest sample, in vCPUs; zero without one. It counts for the
	// size of a scale-up, and is no reason for one.
	RisingDemand float64
	// TrendDemand and SeasonalDemand are predictions for the time at which a new size could be in service; zero for none.
	TrendDemand, SeasonalDemand float64
	// DailyWorkDemand is the demand of work that begins once a day at another time of the same hours, has not begun today, and is worth
	// having its readers before, in vCPUs; zero without it.
	DailyWorkDemand float64
	// ScaleDownWindow is the load over the scale-down window.
	ScaleDownWindow ScaleDownWindow
}

// UsedPercent is the mean use of all vCPUs of the pool over the scale-up window, in percent; false when it is not known. Above 100 when
// DBLoadCPU shows more.
func (l *Load) UsedPercent() (float64, bool) {
	if !l.Fresh || l.Capacity <= 0 {
		return 0, false
	}
	return l.UtilizationPercent * l.UsableCapacity / l.Capacity, true
}

// ScaleDownWindow is the load of a pool over its scale-down window. Demand is in vCPUs.
type ScaleDownWindow struct {
	// Complete says whether the load is known up to now: the minutes without a sample of every instance are few, and few in a row.
	Complete bool
	// Saturated says that an instance was saturated.
	Saturated bool
	// PeakDemand is the highest demand.
	PeakDemand float64
	// SeasonalDemand is the highest demand predicted for the next hour from earlier days and weeks; zero when nothing is
	// predicted, or the pool is not too large.
	SeasonalDemand float64
}
