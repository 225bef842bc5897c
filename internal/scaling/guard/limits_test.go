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

// hourlyBudget bounds the hourly cost, with a large at 26 cents and an xlarge at 52.
func hourlyBudget(dollars string) func(*Input) {
	return func(in *Input) {
		most, err := scaling.ParseUSD(dollars)
		if err != nil {
			panic(err)
		}
		in.Policy.Guardrails.MaxHourlyCost = most
		in.Policy.Prices = map[string]scaling.Money{large: 260_000, xlarge: 520_000}
	}
}

func withoutPrices(in *Input) { in.Policy.Prices = nil }

// pastScaleUp is an operation on the readers that ended so long ago and was begun ten minutes before.
func pastScaleUp(ago time.Duration) func(*Input) { return pastOperation(scaling.Up, true, ago) }

// capacityShortageOf is a class that AWS has no instance of for some time to come.
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
		name  string
		edits []func(*Input)
		guard string
		says  string
	}{
		{"a pause", []func(*Input){func(in *Input) { in.Policy.ManualControl.PausedUntil = now.Add(time.Second) }}, "Paused", "2026-02-05T10:00:01Z"},
		{"a pause that is over", []func(*Input){func(in *Input) { in.Policy.ManualControl.PausedUntil = now }}, pass, ""},
		{"an annotation that cannot be read", []func(*Input){func(in *Input) { in.Policy.ManualControl.InvalidReason = "what?" }}, "Paused", "what?"},
		{"a pause holds an override back too", []func(*Input){override(3, xlarge), func(in *Input) { in.Policy.ManualControl.PausedUntil = now.Add(time.Hour) }},
			"Paused", ""},

		{"an approval is missing", []func(*Input){withMode(scaling.Approve)}, "ApprovalMissing", "scaling.dbscaler.io/approve="},
		{"something else was approved", []func(*Input){withMode(scaling.Approve), func(in *Input) { in.Policy.ManualControl.ApprovedHash = "12345678" }},
			"ApprovalMissing", ""},
		{"it was approved", []func(*Input){withMode(scaling.Approve), approve}, pass, ""},
		{"the same was approved before the pool changed", []func(*Input){
			withMode(scaling.Approve), approve, func(in *Input) { in.Observation.ReadersChangedAt = now.Add(-time.Hour) },
		}, "ApprovalMissing", ""},
		{"what a person asks for needs no approval", []func(*Input){withMode(scaling.Approve), override(3, xlarge)}, pass, ""},

		{"an override beyond the policy", []func(*Input){override(9, xlarge4)}, pass, ""},
		{"an override to more readers than there can be", []func(*Input){override(16, xlarge)}, "OutOfBounds", "from 1 to 15"},
		{"an override to no readers", []func(*Input){override(0, xlarge)}, "OutOfBounds", ""},
		{"an override to two writers", []func(*Input){writerScaleUp, override(2, xlarge)}, "OutOfBounds", "from 1 to 1"},
		{"an override to a class that the engine does not run on", []func(*Input){override(2, "db.m5.large")}, "OutOfBounds", "does not run on"},
		{"an override to a class that nobody knows", []func(*Input){override(2, "db.z9.large")}, "OutOfBounds", "could not be evaluated"},

		// From 2 × 2 vCPUs.
		{"as far as one operation may go", []func(*Input){maxStepFactor(2)}, pass, ""},
		{"further than one operation may go", []func(*Input){maxStepFactor(2), targetShape(3, xlarge)}, "LargestStep", "from 4 to 12 vCPUs"},
		{"no bound", []func(*Input){maxStepFactor(0), targetShape(3, xlarge)}, pass, ""},
		{"the way down is bounded as well", []func(*Input){
			scaleDown, maxStepFactor(2), targetShape(1, large), func(in *Input) { in.Observation.Instances[1].Class, in.Observation.Instances[2].Class = xlarge, xlarge },
		}, "LargestStep", "from 8 to 2 vCPUs"},
		{"an override goes as far as a person wants", []func(*Input){maxStepFactor(2), override(3, xlarge)}, pass, ""},
		{"a class that nobody knows", []func(*Input){maxStepFactor(2), editInstance(1, func(i *scaling.Instance) { i.Class = "db.z9.large" })},
			"LargestStep", "could not be evaluated"},

		// The writer is a large: 26 cents, and two xlarge are 104.
		{"on the budget", []func(*Input){hourlyBudget("1.30")}, pass, ""},
		{"a cent above the budget", []func(*Input){hourlyBudget("1.29")}, "Budget", "$1.30 an hour"},
		{"a budget and no prices", []func(*Input){hourlyBudget("9"), withoutPrices}, "Budget", "is not known"},
		{"a budget and prices that AWS told", []func(*Input){
			hourlyBudget("1.30"), withoutPrices, func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 260_000, xlarge: 520_000} },
		}, pass, ""},
		{"the policy's prices win", []func(*Input){
			hourlyBudget("1.30"), func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 1, xlarge: 9_000_000} },
		}, pass, ""},
		{"down is never too dear", []func(*Input){scaleDown, hourlyBudget("0.10"), targetShape(1, large), editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 })}, pass, ""},
		{"nor without prices", []func(*Input){scaleDown, hourlyBudget("0.10"), withoutPrices, targetShape(1, large)}, pass, ""},
		{"an override down whose price is not known", []func(*Input){scaleDown, override(1, large), hourlyBudget("9"), withoutPrices}, "Budget", "is not known"},
		{"down to what is dearer", []func(*Input){scaleDown, hourlyBudget("0.10"), targetShape(2, xlarge)}, "Budget", ""},
		{"a class that AWS had nowhere", []func(*Input){capacityShortageOf(xlarge, "", time.Minute)}, "CapacityShortage", "no db.r6g.xlarge in any zone"},
		{"where an instance is that is to be resized", []func(*Input){
			capacityShortageOf(xlarge, "eu-west-1b", time.Minute), editInstance(1, func(i *scaling.Instance) { i.AvailabilityZone = "eu-west-1b" }),
		}, "CapacityShortage", "in eu-west-1b, where a is"},
		{"where no such instance is", []func(*Input){capacityShortageOf(xlarge, "eu-west-1c", time.Minute)}, pass, ""},
		{"another class", []func(*Input){capacityShortageOf(xlarge4, "", time.Minute)}, pass, ""},
		{"some time ago", []func(*Input){capacityShortageOf(xlarge, "", 0)}, pass, ""},
		{"an override right after a failure", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, false, 4*time.Minute)}, "Cooldown", "10:01:00Z"},
		{"an override some time after a failure", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, false, 5*time.Minute)}, pass, ""},
		{"an override right after a change", []func(*Input){override(2, xlarge), pastOperation(scaling.Up, true, time.Minute)}, pass, ""},
		{"an override keeps to the budget", []func(*Input){hourlyBudget("1.00"), override(2, xlarge)}, "Budget", ""},

		{"AWS does not offer the class", []func(*Input){func(in *Input) { in.Observation.Orderable = []string{large} }},
			"ClassNotOrderable", "remove it from the policy"},
		{"AWS could not be asked what it offers", []func(*Input){func(in *Input) { in.Observation.Orderable = nil }},
			"ClassNotOrderable", "could not be evaluated"},
		{"nothing has to be ordered to remove a reader", []func(*Input){
			editInstance(1, createdByOperator), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 }), func(in *Input) { in.Observation.Orderable = nil },
		}, pass, ""},

		{"Aurora Auto Scaling has a reader, and the number would change",
			[]func(*Input){editInstance(2, createdByAutoScaling), targetShape(3, large), withSteps(createStep("s"))}, "OwnerConflict", "application-autoscaling-1"},
		{"Aurora Auto Scaling has a reader, and the number stays", []func(*Input){editInstance(2, createdByAutoScaling), withSteps(createStep("s"), resizeStep("a"), deleteStep("s"))},
			pass, ""},
		{"Aurora Auto Scaling manages the number, and it would change",
			[]func(*Input){readerCountAutoScaled, targetShape(3, large), withSteps(createStep("s"))}, "OwnerConflict", "(1 to 5): deregister"},
		{"Aurora Auto Scaling manages the number, and it stays", []func(*Input){readerCountAutoScaled}, pass, ""},
		{"Aurora Auto Scaling manages the number, and a surge reader is left over", []func(*Input){
			readerCountAutoScaled, surgeCleanup, editInstance(1, createdByOperator), targetShape(1, large), withSteps(deleteStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 1 })}, pass, ""},
		{"Aurora Auto Scaling manages the number of readers, not the writer", []func(*Input){readerCountAutoScaled, writerScaleUp, withSteps(resizeStep("w"))}, pass, ""},
		{"its reader would be resized", []func(*Input){editInstance(2, createdByAutoScaling), withSteps(createStep("s"), resizeStep("application-autoscaling-1"), deleteStep("s"))},
			"OwnerConflict", ""},

		{"maintenance is due", []func(*Input){pendingMaintenanceAt("system-update", now.Add(2*time.Hour))}, "PendingMaintenance", "system-update"},
		{"maintenance is overdue", []func(*Input){pendingMaintenanceAt("system-update", now.Add(-time.Hour))}, "PendingMaintenance", ""},
		{"maintenance is due later", []func(*Input){pendingMaintenanceAt("system-update", now.Add(2*time.Hour+time.Second))}, pass, ""},
		{"maintenance waits to be asked for", []func(*Input){pendingMaintenanceAt("os-upgrade", time.Time{})}, pass, ""},
		{"AWS could not be asked for maintenance", []func(*Input){pendingMaintenanceAt(scaling.MaintenanceUnknown, time.Time{})}, "PendingMaintenance",
			"could not be evaluated"},

		{"in the backup window", []func(*Input){backupWindowOf(1, "09:30-10:01")}, "BackupWindow", "09:30-10:01"},
		{"when the backup window ends", []func(*Input){backupWindowOf(1, "09:30-10:00")}, pass, ""},
		{"when it begins", []func(*Input){backupWindowOf(1, "10:00-10:30")}, "BackupWindow", ""},
		{"a backup window across midnight", []func(*Input){backupWindowOf(1, "23:45-00:15")}, pass, ""},
		{"in one that is open for almost a day", []func(*Input){backupWindowOf(1, "11:00-10:30")}, "BackupWindow", ""},
		{"of an instance that stays as it is", []func(*Input){backupWindowOf(0, "09:30-10:30")}, pass, ""},
		{"in an emergency", []func(*Input){backupWindowOf(1, "09:30-10:30"), emergency}, pass, ""},
		{"a backup window that cannot be read", []func(*Input){backupWindowOf(1, "at night")}, "BackupWindow", "could not be evaluated"},

		{"the only reader would be out of service, however idle", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:2] }, withSteps(resizeStep("a")), editLoad(func(l *scaling.Load) { l.Demand = 0 }),
		}, "MinimumReaders", "while a is changed"},
		{"the first reader of a cluster", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:1] }, withSteps(createStep("s")),
		}, pass, ""},

		{"the heir is in step", []func(*Input){failover, replicaLagOf(5 * time.Second)}, pass, ""},
		{"the heir lags behind", []func(*Input){failover, replicaLagOf(5*time.Second + time.Millisecond)}, "ReplicaLag", "a, which is to take over"},
		{"nobody knows whether the heir lags", []func(*Input){failover}, "ReplicaLag", "could not be evaluated"},

		{"an emergency in the cooldown", []func(*Input){emergency, pastScaleUp(9 * time.Minute)}, pass, ""},
		{"a second emergency in the cooldown", []func(*Input){emergency, pastScaleUp(time.Minute), pastScaleUp(12 * time.Minute)}, "Cooldown", ""},
		{"an emergency after a growth that waited", []func(*Input){emergency, pastScaleUp(time.Minute), pastScaleUp(21 * time.Minute)}, pass, ""},
		{"an emergency after what failed", []func(*Input){emergency, pastOperation(scaling.Up, false, time.Minute)}, "Cooldown", ""},
		{"what AWS had no capacity for waits for nothing", []func(*Input){pastNothingChanged, pastNothingChanged, pastNothingChanged, pastNothingChanged}, pass, ""},
		{"the writer after the readers grew", []func(*Input){writerScaleUp, pastScaleUp(time.Minute)}, pass, ""},
		{"an override in the cooldown", []func(*Input){override(3, xlarge), pastScaleUp(time.Minute)}, pass, ""},
		{"an override after as many operations as a day may have", []func(*Input){
			override(3, xlarge), pastScaleUp(time.Hour), pastScaleUp(2 * time.Hour), pastScaleUp(3 * time.Hour),
		}, pass, ""},

		{"an emergency outside the window", []func(*Input){writerScaleUp, emergency, disruptionWindows(night)}, "DisruptionWindow", ""},
		{"an emergency that may override it", []func(*Input){
			writerScaleUp, emergency, disruptionWindows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, pass, ""},
		{"no emergency, although one might", []func(*Input){
			writerScaleUp, disruptionWindows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, "DisruptionWindow", ""},

		{"a schedule needs no samples", []func(*Input){
			func(in *Input) { in.Proposal.Reason = scaling.ReasonBelowSchedule }, editLoad(func(l *scaling.Load) { l.Fresh = false }),
		}, pass, ""},
		{"an override up needs no samples", []func(*Input){override(3, xlarge), editLoad(func(l *scaling.Load) { l.Fresh = false })}, pass, ""},
		{"an override down does", []func(*Input){scaleDown, override(1, large), editLoad(func(l *scaling.Load) { l.Fresh = false })}, "MetricsStale", ""},
		{"readers that grow for the writer need its samples", []func(*Input){
			func(in *Input) {
				in.Proposal.Reason, in.Pools[1].Load.Fresh = scaling.ReasonPromotionCandidateTooSmall, false
			},
		}, "MetricsStale", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case veto == nil && test.guard != pass:
				t.Errorf("it passes, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.says)):
				t.Errorf("%s says %q; want %q to say %q", veto.Guard, veto.Message, test.guard, test.says)
			}
		})
	}
}

// pastNothingChanged is an operation that ended a minute ago because AWS had no capacity, before anything was changed.
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

// readerCountAutoScaled registers the cluster with Aurora Auto Scaling.
func readerCountAutoScaled(in *Input) {
	in.Observation.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 5}
}
