package simtest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

var (
	one   = flag.Uint64("seed", 0, "play this seed alone, and print it")
	first = flag.Uint64("first", 1, "the first seed")
	seeds = flag.Uint64("seeds", 150, "how many seeds are played")
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// workers is how many plays go on at once.
const workers = 2

// TestSeeds plays many seeds.
func TestSeeds(t *testing.T) {
	if *one > 0 {
		s := newSim(t.Context(), *one, draw(*one))
		s.run()
		t.Log("\n" + strings.Join(s.lines, "\n"))
		for _, v := range s.violations {
			t.Error(v)
		}
		return
	}
	next := atomic.Uint64{}
	next.Store(*first)
	var mu sync.Mutex
	var group sync.WaitGroup
	var total struct{ looks, writes, calls, operations int }
	for range workers {
		group.Go(func() {
			for seed := next.Add(1) - 1; seed < *first+*seeds; seed = next.Add(1) - 1 {
				s := newSim(t.Context(), seed, draw(seed))
				s.run()
				mu.Lock()
				total.looks, total.writes = total.looks+s.looks, total.writes+s.writes
				total.calls, total.operations = total.calls+s.witness.calls, total.operations+len(s.witness.trials)
				if len(s.violations) > 0 {
					t.Errorf("seed %d: %s\n%s\nto play it again: go test ./internal/simtest -seed=%d", seed, s.violations[0], s.tail(), seed)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	t.Logf("%d seeds: %d looks, %d writes, %d operations, %d calls to AWS", *seeds, total.looks, total.writes, total.operations, total.calls)
	if total.operations == 0 {
		t.Error("nothing has happened")
	}
}

// tail is the end of the play.
func (s *sim) tail() string {
	const shown = 25
	lines := s.lines
	if more := len(lines) - shown; more > 0 {
		lines = append([]string{fmt.Sprintf("… %d lines before", more)}, lines[more:]...)
	}
	return strings.Join(lines, "\n")
}

// TestSameAgain: a seed gives the same play each time, or nothing could be played again.
func TestSameAgain(t *testing.T) {
	for seed := *first; seed < *first+min(*seeds, 60); seed++ {
		var before *sim
		for range 2 {
			s := newSim(t.Context(), seed, draw(seed))
			s.run()
			if before != nil && (strings.Join(before.lines, "\n") != strings.Join(s.lines, "\n") || before.writes != s.writes || before.looks != s.looks) {
				t.Errorf("seed %d: two plays differ: %s", seed, difference(before.lines, s.lines))
			}
			before = s
		}
	}
}

// difference is where two plays part.
func difference(a, b []string) string {
	for n := range a {
		if n >= len(b) || a[n] != b[n] {
			return fmt.Sprintf("line %d: %s\n%s", n, a[n], append(b, "nothing")[min(n, len(b))])
		}
	}
	return "only in what does not show"
}
