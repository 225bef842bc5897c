package decide

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The worked examples of docs/how-it-decides.md must quote what Evaluate returns.
func TestWorkedExamples(t *testing.T) {
	text, err := os.ReadFile("../../../docs/how-it-decides.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
	}{
		{"scale up", newPolicy(withReaders(1, 4, large, xlarge, xlarge2)),
			newObservation(ownReader("a", large, recentSamples(74, 78, 80)), ownReader("b", large, recentSamples(66, 70, 72)))},
		{"saturated", newPolicy(withReaders(1, 1, large, xlarge, xlarge2), withPreference(scaling.Vertical)),
			newObservation(readerWithDBLoad("a", large, constantLoad(100), constantLoad(4)))},
		{"saturated, demand unknown", newPolicy(withReaders(1, 1, large, xlarge, xlarge2), withPreference(scaling.Vertical)),
			newObservation(ownReader("a", large, constantLoad(100)))},
		{"predictive scale up", newPolicy(withPredictions, withReaders(1, 4, large, xlarge, xlarge2)),
			newObservation(twoReaders(large, risingLoad(60, 0.6))...)},
		{"scale down", newPolicy(withReaders(1, 4, large, xlarge, xlarge2)), newObservation(twoReaders(xlarge, constantLoad(20))...)},
	} {
		got := onlyProposal(t, Evaluate(test.policy, test.observation, now))
		for _, want := range []string{got.Cause, fmt.Sprintf("%s → %s", got.From, got.To)} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: docs/how-it-decides.md does not say %q", test.name, want)
			}
		}
	}
	d := Evaluate(newPolicy(withReaders(1, 4, large, xlarge, xlarge2)), newObservation(ownReader("a", large, recentSamples(74, 78, 80)), ownReader("b", large, recentSamples(66, 70, 72))), now)
	for _, c := range d.Pools[0].Candidates {
		if c.Verdict == scaling.VerdictWrongDirection {
			continue
		}
		if row := fmt.Sprintf("| %s | %.0f | %.0f %% | %s |", c.Shape, c.VCPUs, c.PredictedUtilization, c.Verdict); !strings.Contains(page, row) {
			t.Errorf("docs/how-it-decides.md has no row %q", row)
		}
	}
}
