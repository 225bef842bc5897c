package simtest

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

var (
	singleSeed = flag.Uint64("seed", 0, "run only this seed and print its log")
	firstSeed  = flag.Uint64("first", 1, "the first seed")
	seedCount  = flag.Uint64("seeds", 150, "how many seeds to run")
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	debug.SetGCPercent(gcPercent)
	os.Exit(m.Run())
}

// gcPercent makes the garbage collector run less often than by default: the simulations allocate much and keep little.
const gcPercent = 400

// parallelRuns is how many simulations run at once.
const parallelRuns = 2

// TestSeeds runs a simulation for each of many seeds and checks that no invariant is broken.
func TestSeeds(t *testing.T) {
	if *singleSeed > 0 {
		s := newSimulation(t.Context(), *singleSeed, drawPlan(*singleSeed))
		s.run()
		t.Log("\n" + strings.Join(s.lines, "\n"))
		for _, v := range s.violations {
			t.Error(v)
		}
		return
	}
	next := atomic.Uint64{}
	next.Store(*firstSeed)
	var mu sync.Mutex
	var group sync.WaitGroup
	var total struct{ reconciles, writes, calls, operations, raises int }
	for range parallelRuns {
		group.Go(func() {
			for seed := next.Add(1) - 1; seed < *firstSeed+*seedCount; seed = next.Add(1) - 1 {
				s := newSimulation(t.Context(), seed, drawPlan(seed))
				s.run()
				mu.Lock()
				total.reconciles, total.writes = total.reconciles+s.reconciles, total.writes+s.writes
				total.calls, total.operations = total.calls+s.checker.calls, total.operations+len(s.checker.operations)
				total.raises += s.checker.raises
				if len(s.violations) > 0 {
					t.Errorf("seed %d: %s\n%s\nto reproduce it: go test ./internal/simtest -seed=%d", seed, s.violations[0], s.lastLines(), seed)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	t.Logf("%d seeds: %d reconciles, %d writes, %d operations, %d raises, %d calls to AWS", *seedCount, total.reconciles, total.writes,
		total.operations, total.raises, total.calls)
	if total.operations == 0 {
		t.Error("no operation was started")
	}
}

// lastLines returns the end of the log.
func (s *simulation) lastLines() string {
	const shown = 25
	lines := s.lines
	if more := len(lines) - shown; more > 0 {
		lines = append([]string{fmt.Sprintf("... %d earlier lines", more)}, lines[more:]...)
	}
	return strings.Join(lines, "\n")
}

// A seed gives the same run each time; otherwise a failure could not be reproduced.
func TestSeed_IsDeterministic(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+min(*seedCount, 60); seed++ {
		var before *simulation
		for range 2 {
			s := newSimulation(t.Context(), seed, drawPlan(seed))
			s.run()
			if before != nil && (strings.Join(before.lines, "\n") != strings.Join(s.lines, "\n") || before.writes != s.writes || before.reconciles != s.reconciles) {
				t.Errorf("seed %d: two runs differ: %s", seed, firstDifference(before.lines, s.lines))
			}
			before = s
		}
	}
}

// firstDifference returns the first line in which two logs differ.
func firstDifference(a, b []string) string {
	for n := range a {
		if n >= len(b) || a[n] != b[n] {
			return fmt.Sprintf("line %d: %s\n%s", n, a[n], append(b, "(end)")[min(n, len(b))])
		}
	}
	return "only in the counts of reconciles and writes"
}
