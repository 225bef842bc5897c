// Package oracle finds the best sequence of sizes for a load that is known in advance: the cheapest without an overloaded minute, or,
// where there is none, the cheapest of those with the fewest. No autoscaler can be better; it is a limit and no peer.
package oracle

import (
	"context"
	"math"
)

// Size is a size that there is.
type Size struct {
	// Class of each instance, and how many there are.
	Class string
	Count int
	// VCPUs of all of them.
	VCPUs float64
	// CostPerMinute of a minute, in any unit.
	CostPerMinute float64
}

// Problem is a load and the sizes that can carry it.
type Problem struct {
	// DemandVCPUs is in vCPUs, minute by minute. A minute that is NaN is not known: it is neither overloaded nor does it cost anything.
	DemandVCPUs []float64
	// OverloadShare is the share of its vCPUs from which on a size is overloaded.
	OverloadShare float64
	Sizes         []Size
	// StartSize is the index of the size that it begins with.
	StartSize int
	// ChangeBetween says how a size is changed for another.
	ChangeBetween func(from, to Size) Change
}

// Change is how a size becomes another.
type Change struct {
	// Minutes that it takes, at least one. No other change begins meanwhile.
	Minutes int
	// VCPUs that can be counted on while it lasts, and the cost of each of its minutes.
	VCPUs, CostPerMinute float64
}

// Step is a change that a plan makes.
type Step struct {
	// StartMinute is the minute in which it begins, and Change.Minutes later the size is To.
	StartMinute, From, To int
	Change                Change
}

// Plan is the best sequence.
type Plan struct {
	OverloadedMinutes int // minutes
	Cost              float64
	Steps             []Step
}

// pathScore is how well a way to a size at a moment went.
type pathScore struct {
	overloadedMinutes int
	cost              float64
	changes           int
}

// unreachable stands for a size that cannot be reached.
var unreachable = pathScore{overloadedMinutes: math.MaxInt32}

// isBetterThan says whether one way is better than another: less overloaded, then cheaper, then with fewer changes. Costs that differ by rounding
// alone are alike.
func (s pathScore) isBetterThan(other pathScore) bool {
	if s.overloadedMinutes != other.overloadedMinutes {
		return s.overloadedMinutes < other.overloadedMinutes
	}
	if tolerance := 1e-9 * (1 + math.Abs(other.cost)); math.Abs(s.cost-other.cost) > tolerance {
		return s.cost < other.cost
	}
	return s.changes < other.changes
}

// solver is what the search looks up.
type solver struct {
	problem Problem
	// knownMinutes counts the known minutes before each minute.
	knownMinutes []int32
	// vcpuLevels are the different vCPUs that there can be, and over counts for each the overloaded minutes before each minute.
	vcpuLevels        []float64
	overloadedMinutes [][]int32
	// changes are from a size to another, with the level of what can be counted on meanwhile.
	changes       [][]Change
	changeLevels  [][]int
	sizeLevels    []int
	longestChange int // minutes of the longest change
}

// Solve finds the best plan by dynamic programming over minutes and sizes: minutes × sizes² steps, and a byte of memory for each
// minute and size, with four for each minute and different number of vCPUs. There are at most 127 sizes. The error says that the context
// ended.
func Solve(ctx context.Context, p Problem) (Plan, error) {
	sv := newSolver(p)
	sizes, length := len(p.Sizes), len(p.DemandVCPUs)
	// best is of the minutes from the present one up to the furthest that a change can reach; came says from which size the best way
	// to a minute and size came, in which its own index means that it stayed.
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
		sv.changes, sv.changeLevels = append(sv.changes, make([]Change, len(problem.Sizes))), append(sv.changeLevels, make([]int, len(problem.Sizes)))
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

// levelIndex is the index of so many vCPUs; what they would be overloaded in is counted when they first come up.
func (sv *solver) levelIndex(vcpus float64) int {
	for n, level := range sv.vcpuLevels {
		if level == vcpus {
			return n
		}
	}
	over := make([]int32, len(sv.problem.DemandVCPUs)+1)
	for n, demand := range sv.problem.DemandVCPUs {
		over[n+1] = over[n]
		if demand >= sv.problem.OverloadShare*vcpus { // which NaN is not
			over[n+1]++
		}
	}
	sv.vcpuLevels, sv.overloadedMinutes = append(sv.vcpuLevels, vcpus), append(sv.overloadedMinutes, over)
	return len(sv.vcpuLevels) - 1
}

// advance is what comes of going from a size to another at a minute, or of staying for one minute, and when.
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

// backtrack follows the best way back from the end.
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
	for a, b := 0, len(plan.Steps)-1; a < b; a, b = a+1, b-1 {
		plan.Steps[a], plan.Steps[b] = plan.Steps[b], plan.Steps[a]
	}
	return plan
}
