package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const xlarge4 = "db.r6g.4xlarge" // 16 vCPUs

func maintenance(action string, due time.Time) func(*Input) {
	return instance(2, func(i *scaling.Instance) {
		i.PendingMaintenance = []scaling.PendingMaintenance{{Action: action, ScheduledAt: due}}
	})
}

func backup(n int, window string) func(*Input) {
	return instance(n, func(i *scaling.Instance) { i.BackupWindow = window })
}

func lag(value time.Duration) func(*Input) {
	return instance(1, func(i *scaling.Instance) { i.ReplicaLag = &scaling.Lag{MeasuredAt: now, Value: value} })
}

func override(count int, class string) func(*Input) {
	return func(in *Input) {
		in.Proposal.Reason = scaling.ReasonOverride
		in.Proposal.To = scaling.Shape{InstanceClass: class, Count: count}
	}
}

func emergency(in *Input) { in.Proposal.Emergency = true }

// budgetOf bounds the hourly cost, with a large at 26 cents and an xlarge at 52.
func budgetOf(dollars string) func(*Input) {
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

// upAt is an operation on the readers that ended so long ago and was begun ten minutes before.
func upAt(ago time.Duration) func(*Input) { return past(scaling.Up, true, ago) }

// shortage is a class that AWS has no instance of for some time to come.
func shortage(class, zone string, until time.Duration) func(*Input) {
	return func(in *Input) {
		in.Observation.Shortages = append(in.Observation.Shortages, scaling.CapacityShortage{InstanceClass: class, Zone: zone, ExpiresAt: now.Add(until)})
	}
}

func TestMoreGuards(t *testing.T) {
	const pass = ""
	failover := steps(create("s"), scaling.Step{Action: scaling.Failover, Instance: "a"}, remove("s"))
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

		{"an approval is missing", []func(*Input){mode(scaling.Approve)}, "ApprovalMissing", "scaling.dbscaler.io/approve="},
		{"something else was approved", []func(*Input){mode(scaling.Approve), func(in *Input) { in.Policy.ManualControl.ApprovedHash = "12345678" }},
			"ApprovalMissing", ""},
		{"it was approved", []func(*Input){mode(scaling.Approve), approve}, pass, ""},
		{"the same was approved before the pool changed", []func(*Input){
			mode(scaling.Approve), approve, func(in *Input) { in.Observation.ReadersChangedAt = now.Add(-time.Hour) },
		}, "ApprovalMissing", ""},
		{"what a person asks for needs no approval", []func(*Input){mode(scaling.Approve), override(3, xlarge)}, pass, ""},

		{"an override beyond the policy", []func(*Input){override(9, xlarge4)}, pass, ""},
		{"an override to more readers than there can be", []func(*Input){override(16, xlarge)}, "OutOfBounds", "from 1 to 15"},
		{"an override to no readers", []func(*Input){override(0, xlarge)}, "OutOfBounds", ""},
		{"an override to two writers", []func(*Input){ofWriter, override(2, xlarge)}, "OutOfBounds", "from 1 to 1"},
		{"an override to a class that the engine does not run on", []func(*Input){override(2, "db.m5.large")}, "OutOfBounds", "does not run on"},
		{"an override to a class that nobody knows", []func(*Input){override(2, "db.z9.large")}, "OutOfBounds", "could not be evaluated"},

		// From 2 × 2 vCPUs.
		{"as far as one operation may go", []func(*Input){stepFactor(2)}, pass, ""},
		{"further than one operation may go", []func(*Input){stepFactor(2), to(3, xlarge)}, "LargestStep", "from 4 to 12 vCPUs"},
		{"no bound", []func(*Input){stepFactor(0), to(3, xlarge)}, pass, ""},
		{"the way down is bounded as well", []func(*Input){
			down, stepFactor(2), to(1, large), func(in *Input) { in.Observation.Instances[1].Class, in.Observation.Instances[2].Class = xlarge, xlarge },
		}, "LargestStep", "from 8 to 2 vCPUs"},
		{"an override goes as far as a person wants", []func(*Input){stepFactor(2), override(3, xlarge)}, pass, ""},
		{"a class that nobody knows", []func(*Input){stepFactor(2), instance(1, func(i *scaling.Instance) { i.Class = "db.z9.large" })},
			"LargestStep", "could not be evaluated"},

		// The writer is a large: 26 cents, and two xlarge are 104.
		{"on the budget", []func(*Input){budgetOf("1.30")}, pass, ""},
		{"a cent above the budget", []func(*Input){budgetOf("1.29")}, "Budget", "$1.30 an hour"},
		{"a budget and no prices", []func(*Input){budgetOf("9"), withoutPrices}, "Budget", "is not known"},
		{"a budget and prices that AWS told", []func(*Input){
			budgetOf("1.30"), withoutPrices, func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 260_000, xlarge: 520_000} },
		}, pass, ""},
		{"the policy's prices win", []func(*Input){
			budgetOf("1.30"), func(in *Input) { in.Observation.Prices = map[string]scaling.Money{large: 1, xlarge: 9_000_000} },
		}, pass, ""},
		{"down is never too dear", []func(*Input){down, budgetOf("0.10"), to(1, large), instance(1, own), steps(remove("a")), load(func(l *scaling.Load) { l.Demand = 1 })}, pass, ""},
		{"nor without prices", []func(*Input){down, budgetOf("0.10"), withoutPrices, to(1, large)}, pass, ""},
		{"an override down whose price is not known", []func(*Input){down, override(1, large), budgetOf("9"), withoutPrices}, "Budget", "is not known"},
		{"down to what is dearer", []func(*Input){down, budgetOf("0.10"), to(2, xlarge)}, "Budget", ""},
		{"a class that AWS had nowhere", []func(*Input){shortage(xlarge, "", time.Minute)}, "CapacityShortage", "no db.r6g.xlarge in any zone"},
		{"where an instance is that is to be resized", []func(*Input){
			shortage(xlarge, "eu-west-1b", time.Minute), instance(1, func(i *scaling.Instance) { i.AvailabilityZone = "eu-west-1b" }),
		}, "CapacityShortage", "in eu-west-1b, where a is"},
		{"where no such instance is", []func(*Input){shortage(xlarge, "eu-west-1c", time.Minute)}, pass, ""},
		{"another class", []func(*Input){shortage(xlarge4, "", time.Minute)}, pass, ""},
		{"some time ago", []func(*Input){shortage(xlarge, "", 0)}, pass, ""},
		{"an override right after a failure", []func(*Input){override(2, xlarge), past(scaling.Up, false, 4*time.Minute)}, "Cooldown", "10:01:00Z"},
		{"an override some time after a failure", []func(*Input){override(2, xlarge), past(scaling.Up, false, 5*time.Minute)}, pass, ""},
		{"an override right after a change", []func(*Input){override(2, xlarge), past(scaling.Up, true, time.Minute)}, pass, ""},
		{"an override keeps to the budget", []func(*Input){budgetOf("1.00"), override(2, xlarge)}, "Budget", ""},

		{"AWS does not offer the class", []func(*Input){func(in *Input) { in.Observation.Orderable = []string{large} }},
			"ClassNotOrderable", "remove it from the policy"},
		{"AWS could not be asked what it offers", []func(*Input){func(in *Input) { in.Observation.Orderable = nil }},
			"ClassNotOrderable", "could not be evaluated"},
		{"nothing has to be ordered to remove a reader", []func(*Input){
			instance(1, own), steps(remove("a")), load(func(l *scaling.Load) { l.Demand = 1 }), func(in *Input) { in.Observation.Orderable = nil },
		}, pass, ""},

		{"Aurora Auto Scaling has a reader, and the number would change",
			[]func(*Input){instance(2, autoScaled), to(3, large), steps(create("s"))}, "OwnerConflict", "application-autoscaling-1"},
		{"Aurora Auto Scaling has a reader, and the number stays", []func(*Input){instance(2, autoScaled), steps(create("s"), resize("a"), remove("s"))},
			pass, ""},
		{"Aurora Auto Scaling manages the number, and it would change",
			[]func(*Input){counted, to(3, large), steps(create("s"))}, "OwnerConflict", "(1 to 5): deregister"},
		{"Aurora Auto Scaling manages the number, and it stays", []func(*Input){counted}, pass, ""},
		{"Aurora Auto Scaling manages the number, and a surge reader is left over", []func(*Input){
			counted, cleanup, instance(1, own), to(1, large), steps(remove("a")), load(func(l *scaling.Load) { l.Demand = 1 })}, pass, ""},
		{"Aurora Auto Scaling manages the number of readers, not the writer", []func(*Input){counted, ofWriter, steps(resize("w"))}, pass, ""},
		{"its reader would be resized", []func(*Input){instance(2, autoScaled), steps(create("s"), resize("application-autoscaling-1"), remove("s"))},
			"OwnerConflict", ""},

		{"maintenance is due", []func(*Input){maintenance("system-update", now.Add(2*time.Hour))}, "PendingMaintenance", "system-update"},
		{"maintenance is overdue", []func(*Input){maintenance("system-update", now.Add(-time.Hour))}, "PendingMaintenance", ""},
		{"maintenance is due later", []func(*Input){maintenance("system-update", now.Add(2*time.Hour+time.Second))}, pass, ""},
		{"maintenance waits to be asked for", []func(*Input){maintenance("os-upgrade", time.Time{})}, pass, ""},
		{"AWS could not be asked for maintenance", []func(*Input){maintenance(scaling.MaintenanceUnknown, time.Time{})}, "PendingMaintenance",
			"could not be evaluated"},

		{"in the backup window", []func(*Input){backup(1, "09:30-10:01")}, "BackupWindow", "09:30-10:01"},
		{"when the backup window ends", []func(*Input){backup(1, "09:30-10:00")}, pass, ""},
		{"when it begins", []func(*Input){backup(1, "10:00-10:30")}, "BackupWindow", ""},
		{"a backup window across midnight", []func(*Input){backup(1, "23:45-00:15")}, pass, ""},
		{"in one that is open for almost a day", []func(*Input){backup(1, "11:00-10:30")}, "BackupWindow", ""},
		{"of an instance that stays as it is", []func(*Input){backup(0, "09:30-10:30")}, pass, ""},
		{"in an emergency", []func(*Input){backup(1, "09:30-10:30"), emergency}, pass, ""},
		{"a backup window that cannot be read", []func(*Input){backup(1, "at night")}, "BackupWindow", "could not be evaluated"},

		{"the only reader would be out of service, however idle", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:2] }, steps(resize("a")), load(func(l *scaling.Load) { l.Demand = 0 }),
		}, "MinimumReaders", "while a is changed"},
		{"the first reader of a cluster", []func(*Input){
			func(in *Input) { in.Observation.Instances = in.Observation.Instances[:1] }, steps(create("s")),
		}, pass, ""},

		{"the heir is in step", []func(*Input){failover, lag(5 * time.Second)}, pass, ""},
		{"the heir lags behind", []func(*Input){failover, lag(5*time.Second + time.Millisecond)}, "ReplicaLag", "a, which is to take over"},
		{"nobody knows whether the heir lags", []func(*Input){failover}, "ReplicaLag", "could not be evaluated"},

		{"an emergency in the cooldown", []func(*Input){emergency, upAt(9 * time.Minute)}, pass, ""},
		{"a second emergency in the cooldown", []func(*Input){emergency, upAt(time.Minute), upAt(12 * time.Minute)}, "Cooldown", ""},
		{"an emergency after a growth that waited", []func(*Input){emergency, upAt(time.Minute), upAt(21 * time.Minute)}, pass, ""},
		{"an emergency after what failed", []func(*Input){emergency, past(scaling.Up, false, time.Minute)}, "Cooldown", ""},
		{"what AWS had no capacity for waits for nothing", []func(*Input){untouched, untouched, untouched, untouched}, pass, ""},
		{"the writer after the readers grew", []func(*Input){ofWriter, upAt(time.Minute)}, pass, ""},
		{"an override in the cooldown", []func(*Input){override(3, xlarge), upAt(time.Minute)}, pass, ""},
		{"an override after as many operations as a day may have", []func(*Input){
			override(3, xlarge), upAt(time.Hour), upAt(2 * time.Hour), upAt(3 * time.Hour),
		}, pass, ""},

		{"an emergency outside the window", []func(*Input){ofWriter, emergency, windows(night)}, "DisruptionWindow", ""},
		{"an emergency that may override it", []func(*Input){
			ofWriter, emergency, windows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, pass, ""},
		{"no emergency, although one might", []func(*Input){
			ofWriter, windows(night), func(in *Input) { in.Policy.Guardrails.AllowEmergencyDisruption = true },
		}, "DisruptionWindow", ""},

		{"a schedule needs no samples", []func(*Input){
			func(in *Input) { in.Proposal.Reason = scaling.ReasonBelowSchedule }, load(func(l *scaling.Load) { l.Fresh = false }),
		}, pass, ""},
		{"an override up needs no samples", []func(*Input){override(3, xlarge), load(func(l *scaling.Load) { l.Fresh = false })}, pass, ""},
		{"an override down does", []func(*Input){down, override(1, large), load(func(l *scaling.Load) { l.Fresh = false })}, "MetricsStale", ""},
		{"readers that grow for the writer need its samples", []func(*Input){
			func(in *Input) {
				in.Proposal.Reason, in.Pools[1].Load.Fresh = scaling.ReasonPromotionCandidateTooSmall, false
			},
		}, "MetricsStale", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := first(readersUp(test.edits...))
			switch {
			case veto == nil && test.guard != pass:
				t.Errorf("it passes, want a veto by %s", test.guard)
			case veto != nil && (veto.Guard != test.guard || !strings.Contains(veto.Message, test.says)):
				t.Errorf("%s says %q; want %q to say %q", veto.Guard, veto.Message, test.guard, test.says)
			}
		})
	}
}

// untouched is an operation that ended a minute ago because AWS had no capacity, before anything was changed.
func untouched(in *Input) {
	in.Observation.History = append(in.Observation.History, scaling.OperationRecord{
		Pool: scaling.Readers, Direction: scaling.Up, NothingChanged: true, StartedAt: now.Add(-time.Minute), CompletedAt: now.Add(-time.Minute),
	})
}

func autoScaled(i *scaling.Instance) { i.Identifier = "application-autoscaling-1" }

func stepFactor(n int) func(*Input) {
	return func(in *Input) { in.Policy.Guardrails.MaxStepFactor = n }
}

func approve(in *Input) {
	in.Policy.ManualControl.ApprovedHash = in.Proposal.Hash(in.Policy.Target, in.Observation.ReadersChangedAt)
}

// counted registers the cluster with Aurora Auto Scaling.
func counted(in *Input) { in.Observation.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 5} }
