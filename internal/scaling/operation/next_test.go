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
func underWay(done int, steps ...scaling.Step) scaling.Operation {
	op := scaling.Operation{ID: id, Pool: scaling.Readers, Direction: scaling.Up, To: shape(1, large), StartedAt: start}
	for n := range steps {
		if n < done {
			steps[n].Attempts, steps[n].StartedAt, steps[n].LastAttemptAt, steps[n].CompletedAt = 1, start, start, start
		}
	}
	op.Steps = steps
	return op
}

// asked is a step that AWS was asked for at start.
func asked(s scaling.Step) scaling.Step {
	s.Attempts, s.StartedAt, s.LastAttemptAt = 1, start, start
	return s
}

func creation(name string) scaling.Step {
	return scaling.Step{Action: scaling.CreateReader, Instance: name, InstanceClass: xlarge, PromotionTier: 15, Surge: true}
}

func resizing(name string) scaling.Step {
	return scaling.Step{Action: scaling.ModifyInstanceClass, Instance: name, InstanceClass: xlarge}
}

func removal(name string) scaling.Step {
	return scaling.Step{Action: scaling.DeleteReader, Instance: name, Surge: true}
}

func failover(name string) scaling.Step {
	return scaling.Step{Action: scaling.Failover, Instance: name}
}

func retiering(name string, n int) scaling.Step {
	return scaling.Step{Action: scaling.ModifyPromotionTier, Instance: name, PromotionTier: n}
}

func with(i scaling.Instance, edit func(*scaling.Instance)) scaling.Instance {
	edit(&i)
	return i
}

func status(i scaling.Instance, s string) scaling.Instance {
	i.Status = s
	return i
}

func clusterIs(s string, o scaling.Observation) scaling.Observation {
	o.Status = s
	return o
}

func promoted(i scaling.Instance) scaling.Instance {
	i.Writer = true
	return i
}

func after(d time.Duration, o scaling.Observation) scaling.Observation {
	o.ObservedAt = start.Add(d)
	return o
}

// unused is an instance that no client is connected to.
func unused(i scaling.Instance) scaling.Instance {
	i.Connections = scaling.Series{{Time: start.Add(time.Second)}}
	return i
}

// look is Next, and once more where it wants to see an effect twice.
func look(op scaling.Operation, o scaling.Observation, now time.Time) Progress {
	progress := Next("platform/engine", op, o, now)
	for strings.HasPrefix(progress.Message, "Looking once more") {
		o.ObservedAt = o.ObservedAt.Add(time.Second)
		progress = Next("platform/engine", progress.Operation, o, now)
	}
	return progress
}

func TestTheCallOfEachStep(t *testing.T) {
	o := cluster(writer(large), reader("a", large), unused(own("s", large, 1)))
	for _, test := range []struct {
		step scaling.Step
		want scaling.Call
	}{
		{resizing("a"), scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: xlarge}},
		{removal("s"), scaling.Call{Action: scaling.DeleteReader, Instance: "s"}},
		{failover("a"), scaling.Call{Action: scaling.Failover, Instance: "a"}},
		{retiering("a", 0), scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "a"}},
		{creation("n"), scaling.Call{
			Action: scaling.CreateReader, Instance: "n", InstanceClass: xlarge, PromotionTier: 15, Tags: map[string]string{
				"dbscaler.io/created-by": "dbscaler", "dbscaler.io/policy": "platform/engine", "dbscaler.io/surge-operation": id,
			},
		}},
		{scaling.Step{Action: scaling.CreateReader, Instance: "n", InstanceClass: large, PromotionTier: 1}, scaling.Call{
			Action: scaling.CreateReader, Instance: "n", InstanceClass: large, PromotionTier: 1, Tags: map[string]string{
				"dbscaler.io/created-by": "dbscaler", "dbscaler.io/policy": "platform/engine",
			},
		}},
	} {
		t.Run(describe(test.step), func(t *testing.T) {
			op := underWay(0, test.step)
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
func TestWhatIsSeenOfAStep(t *testing.T) {
	const minute = time.Minute
	w := writer(large)
	s := surge("s", xlarge)
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
		{"resized", resizing("a"), cluster(w, aDone), Succeeded, false, ""},
		{"the class is there, the instance not yet", asked(resizing("a")), cluster(w, status(aDone, "modifying")), Running,
			false, "it is modifying"},
		{"the class is there, and another waits", asked(resizing("a")), cluster(w, with(aDone, pending(xlarge2))), Running,
			false, ""},
		{"accepted, not begun", asked(resizing("a")), cluster(w, with(a, pending(xlarge))), Running, false,
			"Waiting for a"},
		{"being resized, long after", asked(resizing("a")), after(80*minute, cluster(w, status(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"no trace yet", asked(resizing("a")), after(minute, cluster(w, a)), Running, false, ""},
		{"no trace at all", asked(resizing("a")), after(2*minute, cluster(w, a)), Running, true,
			"resize a to db.r6g.xlarge"},
		{"no trace, in an observation of before", asked(resizing("a")), after(minute, cluster(w, a)), Running, false, ""},
		{"not done at the deadline", asked(resizing("a")), after(90*minute, cluster(w, status(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"not done by the deadline", asked(resizing("a")), after(91*minute, cluster(w, status(a, "modifying"))), Failed,
			false, "not done after 1h30m0s"},
		{"done after the deadline", asked(resizing("a")), after(91*minute, cluster(w, aDone)), Succeeded, false, ""},
		{"gone", asked(resizing("a")), cluster(w, reader("b", large)), Failed, false, "a does not exist any more"},
		{"broken", asked(resizing("a")), cluster(w, status(a, "incompatible-parameters")), Failed, false,
			"a is incompatible-parameters"},
		{"broken although it has the class", asked(resizing("a")), cluster(w, status(aDone, "storage-full")), Failed, false,
			"storage-full"},
		{"a status that nobody knows", asked(resizing("a")), cluster(w, status(a, "defrosting")), Running, false,
			"it is defrosting"},
		{"it has become the writer", resizing("a"), cluster(promoted(a), reader("b", large)), Failed, false,
			"a has become the writer"},
		{"it has become the writer, resized", resizing("a"), cluster(promoted(aDone), reader("b", large)), Succeeded, false,
			""},
		{"the only instance is the writer", resizing("a"), cluster(promoted(a)), Running, true, "resize a"},

		// Adding a reader.
		{"added", asked(creation("s")), cluster(w, a, s), Succeeded, false, ""},
		{"being created", asked(creation("s")), cluster(w, a, status(s, "creating")), Running, false, "it is creating"},
		{"its lag is not known", asked(creation("s")), cluster(w, a, with(s, unknownLag)), Running, false,
			"first replica lag"},
		{"its lag is just small enough", asked(creation("s")), cluster(w, a, with(surge("s", xlarge), slow(5*time.Second))),
			Succeeded, false, ""},
		{"its lag is too great", asked(creation("s")), cluster(w, a, with(surge("s", xlarge), slow(5001*time.Millisecond))),
			Running, false, "less than 5s behind"},
		{"not there yet", asked(creation("s")), after(minute, cluster(w, a)), Running, false, ""},
		{"never there", asked(creation("s")), after(2*minute, cluster(w, a)), Running, true, "add the surge reader s"},
		{"somebody else's of that name", asked(creation("s")), cluster(w, a, with(s, untagged)), Failed, false,
			"that dbscaler did not create"},
		{"being deleted by somebody", asked(creation("s")), cluster(w, a, status(s, "deleting")), Failed, false,
			"s is being deleted"},
		{"no capacity", asked(creation("s")), cluster(w, a, status(s, "insufficient-capacity")), Failed, false,
			"insufficient-capacity"},
		{"not created by the deadline", asked(creation("s")), after(61*minute, cluster(w, a, status(s, "creating"))),
			Failed, false, "not done after 1h0m0s"},
		{"never in step with the writer", asked(creation("s")), after(61*minute, cluster(w, a, with(s, unknownLag))),
			Failed, false, "not done after 1h0m0s"},

		// Removing a reader.
		{"removed", asked(removal("s")), cluster(w, a), Succeeded, false, ""},
		{"being removed", asked(removal("s")), cluster(w, a, status(s, "deleting")), Running, false,
			"Waiting for s to be gone"},
		{"still there", asked(removal("s")), after(2*minute, cluster(w, a, unused(s))), Running, true, "remove the reader s"},
		{"the tag is lost", asked(removal("s")), after(2*minute, cluster(w, a, with(s, untagged))), Failed, false,
			"was not created by dbscaler"},
		{"the tag is lost before it is asked for", removal("s"), cluster(w, a, with(s, untagged)), Failed, false,
			"was not created by dbscaler"},
		{"it has become the writer, and is not removed", removal("s"), cluster(promoted(s), a), Failed, false,
			"s has become the writer"},
		{"it is the last reader", removal("s"), cluster(w, s), Failed, false, "s is the last reader"},
		{"not removed by the deadline", asked(removal("s")), after(61*minute, cluster(w, a, status(s, "deleting"))), Failed,
			false, "not done after 1h0m0s"},

		// Failing over.
		{"failed over", asked(failover("a")), cluster(promoted(a), reader("w", large)), Succeeded, false, ""},
		{"failing over", asked(failover("a")), clusterIs("failing-over", cluster(w, a)), Running, false,
			"Waiting for a to take over"},
		{"the writer, still restarting", asked(failover("a")),
			cluster(promoted(status(a, "rebooting")), reader("w", large)), Running, false, "Waiting for a"},
		{"the writer, the cluster still busy", asked(failover("a")),
			clusterIs("failing-over", cluster(promoted(a), reader("w", large))), Running, false, "Waiting for a"},
		{"no trace after two minutes", asked(failover("a")), after(2*minute, cluster(w, a)), Running, false, ""},
		{"no trace after five minutes", asked(failover("a")), after(5*minute, cluster(w, a)), Running, true,
			"fail over to a"},
		{"not failed over by the deadline", asked(failover("a")), after(21*minute, cluster(w, a)), Failed, false,
			"not done after 20m0s"},
		{"the heir is gone", failover("a"), cluster(w, reader("b", large)), Failed, false, "a does not exist any more"},

		// Setting a tier.
		{"the tier is set", asked(retiering("a", 1)), cluster(w, a), Succeeded, false, ""},
		{"the tier is not set yet", asked(retiering("a", 0)), after(minute, cluster(w, a)), Running, false, ""},
		{"the tier is not set", asked(retiering("a", 0)), after(2*minute, cluster(w, a)), Running, true,
			"set the promotion tier of a to 0"},
		{"the tier is not set by the deadline", asked(retiering("a", 0)), after(16*minute, cluster(w, a)), Failed, false,
			"not done after 15m0s"},

		// Before a step begins, all must be at rest.
		{"at rest", resizing("a"), cluster(w, a), Running, true, "Step 2 of 2"},
		{"the cluster is busy", resizing("a"), clusterIs("backing-up", cluster(w, a)), Running, false,
			"the database is backing-up"},
		{"another instance is busy", resizing("a"), cluster(w, a, status(reader("b", large), "rebooting")), Running, false,
			"b is rebooting"},
		{"it is busy itself", resizing("a"), cluster(w, status(a, "backing-up")), Running, false, "it is backing-up"},
		{"another instance is to be resized", resizing("a"), cluster(w, a, with(reader("b", large), pending(xlarge))),
			Running, false, "b is about to become db.r6g.xlarge"},
		{"another change would come along", resizing("a"),
			cluster(w, with(a, func(i *scaling.Instance) { i.OtherPendingModifications = []string{"EngineVersion"} })), Running, false,
			"modifications that wait"},
		{"busy for two hours", resizing("a"), after(120*minute, cluster(w, a, status(reader("b", large), "upgrading"))),
			Running, false, "b is upgrading"},
		{"busy for longer", resizing("a"), after(121*minute, cluster(w, a, status(reader("b", large), "upgrading"))),
			Failed, false, "could not begin to resize a to db.r6g.xlarge for 2h0m0s: b is upgrading"},
		{"busy itself for longer", resizing("a"), after(121*minute, cluster(w, status(a, "upgrading"))), Failed, false,
			"could not begin to resize a to db.r6g.xlarge for 2h0m0s"},
		{"at rest after a long time", resizing("a"), after(121*minute, cluster(w, a)), Running, true, "resize a"},
		{"again, once it is at rest", asked(resizing("a")), after(2*minute, clusterIs("backing-up", cluster(w, a))),
			Running, false, "the database is backing-up"},

		{"a step that a newer version planned", scaling.Step{Action: "Defrost", Instance: "a"}, cluster(w, a), Failed,
			false, `does not know the action "Defrost"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := underWay(1, retiering("w", 1), test.step)
			progress := look(op, test.observation, test.observation.ObservedAt)
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
func TestAnOldObservationProvesNothing(t *testing.T) {
	for step, quiet := range map[scaling.Action]time.Duration{scaling.ModifyInstanceClass: settle, scaling.Failover: settleFailover} {
		s := asked(scaling.Step{Action: step, Instance: "a", InstanceClass: xlarge})
		o := cluster(writer(large), reader("a", large))
		for _, test := range []struct {
			seen, now time.Duration
			want      bool
		}{
			{0, quiet, false},
			{quiet - Poll - time.Second, quiet, false},
			{quiet - Poll, quiet, true},
			{quiet, quiet, true},
			{quiet - time.Second, quiet - time.Second, false},
		} {
			progress := Next("platform/engine", underWay(0, s), after(test.seen, o), start.Add(test.now))
			if (progress.Call != nil) != test.want {
				t.Errorf("%s, observed after %s, at %s: asked again is %t", step, test.seen, test.now, progress.Call != nil)
			}
		}
	}
}

// A Multi-AZ DB cluster shows what happens to it only by its members.
func TestACluster(t *testing.T) {
	step := scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}
	w, a, b := writer(large), reader("a", large), reader("b", large)
	grown := func(i scaling.Instance) scaling.Instance { i.Class = xlarge; return i }
	behind := with(b, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{Value: time.Minute} })
	unknown := with(b, func(i *scaling.Instance) { i.ReplicaLag = nil })
	for _, test := range []struct {
		name        string
		step        scaling.Step
		observation scaling.Observation
		want        Outcome
		call        bool
		says        string
	}{
		{"at rest", step, cluster(w, a, b), Running, true, "resize the cluster engine to db.r6g.xlarge"},
		{"a standby is behind", step, cluster(w, a, behind), Running, false, "the standby b"},
		{"nobody knows", step, cluster(w, a, unknown), Running, false, "the standby b"},
		{"no trace yet", asked(step), cluster(w, a, b), Running, false, "resize"},
		{"no trace after two minutes", asked(step), after(2*time.Minute, cluster(w, a, b)), Running, true, "resize"},
		{"under way", asked(step), clusterIs("modifying", cluster(w, status(a, "modifying"), b)), Running, false, "0 of 3 members are"},
		{"one is done", asked(step), after(time.Hour, clusterIs("modifying", cluster(w, grown(a), b))), Running, false, "1 of 3 members are"},
		{"one is done, and all look at rest", asked(step), after(time.Hour, cluster(w, grown(a), b)), Running, false, "1 of 3 members are"},
		{"all are, and one is not at rest", asked(step), cluster(grown(w), status(grown(a), "modifying"), grown(b)), Running, false, "3 of 3"},
		{"done", asked(step), cluster(grown(w), grown(a), grown(b)), Succeeded, false, ""},
		{"a member is broken", asked(step), cluster(w, a, status(b, "storage-full")), Failed, false, "b is storage-full"},
		{"not done after four hours", asked(step), after(241*time.Minute, clusterIs("modifying", cluster(w, grown(a), b))), Failed, false, "4h0m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			progress := look(underWay(0, test.step), whole(test.observation), test.observation.ObservedAt)
			if progress.Outcome != test.want || (progress.Call != nil) != test.call || !strings.Contains(progress.Message, test.says) {
				t.Errorf("it is %s (%s) with the call %+v", progress.Outcome, progress.Message, progress.Call)
			}
		})
	}
}

// One look is not enough: what AWS tells of one moment may be out of date, or pass.
func TestAnEffectIsSeenTwice(t *testing.T) {
	done, undone := cluster(writer(large), reader("a", xlarge)), cluster(writer(large), reader("a", large))
	op := underWay(0, asked(resizing("a")))
	for n, o := range []scaling.Observation{done, done, after(Poll, undone), after(2*Poll, done), after(2*Poll, done), after(3*Poll, done)} {
		progress := Next("platform/engine", op, o, o.ObservedAt)
		op = progress.Operation
		if want := n == 5; (progress.Outcome == Succeeded) != want {
			t.Errorf("at look %d it is %s: %s", n+1, progress.Outcome, progress.Message)
		}
	}
}

// What a step waits for although nothing else goes on.
func TestWhatAStepWaitsFor(t *testing.T) {
	const minute = time.Minute
	heir := func(edit func(*scaling.Instance)) scaling.Observation {
		return cluster(writer(large), with(reader("a", xlarge), edit))
	}
	resized := resizing("a")
	going := func(edit func(*scaling.Instance)) scaling.Observation {
		return cluster(writer(large), reader("a", large), with(own("s", large, 1), edit))
	}
	for _, test := range []struct {
		name        string
		steps       []scaling.Step
		observation scaling.Observation
		now         time.Duration
		says        string // nothing: it is asked for
	}{
		{"an heir whose lag is unknown", []scaling.Step{failover("a")}, heir(func(i *scaling.Instance) { i.ReplicaLag = nil }), 0, "lag of a is not known"},
		{"an heir that is behind", []scaling.Step{failover("a")},
			heir(func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: start, Value: 6 * time.Second} }), 0, "more than 5s behind"},
		{"an heir that was just restarted", []scaling.Step{failover("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-4 * minute) }), 0, "its cache is cold"},
		{"an heir in service for five minutes", []scaling.Step{failover("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-5 * minute) }), 0, ""},
		{"an heir that was just resized", []scaling.Step{resized, failover("a")}, heir(func(*scaling.Instance) {}), 4 * minute, "its cache is cold"},
		{"an heir that was resized before", []scaling.Step{resized, failover("a")}, heir(func(*scaling.Instance) {}), 5 * minute, ""},
		{"an heir whose uptime shows that it came back early", []scaling.Step{resized, failover("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-6 * minute) }), 0, ""},
		{"an heir whose uptime is from before it was resized", []scaling.Step{resized, failover("a")},
			heir(func(i *scaling.Instance) { i.RestartedAt = start.Add(-21 * minute) }), minute, "its cache is cold"},
		{"a reader with clients", []scaling.Step{removal("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute), Value: 3}} }), 4 * minute, "its clients have 5m0s"},
		{"a reader with clients that do not leave", []scaling.Step{removal("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute), Value: 3}} }), 5 * minute, ""},
		{"a reader whose clients have left", []scaling.Step{removal("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(minute)}} }), 2 * minute, ""},
		{"a reader that had no clients before", []scaling.Step{removal("s")},
			going(func(i *scaling.Instance) { i.Connections = scaling.Series{{Time: start.Add(-minute)}} }), 2 * minute, "its clients have 5m0s"},
		{"a reader whose clients are unknown", []scaling.Step{removal("s")}, going(func(*scaling.Instance) {}), 2 * minute, "its clients have 5m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := underWay(len(test.steps)-1, test.steps...)
			op.To = shape(1, xlarge)
			if len(op.Steps) > 1 {
				op.Steps[0].StartedAt = start.Add(-20 * minute)
			}
			progress := Next("platform/engine", op, after(test.now, test.observation), start.Add(test.now))
			if progress.Outcome != Running || (progress.Call == nil) != (test.says != "") || !strings.Contains(progress.Message, test.says) {
				t.Errorf("it is %s (%s) with the call %+v; want to hear %q", progress.Outcome, progress.Message, progress.Call, test.says)
			}
		})
	}
}

func TestAWSIsAskedFiveTimesAtMost(t *testing.T) {
	op := underWay(0, resizing("a"))
	o := cluster(writer(large), reader("a", large))
	calls := 0
	var progress Progress
	for n := range 100 {
		progress = Next("platform/engine", op, after(time.Duration(n)*Poll, o), start.Add(time.Duration(n)*Poll))
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
func TestAReaderThatTheOperationCountsOnIsGone(t *testing.T) {
	without := cluster(writer(large), reader("a", large), reader("b", large))
	for name, step := range map[string]scaling.Step{"resizing": resizing("a"), "failing over": failover("a")} {
		progress := Next("platform/engine", underWay(1, creation("s"), step), without, start)
		if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "s, which this operation added") {
			t.Errorf("%s: it is %s (%s) with the call %+v", name, progress.Outcome, progress.Message, progress.Call)
		}
	}
	progress := look(underWay(2, creation("s"), resizing("a"), removal("s")), without, start)
	if progress.Outcome != Succeeded {
		t.Errorf("when it is to go anyway: it is %s (%s)", progress.Outcome, progress.Message)
	}
}

// Whoever resizes the heir meanwhile must not make the database smaller than it was to be.
func TestTheHeirHasAnotherClass(t *testing.T) {
	op := underWay(0, failover("a"))
	op.To = shape(1, xlarge)
	progress := Next("platform/engine", op, cluster(writer(large), reader("a", large)), start)
	if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "a is a db.r6g.large and no db.r6g.xlarge any more") {
		t.Errorf("it is %s (%s) with the call %+v", progress.Outcome, progress.Message, progress.Call)
	}
}

// A writer that lost its role meanwhile is not resized in place, in whatever operation: that would interrupt writes.
func TestAFailoverByAWSInTheMiddleOfAnOperation(t *testing.T) {
	for _, way := range ways() {
		op, _ := way.plan(t)
		for n, step := range op.Steps {
			if step.Action != scaling.ModifyInstanceClass || !succeeds(way.observation) {
				continue
			}
			world := newWorld(t, way.observation)
			for _, created := range op.Steps[:n] {
				if created.Action == scaling.CreateReader {
					world.instances = append(world.instances, own(created.Instance, created.InstanceClass, 0))
				}
			}
			for k := range world.instances {
				world.instances[k].Writer = world.instances[k].Identifier == step.Instance
			}
			progress := Next("platform/engine", underWay(n, op.Steps...), world.observe(), start)
			if progress.Outcome != Failed || progress.Call != nil {
				t.Errorf("%s, step %d: it is %s (%s) with the call %+v", way.name, n+1, progress.Outcome, progress.Message, progress.Call)
			}
		}
	}
}

// What is already as it should be is not asked for, whoever made it so.
func TestStepsThatAreDoneAlreadyAreSkipped(t *testing.T) {
	op := underWay(0, creation("s"), resizing("a"), resizing("b"), removal("s"))
	o := cluster(writer(large), reader("a", xlarge), reader("b", large), surge("s", xlarge))
	progress := look(op, o, start)
	if progress.Call == nil || progress.Call.Instance != "b" || progress.Operation.CurrentStep() != 2 {
		t.Errorf("at step %d it asks for %+v", progress.Operation.CurrentStep()+1, progress.Call)
	}
	for n, s := range progress.Operation.Steps[:2] {
		if !s.CompletedAt.Equal(start) || s.Attempts != 0 {
			t.Errorf("step %d: %+v", n+1, s)
		}
	}
}

func TestEveryActionHasADeadline(t *testing.T) {
	for _, way := range ways() {
		op, _ := way.plan(t)
		for _, s := range op.Steps {
			if deadline[s.Action] <= settleFailover {
				t.Errorf("%s may take %s in all", s.Action, deadline[s.Action])
			}
		}
	}
	for action := range maps.Keys(deadline) {
		if describe(scaling.Step{Action: action, Instance: "a"}) == string(action) {
			t.Errorf("%s cannot be told in words", action)
		}
	}
}
