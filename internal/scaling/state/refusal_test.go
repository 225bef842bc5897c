package state

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// sourceError is a refusal that is not about the class.
type sourceError struct{ error }

func (sourceError) AboutClass() bool { return false }

// localError is a refusal of the operator's own check.
type localError struct{ error }

func (localError) SentToAWS() bool { return false }

func createCall(class string) scaling.Call {
	return scaling.Call{Action: scaling.CreateReader, Instance: "db-dbscaler-1", InstanceClass: class}
}

// A refusal is remembered for the class, for all classes when another one was refused with the same words or the class is not the
// cause, and for the instance when the action has no class.
func TestAddRefusal(t *testing.T) {
	unsupported := func(class string) error { return fmt.Errorf("RDS does not support DBInstanceClass=%s", class) }
	first := AddRefusal(nil, scaling.Readers, createCall(large), unsupported(large), 1, now)
	deleteCall := scaling.Call{Action: scaling.DeleteReader, Instance: "a"}
	for _, test := range []struct {
		name            string
		known           []scaling.Refusal
		call            scaling.Call
		err             error
		count           int
		class, instance string
		duration        time.Duration
	}{
		{"first", nil, createCall(large), unsupported(large), 1, large, "", 24 * time.Hour},
		{"another class with the same words", first, createCall(xlarge), unsupported(xlarge), 1, "", "", 24 * time.Hour},
		{"another class with other words", first, createCall(xlarge), errors.New("no Performance Insights"), 2, xlarge, "", 24 * time.Hour},
		{"the same class again", first, createCall(large), unsupported(large), 1, large, "", 24 * time.Hour},
		{"not about the class", nil, createCall(large), sourceError{errors.New("KMSKeyNotAccessible")}, 1, "", "", 24 * time.Hour},
		{"quota", nil, createCall(large), fmt.Errorf("%w: 40 instances", scaling.ErrQuota), 1, "", "", time.Hour},
		{"own check", nil, createCall(large), localError{errors.New("no writer")}, 1, large, "", time.Hour},
		{"an instance", nil, deleteCall, errors.New("protected"), 1, "", "a", 24 * time.Hour},
	} {
		got := AddRefusal(test.known, scaling.Readers, test.call, test.err, 1, now)
		if len(got) != test.count {
			t.Errorf("%s: got %+v", test.name, got)
			continue
		}
		last := got[len(got)-1]
		if last.InstanceClass != test.class || last.Instance != test.instance || !last.ExpiresAt.Equal(now.Add(test.duration).Truncate(time.Second)) ||
			last.Pool != scaling.Readers || last.Message == "" {
			t.Errorf("%s: got %+v", test.name, last)
		}
	}
}

// A refusal ends with time and with another generation of the spec.
func TestActiveRefusals(t *testing.T) {
	known := AddRefusal(nil, scaling.Writer, createCall(large), errors.New("no"), 3, now)
	for name, test := range map[string]struct {
		generation int64
		after      time.Duration
		want       int
	}{
		"at first":           {3, 0, 1},
		"almost a day later": {3, 24*time.Hour - 2*time.Second, 1},
		"a day later":        {3, 24 * time.Hour, 0},
		"another generation": {4, time.Minute, 0},
	} {
		if got := ActiveRefusals(known, test.generation, now.Add(test.after)); len(got) != test.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	var many []scaling.Refusal
	for n := range 70 {
		many = AddRefusal(many, scaling.Writer, scaling.Call{Action: scaling.DeleteReader, Instance: fmt.Sprint(n)}, errors.New("no"), 1, now)
	}
	if len(many) != 64 || many[63].Instance != "69" {
		t.Errorf("%d refusals are kept", len(many))
	}
}
