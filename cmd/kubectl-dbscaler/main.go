// Command kubectl-dbscaler is a kubectl plugin. It checks what the operator needs to scale a database, simulates what a policy would have
// done under a recorded load, recommends the policy that would have done best, and prints CloudWatch alarms for its database.
//
// Exit codes: 0 after success, 1 after a failure or a failed check, 2 for invalid input (flags, policy or recording).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
)

func main() {
	klog.SetLogger(logr.Discard()) // the error below is the only message
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.New(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, clock.RealClock{}).ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "kubectl-dbscaler: %v\n", err)
	var inputErr *app.InputError
	if errors.As(err, &inputErr) {
		os.Exit(app.ExitInvalidInput)
	}
	os.Exit(app.ExitFailure)
}
