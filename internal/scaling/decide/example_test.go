package decide

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestWorkedExamples: the figures of docs/decisions.md are what the engine says.
func TestWorkedExamples(t *testing.T) {
	text, err := os.ReadFile("../../../docs/decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
	}{
		{"up", policy(bounds(1, 4, large, xlarge, xlarge2)),
			observe(own("a", large, settled(74, 78, 80)), own("b", large, settled(66, 70, 72)))},
		{"saturated", policy(bounds(1, 1, large, xlarge, xlarge2), prefer(scaling.Vertical)),
			observe(loaded("a", large, steady(100), steady(4)))},
		{"saturated and hidden", policy(bounds(1, 1, large, xlarge, xlarge2), prefer(scaling.Vertical)), observe(own("a", large, steady(100)))},
		{"ahead", policy(foreseeing, bounds(1, 4, large, xlarge, xlarge2)), observe(pair(large, rising(60, 0.6))...)},
		{"down", policy(bounds(1, 4, large, xlarge, xlarge2)), observe(pair(xlarge, steady(20))...)},
	} {
		got := onlyProposal(t, Evaluate(test.policy, test.observation, now))
		for _, want := range []string{got.Cause, fmt.Sprintf("%s → %s", got.From, got.To)} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: docs/decisions.md does not say %q", test.name, want)
			}
		}
	}
	d := Evaluate(policy(bounds(1, 4, large, xlarge, xlarge2)), observe(own("a", large, settled(74, 78, 80)), own("b", large, settled(66, 70, 72))), now)
	for _, c := range d.Pools[0].Candidates {
		if c.Verdict == scaling.WrongDirection {
			continue
		}
		if row := fmt.Sprintf("| %s | %.0f | %.0f %% | %s |", c.Shape, c.VCPUs, c.Predicted, c.Verdict); !strings.Contains(page, row) {
			t.Errorf("docs/decisions.md has no row %q", row)
		}
	}
}
