package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The statuses of parameter groups (RDS API reference, DBParameterGroupStatus).
const (
	ParametersInSync        = "in-sync"
	ParametersPendingReboot = "pending-reboot"
)

// parameterStatuses are the statuses that SetParameterStatus accepts.
var parameterStatuses = []string{
	ParametersInSync, ParametersPendingReboot, "applying", "failed-to-apply", "pending-database-upgrade", "removing",
}

// maxBackupRetentionDays is the maximum of BackupRetentionPeriod (RDS API reference, ModifyDBCluster).
const maxBackupRetentionDays = 35

// DeferClusterChanges is ModifyDBCluster without ApplyImmediately: the changes replace those that are pending, and wait for the
// maintenance window of the cluster. A ModifyDBCluster request with ApplyImmediately applies them earlier, whatever else it changes.
// No changes, or the current values, cancel the pending ones. The error is an *APIError.
func (w *World) DeferClusterChanges(region, id string, changes ClusterPendingChanges) error {
	c, err := w.findCluster(region, id)
	switch {
	case err != nil:
		return err
	case c.Status != statusAvailable:
		return clusterNotAvailable(c)
	case !changes.isValid():
		return invalidValue("Backup retention period must be between 0 and %d days.", maxBackupRetentionDays)
	}
	if changes.EngineVersion == c.EngineVersion {
		changes.EngineVersion = ""
	}
	if changes.StorageType == c.StorageType {
		changes.StorageType = ""
	}
	c.PendingChanges = changes
	if g, found := w.findGroup(region, id); found && changes != (ClusterPendingChanges{}) {
		w.applyClusterChangesInNextWindow(g)
	}
	return nil
}

func (p ClusterPendingChanges) isValid() bool {
	return p.BackupRetentionPeriod >= 0 && p.BackupRetentionPeriod <= maxBackupRetentionDays
}

// applyClusterChangesInNextWindow applies the pending changes of a cluster when its maintenance window next opens, or a week later
// if the cluster is busy then.
func (w *World) applyClusterChangesInNextWindow(g *instanceGroup) {
	w.schedule(untilNextWindow(g.cluster.MaintenanceWindow, w.now), func() {
		switch {
		case g.cluster.PendingChanges == ClusterPendingChanges{}:
		case g.isBusy():
			w.applyClusterChangesInNextWindow(g)
		default:
			w.applyClusterChanges(g)
		}
	})
}

// applyClusterChanges applies the pending changes of a cluster. An upgrade of the engine begins as soon as no other change is in
// progress, and cannot be cancelled.
func (w *World) applyClusterChanges(g *instanceGroup) {
	c, pending := g.cluster, g.cluster.PendingChanges
	if pending == (ClusterPendingChanges{}) {
		return
	}
	c.StorageType = cmp.Or(pending.StorageType, c.StorageType)
	c.PendingChanges = ClusterPendingChanges{}
	if pending.EngineVersion != "" {
		upgrade := EngineUpgrade{EngineVersion: pending.EngineVersion, CostFactor: 1}
		w.schedule(w.drawDuration(minAcceptDelay, maxAcceptDelay), func() { w.startUpgrade(g, upgrade) })
	}
}

// SetParameterStatus sets the status of the DB parameter group of an instance, for example to ParametersPendingReboot as the change
// of a static parameter does. The next restart of the instance applies what is pending. It returns an error if the instance does not
// exist or the status is unknown.
func (w *World) SetParameterStatus(region, instance, status string) error {
	s, err := w.findInstance(region, instance)
	if err == nil {
		err = checkParameterStatus(status)
	}
	if err == nil {
		s.ParameterStatus = status
	}
	return err
}

// SetClusterParameterStatus sets the status of the DB cluster parameter group of every member of a cluster. See SetParameterStatus.
func (w *World) SetClusterParameterStatus(region, cluster, status string) error {
	c, err := w.findCluster(region, cluster)
	if err == nil {
		err = checkParameterStatus(status)
	}
	if err != nil {
		return err
	}
	for _, id := range c.Members {
		w.instances[region+"/"+id].ClusterParameterStatus = status
	}
	return nil
}

func checkParameterStatus(status string) error {
	if !slices.Contains(parameterStatuses, status) {
		return fmt.Errorf("parameter group status %q: want one of %v", status, parameterStatuses)
	}
	return nil
}

// applyStagedParameters applies the parameters that are pending-reboot: the instance restarts now.
func (s *instanceState) applyStagedParameters(now time.Time) {
	for _, status := range []*string{&s.ParameterStatus, &s.ClusterParameterStatus} {
		if *status == ParametersPendingReboot {
			*status, s.ParametersAppliedAt = ParametersInSync, now
		}
	}
}

// scheduleDeferredChanges schedules the deferred changes and staged parameters of a database of the scenario.
func (w *World) scheduleDeferredChanges(d Database) {
	start := w.scenario.Start.Time
	for _, change := range d.DeferredChanges {
		// A cluster that is busy or deleted by then refuses the change.
		w.schedule(change.At.sinceStart(start), func() { _ = w.DeferClusterChanges(d.Region, d.Identifier, change.ClusterPendingChanges) })
	}
	for _, staged := range d.StagedParameters {
		w.schedule(staged.At.sinceStart(start), func() {
			if staged.Instance == "" {
				_ = w.SetClusterParameterStatus(d.Region, d.Identifier, ParametersPendingReboot)
				return
			}
			_ = w.SetParameterStatus(d.Region, staged.Instance, ParametersPendingReboot)
		})
	}
}

// validateDeferred checks the deferred changes and staged parameters of a database.
func (d Database) validateDeferred() error {
	for n, change := range d.DeferredChanges {
		if len(d.Instances) == 0 || !change.isValid() || change.ClusterPendingChanges == (ClusterPendingChanges{}) {
			return fmt.Errorf("deferredChanges[%d]: want changes of a cluster, and a backupRetentionPeriod of at most %d", n,
				maxBackupRetentionDays)
		}
	}
	for n, staged := range d.StagedParameters {
		isInstance := slices.ContainsFunc(d.allInstances(), func(m Member) bool { return m.Identifier == staged.Instance })
		if !isInstance && (staged.Instance != "" || len(d.Instances) == 0) {
			return fmt.Errorf("stagedParameters[%d]: instance %q: want an instance of the database, or none for a cluster", n, staged.Instance)
		}
	}
	return nil
}
