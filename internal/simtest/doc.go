// Package simtest tests the operator against hours of load, changes and faults in a fraction of a second. The code of the
// reconciler, the model of RDS and a fake API server run in one process, on a clock that advances from one event to the next.
// Everything is drawn from a seed, so that a failure can be reproduced:
//
//	go test ./internal/simtest -seed=N
//
// The package contains only tests. At each request to AWS or to the API server the process may crash, the response may be lost, time
// may pass or another manager may reconcile. After each event the invariants of docs/invariants.md are checked.
package simtest
