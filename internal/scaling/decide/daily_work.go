package decide

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// minWorkDays is on how many of the last maxWorkDays days work must have begun within the same hours.
	minWorkDays, maxWorkDays = 5, 14
	// minWorkShare is the share of the known days on which it must have begun. It must have begun on the last certainWorkDays.
	minWorkShare, certainWorkDays = 0.8, 2
	// workSpan is the longest time between its earliest and its latest start, by the time of the day. Eleven bursts a week at random times
	// look like daily work after five days in one of 100 cases, and twenty, three a day, in 30 (TestFindDailyWork_RandomBursts).
	workSpan = 6 * time.Hour
	// spanQuarters is workSpan in quarters of an hour.
	spanQuarters = int(workSpan / quarterHour)
	// peakQuarters is how long the height of work is measured, in quarters of an hour from its start.
	peakQuarters = 4
)

// dailyWork is work that begins suddenly once a day, at another time of the same hours each day.
type dailyWork struct {
	// starts are when it began on earlier days, in quarters of an hour after the present one; negative for before.
	starts []int
	// peaks are its highest demands, in vCPUs.
	peaks []float64
	// days is the number of days that are known.
	days int
}

// earliest and latest are the bounds of the starts.
func (w *dailyWork) earliest() int { return slices.Min(w.starts) }
func (w *dailyWork) latest() int   { return slices.Max(w.starts) }

// waitForDailyWork finds out whether readers are worth having while daily work may begin: nobody knows the minute, and readers that are
// added when it has begun come too late. It sets the demand of that work, and nothing when there is none, or it has begun today.
//
// The start is taken to be as likely in each quarter of an hour until the latest one of earlier days. Having the readers for one more
// quarter costs their vCPUs; not having them costs, with the probability of a start in it, an overload until they would serve.
func (e *poolEvaluation) waitForDailyWork() {
	o, p := e.observation, e.policy
	price := float64(p.OverloadedMinuteVCPUHours)
	if e.pool != scaling.Readers || o.Kind != scaling.DBCluster || o.ResizedAsUnit || !p.PredictiveScaling.History || price == 0 ||
		!e.load.Fresh || e.load.Censored || e.currentShape().InstanceClass == "" || p.Readers.Preference == scaling.Vertical ||
		isScalingIneffective(p, o, e.pool, e.now) {
		return
	}
	minCount, maxCount := countLimits(p, e.instances, e.pool)
	vcpus := e.instances[0].vcpus
	target := vcpus * float64(p.CPU.Target) / 100
	spare := 0
	if p.Readers.Redundancy == scaling.OneReaderLost {
		spare = 1
	}
	readersFor := func(demand float64) int { return max(minCount, int(math.Ceil(demand/target-roundingTolerance))+spare) }
	before, known := demandBefore(o, e.now)
	present := readersFor(before)
	if !known || present >= maxCount {
		return
	}
	usable := float64(present-spare) * vcpus
	work, found := findDailyWork(o, e.now, usable*float64(p.CPU.Target)/100, usable*hotReaderPercent/100)
	lead := estimateLeadTime(o.History, e.pool)
	if !found || work.latest() < 0 || work.earliest() > int(lead/quarterHour) {
		return
	}
	slices.Sort(work.peaks)
	demand := work.peaks[len(work.peaks)/2]
	needed := min(readersFor(demand), maxCount)
	quarters := float64(work.latest() + 1)
	wait := float64(needed-present) * vcpus * quarterHours * quarters
	if needed <= present || wait >= lead.Minutes()*price {
		return
	}
	e.load.DailyWorkDemand = min(demand, float64(needed-spare)*target)
	e.dailyWork = &work
}

// demandBefore is the demand of the newest quarter of an hour that is known, in vCPUs: that of before the work while it has just begun.
func demandBefore(o *scaling.Observation, now time.Time) (float64, bool) {
	cpu, periods := poolHistory(o, scaling.Readers)
	newest, known := cpu.NewestSample()
	if !known || now.Sub(newest.Time) > historyDelay+quarterHour {
		return 0, false
	}
	p := newPast(cpu, periods, newest.Time, midpoint)
	return p.demand(0)
}

// findDailyWork finds work that began suddenly once a day within workSpan of the present time of the day: the demand rose from low or
// below to above high. It is false when there is none, or when it has begun today.
func findDailyWork(o *scaling.Observation, now time.Time, low, high float64) (dailyWork, bool) {
	cpu, periods := poolHistory(o, scaling.Readers)
	begin := now.Truncate(quarterHour).Add(-workSpan)
	work := dailyWork{}
	for n := 1; n <= maxWorkDays; n++ {
		d := newPastDay(cpu, periods, begin, n)
		start, peak, known := d.findSuddenRise(low, high)
		if !known || math.IsNaN(peak) {
			if n <= certainWorkDays {
				return work, false
			}
			if known {
				work.days++
			}
			continue
		}
		work.days++
		work.starts, work.peaks = append(work.starts, start), append(work.peaks, peak)
		if work.latest()-work.earliest() > spanQuarters {
			return work, false
		}
	}
	if len(work.starts) < minWorkDays || float64(len(work.starts)) < minWorkShare*float64(work.days) {
		return work, false
	}
	return work, !mayHaveBegun(cpu, periods, begin, low, high)
}

// mayHaveBegun reports whether the work has begun today, or a sample is missing between begin and the newest one, in which it may have.
func mayHaveBegun(cpu scaling.Series, periods []scaling.CapacityPeriod, begin time.Time, low, high float64) bool {
	newest, _ := cpu.NewestSample()
	known := newPast(cpu, periods, begin, midpoint)
	for n := 0; !begin.Add(time.Duration(n) * quarterHour).After(newest.Time); n++ {
		if _, ok := known.demand(n); !ok {
			return true
		}
	}
	today := newPast(cpu, periods, begin, midpoint)
	_, peak, _ := today.findSuddenRise(low, high)
	return !math.IsNaN(peak)
}

// findSuddenRise finds the first rise from low or below to above high, both in vCPUs, within two quarters of an hour, less than workSpan
// before or after the present time, which is workSpan after its first quarter. It returns when the demand rose, in quarters of an hour
// after the present one, and the highest demand in the hour after that, NaN without a rise. A day with a missing sample is not known.
func (p *past) findSuddenRise(low, high float64) (start int, peak float64, known bool) {
	peak = math.NaN()
	before, previous := math.Inf(1), math.Inf(1)
	for n := range 2*spanQuarters + peakQuarters {
		demand, known := p.demand(n)
		switch {
		case !known:
			return start, peak, !math.IsNaN(peak)
		case !math.IsNaN(peak) && n >= start+spanQuarters+peakQuarters:
			return start, peak, true
		case !math.IsNaN(peak):
			peak = max(peak, demand)
		case demand > high && min(before, previous) <= low && n < 2*spanQuarters:
			start, peak = n-spanQuarters, demand
			if previous > low {
				start--
			}
		}
		before, previous = previous, demand
	}
	return start, peak, true
}

// proposeReadersForDailyWork proposes to add readers of the present class for daily work that may begin before they would serve; nil when
// there is none, or the present readers carry it.
func (e *poolEvaluation) proposeReadersForDailyWork() *scaling.Proposal {
	demand := e.load.DailyWorkDemand
	if demand == 0 || !reaches(utilizationPercent(demand, e.load.UsableCapacity), e.policy.CPU.ScaleUp) {
		return nil
	}
	best := e.pickMoreReaders(e.currentShape().InstanceClass, e.policy.Readers.Max-len(e.instances), demand)
	if best == nil {
		return nil
	}
	best.Verdict = scaling.VerdictChosen
	w := e.dailyWork
	clock := func(quarters int) string {
		return e.now.UTC().Truncate(quarterHour).Add(time.Duration(quarters) * quarterHour).Format("15:04")
	}
	message := fmt.Sprintf("Work that began between %s and %s UTC on %d of %d days is expected: %s → %s",
		clock(w.earliest()), clock(w.latest()), len(w.starts), w.days, e.currentShape(), best.Shape)
	cause := fmt.Sprintf("The readers use %.1f vCPU, and %.1f when that work has begun, by the median of those days. It has not begun today, "+
		"and waiting for it costs less than an overload of %.0f minutes%s",
		e.load.Demand, demand, estimateLeadTime(e.observation.History, e.pool).Minutes(), e.describeFit(demand, best))
	return e.newProposal(scaling.ReasonPredictiveScaleUp, scaling.Up, best, message, cause)
}
