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
	"sync"

	"golang.org/x/sync/errgroup"
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
// tunedSeeds are all on which decisions were ever tuned.
const reportingSeeds, tuningSeeds, tunedSeeds = "11,12", "1,2", "1,2,3,4,5,6,7,8"

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
	databases := flag.Bool("databases", false, "print only the results of the other databases")
	recordSmooth := flag.Bool("record-smooth", false, "print the scores of the smooth loads as in smooth.csv")
	flag.Parse()
	if *tune {
		*seeds, *out = tuningSeeds, "-"
	}
	if *onlyBursty {
		*only = string(workload.Bursty)
	}
	if *recordSmooth {
		*only, *against, *out = string(workload.Smooth), "oracle", "-"
	}
	o := options{
		traces: *traces, seeds: *seeds, policyFile: *policy, out: *out, only: *only,
		against: strings.Split(*against, ","), recordSmooth: *recordSmooth, databases: *databases,
	}
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "scoreboard:", err)
		os.Exit(1)
	}
}

// options are the command's options.
type options struct {
	traces, seeds, policyFile, out, only string
	against                              []string
	recordSmooth, databases              bool
}

// isSelected reports whether a load is to be simulated.
func (o options) isSelected(l load) bool {
	return strings.HasPrefix(l.name, o.only) || o.only == string(l.kind)
}

func run(ctx context.Context, o options) error {
	policy, err := readPolicy(ctx, o.policyFile)
	if err != nil {
		return err
	}
	loads, err := collectLoads(o.traces, o.seeds)
	if err != nil {
		return err
	}
	loads = slices.DeleteFunc(loads, func(l load) bool { return !o.isSelected(l) })
	if o.databases {
		results, err := compareConfigurations(ctx, loads, policy)
		fmt.Print(renderConfigurations(results))
		return err
	}
	if o.out == "-" {
		all, err := compareLoads(ctx, loads, policy, o.against, nil)
		switch {
		case err != nil:
		case o.recordSmooth:
			fmt.Print(formatSmooth(all))
		default:
			fmt.Print(renderComparedLoads(all) + "\n" + renderTotals(all))
		}
		return err
	}
	if err := checkReportingSeeds(o.seeds); err != nil {
		return err
	}
	p := page{policy: policy, thresholds: newThresholdResults(), bursts: "scoreboard-bursts.md"}
	if p.all, err = compareLoads(ctx, loads, policy, o.against, p.thresholds); err != nil {
		return err
	}
	if p.configurations, err = compareConfigurations(ctx, loads, policy); err != nil {
		return err
	}
	base := strings.TrimSuffix(o.out, filepath.Ext(o.out))
	p.plot = filepath.Base(base) + ".svg"
	if err := drawPlot(base+".svg", p.all, sortThresholds(sumLoads(p.all), policy.CPU, p.thresholds)); err != nil {
		return err
	}
	if err := writeBursts(ctx, filepath.Join(filepath.Dir(o.out), p.bursts), p.all, policy); err != nil {
		return err
	}
	return os.WriteFile(o.out, []byte(p.render()), 0o644)
}

// checkReportingSeeds refuses seeds that decisions were tuned on.
func checkReportingSeeds(seeds string) error {
	for text := range strings.SplitSeq(seeds, ",") {
		if slices.Contains(strings.Split(tunedSeeds, ","), strings.TrimSpace(text)) {
			return fmt.Errorf("--seeds: decisions were tuned on seeds %s, so that they are never on the page: use --tune or --out -", tunedSeeds)
		}
	}
	return nil
}

// newSetup is the setup of a load: one reader of the recorded class at the start.
func newSetup(l load, policy scaling.Policy) backtest.Setup {
	return backtest.Setup{
		Policy: policy, Recording: l.recording, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1,
		InitialShape: scaling.Shape{InstanceClass: recordedClass, Count: 1},
	}
}

// parallelLoads is the number of loads that are simulated at the same time. Each also runs its autoscalers in parallel.
const parallelLoads = 2

// compareLoads simulates all autoscalers under each load. It adds the scores with other thresholds to thresholds, which may be nil.
func compareLoads(
	ctx context.Context, loads []load, policy scaling.Policy, against []string, thresholds []thresholdResult,
) ([]loadResult, error) {
	all := make([]loadResult, len(loads))
	var adding sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelLoads)
	for n, l := range loads {
		group.Go(func() error {
			setup := newSetup(l, policy)
			c, err := backtest.Compare(ctx, setup, against, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s: %s\n", l.name, summarize(c))
			all[n] = loadResult{l, c}
			scores, err := scoreThresholds(ctx, setup, thresholds)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			adding.Lock()
			defer adding.Unlock()
			for k, score := range scores {
				thresholds[k].Score = thresholds[k].Add(score)
			}
			return nil
		})
	}
	return all, group.Wait()
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
