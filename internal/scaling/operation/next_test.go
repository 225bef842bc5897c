package operation

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// operationAfter returns an operation started at start, of which the first steps are done.
func operationAfter(doneCount int, steps ...scaling.Step) scaling.Operation {
	op := scaling.Operation{ID: operationID, Pool: scaling.Readers, Direction: scaling.Up, To: newShape(1, large), StartedAt: start}
	for n := range steps {
		if n < doneCount {
			steps[n].Attempts, steps[n].StartedAt, steps[n].LastAttemptAt, steps[n].CompletedAt = 1, start, start, start
		}
	}
	op.Steps = steps
	return op
}

// requested returns the step as requested from AWS at start.
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

// withClusterPending defers an upgrade of the cluster to its maintenance window.
func withClusterPending(o scaling.Observation) scaling.Observation {
	o.PendingModifications = []string{"EngineVersion"}
	return o
}

func parametersStaged(i *scaling.Instance) {
	i.PendingReboot = []string{"DB parameter group tuned is pending-reboot"}
}

func asWriter(i scaling.Instance) scaling.Instance {
	i.Writer = true
	return i
}

func observedAfter(d time.Duration, o scaling.Observation) scaling.Observation {
	o.ObservedAt = start.Add(d)
	return o
}

// withoutConnections returns the instance without client connections.
func withoutConnections(i scaling.Instance) scaling.Instance {
	i.Connections = scaling.NewSeries(time.Minute, start.Add(time.Minute), 0)
	return i
}

// nextConfirmed calls Next, and again with a newer observation where Next asks for a confirmation.
func nextConfirmed(op scaling.Operation, o scaling.Observation, now time.Time) Progress {
	progress := Next("platform/engine", op, o, now)
	for strings.HasPrefix(progress.Message, "Confirming") {
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
				t.Fatalf("got %+v with call %+v, want %+v", progress, progress.Call, test.want)
			}
			if got := progress.Operation.Steps[0]; got.Attempts != 1 || !got.StartedAt.Equal(start) || !got.LastAttemptAt.Equal(start) {
				t.Errorf("the step to persist is %+v", got)
			}
			if op.Steps[0].Attempts != 0 {
				t.Error("the operation passed in was modified")
			}
		})
	}
}

// The state of the second of two steps. The first was done at 10:00, when the second was requested, if it was.
func TestNext_RequestsWaitsOrCompletesByState(t *testing.T) {
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
		message     string
	}{
		// Resizing.
		{"resized", resizeStep("a"), auroraCluster(w, aDone), Succeeded, false, ""},
		{"new class, not available yet", requested(resizeStep("a")), auroraCluster(w, withStatus(aDone, "modifying")), Running,
			false, "it is modifying"},
		{"new class, another class pending", requested(resizeStep("a")), auroraCluster(w, edited(aDone, pending(xlarge2))), Running,
			false, ""},
		{"class pending", requested(resizeStep("a")), auroraCluster(w, edited(a, pending(xlarge))), Running, false,
			"Waiting for a"},
		{"modifying before the deadline", requested(resizeStep("a")), observedAfter(80*minute, auroraCluster(w, withStatus(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"resize not visible yet", requested(resizeStep("a")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"resize not visible after the retry interval", requested(resizeStep("a")), observedAfter(2*minute, auroraCluster(w, a)), Running, true,
			"resize a to db.r6g.xlarge"},
		{"resize not visible in an early observation", requested(resizeStep("a")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"modifying at the deadline", requested(resizeStep("a")), observedAfter(90*minute, auroraCluster(w, withStatus(a, "modifying"))), Running,
			false, "Waiting for a"},
		{"modifying after the deadline", requested(resizeStep("a")), observedAfter(91*minute, auroraCluster(w, withStatus(a, "modifying"))), Failed,
			false, "did not complete within 90 minutes"},
		{"resized after the deadline", requested(resizeStep("a")), observedAfter(91*minute, auroraCluster(w, aDone)), Succeeded, false, ""},
		{"resized instance deleted", requested(resizeStep("a")), auroraCluster(w, reader("b", large)), Failed, false, "a no longer exists"},
		{"resized instance broken", requested(resizeStep("a")), auroraCluster(w, withStatus(a, "incompatible-parameters")), Failed, false,
			"a is incompatible-parameters"},
		{"broken with the new class", requested(resizeStep("a")), auroraCluster(w, withStatus(aDone, "storage-full")), Failed, false,
			"storage-full"},
		{"unknown status", requested(resizeStep("a")), auroraCluster(w, withStatus(a, "unknown-status")), Running, false,
			"it is unknown-status"},
		{"resized instance became the writer", resizeStep("a"), auroraCluster(asWriter(a), reader("b", large)), Failed, false,
			"a has become the writer"},
		{"resized instance became the writer when done", resizeStep("a"), auroraCluster(asWriter(aDone), reader("b", large)), Succeeded, false,
			""},
		{"writer without readers", resizeStep("a"), auroraCluster(asWriter(a)), Running, true, "resize a"},

		// Creating a reader.
		{"created", requested(createStep("s")), auroraCluster(w, a, s), Succeeded, false, ""},
		{"creating", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "creating")), Running, false, "it is creating"},
		{"lag of the new reader unknown", requested(createStep("s")), auroraCluster(w, a, edited(s, unknownLag)), Running, false,
			"first replica lag"},
		{"lag of the new reader at the maximum", requested(createStep("s")), auroraCluster(w, a, edited(surgeReader("s", xlarge), slow(5*time.Second))),
			Succeeded, false, ""},
		{"lag of the new reader above the maximum", requested(createStep("s")), auroraCluster(w, a, edited(surgeReader("s", xlarge), slow(5001*time.Millisecond))),
			Running, false, "to fall to 5 s"},
		{"new reader not visible yet", requested(createStep("s")), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"new reader not visible after the retry interval", requested(createStep("s")), observedAfter(2*minute, auroraCluster(w, a)), Running, true, "add the surge reader s"},
		{"name taken by somebody else", requested(createStep("s")), auroraCluster(w, a, edited(s, untagged)), Failed, false,
			"was not created by dbscaler"},
		{"new reader deleted by somebody else", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "deleting")), Failed, false,
			"s is being deleted"},
		{"insufficient capacity", requested(createStep("s")), auroraCluster(w, a, withStatus(s, "insufficient-capacity")), Failed, false,
			"insufficient-capacity"},
		{"creating after the deadline", requested(createStep("s")), observedAfter(61*minute, auroraCluster(w, a, withStatus(s, "creating"))),
			Failed, false, "did not complete within 60 minutes"},
		{"lag unknown after the deadline", requested(createStep("s")), observedAfter(61*minute, auroraCluster(w, a, edited(s, unknownLag))),
			Failed, false, "did not complete within 60 minutes"},

		// Deleting a reader.
		{"deleted", requested(deleteStep("s")), auroraCluster(w, a), Succeeded, false, ""},
		{"deleting", requested(deleteStep("s")), auroraCluster(w, a, withStatus(s, "deleting")), Running, false,
			"Waiting for the deletion of s"},
		{"deletion not visible after the retry interval", requested(deleteStep("s")), observedAfter(2*minute, auroraCluster(w, a, withoutConnections(s))), Running, true, "remove the reader s"},
		{"tag lost after the request", requested(deleteStep("s")), observedAfter(2*minute, auroraCluster(w, a, edited(s, untagged))), Failed, false,
			"was not created by dbscaler"},
		{"tag lost before the request", deleteStep("s"), auroraCluster(w, a, edited(s, untagged)), Failed, false,
			"was not created by dbscaler"},
		{"deleted instance became the writer", deleteStep("s"), auroraCluster(asWriter(s), a), Failed, false,
			"s has become the writer"},
		{"last reader", deleteStep("s"), auroraCluster(w, s), Failed, false, "s is the last reader"},
		{"deleting after the deadline", requested(deleteStep("s")), observedAfter(61*minute, auroraCluster(w, a, withStatus(s, "deleting"))), Failed,
			false, "did not complete within 60 minutes"},

		// Failing over.
		{"failed over", requested(failoverStep("a")), auroraCluster(asWriter(a), reader("w", large)), Succeeded, false, ""},
		{"failing over", requested(failoverStep("a")), withClusterStatus("failing-over", auroraCluster(w, a)), Running, false,
			"Waiting for a to take over"},
		{"new writer restarting", requested(failoverStep("a")),
			auroraCluster(asWriter(withStatus(a, "rebooting")), reader("w", large)), Running, false, "Waiting for a"},
		{"new writer, cluster failing over", requested(failoverStep("a")),
			withClusterStatus("failing-over", auroraCluster(asWriter(a), reader("w", large))), Running, false, "Waiting for a"},
		{"failover not visible after two minutes", requested(failoverStep("a")), observedAfter(2*minute, auroraCluster(w, a)), Running, false, ""},
		{"failover not visible after five minutes", requested(failoverStep("a")), observedAfter(5*minute, auroraCluster(w, a)), Running, true,
			"fail over to a"},
		{"no failover after the deadline", requested(failoverStep("a")), observedAfter(21*minute, auroraCluster(w, a)), Failed, false,
			"did not complete within 20 minutes"},
		{"promotion candidate deleted", failoverStep("a"), auroraCluster(w, reader("b", large)), Failed, false, "a no longer exists"},

		// Setting a tier.
		{"tier set", requested(tierStep("a", 1)), auroraCluster(w, a), Succeeded, false, ""},
		{"tier not visible yet", requested(tierStep("a", 0)), observedAfter(minute, auroraCluster(w, a)), Running, false, ""},
		{"tier not visible after the retry interval", requested(tierStep("a", 0)), observedAfter(2*minute, auroraCluster(w, a)), Running, true,
			"set the promotion tier of a to 0"},
		{"tier not set after the deadline", requested(tierStep("a", 0)), observedAfter(16*minute, auroraCluster(w, a)), Failed, false,
			"did not complete within 15 minutes"},

		// Starting a step requires an idle database.
		{"database idle", resizeStep("a"), auroraCluster(w, a), Running, true, "Step 2 of 2"},
		{"cluster busy", resizeStep("a"), withClusterStatus("backing-up", auroraCluster(w, a)), Running, false,
			"the database is backing-up"},
		{"other instance busy", resizeStep("a"), auroraCluster(w, a, withStatus(reader("b", large), "rebooting")), Running, false,
			"b is rebooting"},
		{"instance of the step busy", resizeStep("a"), auroraCluster(w, withStatus(a, "backing-up")), Running, false, "it is backing-up"},
		{"class of another instance pending", resizeStep("a"), auroraCluster(w, a, edited(reader("b", large), pending(xlarge))),
			Running, false, "b is about to become db.r6g.xlarge"},
		{"other modification pending", resizeStep("a"),
			auroraCluster(w, edited(a, func(i *scaling.Instance) { i.OtherPendingModifications = []string{"EngineVersion"} })), Running, false,
			"a has modifications pending for its maintenance window (EngineVersion)"},
		{"modification of the cluster pending", resizeStep("a"), withClusterPending(auroraCluster(w, a)), Running, false,
			"the cluster has modifications pending for its maintenance window (EngineVersion)"},
		{"modification of the cluster pending for more than two hours", resizeStep("a"), observedAfter(121*minute, withClusterPending(auroraCluster(w, a))),
			Failed, false, "could not resize a to db.r6g.xlarge within 2 h: the cluster has modifications pending"},
		{"parameters of the resized instance pending reboot", resizeStep("a"), auroraCluster(w, edited(a, parametersStaged)), Running, false,
			"a has changes that a restart would apply (DB parameter group tuned is pending-reboot)"},
		{"parameters of another instance pending reboot", resizeStep("a"), auroraCluster(edited(w, parametersStaged), a), Running, true, "resize a"},
		{"parameters of the old writer pending reboot", failoverStep("a"), auroraCluster(edited(w, parametersStaged), edited(a, func(i *scaling.Instance) { i.Class = xlarge })),
			Running, false, "w has changes that a restart would apply"},
		{"parameters pending reboot for more than two hours", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, edited(a, parametersStaged))),
			Failed, false, "could not resize a to db.r6g.xlarge within 2 h: a has changes"},
		{"other instance busy for two hours", resizeStep("a"), observedAfter(120*minute, auroraCluster(w, a, withStatus(reader("b", large), "upgrading"))),
			Running, false, "b is upgrading"},
		{"other instance busy for more than two hours", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, a, withStatus(reader("b", large), "upgrading"))),
			Failed, false, "could not resize a to db.r6g.xlarge within 2 h: b is upgrading"},
		{"instance of the step busy for more than two hours", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, withStatus(a, "upgrading"))), Failed, false,
			"could not resize a to db.r6g.xlarge within 2 h"},
		{"database idle after two hours", resizeStep("a"), observedAfter(121*minute, auroraCluster(w, a)), Running, true, "resize a"},
		{"retry waits for an idle database", requested(resizeStep("a")), observedAfter(2*minute, withClusterStatus("backing-up", auroraCluster(w, a))),
			Running, false, "the database is backing-up"},

		{"action of a newer version", scaling.Step{Action: "Defrost", Instance: "a"}, auroraCluster(w, a), Failed,
			false, `does not support the action "Defrost"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := operationAfter(1, tierStep("w", 1), test.step)
			progress := nextConfirmed(op, test.observation, test.observation.ObservedAt)
			if progress.Outcome != test.want || (progress.Call != nil) != test.call || !strings.Contains(progress.Message, test.message) {
				t.Errorf("got %s (%s) with call %+v; want %s, a call: %t, message %q",
					progress.Outcome, progress.Message, progress.Call, test.want, test.call, test.message)
			}
			if progress.Outcome == Failed && progress.Operation.CurrentStep() != 1 {
				t.Errorf("failed at step %d, want 2", progress.Operation.CurrentStep()+1)
			}
		})
	}
}

// A step is requested again only when an observation made long after the last attempt shows nothing.
func TestNext_NoRetryOnOldObservation(t *testing.T) {
	for step, interval := range map[scaling.Action]time.Duration{scaling.ModifyInstanceClass: stepRetryInterval, scaling.Failover: failoverRetryInterval} {
		s := requested(scaling.Step{Action: step, Instance: "a", InstanceClass: xlarge})
		o := auroraCluster(writer(large), reader("a", large))
		for _, test := range []struct {
			observedAt, now time.Duration
			want            bool
		}{
			{0, interval, false},
			{interval - PollInterval - time.Second, interval, false},
			{interval - PollInterval, interval, true},
			{interval, interval, true},
			{interval - time.Second, interval - time.Second, false},
		} {
			progress := Next("platform/engine", operationAfter(0, s), observedAfter(test.observedAt, o), start.Add(test.now))
			if (progress.Call != nil) != test.want {
				t.Errorf("%s, observed after %s, at %s: requested again: %t", step, test.observedAt, test.now, progress.Call != nil)
			}
		}
	}
}

// The state of a Multi-AZ DB cluster is visible only in its members.
func TestNext_MultiAZClusterIsDoneWhenAllMembersAre(t *testing.T) {
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
		message     string
	}{
		{"cluster idle", step, auroraCluster(w, a, b), Running, true, "resize the cluster engine to db.r6g.xlarge"},
		{"standby lagging", step, auroraCluster(w, a, behind), Running, false, "the standby b"},
		{"lag of a standby unknown", step, auroraCluster(w, a, unknown), Running, false, "the standby b"},
		{"change not visible yet", requested(step), auroraCluster(w, a, b), Running, false, "resize"},
		{"change not visible after the retry interval", requested(step), observedAfter(2*time.Minute, auroraCluster(w, a, b)), Running, true, "resize"},
		{"change in progress", requested(step), withClusterStatus("modifying", auroraCluster(w, withStatus(a, "modifying"), b)), Running, false, "0 of 3 members are"},
		{"one member done", requested(step), observedAfter(time.Hour, withClusterStatus("modifying", auroraCluster(w, grown(a), b))), Running, false, "1 of 3 members are"},
		{"one member done, all available", requested(step), observedAfter(time.Hour, auroraCluster(w, grown(a), b)), Running, false, "1 of 3 members are"},
		{"all members done, one not available", requested(step), auroraCluster(grown(w), withStatus(grown(a), "modifying"), grown(b)), Running, false, "3 of 3"},
		{"done", requested(step), auroraCluster(grown(w), grown(a), grown(b)), Succeeded, false, ""},
		{"done while a modification is pending", requested(step), withClusterPending(auroraCluster(grown(w), grown(a), grown(b))), Succeeded, false, ""},
		{"modification pending", step, withClusterPending(auroraCluster(w, a, b)), Running, false, "(EngineVersion), which the request would also apply"},
		{"parameters of a member pending reboot", step, auroraCluster(w, a, edited(b, parametersStaged)), Running, false, "b has changes"},
		{"member broken", requested(step), auroraCluster(w, a, withStatus(b, "storage-full")), Failed, false, "b is storage-full"},
		{"change in progress after the deadline", requested(step), observedAfter(241*time.Minute, withClusterStatus("modifying", auroraCluster(w, grown(a), b))), Failed, false, "240 minutes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			progress := nextConfirmed(operationAfter(0, test.step), asMultiAZCluster(test.observation), test.observation.ObservedAt)
			if progress.Outcome != test.want || (progress.Call != nil) != test.call || !strings.Contains(progress.Message, test.message) {
				t.Errorf("got %s (%s) with call %+v", progress.Outcome, progress.Message, progress.Call)
			}
		})
	}
}

// One observation is not enough: a response of the RDS API may be outdated or transient.
func TestNext_ConfirmsEffectTwice(t *testing.T) {
	done, undone := auroraCluster(writer(large), reader("a", xlarge)), auroraCluster(writer(large), reader("a", large))
	op := operationAfter(0, requested(resizeStep("a")))
	for n, o := range []scaling.Observation{done, done, observedAfter(PollInterval, undone), observedAfter(2*PollInterval, done), observedAfter(2*PollInterval, done), observedAfter(3*PollInterval, done)} {
		progress := Next("platform/engine", op, o, o.ObservedAt)
		op = progress.Operation
		if want := n == 5; (progress.Outcome == Succeeded) != want {
			t.Errorf("observation %d: got %s: %s", n+1, progress.Outcome, progress.Message)
		}
	}
}

// What a step waits for although the database is idle.
func TestNext_WaitsUntilStepIsSafe(t *testing.T) {
	const minute = time.Minute
	candidate := func(edit func(*scaling.Instance)) scaling.Observation {
		return auroraCluster(writer(large), edited(reader("a", xlarge), edit))
	}
	resized := resizeStep("a")
	deleted := func(edit func(*scaling.Instance)) scaling.Observation {
		return auroraCluster(writer(large), reader("a", large), edited(ownReader("s", large, 1), edit))
	}
	for _, test := range []struct {
		name        string
		steps       []scaling.Step
		observation scaling.Observation
		now         time.Duration
		message     string // empty: the step is requested
	}{
		{"promotion candidate with unknown lag", []scaling.Step{failoverStep("a")}, candidate(func(i *scaling.Instance) { i.ReplicaLag = nil }), 0, "lag of a is unknown"},
		{"promotion candidate above the maximum lag", []scaling.Step{failoverStep("a")},
			candidate(func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: start, Value: 6 * time.Second} }), 0, "exceeds 5 s"},
		{"promotion candidate restarted four minutes ago", []scaling.Step{failoverStep("a")},
			candidate(func(i *scaling.Instance) { i.RestartedAt = start.Add(-4 * minute) }), 0, "its cache is cold"},
		{"promotion candidate restarted five minutes ago", []scaling.Step{failoverStep("a")},
			candidate(func(i *scaling.Instance) { i.RestartedAt = start.Add(-5 * minute) }), 0, ""},
		{"promotion candidate resized four minutes ago", []scaling.Step{resized, failoverStep("a")}, candidate(func(*scaling.Instance) {}), 4 * minute, "its cache is cold"},
		{"promotion candidate resized five minutes ago", []scaling.Step{resized, failoverStep("a")}, candidate(func(*scaling.Instance) {}), 5 * minute, ""},
		{"promotion candidate with an uptime from before the resize was done", []scaling.Step{resized, failoverStep("a")},
			candidate(func(i *scaling.Instance) { i.RestartedAt = start.Add(-6 * minute) }), 0, ""},
		{"promotion candidate with an uptime from before the resize", []scaling.Step{resized, failoverStep("a")},
			candidate(func(i *scaling.Instance) { i.RestartedAt = start.Add(-21 * minute) }), minute, "its cache is cold"},
		{"reader with clients", []scaling.Step{deleteStep("s")},
			deleted(func(i *scaling.Instance) { i.Connections = scaling.NewSeries(time.Minute, start.Add(minute), 3) }), 4 * minute, "its clients have 5 minutes"},
		{"reader with clients after the drain timeout", []scaling.Step{deleteStep("s")},
			deleted(func(i *scaling.Instance) { i.Connections = scaling.NewSeries(time.Minute, start.Add(minute), 3) }), 5 * minute, ""},
		{"reader without clients", []scaling.Step{deleteStep("s")},
			deleted(func(i *scaling.Instance) { i.Connections = scaling.NewSeries(time.Minute, start.Add(minute), 0) }), 2 * minute, ""},
		{"reader without clients in an old sample", []scaling.Step{deleteStep("s")},
			deleted(func(i *scaling.Instance) { i.Connections = scaling.NewSeries(time.Minute, start.Add(-minute), 0) }), 2 * minute, "its clients have 5 minutes"},
		{"reader with unknown clients", []scaling.Step{deleteStep("s")}, deleted(func(*scaling.Instance) {}), 2 * minute, "its clients have 5 minutes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := operationAfter(len(test.steps)-1, test.steps...)
			op.To = newShape(1, xlarge)
			if len(op.Steps) > 1 {
				op.Steps[0].StartedAt = start.Add(-20 * minute)
			}
			progress := Next("platform/engine", op, observedAfter(test.now, test.observation), start.Add(test.now))
			if progress.Outcome != Running || (progress.Call == nil) != (test.message != "") || !strings.Contains(progress.Message, test.message) {
				t.Errorf("got %s (%s) with call %+v; want message %q", progress.Outcome, progress.Message, progress.Call, test.message)
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
	if calls != 5 || progress.Outcome != Failed || !strings.Contains(progress.Message, "asked 5 times to resize a") {
		t.Errorf("after %d calls: %s: %s", calls, progress.Outcome, progress.Message)
	}
}

// Without the surge reader of the operation, the next step is not safe.
func TestNext_FailsWithoutSurgeReader(t *testing.T) {
	without := auroraCluster(writer(large), reader("a", large), reader("b", large))
	for name, step := range map[string]scaling.Step{"resizing": resizeStep("a"), "failing over": failoverStep("a")} {
		progress := Next("platform/engine", operationAfter(1, createStep("s"), step), without, start)
		if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "s, which this operation added") {
			t.Errorf("%s: got %s (%s) with call %+v", name, progress.Outcome, progress.Message, progress.Call)
		}
	}
	progress := nextConfirmed(operationAfter(2, createStep("s"), resizeStep("a"), deleteStep("s")), without, start)
	if progress.Outcome != Succeeded {
		t.Errorf("before its deletion: got %s (%s)", progress.Outcome, progress.Message)
	}
}

// A promotion candidate that somebody else has put into a static list must not become the writer: the operation ends, and does not wait
// for ever. The former writer may be promoted again.
func TestNext_FailsOnStaticPromotionCandidate(t *testing.T) {
	o := withStaticMembers(auroraCluster(writer(large), reader("a", large)), "a")
	op := operationAfter(0, failoverStep("a"))
	op.To = newShape(1, large)
	progress := Next("platform/engine", op, o, start)
	if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "a is in the static list of the custom endpoint analytics") {
		t.Errorf("got %s (%s) with call %+v", progress.Outcome, progress.Message, progress.Call)
	}
	op = operationAfter(1, createStep("surge"), resizeStep("a"), failoverStep("a"))
	op.Pool, op.Steps[0].Instance = scaling.Writer, "w" // a step that is done
	if progress = Next("platform/engine", op, o, start); progress.Outcome != Failed || progress.Call != nil {
		t.Errorf("before its resize: got %s (%s) with call %+v", progress.Outcome, progress.Message, progress.Call)
	}
	op = operationAfter(1, failoverStep("surge"), failoverStep("a"))
	op.To = newShape(1, large)
	if progress = Next("platform/engine", op, o, start); progress.Outcome != Running {
		t.Errorf("the former writer: got %s (%s)", progress.Outcome, progress.Message)
	}
}

// A promotion candidate that somebody else resized must not become the writer.
func TestNext_FailsOnPromotionCandidateClass(t *testing.T) {
	op := operationAfter(0, failoverStep("a"))
	op.To = newShape(1, xlarge)
	progress := Next("platform/engine", op, auroraCluster(writer(large), reader("a", large)), start)
	if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "a is a db.r6g.large and no longer a db.r6g.xlarge") {
		t.Errorf("got %s (%s) with call %+v", progress.Outcome, progress.Message, progress.Call)
	}
}

// A promotion candidate that somebody else gave another parameter group must not become the writer, and the operation must not wait
// for ever: the next one chooses another candidate.
func TestNext_FailsOnPromotionCandidateParameterGroup(t *testing.T) {
	op := operationAfter(0, failoverStep("a"))
	op.To = newShape(1, xlarge)
	candidate := edited(reader("a", xlarge), func(i *scaling.Instance) { i.ParameterGroups = []string{"analytics"} })
	progress := Next("platform/engine", op, auroraCluster(writer(large), candidate), start)
	if progress.Outcome != Failed || progress.Call != nil || !strings.Contains(progress.Message, "a has the DB parameter group analytics") {
		t.Errorf("got %s (%s) with call %+v", progress.Outcome, progress.Message, progress.Call)
	}
}

// An instance that became the writer by a failover of AWS is not resized in place: that would interrupt writes.
func TestNext_FailsAfterExternalFailover(t *testing.T) {
	for _, test := range planCases() {
		op, _ := test.start(t)
		for n, step := range op.Steps {
			if step.Action != scaling.ModifyInstanceClass || !canPromoteReader(test.observation) {
				continue
			}
			cluster := newFakeCluster(t, test.observation)
			for _, created := range op.Steps[:n] {
				if created.Action == scaling.CreateReader {
					cluster.instances = append(cluster.instances, ownReader(created.Instance, created.InstanceClass, 0))
				}
			}
			for k := range cluster.instances {
				cluster.instances[k].Writer = cluster.instances[k].Identifier == step.Instance
			}
			progress := Next("platform/engine", operationAfter(n, op.Steps...), cluster.observe(), start)
			if progress.Outcome != Failed || progress.Call != nil {
				t.Errorf("%s, step %d: got %s (%s) with call %+v", test.name, n+1, progress.Outcome, progress.Message, progress.Call)
			}
		}
	}
}

// A step whose effect is already visible is not requested.
func TestNext_SkipsDoneSteps(t *testing.T) {
	op := operationAfter(0, createStep("s"), resizeStep("a"), resizeStep("b"), deleteStep("s"))
	o := auroraCluster(writer(large), reader("a", xlarge), reader("b", large), surgeReader("s", xlarge))
	progress := nextConfirmed(op, o, start)
	if progress.Call == nil || progress.Call.Instance != "b" || progress.Operation.CurrentStep() != 2 {
		t.Errorf("step %d requests %+v", progress.Operation.CurrentStep()+1, progress.Call)
	}
	for n, s := range progress.Operation.Steps[:2] {
		if !s.CompletedAt.Equal(start) || s.Attempts != 0 {
			t.Errorf("step %d: %+v", n+1, s)
		}
	}
}

func TestStepDeadlines_CoverEveryAction(t *testing.T) {
	for _, test := range planCases() {
		op, _ := test.start(t)
		for _, s := range op.Steps {
			if stepDeadlines[s.Action] <= failoverRetryInterval {
				t.Errorf("%s has a deadline of %s", s.Action, stepDeadlines[s.Action])
			}
		}
	}
	for action := range maps.Keys(stepDeadlines) {
		if describe(scaling.Step{Action: action, Instance: "a"}) == string(action) {
			t.Errorf("%s has no description", action)
		}
	}
}

// A reader is not removed once somebody has put it into a static list, nor when the one that replaces it is gone.
func TestNext_KeepsReaderThatIsNotReplaced(t *testing.T) {
	pool := auroraCluster(writer(large), reader("a", xlarge), ownReader("b", large, 1), ownReader("new", xlarge, 2))
	for name, test := range map[string]struct {
		observation scaling.Observation
		want        string
	}{
		"in a static list":               {withStaticMembers(pool, "b"), "b is in the static list of the custom endpoint analytics"},
		"without its replacement":        {auroraCluster(writer(large), reader("a", xlarge), ownReader("b", large, 1)), "new, which this operation added, no longer exists"},
		"with its replacement":           {pool, ""},
		"with its replacement in a list": {withStaticMembers(pool, "new"), ""},
	} {
		op := operationAfter(1, scaling.Step{Action: scaling.CreateReader, Instance: "new"}, scaling.Step{Action: scaling.DeleteReader, Instance: "b"})
		progress := Next("platform/engine", op, test.observation, start.Add(time.Hour))
		if test.want == "" && progress.Outcome != Running || test.want != "" && (progress.Outcome != Failed || !strings.Contains(progress.Message, test.want)) {
			t.Errorf("%s: got %s (%s), want %q", name, progress.Outcome, progress.Message, test.want)
		}
	}
}
