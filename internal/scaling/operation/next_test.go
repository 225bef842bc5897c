package operation

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// operation of the steps, started at start, of which the first few are done.
func operationAfter(done int, steps ...scaling.Step) scaling.Operation {
	op := scaling.Operation{ID: operationID, Pool: scaling.Readers, Direction: scaling.Up, To: newShape(1, large), StartedAt: start}
	for n := range steps {
		if n < done {
			steps[n].Attempts, steps[n].StartedAt, steps[n].LastAttemptAt, steps[n].CompletedAt = 1, start, start, start
		}
	}
	op.Steps = steps
	return op
}

// requested is a step that AWS was asked for at start.
func requested(s scaling.Step) scaling.Step {
	s.Attempts, s.StartedAt, s.LastAttemptAt = 1, start, start
	return s
}

func createStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.CreateReader, Instance: name, InstanceClass: xlarge, PromotionTier: 15, Surge: true}
}

func resizeStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.ModifyInstanceClass, Instance: name, InstanceClass: xlarge}
}

func deleteStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.DeleteReader, Instance: name, Surge: true}
}

func failoverStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.Failover, Instance: name}
}

func tierStep(name string, n int) scaling.Step {
	return scaling.Step{Action: scaling.ModifyPromotionTier, Instance: name, PromotionTier: n}
}

func edited(i scaling.Instance, edit func(*scaling.Instance)) scaling.Instance {
	edit(&i)
	return i
}

func withStatus(i scaling.Instance, s string) scaling.Instance {
	i.Status = s
	return i
}

func withClusterStatus(s string, o scaling.Observation) scaling.Observation {
	o.Status = s
	return o
}

func asWriter(i scaling.Instance) scaling.Instance {
	i.Writer = true
	return i
}

func observedAfter(d time.Duration, o scaling.Observation) scaling.Observation {
	o.ObservedAt = start.Add(d)
	return o
}

// withoutConnections is an instance that no client is connected to.
func withoutConnections(i scaling.Instance) scaling.Instance {
	i.Connections = scaling.Series{{Time: start.Add(time.Second)}}
	return i
}

// nextConfirmed is Next, and once more where it wants to see an effect twice.
func nextConfirmed(op scaling.Operation, o scaling.Observation, now time.Time) Progress {
	progress := Next("platform/engine", op, o, now)
	for strings.HasPrefix(progress.Message, "Looking once more") {
		o.ObservedAt = o.ObservedAt.Add(time.Second)
		progress = Next("platform/engine", progress.Operation, o, now)
	}
	return progress
}

func TestNext_CallOfEachStep(t *testing.T) {
	o := auroraCluster(writer(large), reader("a", large), withoutConnections(ownReader("s", large, 1)))
	for _, test := range []struct {
		step scaling.Step
		want scaling.Call
	}{
		{resizeStep("a"), scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: xlarge}},
		{deleteStep("s"), scaling.Call{Action: scaling.DeleteReader, Instance: "s"}},
		{failoverStep("a"), scaling.Call{Action: scaling.Failover, Instance: "a"}},
		{tierStep("a", 0), scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "a"}},
		{createStep("n"), scaling.Call{
			Action: scaling.CreateReader, Instance: "n", InstanceClass: xlarge, PromotionTier: 15, Tags: map[string]string{
				"dbscaler.io/created-by": "dbscaler", "dbscaler.io/policy": "platform/engine", "dbscaler.io/surge-operation": operationID,
			},
		}},
		{scaling.Step{Action: scaling.CreateReader, Instance: "n", InstanceClass: large, PromotionTier: 1}, scaling.Call{
			Action: scaling.CreateReader, Instance: "n", InstanceClass: large, PromotionTier: 1, Tags: map[string]string{
				"dbscaler.io/created-by": "dbscaler", "dbscaler.io/policy": "platform/engine",
			},
		}},
	} {
		t.Run(describe(test.step), func(t *testing.T) {
			op := operationAfter(0, test.step)
			progress := Next("platform/engine", op, o, start)
			if progress.Outcome != Running || progress.Call == nil || !reflect.DeepEqual(*progress.Call, test.want) {
				t.Fatalf("got %+v with the call %+v, want %+v", progress, progress.Call, test.want)
			}
			if got := progress.Operation.Steps[0]; got.Attempts != 1 || !got.StartedAt.Equal(start) || !got.LastAttemptAt.Equal(start) {
				t.Errorf("what is to be persisted before it is %+v", got)
			}
			if op.Steps[0].Attempts != 0 {
				t.Error("the operation that was given is changed")
			}
		})
	}
}

// What the second of two steps sees. AWS was asked for it at 10:00, which is when the first was done.
func TestNext_StepStates(t *testing.T) {
	const minute = time.Minute
	w := writer(large)
	s := surgeReader("s", xlarge)
	slow := func(lag time.Duration) func(*scaling.Instance) {
		return func(i *scaling.Instance) { i.ReplicaLag.Value = lag }
	}
	unknownLag := func(i *scaling.Instance) { i.ReplicaLag = nil }
	pending := func(class string) func(*scaling.Instance) {
		return func(i *scaling.Instance) { i.PendingClass = class }
	}
	untagged := func(i *scaling.Instance) { i.Tags = nil }
	a, aDone := reader("a", large), reader("a", xlarge)

	for _, test := range []struct {
		name        string
		step        scaling.Step
		observation scaling.Observation
		want        Outcome
		call        bool
		says        string
	}{
		// Resizing.
		{"resized", resizeStep("a"), auroraCluster(w, aDone), Succeeded, false, ""},
		{"the class is there, the instance not yet", requested(resizeStep("a")), auroraCluster(w, withStatus(aDone, "modifying")), Running,
			false, "it is modifying"},
		{"the class is there, and another waits", requested(resizeStep("a")), auroraCluster(w, edited(aDone, pending(xlarge2))), Running,
			false, ""},
		{"accepted, not begun", requested(resizeStep("a")), auroraCluster(w, edited(a, pending(xlarge))), Running, false,
			"Waiting for a"},
		{"being resized, long after", requested(resizeStep("a")), observedAfter(80*minute, auroraCluster(w, withStatus(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"no trace yet", requested(resizeStep("a")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"no trace at all", requested(resizeStep("a")), observedAfter(2*minute, auroraCluster(w, a)), Running, true,
			"resize a to db.r6g.xlarge"},
		{"no trace, in an observation of before", requested(resizeStep("a")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"not done at the deadline", requested(resizeStep("a")), observedAfter(90*minute, auroraCluster(w, withStatus(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"not done by the deadline", requested(resizeStep("a")), observedAfter(91*minute, auroraCluster(w, withStatus(a, "modifying"))), Failed,
			false, "not done after 1h30m0s"},
		{"done after the deadline", requested(resizeStep("a")), observedAfter(91*minute, auroraCluster(w, aDone)), Succeeded, false, ""},
		{"gone", requested(resizeStep("a")), auroraCluster(w, reader("b", large)), Failed, false, "a does not exist any more"},
		{"broken", requested(resizeStep("a")), auroraCluster(w, withStatus(a, "incompatible-parameters")), Failed, false,
			"a is incompatible-parameters"},
		{"broken although it has the class", requested(resizeStep("a")), auroraCluster(w, withStatus(aDone, "storage-full")), Failed, false,
			"storage-full"},
		{"a status that nobody knows", requested(resizeStep("a")), auroraCluster(w, withStatus(a, "defrosting")), Running, false,
			"it is defrosting"},
		{"it has become the writer", resizeStep("a"), auroraCluster(asWriter(a), reader("b", large)), Failed, false,
			"a has become the writer"},
		{"it has become the writer, resized", resizeStep("a"), auroraCluster(asWriter(aDone), reader("b", large)), Succeeded, false,
			""},
		{"the only instance is the writer", resizeStep("a"), auroraCluster(asWriter(a)), Running, true, "resize a"},

		// Adding a reader.
		{"added", requested(createStep("s")), auroraCluster(w, a, s), Succeeded, false, ""},
		{"being created", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "creating")), Running, false, "it is creating"},
		{"its lag is not known", requested(createStep("s")), auroraCluster(w, a, edited(s, unknownLag)), Running, false,
			"first replica lag"},
		{"its lag is just small enough", requested(createStep("s")), auroraCluster(w, a, edited(surgeReader("s", xlarge), slow(5*time.Second))),
			Succeeded, false, ""},
		{"its lag is too great", requested(createStep("s")), auroraCluster(w, a, edited(surgeReader("s", xlarge), slow(5001*time.Millisecond))),
			Running, false, "less than 5s behind"},
		{"not there yet", requested(createStep("s")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"never there", requested(createStep("s")), observedAfter(2*minute, auroraCluster(w, a)), Running, true, "add the surge reader s"},
		{"somebody else's of that name", requested(createStep("s")), auroraCluster(w, a, edited(s, untagged)), Failed, false,
			"that dbscaler did not create"},
		{"being deleted by somebody", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "deleting")), Failed, false,
			"s is being deleted"},
		{"no capacity", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "insufficient-capacity")), Failed, false,
			"insufficient-capacity"},
		{"not created by the deadline", requested(createStep("s")), observedAfter(61*minute, auroraCluster(w, a, withStatus(s, "creating"))),
			Failed, false, "not done after 1h0m0s"},
		{"never in step with the writer", requested(createStep("s")), observedAfter(61*minute, auroraCluster(w, a, edited(s, unknownLag))),
			Failed, false, "not done after 1h0m0s"},

		// Removing a reader.
		{"removed", requested(deleteStep("s")), auroraCluster(w, a), Succeeded, false, ""},
		{"being removed", requested(deleteStep("s")), auroraCluster(w, a, withStatus(s, "deleting")), Running, false,
			"Waiting for s to be gone"},
		{"still there", requested(deleteStep("s")), observedAfter(2*minute, auroraCluster(w, a, withoutConnections(s))), Running, true, "remove the reader s"},
		{"the tag is lost", requested(deleteStep("s")), observedAfter(2*minute, auroraCluster(w, a, edited(s, untagged))), Failed, false,
			"was not created by dbscaler"},
		{"the tag is lost before it is asked for", deleteStep("s"), auroraCluster(w, a, edited(s, untagged)), Failed, false,
			"was not created by dbscaler"},
		{"it has become the writer, and is not removed", deleteStep("s"), auroraCluster(asWriter(s), a), Failed, false,
			"s has become the writer"},
		{"it is the last reader", deleteStep("s"), auroraCluster(w, s), Failed, false, "s is the last reader"},
		{"not removed by the deadline", requested(deleteStep("s")), observedAfter(61*minute, auroraCluster(w, a, withStatus(s, "deleting"))), Failed,
			false, "not done after 1h0m0s"},

		// Failing over.
		{"failed over", requested(failoverStep("a")), auroraCluster(asWriter(a), reader("w", large)), Succeeded, false, ""},
		{"failing over", requested(failoverStep("a")), withClusterStatus("failing-over", auroraCluster(w, a)), Running, false,
			"Waiting for a to take over"},
		{"the writer, still restarting", requested(failoverStep("a")),
			auroraCluster(asWriter(withStatus(a, "rebooting")), reader("w", large)), Running, false, "Waiting for a"},
		{"the writer, the cluster still busy", requested(failoverStep("a")),
			withClusterStatus("failing-over", auroraCluster(asWriter(a), reader("w", large))), Running, false, "Waiting for a"},
		{"no trace after two minutes", requested(failoverStep("a")), observedAfter(2*minute, auroraCluster(w, a)), Running, false, ""},
		{"no trace after five minutes", requested(failoverStep("a")), observedAfter(5*minute, auroraCluster(w, a)), Running, true,
			"fail over to a"},
		{"not failed over by the deadline", requested(failoverStep("a")), observedAfter(21*minute, auroraCluster(w, a)), Failed, false,
			"not done after 20m0s"},
		{"the heir is gone", failoverStep("a"), auroraCluster(w, reader("b", large)), Failed, false, "a does not exist any more"},

		// Setting a tier.
		{"the tier is set", requested(tierStep("a", 1)), auroraCluster(w, a), Succeeded, false, ""},
		{"the tier is not set yet", requested(tierStep("a", 0)), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"the tier is not set", requested(tierStep("a", 0)), observedAfter(2*minute, auroraCluster(w, a)), Running, true,
			"set the promotion tier of a to 0"},
		{"the tier is not set by the deadline", requested(tierStep("a", 0)), observedAfter(16*minute, auroraCluster(w, a)), Failed, false,
			"not done after 15m0s"},

		// Before a step begins, all must be at rest.
		{"at rest", resizeStep("a"), auroraCluster(w, a), Running, true, "Step 2 of 2"},
		{"the cluster is busy", resizeStep("a"), withClusterStatus("backing-up", auroraCluster(w, a)), Running, false,
			"the database is backing-up"},
		{"another instance is busy", resizeStep("a"), auroraCluster(w, a, withStatus(reader("b", large), "rebooting")), Running, false,
			"b is rebooting"},
		{"it is busy itself", resizeStep("a"), auroraCluster(w, withStatus(a, "backing-up")), Running, false, "it is backing-up"},
		{"another instance is to be resized", resizeStep("a"), auroraCluster(w, a, edited(reader("b", large), pending(xlarge))),
			Running, false, "b is about to become db.r6g.xlarge"},
		{"another change would come along", resizeStep("a"),
			auroraCluster(w, edited(a, func(i *scaling.Instance) { i.OtherPendingModifications = []string{"EngineVersion"} })), Running, false,
			"modifications that wait"},
		{"busy for two hours", resizeStep("a"), observedAfter(120*minute, auroraCluster(w, a, withStatus(reader("b", large), "upgrading"))),
			Running, false, "b is upgrading"},
		{"busy for longer", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, a, withStatus(reader("b", large), "upgrading"))),
			Failed, false, "could not begin to resize a to db.r6g.xlarge for 2h0m0s: b is upgrading"},
		{"busy itself for longer", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, withStatus(a, "upgrading"))), Failed, false,
			"could not begin to resize a to db.r6g.xlarge for 2h0m0s"},
		{"at rest after a long time", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, a)), Running, true, "resize a"},
		{"again, once it is at rest", requested(resizeStep("a")), observedAfter(2*minute, withClusterStatus("backing-up", auroraCluster(w, a))),
			Running, false, "the database is backing-up"},

		{"a step that a newer version planned", scaling.Step{Action: "Defrost", Instance: "a"}, auroraCluster(w, a), Failed,
			false, `does not know the action "Defrost"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := operationAfter(1, tierStep("w", 1), test.step)
			progress := nextConfirmed(op, test.observation, test.observation.ObservedAt)
			if progress.Outcome != test.want || (progress.Call != nil) != test.call || !strings.Contains(progress.Message, test.says) {
				t.Errorf("it is %s (%s) with the call %+v; want %s, a call %t, and to hear %q",
					progress.Outcome, progress.Message, progress.Call, test.want, test.call, test.says)
			}
			if progress.Outcome == Failed && progress.Operation.CurrentStep() != 1 {
				t.Errorf("it failed at step %d", progress.Operation.CurrentStep()+1)
			}
		})
	}
}

// A step is asked for again only when what was observed long after it shows nothing: a snapshot from before proves nothing.
func TestNext_NoRetryOnOldObservation(t *testing.T) {
	for step, quiet := range map[scaling.Action]time.Duration{scaling.ModifyInstanceClass: retryInterval, scaling.Failover: failoverRetryInterval} {
		s := requested(scaling.Step{Action: step, Instance: "a", InstanceClass: xlarge})
		o := auroraCluster(writer(large), reader("a", large))
		for _, test := range []struct {
			seen, now time.Duration
			want      bool
		}{
			{0, quiet, false},
			{quiet - PollInterval - time.Second, quiet, false},
			{quiet - PollInterval, quiet, true},
			{quiet, quiet, true},
			{quiet - time.Second, quiet - time.Second, false},
		} {
			progress := Next("platform/engine", operationAfter(0, s), observedAfter(test.seen, o), start.Add(test.now))
			if (progress.Call != nil) != test.want {
				t.Errorf("%s, observed after %s, at %s: asked again is %t", step, test.seen, test.now, progress.Call != nil)
			}
		}
	}
}

// A Multi-AZ DB cluster shows what happens to it only by its members.
func TestNext_MultiAZCluster(t *testing.T) {
	step := scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}
	w, a, b := writer(large), reader("a", large), reader("b", large)
	grown := func(i scaling.Instance) scaling.Instance { i.Class = xlarge; return i }
	behind := edited(b, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{Value: time.Minute} })
	unknown := edited(b, func(i *scaling.Instance) { i.ReplicaLag = nil })
	for _, test := range []struct {
		name        string
		step        scaling.Step
		observation scaling.Observation
		want        Outcome
		call        bool
		says        string
	}{
		{"at rest", step, auroraCluster(w, a, b), Running, true, "resize the cluster engine to db.r6g.xlarge"},
		{"a standby is behind", step, auroraCluster(w, a, behind), Running, false, "the standby b"},
		{"nobody knows", step, auroraCluster(w, a, unknown), Running, false, "the standby b"},
		{"no trace yet", requested(step), auroraCluster(w, a, b), Running, false, "resize"},
		{"no trace after two minutes", requested(step), observedAfter(2*time.Minute, auroraCluster(w, a, b)), Running, true, "resize"},
		{"under way", requested(step), withClusterStatus("modifying", auroraCluster(w, withStatus(a, "modifying"), b)), Running, false, "0 of 3 members are"},
		{"one is done", requested(step), observedAfter(time.Hour, withClusterStatus("modifying", auroraCluster(w, grown(a), b))), Running, false, "1 of 3 members are"},
		{"one is done, and all look at rest", requested(step), observedAfter(time.Hour, auroraCluster(w, grown(a), b)), Running, false, "1 of 3 members are"},
		{"all are, and one is not at rest", requested(step), auroraCluster(grown(w), withStatus(grown(a), "modifying"), grown(b)), Running, false, "3 of 3"},
		{"done", requested(step), auroraCluster(grown(w), grown(a), grown(b)), Succeeded, false, ""},
		{"a member is broken", requested(step), auroraCluster(w, a, withStatus(b, "storage-full")), Failed, false, "b is storage-full"},
		{"not done after four hours", requested(step), observedAfter(241*time.Minute, withClusterStatus("modifying", auroraCluster(w, grown(a), b))), Failed, false, "4h0m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			progress := nextConfirmed(operationAfter(0, test.step), asMultiAZCluster(test.observation), test.observation.ObservedAt)
			if progress.Outcome != test.want || (progress.Call != nil) != test.call || !strings.Contains(progress.Message, test.says) {
				t.Errorf("it is %s (%s) with the call %+v", progress.Outcome, progress.Message, progress.Call)
			}
		})
	}
}

// One look is not enough: what AWS tells of one moment may be out of date, or pass.
func TestNext_ConfirmsEffectTwice(t *testing.T) {
	done, undone := auroraCluster(writer(large), reader("a", xlarge)), auroraCluster(writer(large), reader("a", large))
	op := operationAfter(0, requested(resizeStep("a")))
	for n, o := range []scaling.Observation{done, done, observedAfter(PollInterval, undone), observedAfter(2*PollInterval, done), observedAfter(2*PollInterval, done), observedAfter(3*PollInterval, done)} {
		progress := Next("platform/engine", op, o, o.ObservedAt)
		op = progress.Operation
		if want := n == 5; (progress.Outcome == Succeeded) != want {
			t.Errorf("at look %d it is %s: %s", n+1, progress.Outcome, progress.Message)
		}
	}
}

// What a step waits for although nothing else goes on.
func TestNext_WaitReasons(t *testing.T) {
	const minute = time.Minute
	heir := func(edit func(*scaling.Instance)) scaling.Observation {
		return auroraCluster(writer(large), edited(reader("a", xlarge), edit))
	}
	resized := resizeStep("a")
	going := func(edit func(*scaling.Instance)) scaling.Observation {
		return auroraCluster(writer(large), reader("a", large), edited(ownReader("s", large, 1), edit))
	}
	for _, test := range []struct {
		name        string
		steps       []scaling.Step
		observation scaling.Observation
		now         time.Duration
		says        string // nothing: it is asked for
	}{
		{"an heir whose lag is unknown", []scaling.Step{failoverStep("a")}, heir(func(i *scaling.Instance) { i.ReplicaLag = nil }), 0, "lag of a is not known"},
		{"an heir that is behind", []scaling.Step{failoverStep("a")},
			heir(func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: start, Value: 6 * time.Second} }), 0, "more than 5s behind"},
		{"an heir that was just restarted", []scaling.Step{failoverStep("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-4 * minute) }), 0, "its cache is cold"},
		{"an heir in service for five minutes", []scaling.Step{failoverStep("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-5 * minute) }), 0, ""},
		{"an heir that was just resized", []scaling.Step{resized, failoverStep("a")}, heir(func(*scaling.Instance) {}), 4 * minute, "its cache is cold"},
		{"an heir that was resized before", []scaling.Step{resized, failoverStep("a")}, heir(func(*scaling.Instance) {}), 5 * minute, ""},
		{"an heir whose uptime shows that it came back early", []scaling.Step{resized, failoverStep("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-6 * minute) }), 0, ""},
		{"an heir whose uptime is from before it was resized", []scaling.Step{resized, failoverStep("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-21 * minute) }), minute, "its cache is cold"},
		{"a reader with clients", []scaling.Step{deleteStep("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute), Value: 3}} }), 4 * minute, "its clients have 5m0s"},
		{"a reader with clients that do not leave", []scaling.Step{deleteStep("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute), Value: 3}} }), 5 * minute, ""},
		{"a reader whose clients have left", []scaling.Step{deleteStep("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute)}} }), 2 * minute, ""},
		{"a reader that had no clients before", []scaling.Step{deleteStep("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(-minute)}} }), 2 * minute, "its clients have 5m0s"},
		{"a reader whose clients are unknown", []scaling.Step{deleteStep("s")}, going(func(*scaling.Instance) {}), 2 * minute, "its clients have 5m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := operationAfter(len(test.steps)-1, test.steps...)
			op.To = newShape(1, xlarge)
			if len(op.Steps) > 1 {
				op.Steps[0].StartedAt = start.Add(-20 * minute)
			}
			progress := Next("platform/engine", op, observedAfter(test.now, test.observation), start.Add(test.now))
			if progress.Outcome != Running || (progress.Call == nil) != (test.says != "") || !strings.Contains(progress.Message, test.says) {
				t.Errorf("it is %s (%s) with the call %+v; want to hear %q", progress.Outcome, progress.Message, progress.Call, test.says)
			}
		})
	}
}

func TestNext_FailsAfterFiveAttempts(t *testing.T) {
	op := operationAfter(0, resizeStep("a"))
	o := auroraCluster(writer(large), reader("a", large))
	calls := 0
	var progress Progress
	for n := range 100 {
		progress = Next("platform/engine", op, observedAfter(time.Duration(n)*PollInterval, o), start.Add(time.Duration(n)*PollInterval))
		op = progress.Operation
		if progress.Call != nil {
			calls++
		}
		if progress.Outcome != Running {
			break
		}
	}
	if calls != 5 || progress.Outcome != Failed || !strings.Contains(progress.Message, "asked 5 times for resize a") {
		t.Errorf("after %d calls it is %s: %s", calls, progress.Outcome, progress.Message)
	}
}

// Whoever removes a reader that the operation added takes away what makes the next step safe.
func TestNext_FailsWithoutSurgeReader(t *testing.T) {
	without := auroraCluster(writer(large), reader("a", large), reader("b", large))
	for name, step := range map[string]scaling.Step{"resizing": resizeStep("a"), "failing over": failoverStep("a")} {
		progress := Next("platform/engine", operationAfter(1, createStep("s"), step), without, start)
		if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "s, which this operation added") {
			t.Errorf("%s: it is %s (%s) with the call %+v", name, progress.Outcome, progress.Message, progress.Call)
		}
	}
	progress := nextConfirmed(operationAfter(2, createStep("s"), resizeStep("a"), deleteStep("s")), without, start)
	if progress.Outcome != Succeeded {
		t.Errorf("when it is to go anyway: it is %s (%s)", progress.Outcome, progress.Message)
	}
}

// Whoever resizes the heir meanwhile must not make the database smaller than it was to be.
func TestNext_FailsOnPromotionCandidateClass(t *testing.T) {
	op := operationAfter(0, failoverStep("a"))
	op.To = newShape(1, xlarge)
	progress := Next("platform/engine", op, auroraCluster(writer(large), reader("a", large)), start)
	if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "a is a db.r6g.large and no db.r6g.xlarge any more") {
		t.Errorf("it is %s (%s) with the call %+v", progress.Outcome, progress.Message, progress.Call)
	}
}

// A writer that lost its role meanwhile is not resized in place, in whatever operation: that would interrupt writes.
func TestNext_FailsAfterForeignFailover(t *testing.T) {
	for _, way := range planCases() {
		op, _ := way.start(t)
		for n, step := range op.Steps {
			if step.Action != scaling.ModifyInstanceClass || !canPromoteReader(way.observation) {
				continue
			}
			world := newFakeCluster(t, way.observation)
			for _, created := range op.Steps[:n] {
				if created.Action == scaling.CreateReader {
					world.instances = append(world.instances, ownReader(created.Instance, created.InstanceClass, 0))
				}
			}
			for k := range world.instances {
				world.instances[k].Writer = world.instances[k].Identifier == step.Instance
			}
			progress := Next("platform/engine", operationAfter(n, op.Steps...), world.observe(), start)
			if progress.Outcome != Failed || progress.Call != nil {
				t.Errorf("%s, step %d: it is %s (%s) with the call %+v", way.name, n+1, progress.Outcome, progress.Message, progress.Call)
			}
		}
	}
}

// What is already as it should be is not asked for, whoever made it so.
func TestNext_SkipsDoneSteps(t *testing.T) {
	op := operationAfter(0, createStep("s"), resizeStep("a"), resizeStep("b"), deleteStep("s"))
	o := auroraCluster(writer(large), reader("a", xlarge), reader("b", large), surgeReader("s", xlarge))
	progress := nextConfirmed(op, o, start)
	if progress.Call == nil || progress.Call.Instance != "b" || progress.Operation.CurrentStep() != 2 {
		t.Errorf("at step %d it asks for %+v", progress.Operation.CurrentStep()+1, progress.Call)
	}
	for n, s := range progress.Operation.Steps[:2] {
		if !s.CompletedAt.Equal(start) || s.Attempts != 0 {
			t.Errorf("step %d: %+v", n+1, s)
		}
	}
}

func TestStepDeadlines_CoverEveryAction(t *testing.T) {
	for _, way := range planCases() {
		op, _ := way.start(t)
		for _, s := range op.Steps {
			if stepDeadlines[s.Action] <= failoverRetryInterval {
				t.Errorf("%s may take %s in all", s.Action, stepDeadlines[s.Action])
			}
		}
	}
	for action := range maps.Keys(stepDeadlines) {
		if describe(scaling.Step{Action: action, Instance: "a"}) == string(action) {
			t.Errorf("%s cannot be told in words", action)
		}
	}
}
