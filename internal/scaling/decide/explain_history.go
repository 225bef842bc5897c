package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// QuarterHourDemand is the load of a pool in a quarter of an hour, as predictive scaling reads it.
type QuarterHourDemand struct {
	// Time is the start.
	Time time.Time
	// Percent is the mean CPU utilization.
	Percent float64
	// VCPUs is the demand: the percentage of the mean capacity. It means nothing unless CapacityKnown.
	VCPUs float64
	// CapacityKnown says that the capacity of the pool is known for the whole quarter of an hour.
	CapacityKnown bool
}

// QuarterHourLength is the period of the history of a pool.
const QuarterHourLength = quarterHour

// DemandByQuarterHour lists the quarters of an hour from one time to before another for which the history of a pool has a sample, oldest
// first. Demand above the capacity counts as the capacity, since the history has no DBLoadCPU.
func DemandByQuarterHour(o scaling.Observation, pool scaling.Pool, from, to time.Time) []QuarterHourDemand {
	cpu, periods := poolHistory(&o, pool)
	if cpu.IsEmpty() || cpu.Period() != quarterHour {
		return nil
	}
	var out []QuarterHourDemand
	cpu = cpu.From(from.Truncate(quarterHour)).Before(to)
	p := newPast(cpu, periods, cpu.Start(), midpoint)
	for n, percent := range cpu.Known() {
		vcpus, known := p.capacity(n)
		percent = min(percent, 100)
		out = append(out, QuarterHourDemand{Time: cpu.TimeAt(n), Percent: percent, VCPUs: percent / 100 * vcpus, CapacityKnown: known})
	}
	return out
}
