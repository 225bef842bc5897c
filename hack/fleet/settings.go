package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// errUsage is the cause of an error of the flags.
var errUsage = errors.New("invalid flags")

// settings are the values of the flags.
type settings struct {
	fleet
	// duration is how long the steady phase is measured, and settle how long to wait at most for the operations at the end.
	duration, settle time.Duration
	// changePercent is the part of the fleet whose load rises.
	changePercent float64
	// speed is the number of simulated seconds for each second of wall-clock time.
	speed       float64
	concurrency int
	// memory is the memory limit of the operator's container, in MiB.
	memory int
	// limit is the time after which everything ends.
	limit time.Duration
	// out is the Markdown file that receives the table, and profiles the folder that receives profiles; empty for none.
	out, profiles string
	// check compares two sizes of the fleet with bounds, instead of measuring one.
	check bool
}

// defaultConcurrency is that of the operator's flag, and defaultMemory the goal for 10,000 policies, in MiB.
const defaultConcurrency, defaultMemory = 16, 600

func parseSettings(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	s.addFlags(flags)
	flags.DurationVar(&s.duration, "for", 5*time.Minute, "duration of the steady phase, of simulated time")
	flags.DurationVar(&s.settle, "settle", time.Minute, "how long to wait at most for the operations at the end, of simulated time")
	flags.Float64Var(&s.changePercent, "change", 1, "percentage of the clusters whose load rises")
	flags.Float64Var(&s.speed, "speed", 1, "simulated seconds for each second of wall-clock time")
	flags.IntVar(&s.concurrency, "concurrency", defaultConcurrency, "number of policies that the operator reconciles at once")
	flags.IntVar(&s.memory, "memory", defaultMemory, "memory limit of the operator's container, in MiB")
	flags.DurationVar(&s.limit, "limit", time.Hour, "time after which everything ends")
	flags.StringVar(&s.out, "out", "", "Markdown `file` whose section for this fleet is replaced by the results, such as docs/scale.md")
	flags.StringVar(&s.profiles, "profiles", "", "`folder` for CPU and heap profiles of the operator and the simulated AWS")
	flags.BoolVar(&s.check, "check", false, "compare half of the fleet with all of it, and fail when a bound is exceeded")
	flags.IntVar(&s.shard.Total, "shards", 1, "number of shards of the operator, of which one is run")
	flags.IntVar(&s.shard.Index, "shard", 0, "the shard that is run, from 0 to the number of shards less one")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, fmt.Errorf("%w: %w", errUsage, err)
	}
	return s, s.validate(flags.NArg())
}

func (s settings) validate(arguments int) error {
	switch {
	case arguments > 0:
		return fmt.Errorf("%w: unexpected arguments", errUsage)
	case s.duration <= 0 || s.settle < 0 || s.limit <= 0:
		return fmt.Errorf("%w: --for and --limit must be above 0, and --settle at least 0", errUsage)
	case s.changePercent < 0 || s.changePercent > 100:
		return fmt.Errorf("%w: --change must be from 0 to 100", errUsage)
	case s.speed <= 0 || s.speed > 60:
		return fmt.Errorf("%w: --speed must be above 0 and at most 60", errUsage)
	case s.shard.Total < 1 || s.shard.Index < 0 || s.shard.Index >= s.shard.Total:
		return fmt.Errorf("%w: --shards must be at least 1, and --shard from 0 to --shards less one", errUsage)
	case s.concurrency < 1 || s.concurrency > 64:
		return fmt.Errorf("%w: --concurrency must be from 1 to 64", errUsage)
	}
	if s.memory < 64 {
		return fmt.Errorf("%w: --memory must be at least 64", errUsage)
	}
	if err := s.fleet.validate(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}

// wall returns the wall-clock duration of a simulated duration.
func (s settings) wall(simulated time.Duration) time.Duration {
	return time.Duration(float64(simulated) / s.speed)
}
