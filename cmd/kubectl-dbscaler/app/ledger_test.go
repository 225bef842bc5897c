package app

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// recordEntry returns a line of a ledger: a policy whose database was not observed.
func recordEntry(t *testing.T, policy string) string {
	t.Helper()
	line, err := ledger.Record(ledger.Inputs{
		Policy: scaling.Policy{Name: policy, Mode: scaling.Enforce}, Now: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

func TestLedger_VerifiesAndReplays(t *testing.T) {
	same, other := recordEntry(t, "shop/orders"), recordEntry(t, "shop/payments")
	forged := strings.Replace(same, `"RequeueAfter":`, `"RequeueAfter":1`, 1)
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write([]byte(same)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"same.jsonl": same + other, "forged.jsonl": same + forged, "torn.jsonl": same + `{"Format":`, "other.jsonl": `{"Format":1}`, "empty.jsonl": "",
		"same.jsonl.gz": compressed.String(), "nonsense": "nonsense\n",
	}
	for _, test := range []struct {
		name, args, stdin string
		code              int
		out, errOut, err  string // contained; "-" for none
	}{
		{"same", "ledger verify same.jsonl", "", 0, "2 entries have the same decision\n", "-", ""},
		{"compressed and another", "ledger verify same.jsonl same.jsonl.gz", "", 0, "3 entries have the same decision\n", "-", ""},
		{"standard input", "ledger verify -", same, 0, "1 entries have the same decision\n", "-", ""},
		{"forged", "ledger verify forged.jsonl", "", 1, "forged.jsonl:2: 2026-02-05T10:00:00Z shop/orders: Decision.RequeueAfter was 1", "-", "1 of 2 entries differ"},
		{"torn", "ledger verify torn.jsonl", "", 1, "-", "torn.jsonl:2: the line is not a ledger entry", "1 lines cannot be replayed"},
		{"another format", "ledger verify other.jsonl", "", 2, "-", "other.jsonl:1: ", "replay it with the version that wrote it"},
		{"no ledger", "ledger verify nonsense", "", 2, "-", "nonsense:1: ", "the line is not a ledger entry"},
		{"folder", "ledger verify .", "", 2, "-", "-", ". cannot be read: "},
		{"empty", "ledger verify empty.jsonl", "", 2, "-", "-", "no ledger entry: the operator writes them with --ledger-file"},
		{"missing", "ledger verify missing.jsonl", "", 2, "-", "-", "missing.jsonl"},
		{"no file", "ledger verify", "", 2, "-", "-", "no file: name a ledger file"},
		{"no command", "ledger", "", 2, "-", "-", "ledger verify FILE"},
		{"replay", "replay same.jsonl", "", 0, "2026-02-05T10:00:00Z shop/payments ", "-", ""},
		{"replay of one policy", "replay same.jsonl --policy shop/orders", "", 0, "2026-02-05T10:00:00Z shop/orders ", "-", ""},
		{"replay of a forged one", "replay forged.jsonl", "", 1, "RequeueAfter was 1", "-", "1 of 2 entries differ"},
		{"replay with an invalid policy", "replay same.jsonl --policy orders", "", 2, "-", "-", "it must be NAMESPACE/NAME"},
		{"replay of two files", "replay same.jsonl same.jsonl.gz", "", 2, "-", "-", "at most 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, errOut, err := runPlugin(t, files, test.stdin, strings.Fields(test.args)...)
			contains := func(text, want string) bool { return want == "-" && text == "" || strings.Contains(text, want) }
			if exitCode(err) != test.code || !contains(out, test.out) || !contains(errOut, test.errOut) || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("exit code %d, error %v, output\n%s\nerror output\n%s\nwant %d, %q, %q, %q", exitCode(err), err, out, errOut, test.code, test.err,
					test.out, test.errOut)
			}
		})
	}
	out, _, err := runPlugin(t, files, "", "replay", "same.jsonl", "--policy", "shop/orders")
	if err != nil || strings.Contains(out, "payments") {
		t.Errorf("%v, the decisions of another policy are in\n%s", err, out)
	}
}
