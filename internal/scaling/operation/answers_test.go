package operation

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// runningResize is an operation that resizes a reader.
func runningResize() scaling.Operation {
	return scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{
		{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: xlarge},
	}}
}

func TestRecordAnswer(t *testing.T) {
	busy := func(text string) error { return fmt.Errorf("%w: %s", scaling.ErrBusy, text) }
	op := runningResize()
	call := callOf(op.Steps[0])
	for _, test := range []struct {
		name   string
		err    error
		answer string
		same   int
	}{
		{"first answer", busy("not in available state"), "busy: not in available state", 1},
		{"the same again", busy("not in available state"), "busy: not in available state", 2},
		{"another answer", busy("replication is off"), "busy: replication is off", 1},
		{"throttled", fmt.Errorf("%w: slow down", scaling.ErrThrottled), "throttled: slow down", 0},
		{"after a throttled request", busy("replication is off"), "busy: replication is off", 1},
		{"no answer", scaling.ErrUnavailable, "AWS unavailable", 0},
		{"accepted", nil, "", 0},
	} {
		before := op.Steps[0]
		next := RecordAnswer(op, call, test.err)
		if s := next.Steps[0]; s.Answer != test.answer || s.SameAnswers != test.same {
			t.Errorf("%s: got %q, %d times", test.name, s.Answer, s.SameAnswers)
		}
		if op.Steps[0] != before {
			t.Errorf("%s: the operation was changed in place", test.name)
		}
		op = next
	}
	long := RecordAnswer(op, call, errors.New(strings.Repeat("ü", 1000))).Steps[0].Answer
	if len(long) > 1024 || !strings.HasSuffix(long, "ü…") {
		t.Errorf("a long answer has %d bytes: %q", len(long), long[len(long)-10:])
	}
}

// After five equal answers of an available database the operation ends as refused, with the words of AWS. A state that may pass is not
// a refusal.
func TestNext_EndsAfterEqualAnswers(t *testing.T) {
	for _, test := range []struct {
		name    string
		status  string
		answer  func(attempt int) error
		refused bool
	}{
		{"equal answers", "available", func(int) error { return fmt.Errorf("%w: replication is off", scaling.ErrBusy) }, true},
		{"different answers", "available", func(n int) error { return fmt.Errorf("%w: attempt %d", scaling.ErrBusy, n) }, false},
		{"throttled in between", "available", func(n int) error {
			if n == 4 {
				return scaling.ErrThrottled
			}
			return fmt.Errorf("%w: replication is off", scaling.ErrBusy)
		}, false},
		{"while AWS works on the storage", "storage-optimization", func(int) error { return fmt.Errorf("%w: no", scaling.ErrBusy) }, false},
		{"no answer recorded", "available", nil, false},
	} {
		op, attempts := runningResize(), 0
		var progress Progress
		for at := start; at.Before(start.Add(time.Hour)); at = at.Add(time.Minute) {
			r := reader("a", large)
			r.Status = test.status
			o := auroraCluster(writer(large), r)
			o.ObservedAt = at
			if progress = Next("platform/engine", op, o, at); progress.Outcome == Failed {
				break
			}
			if op = progress.Operation; progress.Call != nil && test.answer != nil {
				attempts++
				op = RecordAnswer(op, *progress.Call, test.answer(attempts))
			}
		}
		if progress.Outcome != Failed || (progress.Refused != nil) != test.refused {
			t.Errorf("%s: got %+v", test.name, progress)
		}
		hasAnswer := strings.Contains(progress.Message, "its last answer was")
		if !strings.Contains(progress.Message, "AWS was asked 5 times to resize a") || hasAnswer != (test.answer != nil) {
			t.Errorf("%s: the message is %q", test.name, progress.Message)
		}
	}
}

func TestRetractRefusedAttempt(t *testing.T) {
	op := runningResize()
	op.Steps[0].Attempts, op.Steps[0].LastAttemptAt = 1, start
	if got := RetractRefusedAttempt(op, callOf(op.Steps[0])); got.MayHaveChanged() || op.Steps[0].Attempts != 1 {
		t.Errorf("the only attempt: got %+v", got)
	}
	op.Steps[0].Attempts = 2
	if got := RetractRefusedAttempt(op, callOf(op.Steps[0])); !got.MayHaveChanged() {
		t.Errorf("the second attempt: got %+v", got)
	}
}

// A surge reader that AWS is known to refuse is not planned. Readers without clients are removed first, and the source of others never.
func TestPlan_ReadReplicas(t *testing.T) {
	own := func(name string, created time.Duration, replicas ...string) scaling.Instance {
		i := reader(name, large)
		i.Tags, i.CreatedAt, i.Replicas = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}, start.Add(-created), replicas
		return i
	}
	unused := own("b", 48*time.Hour)
	unused.Connections = scaling.NewSeries(5*time.Minute, start.Add(-2*time.Hour), make([]float64, 24)...)
	o := asReadReplicas(auroraCluster(writer(large), reader("a", large), unused, own("c", time.Hour)))
	down := func(count int) scaling.Proposal {
		return scaling.Proposal{Change: scaling.Change{Pool: scaling.Readers, Direction: scaling.Down, From: o.Shape(scaling.Readers), To: newShape(count, large)}}
	}
	op, err := Plan(surgePolicy(), o, down(2), operationID, start)
	if err != nil || len(op.Steps) != 1 || op.Steps[0].Instance != "b" {
		t.Errorf("without clients first: got %+v, %v", op.Steps, err)
	}
	o.Instances[3].Replicas = []string{"copy"}
	if op, err := Plan(surgePolicy(), o, down(1), operationID, start); err == nil {
		t.Errorf("the source of others: got %+v", op.Steps)
	}
	state, message := inspectStep(scaling.Step{Action: scaling.DeleteReader, Instance: "c"}, o)
	if state != stateImpossible || !strings.Contains(message, "copy") {
		t.Errorf("the deletion of the source of others is %v: %s", state, message)
	}
	up := scaling.Proposal{Change: scaling.Change{Pool: scaling.Readers, Direction: scaling.Up, From: o.Shape(scaling.Readers), To: newShape(3, xlarge)}}
	hasSurge := func(o scaling.Observation) bool {
		op, err := Plan(surgePolicy(), o, up, operationID, start)
		return err == nil && op.Steps[0].Surge
	}
	if !hasSurge(o) {
		t.Error("no surge reader is planned")
	}
	o.CannotReplicate = "no backups"
	if hasSurge(o) {
		t.Error("a surge reader is planned, and AWS creates none")
	}
	o.CannotReplicate = ""
	o.Refusals = []scaling.Refusal{{Pool: scaling.Writer, Action: scaling.CreateReader, InstanceClass: xlarge, ExpiresAt: start.Add(time.Hour)}}
	if hasSurge(o) {
		t.Error("a surge reader is planned, and AWS has refused one")
	}
	o.Refusals, o.LicenseModel = nil, "bring-your-own-license"
	policy := surgePolicy()
	smaller := scaling.Proposal{Change: scaling.Change{Pool: scaling.Readers, Direction: scaling.Down, From: o.Shape(scaling.Readers), To: newShape(3, "db.r6g.medium")}}
	for _, allowed := range []bool{false, true} {
		policy.Guardrails.AllowLicenseGrowth = allowed
		op, err := Plan(policy, o, smaller, operationID, start)
		if err != nil || op.Steps[0].Surge != allowed {
			t.Errorf("own licence, growth allowed %t: got %+v, %v", allowed, op.Steps, err)
		}
	}
}

// A new reader avoids the zones in which AWS does not offer the class.
func TestNext_AvoidsZonesWithoutClass(t *testing.T) {
	op := scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{
		{Action: scaling.CreateReader, Instance: "n", InstanceClass: large},
	}}
	o := auroraCluster(writer(large), reader("a", large))
	o.OrderableGaps = map[string]scaling.OrderableGap{large: {Zones: []string{"eu-west-1c"}}}
	if call := Next("platform/engine", op, o, start).Call; call == nil || strings.Join(call.AvoidZones, " ") != "eu-west-1c" {
		t.Errorf("the call is %+v", call)
	}
}

// The wait before a removal names the address that the clients of a read replica lose.
func TestNext_NamesAddressOfRemovedReplica(t *testing.T) {
	i := reader("b", large)
	i.Tags, i.Endpoint = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}, "b.example:5432"
	op := scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{{Action: scaling.DeleteReader, Instance: "b"}}}
	o := auroraCluster(writer(large), reader("a", large), i)
	if got := Next("p", op, asReadReplicas(o), start.Add(time.Minute)).Message; !strings.Contains(got, "b.example:5432") {
		t.Errorf("got %q", got)
	}
	if got := Next("p", op, o, start.Add(time.Minute)).Message; strings.Contains(got, "b.example:5432") {
		t.Errorf("in a cluster: got %q", got)
	}
}
