package backtest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/oracle"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// instanceOverhead is the share of its vCPUs that an instance uses by itself in the model, so that it carries so much of them before it is
	// overloaded, and serves so much at most.
	instanceOverhead = 0.015
	overloadShare    = OverloadedPercent/100.0 - instanceOverhead
	maxServedShare   = 1 - instanceOverhead
	// The minutes that the oracle's changes take are what the model takes in the middle, with the operator's own waiting: to create a
	// reader, to resize one, and to let clients leave one and remove it.
	createMinutes, resizeMinutes, removeMinutes = 8, 14, 9
	// To replace the writer takes the oracle what it takes the model at least: to prepare a host and fail over to a standby; to restart on
	// it, without readers or a standby; and to resize a reader and fail over to it.
	standbyFailoverMinutes, writerWithoutReaderMinutes, readerFailoverMinutes, singleInstanceMinutes = 5, 6, 9, 9
)

// writerChangeMinutes is how long it takes at least until the writer has another class.
func (s Setup) writerChangeMinutes() int {
	switch cluster := s.Policy.Target.Kind == scaling.DBCluster; {
	case cluster && s.OtherPoolShape.Count == 0:
		return writerWithoutReaderMinutes
	case cluster:
		return readerFailoverMinutes
	case s.MultiAZ:
		return standbyFailoverMinutes
	}
	return singleInstanceMinutes
}

// minuteDemand is the mean demand of each minute of a recording, in vCPUs; NaN where nothing was recorded.
func minuteDemand(r *recording.Recording) []float64 {
	begin, demand := r.Start.Truncate(time.Minute), interpolateGaps(r.Demand)
	out := make([]float64, 0, int(r.End().Sub(begin)/time.Minute))
	for at := begin; at.Before(r.End().Truncate(time.Minute)); at = at.Add(time.Minute) {
		middle := at.Add(time.Minute / 2).Sub(r.Start.Add(r.Interval / 2))
		switch n := int(middle / r.Interval); {
		case !isRecorded(r, at):
			out = append(out, math.NaN())
		case middle <= 0 || n+1 >= len(demand):
			out = append(out, demand[min(max(n, 0), len(demand)-1)])
		default:
			share := float64(middle%r.Interval) / float64(r.Interval)
			out = append(out, demand[n]+share*(demand[n+1]-demand[n]))
		}
	}
	return out
}

// sizeChange is how the oracle gets from a size to another, by the same means as the operator and in the same time: readers are added
// before they are counted on, and others resized one after the other, with a surge reader for as long. What a change interrupts does
// not count as overload, nor a reader that has to become as large as the writer as a cost: it is a limit.
func (s Setup) sizeChange() func(from, to oracle.Size) oracle.Change {
	return func(from, to oracle.Size) oracle.Change {
		c := oracle.Change{VCPUs: min(from.VCPUs, to.VCPUs), CostPerMinute: max(from.CostPerMinute, to.CostPerMinute)}
		switch {
		case s.Pool == scaling.Writer:
			c.Minutes, c.CostPerMinute = s.writerChangeMinutes(), from.CostPerMinute
		case from.Class != to.Class:
			c.Minutes = createMinutes + resizeMinutes*min(from.Count, to.Count) + removeMinutes
			c.CostPerMinute += to.CostPerMinute / float64(to.Count) * float64(c.Minutes-createMinutes) / float64(c.Minutes)
		case from.Count < to.Count:
			c.Minutes, c.CostPerMinute = createMinutes, from.CostPerMinute // they are paid for when they are there
		default:
			c.Minutes = removeMinutes
		}
		return c
	}
}

// runOracle works the best sequence of sizes out, and scores it as if it had been run.
func runOracle(ctx context.Context, s Setup) (Run, error) {
	run := Run{
		ID: oracleID, Name: "Oracle", Kind: OracleRun,
		Source: "knows the future: the cheapest without an overloaded minute, or the least overload; a limit, worked out and not played",
	}
	problem := oracle.Problem{DemandVCPUs: minuteDemand(s.Recording), OverloadShare: overloadShare, ChangeBetween: s.sizeChange()}
	all := s.allowedSizes()
	const most = 127
	if len(all) > most {
		return run, fmt.Errorf("the policy allows %d sizes, and the oracle looks at %d at most: allow fewer", len(all), most)
	}
	for n, x := range all {
		problem.Sizes = append(problem.Sizes, oracle.Size{Class: x.InstanceClass, Count: x.Count, VCPUs: x.vcpus, CostPerMinute: x.hourlyCost / 60})
		if x.Shape == s.InitialShape {
			problem.StartSize = n
		}
	}
	plan, err := oracle.Solve(ctx, problem)
	if err != nil {
		return run, err
	}
	m := &scorer{setup: s}
	m.startTimeline()
	next, until, size := 0, 0, problem.Sizes[problem.StartSize]
	now := oracle.Change{VCPUs: size.VCPUs, CostPerMinute: size.CostPerMinute}
	paid := size.VCPUs
	for n, demand := range problem.DemandVCPUs {
		at := m.timeline.Start.Add(time.Duration(n) * time.Minute)
		if n == until {
			now, paid = oracle.Change{VCPUs: size.VCPUs, CostPerMinute: size.CostPerMinute}, size.VCPUs
		}
		if next < len(plan.Steps) && plan.Steps[next].StartMinute == n {
			step := plan.Steps[next]
			next++
			m.recordEvent(Event{Time: at, Kind: stepEventKind(step, problem.Sizes), Message: fmt.Sprintf("%s → %s", all[step.From].Shape, all[step.To].Shape)})
			from := problem.Sizes[step.From]
			until, size, now = n+step.Change.Minutes, problem.Sizes[step.To], step.Change
			paid = s.sizeChange()(withCostInVCPUs(from), withCostInVCPUs(size)).CostPerMinute
			if from.Class != size.Class && m.isInScoredTime(at) {
				m.score.Disruptions += min(from.Count, size.Count)
			}
		}
		m.scoreOracleMinute(at, demand, now, paid)
	}
	return m.result(run), nil
}

func stepEventKind(s oracle.Step, sizes []oracle.Size) EventKind {
	if sizes[s.To].VCPUs > sizes[s.From].VCPUs {
		return EventScaleUp
	}
	return EventScaleDown
}

// withCostInVCPUs is a size that costs as many as it has.
func withCostInVCPUs(s oracle.Size) oracle.Size {
	s.CostPerMinute = s.VCPUs
	return s
}

// scoreOracleMinute scores a minute that was not played, in which so many vCPUs are paid for.
func (m *scorer) scoreOracleMinute(at time.Time, demand float64, now oracle.Change, paid float64) {
	overloaded := demand >= overloadShare*now.VCPUs
	if !math.IsNaN(demand) && m.isInScoredTime(at) {
		m.score.ScoredMinutes++
		m.score.UnservedVCPUMinutes += max(0, demand-maxServedShare*now.VCPUs)
		m.score.VCPUHours += paid / 60
		m.microdollars += now.CostPerMinute
		if overloaded {
			m.score.OverloadedMinutes++
		}
	}
	m.addToTimeline(at, demand, now.VCPUs, overloaded && m.isInScoredTime(at))
}
