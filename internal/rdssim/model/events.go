package model

import (
	"slices"
	"time"
)

// Event is what DescribeEvents tells.
type Event struct {
	At       time.Time
	Source   string // identifier of the instance or cluster
	Type     string // db-instance or db-cluster
	ARN      string
	Region   string
	Category string
	Message  string
}

// eventsKept is how many events are kept.
const eventsKept = 1000

func (w *World) tell(s *server, category, message string) {
	w.record(Event{w.now, s.Identifier, "db-instance", s.ARN(), s.Region, category, message})
}

func (w *World) tellCluster(c *Cluster, category, message string) {
	w.record(Event{w.now, c.Identifier, "db-cluster", c.ARN(), c.Region, category, message})
}

func (w *World) record(e Event) {
	w.events = append(w.events, e)
	if len(w.events) > eventsKept {
		w.events = slices.Delete(w.events, 0, len(w.events)-eventsKept)
	}
}

// Events lists what happened in a region from from until before to, oldest first. The latest thousand of all regions are
// kept.
func (w *World) Events(region string, from, to time.Time) []Event {
	var out []Event
	for _, e := range w.events {
		if e.Region == region && !e.At.Before(from) && e.At.Before(to) {
			out = append(out, e)
		}
	}
	return out
}
