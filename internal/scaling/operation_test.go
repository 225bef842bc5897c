package scaling

import (
	"testing"
	"time"
)

func TestOperation_LeadTime(t *testing.T) {
	done := func(action Action, minutes int) Step {
		s := Step{Action: action}
		if minutes > 0 {
			s.CompletedAt = testTime.Add(time.Duration(minutes) * time.Minute)
		}
		return s
	}
	for _, test := range []struct {
		name  string
		steps []Step
		want  time.Duration
	}{
		{"until the surge reader is created", []Step{done(CreateReader, 9), done(ModifyInstanceClass, 25), done(DeleteReader, 28)},
			9 * time.Minute},
		{"in place: until the first instance is resized", []Step{done(ModifyInstanceClass, 14), done(ModifyInstanceClass, 30)}, 14 * time.Minute},
		{"with failover: until the surge reader is created",
			[]Step{done(CreateReader, 8), done(ModifyInstanceClass, 20), done(Failover, 21)}, 8 * time.Minute},
		{"the reader was never created", []Step{done(CreateReader, 0)}, 0},
		{"no step adds capacity", []Step{done(DeleteReader, 3)}, 0},
	} {
		if got := (Operation{StartedAt: testTime, Steps: test.steps}).LeadTime(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
