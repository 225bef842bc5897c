package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const xlarge4 = "db.r6g.4xlarge" // 16 vCPUs

func pendingMaintenanceAt(action string, due time.Time) func(*Input) {
	return editInstance(2, func(i *scaling.Instance) {
		i.PendingMaintenance = []scaling.PendingMaintenance{{Action: action, ScheduledAt: due}}
	})
}

func backupWindowOf(n int, window string) func(*Input) {
	return editInstance(n, func(i *scaling.Instance) { i.BackupWindow = window })
}

func replicaLagOf(value time.Duration) func(*Input) {
	return editInstance(1, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: now, Value: value} })
}

func override(count int, class string) func(*Input) {
	return func(in *Input) {
		in.Proposal.Reason = scaling.ReasonOverride
		in.Proposal.To = scaling.Shape{InstanceClass: class, Count: count}
	}
}

func emergency(in *Input) { in.Proposal.Emergency = true }

// hourlyBudget limits the hourly cost, with a large at 26 cents and an xlarge at 52.
func hourlyBudget(dollars string) func(*Input) {
	return func(in *Input) {
		maxCost, err := scaling.ParseUSD(dollars)
		if err != nil {
			panic(err)
		}
		in.Policy.Guardrails.MaxHourlyCost = maxCost
		in.Policy.Prices = map[string]scaling.Money{large: 260_000, xlarge: 520_000}
	}
}

func withoutPrices(in *Input) { in.Policy.Prices = nil }

// pastScaleUp adds a scale-up of the readers that completed some time ago and was started ten minutes before that.
func pastScaleUp(ago time.Duration) func(*Input) { return pastOperation(scaling.Up, true, ago) }

// capacityShortageOf adds a recorded capacity shortage of a class; an empty zone means all zones.
func capacityShortageOf(class, zone string, until time.Duration) func(*Input) {
	return func(in *Input) {
		in.Observation.Shortages = append(in.Observation.Shortages, scaling.CapacityShortage{InstanceClass: class, Zone: zone, ExpiresAt: now.Add(until)})
	}
}

func TestCheck_FirstVetoOfLimits(t *testing.T) {
	const pass = ""
	failover := withSteps(createStep("s"), scaling.Step{Action: scaling.Failover, Instance: "a"}, deleteStep("s"))
	night := scaling.Window{Schedule: "0 2 * * *", Duration: time.Hour, TimeZone: "UTC"}
	for _, test := range []struct {
		name    string
		edits   []func(*Input)
		guard   string
		message string
	}{
		{"paused", []func(*Input){func(in *Input) { in.Policy.ManualControl.PausedUntil = now.Add(time.Second) }}, "Paused", "2026-02-05T10:00:01Z"},
		{"pause has ended", []func(*Input){func(in *Input) { in.Policy.ManualControl.PausedUntil = now }}, pass, ""},
		{"invalid annotation", []func(*Input){func(in *Input) { in.Policy.ManualControl.InvalidReason = "bad value" }}, "Paused", "bad value"},
		{"override while paused", []func(*Input){override(3, xlarge), func(in *Input) { in.Policy.ManualControl.PausedUntil = now.Add(time.Hour) }},
			"Paused", ""},

		{"mode Approve without approval", []func(*Input){withMode(scaling.Approve)}, "ApprovalRequired", "scaling.dbscaler.io/approve="},
		{"mode Approve: the command", []func(*Input){withMode(scaling.Approve)}, "ApprovalRequired", "To approve the change: kubectl dbscaler approve "},
		{"other hash approved", []func(*Input){withMode(scaling.Approve), func(in *Input) { in.Policy.ManualControl.ApprovedHash = "12345678" }},
			"ApprovalRequired", ""},
		{"hash approved", []func(*Input){withMode(scaling.Approve), approve}, pass, ""},
		{"hash approved before the pool changed", []func(*Input){
			withMode(scaling.Approve), approve, func(in *Input) { in.Observation.ReadersChangedAt = now.Add(-time.Hour) },
		}, "ApprovalRequired", ""},
		{"override needs no approval", []func(*Input){withMode(scaling.Approve), override(3, xlarge)}, pass, ""},

		{"override beyond the limits of the policy", []func(*Input){override(9, xlarge4)}, pass, ""},
		{"override to more readers than Aurora allows", []func(*Input){override(16, xlarge)}, "OutOfBounds", "from 1 to 15"},
		{"override to no readers", []func(*Input){override(0, xlarge)}, "OutOfBounds", ""},
		{"override to two writers", []func(*Input){writerScaleUp, override(2, xlarge)}, "OutOfBounds", "from 1 to 1"},
		{"override to a capacity of instances", []func(*Input){override(2, "16 ACU")}, "OutOfBounds", "either maximum capacities"},
		{"override to a class that the engine does not support", []func(*Input){override(2, "db.m5.large")}, "OutOfBounds", "does not run on"},
		{"override to an unknown class", []func(*Input){override(2, "db.z9.large")}, "OutOfBounds", "could not be evaluated"},

		// From 2 × 2 vCPUs.
		{"change at the maximum step factor", []func(*Input){maxStepFactor(2)}, pass, ""},
		{"scale-up above the maximum step factor", []func(*Input){maxStepFactor(2), targetShape(3, xlarge)}, "StepTooLarge", "from 4 to 12 vCPUs"},
		{"no maximum step factor", []func(*Input){maxStepFactor(0), targetShape(3, xlarge)}, pass, ""},
		{"scale-down above the maximum step factor", []func(*Input){
			scaleDown, maxStepFactor(2), targetShape(1, large), func(in *Input) { in.Observation.Instances[1].Class, in.Observation.Instances[2].Class = xlarge, xlarge },
		}, "StepTooLarge", "from 8 to 2 vCPUs"},
		{"override ignores the maximum step factor", []func(*Input){maxStepFactor(2), override(3, xlarge)}, pass, ""},
		{"step factor of an unknown class", []func(*Input){maxStepFactor(2), editInstance(1, func(i *scaling.Instance) { i.Class = "db.z9.large" })},
			"StepTooLarge", "could not be evaluated"},

		// The writer is a large: 26 cents, and two xlarge are 104.
		{"cost at the budget", []func(*Input){hourlyBudget("1.30")}, pass, ""},
		{"cost a cent above the budget", []func(*Input){hourlyBudget("1.29")}, "Budget", "$1.30 an hour"},
		{"budget without prices", []func(*Input){hourlyBudget("9"), withoutPrices}, "Budget", "is unknown"},
		{"budget with prices from AWS", []func(*Input){
			hourlyBudget("1.30"), withoutPrices, func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 260_000, xlarge: 520_000} },
		}, pass, ""},
		{"prices of the policy take precedence", []func(*Input){
			hourlyBudget("1.30"), func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 1, xlarge: 9_000_000} },
		}, pass, ""},
		{"scale-down above the budget that saves", []func(*Input){
			scaleDown, hourlyBudget("0.10"), targetShape(1, large), editInstance(1, createdByOperator), withSteps(deleteStep("a")),
			editLoad(func(l *scaling.Load) { l.Demand = 1 }),
		}, pass, ""},
		{"scale-down without prices", []func(*Input){scaleDown, hourlyBudget("0.10"), withoutPrices, targetShape(1, large)}, pass, ""},
		{"override down without prices", []func(*Input){scaleDown, override(1, large), hourlyBudget("9"), withoutPrices}, "Budget", "is unknown"},
		{"scale-down that costs more", []func(*Input){scaleDown, hourlyBudget("0.10"), targetShape(2, xlarge)}, "Budget", ""},
		{"no capacity in any zone", []func(*Input){capacityShortageOf(xlarge, "", time.Minute)}, "CapacityShortage", "insufficient capacity for db.r6g.xlarge in every availability zone"},
		{"no capacity in the zone of a resized instance", []func(*Input){
			capacityShortageOf(xlarge, "eu-west-1b", time.Minute), editInstance(1, func(i *scaling.Instance) { i.AvailabilityZone = "eu-west-1b" }),
		}, "CapacityShortage", "in eu-west-1b, the availability zone of a"},
		{"no capacity in an unrelated zone", []func(*Input){capacityShortageOf(xlarge, "eu-west-1c", time.Minute)}, pass, ""},
		{"no capacity for another class", []func(*Input){capacityShortageOf(xlarge4, "", time.Minute)}, pass, ""},
		{"capacity shortage expired", []func(*Input){capacityShortageOf(xlarge, "", 0)}, pass, ""},
		{"override in the backoff of a failure", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, false, 4*time.Minute)}, "Cooldown", "10:01:00Z"},
		{"override after the backoff of a failure", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, false, 5*time.Minute)}, pass, ""},
		{"override right after a change", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, true, time.Minute)}, pass, ""},
		{"override above the budget", []func(*Input){hourlyBudget("1.00"), override(2, xlarge)}, "Budget", ""},

		{"class not orderable", []func(*Input){func(in *Input) { in.Observation.Orderable = []string{large} }},
			"ClassNotOrderable", "remove it from the policy"},
		{"orderable classes unknown", []func(*Input){func(in *Input) { in.Observation.Orderable = nil }},
			"ClassNotOrderable", "could not be evaluated"},
		{"deletion with orderable classes unknown", []func(*Input){
			editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 }), func(in *Input) { in.Observation.Orderable = nil },
		}, pass, ""},

		{"count change with a reader of Aurora Auto Scaling",
			[]func(*Input){editInstance(2, createdByAutoScaling), targetShape(3, large), withSteps(createStep("s"))}, "ReaderAutoScaling", "application-autoscaling-1"},
		{"resize with a reader of Aurora Auto Scaling", []func(*Input){editInstance(2, createdByAutoScaling), withSteps(createStep("s"), resizeStep("a"), deleteStep("s"))},
			pass, ""},
		{"count change while Aurora Auto Scaling manages the number",
			[]func(*Input){readerCountAutoScaled, targetShape(3, large), withSteps(createStep("s"))}, "ReaderAutoScaling", "(1 to 5): deregister"},
		{"resize while Aurora Auto Scaling manages the number", []func(*Input){readerCountAutoScaled}, pass, ""},
		{"cleanup while Aurora Auto Scaling manages the number", []func(*Input){
			readerCountAutoScaled, surgeCleanup, editInstance(1, createdByOperator), targetShape(1, large), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 })}, pass, ""},
		{"writer while Aurora Auto Scaling manages the number", []func(*Input){readerCountAutoScaled, writerScaleUp, withSteps(resizeStep("w"))}, pass, ""},
		{"resize of a reader of Aurora Auto Scaling", []func(*Input){editInstance(2, createdByAutoScaling), withSteps(createStep("s"), resizeStep("application-autoscaling-1"), deleteStep("s"))},
			"ReaderAutoScaling", ""},

		{"maintenance within the lead time", []func(*Input){pendingMaintenanceAt("system-update", now.Add(2*time.Hour))}, "PendingMaintenance", "system-update"},
		{"maintenance overdue", []func(*Input){pendingMaintenanceAt("system-update", now.Add(-time.Hour))}, "PendingMaintenance", ""},
		{"maintenance after the lead time", []func(*Input){pendingMaintenanceAt("system-update", now.Add(2*time.Hour+time.Second))}, pass, ""},
		{"maintenance without a scheduled time", []func(*Input){pendingMaintenanceAt("os-upgrade", time.Time{})}, pass, ""},
		{"pending maintenance unknown", []func(*Input){pendingMaintenanceAt(scaling.MaintenanceUnknown, time.Time{})}, "PendingMaintenance",
			"could not be evaluated"},

		{"in the backup window", []func(*Input){backupWindowOf(1, "09:30-10:01")}, "BackupWindow", "09:30-10:01"},
		{"at the end of the backup window", []func(*Input){backupWindowOf(1, "09:30-10:00")}, pass, ""},
		{"at the start of the backup window", []func(*Input){backupWindowOf(1, "10:00-10:30")}, "BackupWindow", ""},
		{"closed backup window across midnight", []func(*Input){backupWindowOf(1, "23:45-00:15")}, pass, ""},
		{"in a backup window of almost a day", []func(*Input){backupWindowOf(1, "11:00-10:30")}, "BackupWindow", ""},
		{"backup window of an unchanged instance", []func(*Input){backupWindowOf(0, "09:30-10:30")}, pass, ""},
		{"emergency in the backup window", []func(*Input){backupWindowOf(1, "09:30-10:30"), emergency}, pass, ""},
		{"invalid backup window", []func(*Input){backupWindowOf(1, "at night")}, "BackupWindow", "could not be evaluated"},

		{"resize of the only reader, idle", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:2] }, withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 0 }),
		}, "MinimumReaders", "while a is changed"},
		{"first reader of a cluster", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:1] }, withSteps(createStep("s")),
		}, pass, ""},

		{"promotion candidate at the maximum lag", []func(*Input){failover, replicaLagOf(5 * time.Second)}, pass, ""},
		{"promotion candidate above the maximum lag", []func(*Input){failover, replicaLagOf(5*time.Second + time.Millisecond)}, "ReplicaLag", "a, the promotion candidate"},
		{"lag of the promotion candidate unknown", []func(*Input){failover}, "ReplicaLag", "could not be evaluated"},

		{"emergency in the cooldown", []func(*Input){emergency, pastScaleUp(9 * time.Minute)}, pass, ""},
		{"second emergency in the cooldown", []func(*Input){emergency, pastScaleUp(time.Minute), pastScaleUp(12 * time.Minute)}, "Cooldown", ""},
		{"emergency after a scale-up outside a cooldown", []func(*Input){emergency, pastScaleUp(time.Minute), pastScaleUp(21 * time.Minute)}, pass, ""},
		{"emergency after a failure", []func(*Input){emergency, pastOperation(scaling.Up, false, time.Minute)}, "Cooldown", ""},
		{"operations that changed nothing are not counted", []func(*Input){pastNothingChanged, pastNothingChanged, pastNothingChanged, pastNothingChanged}, pass, ""},
		{"writer right after a scale-up of the readers", []func(*Input){writerScaleUp, pastScaleUp(time.Minute)}, pass, ""},
		{"override in the cooldown", []func(*Input){override(3, xlarge), pastScaleUp(time.Minute)}, pass, ""},
		{"override after the maximum of operations per day", []func(*Input){
			override(3, xlarge), pastScaleUp(time.Hour), pastScaleUp(2 * time.Hour), pastScaleUp(3 * time.Hour),
		}, pass, ""},

		{"emergency outside the window", []func(*Input){writerScaleUp, emergency, disruptionWindows(night)}, "DisruptionWindow", ""},
		{"emergency that may override the window", []func(*Input){
			writerScaleUp, emergency, disruptionWindows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, pass, ""},
		{"no emergency, although one could override the window", []func(*Input){
			writerScaleUp, disruptionWindows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, "DisruptionWindow", ""},

		{"schedule needs no samples", []func(*Input){
			func(in *Input) { in.Proposal.Reason = scaling.ReasonBelowSchedule }, editLoad(func(l *scaling.Load) { l.Fresh = false }),
		}, pass, ""},
		{"override up needs no samples", []func(*Input){override(3, xlarge), editLoad(func(l *scaling.Load) { l.Fresh = false })}, pass, ""},
		{"override down without samples", []func(*Input){scaleDown, override(1, large), editLoad(func(l *scaling.Load) { l.Fresh = false })}, "MetricsStale", ""},
		{"scale-up of a promotion candidate needs the samples of the writer", []func(*Input){
			func(in *Input) {
				in.Proposal.Reason, in.Pools[1].Load.Fresh = scaling.ReasonPromotionCandidateTooSmall, false
			},
		}, "MetricsStale", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case veto == nil && test.guard != pass:
				t.Errorf("allowed, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.message)):
				t.Errorf("%s: %q; want %s with %q", veto.Guard, veto.Message, test.guard, test.message)
			}
		})
	}
}

// pastNothingChanged adds an operation that ended a minute ago for lack of capacity, before anything was changed.
func pastNothingChanged(in *Input) {
	in.Observation.History = append(in.Observation.History, scaling.OperationRecord{
		Pool: scaling.Readers, Direction: scaling.Up, NothingChanged: true, StartedAt: now.Add(-time.Minute), CompletedAt: now.Add(-time.Minute),
	})
}

func createdByAutoScaling(i *scaling.Instance) { i.Identifier = "application-autoscaling-1" }

func maxStepFactor(n int) func(*Input) {
	return func(in *Input) { in.Policy.Guardrails.MaxStepFactor = n }
}

func approve(in *Input) {
	in.Policy.ManualControl.ApprovedHash = in.Proposal.Hash(in.Policy.Target, in.Observation.ReadersChangedAt)
}

// readerCountAutoScaled lets Aurora Auto Scaling manage the number of readers.
func readerCountAutoScaled(in *Input) {
	in.Observation.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 5}
}
