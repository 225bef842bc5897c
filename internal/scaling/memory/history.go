package memory

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// HistoryAge is how long an operation that has ended is remembered; the last historyLeast of each direction of each pool
	// are always: cooldowns and lead times are read from them.
	HistoryAge   = 24 * time.Hour
	historyLeast = 3
	// historyLength is the greatest number of operations remembered, as the API's limit has it.
	historyLength = 64
)

// Kept lists which operations of a history, newest first, are still to be remembered, by their index.
func Kept(h scaling.History, now time.Time) []int {
	type way struct {
		pool      scaling.Pool
		direction scaling.Direction
	}
	seen := map[way]int{}
	var kept []int
	for n, past := range h {
		w := way{past.Pool, past.Direction}
		seen[w]++
		if len(kept) < historyLength && (now.Sub(past.Completed) <= HistoryAge || seen[w] <= historyLeast) {
			kept = append(kept, n)
		}
	}
	return kept
}

// Ended is what is remembered of an operation that has ended at now.
func Ended(op scaling.Operation, succeeded bool, now time.Time) scaling.Past {
	before := op.Utilization
	return scaling.Past{
		Pool: op.Pool, Direction: op.Direction, Succeeded: succeeded, Started: op.Started, Completed: now, Lead: op.Lead(), Before: &before,
		Interrupting: scaling.Interrupting(op.Pool, op.From, op.To),
	}
}

// Effect is the utilization, in percent, that the newest operation of a pool led to, once there is something to read it from,
// with the index of the operation; false when there is nothing new to say.
func Effect(h scaling.History, load scaling.Load) (index, percent int, known bool) {
	n := slices.IndexFunc(h, func(past scaling.Past) bool { return past.Pool == load.Pool })
	if n < 0 || !load.Fresh || h[n].After != nil || !h[n].Succeeded {
		return 0, 0, false
	}
	return n, int(math.Round(load.Utilization)), true
}
