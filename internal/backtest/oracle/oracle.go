// Package oracle finds the best sequence of sizes for a load that is known in advance: the cheapest sequence without an overloaded
// minute, or, if there is none, the cheapest of those with the fewest. No autoscaler can be better: it is a bound.
package oracle

import (
	"context"
	"math"
	"slices"
)

// Size is a possible size of the pool.
type Size struct {
	// Class is the class of each instance, and Count the number of instances.
	Class string
	Count int
	// VCPUs of all instances.
	VCPUs float64
	// CostPerMinute is in any unit.
	CostPerMinute float64
}

// Problem is a load and the sizes to choose from.
type Problem struct {
	// DemandVCPUs has one value a minute. NaN is unknown: such a minute is not overloaded and costs nothing.
	DemandVCPUs []float64
	// OverloadShare is the demand, as a share of the vCPUs, at which a size is overloaded.
	OverloadShare float64
	// Sizes are at most 127.
	Sizes []Size
	// StartSize is the index of the initial size.
	StartSize int
	// ChangeBetween returns the change from one size to another.
	ChangeBetween func(from, to Size) Change
}

// Change is the change from one size to another.
type Change struct {
	// Minutes is the duration, at least one. No other change starts meanwhile.
	Minutes int
	// VCPUs is the usable capacity during the change, and CostPerMinute the cost of each of its minutes.
	VCPUs, CostPerMinute float64
}

// Step is a change in a plan.
type Step struct {
	// StartMinute is the minute in which the change starts. From and To are indexes of sizes.
	StartMinute, From, To int
	Change                Change
}

// Plan is the best sequence of changes.
type Plan struct {
	OverloadedMinutes int
	Cost              float64
	Steps             []Step
}

// pathScore is the score of a path to a size at a minute.
type pathScore struct {
	overloadedMinutes int
	cost              float64
	changes           int
}

// unreachable is the score of a size that no path reaches.
var unreachable = pathScore{overloadedMinutes: math.MaxInt32}

// isBetterThan compares two paths: the better one is less overloaded, then cheaper, then has fewer changes. Costs that differ by a
// rounding error count as equal.
func (s pathScore) isBetterThan(other pathScore) bool {
	if s.overloadedMinutes != other.overloadedMinutes {
		return s.overloadedMinutes < other.overloadedMinutes
	}
	if tolerance := 1e-9 * (1 + math.Abs(other.cost)); math.Abs(s.cost-other.cost) > tolerance {
		return s.cost < other.cost
	}
	return s.changes < other.changes
}

// solver has a problem and its lookup tables.
type solver struct {
	problem Problem
	// knownMinutes is the number of known minutes before each minute.
	knownMinutes []int32
	// vcpuLevels are the distinct numbers of vCPUs, and overloadedMinutes[level] the number of overloaded minutes before each minute.
	vcpuLevels        []float64
	overloadedMinutes [][]int32
	// changes[from][to] is the change between two sizes, and changeLevels[from][to] the vCPU level of its usable capacity.
	changes      [][]Change
	changeLevels [][]int
	// sizeLevels is the vCPU level of each size.
	sizeLevels []int
	// longestChange is in minutes.
	longestChange int
}

// Solve finds the best plan by dynamic programming over minutes and sizes. It needs minutes × sizes² steps, one byte of memory for
// each minute and size, and four bytes for each minute and distinct number of vCPUs. The error says that the context ended.
func Solve(ctx context.Context, p Problem) (Plan, error) {
	sv := newSolver(p)
	sizes, length := len(p.Sizes), len(p.DemandVCPUs)
	// best is a ring buffer: the best score of each size, from the current minute to the last that a change can reach. cameFrom is the
	// previous size on the best path to each minute and size; the same size means no change.
	best := make([][]pathScore, sv.longestChange+1)
	for n := range best {
		best[n] = make([]pathScore, sizes)
		for k := range best[n] {
			best[n][k] = unreachable
		}
	}
	best[0][p.StartSize] = pathScore{}
	cameFrom := make([]int8, (length+1)*sizes)
	for minute := range length {
		if err := ctx.Err(); minute%1000 == 0 && err != nil {
			return Plan{}, err
		}
		current := best[minute%len(best)]
		for from, score := range current {
			if score == unreachable {
				continue
			}
			for to := range p.Sizes {
				reachedAt, next := sv.advance(score, minute, from, to)
				if reachedAt > length {
					continue
				}
				if known := &best[reachedAt%len(best)][to]; next.isBetterThan(*known) {
					*known = next
					cameFrom[reachedAt*sizes+to] = int8(from)
				}
			}
		}
		for k := range current {
			current[k] = unreachable
		}
	}
	return sv.backtrack(best[length%len(best)], cameFrom), nil
}

func newSolver(problem Problem) *solver {
	sv := &solver{problem: problem, knownMinutes: make([]int32, len(problem.DemandVCPUs)+1), longestChange: 1}
	for n, demand := range problem.DemandVCPUs {
		sv.knownMinutes[n+1] = sv.knownMinutes[n]
		if !math.IsNaN(demand) {
			sv.knownMinutes[n+1]++
		}
	}
	for from, a := range problem.Sizes {
		sv.sizeLevels = append(sv.sizeLevels, sv.levelIndex(a.VCPUs))
		sv.changes = append(sv.changes, make([]Change, len(problem.Sizes)))
		sv.changeLevels = append(sv.changeLevels, make([]int, len(problem.Sizes)))
		for to, b := range problem.Sizes {
			if from == to {
				continue
			}
			c := problem.ChangeBetween(a, b)
			c.Minutes = max(1, c.Minutes)
			sv.changes[from][to], sv.changeLevels[from][to] = c, sv.levelIndex(c.VCPUs)
			sv.longestChange = max(sv.longestChange, c.Minutes)
		}
	}
	return sv
}

// levelIndex is the index of a number of vCPUs. It adds a new level with its overloaded minutes.
func (sv *solver) levelIndex(vcpus float64) int {
	for n, level := range sv.vcpuLevels {
		if level == vcpus {
			return n
		}
	}
	over := make([]int32, len(sv.problem.DemandVCPUs)+1)
	for n, demand := range sv.problem.DemandVCPUs {
		over[n+1] = over[n]
		if demand >= sv.problem.OverloadShare*vcpus { // false for NaN
			over[n+1]++
		}
	}
	sv.vcpuLevels, sv.overloadedMinutes = append(sv.vcpuLevels, vcpus), append(sv.overloadedMinutes, over)
	return len(sv.vcpuLevels) - 1
}

// advance changes to another size, or keeps the size for one minute. It returns the minute after that and the score.
func (sv *solver) advance(score pathScore, minute, from, to int) (int, pathScore) {
	reachedAt, level, cost := minute+1, sv.sizeLevels[from], sv.problem.Sizes[from].CostPerMinute
	if from != to {
		c := sv.changes[from][to]
		reachedAt, level, cost = minute+c.Minutes, sv.changeLevels[from][to], c.CostPerMinute
		score.changes++
	}
	if reachedAt > len(sv.problem.DemandVCPUs) {
		return reachedAt, unreachable
	}
	score.overloadedMinutes += int(sv.overloadedMinutes[level][reachedAt] - sv.overloadedMinutes[level][minute])
	score.cost += float64(sv.knownMinutes[reachedAt]-sv.knownMinutes[minute]) * cost
	return reachedAt, score
}

// backtrack follows the best path back from the last minute.
func (sv *solver) backtrack(last []pathScore, cameFrom []int8) Plan {
	minute, size := len(sv.problem.DemandVCPUs), 0
	for n := range last {
		if last[n].isBetterThan(last[size]) {
			size = n
		}
	}
	plan := Plan{OverloadedMinutes: last[size].overloadedMinutes, Cost: last[size].cost}
	for minute > 0 {
		from := int(cameFrom[minute*len(sv.problem.Sizes)+size])
		if from == size {
			minute--
			continue
		}
		c := sv.changes[from][size]
		minute -= c.Minutes
		plan.Steps = append(plan.Steps, Step{StartMinute: minute, From: from, To: size, Change: c})
		size = from
	}
	slices.Reverse(plan.Steps)
	return plan
}
