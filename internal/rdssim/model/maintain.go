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

// Maintenance is an action that AWS wants to carry out on a cluster or instance.
type Maintenance struct {
	// ARN of the cluster or instance.
	ARN string
	// Action as the RDS API has it, for example system-update.
	Action      string
	Description string
	// AutoAppliedAfter is when the action may be carried out in the next maintenance window; zero when it need not be.
	AutoAppliedAfter time.Time
	// ForcedApply is when it is carried out whatever the window; zero when it is not.
	ForcedApply time.Time
	// CurrentApply is when it will be carried out as things stand; zero when nothing says so. Maintain works it out when it is
	// zero.
	CurrentApply time.Time
	// OptIn is what the owner has asked for: OptInImmediate, OptInNextWindow or nothing.
	OptIn string
}

// Maintain lets an action be pending from now on, in the place of an earlier one of its name. It is only shown, never carried
// out. The error, a *Fault, says that there is no such cluster or instance.
func (w *World) Maintain(m Maintenance) error {
	window, err := w.windowOf(m.ARN)
	if err != nil {
		return err
	}
	if m.CurrentApply.IsZero() {
		m.CurrentApply = m.due(window, w.now)
	}
	w.Maintained(m.ARN, m.Action)
	w.upkeep = append(w.upkeep, m)
	return nil
}

// Maintained ends an action of a cluster or instance, or all of them when it names none.
func (w *World) Maintained(arn, action string) {
	w.upkeep = slices.DeleteFunc(w.upkeep, func(m Maintenance) bool {
		return m.ARN == arn && (action == "" || m.Action == action)
	})
}

// PendingMaintenance lists what AWS wants to carry out in a region, in the order in which it came up. What is gone needs
// nothing.
func (w *World) PendingMaintenance(region string) []Maintenance {
	var out []Maintenance
	for _, m := range w.upkeep {
		if _, err := w.windowOf(m.ARN); err == nil && strings.Split(m.ARN, ":")[3] == region {
			out = append(out, m)
		}
	}
	return out
}

// due is the earliest of what is asked for, what AWS may do and what it will do (RDS API reference, PendingMaintenanceAction).
func (m Maintenance) due(window string, now time.Time) time.Time {
	var due time.Time
	consider := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	switch m.OptIn {
	case OptInImmediate:
		consider(now)
	case OptInNextWindow:
		consider(now.Add(untilWindow(window, now)))
	}
	if after := m.AutoAppliedAfter; !after.IsZero() {
		if after.Before(now) {
			after = now
		}
		consider(after.Add(untilWindow(window, after)))
	}
	if !m.ForcedApply.IsZero() {
		consider(m.ForcedApply)
	}
	return due
}

// windowOf is the maintenance window of a cluster or instance.
func (w *World) windowOf(arn string) (string, error) {
	for _, c := range w.clusters {
		if c.ARN() == arn {
			return c.MaintenanceWindow, nil
		}
	}
	for _, s := range w.members {
		if s.ARN() == arn {
			return s.MaintenanceWindow, nil
		}
	}
	return "", notFound(arn)
}

// announce puts what a scenario wants on the agenda.
func (w *World) announce(g *group, u Upkeep) {
	start := w.scenario.Start.Time
	m := Maintenance{ARN: g.arn(u.Instance), Action: u.Action, Description: u.Description, OptIn: u.OptIn}
	if u.AutoAppliedAfter != nil {
		m.AutoAppliedAfter = start.Add(u.AutoAppliedAfter.since(start)).UTC()
	}
	if u.ForcedApply != nil {
		m.ForcedApply = start.Add(u.ForcedApply.since(start)).UTC()
	}
	w.after(u.From.since(start), func() { _ = w.Maintain(m) }) // an instance that is gone by then needs no maintenance
	if u.Until != nil {
		w.after(u.Until.since(start), func() { w.Maintained(m.ARN, m.Action) })
	}
}

// arn is that of an instance of a group, or without one of the cluster or the plain instance.
func (g *group) arn(instance string) string {
	if instance == "" && g.cluster != nil {
		return g.cluster.ARN()
	}
	for _, s := range g.servers {
		if instance == "" || s.Identifier == instance {
			return s.ARN()
		}
	}
	return ""
}
