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
	// instanceOverhead is the share of its vCPUs that an idle instance uses in the model.
	instanceOverhead = 0.015
	// overloadShare is the demand, as a share of the vCPUs, at which an instance is overloaded.
	overloadShare = OverloadedPercent/100.0 - instanceOverhead
	// maxServedShare is the highest demand, as a share of the vCPUs, that an instance serves.
	maxServedShare = 1 - instanceOverhead
	// The oracle changes readers in the model's medium time, including the operator's waiting: to create a reader, to resize one, and to
	// drain the connections of one and delete it.
	createMinutes, resizeMinutes, removeMinutes = 8, 14, 9
	// The oracle changes the writer in the model's minimum time: standbyFailoverMinutes to prepare a host and fail over to a standby,
	// writerWithoutReaderMinutes and singleInstanceMinutes to restart on it without a reader or a standby, and readerFailoverMinutes to
	// resize a reader and fail over to it.
	standbyFailoverMinutes, writerWithoutReaderMinutes, readerFailoverMinutes, singleInstanceMinutes = 5, 6, 9, 9
)

// writerChangeMinutes is the minimum time until the writer has another class, in minutes.
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

// minuteDemand is the mean demand of each minute of a recording, in vCPUs; NaN in a gap.
func minuteDemand(r *recording.Recording) []float64 {
	start, demand := r.Start.Truncate(time.Minute), interpolateGaps(r.Demand)
	out := make([]float64, 0, int(r.End().Sub(start)/time.Minute))
	for minute := start; minute.Before(r.End().Truncate(time.Minute)); minute = minute.Add(time.Minute) {
		middle := minute.Add(time.Minute / 2).Sub(r.Start.Add(r.Interval / 2))
		switch n := int(middle / r.Interval); {
		case !isRecorded(r, minute):
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

// sizeChange returns the function that gives the oracle's change from one size to another. The oracle uses the operator's methods
// and durations: new readers count when they are available, and readers are resized one after the other, with a surge reader
// meanwhile. The oracle is a bound: interruptions do not count as overload, and a reader that grows to be promoted costs nothing.
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
			c.Minutes, c.CostPerMinute = createMinutes, from.CostPerMinute // new readers are paid for when they are available
		default:
			c.Minutes = removeMinutes
		}
		return c
	}
}

// runOracle computes the best sequence of sizes and scores it as a run.
func runOracle(ctx context.Context, s Setup) (Run, error) {
	run := Run{
		ID: oracleID, Name: "Oracle", Kind: OracleRun,
		Source: "knows the future: the cheapest plan without an overloaded minute, or with the fewest; a bound, computed and not simulated",
	}
	problem := oracle.Problem{DemandVCPUs: minuteDemand(s.Recording), OverloadShare: overloadShare, ChangeBetween: s.sizeChange()}
	sizes := s.allowedSizes()
	const maxSizes = 127
	if len(sizes) > maxSizes {
		return run, fmt.Errorf("the policy allows %d sizes, and the oracle supports at most %d: allow fewer", len(sizes), maxSizes)
	}
	for n, size := range sizes {
		problem.Sizes = append(problem.Sizes, oracle.Size{
			Class: size.InstanceClass, Count: size.Count, VCPUs: size.vcpus, CostPerMinute: size.hourlyCost / 60,
		})
		if size.Shape == s.InitialShape {
			problem.StartSize = n
		}
	}
	plan, err := oracle.Solve(ctx, problem)
	if err != nil {
		return run, err
	}
	sc := &scorer{setup: s}
	sc.startTimeline()
	nextStep, changeEnd, currentSize := 0, 0, problem.Sizes[problem.StartSize]
	current := oracle.Change{VCPUs: currentSize.VCPUs, CostPerMinute: currentSize.CostPerMinute}
	paidVCPUs := currentSize.VCPUs
	for n, demand := range problem.DemandVCPUs {
		at := sc.nextMinute.Add(time.Duration(n) * time.Minute)
		if n == changeEnd {
			current, paidVCPUs = oracle.Change{VCPUs: currentSize.VCPUs, CostPerMinute: currentSize.CostPerMinute}, currentSize.VCPUs
		}
		if nextStep < len(plan.Steps) && plan.Steps[nextStep].StartMinute == n {
			step := plan.Steps[nextStep]
			nextStep++
			message := fmt.Sprintf("%s → %s", sizes[step.From].Shape, sizes[step.To].Shape)
			sc.recordEvent(Event{Time: at, Kind: stepEventKind(step, problem.Sizes), Message: message})
			from := problem.Sizes[step.From]
			changeEnd, currentSize, current = n+step.Change.Minutes, problem.Sizes[step.To], step.Change
			paidVCPUs = s.sizeChange()(withCostInVCPUs(from), withCostInVCPUs(currentSize)).CostPerMinute
			if from.Class != currentSize.Class && sc.isInScoredTime(at) {
				sc.score.Disruptions += min(from.Count, currentSize.Count)
			}
		}
		sc.scoreOracleMinute(at, demand, current, paidVCPUs)
	}
	return sc.result(run), nil
}

func stepEventKind(s oracle.Step, sizes []oracle.Size) EventKind {
	if sizes[s.To].VCPUs > sizes[s.From].VCPUs {
		return EventScaleUp
	}
	return EventScaleDown
}

// withCostInVCPUs returns the size with its vCPUs as its cost.
func withCostInVCPUs(s oracle.Size) oracle.Size {
	s.CostPerMinute = s.VCPUs
	return s
}

// scoreOracleMinute scores one minute of the oracle's plan. paidVCPUs are the billed vCPUs.
func (sc *scorer) scoreOracleMinute(at time.Time, demand float64, current oracle.Change, paidVCPUs float64) {
	overloaded := demand >= overloadShare*current.VCPUs
	if !math.IsNaN(demand) && sc.isInScoredTime(at) {
		sc.score.ScoredMinutes++
		sc.score.UnservedVCPUMinutes += max(0, demand-maxServedShare*current.VCPUs)
		sc.score.VCPUHours += paidVCPUs / 60
		sc.score.UsedVCPUHours += min(demand, maxServedShare*current.VCPUs) / 60
		sc.microdollars += current.CostPerMinute
		if overloaded {
			sc.score.OverloadedMinutes++
		}
	}
	known := demand
	if !sc.isInScoredTime(at) {
		known = math.NaN()
	}
	sc.capacity.addMinute(&sc.score, capacityMinute{
		at: at, demand: known, vcpus: current.VCPUs, isOverloaded: overloaded, scaleUpPercent: 100,
	})
	sc.addToTimeline(at, demand, current.VCPUs, overloaded && sc.isInScoredTime(at))
}
