package decide

import (
	"reflect"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestEvaluator_AsEvaluate: nothing of a decision is left in the next one in the same memory, whatever the policy and the load are.
func TestEvaluator_AsEvaluate(t *testing.T) {
	var evaluator Evaluator
	seen := map[scaling.Reason]bool{}
	for range 2 {
		for _, percent := range []float64{50, 10, 80, 100} {
			for _, most := range []int{12, 1, 15, 13} {
				p, o := benchmarkInputs(percent)
				p.Readers.Max = most
				d, want := evaluator.Evaluate(&p, &o, now), Evaluate(p, o, now)
				if !reflect.DeepEqual(d, want) {
					t.Fatalf("at %g %% with at most %d readers: got %+v, want %+v", percent, most, d, want)
				}
				seen[reason(d)] = true
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("only %v were decided", seen)
	}
}
