package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
)

// backtestCommand implements kubectl dbscaler backtest.
type backtestCommand struct {
	simulationInput
	baselines    []string
	htmlFile     string
	outputFormat string
}

func newBacktestCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	b := &backtestCommand{simulationInput: simulationInput{kube: kube, streams: streams, clock: clk}}
	c := &cobra.Command{
		Use:   "backtest (NAME | -f policy.yaml) (--metrics FILE | --cloudwatch DURATION)",
		Short: "Show what a policy would have done under a recorded load",
		Long: `Apply a recorded load to a simulated database, minute by minute, and let the policy decide as the operator does. Show what the
policy would have done, how many minutes the database would have been overloaded, and what that would have cost, compared with other
autoscalers and with the oracle: the best possible sequence of sizes, which only somebody who knows the future load could choose.
Nothing in AWS is changed. Every figure about a database is simulated.`,
		Example: `  # Two weeks of CPUUtilization, recorded on two db.r6g.large readers
  kubectl dbscaler backtest -f policy.yaml --metrics cpu.csv \
    --class db.r6g.large --count 2

  # What aws cloudwatch get-metric-data prints, with all baselines, as HTML
  kubectl dbscaler backtest orders --metrics data.json --class db.r6g.xlarge \
    --against all --html report.html`,
		Args: optionalPolicy,
		RunE: func(c *cobra.Command, args []string) error {
			return b.run(c.Context(), strings.Join(args, ""))
		},
	}
	f := c.Flags()
	b.addFlags(f)
	f.StringSliceVar(&b.baselines, "against", []string{"static-peak", "oracle"},
		"Baselines to compare with (reactive, oracle: bounds without and with foresight): all, or any of "+
			strings.Join(backtest.ComparisonNames(), ", "))
	f.StringVar(&b.htmlFile, "html", "", "File for an HTML report, which needs no network")
	f.StringVarP(&b.outputFormat, "output", "o", "table", "Output format: table or json")
	return c
}

func (b *backtestCommand) run(ctx context.Context, name string) error {
	if b.outputFormat != "table" && b.outputFormat != "json" {
		return asInputError(fmt.Errorf("--output is %q: it must be table or json", b.outputFormat))
	}
	_, setup, err := b.load(ctx, name)
	if err != nil {
		return err
	}
	progress := newProgress(b.streams.ErrOut)
	comparison, err := backtest.Compare(ctx, setup, b.baselines, progress.runCompleted)
	progress.clear()
	if err != nil {
		return runError(err)
	}
	comparison.RecordingSource = b.loadFlags.describeSource(setup.Policy)
	if b.htmlFile != "" {
		if err := writeFile(b.htmlFile, func(w io.Writer) error { return report.WriteHTML(w, comparison) }); err != nil {
			return err
		}
	}
	if b.outputFormat == "json" {
		encoder := json.NewEncoder(b.streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(summarize(comparison))
	}
	if err := report.WriteTable(b.streams.Out, comparison); err != nil {
		return err
	}
	if b.htmlFile != "" {
		fmt.Fprintf(b.streams.Out, "The HTML report is in %s.\n", b.htmlFile)
	}
	return nil
}

// writeFile creates a file and writes it with the given function.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return asInputError(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

// backtestSummary is a comparison in JSON, without the data of the charts. Costs (usd) are in US dollars.
type backtestSummary struct {
	Policy           string       `json:"policy"`
	Start            string       `json:"start"`
	End              string       `json:"end"`
	GapMinutes       int          `json:"gapMinutes"`
	UncertainMinutes int          `json:"uncertainMinutes"`
	Simulated        bool         `json:"simulated"`
	Runs             []runSummary `json:"runs"`
}

type runSummary struct {
	ID                  string  `json:"id"`
	Name                string  `json:"name"`
	OverloadedMinutes   int     `json:"overloadedMinutes"`
	UnservedVCPUMinutes float64 `json:"unservedVCPUMinutes"`
	VCPUHours           float64 `json:"vcpuHours"`
	// Slack is a share. Times to capacity are in minutes.
	Slack                 float64 `json:"slack"`
	Shortages             int     `json:"shortages"`
	TimeToCapacity        float64 `json:"timeToCapacityMinutes"`
	LongestTimeToCapacity int     `json:"longestTimeToCapacityMinutes"`
	ForeseenGrowths       int     `json:"foreseenGrowths"`
	NeededGrowths         int     `json:"neededGrowths"`
	AvertedShortages      int     `json:"avertedShortages"`
	USD                   string  `json:"usd,omitempty"`
	Disruptions           int     `json:"disruptions"`
	Changes               int     `json:"changes"`
}

func summarize(c backtest.Comparison) backtestSummary {
	const layout = "2006-01-02T15:04:05Z"
	summary := backtestSummary{
		Policy: c.PolicyName, Start: c.Start.UTC().Format(layout), End: c.End.UTC().Format(layout), GapMinutes: c.GapMinutes,
		UncertainMinutes: c.UncertainMinutes, Simulated: true,
	}
	for _, run := range report.SortRuns(c.Runs) {
		s := run.Score
		r := runSummary{
			ID: run.ID, Name: run.Name, OverloadedMinutes: s.OverloadedMinutes, UnservedVCPUMinutes: s.UnservedVCPUMinutes, VCPUHours: s.VCPUHours,
			Slack: s.Slack(), Shortages: s.Shortages, TimeToCapacity: s.TimeToCapacity(), LongestTimeToCapacity: s.LongestShortage,
			ForeseenGrowths: s.ForeseenGrowths, NeededGrowths: s.NeededGrowths, AvertedShortages: s.AvertedShortages,
			Disruptions: s.Disruptions, Changes: s.Changes,
		}
		if s.CostKnown {
			r.USD = strings.TrimPrefix(s.Cost.String(), "$")
		}
		summary.Runs = append(summary.Runs, r)
	}
	return summary
}
