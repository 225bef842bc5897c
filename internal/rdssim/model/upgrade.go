package model

import (
	"slices"
	"time"
)

const (
	upgrading = "upgrading"

	restartLeast, restartMost   = 60 * time.Second, 90 * time.Second
	upgradedLeast, upgradedMost = 3 * time.Minute, 5 * time.Minute
	upgradeRetry                = time.Minute
)

// upgrade is an engine upgrade that people carry out: every instance restarts at about the same time, and from then on
// queries cost what the new version makes of them. It waits until nothing else is going on.
func (w *World) upgrade(g *group, u Upgrade) {
	if g.busy() {
		w.after(upgradeRetry, func() { w.upgrade(g, u) })
		return
	}
	g.cost *= u.CostFactor
	last := time.Duration(0)
	for _, s := range g.servers {
		s.Status = upgrading
		s.interrupted()
		w.tell(s, "availability", "DB instance shutdown")
		w.after(w.between(restartLeast, restartMost), func() {
			w.resume(s)
			if !s.gone {
				w.tell(s, "availability", "DB instance restarted")
			}
		})
		length := w.between(upgradedLeast, upgradedMost)
		last = max(last, length)
		w.later(s, length, func() {
			s.EngineVersion = u.EngineVersion
			s.ready(w.now)
			if g.cluster == nil {
				w.tell(s, "maintenance", "DB engine version has been upgraded.")
			}
		})
	}
	if c := g.cluster; c != nil {
		c.Status = upgrading
		w.after(last, func() {
			c.Status, c.EngineVersion = available, u.EngineVersion
			w.tellCluster(c, "maintenance", "Database cluster engine version has been upgraded.")
		})
	}
}

// busy says whether anything is going on with a group.
func (g *group) busy() bool {
	return g.cluster != nil && g.cluster.Status != available ||
		slices.ContainsFunc(g.servers, func(s *server) bool { return s.Status != available || s.changing })
}
