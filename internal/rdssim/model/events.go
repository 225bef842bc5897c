package model

import (
	"fmt"
	"slices"
	"time"
)

// Event is an RDS event, as DescribeEvents returns it.
type Event struct {
	Time             time.Time
	SourceIdentifier string // identifier of the instance or cluster
	SourceType       string // db-instance, db-cluster or blue-green-deployment
	ARN              string
	Region           string
	Category         string
	Message          string
}

// eventRetention is how long AWS keeps events (RDS API reference, DescribeEvents).
const eventRetention = 14 * 24 * time.Hour

func (w *World) recordInstanceEvent(s *instanceState, category, message string) {
	w.recordEvent(Event{w.now, s.Identifier, "db-instance", s.ARN(), s.Region, category, message})
}

func (w *World) recordClusterEvent(c *Cluster, category, message string) {
	w.recordEvent(Event{w.now, c.Identifier, "db-cluster", c.ARN(), c.Region, category, message})
}

// recordBlueGreenEvent records an event of a blue/green deployment, which has a source type of its own (RDS user guide, "Blue/green
// deployment events").
func (w *World) recordBlueGreenEvent(d *BlueGreenDeployment, category, message string) {
	arn := fmt.Sprintf("arn:aws:rds:%s:%s:deployment:%s", d.Region, d.AccountID, d.Identifier)
	w.recordEvent(Event{w.now, d.Identifier, "blue-green-deployment", arn, d.Region, category, message})
}

// recordTopologyChange records that a member of a cluster was added or deleted, or that the cluster failed over: each instance in service
// has such an event (RDS user guide, RDS-EVENT-0385).
func (w *World) recordTopologyChange(g *instanceGroup) {
	if g.cluster == nil {
		return
	}
	for _, s := range g.instances {
		if s.isInService() {
			w.recordInstanceEvent(s, "notification", "Cluster topology is updated.")
		}
	}
}

func (w *World) recordEvent(e Event) {
	w.events = append(w.events, e)
	if w.now.Sub(w.events[0].Time) > eventRetention+time.Hour { // not at every event
		w.events = slices.DeleteFunc(w.events, func(e Event) bool { return w.now.Sub(e.Time) > eventRetention })
	}
}

// Events returns the events of a region with from <= Time < to, oldest first, as far as AWS still keeps them.
func (w *World) Events(region string, from, to time.Time) []Event {
	var out []Event
	if oldest := w.now.Add(-eventRetention); from.Before(oldest) {
		from = oldest
	}
	for _, e := range w.events {
		if e.Region == region && !e.Time.Before(from) && e.Time.Before(to) {
			out = append(out, e)
		}
	}
	return out
}
