package app

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/view"
)

// TestHistory_WholeOperation: an override is in the history while it runs and when it has ended, with who asked, from status and events, and
// from the ledger of the operator after the status was lost.
func TestHistory_WholeOperation(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.reconcile(t)
	out, _, err := h.run(t, "history", "orders")
	if err != nil || !strings.Contains(out, "no operations are known") {
		t.Errorf("at first: %v\n%s", err, out)
	}
	if _, errOut, err := h.run(t, "override", "orders", "--for", "4h", "--exceed-limits", "--readers", "2xdb.r6g.large", "--reason", "sale"); err != nil {
		t.Fatalf("%v %s", err, errOut)
	}
	h.runUntil(t, "changing", 3*time.Minute, isChanging)
	out, _, err = h.run(t, "history", "orders")
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "START", "readers 1 → 2 × db.r6g.large", "running", "1 operation: 1 scale-up, 0 failed, 1 in progress")
	h.runUntil(t, "idle", 2*time.Hour, isIdle)
	out, _, err = h.run(t, "history", "orders", "-o", "wide", "--ledger", h.ledger)
	expectNarrow(t, out)
	if err != nil {
		t.Error(err)
	}
	h.expectGolden(t, "history-wide", out)
	expectInOrder(t, out, "readers 1 → 2 × db.r6g.large", "done", "asked by: ", "(sale)", "price: +$0.26", "1 operation: 1 scale-up, 0 failed",
		"Operations before 2026-02-05T01:00:00Z: the ledger begins then")

	p := h.policy(t)
	p.Status.History = nil
	if err := h.client.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	out, _, err = h.run(t, "history", "orders", "-o", "json", "--ledger", h.ledger)
	var history view.History
	if decodeErr := json.Unmarshal([]byte(out), &history); err != nil || decodeErr != nil || len(history.Operations) != 1 ||
		history.Operations[0].Outcome != view.OutcomeSucceeded || !strings.Contains(history.Operations[0].RequestedBy, "(sale)") {
		t.Errorf("%v, %v: got\n%s", err, decodeErr, out)
	}
	for _, test := range []struct{ want, args string }{
		{"--since is \"soon\": it must be a number of days", "history orders --since soon"},
		{"--since is \"-3d\"", "history orders --since=-3d"},
		{"--since is \"2999-01-01T00:00:00Z\"", "history orders --since 2999-01-01T00:00:00Z"},
		{`--output is "xml"`, "history orders -o xml"},
		{"no policy: name one", "history"},
		{`there is no DBScalingPolicy "missing"`, "history missing"},
		{"no such file", "history orders --ledger " + filepath.Join(t.TempDir(), "none")},
		{"is no record of a ledger", "history orders --ledger " + h.kubeconfig},
	} {
		out, _, err := h.run(t, strings.Fields(test.args)...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || out != "" {
			t.Errorf("%s: got %v and\n%s\nwant %s", test.args, err, out, test.want)
		}
	}
	if _, _, err := h.run(t, "history", "orders", "--as", "nobody"); err == nil || !strings.Contains(err.Error(), "you (nobody) may not list dbscalingpolicies") {
		t.Errorf("got %v", err)
	}
}
