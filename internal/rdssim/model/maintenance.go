package model

import (
	"slices"
	"strings"
	"time"
)

// The opt-in statuses of a pending action (RDS API reference, ApplyPendingMaintenanceAction).
const (
	OptInImmediate  = "immediate"
	OptInNextWindow = "next-maintenance"
)

// MaintenanceAction is a pending maintenance action of a cluster or instance.
type MaintenanceAction struct {
	// ARN of the cluster or instance.
	ARN string
	// Action as the RDS API names it, for example system-update.
	Action      string
	Description string
	// AutoAppliedAfterDate is the date after which the action is applied in the next maintenance window; zero means never.
	AutoAppliedAfterDate time.Time
	// ForcedApplyDate is when the action is applied regardless of the window; zero means never.
	ForcedApplyDate time.Time
	// CurrentApplyDate is when the action will be applied according to the other fields; zero means not scheduled.
	// AddPendingMaintenance computes it if it is zero.
	CurrentApplyDate time.Time
	// OptInStatus is the opt-in request of the owner: OptInImmediate, OptInNextWindow or empty.
	OptInStatus string
}

// AddPendingMaintenance adds a pending action, and replaces an earlier one of the same name. The action is only listed, never
// applied. It returns an *APIError if the cluster or instance does not exist.
func (w *World) AddPendingMaintenance(m MaintenanceAction) error {
	window, err := w.maintenanceWindow(m.ARN)
	if err != nil {
		return err
	}
	if m.CurrentApplyDate.IsZero() {
		m.CurrentApplyDate = m.nextApplyDate(window, w.now)
	}
	w.RemovePendingMaintenance(m.ARN, m.Action)
	w.pendingMaintenance = append(w.pendingMaintenance, m)
	return nil
}

// RemovePendingMaintenance removes a pending action of a cluster or instance, or all of them if action is empty.
func (w *World) RemovePendingMaintenance(arn, action string) {
	w.pendingMaintenance = slices.DeleteFunc(w.pendingMaintenance, func(m MaintenanceAction) bool {
		return m.ARN == arn && (action == "" || m.Action == action)
	})
}

// PendingMaintenance returns the pending actions of the existing clusters and instances of a region, in the order of addition.
func (w *World) PendingMaintenance(region string) []MaintenanceAction {
	var out []MaintenanceAction
	for _, m := range w.pendingMaintenance {
		if _, err := w.maintenanceWindow(m.ARN); err == nil && strings.Split(m.ARN, ":")[3] == region {
			out = append(out, m)
		}
	}
	return out
}

// nextApplyDate returns the earliest date that follows from the opt-in status, AutoAppliedAfterDate and ForcedApplyDate (RDS API
// reference, PendingMaintenanceAction).
func (m MaintenanceAction) nextApplyDate(window string, now time.Time) time.Time {
	var earliest time.Time
	consider := func(at time.Time) {
		if earliest.IsZero() || at.Before(earliest) {
			earliest = at
		}
	}
	switch m.OptInStatus {
	case OptInImmediate:
		consider(now)
	case OptInNextWindow:
		consider(now.Add(untilNextWindow(window, now)))
	}
	if after := m.AutoAppliedAfterDate; !after.IsZero() {
		if after.Before(now) {
			after = now
		}
		consider(after.Add(untilNextWindow(window, after)))
	}
	if !m.ForcedApplyDate.IsZero() {
		consider(m.ForcedApplyDate)
	}
	return earliest
}

// maintenanceWindow returns the maintenance window of a cluster or instance, or an *APIError if it does not exist.
func (w *World) maintenanceWindow(arn string) (string, error) {
	for _, c := range w.clusters {
		if c.ARN() == arn {
			return c.MaintenanceWindow, nil
		}
	}
	for _, s := range w.instances {
		if s.ARN() == arn {
			return s.MaintenanceWindow, nil
		}
	}
	return "", resourceNotFound(arn)
}

// scheduleMaintenance schedules the beginning and the end of a maintenance action of the scenario.
func (w *World) scheduleMaintenance(g *instanceGroup, spec ScheduledMaintenance) {
	start := w.scenario.Start.Time
	m := MaintenanceAction{
		ARN: g.resourceARN(spec.Instance), Action: spec.Action, Description: spec.Description, OptInStatus: spec.OptInStatus,
	}
	if spec.AutoAppliedAfterDate != nil {
		m.AutoAppliedAfterDate = start.Add(spec.AutoAppliedAfterDate.sinceStart(start)).UTC()
	}
	if spec.ForcedApplyDate != nil {
		m.ForcedApplyDate = start.Add(spec.ForcedApplyDate.sinceStart(start)).UTC()
	}
	// A database that has been deleted by then has no maintenance.
	w.schedule(spec.From.sinceStart(start), func() { _ = w.AddPendingMaintenance(m) })
	if spec.Until != nil {
		w.schedule(spec.Until.sinceStart(start), func() { w.RemovePendingMaintenance(m.ARN, m.Action) })
	}
}

// resourceARN returns the ARN of an instance of the group, or for an empty identifier that of the cluster or the standalone
// instance.
func (g *instanceGroup) resourceARN(instance string) string {
	if instance == "" && g.cluster != nil {
		return g.cluster.ARN()
	}
	for _, s := range g.instances {
		if instance == "" || s.Identifier == instance {
			return s.ARN()
		}
	}
	return ""
}
