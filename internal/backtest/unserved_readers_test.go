package backtest

import (
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// A backtest knows as the operator does which readers never served.
func TestEngine_MarksUnservedReaders(t *testing.T) {
	e := engine{history: scaling.History{{UnservedReaders: []string{"engine-dbscaler-0a1b2c3d-1"}}}}
	observe := func(status string) scaling.Observation {
		o := scaling.Observation{Instances: []scaling.Instance{{Identifier: "w", Writer: true}, {Identifier: "engine-dbscaler-0a1b2c3d-1", Status: status}}}
		e.restoreState(&o)
		return o
	}
	o := observe("failed")
	if o.Instances[0].NeverServed || !o.Instances[1].NeverServed {
		t.Errorf("got %+v", o.Instances)
	}
	if o = observe("available"); o.Instances[1].NeverServed || len(e.history[0].UnservedReaders) > 0 {
		t.Errorf("in service: got %+v, %+v", o.Instances, e.history)
	}
}
