package operation

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// What was requested stays, the new readers have names of their own, and the resize still comes last.
func TestRaise(t *testing.T) {
	op := addTwo()
	op.To = scaling.Shape{InstanceClass: xlarge, Count: 3}
	op.Steps[0].Attempts = 1
	p, o := scaling.Policy{Target: scaling.Target{Identifier: "engine"}}, auroraCluster(writer(large), reader("a", large))
	proposal := scaling.Proposal{Cause: "more load", Change: scaling.Change{To: scaling.Shape{InstanceClass: xlarge, Count: 5}}}
	raised, err := Raise(p, o, op, proposal)
	if err != nil {
		t.Fatal(err)
	}
	if raised.To != proposal.To || raised.Cause != "more load" || len(op.Steps) != 3 || len(raised.Steps) != 5 {
		t.Fatalf("got %+v", raised)
	}
	var names []string
	for n, s := range raised.Steps {
		isLast := n == len(raised.Steps)-1
		if (s.Action == scaling.ModifyInstanceClass) != isLast || s.Surge {
			t.Errorf("step %d is %+v", n+1, s)
		}
		if slices.Contains(names, s.Instance) {
			t.Errorf("two steps have the name %s", s.Instance)
		}
		names = append(names, s.Instance)
	}
	if raised.Steps[0] != op.Steps[0] || raised.Steps[1] != op.Steps[1] {
		t.Errorf("the first steps were %+v and are %+v", op.Steps[:2], raised.Steps[:2])
	}
	for _, to := range []scaling.Shape{{InstanceClass: xlarge, Count: 3}, {InstanceClass: xlarge, Count: 2}, {InstanceClass: large, Count: 5}} {
		proposal.To = to
		if _, err := Raise(p, o, op, proposal); err == nil {
			t.Errorf("an operation to %s was raised to %s", op.To, to)
		}
	}
}
