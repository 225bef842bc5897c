package guard

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	large  = "db.r6g.large"  // 2 vCPUs
	xlarge = "db.r6g.xlarge" // 4 vCPUs
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// approvedInput is a proposal that every guard lets pass: two large readers get the next class one after the other, with a
// surge reader beside them. Each test changes what it is about.
func approvedInput(edits ...func(*Input)) Input {
	optedIn := map[string]string{scaling.TagOptIn: "platform"}
	reader := func(name string) scaling.Instance {
		return scaling.Instance{Identifier: name, Class: large, Status: scaling.StatusAvailable, Tags: optedIn}
	}
	writer := reader("w")
	writer.Writer = true
	in := Input{
		Policy: scaling.Policy{
			Namespace:  "platform",
			Target:     scaling.Target{Kind: scaling.DBCluster, Identifier: "engine"},
			Mode:       scaling.Enforce,
			Readers:    &scaling.ReaderLimits{InstanceClasses: []string{large, xlarge}, Min: 1, Max: 4},
			Writer:     &scaling.WriterLimits{InstanceClasses: []string{large, xlarge}},
			CPU:        scaling.CPU{Target: 55, ScaleUp: 70, ScaleDown: 35},
			ScaleUp:    scaling.Behavior{Cooldown: 10 * time.Minute},
			ScaleDown:  scaling.Behavior{Cooldown: time.Hour},
			Guardrails: scaling.Guardrails{MaxOperationsPerDay: 3, SurgeReaders: 1},
		},
		Observation: scaling.Observation{
			Found: true, Engine: "aurora-postgresql", Status: scaling.StatusAvailable, Tags: optedIn,
			Instances: []scaling.Instance{writer, reader("a"), reader("b")}, Orderable: []string{large, xlarge},
			ReadersChangedAt: now.Add(-day), WriterChangedAt: now.Add(-day),
		},
		Pools: []scaling.PoolAssessment{
			{Load: scaling.Load{Pool: scaling.Readers, Fresh: true, NewestSampleAt: now.Add(-2 * time.Minute), UtilizationPercent: 80, Demand: 3.2,
				Capacity: 4}},
			{Load: scaling.Load{Pool: scaling.Writer, Fresh: true, NewestSampleAt: now.Add(-2 * time.Minute), UtilizationPercent: 50, Demand: 1, Capacity: 2}},
		},
		Proposal: scaling.Proposal{Reason: scaling.ReasonScaleUp, Change: scaling.Change{
			Pool: scaling.Readers, Direction: scaling.Up,
			From: scaling.Shape{InstanceClass: large, Count: 2}, To: scaling.Shape{InstanceClass: xlarge, Count: 2},
		}},
		Operation: scaling.Operation{Steps: []scaling.Step{
			createStep("s"), resizeStep("a"), resizeStep("b"), deleteStep("s"),
		}},
		Now: now,
	}
	for _, edit := range edits {
		edit(&in)
	}
	return in
}

func createStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.CreateReader, Instance: name, InstanceClass: xlarge, Surge: true}
}

func resizeStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.ModifyInstanceClass, Instance: name, InstanceClass: xlarge}
}

func deleteStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.DeleteReader, Instance: name}
}

// editInstance is the nth instance: 0 is the writer, 1 and 2 are the readers.
func editInstance(n int, edit func(*scaling.Instance)) func(*Input) {
	return func(in *Input) { edit(&in.Observation.Instances[n]) }
}

func createdByOperator(i *scaling.Instance) {
	i.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
}

// caughtUp is a reader that keeps up.
func caughtUp(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: now, Value: time.Second} }

func withStatus(s string) func(*scaling.Instance) { return func(i *scaling.Instance) { i.Status = s } }

func withSteps(steps ...scaling.Step) func(*Input) {
	return func(in *Input) { in.Operation.Steps = steps }
}

func targetShape(count int, class string) func(*Input) {
	return func(in *Input) { in.Proposal.To = scaling.Shape{InstanceClass: class, Count: count} }
}

func writerScaleUp(in *Input) {
	in.Proposal.Pool = scaling.Writer
	in.Proposal.From, in.Proposal.To = scaling.Shape{InstanceClass: large, Count: 1}, scaling.Shape{InstanceClass: xlarge, Count: 1}
}

func scaleDown(in *Input) {
	in.Proposal.Reason, in.Proposal.Direction = scaling.ReasonScaleDown, scaling.Down
}

func surgeCleanup(in *Input) {
	in.Proposal.Reason, in.Proposal.Direction = scaling.ReasonLeftoverSurgeReader, scaling.Cleanup
}

func belowMinimum(in *Input) { in.Proposal.Reason = scaling.ReasonBelowMinimum }

func editLoad(edit func(*scaling.Load)) func(*Input) {
	return func(in *Input) { edit(&in.Pools[0].Load) }
}

func disruptionWindows(w ...scaling.Window) func(*Input) {
	return func(in *Input) { in.Policy.DisruptionWindows = w }
}

// pastOperation is an operation that ended some time ago, and was started ten minutes before that.
func pastOperation(direction scaling.Direction, succeeded bool, ago time.Duration) func(*Input) {
	return func(in *Input) {
		in.Observation.History = append(in.Observation.History, scaling.OperationRecord{
			Pool: scaling.Readers, Direction: direction, Succeeded: succeeded,
			StartedAt: now.Add(-ago - 10*time.Minute), CompletedAt: now.Add(-ago), Disruptive: true,
		})
	}
}

// addReaderOnly adds a reader and resizes none.
func addReaderOnly(in *Input) {
	in.Proposal.To = scaling.Shape{InstanceClass: large, Count: 3}
	in.Operation.Steps = []scaling.Step{{Action: scaling.CreateReader, Instance: "c", InstanceClass: large}}
}

// pastNonDisruptive is so many operations of the last hours that added or removed readers.
func pastNonDisruptive(times int) func(*Input) {
	return func(in *Input) {
		for n := range times {
			pastOperation(scaling.Down, true, time.Hour+time.Duration(n)*time.Minute)(in)
			in.Observation.History[n].Disruptive = false
		}
	}
}

// firstVeto is the veto that a person hears of, or nil.
func firstVeto(in Input) *Veto {
	if vetoes := Check(in); len(vetoes) > 0 {
		return &vetoes[0]
	}
	return nil
}

func withMode(m scaling.Mode) func(*Input) { return func(in *Input) { in.Policy.Mode = m } }

func TestCheck_FirstVeto(t *testing.T) {
	const pass = ""
	night := scaling.Window{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}
	morning := scaling.Window{Schedule: "30 9 * * *", Duration: time.Hour, TimeZone: "UTC"}
	for _, test := range []struct {
		name  string
		edits []func(*Input)
		guard string
		says  string
	}{
		{"nothing stands in the way", nil, pass, ""},

		{"the policy only recommends", []func(*Input){withMode(scaling.Recommend)}, "ModeRecommend", "spec.mode"},
		{"a mode that is not known", []func(*Input){withMode("Perhaps")}, "ModeRecommend", "could not be evaluated"},
		{"no mode", []func(*Input){withMode("")}, "ModeRecommend", "could not be evaluated"},

		{"the most readers", []func(*Input){targetShape(4, xlarge)}, pass, ""},
		{"too many readers", []func(*Input){targetShape(5, xlarge)}, "OutOfBounds", "5 × db.r6g.xlarge"},
		{"too few readers", []func(*Input){targetShape(0, xlarge)}, "OutOfBounds", "0 × db.r6g.xlarge"},
		{"a class that is not allowed", []func(*Input){targetShape(2, "db.r6g.2xlarge")}, "OutOfBounds", "db.r6g.2xlarge"},
		{"mixed classes", []func(*Input){targetShape(2, "")}, "OutOfBounds", "mixed classes"},
		{"a policy without readers", []func(*Input){func(in *Input) { in.Policy.Readers = nil }}, "OutOfBounds", ""},
		{"a policy without a writer", []func(*Input){writerScaleUp, func(in *Input) { in.Policy.Writer = nil }}, "OutOfBounds",
			""},
		{"the writer", []func(*Input){writerScaleUp}, pass, ""},
		{"two writers", []func(*Input){writerScaleUp, targetShape(2, xlarge)}, "OutOfBounds", ""},
		{"the writer, a class that is not allowed", []func(*Input){writerScaleUp, targetShape(1, "db.r6g.2xlarge")}, "OutOfBounds", ""},
		{"an unknown pool", []func(*Input){func(in *Input) { in.Proposal.Pool = "Proxies" }}, "OutOfBounds", ""},
		{"a cleanup leaves what others want", []func(*Input){surgeCleanup, targetShape(2, "db.r6g.2xlarge")}, pass, ""},

		{"the database is not opted in", []func(*Input){func(in *Input) { in.Observation.Tags = nil }}, "OptInTagMissing",
			"on engine:"},
		{"another namespace is", []func(*Input){func(in *Input) { in.Policy.Namespace = "billing" }}, "OptInTagMissing",
			"on engine, a, b:"},
		{"an instance that changes is not", []func(*Input){editInstance(2, func(i *scaling.Instance) { i.Tags = nil })},
			"OptInTagMissing", "on b:"},
		{"an instance that stays as it is need not be",
			[]func(*Input){editInstance(0, func(i *scaling.Instance) { i.Tags = nil })}, pass, ""},
		{"the operator's own need not be", []func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator)}, pass, ""},
		{"any namespace", []func(*Input){
			func(in *Input) { in.Observation.Tags = map[string]string{scaling.TagOptIn: "*"} },
			editInstance(1, func(i *scaling.Instance) { i.Tags = map[string]string{scaling.TagOptIn: "*"} }),
		}, pass, ""},

		{"samples five minutes old", []func(*Input){editLoad(func(l *scaling.Load) { l.NewestSampleAt = now.Add(-5 * time.Minute) })},
			pass, ""},
		{"samples older than that",
			[]func(*Input){editLoad(func(l *scaling.Load) { l.NewestSampleAt = now.Add(-5*time.Minute - time.Second) })},
			"MetricsStale", "5m0s"},
		{"too few samples", []func(*Input){editLoad(func(l *scaling.Load) { l.Fresh = false })}, "MetricsStale", ""},
		{"samples of the other pool only", []func(*Input){func(in *Input) { in.Pools = in.Pools[1:] }}, "MetricsStale", ""},
		{"no samples are needed to reach the minimum",
			[]func(*Input){belowMinimum, editLoad(func(l *scaling.Load) { l.Fresh = false })}, pass, ""},

		{"the cluster is busy", []func(*Input){func(in *Input) { in.Observation.Status = "backing-up" }}, "DatabaseBusy",
			"engine is backing-up"},
		{"a reader is busy", []func(*Input){editInstance(2, withStatus("modifying"))}, "DatabaseBusy", "b is modifying"},
		{"the writer is busy", []func(*Input){editInstance(0, withStatus("rebooting"))}, "DatabaseBusy", "w is rebooting"},
		{"a status that nobody knows", []func(*Input){editInstance(1, withStatus("defrosting"))}, "DatabaseBusy",
			"a is defrosting"},
		{"no status", []func(*Input){func(in *Input) { in.Observation.Status = "" }}, "DatabaseBusy", ""},
		{"a reader is broken", []func(*Input){editInstance(1, withStatus("storage-full"))}, "DatabaseBusy", "repair or remove it"},

		{"a class change waits", []func(*Input){editInstance(0, func(i *scaling.Instance) { i.PendingClass = xlarge })},
			"PendingModifications", "DBInstanceClass db.r6g.xlarge"},
		{"an engine upgrade waits",
			[]func(*Input){editInstance(2, func(i *scaling.Instance) { i.OtherPendingModifications = []string{"EngineVersion"} })},
			"PendingModifications", "b has modifications that wait for its maintenance window (EngineVersion)"},

		{"a reader of others would go", []func(*Input){withSteps(deleteStep("a"))}, "ForeignReader",
			"a was not created by dbscaler"},
		{"a reader that another tool created would go", []func(*Input){
			editInstance(1, func(i *scaling.Instance) { i.Tags[scaling.TagCreatedBy] = "terraform" }), withSteps(deleteStep("a")),
		}, "ForeignReader", ""},
		{"an own reader goes", []func(*Input){
			editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1.4 }),
		}, pass, ""},
		{"an own reader goes that is needed", []func(*Input){editInstance(1, createdByOperator), withSteps(deleteStep("a"))}, "ReadersCarryLoad", "while a is changed"},
		{"an own reader that became the writer would go", []func(*Input){editInstance(0, createdByOperator), withSteps(deleteStep("w"))},
			"ForeignReader", "w"},
		{"the last reader would go", []func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator), withSteps(deleteStep("a"), deleteStep("b"))},
			"ForeignReader", "last reader"},
		{"a reader comes before they go",
			[]func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator), withSteps(createStep("s"), deleteStep("a"), deleteStep("b"))}, pass, ""},

		// Two readers of 2 vCPUs: while one is resized, 2 vCPUs carry at most 1.4 at 70 %.
		{"the other reader could not carry the load", []func(*Input){withSteps(resizeStep("a"), resizeStep("b"))}, "ReadersCarryLoad",
			"while a is changed"},
		{"the other reader can just carry it",
			[]func(*Input){withSteps(resizeStep("a"), resizeStep("b")), editLoad(func(l *scaling.Load) { l.Demand = 1.4 })}, pass, ""},
		{"the other reader could just not carry it",
			[]func(*Input){withSteps(resizeStep("a"), resizeStep("b")), editLoad(func(l *scaling.Load) { l.Demand = 1.41 })},
			"ReadersCarryLoad", "surgeReaders"},
		{"nobody knows what it carries",
			[]func(*Input){belowMinimum, withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { *l = scaling.Load{Pool: scaling.Readers} })},
			"ReadersCarryLoad", ""},
		{"a reader is saturated",
			[]func(*Input){withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { l.Demand, l.Saturated = 1, true })},
			"ReadersCarryLoad", ""},
		{"a mixed pool evens out to fewer vCPUs, for the sake of its hottest", []func(*Input){
			editLoad(func(l *scaling.Load) { l.Saturated = true }), editInstance(1, func(i *scaling.Instance) { i.Class = "db.r6g.4xlarge" }), // 16 and 2 vCPUs
			targetShape(2, xlarge), withSteps(createStep("s"), resizeStep("b"), resizeStep("a"), deleteStep("s")),
		}, pass, ""},
		{"but not on the way down", []func(*Input){
			scaleDown, editLoad(func(l *scaling.Load) { l.Saturated = true }), editInstance(1, func(i *scaling.Instance) { i.Class = "db.r6g.4xlarge" }),
			targetShape(2, xlarge), withSteps(createStep("s"), resizeStep("b"), resizeStep("a"), deleteStep("s")),
		}, "ReadersCarryLoad", ""},
		{"a reader that is added too late", []func(*Input){withSteps(resizeStep("a"), createStep("s"))}, "ReadersCarryLoad", ""},
		{"the operation removes the only other reader later",
			[]func(*Input){editInstance(2, createdByOperator), withSteps(resizeStep("a"), deleteStep("b"))}, "ReadersCarryLoad", ""},
		{"resizing the writer alone takes no reader away", []func(*Input){writerScaleUp, withSteps(resizeStep("w"))}, pass, ""},

		{"two operations today", []func(*Input){pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour)},
			pass, ""},
		{"three operations that interrupt", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, false, 3*time.Hour),
		}, "OperationsPerDay", "3 operations"},
		{"three operations that interrupt leave nine that do not", []func(*Input){
			addReaderOnly, pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, false, 3*time.Hour),
		}, pass, ""},
		{"twelve that do not", []func(*Input){addReaderOnly, pastNonDisruptive(12)}, "OperationsPerDay", "12 operations were"},
		{"eleven that do not", []func(*Input){addReaderOnly, pastNonDisruptive(11)}, pass, ""},
		{"and they leave three that interrupt", []func(*Input){pastNonDisruptive(12)}, pass, ""},
		{"the last third is for growing: two of three", []func(*Input){
			scaleDown, pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Down, true, 3*time.Hour),
		}, "OperationsPerDay", "kept for growing"},
		{"one of three", []func(*Input){scaleDown, pastOperation(scaling.Down, true, 2*time.Hour)}, pass, ""},
		{"cleanups do not count", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Cleanup, true, 3*time.Hour),
		}, pass, ""},
		{"what was started a day ago does not count", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, true, 24*time.Hour-10*time.Minute),
		}, pass, ""},
		{"what was started a second later counts", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, true, 24*time.Hour-10*time.Minute-time.Second),
		}, "OperationsPerDay", ""},
		{"a cleanup is always allowed", []func(*Input){
			surgeCleanup, pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Up, true, 2*time.Hour), pastOperation(scaling.Up, true, 3*time.Hour),
		}, pass, ""},

		{"what interrupts nothing needs no window", []func(*Input){
			writerScaleUp, disruptionWindows(night), withSteps(scaling.Step{Action: scaling.ModifyCapacity, Instance: "engine", InstanceClass: "32 ACU"}),
		}, pass, ""},
		{"what rolls through the members does", []func(*Input){
			writerScaleUp, disruptionWindows(night), withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}),
			editInstance(1, caughtUp), editInstance(2, caughtUp),
		}, "DisruptionWindow", ""},
		{"a standby that is behind holds it back", []func(*Input){
			writerScaleUp, withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}), editInstance(1, caughtUp),
			editInstance(2, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{Value: time.Minute} }),
		}, "ReplicaLag", "b, which is to take over"},
		{"up right after up", []func(*Input){pastOperation(scaling.Up, true, 9*time.Minute)}, "Cooldown",
			"behavior.scaleUp.cooldownSeconds"},
		{"up when the cooldown ends", []func(*Input){pastOperation(scaling.Up, true, 10*time.Minute)}, pass, ""},
		{"up right after what failed", []func(*Input){pastOperation(scaling.Down, false, time.Minute)}, "Cooldown", "10:09:00Z"},
		{"up right after down", []func(*Input){pastOperation(scaling.Down, true, time.Minute)}, pass, ""},
		{"up right after what failed, without any cooldown", []func(*Input){
			func(in *Input) { in.Policy.ScaleUp.Cooldown = 0 }, pastOperation(scaling.Up, false, 4*time.Minute),
		}, "Cooldown", "the last operation failed; the next is begun at 2026-02-05T10:01:00Z"},
		{"up some time after what failed, without any cooldown", []func(*Input){
			func(in *Input) { in.Policy.ScaleUp.Cooldown = 0 }, pastOperation(scaling.Up, false, 5*time.Minute),
		}, pass, ""},
		{"a cleanup right after one that failed", []func(*Input){surgeCleanup, withSteps(deleteStep("s")), pastOperation(scaling.Cleanup, false, 4*time.Minute)}, "Cooldown", "10:01:00Z"},
		{"a cleanup right after another failure", []func(*Input){surgeCleanup, withSteps(deleteStep("s")), pastOperation(scaling.Up, false, time.Minute)}, pass, ""},
		{"down right after up", []func(*Input){scaleDown, pastOperation(scaling.Up, true, 59*time.Minute)}, "Cooldown",
			"behavior.scaleDown.cooldownSeconds"},
		{"down right after down", []func(*Input){scaleDown, pastOperation(scaling.Down, true, 59*time.Minute)}, "Cooldown", ""},
		{"down when the cooldown ends", []func(*Input){scaleDown, pastOperation(scaling.Up, true, time.Hour)}, pass, ""},
		{"the newest counts, wherever it stands",
			[]func(*Input){pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Up, true, 5*time.Minute)}, "Cooldown", ""},
		{"the newest counts, before or after",
			[]func(*Input){pastOperation(scaling.Up, true, 5*time.Minute), pastOperation(scaling.Up, true, time.Hour)}, "Cooldown",
			"10:05:00Z"},
		{"a cleanup waits for nothing", []func(*Input){surgeCleanup, pastOperation(scaling.Up, false, time.Minute)}, pass, ""},

		{"the writer, outside the window", []func(*Input){writerScaleUp, disruptionWindows(night)}, "DisruptionWindow",
			"2026-02-06T02:00:00Z"},
		{"the writer, inside one", []func(*Input){writerScaleUp, disruptionWindows(night, morning)}, pass, ""},
		{"the writer, and a window that never opens", []func(*Input){
			writerScaleUp, disruptionWindows(scaling.Window{Schedule: "0 0 30 2 *", Duration: time.Hour, TimeZone: "UTC"}),
		}, "DisruptionWindow", "none of spec.disruptionWindows will ever open"},
		{"readers are not bound by windows", []func(*Input){disruptionWindows(night)}, pass, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case veto == nil && test.guard != pass:
				t.Errorf("it passes, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.says)):
				t.Errorf("%s says %q; want %q to say %q", veto.Guard, veto.Message, test.guard, test.says)
			case veto != nil && veto.Message == "":
				t.Error("a veto without a message")
			}
		})
	}
}

func TestCheck_ErrorIsVeto(t *testing.T) {
	unknown := scaling.Window{Schedule: "0 9 * * *", Duration: 24 * time.Hour, TimeZone: "Mars/Olympus"}
	for name, test := range map[string]struct {
		in    Input
		guard string
	}{
		"a window that cannot be read": {approvedInput(writerScaleUp, disruptionWindows(unknown)), "DisruptionWindow"},
		"a class that nobody knows": {approvedInput(withSteps(resizeStep("a")), editInstance(2, func(i *scaling.Instance) { i.Class = "db.z9.large" })),
			"MinimumReaders"},
		"of the very instance it resizes": {approvedInput(withSteps(resizeStep("a")), editInstance(1, func(i *scaling.Instance) { i.Class = "db.z9.large" })),
			"MinimumReaders"},
	} {
		veto := firstVeto(test.in)
		if veto == nil || veto.Guard != test.guard || !strings.Contains(veto.Message, "could not be evaluated") {
			t.Errorf("%s: got %+v, want a veto by %s", name, veto, test.guard)
		}
	}

	// Whichever guard it is.
	original := chain
	t.Cleanup(func() { chain = original })
	for n := range original {
		chain = slices.Clone(original)
		chain[n].run = func(Input) (string, time.Duration, error) { return "", 0, errors.New("out of ink") }
		veto := firstVeto(approvedInput())
		if veto == nil || veto.Guard != original[n].name || !strings.Contains(veto.Message, "out of ink") {
			t.Errorf("an error in %s gives %+v", original[n].name, veto)
		}
	}
}

func TestCheck_RetryAfter(t *testing.T) {
	night := scaling.Window{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}
	for name, test := range map[string]struct {
		in   Input
		want time.Duration
	}{
		"when the cooldown ends":       {approvedInput(pastOperation(scaling.Up, true, 3*time.Minute)), 7 * time.Minute},
		"when the next window opens":   {approvedInput(writerScaleUp, disruptionWindows(night)), 16 * time.Hour}, // from 10:00 to 02:00
		"nobody knows how long a busy": {approvedInput(editInstance(1, withStatus("modifying"))), 0},
	} {
		veto := firstVeto(test.in)
		if veto == nil || veto.RetryAfter != test.want {
			t.Errorf("%s: got %+v, want to be asked again after %s", name, veto, test.want)
		}
	}
}

func TestNames_OrderAsDocumented(t *testing.T) {
	want := []string{
		"Paused", "OwnershipConflict", "ModeRecommend", "OutOfBounds", "LargestStep", "Budget", "ClassNotOrderable", "CapacityShortage", "OptInTagMissing",
		"OwnerConflict", "DeclaredElsewhere", "MetricsStale", "DatabaseBusy", "PendingModifications", "PendingMaintenance", "BackupWindow", "ForeignReader", "MinimumReaders",
		"ReadersCarryLoad", "ReplicaLag", "OperationsPerDay", "Cooldown", "DisruptionWindow", "ApprovalMissing",
		"FleetSlot",
	}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	unique := slices.Clone(Names())
	slices.Sort(unique)
	if len(slices.Compact(unique)) != len(want) {
		t.Errorf("the names are not unique: %v", unique)
	}
	for _, name := range want { // they are reasons of conditions
		if strings.ContainsFunc(name, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }) {
			t.Errorf("%q is not a CamelCase word", name)
		}
	}
}

// A person hears of the guards one by one, in their order, and the ledger of all of them.
func TestCheck_VetoesInOrder(t *testing.T) {
	original := chain
	t.Cleanup(func() { chain = original })
	chain = slices.Clone(original)
	for n := range chain {
		chain[n].run = func(Input) (string, time.Duration, error) { return "no", time.Minute, nil }
	}
	for n, c := range original {
		vetoes := Check(approvedInput())
		if len(vetoes) != len(original)-n || vetoes[0].Guard != c.name {
			t.Fatalf("%d guards object, and one hears of %d, %s first", len(original)-n, len(vetoes), vetoes[0].Guard)
		}
		chain[n].run = func(Input) (string, time.Duration, error) { return "", 0, nil }
	}
	if vetoes := Check(approvedInput()); len(vetoes) > 0 {
		t.Errorf("nobody objects, and one hears of %v", vetoes)
	}
}
