// The rehearsal makes each request of the operator once in a real AWS account, with databases that it creates and deletes. It stores
// the requests and responses as fixtures, and compares them with what the simulator answers. See docs/rehearsal.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/utils/clock"
)

// The exit codes.
const (
	exitDiffers = 1 // there are new differences, or the rehearsal failed or was stopped
	exitUsage   = 2 // the flags are invalid, or the account is not the expected one
)

// settings are the values of the flags.
type settings struct {
	region, account string
	endpoint        string
	endpointSpeed   float64
	only            []string
	multiAZCluster  bool
	subnetGroup     string
	fixtures        string
	timeout         time.Duration
	yes, cleanup    bool
	showKnown       bool
}

// usageError is an error in what the user gave.
type usageError struct{ error }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

func main() {
	// The first signal stops the rehearsal, and the second one its cleanup.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stopRun := context.WithCancel(context.Background())
	cleanupCtx, stopCleanup := context.WithCancel(context.Background())
	go func() {
		<-signals
		stopRun()
		<-signals
		stopCleanup()
	}()
	code := execute(ctx, cleanupCtx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stopRun()
	stopCleanup()
	os.Exit(code)
}

// execute runs the program and returns its exit code.
func execute(ctx, cleanupCtx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	s, err := parseFlags(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		var target *target
		target, err = connect(ctx, s)
		if err == nil {
			defer target.stop()
			r := newRehearsal(s, target, in, out)
			err = r.run(ctx, cleanupCtx)
		}
	}
	var usageErr usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usageErr):
		fmt.Fprintf(errOut, "rehearsal: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(errOut, "rehearsal: %v\n", err)
		return exitDiffers
	}
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// simulatorEndpoint as the endpoint starts a simulator in this process, with an accelerated clock.
const simulatorEndpoint = "simulator"

// minTimeout and maxTimeout bound --timeout: creating a database takes up to 20 minutes, and every hour costs money.
const minTimeout, maxTimeout = 30 * time.Minute, 6 * time.Hour

func parseFlags(args []string, errOut io.Writer) (settings, error) {
	s := settings{}
	var only string
	flags := flag.NewFlagSet("rehearsal", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&s.region, "region", "", "`region` to create the databases in, such as eu-west-1; required")
	flags.StringVar(&s.account, "account", "", "the 12-digit `account` that the credentials must belong to; required")
	flags.StringVar(&s.endpoint, "endpoint-url", "", "base `URL` of all services instead of AWS: a simulator on the loopback interface, or "+
		"\""+simulatorEndpoint+"\" to start one")
	flags.Float64Var(&s.endpointSpeed, "endpoint-speed", 1, "with --endpoint-url: simulated seconds per second, as in the simulator's --speed")
	flags.StringVar(&only, "only", "", "comma-separated `databases` instead of all: "+strings.Join(databaseNames(false), ","))
	flags.BoolVar(&s.multiAZCluster, "multi-az-cluster", false, "also rehearse a Multi-AZ DB cluster, whose three instances cost the most")
	flags.StringVar(&s.subnetGroup, "subnet-group", "", "DB subnet group `name`; default: that of the region's default VPC")
	flags.StringVar(&s.fixtures, "fixtures", "", "`folder` for the recorded requests and responses; default: bin/rehearsal/<run>")
	flags.StringVar(&s.fixtures, "keep-fixtures", "", "another name of --fixtures")
	flags.DurationVar(&s.timeout, "timeout", 2*time.Hour, "stop the rehearsal after this time, and then clean up")
	flags.BoolVar(&s.yes, "yes", false, "do not ask before databases are created or leftovers removed")
	flags.BoolVar(&s.cleanup, "cleanup", false, "only remove what earlier rehearsals left in the account and region")
	flags.BoolVar(&s.showKnown, "all", false, "also list the differences that are known and accepted")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, usageError{err}
	}
	s.only = databaseNames(s.multiAZCluster)
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	if err := s.validate(flags.Args()); err != nil {
		return s, usageError{err}
	}
	if s.multiAZCluster && !slices.Contains(s.only, multiAZName) {
		s.only = append(s.only, multiAZName)
	}
	return s, nil
}

// validate returns an error that says which flag is invalid and what to pass.
func (s settings) validate(arguments []string) error {
	switch {
	case len(arguments) > 0:
		return fmt.Errorf("unexpected argument %q: all settings are flags, see --help", arguments[0])
	case !regionPattern.MatchString(s.region):
		return fmt.Errorf("--region %q is not a region: pass one such as --region eu-west-1", s.region)
	case !accountPattern.MatchString(s.account):
		return fmt.Errorf("--account %q is not an account: pass its 12 digits, which `aws sts get-caller-identity` shows", s.account)
	case s.timeout < minTimeout || s.timeout > maxTimeout:
		return fmt.Errorf("--timeout %s: want %s to %s", s.timeout, minTimeout, maxTimeout)
	case s.endpointSpeed <= 0:
		return fmt.Errorf("--endpoint-speed %g: want a number above 0", s.endpointSpeed)
	}
	for _, name := range s.only {
		if known := databaseNames(s.multiAZCluster); !slices.Contains(known, name) {
			return fmt.Errorf("--only: there is no database %q: want some of %s; --multi-az-cluster adds %s", name,
				strings.Join(databaseNames(false), ","), multiAZName)
		}
	}
	return nil
}

// wallClock is the clock of a rehearsal in AWS.
var wallClock clock.RealClock
