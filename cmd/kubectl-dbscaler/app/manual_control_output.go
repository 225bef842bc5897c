package app

import (
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// outputWidth is the maximum width of the output; only commands to copy may be longer.
const outputWidth = 80

// print prints what was done to a policy, or the policy.
func (m *manualControl) print(policy *v1alpha1.DBScalingPolicy, change controlChange, user string) error {
	if m.outputFormat != "" {
		var b strings.Builder
		writeWarnings(&b, change.warnings)
		fmt.Fprintf(m.streams.ErrOut, "%s", b.String())
		return printObject(m.streams.Out, policy, m.outputFormat)
	}
	var b strings.Builder
	name := policy.Namespace + "/" + policy.Name
	switch {
	case change.unchanged != "":
		writeWrapped(&b, "", fmt.Sprintf("%s %s. Nothing was changed.", name, change.unchanged))
	case m.dryRun == dryRunNone:
		writeWrapped(&b, "", fmt.Sprintf("%s is %s.", name, change.done))
	default:
		writeWrapped(&b, "", fmt.Sprintf("%s would be %s (dry run by the %s). Nothing was changed.", name, change.done, m.dryRun))
	}
	details := change.details
	if change.unchanged == "" {
		details = append(details[:len(details):len(details)], detail{label: "By", text: user}, detail{label: "Reason", text: m.reason})
	}
	for _, d := range details {
		if d.text != "" && !d.isCommand {
			writeDetail(&b, d)
		}
	}
	for _, d := range details {
		if d.isCommand {
			writeDetail(&b, d)
		}
	}
	writeWarnings(&b, change.warnings)
	_, err := io.WriteString(m.streams.Out, b.String())
	return err
}

func writeWarnings(b *strings.Builder, warnings []string) {
	const label = "Warning: "
	for _, warning := range warnings {
		b.WriteString(label)
		writeWrapped(b, strings.Repeat(" ", len(label)), warning)
	}
}

// labelWidth is the width of the label of a detail, with the indentation.
const labelWidth = 12

func writeDetail(b *strings.Builder, d detail) {
	fmt.Fprintf(b, "  %-*s", labelWidth-2, d.label+":")
	if d.isCommand {
		b.WriteString(d.text + "\n")
		return
	}
	writeWrapped(b, strings.Repeat(" ", labelWidth), d.text)
}

// writeWrapped writes a text whose first line begins at the width of the indentation, and breaks it between words.
func writeWrapped(b *strings.Builder, indent, text string) {
	width := len(indent)
	for n, word := range strings.Fields(text) {
		length := len([]rune(word))
		switch {
		case n == 0:
		case width+1+length > outputWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += length
	}
	b.WriteString("\n")
}

// printObject prints a policy as kubectl get does.
func printObject(w io.Writer, policy *v1alpha1.DBScalingPolicy, format string) error {
	object := policy.DeepCopy()
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("DBScalingPolicy"))
	object.SetManagedFields(nil)
	var printer printers.ResourcePrinter = &printers.NamePrinter{}
	switch format {
	case outputYAML:
		printer = &printers.YAMLPrinter{}
	case outputJSON:
		printer = &printers.JSONPrinter{}
	}
	return printer.PrintObj(object, w)
}

// formatEnd says when something ends: in the time zone of the user, in UTC, and in how long.
func formatEnd(end, now time.Time) string {
	const layout = "Mon 2 Jan 2006 15:04 MST"
	local, utc := end.In(now.Location()).Format(layout), end.UTC().Format(time.RFC3339)
	return fmt.Sprintf("%s, which is %s, in %s", local, utc, duration.HumanDuration(end.Sub(now)))
}
