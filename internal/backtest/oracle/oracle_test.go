package oracle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// newProblem has sizes of 2, 4 and 8 vCPUs that cost as much a minute. A change takes so many minutes, has the smaller capacity and
// the larger cost.
func newProblem(minutes int, demand ...float64) Problem {
	return Problem{
		DemandVCPUs: demand, OverloadShare: 0.9, Sizes: []Size{{"large", 1, 2, 2}, {"xlarge", 1, 4, 4}, {"2xlarge", 1, 8, 8}},
		ChangeBetween: func(from, to Size) Change {
			return Change{Minutes: minutes, VCPUs: min(from.VCPUs, to.VCPUs), CostPerMinute: max(from.CostPerMinute, to.CostPerMinute)}
		},
	}
}

func repeat(times int, demand float64) []float64 {
	out := make([]float64, times)
	for n := range out {
		out[n] = demand
	}
	return out
}

func join(all ...[]float64) []float64 {
	var out []float64
	for _, a := range all {
		out = append(out, a...)
	}
	return out
}

func mustSolve(tb testing.TB, p Problem) Plan {
	tb.Helper()
	plan, err := Solve(tb.Context(), p)
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

// The expected plans are computed by hand.
func TestSolve(t *testing.T) {
	for _, test := range []struct {
		name    string
		problem Problem
		start   int
		want    string
	}{
		{"no change: 10 min × 2", newProblem(3, repeat(10, 1)...), 0, "0 overloaded, cost 20, []"},
		{"1.8 of 2 vCPUs is overloaded at 90 %: change to 4 vCPUs at once, 3 × 4 + 7 × 4, with 3 overloaded minutes",
			newProblem(3, repeat(10, 1.8)...), 0, "3 overloaded, cost 40, [0: 0→1]"},
		{"a scale-up completes when the load rises: 4 × 2, 3 × 4, 5 × 4", newProblem(3, join(repeat(7, 1), repeat(5, 3))...), 0,
			"0 overloaded, cost 40, [4: 0→1]"},
		{"a scale-down starts when the load falls: 5 × 4, then 3 × 4 for the change, then 4 × 2",
			newProblem(3, join(repeat(5, 3), repeat(7, 1))...), 1, "0 overloaded, cost 40, [5: 1→0]"},
		{"no scale-down for a short dip", newProblem(3, join(repeat(5, 3), repeat(3, 1), repeat(5, 3))...), 1, "0 overloaded, cost 52, []"},
		{"scale-down for a dip one minute longer than both changes: 3 × 4, 1 × 2, 3 × 4",
			newProblem(3, join(repeat(5, 3), repeat(7, 1), repeat(5, 3))...), 1, "0 overloaded, cost 66, [5: 1→0 9: 0→1]"},
		{"the cheapest size if every size is overloaded", newProblem(3, repeat(6, 20)...), 0, "6 overloaded, cost 12, []"},
		{"a gap is free and not overloaded", newProblem(3, join(repeat(3, 1), repeat(4, math.NaN()), repeat(3, 1))...), 0,
			"0 overloaded, cost 12, []"},
		{"a scale-up in a gap is free, and as late as possible", newProblem(3, join(repeat(3, 1), repeat(4, math.NaN()), repeat(3, 3))...), 0,
			"0 overloaded, cost 18, [4: 0→1]"},
		{"no minutes", newProblem(3), 2, "0 overloaded, cost 0, []"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.problem.StartSize = test.start
			plan := mustSolve(t, test.problem)
			var steps []string
			for _, s := range plan.Steps {
				steps = append(steps, fmt.Sprintf("%d: %d→%d", s.StartMinute, s.From, s.To))
			}
			if got := fmt.Sprintf("%d overloaded, cost %g, %v", plan.OverloadedMinutes, plan.Cost, steps); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// solveByBruteForce tries every path.
func solveByBruteForce(p Problem, minute, size int, score pathScore) pathScore {
	if minute == len(p.DemandVCPUs) {
		return score
	}
	best := unreachable
	for to := range p.Sizes {
		length, level, cost := 1, p.Sizes[size].VCPUs, p.Sizes[size].CostPerMinute
		if to != size {
			c := p.ChangeBetween(p.Sizes[size], p.Sizes[to])
			length, level, cost = c.Minutes, c.VCPUs, c.CostPerMinute
		}
		if minute+length > len(p.DemandVCPUs) {
			continue
		}
		next := score
		for _, demand := range p.DemandVCPUs[minute : minute+length] {
			if math.IsNaN(demand) {
				continue
			}
			next.cost += cost
			if demand >= p.OverloadShare*level {
				next.overloadedMinutes++
			}
		}
		if end := solveByBruteForce(p, minute+length, to, next); end.isBetterThan(best) {
			best = end
		}
	}
	return best
}

// The plan has the same score as the best path, and its steps follow on each other.
func TestSolve_MatchesBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		demand := make([]float64, 1+random.IntN(9))
		for n := range demand {
			demand[n] = random.Float64() * 8
			if random.IntN(8) == 0 {
				demand[n] = math.NaN()
			}
		}
		p := newProblem(1, demand...)
		p.StartSize = random.IntN(3)
		lengths := [3][3]int{}
		for a := range lengths {
			for b := range lengths[a] {
				lengths[a][b] = 1 + random.IntN(4)
			}
		}
		index := map[string]int{"large": 0, "xlarge": 1, "2xlarge": 2}
		p.ChangeBetween = func(from, to Size) Change {
			return Change{Minutes: lengths[index[from.Class]][index[to.Class]], VCPUs: min(from.VCPUs, to.VCPUs), CostPerMinute: from.CostPerMinute + to.CostPerMinute/2}
		}
		plan, want := mustSolve(t, p), solveByBruteForce(p, 0, p.StartSize, pathScore{})
		if plan.OverloadedMinutes != want.overloadedMinutes || math.Abs(plan.Cost-want.cost) > 1e-6 {
			t.Fatalf("seed %d: %d overloaded minutes for %g, want %d for %g", seed, plan.OverloadedMinutes, plan.Cost,
				want.overloadedMinutes, want.cost)
		}
		size, at := p.StartSize, 0
		for _, s := range plan.Steps {
			if s.StartMinute < at || s.From != size {
				t.Fatalf("seed %d: the steps %+v do not follow on each other", seed, plan.Steps)
			}
			size, at = s.To, s.StartMinute+s.Change.Minutes
		}
	}
}

// BenchmarkSolve solves two months of minutes with 20 sizes.
func BenchmarkSolve(b *testing.B) {
	p := newProblem(15)
	p.Sizes = nil
	for n := range 20 {
		p.Sizes = append(p.Sizes, Size{fmt.Sprint(n), 1, float64(n + 1), float64(n + 1)})
	}
	for n := range 61 * 24 * 60 {
		p.DemandVCPUs = append(p.DemandVCPUs, 6+5*math.Sin(float64(n)/1440*2*math.Pi))
	}
	for b.Loop() {
		mustSolve(b, p)
	}
}
