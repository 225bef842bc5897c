package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// configuredLoads are the kinds of load for which other configurations are simulated, with the first seed only.
var configuredLoads = []string{"diurnal", "bursts", "nightly", "upgrade"}

// configuration is a database as people have it.
type configuration struct {
	name string
	edit func(*backtest.Setup)
}

// configurations begin with that of the rest of the page.
var configurations = []configuration{
	{"1 to 4 readers of five classes, as above", func(*backtest.Setup) {}},
	{"the same, without DBLoadCPU", func(s *backtest.Setup) { s.PerformanceInsights = false }},
	{"2 to 15 readers of five classes", func(s *backtest.Setup) { setReaders(s, 2, 15, s.Policy.Readers.InstanceClasses...) }},
	{"1 to 4 readers of one class", func(s *backtest.Setup) { setReaders(s, 1, 4, recordedClass) }},
	{"the writer of a cluster with one reader", func(s *backtest.Setup) { setWriter(s, scaling.DBCluster) }},
	{"the same, without DBLoadCPU", func(s *backtest.Setup) { setWriter(s, scaling.DBCluster); s.PerformanceInsights = false }},
	{"a plain instance in one zone", func(s *backtest.Setup) { setWriter(s, scaling.DBInstance) }},
}

// setReaders changes the limits of the readers.
func setReaders(s *backtest.Setup, minCount, maxCount int, classes ...string) {
	readers := *s.Policy.Readers
	readers.Min, readers.Max, readers.InstanceClasses = minCount, maxCount, classes
	s.Policy.Readers, s.InitialShape.Count = &readers, minCount
}

// setWriter scales the writer with the classes of the readers, instead of the readers.
func setWriter(s *backtest.Setup, kind scaling.TargetKind) {
	s.Policy.Writer, s.Policy.Readers = &scaling.WriterLimits{InstanceClasses: s.Policy.Readers.InstanceClasses}, nil
	s.Policy.Target.Kind, s.Pool = kind, scaling.Writer
	if kind == scaling.DBCluster {
		s.OtherPoolShape = scaling.Shape{InstanceClass: recordedClass, Count: 1}
	}
}

// configurationResult is the results of a configuration.
type configurationResult struct {
	configuration
	all []loadResult
}

// configuredPeers are the autoscalers of the configurations, which all run on RDS.
var configuredPeers = []string{"aurora-h3", "atlas", "alarm-lambda", "aws-predictive", "static-mean", "static-p99.5", "reactive", "oracle"}

// compareConfigurations simulates all configurations under some of the loads.
func compareConfigurations(ctx context.Context, loads []load, policy scaling.Policy) ([]configurationResult, error) {
	var selected []load
	for _, kind := range configuredLoads {
		if n := slices.IndexFunc(loads, func(l load) bool { return strings.HasPrefix(l.name, kind+"-") }); n >= 0 {
			selected = append(selected, loads[n])
		}
	}
	out := make([]configurationResult, len(configurations))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelLoads)
	for n, c := range configurations {
		out[n] = configurationResult{c, make([]loadResult, len(selected))}
		for k, l := range selected {
			group.Go(func() error {
				setup := newSetup(l, policy)
				c.edit(&setup)
				comparison, err := backtest.Compare(ctx, setup, configuredPeers, nil)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.name, l.name, err)
				}
				out[n].all[k] = loadResult{l, comparison}
				return nil
			})
		}
	}
	return out, group.Wait()
}

// renderConfigurations renders a table of the configurations, with a row for each load.
func renderConfigurations(all []configurationResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Other databases\n\nThe loads %s with one seed, on databases as people have them. CloudWatch publishes the metrics "+
		"every 60 s, one to two minutes late, here and in all other runs. Compared with: %s. The writer of a cluster restarts when its "+
		"class changes; so does a plain instance, which is out of service for minutes.\n\n",
		strings.Join(configuredLoads, ", "), strings.Join(configuredPeers, ", "))
	b.WriteString("| database | " + comparedColumns + "\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n")
	for _, c := range all {
		for _, l := range c.all {
			fmt.Fprintf(&b, "| %s %s", c.name, renderComparedLoad(l))
		}
	}
	return b.String()
}

// describeRun is the overload and the cost of a run, or none.
func describeRun(r *backtest.Run, oracle backtest.Score, withName bool) string {
	if r == nil || r.ID == "" {
		return "none"
	}
	text := fmt.Sprintf("%d min, %.2f ×", r.Score.OverloadedMinutes, r.Score.CostRatio(oracle))
	if withName {
		text = report.DisplayName(*r) + ": " + text
	}
	return text
}
