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
	// Cost of a minute, in any unit.
	Cost float64
}

// Problem is a load and the sizes that can carry it.
type Problem struct {
	// Demand is in vCPUs, minute by minute. A minute that is NaN is not known: it is neither overloaded nor does it cost anything.
	Demand []float64
	// Carries is the share of its vCPUs from which on a size is overloaded.
	Carries float64
	Sizes   []Size
	// Start is the index of the size that it begins with.
	Start int
	// Change says how a size is changed for another.
	Change func(from, to Size) Change
}

// Change is how a size becomes another.
type Change struct {
	// Minutes that it takes, at least one. No other change begins meanwhile.
	Minutes int
	// VCPUs that can be counted on while it lasts, and the cost of each of its minutes.
	VCPUs, Cost float64
}

// Step is a change that a plan makes.
type Step struct {
	// At is the minute in which it begins, and Change.Minutes later the size is To.
	At, From, To int
	Change       Change
}

// Plan is the best sequence.
type Plan struct {
	Overloaded int // minutes
	Cost       float64
	Steps      []Step
}

// state is how well a way to a size at a moment went.
type state struct {
	overloaded int
	cost       float64
	changes    int
}

// never stands for a size that cannot be reached.
var never = state{overloaded: math.MaxInt32}

// less says whether one way is better than another: less overloaded, then cheaper, then with fewer changes. Costs that differ by rounding
// alone are alike.
func (s state) less(other state) bool {
	if s.overloaded != other.overloaded {
		return s.overloaded < other.overloaded
	}
	if apart := 1e-9 * (1 + math.Abs(other.cost)); math.Abs(s.cost-other.cost) > apart {
		return s.cost < other.cost
	}
	return s.changes < other.changes
}

// table is what the search looks up.
type table struct {
	p Problem
	// known counts the known minutes before each minute.
	known []int32
	// levels are the different vCPUs that there can be, and over counts for each the overloaded minutes before each minute.
	levels []float64
	over   [][]int32
	// changes are from a size to another, with the level of what can be counted on meanwhile.
	changes  [][]Change
	during   [][]int
	staying  []int
	furthest int // minutes of the longest change
}

// Solve finds the best plan by dynamic programming over minutes and sizes: minutes × sizes² steps, and a byte of memory for each
// minute and size, with four for each minute and different number of vCPUs. There are at most 127 sizes. The error says that the context
// ended.
func Solve(ctx context.Context, p Problem) (Plan, error) {
	t := newTable(p)
	sizes, length := len(p.Sizes), len(p.Demand)
	// best is of the minutes from the present one up to the furthest that a change can reach; came says from which size the best way
	// to a minute and size came, in which its own index means that it stayed.
	best := make([][]state, t.furthest+1)
	for n := range best {
		best[n] = make([]state, sizes)
		for k := range best[n] {
			best[n][k] = never
		}
	}
	best[0][p.Start] = state{}
	came := make([]int8, (length+1)*sizes)
	for minute := range length {
		if err := ctx.Err(); minute%1000 == 0 && err != nil {
			return Plan{}, err
		}
		now := best[minute%len(best)]
		for from, so := range now {
			if so == never {
				continue
			}
			for to := range p.Sizes {
				after, reached := t.move(so, minute, from, to)
				if after > length {
					continue
				}
				if there := &best[after%len(best)][to]; reached.less(*there) {
					*there = reached
					came[after*sizes+to] = int8(from)
				}
			}
		}
		for k := range now {
			now[k] = never
		}
	}
	return t.plan(best[length%len(best)], came), nil
}

func newTable(p Problem) *table {
	t := &table{p: p, known: make([]int32, len(p.Demand)+1), furthest: 1}
	for n, demand := range p.Demand {
		t.known[n+1] = t.known[n]
		if !math.IsNaN(demand) {
			t.known[n+1]++
		}
	}
	for from, a := range p.Sizes {
		t.staying = append(t.staying, t.level(a.VCPUs))
		t.changes, t.during = append(t.changes, make([]Change, len(p.Sizes))), append(t.during, make([]int, len(p.Sizes)))
		for to, b := range p.Sizes {
			if from == to {
				continue
			}
			c := p.Change(a, b)
			c.Minutes = max(1, c.Minutes)
			t.changes[from][to], t.during[from][to] = c, t.level(c.VCPUs)
			t.furthest = max(t.furthest, c.Minutes)
		}
	}
	return t
}

// level is the index of so many vCPUs; what they would be overloaded in is counted when they first come up.
func (t *table) level(vcpus float64) int {
	for n, known := range t.levels {
		if known == vcpus {
			return n
		}
	}
	over := make([]int32, len(t.p.Demand)+1)
	for n, demand := range t.p.Demand {
		over[n+1] = over[n]
		if demand >= t.p.Carries*vcpus { // which NaN is not
			over[n+1]++
		}
	}
	t.levels, t.over = append(t.levels, vcpus), append(t.over, over)
	return len(t.levels) - 1
}

// move is what comes of going from a size to another at a minute, or of staying for one minute, and when.
func (t *table) move(so state, minute, from, to int) (int, state) {
	after, level, cost := minute+1, t.staying[from], t.p.Sizes[from].Cost
	if from != to {
		c := t.changes[from][to]
		after, level, cost = minute+c.Minutes, t.during[from][to], c.Cost
		so.changes++
	}
	if after > len(t.p.Demand) {
		return after, never
	}
	so.overloaded += int(t.over[level][after] - t.over[level][minute])
	so.cost += float64(t.known[after]-t.known[minute]) * cost
	return after, so
}

// plan follows the best way back from the end.
func (t *table) plan(last []state, came []int8) Plan {
	at, size := len(t.p.Demand), 0
	for n := range last {
		if last[n].less(last[size]) {
			size = n
		}
	}
	plan := Plan{Overloaded: last[size].overloaded, Cost: last[size].cost}
	for at > 0 {
		from := int(came[at*len(t.p.Sizes)+size])
		if from == size {
			at--
			continue
		}
		c := t.changes[from][size]
		at -= c.Minutes
		plan.Steps = append(plan.Steps, Step{At: at, From: from, To: size, Change: c})
		size = from
	}
	for a, b := 0, len(plan.Steps)-1; a < b; a, b = a+1, b-1 {
		plan.Steps[a], plan.Steps[b] = plan.Steps[b], plan.Steps[a]
	}
	return plan
}
