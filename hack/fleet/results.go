package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// results are the figures of one run.
type results struct {
	settings settings
	// applied is how long it took to apply all policies, and evaluated how long from the start of the operator until all healthy ones
	// had a decision.
	applied, evaluated  time.Duration
	startUp, leaderPeak usage
	peaks               map[string]usage
	steady              steadyFigures
	changed             []int
	changedAt           time.Time
	// reactions are sorted; withoutCall counts the changed clusters that the operator has not changed.
	reactions             []time.Duration
	withoutCall           int
	newLeader, recovered  time.Duration
	completed, inProgress int
	tooManyReaders        int
	// failedScrapes is how often metrics could not be read and were read again.
	failedScrapes int64
}

// row is a line of the table.
type row struct{ figure, value string }

// title names the fleet.
func (r *results) title() string {
	s := r.settings
	title := fmt.Sprintf("%d policies, %d AWS accounts", s.policies, s.scopes)
	if s.scopes == 1 {
		title = fmt.Sprintf("%d policies, 1 AWS account", s.policies)
	}
	if s.slow+s.denied > 0 {
		title += fmt.Sprintf(" (%d do not answer, %d deny access)", s.slow, s.denied)
	}
	if s.speed != 1 {
		title += fmt.Sprintf(", speed %g", s.speed)
	}
	if s.concurrency != defaultConcurrency {
		title += fmt.Sprintf(", concurrency %d", s.concurrency)
	}
	return title
}

// rows returns the table.
func (r *results) rows() []row {
	f, perMinute := r.steady, 1/r.steady.minutes
	rows := []row{
		{"machine", fmt.Sprintf("%d cores for all processes", runtime.NumCPU())},
		{"policies applied in", seconds(r.applied)},
		{"all evaluated after the start of the operator in", seconds(r.evaluated)},
		{"operator while it starts: CPU, peak memory", fmt.Sprintf("%.2f cores, %s", r.startUp.cores, mebibytes(r.startUp.maxBytes))},
		{"operator (leader): CPU", fmt.Sprintf("%.2f cores", f.usages[processLeader].cores)},
		{"operator (leader): memory, mean and peak of the run",
			fmt.Sprintf("%s, %s", mebibytes(f.usages[processLeader].meanBytes), mebibytes(r.leaderPeak.maxBytes))},
		{"operator (leader): memory that is the program itself", mebibytes(f.usages[processLeader].meanFileBytes)},
		{"operator (standby): CPU, memory", formatUsage(f.usages[processStandby])},
		{"simulated AWS: CPU, memory", formatUsage(f.usages[processAWS])},
		{"API server: CPU, memory", formatUsage(f.usages[processAPIServer])},
		{"etcd: CPU, memory", formatUsage(f.usages[processEtcd])},
		{"reconciles", fmt.Sprintf("%.1f a second", f.reconciles*perMinute/60*r.settings.speed)},
		{"time of a reconcile: p50, p99", formatQuantiles(f.reconcileTime, 0.5, 0.99)},
		{"wait in the queue once due: p50, p99", formatQuantiles(f.queued, 0.5, 0.99)},
		{"time between two evaluations of a policy that can be read: p50, p99", formatQuantiles(f.interval, 0.5, 0.99)},
		{"objects allocated for a reconcile", fmt.Sprintf("%.0f, of %.0f KiB", f.mallocs/f.reconciles, f.allocated/f.reconciles/1024)},
		{"API writes a minute, by all clients", formatRates(f.apiWrites, perMinute)},
		{"API lists a minute, by all clients", formatRates(f.apiLists, perMinute)},
	}
	if r.settings.slow+r.settings.denied > 0 {
		rows = append(rows, row{"the accounts that work notice the others", r.describeNotice()})
	}
	for _, operation := range slices.Sorted(maps.Keys(f.awsCalls)) {
		rows = append(rows, row{"AWS: " + operation, fmt.Sprintf("%.1f a minute", f.awsCalls[operation]*perMinute)})
	}
	rows = append(rows,
		row{"metrics requested from CloudWatch",
			fmt.Sprintf("%.0f a minute, which costs %.0f USD a month", f.metrics*perMinute, f.monthlyCost())},
		row{"load of clusters raised", fmt.Sprintf("%d; without a call: %d", len(r.changed), r.withoutCall)},
		row{"from the published sample to the RDS call: p50, p95", fmt.Sprintf("%s, %s",
			seconds(durationQuantile(r.reactions, 0.5)), seconds(durationQuantile(r.reactions, 0.95)))},
		row{"leader killed: the other replica leads after", seconds(r.newLeader)},
		row{"leader killed: every policy evaluated again after", seconds(r.recovered)},
		row{"operations of these clusters: completed, in progress", fmt.Sprintf("%d, %d", r.completed, r.inProgress)},
		row{"reads of metrics that failed and were repeated", strconv.FormatInt(r.failedScrapes, 10)},
		row{"clusters with more readers than the policy allows", fmt.Sprintf("%d of %d", r.tooManyReaders, r.settings.policies)},
	)
	return rows
}

// maxInterval is the time between two evaluations of a policy above which it has noticed accounts that do not work, in seconds: the
// interval that is planned for a quiet database, and a quarter. An account that does not answer delays whoever waits for it by minutes.
var maxInterval = 1.25 * decide.ReadQuiet.Seconds()

// isNoticed reports whether the policies of accounts that work have noticed those that do not: only those are evaluated, so that the figure
// is of them alone. Without any evaluation they have.
func (r *results) isNoticed() bool {
	return r.settings.slow+r.settings.denied > 0 && !(r.steady.interval.quantile(0.99) <= maxInterval)
}

func (r *results) describeNotice() string {
	text := "no"
	if r.isNoticed() {
		text = "YES"
	}
	return fmt.Sprintf("%s: 99 %% of their policies are evaluated within %.1f s; %.0f are planned, and %.0f allowed", text,
		r.steady.interval.quantile(0.99), decide.ReadQuiet.Seconds(), maxInterval)
}

// formatRates lists rates by name, the highest first.
func formatRates(values map[string]float64, perMinute float64) string {
	names := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b))
	})
	if len(names) == 0 {
		return "none"
	}
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.1f", name, values[name]*perMinute))
	}
	return strings.Join(parts, ", ")
}

// print prints the table as text.
func (r *results) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n\n", r.title())
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, line := range r.rows() {
		fmt.Fprintf(table, "%s\t%s\n", line.figure, line.value)
	}
	_ = table.Flush() // nothing can be done when the terminal is gone
}

// markdown returns the table as a section of a page.
func (r *results) markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "### %s\n\n| figure | value |\n| --- | --- |\n", r.title())
	for _, line := range r.rows() {
		fmt.Fprintf(&text, "| %s | %s |\n", line.figure, line.value)
	}
	return text.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }

func formatUsage(u usage) string {
	if u.maxBytes == 0 {
		return "not running"
	}
	return fmt.Sprintf("%.2f cores, %s", u.cores, mebibytes(u.meanBytes))
}

func formatQuantiles(h histogram, quantiles ...float64) string {
	var parts []string
	for _, q := range quantiles {
		switch v := h.quantile(q); {
		case math.IsNaN(v):
			parts = append(parts, "unknown")
		case v < 0.1:
			parts = append(parts, fmt.Sprintf("%.2f ms", 1000*v))
		default:
			parts = append(parts, fmt.Sprintf("%.1f s", v))
		}
	}
	return strings.Join(parts, ", ")
}
