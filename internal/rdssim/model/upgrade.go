package model

import (
	"slices"
	"time"
)

const (
	minRestartDuration, maxRestartDuration = 60 * time.Second, 90 * time.Second
	minUpgradeDuration, maxUpgradeDuration = 3 * time.Minute, 5 * time.Minute
	upgradeRetryInterval                   = time.Minute
)

// startUpgrade upgrades the engine of a group: every instance restarts at about the same time, and from then on CostFactor
// applies to all queries. It waits until no other change is in progress.
func (w *World) startUpgrade(g *instanceGroup, u EngineUpgrade) {
	if g.isBusy() {
		w.schedule(upgradeRetryInterval, func() { w.startUpgrade(g, u) })
		return
	}
	g.costFactor *= u.CostFactor
	longest := time.Duration(0)
	for _, s := range g.instances {
		s.Status = statusUpgrading
		s.disrupt()
		w.recordInstanceEvent(s, "availability", "DB instance shutdown")
		w.schedule(w.drawDuration(minRestartDuration, maxRestartDuration), func() {
			w.restoreService(s)
			if !s.isDeleting {
				w.recordInstanceEvent(s, "availability", "DB instance restarted")
			}
		})
		duration := w.drawDuration(minUpgradeDuration, maxUpgradeDuration)
		longest = max(longest, duration)
		w.scheduleForInstance(s, duration, func() {
			s.EngineVersion = u.EngineVersion
			s.setAvailable(w.now)
			if g.cluster == nil {
				w.recordInstanceEvent(s, "maintenance", "The engine version upgrade finished.")
			}
		})
	}
	if c := g.cluster; c != nil {
		c.Status = statusUpgrading
		w.schedule(longest, func() {
			c.Status, c.EngineVersion = statusAvailable, u.EngineVersion
			w.recordClusterEvent(c, "maintenance", "Database cluster engine version has been upgraded.")
		})
	}
}

// isBusy reports whether a change of the cluster or of an instance is in progress.
func (g *instanceGroup) isBusy() bool {
	return g.classChangeInProgress || g.cluster != nil && g.cluster.Status != statusAvailable ||
		slices.ContainsFunc(g.instances, func(s *instanceState) bool { return s.Status != statusAvailable || s.changeInProgress })
}
