package awsx

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// entry is a product of the price list with one price.
func entry(class, usage, location, unit, usd string) string {
	return fmt.Sprintf(`{"product":{"productFamily":"Database Instance","attributes":{"instanceType":%q,"usagetype":%q,"locationType":%q}},`+
		`"serviceCode":"AmazonRDS","terms":{"OnDemand":{"A.B":{"priceDimensions":{"A.B.C":{"unit":%q,"pricePerUnit":{"USD":%q}}}}}}}`,
		class, usage, location, unit, usd)
}

// priceList answers GetProducts with pages of entries, and keeps what it was asked.
func priceList(t *testing.T, pages ...[]string) (endpoint string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		*asked = append(*asked, r.Header.Get("X-Amz-Target")+" "+string(body))
		answer := map[string]any{"FormatVersion": "aws_v1", "PriceList": pages[len(*asked)-1]}
		if len(*asked) < len(pages) {
			answer["NextToken"] = "more"
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestPrices(t *testing.T) {
	list := [][]string{
		{
			entry("db.r6g.large", "EU-InstanceUsage:db.r6g.large", inRegion, "Hrs", "0.2600000000"),
			entry("db.r6g.large", "EU-InstanceUsageIOOptimized:db.r6g.large", inRegion, "Hrs", "0.3380000000"),
			entry("db.r6g.large", "EU-Outposts-InstanceUsage:db.r6g.large", "AWS Outposts", "Hrs", "0.1000000000"),
			entry("", "EU-ExtendedSupport:Yr1-Yr2:PostgreSQL11", inRegion, "vCPU-Hours", "0.1000000000"),
			entry("db.r6g.xlarge", "EU-InstanceUsage:db.r6g.xlarge", "", "Hrs", "0.52"),
		},
		{
			entry("db.two.prices", "EU-InstanceUsage:db.two.prices", inRegion, "Hrs", "1.00"),
			entry("db.two.prices", "EU-InstanceUsage:db.two.prices", inRegion, "Hrs", "1.10"),
			entry("db.said.twice", "EU-InstanceUsage:db.said.twice", inRegion, "Hrs", "1.00"),
			entry("db.said.twice", "EU-InstanceUsage:db.said.twice", inRegion, "Hrs", "1.00"),
			entry("db.free", "EU-InstanceUsage:db.free", inRegion, "Hrs", "0.0000000000"),
			entry("db.monthly", "EU-InstanceUsage:db.monthly", inRegion, "Quantity", "900"),
			entry("db.odd", "EU-InstanceUsage:db.odd", inRegion, "Hrs", "much"),
		},
	}
	tests := []struct {
		name string
		p    product
		want map[string]scaling.Money
	}{
		{"Standard storage", product{region: "eu-west-1", engine: "Aurora PostgreSQL", deployment: "Single-AZ"}, map[string]scaling.Money{
			"db.r6g.large": 260_000, "db.r6g.xlarge": 520_000, "db.said.twice": scaling.Dollar,
		}},
		{"I/O-Optimized", product{region: "eu-west-1", engine: "Aurora PostgreSQL", deployment: "Single-AZ", optimized: true},
			map[string]scaling.Money{"db.r6g.large": 338_000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint, asked := priceList(t, list...)
			e := newEdge(t, endpoint, func(o *Options) { o.PricingRegion = "eu-central-1" })
			got, err := prices(t.Context(), e.factory.prices, test.p)
			if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
			if len(*asked) != 2 {
				t.Fatalf("asked for %v", *asked)
			}
			for _, part := range []string{
				"AWSPriceListService.GetProducts", `"AmazonRDS"`, `"eu-west-1"`, `"Aurora PostgreSQL"`, `"Single-AZ"`, `"No license required"`,
				`"Database Instance"`, `"TERM_MATCH"`,
			} {
				if !strings.Contains((*asked)[0], part) {
					t.Errorf("the request %s lacks %s", (*asked)[0], part)
				}
			}
		})
	}
	endpoint, _ := priceList(t, []string{"<html>"})
	e := newEdge(t, endpoint, func(o *Options) { o.PricingRegion = "eu-central-1" })
	_, err := prices(t.Context(), e.factory.prices, product{region: "eu-west-1", engine: "MySQL", deployment: "Single-AZ"})
	wantOnly(t, err, scaling.ErrUnavailable)
}

// TestPricesAreNotNeeded: without them everything else is seen, and they are not asked for at every look.
func TestPricesAreNotNeeded(t *testing.T) {
	s := simulate(t, func(o *Options) { o.PricingRegion = "us-east-1" })
	s.Inject(rdssim.Fault{Kind: rdssim.Answer, Operation: "GetProducts", Code: "AccessDeniedException", Message: "nope", HTTPStatus: 400})
	// look observes so many times, every 21 minutes, and says how often prices were asked for.
	look := func(times int, priced bool) int {
		s.ResetCalls()
		for range times {
			if o := s.see(t, orders); len(o.Prices) > 0 != priced || o.Orderable == nil || len(cpu(o)) == 0 {
				t.Fatalf("%d prices, %d samples", len(o.Prices), len(cpu(o)))
			}
			s.clock.Step(21 * time.Minute)
		}
		return s.CountCalls("GetProducts")
	}
	if n := look(6, false); n != 2 {
		t.Errorf("asked %d times in two hours", n)
	}
	s.Heal()
	first := look(1, true) // more than an hour after the last error
	if n := look(67, true); first == 0 || n != 0 {
		t.Errorf("asked %d times at once and %d in the next 23 hours", first, n)
	}
	off := simulate(t)
	if o := off.see(t, orders); o.Prices != nil || off.CountCalls("GetProducts") != 0 {
		t.Errorf("%d prices although nobody is to ask for them", len(o.Prices))
	}
}
