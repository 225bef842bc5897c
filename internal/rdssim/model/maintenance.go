package model

import (
	"slices"
	"strings"
	"time"
)

// What an owner can ask for about an action that is pending (RDS API reference, ApplyPendingMaintenanceAction).
const (
	OptInImmediate  = "immediate"
	OptInNextWindow = "next-maintenance"
)

// MaintenanceAction is an action that AWS wants to carry out on a cluster or instance.
type MaintenanceAction struct {
	// ARN of the cluster or instance.
	ARN string
	// Action as the RDS API has it, for example system-update.
	Action      string
	Description string
	// AutoAppliedAfterDate is when the action may be carried out in the next maintenance window; zero when it need not be.
	AutoAppliedAfterDate time.Time
	// ForcedApplyDate is when it is carried out whatever the window; zero when it is not.
	ForcedApplyDate time.Time
	// CurrentApplyDate is when it will be carried out as things stand; zero when nothing says so. Maintain works it out when it is
	// zero.
	CurrentApplyDate time.Time
	// OptInStatus is what the owner has asked for: OptInImmediate, OptInNextWindow or nothing.
	OptInStatus string
}

// AddPendingMaintenance lets an action be pending from now on, in the place of an earlier one of its name. It is only shown, never carried
// out. The error, a *Fault, says that there is no such cluster or instance.
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

// RemovePendingMaintenance ends an action of a cluster or instance, or all of them when it names none.
func (w *World) RemovePendingMaintenance(arn, action string) {
	w.pendingMaintenance = slices.DeleteFunc(w.pendingMaintenance, func(m MaintenanceAction) bool {
		return m.ARN == arn && (action == "" || m.Action == action)
	})
}

// PendingMaintenance lists what AWS wants to carry out in a region, in the order in which it came up. What is gone needs
// nothing.
func (w *World) PendingMaintenance(region string) []MaintenanceAction {
	var out []MaintenanceAction
	for _, m := range w.pendingMaintenance {
		if _, err := w.maintenanceWindow(m.ARN); err == nil && strings.Split(m.ARN, ":")[3] == region {
			out = append(out, m)
		}
	}
	return out
}

// nextApplyDate is the earliest of what is asked for, what AWS may do and what it will do (RDS API reference, PendingMaintenanceAction).
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

// maintenanceWindow is the maintenance window of a cluster or instance.
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

// scheduleMaintenance puts what a scenario wants on the agenda.
func (w *World) scheduleMaintenance(g *instanceGroup, u ScheduledMaintenance) {
	start := w.scenario.Start.Time
	m := MaintenanceAction{ARN: g.resourceARN(u.Instance), Action: u.Action, Description: u.Description, OptInStatus: u.OptInStatus}
	if u.AutoAppliedAfterDate != nil {
		m.AutoAppliedAfterDate = start.Add(u.AutoAppliedAfterDate.sinceStart(start)).UTC()
	}
	if u.ForcedApplyDate != nil {
		m.ForcedApplyDate = start.Add(u.ForcedApplyDate.sinceStart(start)).UTC()
	}
	w.schedule(u.From.sinceStart(start), func() { _ = w.AddPendingMaintenance(m) }) // an instance that is gone by then needs no maintenance
	if u.Until != nil {
		w.schedule(u.Until.sinceStart(start), func() { w.RemovePendingMaintenance(m.ARN, m.Action) })
	}
}

// resourceARN is that of an instance of a group, or without one of the cluster or the plain instance.
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
