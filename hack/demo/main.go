// The demonstration runs the operator against a real Kubernetes API server and a simulated AWS, and replays one morning in about
// three minutes. All figures of the database are simulated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "time/tzdata"
)

// The exit codes.
const (
	exitFailed     = 1 // the demonstration could not run
	exitUsage      = 2 // the flags are invalid
	exitGoalMissed = 3 // the readers saturated, or reader capacity fell below its initial value
)

// settings are the values of the flags.
type settings struct {
	trace       string
	class       string
	scale       float64
	startOffset time.Duration
	// past is how much of the scenario is over when the policy is applied.
	past  time.Duration
	hours float64
	speed float64
	kills int
	seed  int64
	keep  bool
	// withoutInsights disables Performance Insights, and with it the metric DBLoadCPU.
	withoutInsights bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == operatorCommand {
		if err := runOperator(ctx, os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "operator: %v\n", err)
			os.Exit(exitFailed)
		}
		return
	}
	s, err := parseFlags(os.Args[1:])
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		}
		os.Exit(exitUsage)
	}
	goalMissed, err := run(ctx, s)
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(exitFailed)
	case goalMissed:
		fmt.Fprintln(os.Stderr, "demo: failed: the readers saturated (with TRACE: for longer than without dbscaler), or reader capacity "+
			"fell below its initial value; see the table above")
		os.Exit(exitGoalMissed)
	}
}

func parseFlags(args []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&s.trace, "trace", "",
		"CSV `file` of a recorded load with the columns timestamp,value; default: the incident of 5 February 2024")
	flags.StringVar(&s.class, "class", "db.r6g.large",
		"with --trace: instance class of the recording, and initial class of the database")
	flags.Float64Var(&s.scale, "scale", 1, "with --trace: factor for the recorded load")
	flags.DurationVar(&s.startOffset, "from", 0, "with --trace: offset in the recording at which to start, for example 36h")
	flags.DurationVar(&s.past, "past", 0, "simulated time that is over when the policy is applied, for example 7h30m")
	flags.Float64Var(&s.hours, "hours", 0, "simulated hours; default 9, or 24 with --trace")
	flags.Float64Var(&s.speed, "speed", 0,
		"simulated seconds for each second of wall-clock time; default: the run takes three minutes, at most 480")
	flags.IntVar(&s.kills, "kills", 0, "how many times to kill the operator (SIGKILL) at random times and start it again")
	flags.Int64Var(&s.seed, "seed", 1, "with --kills: seed of the random times")
	flags.BoolVar(&s.withoutInsights, "without-insights", false, "disable Performance Insights: the demand above saturation is then unknown")
	flags.BoolVar(&s.keep, "keep", false, "keep all processes running at the end, and print commands to try")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.scale <= 0, s.hours < 0, s.hours > 24*31, s.speed < 0, s.speed > 2000, s.startOffset < 0, s.kills < 0:
		return s, errors.New("--scale must be above 0, --hours from 0 to 744, --speed from 0 to 2000, --from and --kills at least 0")
	}
	if s.hours == 0 {
		s.hours = 9
		if s.trace != "" {
			s.hours = 24
		}
	}
	if total := time.Duration(s.hours * float64(time.Hour)); s.past < 0 || s.past >= total {
		return s, fmt.Errorf("--past must be at least 0 and below the simulated %s", total)
	}
	if s.speed == 0 {
		s.speed = min(s.hours*3600/180, 480)
	}
	return s, nil
}
