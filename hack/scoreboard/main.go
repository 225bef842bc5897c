// Command scoreboard simulates dbscaler with the default settings, every other autoscaler and the oracle under recorded and
// generated loads. It writes docs/scoreboard.md and its plot.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/manifest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// recordedClass is the class of one instance with 8 vCPUs: the class that all percentages refer to, and the initial class of each
	// run.
	recordedClass = "db.r6g.2xlarge"
	// vcpusPerPost is the demand of one post in twitter_volume_amzn.csv, which counts posts. The demand is then 1 to 84 vCPUs.
	vcpusPerPost = 0.05
)

// recorded is the kind of a recorded load.
const recorded workload.Kind = "recorded"

// reportingSeeds are the seeds of the page. tuningSeeds are played while the decisions are changed, and never on the page.
const reportingSeeds, tuningSeeds = "11,12", "1,2"

// load is a load to simulate.
type load struct {
	name      string
	recording *recording.Recording
	// kind is smooth or bursty for a generated load, and recorded for a recorded one.
	kind workload.Kind
}

// loadResult is a load with the runs of all autoscalers.
type loadResult struct {
	load
	backtest.Comparison
}

func main() {
	traces := flag.String("traces", "../shared/traces", "folder of the recorded traces")
	seeds := flag.String("seeds", reportingSeeds, "seeds of the generated loads")
	tune := flag.Bool("tune", false, "simulate the seeds for tuning ("+tuningSeeds+"), and print the results without writing a page")
	against := flag.String("against", backtest.CompareAll, "autoscalers to compare with, separated by commas: fewer are faster")
	onlyBursty := flag.Bool("only-bursty", false, "simulate only the bursty generated loads")
	policy := flag.String("policy", "hack/scoreboard/policy.yaml", "policy to simulate")
	out := flag.String("out", "docs/scoreboard.md", "file to write; - prints only the totals")
	only := flag.String("only", "", "simulate only loads whose name starts with this, or only the recorded, smooth or bursty loads")
	flag.Parse()
	if *tune {
		*seeds, *out = tuningSeeds, "-"
	}
	if *onlyBursty {
		*only = string(workload.Bursty)
	}
	if err := run(context.Background(), *traces, *seeds, *policy, *out, *only, strings.Split(*against, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "scoreboard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, traces, seeds, policyFile, out, only string, against []string) error {
	policy, err := readPolicy(ctx, policyFile)
	if err != nil {
		return err
	}
	loads, err := collectLoads(traces, seeds)
	if err != nil {
		return err
	}
	var all []loadResult
	others := make([]thresholdResult, len(thresholds))
	for n := range thresholds {
		others[n].CPU = thresholds[n]
	}
	for _, l := range loads {
		if !strings.HasPrefix(l.name, only) && only != string(l.kind) {
			continue
		}
		setup := backtest.Setup{
			Policy: policy, Recording: l.recording, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1,
			InitialShape: scaling.Shape{InstanceClass: recordedClass, Count: 1},
		}
		c, err := backtest.Compare(ctx, setup, against, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", l.name, summarize(c))
		all = append(all, loadResult{l, c})
		if out == "-" {
			continue
		}
		if err := addThresholdScores(ctx, setup, others); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if out == "-" {
		fmt.Print(renderComparedLoads(all) + "\n" + renderTotals(all))
		return nil
	}
	plot := strings.TrimSuffix(out, filepath.Ext(out)) + ".svg"
	if err := drawPlot(plot, all, sortThresholds(sumLoads(all), policy.CPU, others)); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(renderPage(all, policy, filepath.Base(plot), others)), 0o644)
}

func readPolicy(ctx context.Context, path string) (scaling.Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return scaling.Policy{}, err
	}
	u := &unstructured.Unstructured{}
	inJSON, err := yaml.YAMLToJSON(data)
	if err == nil {
		err = u.UnmarshalJSON(inJSON)
	}
	if err != nil {
		return scaling.Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	reader, err := manifest.NewReader()
	if err != nil {
		return scaling.Policy{}, err
	}
	object, err := reader.ReadPolicy(ctx, u)
	if err != nil {
		return scaling.Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return convert.Policy(object)
}

// collectLoads reads the recorded traces and generates the other loads.
func collectLoads(traces, seeds string) ([]load, error) {
	var out []load
	files, err := filepath.Glob(filepath.Join(traces, "*.csv"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		fmt.Fprintf(os.Stderr, "scoreboard: no recorded traces in %s, so only the generated loads are simulated: set --traces\n", traces)
	}
	slices.Sort(files)
	for _, path := range files {
		options := recording.Options{Class: recordedClass}
		if strings.Contains(path, "twitter") {
			options = recording.Options{Scale: vcpusPerPost}
		}
		r, err := recording.Open(path, options)
		if err != nil {
			return nil, err
		}
		out = append(out, load{strings.TrimSuffix(filepath.Base(path), ".csv"), r, recorded})
	}
	for _, generator := range workload.All() {
		for text := range strings.SplitSeq(seeds, ",") {
			seed, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("--seeds: %q is not a whole number", text)
			}
			out = append(out, load{fmt.Sprintf("%s-%d", generator.Name, seed), generator.Generate(seed), generator.Kind})
		}
	}
	return out, nil
}
