// The demonstration runs the operator against a real Kubernetes API server and a simulated AWS, and replays one morning in about
// three minutes, or a flash crowd beside Aurora Auto Scaling. All figures of the database are simulated.
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

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
)

// The exit codes.
const (
	exitFailed     = 1 // the demonstration could not run
	exitUsage      = 2 // the flags are invalid
	exitGoalMissed = 3 // the operator did not reach the goal of the run
)

// settings are the values of the flags.
type settings struct {
	// burst replaces the incident by a flash crowd.
	burst       bool
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
	// empty runs no operator.
	empty bool
	// web serves the dashboard, for more databases than the one of the scenario. webPort is its port; 0 chooses a free one.
	web     bool
	webPort int
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
	if len(os.Args) > 1 && os.Args[1] == pluginCommand {
		klog.SetLogger(logr.Discard()) // the error is the only message
		os.Exit(runPlugin(ctx, os.Args[2:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	s, err := parseFlags(os.Args[1:])
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		}
		os.Exit(exitUsage)
	}
	if s.empty {
		if err := runEmpty(ctx, s, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
			os.Exit(exitFailed)
		}
		return
	}
	missedGoal, err := run(ctx, s)
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(exitFailed)
	case missedGoal != "":
		fmt.Fprintf(os.Stderr, "demo: failed: %s; see the table above\n", missedGoal)
		os.Exit(exitGoalMissed)
	}
}

func parseFlags(args []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&s.trace, "trace", "",
		"CSV `file` of a recorded load with the columns timestamp,value; default: the incident of 5 February 2024")
	flags.BoolVar(&s.burst, "burst", false, "play a flash crowd, and compare the operator with Aurora Auto Scaling")
	flags.StringVar(&s.class, "class", "db.r6g.large",
		"with --trace: instance class of the recording, and initial class of the database")
	flags.Float64Var(&s.scale, "scale", 1, "with --trace: factor for the recorded load")
	flags.DurationVar(&s.startOffset, "from", 0, "with --trace: offset in the recording at which to start, for example 36h")
	flags.DurationVar(&s.past, "past", 0, "simulated time that is over when the policy is applied, for example 7h30m")
	flags.Float64Var(&s.hours, "hours", 0, "simulated hours; default 9, 24 with --trace, or 3.5 with --burst")
	flags.Float64Var(&s.speed, "speed", 0,
		"simulated seconds for each second of wall-clock time; default: the run takes three minutes (two with --burst), at most 480")
	flags.IntVar(&s.kills, "kills", 0, "how many times to kill the operator (SIGKILL) at random times and start it again")
	flags.Int64Var(&s.seed, "seed", 1, "with --kills: seed of the random times")
	flags.BoolVar(&s.withoutInsights, "without-insights", false, "disable Performance Insights: the demand above saturation is then unknown")
	flags.BoolVar(&s.web, "web", false, "add more databases, and serve the dashboard of the plugin while the demonstration runs")
	flags.IntVar(&s.webPort, "web-port", 0, "with --web: port of the dashboard; 0 chooses a free one")
	flags.BoolVar(&s.keep, "keep", false, "keep all processes running at the end, and print commands to try")
	flags.BoolVar(&s.empty, "empty", false, "run only the API server and the simulated AWS, on the present time, for an installation of yours")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case s.empty && (s.burst || s.web || s.trace != "" || s.kills > 0 || s.speed > 0):
		return s, errors.New("--empty can be combined with --past and --without-insights only")
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.scale <= 0, s.hours < 0, s.hours > 24*31, s.speed < 0, s.speed > 2000, s.startOffset < 0, s.kills < 0:
		return s, errors.New("--scale must be above 0, --hours from 0 to 744, --speed from 0 to 2000, --from and --kills at least 0")
	case s.burst && s.web:
		return s, errors.New("--web cannot be combined with --burst")
	case s.burst && (s.trace != "" || s.past != 0 || s.hours > 0 && s.hours < minBurstHours):
		return s, fmt.Errorf("--burst cannot be combined with --trace or --past, and needs at least %d --hours", minBurstHours)
	}
	s = s.withDefaults()
	if total := time.Duration(s.hours * float64(time.Hour)); s.past < 0 || s.past >= total {
		return s, fmt.Errorf("--past must be at least 0 and below the simulated %s", total)
	}
	return s, nil
}

// withDefaults sets the hours and the speed if they are zero.
func (s settings) withDefaults() settings {
	wallSeconds := 180.0
	hours := 9.0
	switch {
	case s.burst:
		hours, wallSeconds = defaultBurstHours, 120
	case s.trace != "":
		hours = 24
	}
	if s.hours == 0 {
		s.hours = hours
	}
	if s.speed == 0 {
		s.speed = min(s.hours*3600/wallSeconds, 480)
	}
	return s
}
