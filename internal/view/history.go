package view

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// History is what happened to a database: the operations of its policy, from the status, the events and the ledger, as far as they are
// known.
type History struct {
	// Policy is the namespace/name.
	Policy string    `json:"policy"`
	Time   time.Time `json:"time"`
	// Since is the beginning of the time that was asked for.
	Since time.Time `json:"since"`
	// Operations started since then, the newest last.
	Operations []PastOperation `json:"operations"`
	Totals     HistoryTotals   `json:"totals"`
	// Unknown says what these sources cannot tell, and where it is.
	Unknown []string `json:"unknown,omitempty"`
}

// The outcomes of an operation besides Succeeded and Failed.
const (
	OutcomeSucceeded  = "Succeeded"
	OutcomeFailed     = "Failed"
	OutcomeInProgress = "InProgress"
	// OutcomeUnknown: a source has the start, and none has the end.
	OutcomeUnknown = "Unknown"
)

// PastOperation is an operation that has started.
type PastOperation struct {
	ID        string `json:"id,omitempty"`
	Pool      string `json:"pool"`
	Direction string `json:"direction,omitempty"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
	// StartTime and EndTime are absent when no source has them.
	StartTime time.Time `json:"startTime,omitzero"`
	EndTime   time.Time `json:"endTime,omitzero"`
	// DurationSeconds is the time from the start to the end, or until now.
	DurationSeconds *int64 `json:"durationSeconds,omitempty"`
	// Outcome is Succeeded, Failed, InProgress or Unknown; Reason and Message say why it failed.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Cause says in a sentence why it was started.
	Cause string `json:"cause,omitempty"`
	// RequestedBy is who requested or approved it, and why; absent when the operator decided alone, or when it is not known.
	RequestedBy string `json:"requestedBy,omitempty"`
	// BeforePercent and AfterPercent are the utilizations of the pool.
	BeforePercent *int `json:"beforePercent,omitempty"`
	AfterPercent  *int `json:"afterPercent,omitempty"`
	// CostChangeUSD is by how much the price per hour changed; absent while a price is not known, and 0 if the operation failed.
	CostChangeUSD *float64 `json:"costChangeUSD,omitempty"`
	// Sources are where it is from: status, events, ledger.
	Sources []string `json:"sources"`

	// from and to are the shapes, as far as they are known.
	from, to scaling.Shape
}

// HistoryTotals are the sums of the operations.
type HistoryTotals struct {
	Operations int `json:"operations"`
	ScaleUps   int `json:"scaleUps"`
	ScaleDowns int `json:"scaleDowns"`
	Cleanups   int `json:"cleanups"`
	Failed     int `json:"failed"`
	InProgress int `json:"inProgress"`
	// CostChangeUSD is the sum of the changes of the price per hour; absent while one of them is not known.
	CostChangeUSD *float64 `json:"costChangeUSD,omitempty"`
	// SaturatedMinutes are the minutes in which an instance was saturated, of the KnownMinutes whose samples the ledger has; absent without a
	// ledger, and when it has none.
	SaturatedMinutes *int `json:"saturatedMinutes,omitempty"`
	KnownMinutes     *int `json:"knownMinutes,omitempty"`
}

// HistoryInput is everything that a history is made of.
type HistoryInput struct {
	Input
	// Since is the beginning of the history.
	Since time.Time
	// Ledger is what a ledger file has about the policy; nil without one.
	Ledger *LedgerHistory
}

// The sources of an operation.
const sourceStatus, sourceEvents, sourceLedger = "status", "events", "ledger"

// historian makes a history.
type historian struct {
	HistoryInput
	policy     scaling.Policy
	prices     map[string]scaling.Money
	operations []PastOperation
}

// NewHistory makes the history of a policy.
func NewHistory(in HistoryInput) History {
	h := historian{HistoryInput: in}
	h.policy, _ = convert.Policy(in.Object) // for the prices; what is invalid lacks them
	h.prices = (&builder{Input: in.Input, status: &in.Object.Status}).prices()
	h.addStatus()
	if in.Ledger != nil {
		h.addLedger()
	}
	for _, e := range sortedByTime(in.Events) {
		h.addEvent(e)
	}
	out := History{
		Policy: in.Object.Namespace + "/" + in.Object.Name, Time: in.Now.UTC(), Since: in.Since.UTC(), Operations: []PastOperation{},
	}
	for n := range h.operations {
		op := &h.operations[n]
		if latest := cmp.Or(op.EndTime, op.StartTime); latest.Before(in.Since) && op.Outcome != OutcomeInProgress {
			continue
		}
		h.complete(op)
		out.Operations = append(out.Operations, *op)
	}
	slices.SortStableFunc(out.Operations, func(a, b PastOperation) int {
		return cmp.Or(a.begin().Compare(b.begin()), cmp.Compare(a.ID, b.ID))
	})
	out.Totals = h.totals(out.Operations)
	out.Unknown = h.unknown(out.Operations)
	return out
}

// begin is the start, or the end if the start is not known.
func (op *PastOperation) begin() time.Time {
	if op.StartTime.IsZero() {
		return op.EndTime
	}
	return op.StartTime
}

// addStatus adds the ended operations and the one in progress.
func (h *historian) addStatus() {
	for _, r := range h.Object.Status.History {
		op := PastOperation{
			ID: r.ID, Pool: string(r.Pool), Direction: string(r.Direction), StartTime: r.StartTime.UTC(), EndTime: r.CompletionTime.UTC(),
			Outcome: string(r.Outcome), Reason: r.Reason, Message: r.Message, Sources: []string{sourceStatus},
			from: statusShape(&r.From), to: statusShape(&r.To),
		}
		if r.UtilizationBeforePercent != nil {
			op.BeforePercent = ptr.To(int(*r.UtilizationBeforePercent))
		}
		if r.UtilizationAfterPercent != nil {
			op.AfterPercent = ptr.To(int(*r.UtilizationAfterPercent))
		}
		h.operations = append(h.operations, op)
	}
	if op := convert.Operation(h.Object.Status.Operation); op != nil {
		h.operations = append(h.operations, PastOperation{
			ID: op.ID, Pool: string(op.Pool), Direction: string(op.Direction), StartTime: op.StartedAt.UTC(), Outcome: OutcomeInProgress,
			Cause: op.Cause, BeforePercent: ptr.To(op.UtilizationPercent), Sources: []string{sourceStatus}, from: op.From, to: op.To,
		})
	}
}

// addLedger adds the operations that the decisions of a ledger started, and how they ended.
func (h *historian) addLedger() {
	for _, started := range h.Ledger.operations {
		op := h.find(started.ID, started.Pool, started.StartTime)
		if op == nil {
			h.operations = append(h.operations, started)
			continue
		}
		op.Sources = append(op.Sources, sourceLedger)
		op.ID, op.Cause = cmp.Or(op.ID, started.ID), cmp.Or(op.Cause, started.Cause)
		op.RequestedBy = cmp.Or(op.RequestedBy, started.RequestedBy)
	}
	for class, price := range h.Ledger.prices {
		if _, known := h.prices[class]; !known {
			h.prices[class] = price
		}
	}
}

// find returns an operation by its ID, or by its pool and start; nil when it is not there.
func (h *historian) find(id, pool string, start time.Time) *PastOperation {
	for n := range h.operations {
		op := &h.operations[n]
		if id != "" && op.ID == id {
			return op
		}
		sameStart := !start.IsZero() && op.StartTime.Truncate(time.Second).Equal(start.Truncate(time.Second))
		if (id == "" || op.ID == "") && op.Pool == pool && sameStart {
			return op
		}
	}
	return nil
}

// The notes of the events about operations, as the operator writes them (controllers/decide.go and operate.go).
var (
	startedNote = regexp.MustCompile(
		`^(\w+): (\S.*?) → (\S.*?) \(operation ([0-9a-f]+), \d+ steps\)(?:, (?:requested|approved) by (.*?))?\. (.*)$`)
	succeededNote = regexp.MustCompile(`^(\w+): (\S.*?) → (\S.*?) \(operation ([0-9a-f]+), [^)]*\)$`)
	failedNote    = regexp.MustCompile(`^Operation ([0-9a-f]+) failed: (.*)$`)
)

// addEvent adds what an event says about an operation.
func (h *historian) addEvent(e Event) {
	note := oneLine(e.Note)
	switch e.Reason {
	case "OperationStarted":
		if m := startedNote.FindStringSubmatch(note); m != nil {
			op := h.fromEvent(m[4], m[1], m[2], m[3])
			if op.StartTime.IsZero() {
				op.StartTime = e.Time
			}
			op.RequestedBy, op.Cause = cmp.Or(op.RequestedBy, m[5]), cmp.Or(op.Cause, m[6])
		}
	case "OperationSucceeded":
		if m := succeededNote.FindStringSubmatch(note); m != nil {
			h.fromEvent(m[4], m[1], m[2], m[3]).end(e.Time, OutcomeSucceeded, "")
		}
	case "OperationFailed":
		if m := failedNote.FindStringSubmatch(note); m != nil {
			h.fromEvent(m[1], "", "", "").end(e.Time, OutcomeFailed, m[2])
		}
	}
}

// fromEvent returns the operation of an ID, which is new if only events tell of it.
func (h *historian) fromEvent(id, pool, from, to string) *PastOperation {
	op := h.find(id, pool, time.Time{})
	if op == nil {
		h.operations = append(h.operations, PastOperation{ID: id, Pool: pool, From: from, To: to, Outcome: OutcomeUnknown})
		op = &h.operations[len(h.operations)-1]
		op.from, _ = convert.ParseShape(from)
		op.to, _ = convert.ParseShape(to)
	}
	if !slices.Contains(op.Sources, sourceEvents) {
		op.Sources = append(op.Sources, sourceEvents)
	}
	return op
}

// end sets how an operation ended, unless that is known.
func (op *PastOperation) end(at time.Time, outcome, message string) {
	if op.Outcome != OutcomeUnknown {
		return
	}
	op.EndTime, op.Outcome, op.Message = at, outcome, message
}

// complete sets what follows from the rest.
func (h *historian) complete(op *PastOperation) {
	if op.to.Count > 0 || op.to.InstanceClass != "" {
		op.From, op.To = op.from.String(), op.to.String()
	}
	switch {
	case op.StartTime.IsZero():
	case !op.EndTime.IsZero():
		op.DurationSeconds = ptr.To(seconds(op.EndTime.Sub(op.StartTime)))
	case op.Outcome == OutcomeInProgress:
		op.DurationSeconds = ptr.To(seconds(h.Now.Sub(op.StartTime)))
	}
	if op.Direction == "" && op.to.InstanceClass != "" {
		o := scaling.Observation{Engine: h.engine()}
		op.Direction = string((&planner{observation: o}).direction(scaling.Pool(op.Pool), op.from, op.to))
	}
	op.CostChangeUSD = h.costChange(op)
}

func (h *historian) engine() string {
	if h.Object.Status.Target == nil {
		return ""
	}
	return h.Object.Status.Target.Engine
}

// costChange is by how much the price of the pool per hour changed; nil when it is not known.
func (h *historian) costChange(op *PastOperation) *float64 {
	switch {
	case op.Outcome == OutcomeFailed || op.Outcome == OutcomeInProgress:
		return ptr.To(0.0)
	case op.Direction == string(scaling.Cleanup) || op.Pool == string(scaling.MinCapacity):
		return ptr.To(0.0) // a surge reader is no change of the shape, and the minimum no price
	case op.Outcome == OutcomeUnknown:
		return nil
	}
	o := scaling.Observation{Prices: h.prices}
	price := func(s scaling.Shape) (scaling.Money, bool) {
		one, known := scaling.ClassPrice(&h.policy, &o, s.InstanceClass)
		return scaling.Money(s.Count) * one, known || s.Count == 0 && s.InstanceClass == ""
	}
	before, knownBefore := price(op.from)
	after, knownAfter := price(op.to)
	if !knownBefore || !knownAfter {
		return nil
	}
	return dollars(after - before)
}

func (h *historian) totals(operations []PastOperation) HistoryTotals {
	t := HistoryTotals{Operations: len(operations)}
	sum, known := 0.0, true
	for n := range operations {
		op := &operations[n]
		switch scaling.Direction(op.Direction) {
		case scaling.Up:
			t.ScaleUps++
		case scaling.Down:
			t.ScaleDowns++
		case scaling.Cleanup:
			t.Cleanups++
		}
		switch op.Outcome {
		case OutcomeFailed:
			t.Failed++
		case OutcomeInProgress:
			t.InProgress++
		}
		if op.CostChangeUSD == nil {
			known = false
		} else {
			sum += *op.CostChangeUSD
		}
	}
	if known {
		t.CostChangeUSD = &sum
	}
	if h.Ledger != nil {
		if saturated, minutes := h.Ledger.saturation(h.Since); minutes > 0 {
			t.SaturatedMinutes, t.KnownMinutes = &saturated, &minutes
		}
	}
	return t
}

// unknown says what these sources cannot tell.
func (h *historian) unknown(operations []PastOperation) []string {
	var out []string
	const statusRetention = 24 * time.Hour
	if h.Ledger == nil && h.Since.Before(h.Now.Add(-statusRetention)) {
		out = append(out, "Operations that ended more than 24 h ago: the status keeps only the last three of each kind: add --ledger with a "+
			"file that the operator wrote with --ledger-file")
	}
	if h.Ledger != nil {
		out = append(out, h.Ledger.unknown(h.Since)...)
	}
	if h.EventsUnknown != "" {
		out = append(out, "Events: "+h.EventsUnknown)
	}
	if slices.ContainsFunc(operations, func(op PastOperation) bool { return op.Cause == "" }) {
		text := "Why some operations started, and who asked: that is in events, which the API server keeps for an hour unless it is set otherwise"
		if h.Ledger == nil {
			text += ", and in the ledger: add --ledger"
		}
		out = append(out, text)
	}
	if slices.ContainsFunc(operations, func(op PastOperation) bool { return op.CostChangeUSD == nil }) {
		out = append(out, "The change of the price: some prices or outcomes are not known. Prices in spec.prices are used")
	}
	switch {
	case h.Ledger == nil:
		out = append(out, "The minutes in which an instance was saturated: only the samples of a ledger have them")
	case len(h.Ledger.minutes) == 0:
		out = append(out, "The minutes in which an instance was saturated: the ledger has no samples that describe a pool as it was")
	}
	return out
}

// sortedByTime returns the events, the oldest first.
func sortedByTime(in []Event) []Event {
	out := sortedEvents(in)
	slices.Reverse(out)
	return out
}

// describePast says in a few words what an operation changed: the class once when it stays, and the count once when that stays.
func describePast(op *PastOperation) string {
	noun := strings.ToLower(cmp.Or(poolNoun(op.Pool), "operation"))
	f, t := op.from, op.to
	switch {
	case op.To == "":
		return fmt.Sprintf("%s %s", noun, op.ID)
	case op.Direction == string(scaling.Cleanup):
		return noun + " without its leftover readers"
	case t.Count == f.Count && f.InstanceClass != "" && t.InstanceClass != "":
		return fmt.Sprintf("%s %d × %s → %s", noun, f.Count, f.InstanceClass, t.InstanceClass)
	case f.InstanceClass == t.InstanceClass && t.InstanceClass != "":
		return fmt.Sprintf("%s %d → %d × %s", noun, f.Count, t.Count, t.InstanceClass)
	}
	return fmt.Sprintf("%s %s → %s", noun, op.From, op.To)
}
