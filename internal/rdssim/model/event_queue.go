package model

import (
	"cmp"
	"container/heap"
	"time"
)

// eventQueue is what will happen: a heap by time, then by the order of entering.
type eventQueue struct {
	events       []scheduledEvent
	lastSequence int
	// processed counts what was carried out.
	processed int
}

// scheduledEvent is something on the agenda.
type scheduledEvent struct {
	dueAt    time.Time
	sequence int
	action   func()
}

// schedule puts something on the agenda.
func (w *World) schedule(delay time.Duration, action func()) {
	w.queue.lastSequence++
	heap.Push(&w.queue, scheduledEvent{dueAt: w.now.Add(delay), sequence: w.queue.lastSequence, action: action})
}

// scheduleForInstance puts something about an instance on the agenda. It does not happen when the instance is being deleted by then.
func (w *World) scheduleForInstance(s *instanceState, delay time.Duration, action func()) {
	w.schedule(delay, func() {
		if !s.isDeleting {
			action()
		}
	})
}

// processEvents carries out what is on the agenda until then, each entry at its own time.
func (w *World) processEvents(until time.Time) {
	for len(w.queue.events) > 0 && !w.queue.events[0].dueAt.After(until) {
		if e, ok := heap.Pop(&w.queue).(scheduledEvent); ok {
			w.now = e.dueAt.UTC()
			w.queue.processed++
			e.action()
		}
	}
}

// Len implements heap.Interface.
func (a *eventQueue) Len() int { return len(a.events) }

// Less implements heap.Interface.
func (a *eventQueue) Less(i, j int) bool {
	left, right := a.events[i], a.events[j]
	return cmp.Or(left.dueAt.Compare(right.dueAt), cmp.Compare(left.sequence, right.sequence)) < 0
}

// Swap implements heap.Interface.
func (a *eventQueue) Swap(i, j int) { a.events[i], a.events[j] = a.events[j], a.events[i] }

// Push implements heap.Interface.
func (a *eventQueue) Push(x any) {
	if e, ok := x.(scheduledEvent); ok {
		a.events = append(a.events, e)
	}
}

// Pop implements heap.Interface.
func (a *eventQueue) Pop() any {
	last := len(a.events) - 1
	popped := a.events[last]
	a.events[last] = scheduledEvent{} // lets go of what the closure holds
	a.events = a.events[:last]
	return popped
}
