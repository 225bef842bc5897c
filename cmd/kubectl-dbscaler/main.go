// Command kubectl-dbscaler is a kubectl plugin. It shows what the operator does with a database, why, what it would do and what it did, on
// the terminal and as a web page on this machine, writes redacted bug reports, pauses, overrides and approves changes, drafts policies,
// checks what a policy needs, simulates what it would have done under a recorded load, recommends the policy that would have done best,
// prints CloudWatch alarms for its database, and verifies the ledger of decisions.
//
// Exit codes: 0 after success, 1 after a failure or a failed check, 2 for invalid input (flags, policy or recording); those of plan
// --detailed-exitcode are in its help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules name time zones, and not every machine has zone files

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // OIDC, beside exec plugins such as that of EKS
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
)

func main() {
	klog.SetLogger(logr.Discard()) // the error below is the only message
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var options []app.Option
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		options = append(options, app.WithoutColor())
	}
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	err := app.New(streams, clock.RealClock{}, options...).ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if !errors.As(err, new(*app.WouldChangeError)) { // the plan was printed
		fmt.Fprintf(os.Stderr, "kubectl-dbscaler: %v\n", err)
	}
	os.Exit(app.ExitCode(err, os.Args[1:]))
}
