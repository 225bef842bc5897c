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

// approvedInput returns a proposal that every guard allows: two large readers are resized to the next class one after the other,
// with a surge reader. The edits introduce what a test is about.
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
			Found: true, Engine: "aurora-postgresql", EngineVersion: "16.4", Status: scaling.StatusAvailable, Tags: optedIn,
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

// minCapacityRaise proposes a higher minimum capacity of a Serverless v2 cluster.
func minCapacityRaise(in *Input) {
	in.Policy.MinCapacity, in.Policy.Guardrails.MaxStepFactor = &scaling.CapacityRange{Lowest: 0.5, Highest: 16}, 2
	in.Policy.Readers, in.Policy.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"16 ACU"}}
	in.Observation.Serverless, in.Observation.ResizedAsUnit, in.Observation.MinCapacity = true, true, 0.5
	for n := range in.Observation.Instances {
		in.Observation.Instances[n].Class = "16 ACU"
	}
	in.Proposal.Pool, in.Proposal.From = scaling.MinCapacity, scaling.Shape{InstanceClass: "0.5 ACU", Count: 1}
	in.Proposal.To = scaling.Shape{InstanceClass: "8 ACU", Count: 1}
	in.Operation.Steps = []scaling.Step{{Action: scaling.ModifyMinCapacity, Instance: "engine", InstanceClass: "8 ACU"}}
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

// editInstance edits the nth instance: 0 is the writer, 1 and 2 are the readers.
func editInstance(n int, edit func(*scaling.Instance)) func(*Input) {
	return func(in *Input) { edit(&in.Observation.Instances[n]) }
}

func createdByOperator(i *scaling.Instance) {
	i.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
}

func parametersStaged(i *scaling.Instance) {
	i.PendingReboot = []string{"DB parameter group tuned is pending-reboot"}
}

// caughtUp sets a small replica lag.
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

// pastOperation adds an operation that completed some time ago and was started ten minutes before that.
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

// pastNonDisruptive adds operations of the last hours that only added or removed readers.
func pastNonDisruptive(times int) func(*Input) {
	return func(in *Input) {
		for n := range times {
			pastOperation(scaling.Down, true, time.Hour+time.Duration(n)*time.Minute)(in)
			in.Observation.History[n].Disruptive = false
		}
	}
}

// firstVeto returns the veto that users see, or nil.
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
	always := scaling.Window{Schedule: "* * * * *", Duration: time.Hour, TimeZone: "UTC"}
	failoverToA := []func(*Input){writerScaleUp, withSteps(createStep("s"), failoverStep("a"), resizeStep("w"), deleteStep("s")),
		editInstance(1, caughtUp), disruptionWindows(always), editInstance(2, parametersStaged)}
	for _, test := range []struct {
		name    string
		edits   []func(*Input)
		guard   string
		message string
	}{
		{"no guard vetoes", nil, pass, ""},

		{"mode Recommend", []func(*Input){withMode(scaling.Recommend)}, "RecommendMode", "spec.mode"},
		{"unknown mode", []func(*Input){withMode("Perhaps")}, "RecommendMode", "could not be evaluated"},
		{"empty mode", []func(*Input){withMode("")}, "RecommendMode", "could not be evaluated"},

		{"maximum number of readers", []func(*Input){targetShape(4, xlarge)}, pass, ""},
		{"more readers than the maximum", []func(*Input){targetShape(5, xlarge)}, "OutOfBounds", "5 × db.r6g.xlarge"},
		{"fewer readers than the minimum", []func(*Input){targetShape(0, xlarge)}, "OutOfBounds", "0 × db.r6g.xlarge"},
		{"class not in the policy", []func(*Input){targetShape(2, "db.r6g.2xlarge")}, "OutOfBounds", "db.r6g.2xlarge"},
		{"desired shape of mixed classes", []func(*Input){targetShape(2, "")}, "OutOfBounds", "mixed classes"},
		{"policy without readers", []func(*Input){func(in *Input) { in.Policy.Readers = nil }}, "OutOfBounds", ""},
		{"policy without a writer", []func(*Input){writerScaleUp, func(in *Input) { in.Policy.Writer = nil }}, "OutOfBounds",
			""},
		{"writer scale-up", []func(*Input){writerScaleUp}, pass, ""},
		{"two writers desired", []func(*Input){writerScaleUp, targetShape(2, xlarge)}, "OutOfBounds", ""},
		{"writer class not in the policy", []func(*Input){writerScaleUp, targetShape(1, "db.r6g.2xlarge")}, "OutOfBounds", ""},
		{"unknown pool", []func(*Input){func(in *Input) { in.Proposal.Pool = "Proxies" }}, "OutOfBounds", ""},
		{"cleanup ignores the limits of the policy", []func(*Input){surgeCleanup, targetShape(2, "db.r6g.2xlarge")}, pass, ""},

		{"target without opt-in tag", []func(*Input){func(in *Input) { in.Observation.Tags = nil }}, "OptInTagMissing",
			"on engine:"},
		{"opt-in tag of another namespace", []func(*Input){func(in *Input) { in.Policy.Namespace = "billing" }}, "OptInTagMissing",
			"on engine, a, b:"},
		{"changed instance without opt-in tag", []func(*Input){editInstance(2, func(i *scaling.Instance) { i.Tags = nil })},
			"OptInTagMissing", "on b:"},
		{"unchanged instance without opt-in tag",
			[]func(*Input){editInstance(0, func(i *scaling.Instance) { i.Tags = nil })}, pass, ""},
		{"instances created by the operator without opt-in tag", []func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator)}, pass, ""},
		{"asterisk as the opt-in tag", []func(*Input){func(in *Input) { in.Observation.Tags = map[string]string{scaling.TagOptIn: "*"} }},
			"OptInTagMissing", "on engine:"},
		{"opt-in tag for any namespace", []func(*Input){
			func(in *Input) { in.Observation.Tags = map[string]string{scaling.TagOptIn: scaling.OptInAny} },
			editInstance(1, func(i *scaling.Instance) { i.Tags = map[string]string{scaling.TagOptIn: scaling.OptInAny} }),
		}, pass, ""},

		{"samples at the maximum age", []func(*Input){editLoad(func(l *scaling.Load) { l.NewestSampleAt = now.Add(-5 * time.Minute) })},
			pass, ""},
		{"samples above the maximum age",
			[]func(*Input){editLoad(func(l *scaling.Load) { l.NewestSampleAt = now.Add(-5*time.Minute - time.Second) })},
			"MetricsStale", "last 5 min"},
		{"too few samples", []func(*Input){editLoad(func(l *scaling.Load) { l.Fresh = false })}, "MetricsStale", ""},
		{"samples of the other pool only", []func(*Input){func(in *Input) { in.Pools = in.Pools[1:] }}, "MetricsStale", ""},
		{"minimum is reached without samples",
			[]func(*Input){belowMinimum, editLoad(func(l *scaling.Load) { l.Fresh = false })}, pass, ""},

		{"cluster not available", []func(*Input){func(in *Input) { in.Observation.Status = "backing-up" }}, "DatabaseBusy",
			"engine is backing-up"},
		{"reader not available", []func(*Input){editInstance(2, withStatus("modifying"))}, "DatabaseBusy", "b is modifying"},
		{"writer not available", []func(*Input){editInstance(0, withStatus("rebooting"))}, "DatabaseBusy", "w is rebooting"},
		{"unknown status", []func(*Input){editInstance(1, withStatus("defrosting"))}, "DatabaseBusy",
			"a is defrosting"},
		{"empty status", []func(*Input){func(in *Input) { in.Observation.Status = "" }}, "DatabaseBusy", ""},
		{"broken reader", []func(*Input){editInstance(1, withStatus("storage-full"))}, "DatabaseBusy", "repair or remove the instance"},

		{"pending class change", []func(*Input){editInstance(0, func(i *scaling.Instance) { i.PendingClass = xlarge })},
			"PendingModifications", "DBInstanceClass db.r6g.xlarge"},
		{"pending engine upgrade",
			[]func(*Input){editInstance(2, func(i *scaling.Instance) { i.OtherPendingModifications = []string{"EngineVersion"} })},
			"PendingModifications", "b has modifications pending for its maintenance window (EngineVersion)"},

		{"pending modification of the cluster", []func(*Input){func(in *Input) { in.Observation.PendingModifications = []string{"EngineVersion", "StorageType"} }},
			"PendingModifications", "engine has modifications pending for its maintenance window (EngineVersion, StorageType)"},
		{"pending modification of the cluster and a new reader",
			[]func(*Input){addReaderOnly, func(in *Input) { in.Observation.PendingModifications = []string{"EngineVersion"} }}, "PendingModifications", ""},
		{"pending modification of the cluster and an emergency",
			[]func(*Input){func(in *Input) {
				in.Observation.PendingModifications, in.Proposal.Emergency = []string{"EngineVersion"}, true
			}},
			"PendingModifications", ""},

		{"parameters of a resized reader pending reboot", []func(*Input){editInstance(2, parametersStaged)}, "PendingReboot",
			"b has changes that a restart would apply (DB parameter group tuned is pending-reboot): reboot the instance"},
		{"parameters of another instance pending reboot", []func(*Input){editInstance(0, parametersStaged)}, pass, ""},
		{"parameters pending reboot in an emergency", []func(*Input){editInstance(2, parametersStaged), func(in *Input) { in.Proposal.Emergency = true }},
			"PendingReboot", ""},
		{"parameters of the writer pending reboot and a failover", []func(*Input){editInstance(0, parametersStaged), editInstance(1, caughtUp),
			withSteps(createStep("s"), scaling.Step{Action: scaling.Failover, Instance: "a"})}, "PendingReboot", "w has changes"},
		{"parameters of the promotion candidate pending reboot", []func(*Input){editInstance(1, parametersStaged), editInstance(1, caughtUp),
			withSteps(createStep("s"), scaling.Step{Action: scaling.Failover, Instance: "a"})}, "PendingReboot", "a has changes"},
		{"parameters of another reader pending reboot and a failover that restarts all", append(failoverToA,
			engineVersion("aurora-postgresql", "14.6")), "PendingReboot", "b has changes"},
		{"parameters of another reader pending reboot and a failover that restarts two", append(failoverToA,
			engineVersion("aurora-postgresql", "14.7")), pass, ""},
		{"parameters of a member pending reboot and a class change of the cluster", []func(*Input){editInstance(1, parametersStaged),
			withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge})}, "PendingReboot", "a has changes"},
		{"parameters pending reboot and a new reader", []func(*Input){addReaderOnly, editInstance(0, parametersStaged), editInstance(1, parametersStaged)}, pass, ""},
		{"parameters pending reboot and a deletion", []func(*Input){editInstance(0, parametersStaged), editInstance(1, parametersStaged),
			editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1.4 })}, pass, ""},
		{"parameters pending reboot and a change of the serverless capacity", []func(*Input){editInstance(0, parametersStaged),
			withSteps(scaling.Step{Action: scaling.ModifyCapacity, Instance: "engine", InstanceClass: "32 ACU"})}, pass, ""},

		{"tag of a member missing and a class change of the cluster", []func(*Input){editInstance(2, func(i *scaling.Instance) { i.Tags = nil }),
			withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge})}, "OptInTagMissing", "is missing on b"},
		{"tag of a member missing and a change of the serverless capacity", []func(*Input){editInstance(2, func(i *scaling.Instance) { i.Tags = nil }),
			withSteps(scaling.Step{Action: scaling.ModifyMinCapacity, Instance: "engine", InstanceClass: "2 ACU"})}, "OptInTagMissing", "is missing on b"},
		{"minimum capacity raised by more than the largest step", []func(*Input){minCapacityRaise}, pass, ""},
		{"minimum capacity outside the policy", []func(*Input){minCapacityRaise, func(in *Input) { in.Policy.MinCapacity.Highest = 6 }}, "OutOfBounds",
			"1 × 8 ACU is outside the limits"},
		{"minimum capacity without fresh samples", []func(*Input){minCapacityRaise, func(in *Input) { in.Pools[1].Load.Fresh = false }}, "MetricsStale", ""},
		{"minimum capacity after as many disruptive operations as allowed", []func(*Input){minCapacityRaise, func(in *Input) {
			in.Policy.Guardrails.MaxOperationsPerDay = 1
			in.Observation.History = scaling.History{{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, Disruptive: true,
				StartedAt: now.Add(-2 * time.Hour), CompletedAt: now.Add(-time.Hour)}}
		}}, pass, ""},

		{"deletion of a reader of somebody else", []func(*Input){withSteps(deleteStep("a"))}, "ReaderNotOwned",
			"a was not created by dbscaler"},
		{"deletion of a reader created by another tool", []func(*Input){
			editInstance(1, func(i *scaling.Instance) { i.Tags[scaling.TagCreatedBy] = "terraform" }), withSteps(deleteStep("a")),
		}, "ReaderNotOwned", ""},
		{"deletion of an operator's reader", []func(*Input){
			editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1.4 }),
		}, pass, ""},
		{"deletion of a reader that is needed", []func(*Input){editInstance(1, createdByOperator), withSteps(deleteStep("a"))}, "ReaderCapacity", "while a is changed"},
		{"deletion of an operator's reader that became the writer", []func(*Input){editInstance(0, createdByOperator), withSteps(deleteStep("w"))},
			"ReaderNotOwned", "w is the writer"},
		{"deletion of the last reader", []func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator), withSteps(deleteStep("a"), deleteStep("b"))},
			"ReaderNotOwned", "0 readers"},
		{"deletion of all readers after a new one",
			[]func(*Input){editInstance(1, createdByOperator), editInstance(2, createdByOperator), withSteps(createStep("s"), deleteStep("a"), deleteStep("b"))}, pass, ""},

		// Two readers of 2 vCPUs: while one is resized, 2 vCPUs carry at most 1.4 at 70 %.
		{"other reader overloaded during a resize", []func(*Input){withSteps(resizeStep("a"), resizeStep("b"))}, "ReaderCapacity",
			"while a is changed"},
		{"other reader at the scale-up threshold during a resize",
			[]func(*Input){withSteps(resizeStep("a"), resizeStep("b")), editLoad(func(l *scaling.Load) { l.Demand = 1.4 })}, pass, ""},
		{"other reader just above the scale-up threshold during a resize",
			[]func(*Input){withSteps(resizeStep("a"), resizeStep("b")), editLoad(func(l *scaling.Load) { l.Demand = 1.41 })},
			"ReaderCapacity", "surgeReaders"},
		{"load unknown during a resize",
			[]func(*Input){belowMinimum, withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { *l = scaling.Load{Pool: scaling.Readers} })},
			"ReaderCapacity", ""},
		{"pool saturated during a resize",
			[]func(*Input){withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { l.Demand, l.Saturated = 1, true })},
			"ReaderCapacity", ""},
		{"scale-up of a mixed pool to fewer vCPUs, saturated", []func(*Input){
			editLoad(func(l *scaling.Load) { l.Saturated = true }), editInstance(1, func(i *scaling.Instance) { i.Class = "db.r6g.4xlarge" }), // 16 and 2 vCPUs
			targetShape(2, xlarge), withSteps(createStep("s"), resizeStep("b"), resizeStep("a"), deleteStep("s")),
		}, pass, ""},
		{"scale-down of a mixed pool to fewer vCPUs, saturated", []func(*Input){
			scaleDown, editLoad(func(l *scaling.Load) { l.Saturated = true }), editInstance(1, func(i *scaling.Instance) { i.Class = "db.r6g.4xlarge" }),
			targetShape(2, xlarge), withSteps(createStep("s"), resizeStep("b"), resizeStep("a"), deleteStep("s")),
		}, "ReaderCapacity", ""},
		{"surge reader added after the resize", []func(*Input){withSteps(resizeStep("a"), createStep("s"))}, "ReaderCapacity", ""},
		{"other reader deleted after the resize",
			[]func(*Input){editInstance(2, createdByOperator), withSteps(resizeStep("a"), deleteStep("b"))}, "ReaderCapacity", ""},
		{"resize of the writer does not affect the readers", []func(*Input){writerScaleUp, withSteps(resizeStep("w"))}, pass, ""},

		{"two of three operations of the day", []func(*Input){pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour)},
			pass, ""},
		{"three of three disruptive operations", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, false, 3*time.Hour),
		}, "OperationsPerDay", "3 disruptive operations"},
		{"three disruptive operations leave nine non-disruptive ones", []func(*Input){
			addReaderOnly, pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, false, 3*time.Hour),
		}, pass, ""},
		{"twelve of twelve non-disruptive operations", []func(*Input){addReaderOnly, pastNonDisruptive(12)}, "OperationsPerDay", "12 operations were"},
		{"eleven of twelve non-disruptive operations", []func(*Input){addReaderOnly, pastNonDisruptive(11)}, pass, ""},
		{"twelve non-disruptive operations leave three disruptive ones", []func(*Input){pastNonDisruptive(12)}, pass, ""},
		{"scale-down after two of three operations", []func(*Input){
			scaleDown, pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Down, true, 3*time.Hour),
		}, "OperationsPerDay", "reserves the rest for scaling up"},
		{"scale-down after one of three operations", []func(*Input){scaleDown, pastOperation(scaling.Down, true, 2*time.Hour)}, pass, ""},
		{"cleanups are not counted", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Cleanup, true, 3*time.Hour),
		}, pass, ""},
		{"operation started 24 h ago is not counted", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, true, 24*time.Hour-10*time.Minute),
		}, pass, ""},
		{"operation started less than 24 h ago is counted", []func(*Input){
			pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Down, true, 2*time.Hour), pastOperation(scaling.Up, true, 24*time.Hour-10*time.Minute-time.Second),
		}, "OperationsPerDay", ""},
		{"cleanup is not limited", []func(*Input){
			surgeCleanup, pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Up, true, 2*time.Hour), pastOperation(scaling.Up, true, 3*time.Hour),
		}, pass, ""},

		{"capacity change outside the window", []func(*Input){
			writerScaleUp, disruptionWindows(night), withSteps(scaling.Step{Action: scaling.ModifyCapacity, Instance: "engine", InstanceClass: "32 ACU"}),
		}, pass, ""},
		{"cluster class change outside the window", []func(*Input){
			writerScaleUp, disruptionWindows(night), withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}),
			editInstance(1, caughtUp), editInstance(2, caughtUp),
		}, "DisruptionWindow", ""},
		{"lagging standby blocks a cluster class change", []func(*Input){
			writerScaleUp, withSteps(scaling.Step{Action: scaling.ModifyClusterClass, Instance: "engine", InstanceClass: xlarge}), editInstance(1, caughtUp),
			editInstance(2, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{Value: time.Minute} }),
		}, "ReplicaLag", "b, the promotion candidate"},
		{"scale-up in the cooldown of a scale-up", []func(*Input){pastOperation(scaling.Up, true, 9*time.Minute)}, "Cooldown",
			"behavior.scaleUp.cooldownSeconds"},
		{"scale-up when the cooldown ends", []func(*Input){pastOperation(scaling.Up, true, 10*time.Minute)}, pass, ""},
		{"scale-up in the cooldown of a failure", []func(*Input){pastOperation(scaling.Down, false, time.Minute)}, "Cooldown", "10:09:00Z"},
		{"scale-up right after a scale-down", []func(*Input){pastOperation(scaling.Down, true, time.Minute)}, pass, ""},
		{"scale-up in the backoff of a failure, without cooldown", []func(*Input){
			func(in *Input) { in.Policy.ScaleUp.Cooldown = 0 }, pastOperation(scaling.Up, false, 4*time.Minute),
		}, "Cooldown", "the last operation failed; the next one can start at 2026-02-05T10:01:00Z"},
		{"scale-up after the backoff of a failure, without cooldown", []func(*Input){
			func(in *Input) { in.Policy.ScaleUp.Cooldown = 0 }, pastOperation(scaling.Up, false, 5*time.Minute),
		}, pass, ""},
		{"cleanup in the backoff of a failed cleanup", []func(*Input){surgeCleanup, withSteps(deleteStep("s")), pastOperation(scaling.Cleanup, false, 4*time.Minute)}, "Cooldown", "10:01:00Z"},
		{"cleanup right after another failure", []func(*Input){surgeCleanup, withSteps(deleteStep("s")), pastOperation(scaling.Up, false, time.Minute)}, pass, ""},
		{"scale-down in the cooldown of a scale-up", []func(*Input){scaleDown, pastOperation(scaling.Up, true, 59*time.Minute)}, "Cooldown",
			"behavior.scaleDown.cooldownSeconds"},
		{"scale-down in the cooldown of a scale-down", []func(*Input){scaleDown, pastOperation(scaling.Down, true, 59*time.Minute)}, "Cooldown", ""},
		{"scale-down when the cooldown ends", []func(*Input){scaleDown, pastOperation(scaling.Up, true, time.Hour)}, pass, ""},
		{"newest operation counts, listed last",
			[]func(*Input){pastOperation(scaling.Up, true, time.Hour), pastOperation(scaling.Up, true, 5*time.Minute)}, "Cooldown", ""},
		{"newest operation counts, listed first",
			[]func(*Input){pastOperation(scaling.Up, true, 5*time.Minute), pastOperation(scaling.Up, true, time.Hour)}, "Cooldown",
			"10:05:00Z"},
		{"cleanup ignores the cooldown", []func(*Input){surgeCleanup, pastOperation(scaling.Up, false, time.Minute)}, pass, ""},

		{"writer outside the window", []func(*Input){writerScaleUp, disruptionWindows(night)}, "DisruptionWindow",
			"2026-02-06T02:00:00Z"},
		{"writer inside a window", []func(*Input){writerScaleUp, disruptionWindows(night, morning)}, pass, ""},
		{"writer with a window that never opens", []func(*Input){
			writerScaleUp, disruptionWindows(scaling.Window{Schedule: "0 0 30 2 *", Duration: time.Hour, TimeZone: "UTC"}),
		}, "DisruptionWindow", "no window of spec.disruptionWindows ever opens"},
		{"readers outside the window", []func(*Input){disruptionWindows(night)}, pass, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case veto == nil && test.guard != pass:
				t.Errorf("allowed, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.message)):
				t.Errorf("%s: %q; want %s with %q", veto.Guard, veto.Message, test.guard, test.message)
			case veto != nil && veto.Message == "":
				t.Error("veto without a message")
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
		"unknown time zone of a window": {approvedInput(writerScaleUp, disruptionWindows(unknown)), "DisruptionWindow"},
		"unknown class": {approvedInput(withSteps(resizeStep("a")), editInstance(2, func(i *scaling.Instance) { i.Class = "db.z9.large" })),
			"MinimumReaders"},
		"unknown class of the resized instance": {approvedInput(withSteps(resizeStep("a")), editInstance(1, func(i *scaling.Instance) { i.Class = "db.z9.large" })),
			"MinimumReaders"},
	} {
		veto := firstVeto(test.in)
		if veto == nil || veto.Guard != test.guard || !strings.Contains(veto.Message, "could not be evaluated") {
			t.Errorf("%s: got %+v, want a veto by %s", name, veto, test.guard)
		}
	}

	// The same holds for every guard.
	original := chain
	t.Cleanup(func() { chain = original })
	for n := range original {
		chain = slices.Clone(original)
		chain[n].run = func(Input) (string, time.Duration, error) { return "", 0, errors.New("test error") }
		veto := firstVeto(approvedInput())
		if veto == nil || veto.Guard != original[n].name || !strings.Contains(veto.Message, "test error") {
			t.Errorf("error in %s: got %+v", original[n].name, veto)
		}
	}
}

func TestCheck_RetryAfter(t *testing.T) {
	night := scaling.Window{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}
	for name, test := range map[string]struct {
		in   Input
		want time.Duration
	}{
		"end of the cooldown":          {approvedInput(pastOperation(scaling.Up, true, 3*time.Minute)), 7 * time.Minute},
		"opening of the next window":   {approvedInput(writerScaleUp, disruptionWindows(night)), 16 * time.Hour}, // from 10:00 to 02:00
		"zero when the end is unknown": {approvedInput(editInstance(1, withStatus("modifying"))), 0},
	} {
		veto := firstVeto(test.in)
		if veto == nil || veto.RetryAfter != test.want {
			t.Errorf("%s: got %+v, want RetryAfter %s", name, veto, test.want)
		}
	}
}

func TestNames_OrderAsDocumented(t *testing.T) {
	want := []string{
		"Paused", "OwnershipConflict", "RecommendMode", "OutOfBounds", "StepTooLarge", "Budget", "LicenseGrowth", "ClassNotOrderable", "CapacityShortage",
		"CannotReplicate", "RefusedByAWS", "OptInTagMissing", "ReaderAutoScaling", "DeclaredElsewhere", "BlueGreenDeployment", "MetricsStale",
		"DatabaseBusy", "PendingModifications", "PendingReboot", "PendingMaintenance", "BackupWindow", "ReaderNotOwned", "CustomEndpoints",
		"PromotionCandidate", "MinimumReaders",
		"ReaderCapacity", "ReplicaLag", "OperationsPerDay", "Cooldown", "DisruptionWindow", "ApprovalRequired",
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
	for _, name := range want { // the names are reasons of conditions
		if strings.ContainsFunc(name, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }) {
			t.Errorf("%q is not a CamelCase reason", name)
		}
	}
}

// Check returns all vetoes, and users see the first one.
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
			t.Fatalf("%d guards veto: got %d vetoes, %s first", len(original)-n, len(vetoes), vetoes[0].Guard)
		}
		chain[n].run = func(Input) (string, time.Duration, error) { return "", 0, nil }
	}
	if vetoes := Check(approvedInput()); len(vetoes) > 0 {
		t.Errorf("no guard vetoes: got %v", vetoes)
	}
}
