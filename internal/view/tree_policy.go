package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// How many ended operations and events a tree shows unless it is wide.
const shownRecords, shownEvents = 3, 5

// stateStyles are the colours of the states.
var stateStyles = map[State]style{
	StateStalled: red, StateNotReady: red, StateLimited: yellow, StateBlocked: yellow, StatePaused: yellow, StateChanging: cyan,
	StatePending: cyan, StateNew: yellow, StateSteady: green,
}

// WriteTree writes the view of a policy as a tree.
func WriteTree(w io.Writer, p Policy, o Options) error {
	t := p.Target
	database := strings.TrimSpace(fmt.Sprintf("%s %s in %s", t.Kind, t.Identifier, t.Region))
	if t.Engine != "" {
		database += fmt.Sprintf(", %s %s", t.Engine, t.EngineVersion)
	}
	if t.CapacityRange != "" {
		database += ", " + t.CapacityRange
	}
	root := &node{head: p.Namespace + "/" + p.Name, style: bold, text: " " + database + ", " + p.Mode}
	root.add(stateStyles[p.State], string(p.State), " "+p.Summary)
	if p.Deleting {
		root.add(yellow, "deleted", " the operator removes what it created")
	}
	if p.StatusOutdated {
		root.add(yellow, "outdated", " the status describes an older version of the spec")
	}
	for n := range p.Pools {
		addPool(root, &p, &p.Pools[n], o)
	}
	addDecision(root, &p)
	addOperation(root, &p)
	addManual(root, &p)
	addProblems(root, &p, o)
	addForeseen(root, &p)
	addCost(root, &p)
	addHistory(root, &p, o)
	addEvents(root, &p, o)
	if !p.Measured {
		hint := "CPU and replica lag: add --metrics, which reads AWS with your credentials"
		if p.MeasurementError != "" {
			hint = "CPU and replica lag are not known: " + p.MeasurementError
		}
		root.note(hint)
	}
	return writeTree(w, root, o)
}

func addPool(root *node, p *Policy, pool *Pool, o Options) {
	text := orUnknown(pool.Shape)
	if pool.Shape != "" && pool.CapacityVCPUs != nil {
		text += fmt.Sprintf(", %.4g vCPU", *pool.CapacityVCPUs)
	}
	if pool.Shape != "" && pool.MaximumVCPUs != nil {
		text += fmt.Sprintf(" (at most %.4g)", *pool.MaximumVCPUs)
	}
	if !pool.Scaled {
		text += ", not scaled by this policy"
	}
	n := root.add(bold, poolNoun(pool.Name), text)
	if pool.Load != nil && pool.Load.UtilizationPercent == nil && p.Operation != nil && p.Operation.Pool == pool.Name {
		n.note("the load of the pool is known again when the operation has ended; that of each instance is below")
	} else {
		n.note(describeLoad(pool))
	}
	if o.Wide && pool.Endpoint != "" {
		n.note("endpoint " + pool.Endpoint)
	}
	widths := instanceWidths(pool.Instances, p.Target.Region)
	for k := range pool.Instances {
		addInstance(n, &pool.Instances[k], p.Target.Region, widths, o)
	}
}

// describeLoad is the load of a pool and its thresholds in a line.
func describeLoad(pool *Pool) string {
	var parts []string
	if l := pool.Load; l != nil && l.UtilizationPercent != nil {
		bound := ""
		if l.DemandIsLowerBound {
			bound = " or more"
		}
		parts = append(parts, fmt.Sprintf("%s %.0f%%, demand %.1f%s vCPU", bar(*l.UtilizationPercent), *l.UtilizationPercent, *l.DemandVCPUs,
			bound))
		if l.HeadroomMinutes != nil {
			parts = append(parts, fmt.Sprintf("full in %.0f min", *l.HeadroomMinutes))
		}
	} else if l != nil {
		parts = append(parts, "its load is not known: samples are missing or the pool has just changed")
	}
	if t := pool.Thresholds; t != nil {
		parts = append(parts, fmt.Sprintf("up at %d%%, down below %d%%, target %d%%", t.ScaleUpPercent, t.ScaleDownPercent, t.TargetPercent))
	}
	return strings.Join(parts, "; ")
}

// columnWidths are the widths of the columns of instances.
type columnWidths struct{ identifier, class, zone int }

func instanceWidths(instances []Instance, region string) columnWidths {
	var w columnWidths
	for _, i := range instances {
		w.identifier = max(w.identifier, columns(i.Identifier))
		w.class = max(w.class, columns(i.Class))
		w.zone = max(w.zone, columns(shortZone(i.Zone, region)))
	}
	return w
}

// shortZone is a zone without its region: "zone a".
func shortZone(zone, region string) string {
	if zone == "" {
		return ""
	}
	return "zone " + strings.TrimPrefix(zone, region)
}

func addInstance(pool *node, i *Instance, region string, w columnWidths, o Options) {
	s := green
	switch {
	case scaling.IsBroken(i.Status):
		s = red
	case !scaling.IsServing(i.Status):
		s = yellow
	}
	fields := []string{" " + pad("", w.identifier-columns(i.Identifier)) + pad(i.Class, w.class)}
	if w.zone > 0 {
		fields = append(fields, pad(shortZone(i.Zone, region), w.zone))
	}
	if i.PromotionTier != nil {
		fields = append(fields, fmt.Sprintf("tier %-2d", *i.PromotionTier))
	}
	if i.CPUPercent != nil { // with a space that does not break
		fields = append(fields, fmt.Sprintf("%3.0f%%\u00a0%s", *i.CPUPercent, bar(*i.CPUPercent)))
	}
	if i.LagSeconds != nil {
		fields = append(fields, "lag "+formatLag(*i.LagSeconds))
	}
	n := pool.add(s, i.Identifier, strings.TrimRight(strings.Join(fields, "  "), " "))
	var notes []string
	switch {
	case i.Surge:
		notes = append(notes, "surge reader of this operation")
	case i.CreatedByOperator && o.Wide:
		notes = append(notes, "created by dbscaler")
	}
	if i.PendingClass != "" {
		notes = append(notes, "changing to "+i.PendingClass)
	}
	if i.WaitsFor != "" {
		notes = append(notes, "waits for "+i.WaitsFor)
	}
	if o.Wide && i.Endpoint != "" {
		notes = append(notes, i.Endpoint)
	}
	n.note(strings.Join(notes, "; "))
}

func addDecision(root *node, p *Policy) {
	d := p.Decision
	if d == nil {
		root.add(bold, "decision", "none yet")
		return
	}
	text := fmt.Sprintf("%s, %s ago", d.Reason, formatAge(p.Time.Sub(d.Time)))
	if d.Desired != "" && p.Operation == nil {
		text += fmt.Sprintf(": %s %s → %s", poolNoun(d.Pool), d.From, d.Desired)
	}
	if d.Emergency {
		text += ", EMERGENCY"
	}
	n := root.add(bold, "decision", text)
	if d.Message != p.Summary && (p.Operation == nil || len(d.BlockedBy) == 0) {
		n.note(d.Message)
	}
	if d.Cause != "" {
		n.note("cause: " + d.Cause)
	}
	for k, block := range d.BlockedBy {
		text := block.Message
		if k > 0 || text == "" {
			text = "to lift: " + block.Remedy
		}
		n.add(yellow, "blocked by "+block.Guard, " "+text)
	}
	if d.Hash != "" {
		n.note("approval hash " + d.Hash)
	}
}

// stepMarks and stepStyles show the states of steps.
var (
	stepMarks  = map[StepState]string{StepDone: "✔", StepInProgress: "▶", StepWaiting: "○"}
	stepStyles = map[StepState]style{StepDone: green, StepInProgress: cyan, StepWaiting: dim}
)

func addOperation(root *node, p *Policy) {
	op := p.Operation
	if op == nil {
		return
	}
	text := fmt.Sprintf("%s %s: %s %s → %s, %s of usually at most %s", op.ID, op.Direction, poolNoun(op.Pool), op.From, op.To,
		formatAge(duration(op.ElapsedSeconds)), formatAge(duration(op.ExpectedSeconds)))
	s := bold
	if op.Overdue {
		s, text = yellow, text+", OVERDUE"
	}
	n := root.add(s, "operation", text)
	for _, step := range op.Steps {
		took := ""
		switch {
		case step.State == StepDone && step.ElapsedSeconds != nil:
			took = "  " + formatAge(duration(*step.ElapsedSeconds))
		case step.State == StepInProgress:
			took = fmt.Sprintf("  %s of at most %s", formatAge(duration(*step.ElapsedSeconds)), formatAge(duration(step.ExpectedSeconds)))
		case step.State == StepWaiting:
			took = "  at most " + formatAge(duration(step.ExpectedSeconds))
		}
		child := n.add(stepStyles[step.State], stepMarks[step.State], step.Text+took)
		if step.State == StepInProgress && step.Attempts > 1 {
			child.note(fmt.Sprintf("requested %d times", step.Attempts))
		}
		if step.State != StepDone && step.Answer != "" {
			child.note("AWS answered: " + step.Answer)
		}
	}
}

func addManual(root *node, p *Policy) {
	for _, m := range p.ManualControls {
		text := m.Text
		if !m.Until.IsZero() {
			text += fmt.Sprintf(", until %s (%s left)", formatTime(m.Until, p.Time), formatAge(m.Until.Sub(p.Time)))
		}
		root.add(yellow, strings.ToLower(m.Kind), " "+text+describeSetBy(m, p.Time))
	}
}

// describeSetBy says who set a control, why and when, as far as it is known: the user, otherwise the client.
func describeSetBy(m ManualControl, now time.Time) string {
	text := ""
	switch {
	case m.RequestedBy != "":
		text = "; set by " + scaling.Requester{User: m.RequestedBy, Reason: m.Reason}.String()
	case m.SetBy != "":
		text = "; set with " + m.SetBy
	}
	if text != "" && !m.SetTime.IsZero() {
		text += " at " + formatTime(m.SetTime, now)
	}
	return text
}

func addProblems(root *node, p *Policy, o Options) {
	shown := p.Problems
	if o.Wide {
		shown = p.Conditions
	} else if p.pause() != nil { // which the tree has above
		shown = slices.DeleteFunc(slices.Clone(shown), func(c Condition) bool { return c.Type == v1alpha1.ConditionPaused })
	}
	if len(shown) == 0 && len(p.Shortages) == 0 && len(p.Refusals) == 0 {
		return
	}
	n := root.add(bold, "conditions", "")
	for _, c := range shown {
		s := yellow
		if c.Type == "Stalled" || c.Type == "Ready" && c.Status != "True" {
			s = red
		}
		text := c.Reason
		if !c.Since.IsZero() {
			text += fmt.Sprintf(", since %s", formatAge(p.Time.Sub(c.Since)))
		}
		child := n.add(s, c.Type+" "+c.Status, " "+text)
		if c.Message != p.Summary && (p.Decision == nil || c.Message != p.Decision.Message) {
			child.note(c.Message)
		}
	}
	for _, s := range p.Shortages {
		n.add(yellow, "AWS lacks capacity", strings.TrimSpace(fmt.Sprintf("%s %s, until %s", s.Class, s.Zone, formatTime(s.Until, p.Time))))
	}
	for _, r := range p.Refusals {
		n.add(yellow, "AWS refused", fmt.Sprintf("%s %s %s, until %s: %s", r.Action, r.Instance, r.Class, formatTime(r.Until, p.Time), r.Message))
	}
}

func addForeseen(root *node, p *Policy) {
	if len(p.Foreseen) == 0 {
		return
	}
	n := root.add(bold, "foreseen", "")
	for _, f := range p.Foreseen {
		text := ""
		switch f.Source {
		case ForeseenTrend:
			text = fmt.Sprintf("by the trend, %.1f vCPU when a new size could be in service", *f.VCPUs)
		case ForeseenSeasonal:
			text = fmt.Sprintf("by earlier days, %.1f vCPU when a new size could be in service", *f.VCPUs)
		case ForeseenSchedule:
			when := "now"
			if !f.Open {
				when = fmt.Sprintf("at %s, in %s", formatTime(f.Start, p.Time), formatAge(f.Start.Sub(p.Time)))
			}
			text = fmt.Sprintf("schedule %s, %s: %s", f.Schedule, when, f.Minimum)
		}
		n.add(plain, poolNoun(f.Pool), text)
	}
}

func addCost(root *node, p *Policy) {
	c := p.Cost
	if c.HourlyUSD == nil {
		return
	}
	text := formatUSD(*c.HourlyUSD) + " per hour"
	before := *c.HourlyUSD
	if c.BeforeUSD != nil {
		before = *c.BeforeUSD
		if before != *c.HourlyUSD {
			text += fmt.Sprintf(" during the operation, %s before", formatUSD(before))
		}
	}
	if c.AfterUSD != nil && *c.AfterUSD != before {
		sign := "+"
		if *c.AfterUSD < before {
			sign = ""
		}
		text += fmt.Sprintf("; %s after the change (%s%s)", formatUSD(*c.AfterUSD), sign, formatUSD(*c.AfterUSD-before))
	}
	if c.BudgetUSD != nil {
		text += fmt.Sprintf("; budget %s", formatUSD(*c.BudgetUSD))
	}
	root.add(bold, "cost", text)
}

func addHistory(root *node, p *Policy, o Options) {
	records := p.History
	if len(records) == 0 {
		return
	}
	n := root.add(bold, "last operations", "")
	if !o.Wide {
		records = records[:min(len(records), shownRecords)]
	}
	for _, r := range records {
		s := green
		if r.Outcome != "Succeeded" {
			s = red
		}
		text := fmt.Sprintf("%s ago, %s: %s %s → %s", formatAge(p.Time.Sub(r.CompletionTime)), formatAge(duration(r.DurationSeconds)),
			poolNoun(r.Pool), r.From, r.To)
		if r.BeforePercent != nil && r.AfterPercent != nil {
			text += fmt.Sprintf(", CPU %d%% → %d%%", *r.BeforePercent, *r.AfterPercent)
		}
		child := n.add(s, r.Outcome, text)
		child.note(strings.TrimSpace(strings.TrimPrefix(r.Reason+": "+r.Message, ": ")))
	}
}

func addEvents(root *node, p *Policy, o Options) {
	if p.EventsUnknown != "" {
		root.add(bold, "events", "not known: "+p.EventsUnknown)
		return
	}
	if len(p.Events) == 0 {
		return
	}
	n := root.add(bold, "events", "")
	shown := p.Events
	if !o.Wide {
		shown = shown[:min(len(shown), shownEvents)]
	}
	for _, e := range shown {
		s := plain
		if e.Warning {
			s = yellow
		}
		n.add(s, e.Reason, fmt.Sprintf("%s ago: %s", formatAge(p.Time.Sub(e.Time).Truncate(time.Second)), shorten(e.Note, o)))
	}
}

// shorten cuts a note of an event to about two lines, unless the tree is wide.
func shorten(note string, o Options) string {
	const limit = 150
	if o.Wide || columns(note) <= limit {
		return note
	}
	return string([]rune(note)[:limit-1]) + "…"
}

func orUnknown(text string) string {
	if text == "" {
		return "not observed"
	}
	return text
}
