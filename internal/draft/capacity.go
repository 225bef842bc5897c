package draft

import (
	"fmt"
	"strconv"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// olderMaxACUs is the highest capacity that all engine versions allow (RDS API reference, ServerlessV2ScalingConfiguration). A draft goes
// above it only if the database is already above it.
const olderMaxACUs = 128

// capacities are the limits of the capacities of Aurora Serverless v2, in ACUs, and why.
type capacities struct {
	maximum scaling.CapacityRange
	// minimum is nil when the policy leaves the minimum capacity alone.
	minimum *scaling.CapacityRange
	reasons []string
}

// newCapacities chooses the limits of both capacities.
func newCapacities(in Input) capacities {
	o := in.Observation
	present, _ := catalog.ParseACUs(o.Instances[0].Class)
	limit := max(present, olderMaxACUs)
	c := capacities{maximum: scaling.CapacityRange{Lowest: present, Highest: present}}
	explain := func(format string, args ...any) { c.reasons = append(c.reasons, fmt.Sprintf(format, args...)) }
	explain("Today the capacity is %s to %s ACUs for each instance; four ACUs count as one vCPU.", formatACUs(o.MinCapacity),
		formatACUs(present))
	load := in.Writer
	if !load.IsKnown() {
		c.maximum.Highest = nextCapacity(present, limit)
		explain("maxCapacity: from today's maximum to the next step, as a cautious default, because the load is not known.")
		explain("minCapacity is left out, so that the operator does not change it.")
		return c
	}
	acus := func(vcpus float64) float64 { return vcpus * catalog.ACUsPerVCPU / fraction(DefaultCPU.Target) }
	twicePeak := capacityFor(acus(growthFactor*load.Peak), limit)
	c.maximum.Highest = max(nextCapacity(present, limit), twicePeak)
	c.maximum.Highest = min(c.maximum.Highest, max(maxLargerFactor*present, catalog.MinMaximumACUs), limit)
	explain("maxCapacity.max: twice the peak of the busiest instance, %s vCPU on %s, at %d %% needs %s ACUs; at least one step above today, "+
		"and at most four times today.", formatVCPUs(load.Peak), formatTime(load.PeakAt), DefaultCPU.Target, formatACUs(twicePeak))
	if !load.allowsSmaller() {
		explain("maxCapacity.min: today's maximum, because less than a week of load is known, or the demand above saturation is not.")
		explain("minCapacity is left out for the same reason, so that the operator does not change it.")
		return c
	}
	needed := capacityFor(acus(load.Peak), limit)
	c.maximum.Lowest = min(present, max(needed, o.MinCapacity, catalog.MinMaximumACUs, present/maxSmallerFactor))
	explain("maxCapacity.min: the peak at %d %% needs %s ACUs; not below today's minimum, nor a quarter of today's maximum.",
		DefaultCPU.Target, formatACUs(needed))
	usual := min(max(capacityFor(acus(load.High), limit), o.MinCapacity), c.maximum.Lowest)
	c.minimum = &scaling.CapacityRange{Lowest: o.MinCapacity, Highest: max(o.MinCapacity, usual)}
	explain("minCapacity: from today's minimum to what 95 %% of the time needed (%s vCPU). Each ACU of the minimum is paid all the time.",
		formatVCPUs(load.High))
	return c
}

// nextCapacity is the step above a capacity, within a limit.
func nextCapacity(acus, limit float64) float64 {
	for _, step := range catalog.CapacitySteps(0, limit) {
		if step > acus {
			return step
		}
	}
	return limit
}

// capacityFor is the lowest step that has so many ACUs, within a limit.
func capacityFor(acus, limit float64) float64 {
	for _, step := range catalog.CapacitySteps(0, limit) {
		if step >= acus {
			return step
		}
	}
	return limit
}

func formatACUs(acus float64) string { return strconv.FormatFloat(acus, 'f', -1, 64) }
