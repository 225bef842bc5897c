// rdssim serves a simulated AWS (RDS, CloudWatch, STS, Application Auto Scaling and the price list) on the loopback interface,
// for the AWS CLI and AWS SDKs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// headerTimeout limits how long a client may take to send the header of a request.
const headerTimeout = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "rdssim: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("rdssim", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8790", "address to listen on; only the loopback interface is allowed")
	scenarioFile := flags.String("scenario", "", "scenario file with the databases, such as hack/rdssim/scenarios/all-kinds.yaml; required")
	policyFile := flags.String("policy", "", "IAM policy file to enforce, such as config/iam/policy.json; empty allows everything")
	past := flags.Duration("past", 0, "simulated time that is over at the start, such as 2h: CloudWatch and RDS events have this past")
	present := flags.Bool("present", false, "let the simulated time be the present time, for an operator whose clock it is; needs --speed 1")
	speed := flags.Float64("speed", 1, "simulated seconds per second of real time")
	duration := flags.Duration("for", 8*time.Hour, "exit after this time")
	verbose := flags.Bool("v", false, "log refused requests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *scenarioFile == "" {
		return errors.New("--scenario is missing: want a file such as hack/rdssim/scenarios/all-kinds.yaml")
	}
	if *speed <= 0 || *duration <= 0 || *past < 0 {
		return fmt.Errorf("--speed %g, --for %s and --past %s: want values above 0, and no negative past", *speed, *duration, *past)
	}
	if *present && *speed != 1 {
		return fmt.Errorf("--present with --speed %g: want speed 1, because the time of the operator runs at this speed", *speed)
	}
	address, err := net.ResolveTCPAddr("tcp", *listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if !address.IP.IsLoopback() {
		return fmt.Errorf("--listen %s: want a loopback address such as 127.0.0.1:8790, because signatures are not verified", *listen)
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	server, err := newServer(*scenarioFile, *policyFile, *past, *present, *speed, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *duration)
	defer cancel()
	return serve(ctx, address, server)
}

// newServer returns a simulated AWS with the databases of a scenario. An empty policy file allows everything. With present the scenario has
// started the duration past ago, instead of at the time that it states.
func newServer(scenarioFile, policyFile string, past time.Duration, present bool, speed float64, log logr.Logger) (*rdssim.Server, error) {
	scenario, err := model.LoadScenario(scenarioFile)
	if err != nil {
		return nil, err
	}
	origin := clock.RealClock{}.Now()
	if present {
		scenario.Start.Time = origin.UTC().Truncate(time.Minute).Add(-past)
	}
	world, err := model.New(scenario)
	if err != nil {
		return nil, err
	}
	world.Advance(scenario.Start.Add(past))
	options := rdssim.Options{
		World: world, AccountID: scenario.AccountID, Log: log,
		Clock: simclock.Scaled{Origin: origin, Start: scenario.Start.Add(past), Speed: speed},
	}
	if policyFile != "" {
		data, err := os.ReadFile(policyFile)
		if err != nil {
			return nil, err
		}
		if options.Policy, err = rdssim.ParsePolicy(data); err != nil {
			return nil, fmt.Errorf("%s: %w", policyFile, err)
		}
	}
	return rdssim.New(options), nil
}

// serve serves until the context is done.
func serve(ctx context.Context, address *net.TCPAddr, server *rdssim.Server) error {
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	fmt.Printf("Simulated AWS at %s. In another shell:\n\n"+
		"  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=eu-west-1\n"+
		"  aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,DBInstanceClass,DBInstanceStatus]'\n"+
		"  curl -s %s/_sim/state?region=eu-west-1\n\nPress Ctrl-C to stop.\n", url, url, url)
	httpServer := &http.Server{Handler: server, ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return httpServer.Close()
	}
}
