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
		{"a surge reader counts at once", []Step{done(CreateReader, 9), done(ModifyInstanceClass, 25), done(DeleteReader, 28)}, 9 * time.Minute},
		{"in place, when the first is done", []Step{done(ModifyInstanceClass, 14), done(ModifyInstanceClass, 30)}, 14 * time.Minute},
		{"by promotion with a surge reader", []Step{done(CreateReader, 8), done(ModifyInstanceClass, 20), done(Failover, 21)}, 8 * time.Minute},
		{"it was never done", []Step{done(CreateReader, 0)}, 0},
		{"it adds nothing", []Step{done(DeleteReader, 3)}, 0},
	} {
		if got := (Operation{StartedAt: testTime, Steps: test.steps}).LeadTime(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
