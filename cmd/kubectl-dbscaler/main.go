// Command kubectl-dbscaler is a plugin of kubectl: it shows what a policy would have done under a load that was recorded, and finds
// the policy that would have done best.
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
	klog.SetLogger(logr.Discard()) // what goes wrong is said once, in one line
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.New(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, clock.RealClock{}).ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "kubectl-dbscaler: %v\n", err)
	var input *app.InputError
	if errors.As(err, &input) {
		os.Exit(app.ExitInvalidInput)
	}
	os.Exit(1)
}
