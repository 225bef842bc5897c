// The load test runs the operator with a fleet of thousands of policies: a real Kubernetes API server, a simulated AWS and two replicas
// of the operator, each in a process of its own. It measures what the operator costs and how late it is, kills the leader, and prints a
// table. All figures of the databases are simulated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata"
)

// The exit codes.
const (
	exitFailed   = 1 // the test could not run
	exitUsage    = 2 // the flags are invalid
	exitExceeded = 3 // a bound was exceeded, a cluster has too many readers, or accounts that work notice those that do not
)

// errExceeded says that the test ran and that a result is not what it must be.
var errExceeded = errors.New("a result is out of bounds; see above")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "fleet: %v\n", err)
		os.Exit(exitUsage)
	case errors.Is(err, errExceeded):
		fmt.Fprintf(os.Stderr, "fleet: failed: %v\n", err)
		os.Exit(exitExceeded)
	}
	fmt.Fprintf(os.Stderr, "fleet: %v\n", err)
	os.Exit(exitFailed)
}

// run runs the process that the first argument names: the simulated AWS, the operator, or else the load test itself.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case simulatorCommand:
			return runChild(ctx, args[1:], runSimulator)
		case managerCommand:
			return runChild(ctx, args[1:], runManager)
		}
	}
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if s.check {
		return runCheck(ctx, s, out)
	}
	return runLoadTest(ctx, s, out)
}
