package main

import (
	"context"
	"errors"
	"flag"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// simulatorCommand is the first argument of the process that serves the simulated AWS.
const simulatorCommand = "simulated-aws"

// runSimulator serves the simulated AWS of a fleet on a free port of the loopback interface, without IAM. It ends with the context.
func runSimulator(ctx context.Context, args []string) error {
	var f fleet
	var scaled simclock.Scaled
	flags := flag.NewFlagSet(simulatorCommand, flag.ContinueOnError)
	f.addFlags(flags)
	flags.Func("origin", "wall-clock time from which time passes faster", timeFlag(&scaled.Origin))
	flags.Float64Var(&scaled.Speed, "speed", 1, "simulated seconds for each second of wall-clock time")
	profiles := flags.String("profiles-address", "", "address that serves profiles; empty serves none")
	limit := flags.Duration("limit", time.Hour, "time after which the process ends")
	if err := errors.Join(flags.Parse(args)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	now := newClock(scaled)
	world, err := model.New(f.scenario(now.Now().UTC().Truncate(time.Minute)))
	if err != nil {
		return err
	}
	server := rdssim.New(rdssim.Options{World: world, Clock: now, AccountID: accountID(0), Log: logr.Discard()})
	f.injectFaults(server)
	if *profiles != "" {
		if err := serveProfiles(*profiles, nil); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	httpServer := &http.Server{Handler: server, ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	announce("http://" + listener.Addr().String())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return httpServer.Close()
	}
}

// injectFaults makes AWS not answer the slow scopes, and deny access to the denied ones. STS works for all of them.
func (f *fleet) injectFaults(server *rdssim.Server) {
	for scope := range f.scopes {
		for _, service := range []string{"rds", "monitoring", "application-autoscaling"} {
			fault := rdssim.Fault{Service: service, Account: accountID(scope)}
			switch {
			case f.isSlow(scope):
				fault.Kind = rdssim.NoResponse
			case f.isDenied(scope):
				fault.Kind, fault.Code, fault.HTTPStatus = rdssim.ErrorResponse, "AccessDenied", http.StatusForbidden
				fault.Message = "User: " + roleARN(scope) + " is not authorized to perform this action"
			default:
				continue
			}
			server.InjectFault(fault)
		}
	}
}

// newClock returns the real clock at speed 1, and otherwise a clock that shows the wall-clock time at its origin and runs faster.
func newClock(scaled simclock.Scaled) clock.Clock {
	if scaled.Speed == 1 {
		return clock.RealClock{}
	}
	scaled.Start = scaled.Origin
	return scaled
}

func timeFlag(to *time.Time) func(string) error {
	return func(s string) (err error) {
		*to, err = time.Parse(time.RFC3339Nano, s)
		return err
	}
}
