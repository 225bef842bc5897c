package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// optInTagMissing requires the opt-in tag on the target and on each instance that the operation changes. Instances that the
// operator created need none. A change of the whole cluster changes all members: rds:ModifyDBCluster has the dependent action
// rds:ModifyDBInstance (Service Authorization Reference, Amazon RDS), so that IAM may ask for the tag of each of them.
func optInTagMissing(in Input) (string, time.Duration, error) {
	var missing []string
	if !in.Policy.IsOptedIn(in.Observation.Tags) {
		missing = append(missing, in.Policy.Target.Identifier)
	}
	for _, i := range in.Observation.Instances {
		isChanged := slices.ContainsFunc(in.Operation.Steps, func(s scaling.Step) bool {
			return s.Instance == i.Identifier || s.ChangesAllMembers()
		})
		if isChanged && !i.CreatedByOperator() && !in.Policy.IsOptedIn(i.Tags) && i.Identifier != in.Policy.Target.Identifier {
			missing = append(missing, i.Identifier)
		}
	}
	if len(missing) == 0 {
		return "", 0, nil
	}
	return fmt.Sprintf("the AWS tag %s=%s is missing on %s: add it to allow this policy to change it",
		scaling.TagOptIn, in.Policy.Namespace, strings.Join(missing, ", ")), 0, nil
}

// classNotOrderable requires that AWS offers every instance class of the operation for this engine and version in this region.
func classNotOrderable(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		switch {
		case s.InstanceClass == "", s.Action == scaling.ModifyCapacity, s.Action == scaling.ModifyMinCapacity:
		case in.Observation.Orderable == nil:
			return "", 0, errors.New("the orderable instance classes could not be read: grant rds:DescribeOrderableDBInstanceOptions " +
				"if the role lacks it")
		case !slices.Contains(in.Observation.Orderable, s.InstanceClass):
			return missingClassMessage(in, s.InstanceClass), 0, nil
		}
		i, exists := in.Observation.Instance(s.Instance)
		if exists && slices.Contains(in.Observation.OrderableGaps[s.InstanceClass].Zones, i.AvailabilityZone) {
			return fmt.Sprintf("AWS does not offer %s in %s, the availability zone of %s: choose another class", s.InstanceClass,
				i.AvailabilityZone, i.Identifier), 0, nil
		}
	}
	return "", 0, nil
}

// capacityShortage vetoes a class that AWS recently had insufficient capacity for. It checks every step, since the class of a
// surge reader may differ from that of the pool, and an instance cannot move to another availability zone.
func capacityShortage(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		zones, noCapacityAnywhere := in.Observation.CapacityShortages(s.InstanceClass, in.Now)
		i, exists := in.Observation.Instance(s.Instance)
		if s.Action == scaling.ModifyClusterClass && len(zones) > 0 {
			noCapacityAnywhere = true
		}
		resizeInShortZone := s.Action == scaling.ModifyInstanceClass && exists && slices.Contains(zones, i.AvailabilityZone)
		if s.InstanceClass == "" || !noCapacityAnywhere && !resizeInShortZone {
			continue
		}
		location := "in every availability zone of the database"
		if resizeInShortZone {
			location = "in " + i.AvailabilityZone + ", the availability zone of " + i.Identifier
		}
		return fmt.Sprintf("AWS recently had insufficient capacity for %s %s; the operator retries at the time in status.capacityShortages",
			s.InstanceClass, location), 0, nil
	}
	return "", 0, nil
}

// metricsStale requires fresh samples of the pool, except to reach a minimum that the policy, a schedule or an override sets, and to
// remove a reader that never served.
func metricsStale(in Input) (string, time.Duration, error) {
	reason, pool := in.Proposal.Reason, in.Proposal.Pool
	if reason == scaling.ReasonFailedReader || reason == scaling.ReasonBelowMinimum || reason == scaling.ReasonBelowSchedule ||
		reason == scaling.ReasonOverride && in.Proposal.Direction == scaling.Up {
		return "", 0, nil
	}
	if in.Proposal.Reason == scaling.ReasonPromotionCandidateTooSmall || pool == scaling.MinCapacity {
		pool = scaling.Writer
	}
	if l := in.poolLoad(pool); l.Fresh && in.Now.Sub(l.NewestSampleAt) <= scaling.MaxSampleAge {
		return "", 0, nil
	}
	return fmt.Sprintf("the CPU samples of the last %s are missing or incomplete; the operator waits until CloudWatch publishes them",
		scaling.FormatDuration(scaling.MaxSampleAge)), 0, nil
}

// databaseBusy allows one change of a database at a time, whoever makes it. A reader of dbscaler that AWS failed to create does not
// count (see Check).
func databaseBusy(in Input) (string, time.Duration, error) {
	const waits = "%s is %s; the operator waits until it is available"
	if !scaling.IsAvailable(in.Observation.Status) {
		return fmt.Sprintf(waits, in.Policy.Target.Identifier, in.Observation.Status), 0, nil
	}
	for _, i := range in.Observation.Instances {
		if scaling.IsBroken(i.Status) {
			return fmt.Sprintf("%s is %s, a status that does not end without intervention: repair or remove the instance", i.Identifier,
				i.Status), 0, nil
		}
		if !i.IsAvailable() {
			return fmt.Sprintf(waits, i.Identifier, i.Status), 0, nil
		}
	}
	return "", 0, nil
}

// pendingModifications protects changes that somebody else deferred to the maintenance window: ApplyImmediately applies every
// pending change (ModifyDBInstance, API reference). For ModifyDBCluster the API reference does not say so, and nothing says the
// opposite; and a resize or failover must not meet a deferred upgrade of the engine. So they veto every operation.
func pendingModifications(in Input) (string, time.Duration, error) {
	const message = "%s has modifications pending for its maintenance window (%s), which a change now would also apply: " +
		"apply or cancel them"
	if pending := in.Observation.PendingModifications; len(pending) > 0 {
		return fmt.Sprintf(message, in.Policy.Target.Identifier, strings.Join(pending, ", ")), 0, nil
	}
	for _, i := range in.Observation.Instances {
		pending := i.OtherPendingModifications
		if i.PendingClass != "" {
			pending = append([]string{"DBInstanceClass " + i.PendingClass}, pending...)
		}
		if len(pending) > 0 {
			return fmt.Sprintf(message, i.Identifier, strings.Join(pending, ", ")), 0, nil
		}
	}
	return "", 0, nil
}

// pendingReboot protects changes of parameters and options that somebody else staged for a restart of their own choice: a resize
// or a failover restarts the engine and would apply them, on a class that they may not fit.
func pendingReboot(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		if reason := in.Observation.PendingRebootReason(s.Action, s.Instance); reason != "" {
			return reason + ": reboot the instance to apply them, or revert them", 0, nil
		}
	}
	return "", 0, nil
}

// maintenanceLeadTime is how long before scheduled maintenance no operation starts: an operation can take this long.
const maintenanceLeadTime = 2 * time.Hour

// pendingMaintenance vetoes an operation shortly before AWS maintenance. Maintenance without a scheduled time does not matter.
func pendingMaintenance(in Input) (string, time.Duration, error) {
	for _, i := range in.Observation.Instances {
		for _, m := range i.PendingMaintenance {
			switch {
			case m.Action == scaling.MaintenanceUnknown:
				return "", 0, errors.New("pending maintenance could not be read: grant rds:DescribePendingMaintenanceActions " +
					"if the role lacks it")
			case !m.ScheduledAt.IsZero() && !in.Now.Before(m.ScheduledAt.Add(-maintenanceLeadTime)):
				return fmt.Sprintf("AWS maintenance (%s) of %s is scheduled for %s; the operator waits until it is done", m.Action, i.Identifier,
					m.ScheduledAt.UTC().Format(time.RFC3339)), 0, nil
			}
		}
	}
	return "", 0, nil
}

// backupWindow leaves an instance unchanged during its daily backup window, except in an emergency.
func backupWindow(in Input) (string, time.Duration, error) {
	for _, i := range in.Observation.Instances {
		isChanged := slices.ContainsFunc(in.Operation.Steps, func(s scaling.Step) bool {
			return s.Instance == i.Identifier || s.Action == scaling.ModifyClusterClass
		})
		if i.BackupWindow == "" || !isChanged || in.Proposal.Emergency {
			continue
		}
		remaining, err := remainingWindow(i.BackupWindow, in.Now)
		if err != nil {
			return "", 0, fmt.Errorf("reading the backup window of %s: %w", i.Identifier, err)
		}
		if remaining > 0 {
			return fmt.Sprintf("the backup window of %s (%s UTC) is open; the operator waits until it closes", i.Identifier,
				i.BackupWindow), remaining, nil
		}
	}
	return "", 0, nil
}

// remainingWindow returns how long a daily UTC window such as "23:30-00:10" remains open; zero when it is closed.
func remainingWindow(window string, now time.Time) (time.Duration, error) {
	from, to, _ := strings.Cut(window, "-")
	start, errStart := time.Parse("15:04", from)
	end, errEnd := time.Parse("15:04", to)
	if err := errors.Join(errStart, errEnd); err != nil {
		return 0, fmt.Errorf("%q is not a window such as 23:30-00:10: %w", window, err)
	}
	now = now.UTC()
	elapsed := now.Sub(now.Truncate(day)) - start.Sub(start.Truncate(day))
	length := end.Sub(start)
	if length <= 0 {
		length += day
	}
	if elapsed < 0 {
		elapsed += day
	}
	return max(0, length-elapsed), nil
}
