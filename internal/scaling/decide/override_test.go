package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func withOverride(readers, writer *scaling.Shape, ends time.Duration) func(*scaling.Policy) {
	return func(p *scaling.Policy) {
		p.ManualControl.Override = &scaling.ManualOverride{Readers: readers, Writer: writer, ExpiresAt: now.Add(ends)}
	}
}

func TestEvaluate_ManualOverride(t *testing.T) {
	as := func(count int, class string) *scaling.Shape {
		s := shape(count, class)
		return &s
	}
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Reason
		to          scaling.Shape
		direction   scaling.Direction
	}{
		{"a larger shape is applied whatever the load", newPolicy(withOverride(as(3, xlarge2), nil, time.Minute)),
			newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonOverride, shape(3, xlarge2), scaling.Up},
		{"a shape beyond the limits of the policy is applied",
			newPolicy(withReaders(1, 2, large), withOverride(as(6, xlarge4), nil, time.Minute)), newObservation(ownReader("a", large, scaling.Series{})),
			scaling.ReasonOverride, shape(6, xlarge4), scaling.Up},
		{"the current shape is kept although saturated", newPolicy(withOverride(as(2, xlarge), nil, time.Minute)),
			newObservation(twoReaders(xlarge, constantLoad(100))...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"an expired override has no effect", newPolicy(withOverride(as(2, xlarge), nil, 0)),
			newObservation(twoReaders(xlarge, constantLoad(100))...),
			scaling.ReasonScaleUp, shape(4, xlarge), scaling.Up},
		// 20 % of 8 are 1.6, 40 % of one xlarge; 40 % are 3.2, 80 % of it.
		{"a smaller shape that carries the load is applied", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)),
			newObservation(twoReaders(xlarge, constantLoad(20))...),
			scaling.ReasonOverride, shape(1, xlarge), scaling.Down},
		{"a smaller shape that does not carry the load is refused", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)),
			newObservation(twoReaders(xlarge, constantLoad(40))...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"a smaller shape is refused without samples", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)),
			newObservation(twoReaders(xlarge, scaling.Series{})...),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"a smaller shape is refused without memory samples", newPolicy(withOverride(as(1, xlarge), nil, time.Minute)),
			withFreeResources(newObservation(twoReaders(xlarge, constantLoad(5))...), -1, 1),
			scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"more and smaller instances are refused without memory samples", newPolicy(withOverride(as(6, large), nil, time.Minute)),
			withFreeResources(newObservation(twoReaders(xlarge, constantLoad(5))...), -1, 1), scaling.ReasonOverridden, scaling.Shape{}, ""},
		{"a shape of the writer is applied", newPolicy(withOverride(nil, as(1, xlarge2), time.Minute)),
			newObservation(writer(xlarge, constantLoad(50)), ownReader("a", xlarge, constantLoad(50))),
			scaling.ReasonOverride, shape(1, xlarge2), scaling.Up},
		{"the other pool is scaled by load", newPolicy(withOverride(nil, as(1, xlarge), time.Minute)),
			newObservation(writer(xlarge, constantLoad(50)), ownReader("a", xlarge, constantLoad(90))),
			scaling.ReasonScaleUp, shape(2, xlarge), scaling.Up},
		{"an unknown class is refused", newPolicy(withOverride(as(2, "db.z9.large"), nil, time.Minute)),
			newObservation(twoReaders(xlarge, constantLoad(50))...),
			scaling.ReasonUnknownClass, scaling.Shape{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			if reason(d) != test.want {
				t.Fatalf("got %s %v (%s), want %s", reason(d), d.Proposals, d.Hold.Message, test.want)
			}
			if test.to.Count > 0 && (d.Proposals[0].To != test.to || d.Proposals[0].Direction != test.direction) {
				t.Errorf("got %s to %s, want %s to %s", d.Proposals[0].Direction, d.Proposals[0].To, test.direction, test.to)
			}
		})
	}
}
