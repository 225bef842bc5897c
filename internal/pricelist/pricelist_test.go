package pricelist

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const listYAML = `prices:
- {instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}
- {instanceClass: db.r6g.large, hourlyPriceUSD: "0.28", region: eu-central-1}
- {instanceClass: db.r6g.large, hourlyPriceUSD: "0.25", engine: aurora-mysql}
- {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.52"}
`

// writeListFile replaces the content and the modification time of a file.
func writeListFile(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestList_ClassPricesFollowFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.yaml")
	at := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	writeListFile(t, path, listYAML, at)
	l, err := Open(path, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	check := func(region, engine string, large scaling.Money) {
		t.Helper()
		want := map[string]scaling.Money{"db.r6g.large": large, "db.r6g.xlarge": 520_000}
		if got := l.ClassPrices(region, engine); !maps.Equal(got, want) {
			t.Errorf("%s in %s: got %v, want %v", engine, region, got, want)
		}
	}
	check("eu-west-1", "aurora-postgresql", 260_000)
	check("eu-central-1", "aurora-postgresql", 280_000)
	check("eu-central-1", "aurora-mysql", 250_000) // the last matching entry

	writeListFile(t, path, strings.Replace(listYAML, "0.26", "0.30", 1), at.Add(time.Minute))
	check("eu-west-1", "aurora-postgresql", 300_000)
	writeListFile(t, path, "prices: cheap", at.Add(2*time.Minute))
	check("eu-west-1", "aurora-postgresql", 300_000)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("eu-west-1", "aurora-postgresql", 300_000)
}

func TestOpen_RejectsInvalidFiles(t *testing.T) {
	for name, test := range map[string]struct{ text, wantMessage string }{
		"unknown instance class": {`prices: [{instanceClass: db.z9.large, hourlyPriceUSD: "1"}]`, `prices[0].instanceClass: unknown instance class "db.z9.large"`},
		"missing price":          {`prices: [{instanceClass: db.r6g.large}]`, "prices[0].hourlyPriceUSD"},
		"zero price":             {`prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0"}]`, "above zero"},
		"unknown field":          {`prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "1", currency: EUR}]`, "currency"},
		"invalid YAML":           {`{`, "prices.yaml"},
	} {
		path := filepath.Join(t.TempDir(), "prices.yaml")
		writeListFile(t, path, test.text, time.Unix(1, 0))
		if _, err := Open(path, logr.Discard()); err == nil || !strings.Contains(err.Error(), test.wantMessage) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.wantMessage)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "prices.yaml"), logr.Discard()); err == nil {
		t.Error("Open succeeds for a file that does not exist")
	}
}
