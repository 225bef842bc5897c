// Package simtest plays the operator against hours of load, change and mishap in a fraction of a second: the reconciler's own
// code, the model of RDS and the API server's store in one process, on a clock that moves from one event to the next. Everything
// is drawn from a seed, so that a failure can be played again:
//
//	go test ./internal/simtest -seed=N
//
// It has tests alone. Each call to AWS and to the API server is a place where the process may die, the answer may be lost, time
// may pass or another manager may act. After each event the invariants of docs/invariants.md are asserted.
package simtest
