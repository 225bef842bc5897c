package guard

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// optInTagMissing asks the owner's consent of the target and of each instance that would be changed.
func optInTagMissing(in Input) (string, time.Duration, error) {
	var missing []string
	if !scaling.IsOptedIn(in.Observation.Tags, in.Policy.Namespace) {
		missing = append(missing, in.Policy.Target.Identifier)
	}
	for _, step := range in.Operation.Steps {
		i, exists := in.Observation.Instance(step.Instance)
		if exists && !i.CreatedByOperator() && !scaling.IsOptedIn(i.Tags, in.Policy.Namespace) && i.Identifier != in.Policy.Target.Identifier {
			missing = append(missing, i.Identifier)
		}
	}
	if len(missing) == 0 {
		return "", 0, nil
	}
	return fmt.Sprintf("the AWS tag %s=%s is missing on %s: add it to let this policy change it",
		scaling.TagOptIn, in.Policy.Namespace, strings.Join(missing, ", ")), 0, nil
}

// readerAutoScaling leaves to Aurora Auto Scaling what it manages: its readers, and with them the number of readers. Classes may
// change. A surge reader counts towards its numbers, so that it may remove one of its own meanwhile, and adds it again when
// the load asks for it.
func readerAutoScaling(in Input) (string, time.Duration, error) {
	countChanges := in.Proposal.Pool == scaling.Readers && in.Proposal.To.Count != in.Proposal.From.Count &&
		in.Proposal.Direction != scaling.Cleanup
	if a := in.Observation.AutoScaling; a != nil && countChanges {
		return fmt.Sprintf("Aurora Auto Scaling manages the number of readers (%d to %d): deregister the cluster there, or set spec.readers "+
			"so that the number stays", a.Min, a.Max), 0, nil
	}
	for _, i := range in.Observation.Instances {
		isChanged := slices.ContainsFunc(in.Operation.Steps, func(s scaling.Step) bool { return s.Instance == i.Identifier })
		if i.CreatedByAutoScaling() && (countChanges || isChanged) {
			return fmt.Sprintf("Aurora Auto Scaling manages the number of readers (%s is its own): remove its scaling policy, or set "+
				"spec.readers so that the number stays", i.Identifier), 0, nil
		}
	}
	return "", 0, nil
}

// classNotOrderable wants AWS to offer every class that an instance is to get, for this engine and version in this region.
func classNotOrderable(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		switch {
		case s.InstanceClass == "", s.Action == scaling.ModifyCapacity:
		case in.Observation.Orderable == nil:
			return "", 0, errors.New("AWS could not be asked which instance classes it offers here; grant rds:DescribeOrderableDBInstanceOptions " +
				"if the role lacks it")
		case !slices.Contains(in.Observation.Orderable, s.InstanceClass):
			return fmt.Sprintf("AWS does not offer %s for %s %s in %s: remove it from the policy", s.InstanceClass, in.Observation.Engine,
				in.Observation.EngineVersion, in.Policy.Target.Scope.Region), 0, nil
		}
	}
	return "", 0, nil
}

// capacityShortage asks AWS for nothing that it had no instance of a short time ago: a surge reader may have another class than
// the one that the pool gets, and an instance cannot leave its zone.
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
		location := "in any zone of the database"
		if resizeInShortZone {
			location = "in " + i.AvailabilityZone + ", where " + i.Identifier + " is"
		}
		return fmt.Sprintf("AWS had no %s %s a short time ago; it is asked again when status.capacityShortages says so",
			s.InstanceClass, location), 0, nil
	}
	return "", 0, nil
}

// metricsStale wants fresh samples of the pool for anything but reaching what the policy, or a person, asks for at least.
func metricsStale(in Input) (string, time.Duration, error) {
	reason, pool := in.Proposal.Reason, in.Proposal.Pool
	if reason == scaling.ReasonBelowMinimum || reason == scaling.ReasonBelowSchedule ||
		reason == scaling.ReasonOverride && in.Proposal.Direction == scaling.Up {
		return "", 0, nil
	}
	if in.Proposal.Reason == scaling.ReasonPromotionCandidateTooSmall {
		pool = scaling.Writer
	}
	if l := in.poolLoad(pool); l.Fresh && in.Now.Sub(l.NewestSampleAt) <= scaling.MaxSampleAge {
		return "", 0, nil
	}
	return fmt.Sprintf("there are no CPU samples of the last %s", scaling.MaxSampleAge), 0, nil
}

// databaseBusy lets only one thing happen to a database at a time, whoever does it.
func databaseBusy(in Input) (string, time.Duration, error) {
	if in.Observation.Status != scaling.StatusAvailable {
		return fmt.Sprintf("%s is %s", in.Policy.Target.Identifier, in.Observation.Status), 0, nil
	}
	for _, i := range in.Observation.Instances {
		if scaling.IsBroken(i.Status) {
			return fmt.Sprintf("%s is %s, which it does not leave by itself: repair or remove it", i.Identifier, i.Status), 0, nil
		}
		if !i.IsAvailable() {
			return fmt.Sprintf("%s is %s", i.Identifier, i.Status), 0, nil
		}
	}
	return "", 0, nil
}

// pendingModifications keeps changes that others have put off from being applied along with ours: ApplyImmediately
// applies everything that waits (ModifyDBInstance, API reference).
func pendingModifications(in Input) (string, time.Duration, error) {
	for _, i := range in.Observation.Instances {
		pending := i.OtherPendingModifications
		if i.PendingClass != "" {
			pending = append([]string{"DBInstanceClass " + i.PendingClass}, pending...)
		}
		if len(pending) > 0 {
			return fmt.Sprintf("%s has modifications that wait for its maintenance window (%s), which a change now would apply: "+
				"apply or withdraw them", i.Identifier, strings.Join(pending, ", ")), 0, nil
		}
	}
	return "", 0, nil
}

// maintenanceLeadTime is how long before AWS does maintenance nothing else is begun: an operation may take as long.
const maintenanceLeadTime = 2 * time.Hour

// pendingMaintenance keeps out of the way of maintenance that AWS is about to do. What waits until somebody asks for it may
// wait on.
func pendingMaintenance(in Input) (string, time.Duration, error) {
	for _, i := range in.Observation.Instances {
		for _, m := range i.PendingMaintenance {
			switch {
			case m.Action == scaling.MaintenanceUnknown:
				return "", 0, errors.New("AWS could not be asked for pending maintenance; grant rds:DescribePendingMaintenanceActions " +
					"if the role lacks it")
			case !m.ScheduledAt.IsZero() && !in.Now.Before(m.ScheduledAt.Add(-maintenanceLeadTime)):
				return fmt.Sprintf("AWS is to do maintenance (%s) on %s at %s", m.Action, i.Identifier, m.ScheduledAt.UTC().Format(time.RFC3339)), 0, nil
			}
		}
	}
	return "", 0, nil
}

// backupWindow leaves an instance alone while AWS may be taking its daily backup, unless there is an emergency.
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
			return "", 0, fmt.Errorf("the backup window of %s: %w", i.Identifier, err)
		}
		if remaining > 0 {
			return fmt.Sprintf("the backup window of %s (%s UTC) is open", i.Identifier, i.BackupWindow), remaining, nil
		}
	}
	return "", 0, nil
}

// remainingWindow is how long a daily UTC window such as "23:30-00:10" is still open; zero when it is closed.
func remainingWindow(window string, now time.Time) (time.Duration, error) {
	from, to, _ := strings.Cut(window, "-")
	begin, errFrom := time.Parse("15:04", from)
	end, errTo := time.Parse("15:04", to)
	if err := errors.Join(errFrom, errTo); err != nil {
		return 0, fmt.Errorf("%q is not two times of the day: %w", window, err)
	}
	now = now.UTC()
	elapsed := now.Sub(now.Truncate(day)) - begin.Sub(begin.Truncate(day))
	length := end.Sub(begin)
	if length <= 0 {
		length += day
	}
	if elapsed < 0 {
		elapsed += day
	}
	return max(0, length-elapsed), nil
}

// minimumReaders wants a cluster that has readers to have one in service at every moment: without any the reader endpoint
// leads to the writer.
func minimumReaders(in Input) (string, time.Duration, error) {
	simulation, err := newCapacitySimulation(in.Observation)
	if err != nil || len(simulation.vcpus) < 2 {
		return "", 0, err
	}
	for _, s := range in.Operation.Steps {
		inService, err := simulation.apply(s)
		if err != nil {
			return "", 0, err
		}
		if inService == 0 {
			return fmt.Sprintf("while %s is changed no reader would be in service: set guardrails.surgeReaders to 1 or allow more readers",
				s.Instance), 0, nil
		}
	}
	return "", 0, nil
}

// replicaLag wants the reader that is to take over to be in step with the writer.
func replicaLag(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		for _, i := range in.Observation.Instances {
			switch {
			case s.Action != scaling.ModifyClusterClass && (s.Action != scaling.Failover || i.Identifier != s.Instance), i.Writer:
			case i.ReplicaLag == nil:
				return "", 0, fmt.Errorf("the replica lag of %s is not known", i.Identifier)
			case i.ReplicaLag.Value > scaling.MaxReplicaLag:
				return fmt.Sprintf("%s, which is to take over, is more than %s behind the writer", i.Identifier, scaling.MaxReplicaLag), 0, nil
			}
		}
	}
	return "", 0, nil
}

// readerNotOwned keeps the operator from deleting what it did not create, and the last reader.
func readerNotOwned(in Input) (string, time.Duration, error) {
	remaining := len(in.Observation.PoolInstances(scaling.Readers))
	for _, s := range in.Operation.Steps {
		if s.Action == scaling.CreateReader {
			remaining++
		}
		if s.Action != scaling.DeleteReader {
			continue
		}
		remaining--
		if i, exists := in.Observation.Instance(s.Instance); exists && (!i.CreatedByOperator() || i.Writer) {
			return fmt.Sprintf("%s was not created by dbscaler, so it is never removed", s.Instance), 0, nil
		}
	}
	if remaining < 1 && in.Proposal.Pool == scaling.Readers {
		return "the last reader is never removed", 0, nil
	}
	return "", 0, nil
}

// readerCapacity walks through the steps and wants the readers in service, at each moment, to have as many vCPUs as at
// the start, or on the way up as the new shape has if that is less, or else to carry what the pool carries now.
func readerCapacity(in Input) (string, time.Duration, error) {
	simulation, err := newCapacitySimulation(in.Observation)
	if err != nil {
		return "", 0, err
	}
	start, required := simulation.readerVCPUs(), math.Inf(1)
	readersScaleUp := in.Proposal.Pool == scaling.Readers && in.Proposal.Direction == scaling.Up
	if class, err := catalog.Lookup(in.Proposal.To.InstanceClass); err == nil && readersScaleUp {
		required = float64(in.Proposal.To.Count * class.VCPUFor(in.Observation.Engine))
	}
	minVCPUs, minDuring := min(start, required), ""
	for _, s := range in.Operation.Steps {
		inService, err := simulation.apply(s)
		if err != nil {
			return "", 0, err
		}
		if inService < minVCPUs {
			minVCPUs, minDuring = inService, s.Instance
		}
	}
	if minDuring == "" {
		return "", 0, nil
	}
	l := in.poolLoad(scaling.Readers)
	if l.Fresh && !l.Saturated && 100*l.Demand <= float64(in.Policy.CPU.ScaleUp)*minVCPUs {
		return "", 0, nil
	}
	return fmt.Sprintf("while %s is changed the other readers (%.0f of %.0f vCPUs) could not be relied on to carry the load: set "+
		"guardrails.surgeReaders to 1 or allow more readers", minDuring, minVCPUs, start), 0, nil
}

// capacitySimulation is what a cluster consists of while an operation goes on, in vCPUs.
type capacitySimulation struct {
	engine string
	vcpus  map[string]float64
	writer string
}

func newCapacitySimulation(o scaling.Observation) (*capacitySimulation, error) {
	w := &capacitySimulation{engine: o.Engine, vcpus: map[string]float64{}}
	for _, i := range o.Instances {
		if err := w.setClass(i.Identifier, i.Class); err != nil {
			return nil, err
		}
		if i.Writer {
			w.writer = i.Identifier
		}
	}
	return w, nil
}

func (w *capacitySimulation) setClass(instance, class string) error {
	c, err := catalog.Lookup(class)
	if err != nil {
		return err
	}
	w.vcpus[instance] = float64(c.VCPUFor(w.engine))
	return nil
}

// readerVCPUs is the vCPUs of the readers in service.
func (w *capacitySimulation) readerVCPUs() float64 {
	total := 0.0
	for instance, vcpus := range w.vcpus {
		if instance != w.writer {
			total += vcpus
		}
	}
	return total
}

// apply goes one step and returns the vCPUs of the readers in service meanwhile.
func (w *capacitySimulation) apply(s scaling.Step) (inService float64, err error) {
	switch s.Action {
	case scaling.CreateReader:
		inService = w.readerVCPUs()
		return inService, w.setClass(s.Instance, s.InstanceClass)
	case scaling.ModifyInstanceClass:
		delete(w.vcpus, s.Instance)
		inService = w.readerVCPUs()
		return inService, w.setClass(s.Instance, s.InstanceClass)
	case scaling.DeleteReader:
		delete(w.vcpus, s.Instance)
	case scaling.Failover: // the heir stops being a reader before the old writer is one
		oldWriter := w.writer
		w.writer = s.Instance
		vcpus := w.vcpus[oldWriter]
		delete(w.vcpus, oldWriter)
		inService = w.readerVCPUs()
		w.vcpus[oldWriter] = vcpus
		return inService, nil
	case scaling.ModifyPromotionTier, scaling.ModifyClusterClass, scaling.ModifyCapacity:
	}
	return w.readerVCPUs(), nil
}
