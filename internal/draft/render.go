package draft

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// lineWidth is the maximum width of a comment in characters, unless a word is longer.
const lineWidth = 80

// document collects the lines of a manifest.
type document struct{ strings.Builder }

// line writes a line.
func (d *document) line(indent int, format string, args ...any) {
	d.WriteString(strings.Repeat(" ", indent) + fmt.Sprintf(format, args...) + "\n")
}

// comment writes sentences as a comment.
func (d *document) comment(indent int, sentences ...string) {
	prefix := strings.Repeat(" ", indent) + "#"
	column := 0
	for _, word := range strings.Fields(strings.Join(sentences, " ")) {
		length := utf8.RuneCountInString(word)
		if column == 0 || column+1+length > lineWidth {
			if column > 0 {
				d.WriteString("\n")
			}
			d.WriteString(prefix)
			column = len(prefix)
		}
		d.WriteString(" " + word)
		column += 1 + length
	}
	if column > 0 {
		d.WriteString("\n")
	}
}

// Manifest returns the policy as YAML with comments. Check must have returned nil.
func Manifest(in Input) string {
	d := &document{}
	d.writeHeader(in)
	d.line(0, "apiVersion: scaling.dbscaler.io/v1alpha1")
	d.line(0, "kind: DBScalingPolicy")
	d.line(0, "metadata:")
	d.line(2, "name: %s", quoteIfNeeded(in.Name))
	d.line(2, "namespace: %s", quoteIfNeeded(in.Namespace))
	d.line(0, "spec:")
	d.line(2, "targetRef:")
	d.line(4, "kind: %s", in.Target.Kind)
	d.line(4, "identifier: %s", quoteIfNeeded(in.Target.Identifier))
	d.line(4, "region: %s", in.Target.Scope.Region)
	if account := in.Target.Scope.Account; account != "" {
		d.comment(4, "The AWSAccount must select this namespace and allow the region.")
		d.line(4, "accountRef:")
		d.line(6, "name: %s", quoteIfNeeded(account))
	}
	if in.Target.Scope.RoleARN != "" && in.Target.Scope.Account == "" {
		d.comment(4, fmt.Sprintf("Read with the role %s. Unless the operator has this role itself, add accountRef with the name of an "+
			"AWSAccount that has it.", in.Target.Scope.RoleARN))
	}
	d.comment(2, "Recommend reports decisions in status and changes nothing. Read them for some days before you set Approve or Enforce.")
	d.line(2, "mode: Recommend")
	var pools []pooledLadder
	switch {
	case in.Observation.Serverless:
		d.writeCapacities(newCapacities(in))
	default:
		pools = d.writePools(in)
	}
	d.writeThresholds(in.Thresholds)
	d.writeGuardrails(in, pools)
	d.writeWindows(in)
	return d.String()
}

func (d *document) writeHeader(in Input) {
	o := in.Observation
	d.comment(0, fmt.Sprintf("Drafted by kubectl dbscaler init at %s for %s %s in %s: %s %s, %s.", formatTime(in.Now), in.Target.Kind,
		in.Target.Identifier, in.Target.Scope.Region, o.Engine, o.EngineVersion, describeShape(o)),
		"Each comment says why a value is what it is. Correct what you know better, and commit the file.")
	d.line(0, "#")
	whose := "the writer"
	switch {
	case o.ResizedAsUnit:
		whose = "the busiest instance"
	case o.Kind == scaling.DBInstance:
		whose = "the instance"
	}
	d.comment(0, in.Writer.describe(whose))
	if in.hasReaders() {
		d.comment(0, in.Readers.describe("all readers together"))
	}
	if in.Writer.Unknown == "" || in.hasReaders() && in.Readers.Unknown == "" {
		d.comment(0, "Percentages of CPUUtilization were converted with the class that each instance has now.")
	}
	d.line(0, "#")
	d.comment(0, describeConsent(in))
	if o.GlobalCluster != "" {
		d.comment(0, fmt.Sprintf("The cluster is the primary of the global database %s: its secondaries keep their classes.", o.GlobalCluster))
	}
}

// describeShape says which instances the database has.
func describeShape(o scaling.Observation) string {
	switch {
	case o.Serverless:
		return fmt.Sprintf("Aurora Serverless v2, %d instances", len(o.Instances))
	case o.ResizedAsUnit:
		return fmt.Sprintf("a Multi-AZ DB cluster of %d × %s", len(o.Instances), o.Instances[0].Class)
	}
	text := "writer " + o.Shape(scaling.Writer).String()
	if o.Kind == scaling.DBInstance {
		text = "a Single-AZ " + o.Instances[0].Class
		if o.MultiAZ {
			text = "a Multi-AZ " + o.Instances[0].Class
		}
	}
	if readers := o.Shape(scaling.Readers); readers.Count > 0 {
		text += ", readers " + readers.String()
	}
	return text
}

// describeConsent says which resources lack the opt-in tag.
func describeConsent(in Input) string {
	policy := scaling.Policy{Namespace: in.Namespace}
	var missing []string
	o := in.Observation
	if !policy.IsOptedIn(o.Tags) {
		missing = append(missing, in.Target.Identifier)
	}
	for _, i := range o.Instances {
		if i.ARN != o.ARN && !i.CreatedByOperator() && !policy.IsOptedIn(i.Tags) {
			missing = append(missing, i.Identifier)
		}
	}
	tag := scaling.TagOptIn + "=" + in.Namespace
	if len(missing) == 0 {
		return "The AWS tag " + scaling.TagOptIn + " on the database and on each instance lets policies of this namespace change them."
	}
	return fmt.Sprintf("The AWS tag %s is missing on %s: until its owner sets it, the operator shows and changes nothing there.", tag,
		strings.Join(missing, ", "))
}

// pooledLadder is the ladder of a pool, and the largest number of instances.
type pooledLadder struct {
	ladder
	maxCount int
}

// writePools writes the limits of the writer and the readers, and returns them.
func (d *document) writePools(in Input) []pooledLadder {
	var pools []pooledLadder
	if in.hasReaders() {
		l, counts := newLadder(in, scaling.Readers, in.Readers), newReaderCounts(in)
		pools = append(pools, pooledLadder{l, counts.highest})
		d.line(2, "readers:")
		d.writeLadder(in, l)
		d.comment(4, counts.reasons...)
		d.line(4, "minReplicas: %d", counts.lowest)
		d.line(4, "maxReplicas: %d", counts.highest)
	} else {
		d.comment(2, explainNoReaders(in))
	}
	l := newLadder(in, scaling.Writer, in.Writer)
	count := 1
	if in.Observation.ResizedAsUnit {
		count = len(in.Observation.Instances)
		d.comment(2, "The class of all members of the Multi-AZ DB cluster, which only changes for all of them.")
	}
	pools = append(pools, pooledLadder{l, count})
	d.line(2, "writer:")
	d.writeLadder(in, l)
	return pools
}

func (d *document) writeLadder(in Input, l ladder) {
	if in.Observation.Orderable != nil {
		d.comment(4, append([]string{fmt.Sprintf("Classes of today's family that AWS offers for %s %s in %s.", in.Observation.Engine,
			in.Observation.EngineVersion, in.Target.Scope.Region)}, l.reasons...)...)
	} else {
		d.comment(4, l.reasons...)
	}
	d.line(4, "instanceClasses:")
	for _, class := range l.classes {
		text := fmt.Sprintf("- %s # %s vCPU, %s GiB", class.Name, formatNumber(class.VCPUFor(in.Observation.Engine)),
			formatNumber(float64(class.MemoryBytes)/(1<<30)))
		if slices.Contains(l.present, class.Name) {
			text += ", today's class"
		}
		d.line(4, "%s", text)
	}
}

// formatNumber writes a number without needless decimals.
func formatNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (d *document) writeCapacities(c capacities) {
	d.comment(2, c.reasons...)
	d.line(2, "serverless:")
	d.line(4, "maxCapacity: {min: %s, max: %s}", quoteCapacity(c.maximum.Lowest), quoteCapacity(c.maximum.Highest))
	if c.minimum != nil {
		d.line(4, "minCapacity: {min: %s, max: %s}", quoteCapacity(c.minimum.Lowest), quoteCapacity(c.minimum.Highest))
	}
}

// quoteCapacity writes a capacity; the API wants a fraction as a string.
func quoteCapacity(acus float64) string {
	if text := formatACUs(acus); !strings.Contains(text, ".") {
		return text
	}
	return strconv.Quote(formatACUs(acus))
}

func (d *document) writeThresholds(t Thresholds) {
	d.comment(2, t.Reasons...)
	d.line(2, "cpu:")
	d.line(4, "targetPercent: %d # a new shape is sized for it", t.CPU.Target)
	d.line(4, "scaleUpPercent: %d # at or above it a pool is too small", t.CPU.ScaleUp)
	d.line(4, "scaleDownPercent: %d # below it a pool is too large", t.CPU.ScaleDown)
	if !t.IsFitted {
		return
	}
	d.comment(2, "The windows are of the same search.")
	d.line(2, "behavior:")
	d.line(4, "scaleUp: {windowSeconds: %d}", t.ScaleUpWindow/time.Second)
	d.line(4, "scaleDown: {windowSeconds: %d, classWindowSeconds: %d}", t.ScaleDownWindow/time.Second, t.ClassWindow/time.Second)
}

// writeGuardrails writes the cost limit where prices are known, or how to set it.
func (d *document) writeGuardrails(in Input, pools []pooledLadder) {
	total, known := scaling.Money(0), len(pools) > 0
	for _, pool := range pools {
		highest := scaling.Money(0)
		for _, name := range pool.names() {
			price, priced := in.Observation.Prices[name]
			known, highest = known && priced, max(highest, price)
		}
		total += scaling.Money(pool.maxCount) * highest
	}
	if !known {
		d.comment(2, "No limit of the cost: guardrails.maxHourlyCostUSD sets one. Prices were not read, or not of every class",
			"(--pricing-region).")
		return
	}
	d.comment(2, "maxHourlyCostUSD: the price of the largest shapes that the lists above allow. Lower it to your budget; the operator then "+
		"does not scale up beyond it, nor while a price is not known.")
	d.line(2, "guardrails:")
	d.line(4, "maxHourlyCostUSD: %q", strings.TrimPrefix(total.String(), "$"))
}

// writeWindows writes when the writer may be interrupted.
func (d *document) writeWindows(in Input) {
	if in.Observation.Serverless {
		d.comment(2, "No disruptionWindows: a change of the capacity interrupts nothing.")
		return
	}
	w, ok := parseMaintenanceWindow(in.MaintenanceWindow)
	if !ok {
		d.comment(2, "No disruptionWindows: the maintenance window of the database is not known. Without windows the writer may be interrupted "+
			"at any time: set one before you set Enforce.")
		return
	}
	d.comment(2, fmt.Sprintf("When the writer may be interrupted: the maintenance window of the database, %s in UTC. A change of the writer "+
		"waits for it, at most a week; add windows if that is too long. Changes of readers do not wait.", in.MaintenanceWindow))
	d.line(2, "disruptionWindows:")
	d.line(2, "- schedule: %q", w.schedule)
	d.line(4, "durationSeconds: %d", w.seconds)
	d.line(4, "timeZone: UTC")
}

// quoteIfNeeded quotes a name that YAML would read as a number, a boolean or null.
func quoteIfNeeded(name string) string {
	_, err := strconv.ParseFloat(name, 64)
	isWord := slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}, name)
	if err == nil || isWord || name == "" {
		return strconv.Quote(name)
	}
	return name
}
