package view

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// readRecordedLedger reads the recorded ledger.
func readRecordedLedger(t *testing.T) *LedgerHistory {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	l, err := ReadLedgerHistory(file, "ledger.jsonl", "shop/orders")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func historyOf(in Input) HistoryInput {
	return HistoryInput{Input: in, Since: in.Now.Add(-30 * 24 * time.Hour)}
}

// addRecords adds operations of each kind to the history of a policy.
func addRecords(p *v1alpha1.DBScalingPolicy, now time.Time) {
	shapeOf := func(count int32, class string) v1alpha1.Shape {
		return v1alpha1.Shape{InstanceClass: class, Replicas: &count}
	}
	add := func(ago, took time.Duration, r v1alpha1.OperationRecord) {
		r.StartTime, r.CompletionTime = metav1.NewTime(now.Add(-ago)), metav1.NewTime(now.Add(took-ago))
		p.Status.History = append(p.Status.History, r)
	}
	add(20*time.Hour, 12*time.Minute, v1alpha1.OperationRecord{
		ID: "11111111", Pool: "Readers", Direction: "Up", From: shapeOf(1, "db.r6g.large"), To: shapeOf(3, "db.r6g.large"), Outcome: "Succeeded",
		UtilizationBeforePercent: ptr.To(int32(92)), UtilizationAfterPercent: ptr.To(int32(31)),
	})
	add(26*time.Hour, 3*time.Hour, v1alpha1.OperationRecord{
		ID: "22222222", Pool: "Readers", Direction: "Down", From: shapeOf(3, "db.r6gd.12xlarge"), To: shapeOf(2, "db.r6g.16xlarge"),
		Outcome: "Failed", Reason: "RefusedByAWS", Message: "The quota of instances is used up: 40 of 40.\nAsk for more.",
	})
	add(400*24*time.Hour, time.Minute, v1alpha1.OperationRecord{
		ID: "33333333", Pool: "Readers", Direction: "Cleanup", From: shapeOf(2, ""), To: shapeOf(1, "db.r6g.large"), Outcome: "Succeeded",
	})
}

func TestHistory_Golden(t *testing.T) {
	many := historyOf(load(t, "blocked"))
	addRecords(many.Object, many.Now)
	withLedger := historyOf(load(t, "blocked"))
	withLedger.Ledger = readRecordedLedger(t)
	denied := historyOf(load(t, "blocked"))
	denied.Events, denied.EventsUnknown = nil, "you may not list events.events.k8s.io in the namespace shop"
	for name, in := range map[string]HistoryInput{
		"steady": historyOf(load(t, "steady")), "changing": historyOf(load(t, "changing")), "blocked": historyOf(load(t, "blocked")),
		"blocked-many": many, "blocked-ledger": withLedger, "blocked-denied": denied,
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(in)
			text := render(t, func(w io.Writer) error { return WriteHistory(w, h, Options{}) })
			wide := render(t, func(w io.Writer) error { return WriteHistory(w, h, Options{Wide: true}) })
			expectNarrow(t, text, DefaultWidth)
			expectNarrow(t, wide, DefaultWidth)
			expectGolden(t, name+".history", text)
			expectGolden(t, name+".history.wide", wide)
			if name == "blocked-ledger" {
				document, err := json.MarshalIndent(h, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				expectGolden(t, name+".history.json", string(document)+"\n")
			}
		})
	}
}

// TestHistory_SourcesAgree: the operation of the recorded incident is the same from the status, from events alone and from the ledger alone.
func TestHistory_SourcesAgree(t *testing.T) {
	status := historyOf(load(t, "blocked"))
	want := NewHistory(status).Operations[0]
	fromEvents := historyOf(load(t, "blocked"))
	fromEvents.Object.Status.History = nil
	fromLedger := historyOf(load(t, "blocked"))
	fromLedger.Object.Status.History, fromLedger.Events, fromLedger.Ledger = nil, nil, readRecordedLedger(t)
	for name, in := range map[string]HistoryInput{"events": fromEvents, "ledger": fromLedger} {
		h := NewHistory(in)
		if len(h.Operations) != 1 {
			t.Fatalf("%s: got %+v", name, h.Operations)
		}
		got := h.Operations[0]
		same := got.ID == want.ID && got.Pool == want.Pool && got.From == want.From && got.To == want.To && got.Direction == want.Direction &&
			got.Outcome == want.Outcome && got.Cause == want.Cause && got.StartTime.Truncate(time.Second).Equal(want.StartTime) &&
			got.EndTime.Truncate(time.Second).Equal(want.EndTime) && got.CostChangeUSD != nil && *got.CostChangeUSD == *want.CostChangeUSD
		if !same || got.Sources[0] != name {
			t.Errorf("%s: got %s, want %s", name, mustJSON(t, got), mustJSON(t, want))
		}
	}
	both := historyOf(load(t, "blocked"))
	both.Ledger = readRecordedLedger(t)
	if h := NewHistory(both); len(h.Operations) != 1 || strings.Join(h.Operations[0].Sources, " ") != "status ledger events" {
		t.Errorf("from all: %+v", h.Operations)
	}
}

// TestHistory_Totals: totals count what happened in the time that was asked for, and a price that is not known is not counted as zero.
func TestHistory_Totals(t *testing.T) {
	in := historyOf(load(t, "blocked"))
	addRecords(in.Object, in.Now)
	in.Since = in.Now.Add(-24 * time.Hour)
	got := NewHistory(in)
	// The operation that failed began before, and ended 23 hours ago.
	if totals := got.Totals; totals.Operations != 3 || totals.ScaleUps != 2 || totals.Failed != 1 || totals.CostChangeUSD == nil ||
		*totals.CostChangeUSD != 0.26+0.52 || totals.SaturatedMinutes != nil {
		t.Errorf("got %+v", totals)
	}
	in.Object.Spec.Prices = nil
	in.Object.Status.Decision = nil
	if totals := NewHistory(in).Totals; totals.CostChangeUSD != nil {
		t.Errorf("without prices: got %v", *totals.CostChangeUSD)
	}
	in.Since = in.Now.Add(-time.Minute)
	if h := NewHistory(in); len(h.Operations) != 0 || h.Totals.Operations != 0 || h.Operations == nil {
		t.Errorf("in the last minute: %+v", h)
	}
}

// TestHistory_NamesWhoAsked: an override and an approval are recorded with the name, from the event and from the ledger.
func TestHistory_NamesWhoAsked(t *testing.T) {
	in := historyOf(load(t, "steady"))
	for _, note := range []string{
		"Readers: 1 × db.r6g.large → 2 × db.r6g.large (operation aaaaaaaa, 1 steps), requested by alice (sale (big). one). Manual override",
		"Writer: 1 × db.r6g.large → 1 × db.r6g.xlarge (operation bbbbbbbb, 5 steps), approved by bob. The writer pool was at 90% CPU",
		"Readers: mixed classes (operation", // of another version
	} {
		in.Events = append(in.Events, Event{Time: in.Now.Add(-time.Minute), Reason: "OperationStarted", Note: note})
	}
	h := NewHistory(in)
	if len(h.Operations) != 2 || h.Operations[0].RequestedBy != "alice (sale (big)" || h.Operations[1].RequestedBy != "bob" ||
		h.Operations[1].Cause != "The writer pool was at 90% CPU" || h.Operations[1].Outcome != OutcomeUnknown || h.Totals.CostChangeUSD != nil {
		t.Errorf("got %s", mustJSON(t, h))
	}
	entry := lastEntry(t)
	entry.Policy.Mode = scaling.Enforce
	entry.Policy.ManualControl = scaling.ManualControl{
		Override:     &scaling.ManualOverride{Readers: shape(2, "db.r6g.xlarge"), ExpiresAt: entry.Now.Add(time.Hour)},
		OverriddenBy: &scaling.Requester{User: "alice", Reason: "sale"},
	}
	line, err := ledger.Record(entry)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ReadLedgerHistory(strings.NewReader(string(line)+"\n"), "x", "shop/orders")
	if err != nil {
		t.Fatal(err)
	}
	last := l.operations[len(l.operations)-1]
	if last.RequestedBy != "alice (sale)" || last.Outcome != OutcomeUnknown {
		t.Errorf("from the ledger: %+v", last)
	}
}

func TestReadLedgerHistory_RejectsOthers(t *testing.T) {
	old := `{"Format":1,"Inputs":{"Policy":{"Name":"shop/orders"},"Now":"2026-02-05T02:30:00Z"}}` + "\n"
	for text, want := range map[string]string{"kind: Config\n": "x:1: the line is no record", old: "have another format than"} {
		if _, err := ReadLedgerHistory(strings.NewReader(text), "x", "shop/orders"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	recorded, err := os.ReadFile(filepath.Join("testdata", "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadLedgerHistory(strings.NewReader(string(recorded)), "x", "shop/none"); !errors.Is(err, ErrNoRecord) {
		t.Errorf("another policy: %v", err)
	}
	l, err := ReadLedgerHistory(strings.NewReader(old+string(recorded)), "x", "shop/orders")
	if err != nil || len(l.unknown(l.first.Add(-time.Hour))) != 2 {
		t.Errorf("an old record among others: %v, %v", err, l)
	}
}
