// The demonstration: a real Kubernetes API server, the operator as it is installed, and a simulated AWS, playing one
// morning in a few minutes. Every figure of the database is simulated.
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
	exitFailed     = 1 // the demonstration could not be run
	exitUsage      = 2 // the flags make no sense
	exitGoalMissed = 3 // the operator let the readers saturate, or took vCPUs of readers out of service
)

// settings are what the flags say.
type settings struct {
	trace       string
	class       string
	scale       float64
	startOffset time.Duration
	hours       float64
	speed       float64
	kills       int
	seed        int64
	keep        bool
	// withoutInsights switches Performance Insights off, and with it DBLoadCPU.
	withoutInsights bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == operatorCommand {
		if err := runOperator(ctx, os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "manager: %v\n", err)
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
		fmt.Fprintln(os.Stderr, "demo: the operator let the readers saturate, or took vCPUs of readers out of service")
		os.Exit(exitGoalMissed)
	}
}

func parseFlags(args []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&s.trace, "trace", "", "play this recording (two columns: timestamp,value) instead of 5 February 2024")
	flags.StringVar(&s.class, "class", "db.r6g.large",
		"with --trace: the class that the recording was made on and that the database begins with")
	flags.Float64Var(&s.scale, "scale", 1, "with --trace: multiply the recorded load by this")
	flags.DurationVar(&s.startOffset, "from", 0, "with --trace: begin this far into the recording, for example 36h")
	flags.Float64Var(&s.hours, "hours", 0, "how many simulated hours to play; 9 unless a recording says otherwise (24)")
	flags.Float64Var(&s.speed, "speed", 0, "simulated seconds in one of the machine's; by default the day takes three minutes, at most 480")
	flags.IntVar(&s.kills, "kills", 0, "kill -9 the operator this many times at random moments, and start it again")
	flags.Int64Var(&s.seed, "seed", 1, "with --kills: the seed of the random moments")
	flags.BoolVar(&s.withoutInsights, "without-insights", false, "switch Performance Insights off: saturation then hides how much more is asked for")
	flags.BoolVar(&s.keep, "keep", false, "leave everything running at the end and say what to try")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.scale <= 0, s.hours < 0, s.hours > 24*31, s.speed < 0, s.speed > 2000, s.startOffset < 0, s.kills < 0:
		return s, errors.New("--scale must be above 0, --hours from 0 to 744, --speed from 0 to 2000, --from and --kills not below 0")
	}
	if s.hours == 0 {
		s.hours = 9
		if s.trace != "" {
			s.hours = 24
		}
	}
	if s.speed == 0 {
		s.speed = min(s.hours*3600/180, 480)
	}
	return s, nil
}
