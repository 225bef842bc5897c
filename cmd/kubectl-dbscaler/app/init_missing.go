package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/draft"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// missingItem is something that the operator lacks, or that would help it.
type missingItem struct {
	// text says what is missing, and advice what to do; commands do it.
	text, advice string
	commands     []string
	// isOptional says that the operator works without it.
	isOptional bool
}

// findMissing makes the checks of the doctor that need no Kubernetes cluster, and adds what only the first policy is about.
func (r *databaseReader) findMissing(ctx context.Context, policy scaling.Policy, in draft.Input) []missingItem {
	input := doctor.Input{Policy: policy, Now: r.now, Access: doctor.Access{RoleARN: r.target.Scope.RoleARN}}
	input.Policy.Target.Scope = r.target.Scope
	input.Policy.Target.Scope.Account = ""
	examiner := awsExaminer{client: r.client, assumeRole: true, operatorRole: r.operatorRole, withPrices: r.withPrices}
	examiner.examine(ctx, &input)
	var items []missingItem
	for _, f := range doctor.Diagnose(input) {
		// Performance Insights is below, with the name of each instance in the commands.
		if f.Status != doctor.OK && f.Check != "insights" {
			items = append(items, newMissingItem(f))
		}
	}
	return append(items, r.findMissingMetrics(in.Observation, input.Settings)...)
}

// newMissingItem converts a finding of the doctor. A command at its end is not wrapped, so that it can be copied.
func newMissingItem(f doctor.Finding) missingItem {
	item := missingItem{text: f.Message, advice: f.Action, isOptional: f.Status != doctor.Failed}
	if f.Subject != "" {
		item.text = f.Subject + ": " + f.Message
	}
	if f.Status == doctor.Unknown && !strings.HasPrefix(item.text, "not known") && !strings.Contains(item.text, "could not be ") {
		item.text += " (not known)"
	}
	if advice, command, found := strings.Cut(f.Action, ": aws "); found {
		item.advice, item.commands = advice+":", []string{"aws " + command}
	}
	return item
}

// findMissingMetrics says which instances publish no DBLoadCPU, and have no Enhanced Monitoring.
func (r *databaseReader) findMissingMetrics(o scaling.Observation, settings doctor.Settings) []missingItem {
	command := func(i scaling.Instance, flags string) string {
		return fmt.Sprintf("aws rds modify-db-instance --region %s --db-instance-identifier %s %s", r.target.Scope.Region, i.Identifier, flags)
	}
	insights := missingItem{
		isOptional: true, text: "Performance Insights is off, so that there is no DBLoadCPU: a saturated pool is doubled and measured again, " +
			"instead of sized at once",
		advice: "Enable it on each instance; that restarts nothing:",
	}
	monitoring := missingItem{
		isOptional: true, text: "Enhanced Monitoring is off. The operator does not need it; you need it to see the processes of an instance",
		advice: "Enable it if you want, with a role that monitoring.rds.amazonaws.com may assume; new readers get the same:",
	}
	for _, i := range o.Instances {
		if !o.Serverless && !settings.Insights[i.Identifier] && i.DBLoadCPU.IsEmpty() {
			insights.commands = append(insights.commands, command(i, "--enable-performance-insights"))
		}
		if !r.details.Monitored[i.Identifier] {
			monitoring.commands = append(monitoring.commands, command(i, "--monitoring-interval 60 --monitoring-role-arn ROLE"))
		}
	}
	if o.ResizedAsUnit && !o.Serverless { // a Multi-AZ DB cluster is changed as a whole (RDS API reference, ModifyDBCluster)
		for _, item := range []*missingItem{&insights, &monitoring} {
			if len(item.commands) > 0 {
				_, flags, _ := strings.Cut(item.commands[0], o.Instances[0].Identifier+" ")
				item.commands = []string{fmt.Sprintf("aws rds modify-db-cluster --region %s --db-cluster-identifier %s %s", r.target.Scope.Region,
					r.target.Identifier, flags)}
			}
		}
	}
	return slices.DeleteFunc([]missingItem{insights, monitoring}, func(item missingItem) bool { return len(item.commands) == 0 })
}

// writeMissingItems lists what is missing, then what would help.
func writeMissingItems(b *strings.Builder, items []missingItem) {
	if !slices.ContainsFunc(items, func(item missingItem) bool { return !item.isOptional }) {
		b.WriteString("\nNothing is missing that the operator needs.\n")
	}
	for _, optional := range []bool{false, true} {
		isFirst := true
		for _, item := range items {
			if item.isOptional != optional {
				continue
			}
			if isFirst && optional {
				b.WriteString("\nWould help, or is not known:\n")
			} else if isFirst {
				b.WriteString("\nMissing before the operator can scale the database:\n")
			}
			isFirst = false
			b.WriteString("- " + indentWrapped(item.text, "  ") + "\n")
			if item.advice != "" {
				b.WriteString("  → " + indentWrapped(item.advice, "    ") + "\n")
			}
			for _, command := range item.commands {
				b.WriteString("    " + command + "\n")
			}
		}
	}
}

// indentWrapped wraps a text to outputWidth. Further lines begin with the indentation, which the first line has already.
func indentWrapped(text, indent string) string {
	var b strings.Builder
	column := utf8.RuneCountInString(indent)
	for n, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case n == 0:
		case column+1+length > outputWidth:
			b.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}
