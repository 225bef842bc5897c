package model

import (
	"cmp"
	"container/heap"
	"time"
)

// eventQueue holds the scheduled events of the simulation: a heap ordered by time, then by the order of scheduling.
type eventQueue struct {
	events       []scheduledEvent
	lastSequence int
	// processed counts the events whose action has run.
	processed int
}

// scheduledEvent is an action that runs at a simulated time.
type scheduledEvent struct {
	dueAt    time.Time
	sequence int
	action   func()
}

// schedule runs an action after a delay.
func (w *World) schedule(delay time.Duration, action func()) {
	w.queue.lastSequence++
	heap.Push(&w.queue, scheduledEvent{dueAt: w.now.Add(delay), sequence: w.queue.lastSequence, action: action})
}

// scheduleForInstance runs an action on an instance after a delay, unless the instance is being deleted by then.
func (w *World) scheduleForInstance(s *instanceState, delay time.Duration, action func()) {
	w.schedule(delay, func() {
		if !s.isDeleting {
			action()
		}
	})
}

// processEvents runs the actions that are due until then, each at its own time.
func (w *World) processEvents(until time.Time) {
	for len(w.queue.events) > 0 && !w.queue.events[0].dueAt.After(until) {
		if e, ok := heap.Pop(&w.queue).(scheduledEvent); ok {
			w.now = e.dueAt.UTC()
			w.queue.processed++
			e.action()
		}
	}
}

// ProcessedEvents returns the number of scheduled events since the start of the scenario. While it stays the same, only
// requests and metrics can have changed what the API shows.
func (w *World) ProcessedEvents() int { return w.queue.processed }

// Len implements heap.Interface.
func (q *eventQueue) Len() int { return len(q.events) }

// Less implements heap.Interface.
func (q *eventQueue) Less(i, j int) bool {
	left, right := q.events[i], q.events[j]
	return cmp.Or(left.dueAt.Compare(right.dueAt), cmp.Compare(left.sequence, right.sequence)) < 0
}

// Swap implements heap.Interface.
func (q *eventQueue) Swap(i, j int) { q.events[i], q.events[j] = q.events[j], q.events[i] }

// Push implements heap.Interface.
func (q *eventQueue) Push(x any) {
	if e, ok := x.(scheduledEvent); ok {
		q.events = append(q.events, e)
	}
}

// Pop implements heap.Interface.
func (q *eventQueue) Pop() any {
	last := len(q.events) - 1
	popped := q.events[last]
	q.events[last] = scheduledEvent{} // releases what the closure references
	q.events = q.events[:last]
	return popped
}
