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
	if apart := 1e-9 * (1 + math.Abs(other.cost)); math.Abs(s.cost-other.cost) > apart {
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
	t := newSolver(p)
	sizes, length := len(p.Sizes), len(p.DemandVCPUs)
	// best is of the minutes from the present one up to the furthest that a change can reach; came says from which size the best way
	// to a minute and size came, in which its own index means that it stayed.
	best := make([][]pathScore, t.longestChange+1)
	for n := range best {
		best[n] = make([]pathScore, sizes)
		for k := range best[n] {
			best[n][k] = unreachable
		}
	}
	best[0][p.StartSize] = pathScore{}
	came := make([]int8, (length+1)*sizes)
	for minute := range length {
		if err := ctx.Err(); minute%1000 == 0 && err != nil {
			return Plan{}, err
		}
		now := best[minute%len(best)]
		for from, so := range now {
			if so == unreachable {
				continue
			}
			for to := range p.Sizes {
				after, reached := t.advance(so, minute, from, to)
				if after > length {
					continue
				}
				if there := &best[after%len(best)][to]; reached.isBetterThan(*there) {
					*there = reached
					came[after*sizes+to] = int8(from)
				}
			}
		}
		for k := range now {
			now[k] = unreachable
		}
	}
	return t.backtrack(best[length%len(best)], came), nil
}

func newSolver(p Problem) *solver {
	t := &solver{problem: p, knownMinutes: make([]int32, len(p.DemandVCPUs)+1), longestChange: 1}
	for n, demand := range p.DemandVCPUs {
		t.knownMinutes[n+1] = t.knownMinutes[n]
		if !math.IsNaN(demand) {
			t.knownMinutes[n+1]++
		}
	}
	for from, a := range p.Sizes {
		t.sizeLevels = append(t.sizeLevels, t.levelIndex(a.VCPUs))
		t.changes, t.changeLevels = append(t.changes, make([]Change, len(p.Sizes))), append(t.changeLevels, make([]int, len(p.Sizes)))
		for to, b := range p.Sizes {
			if from == to {
				continue
			}
			c := p.ChangeBetween(a, b)
			c.Minutes = max(1, c.Minutes)
			t.changes[from][to], t.changeLevels[from][to] = c, t.levelIndex(c.VCPUs)
			t.longestChange = max(t.longestChange, c.Minutes)
		}
	}
	return t
}

// levelIndex is the index of so many vCPUs; what they would be overloaded in is counted when they first come up.
func (t *solver) levelIndex(vcpus float64) int {
	for n, known := range t.vcpuLevels {
		if known == vcpus {
			return n
		}
	}
	over := make([]int32, len(t.problem.DemandVCPUs)+1)
	for n, demand := range t.problem.DemandVCPUs {
		over[n+1] = over[n]
		if demand >= t.problem.OverloadShare*vcpus { // which NaN is not
			over[n+1]++
		}
	}
	t.vcpuLevels, t.overloadedMinutes = append(t.vcpuLevels, vcpus), append(t.overloadedMinutes, over)
	return len(t.vcpuLevels) - 1
}

// advance is what comes of going from a size to another at a minute, or of staying for one minute, and when.
func (t *solver) advance(so pathScore, minute, from, to int) (int, pathScore) {
	after, level, cost := minute+1, t.sizeLevels[from], t.problem.Sizes[from].CostPerMinute
	if from != to {
		c := t.changes[from][to]
		after, level, cost = minute+c.Minutes, t.changeLevels[from][to], c.CostPerMinute
		so.changes++
	}
	if after > len(t.problem.DemandVCPUs) {
		return after, unreachable
	}
	so.overloadedMinutes += int(t.overloadedMinutes[level][after] - t.overloadedMinutes[level][minute])
	so.cost += float64(t.knownMinutes[after]-t.knownMinutes[minute]) * cost
	return after, so
}

// backtrack follows the best way back from the end.
func (t *solver) backtrack(last []pathScore, came []int8) Plan {
	at, size := len(t.problem.DemandVCPUs), 0
	for n := range last {
		if last[n].isBetterThan(last[size]) {
			size = n
		}
	}
	plan := Plan{OverloadedMinutes: last[size].overloadedMinutes, Cost: last[size].cost}
	for at > 0 {
		from := int(came[at*len(t.problem.Sizes)+size])
		if from == size {
			at--
			continue
		}
		c := t.changes[from][size]
		at -= c.Minutes
		plan.Steps = append(plan.Steps, Step{StartMinute: at, From: from, To: size, Change: c})
		size = from
	}
	for a, b := 0, len(plan.Steps)-1; a < b; a, b = a+1, b-1 {
		plan.Steps[a], plan.Steps[b] = plan.Steps[b], plan.Steps[a]
	}
	return plan
}
