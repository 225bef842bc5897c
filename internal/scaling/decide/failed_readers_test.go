package decide

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// failedReader is a reader that AWS failed to create.
func failedReader(status string) scaling.Instance {
	return scaling.Instance{
		Identifier: "engine-dbscaler-0a1b2c3d-1", Class: large, Status: status, Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
}

// A reader that AWS failed to create is removed, and changes no other proposal.
func TestEvaluate_FailedReader(t *testing.T) {
	p := newPolicy(withReaders(1, 4, large))
	busy, saturated := foreignReader("a", large, constantLoad(90)), foreignReader("a", large, constantLoad(100))
	saturated.DBLoadCPU = constantLoad(6)
	for _, test := range []struct {
		name      string
		instances []scaling.Instance
		first     string
	}{
		{"before a scale-up", []scaling.Instance{writer(large, constantLoad(40)), busy}, "FailedReader"},
		{"after an emergency", []scaling.Instance{writer(large, constantLoad(40)), saturated}, "ScaleUp"},
	} {
		before := Evaluate(p, newObservation(test.instances...), now)
		after := Evaluate(p, newObservation(append(test.instances, failedReader("insufficient-capacity"))...), now)
		if len(after.Proposals) != len(before.Proposals)+1 || string(after.Proposals[0].Reason) != test.first {
			t.Errorf("%s: %+v", test.name, after.Proposals)
			continue
		}
		for _, proposal := range after.Proposals {
			if proposal.Reason == before.Proposals[0].Reason && proposal.Change != before.Proposals[0].Change {
				t.Errorf("%s: the scale-up is %+v, and without the failed reader %+v", test.name, proposal.Change, before.Proposals[0].Change)
			}
			if proposal.Reason == "FailedReader" && (proposal.Direction != scaling.Cleanup || proposal.From.Count != 2 || proposal.To.Count != 1 ||
				!strings.Contains(proposal.Message, "insufficient-capacity")) {
				t.Errorf("%s: the cleanup is %+v", test.name, proposal)
			}
		}
	}
}

// Only a reader that is tagged and named by the operator and never served is removed.
func TestEvaluate_KeepsReaderThatIsNotFailed(t *testing.T) {
	for name, edit := range map[string]func(*scaling.Instance){
		"available":                func(i *scaling.Instance) { i.Status = scaling.StatusAvailable },
		"being created":            func(i *scaling.Instance) { i.Status = "creating" },
		"has served":               func(i *scaling.Instance) { i.CreatedAt = now.Add(-WarmUp) },
		"created by somebody else": func(i *scaling.Instance) { i.Tags = nil },
		"not named by dbscaler":    func(i *scaling.Instance) { i.Identifier = "reporting" },
	} {
		i := failedReader("failed")
		edit(&i)
		d := Evaluate(newPolicy(), newObservation(writer(large, constantLoad(40)), foreignReader("a", large, constantLoad(50)), i), now)
		for _, proposal := range d.Proposals {
			if proposal.Reason == "FailedReader" {
				t.Errorf("%s: %+v", name, proposal)
			}
		}
	}
}
