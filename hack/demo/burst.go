package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/manifest"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The flash crowd of --burst: within crowdRise the load of the readers rises to crowdFactor times calmVCPUs. It stays there and falls as
// fast, so that it is back crowdLength after its start.
const (
	crowdAfter  = time.Hour
	crowdRise   = 5 * time.Minute
	crowdLength = 45 * time.Minute
	crowdFactor = 8
	// calmVCPUs is 40 % of the CPU of the initial readers.
	calmVCPUs = 1.6

	burstClass        = "db.r6g.large"
	initialReaders    = 2
	minBurstHours     = 2 // the crowd and a quarter of an hour after it
	defaultBurstHours = 3.5
	// rivalID is Aurora Auto Scaling that adds readers after three minutes above its target, as its alarms do.
	rivalID = "aurora-h3"
)

// burstPolicy is the policy of the flash crowd. Aurora Auto Scaling has the same minimum and maximum of readers.
var burstPolicy = fmt.Sprintf(`apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: %s}
spec:
  targetRef: {kind: DBCluster, identifier: %s, region: %s}
  mode: Enforce
  readers: {instanceClasses: [%s, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: %d, maxReplicas: 15}
  guardrails: {maxOperationsPerDay: 12}
`, policyName, clusterName, region, burstClass, initialReaders)

// newBurstSetup is the flash crowd as an input of the backtest.
func newBurstSetup(ctx context.Context, s settings) (backtest.Setup, error) {
	reader, err := manifest.NewReader()
	if err != nil {
		return backtest.Setup{}, err
	}
	text, err := yaml.YAMLToJSON([]byte(burstPolicy))
	if err != nil {
		return backtest.Setup{}, err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return backtest.Setup{}, err
	}
	object.SetNamespace(namespace)
	parsed, err := reader.ReadPolicy(ctx, object)
	if err != nil {
		return backtest.Setup{}, err
	}
	policy, err := convert.Policy(parsed)
	if err != nil {
		return backtest.Setup{}, err
	}
	load := &recording.Recording{Start: time.Date(2024, 11, 29, 19, 0, 0, 0, time.UTC), Interval: time.Minute}
	for n := range int(s.hours * 60) {
		load.Demand = append(load.Demand, crowdDemand(time.Duration(n)*time.Minute))
	}
	return backtest.Setup{
		Policy: policy, Recording: load, Pool: scaling.Readers, PerformanceInsights: !s.withoutInsights, Seed: s.seed,
		InitialShape: scaling.Shape{InstanceClass: burstClass, Count: initialReaders},
	}, nil
}

// crowdDemand is the load of the readers in vCPUs at a time since the start.
func crowdDemand(at time.Duration) float64 {
	since := at - crowdAfter
	share := max(0, min(1, since.Minutes()/crowdRise.Minutes(), (crowdLength-since).Minutes()/crowdRise.Minutes()))
	return calmVCPUs * (1 + (crowdFactor-1)*share)
}

// burstSummary is the result of one simulated run of the flash crowd.
type burstSummary struct {
	// overloadedMinutes are those in which an instance in service was at backtest.OverloadedPercent or more, or work was not served at once.
	overloadedMinutes, saturatedMinutes int
	peakPercent                         float64 // mean of a minute
	// timeToCapacity is the time from the start of the crowd until the readers in service could carry its demand below
	// backtest.OverloadedPercent, for the rest of the crowd. It is at least as long as the crowd if they never could.
	timeToCapacity time.Duration
	firstActionAt  time.Time
	firstAction    string
	maxReaders     int
	finalReaders   string
	vcpuHours      float64 // of the readers, each from the end of its creation until its deletion, as in the backtest
	restarts       int     // of instances in service, and failovers
}

// burstMeter measures a run of the flash crowd on the model, minute by minute.
type burstMeter struct {
	crowdStart time.Time
	nextMinute time.Time
	result     burstSummary
	// operationID and operationTo are those of the operation in progress that was seen last.
	operationID string
	operationTo v1alpha1.Shape
}

func newBurstMeter(start time.Time) *burstMeter {
	return &burstMeter{crowdStart: start.Add(crowdAfter), nextMinute: start}
}

// measure adds the minutes that have ended since the last call. The readers of each are those that exist now.
func (b *burstMeter) measure(w *model.World) {
	readers, vcpus := 0, 0.0
	w.ForEachInstance(region, clusterName, func(i *model.Instance, writer bool) {
		if truth, found := w.GroundTruth(region, i.Identifier); found && !writer && !i.CreatedAt.IsZero() {
			readers++
			vcpus += truth.VCPUs
		}
	})
	r := &b.result
	r.maxReaders, r.finalReaders = max(r.maxReaders, readers), describeReaders(w)
	for _, m := range w.MinutesSince(region, clusterName, b.nextMinute) {
		b.nextMinute = m.Time.Add(time.Minute)
		r.vcpuHours += vcpus / 60
		r.peakPercent = max(r.peakPercent, m.HottestReaderPercent)
		r.restarts += m.Disruptions
		if m.ReadersSaturated {
			r.saturatedMinutes++
		}
		if backtest.IsOverloaded(m) {
			r.overloadedMinutes++
		}
		since := b.nextMinute.Sub(b.crowdStart)
		if since > 0 && since <= crowdLength && m.ReaderDemandVCPUs >= backtest.OverloadedPercent/100.0*m.ReaderVCPUs {
			r.timeToCapacity = since
		}
	}
}

// recordOperation remembers the first operation as it started, and prints when an operation gets more readers.
func (b *burstMeter) recordOperation(out io.Writer, now time.Time, op *v1alpha1.OperationStatus) {
	if op == nil {
		return
	}
	if b.result.firstActionAt.IsZero() {
		b.result.firstActionAt, b.result.firstAction = op.StartTime.UTC(), formatShape(op.From)+" → "+formatShape(op.To)
	}
	if op.ID == b.operationID && formatShape(op.To) != formatShape(b.operationTo) {
		fmt.Fprintf(out, "%-6s   ▸ Operation %s raised: %s → %s. Cause: %s\n", now.Format("15:04"), op.ID, formatShape(b.operationTo),
			formatShape(op.To), op.Cause)
	}
	b.operationID, b.operationTo = op.ID, op.To
}

// simulateRival simulates Aurora Auto Scaling under the flash crowd, by the rule of the backtest.
func simulateRival(ctx context.Context, setup backtest.Setup) (burstSummary, error) {
	meter := newBurstMeter(setup.Recording.Start)
	run, err := backtest.RunBaseline(ctx, setup, rivalID, meter.measure)
	if err == nil && len(run.Events) > 0 {
		meter.result.firstActionAt = run.Events[0].Time
		meter.result.firstAction = strings.TrimSuffix(run.Events[0].Message, ", by its rule")
	}
	return meter.result, err
}

// runBurst simulates the flash crowd with Aurora Auto Scaling and with the operator, and prints the comparison. missedGoal says what the
// operator did not reach; it is empty if it reached the goal.
func runBurst(ctx context.Context, s settings, projectDir string) (missedGoal string, err error) {
	setup, err := newBurstSetup(ctx, s)
	if err != nil {
		return "", err
	}
	rival, err := simulateRival(ctx, setup)
	if err != nil {
		return "", err
	}
	scenario, err := setup.Scenario()
	if err != nil {
		return "", err
	}
	d := &demo{settings: s, projectDir: projectDir, duration: time.Duration(len(setup.Recording.Demand)) * time.Minute}
	d.progress = newProgressPrinter(os.Stdout, d.duration)
	d.progress.interval = crowdRise
	d.meter = newBurstMeter(setup.Recording.Start)
	if d.workDir, err = os.MkdirTemp("", "dbscaler-demo-"); err != nil {
		return "", err
	}
	defer d.stop()
	if err := d.setUp(ctx, scenario); err != nil {
		return "", err
	}
	if _, err := d.watch(ctx); err != nil {
		return "", errors.Join(err, fmt.Errorf("see the operator's log: %s", d.operator.log.Name()))
	}
	operator := d.meter.result
	printBurstComparison(os.Stdout, rival, operator)
	d.printAWSChanges()
	if s.keep {
		d.waitForInterrupt(ctx)
	}
	return judgeBurst(rival, operator), nil
}

// judgeBurst says what the operator did not reach: fewer overloaded minutes than Aurora Auto Scaling, and no restart.
func judgeBurst(rival, operator burstSummary) string {
	switch {
	case operator.overloadedMinutes >= rival.overloadedMinutes:
		return fmt.Sprintf("%d minutes were overloaded with dbscaler and %d with Aurora Auto Scaling, want fewer with dbscaler",
			operator.overloadedMinutes, rival.overloadedMinutes)
	case operator.restarts > 0:
		return fmt.Sprintf("dbscaler restarted instances in service or failed over %d times, want 0", operator.restarts)
	}
	return ""
}

// printBurstComparison prints the results of two runs side by side.
func printBurstComparison(out io.Writer, rival, operator burstSummary) {
	row := func(label string, format func(burstSummary) string) {
		fmt.Fprintf(out, "  %-35s %-40s %s\n", label, format(rival), format(operator))
	}
	fmt.Fprintln(out)
	fmt.Fprintf(out, "  %-35s %-40s %s\n", "", "Aurora Auto Scaling (simulated)", "with dbscaler (simulated)")
	row("overloaded minutes", func(s burstSummary) string { return fmt.Sprint(s.overloadedMinutes) })
	row("minutes with a saturated reader", func(s burstSummary) string { return fmt.Sprint(s.saturatedMinutes) })
	row("highest reader CPU", func(s burstSummary) string { return fmt.Sprintf("%.0f %%", s.peakPercent) })
	row("start of crowd to enough capacity", func(s burstSummary) string {
		if s.timeToCapacity >= crowdLength {
			return "not while the crowd lasted"
		}
		return formatMinutes(s.timeToCapacity)
	})
	row("first change", func(s burstSummary) string {
		return summary{firstActionAt: s.firstActionAt, firstAction: s.firstAction}.formatFirstAction()
	})
	row("readers at most", func(s burstSummary) string { return fmt.Sprint(s.maxReaders) })
	row("readers at the end", func(s burstSummary) string { return s.finalReaders })
	row("vCPU hours of the readers", func(s burstSummary) string { return fmt.Sprintf("%.1f", s.vcpuHours) })
	row("restarts of instances in service", func(s burstSummary) string { return fmt.Sprint(s.restarts) })
	fmt.Fprintf(out, "\n%s\n\n", burstNotes)
}

// burstNotes explains the table.
const burstNotes = `  Overloaded: an instance in service at 90 % CPU or more, or work that was not served at once.
  Both columns are measured on the same model under the same load. Aurora Auto Scaling is the rule of the backtest
  (target 60 %, three minutes, cooldowns of 300 s), played on the model without a control plane. In favor of it, its
  readers take 3 to 8 minutes to create, those of dbscaler 6 to 9.`
