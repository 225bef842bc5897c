package model

import (
	"cmp"
	"container/heap"
	"time"
)

// agenda is what will happen: a heap by time, then by the order of entering.
type agenda struct {
	entries []entry
	entered int
	// happened counts what was carried out.
	happened int
}

// entry is something on the agenda.
type entry struct {
	at    time.Time
	order int
	do    func()
}

// after puts something on the agenda.
func (w *World) after(d time.Duration, do func()) {
	w.agenda.entered++
	heap.Push(&w.agenda, entry{at: w.now.Add(d), order: w.agenda.entered, do: do})
}

// later puts something about an instance on the agenda. It does not happen when the instance is being deleted by then.
func (w *World) later(s *server, d time.Duration, do func()) {
	w.after(d, func() {
		if !s.gone {
			do()
		}
	})
}

// happen carries out what is on the agenda until then, each entry at its own time.
func (w *World) happen(until time.Time) {
	for len(w.agenda.entries) > 0 && !w.agenda.entries[0].at.After(until) {
		if e, ok := heap.Pop(&w.agenda).(entry); ok {
			w.now = e.at.UTC()
			w.agenda.happened++
			e.do()
		}
	}
}

// Len implements heap.Interface.
func (a *agenda) Len() int { return len(a.entries) }

// Less implements heap.Interface.
func (a *agenda) Less(i, j int) bool {
	one, other := a.entries[i], a.entries[j]
	return cmp.Or(one.at.Compare(other.at), cmp.Compare(one.order, other.order)) < 0
}

// Swap implements heap.Interface.
func (a *agenda) Swap(i, j int) { a.entries[i], a.entries[j] = a.entries[j], a.entries[i] }

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	if e, ok := x.(entry); ok {
		a.entries = append(a.entries, e)
	}
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	end := len(a.entries) - 1
	last := a.entries[end]
	a.entries[end] = entry{} // lets go of what the closure holds
	a.entries = a.entries[:end]
	return last
}
