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

// priceListJSON returns an entry of the price list with one price.
func priceListJSON(class, usage, location, unit, usd string) string {
	return fmt.Sprintf(`{"product":{"productFamily":"Database Instance","attributes":{"instanceType":%q,"usagetype":%q,"locationType":%q}},`+
		`"serviceCode":"AmazonRDS","terms":{"OnDemand":{"A.B":{"priceDimensions":{"A.B.C":{"unit":%q,"pricePerUnit":{"USD":%q}}}}}}}`,
		class, usage, location, unit, usd)
}

// capacityUnitPrices are the prices of Aurora capacity units.
var capacityUnitPrices = []string{
	priceListJSON("", "EU-Aurora:ServerlessV2Usage", locationTypeRegion, "ACU-Hr", "0.1400000000"),
	priceListJSON("", "EU-Aurora:ServerlessV2IOOptimizedUsage", locationTypeRegion, "ACU-Hr", "0.1820000000"),
	priceListJSON("", "EU-Aurora:ServerlessUsage", locationTypeRegion, "ACU-Hr", "0.0700000000"),
}

// newPricingServer responds to GetProducts with pages of entries, or with capacityUnitPrices, and records the requests.
func newPricingServer(t *testing.T, pages ...[]string) (endpoint string, requests *[]string) {
	t.Helper()
	requests = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		*requests = append(*requests, r.Header.Get("X-Amz-Target")+" "+string(body))
		response := map[string]any{"FormatVersion": "aws_v1", "PriceList": capacityUnitPrices}
		if !strings.Contains(string(body), `"ServerlessV2"`) {
			response["PriceList"] = pages[len(*requests)-1]
			if len(*requests) < len(pages) {
				response["NextToken"] = "more"
			}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(response); err != nil {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestListPrices_ByPriceKey(t *testing.T) {
	pages := [][]string{
		{
			priceListJSON("db.r6g.large", "EU-InstanceUsage:db.r6g.large", locationTypeRegion, "Hrs", "0.2600000000"),
			priceListJSON("db.r6g.large", "EU-InstanceUsageIOOptimized:db.r6g.large", locationTypeRegion, "Hrs", "0.3380000000"),
			priceListJSON("db.r6g.large", "EU-Outposts-InstanceUsage:db.r6g.large", "AWS Outposts", "Hrs", "0.1000000000"),
			priceListJSON("", "EU-ExtendedSupport:Yr1-Yr2:PostgreSQL11", locationTypeRegion, "vCPU-Hours", "0.1000000000"),
			priceListJSON("db.r6g.xlarge", "EU-InstanceUsage:db.r6g.xlarge", "", "Hrs", "0.52"),
		},
		{
			priceListJSON("db.two.prices", "EU-InstanceUsage:db.two.prices", locationTypeRegion, "Hrs", "1.00"),
			priceListJSON("db.two.prices", "EU-InstanceUsage:db.two.prices", locationTypeRegion, "Hrs", "1.10"),
			priceListJSON("db.listed.twice", "EU-InstanceUsage:db.listed.twice", locationTypeRegion, "Hrs", "1.00"),
			priceListJSON("db.listed.twice", "EU-InstanceUsage:db.listed.twice", locationTypeRegion, "Hrs", "1.00"),
			priceListJSON("db.free", "EU-InstanceUsage:db.free", locationTypeRegion, "Hrs", "0.0000000000"),
			priceListJSON("db.monthly", "EU-InstanceUsage:db.monthly", locationTypeRegion, "Quantity", "900"),
			priceListJSON("db.odd", "EU-InstanceUsage:db.odd", locationTypeRegion, "Hrs", "much"),
		},
	}
	tests := []struct {
		name string
		key  priceKey
		want map[string]scaling.Money
	}{
		{"Standard storage", priceKey{region: "eu-west-1", engine: "Aurora PostgreSQL", deployment: "Single-AZ"}, map[string]scaling.Money{
			"db.r6g.large": 260_000, "db.r6g.xlarge": 520_000, "db.listed.twice": scaling.Dollar, scaling.PricePerACU: 140_000,
		}},
		{"I/O-Optimized", priceKey{region: "eu-west-1", engine: "Aurora PostgreSQL", deployment: "Single-AZ", ioOptimized: true},
			map[string]scaling.Money{"db.r6g.large": 338_000, scaling.PricePerACU: 182_000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint, requests := newPricingServer(t, pages...)
			client := newTestClient(t, endpoint, func(o *Options) { o.PricingRegion = "eu-central-1" })
			got, err := listPrices(t.Context(), client.factory.pricing, test.key)
			if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
			if len(*requests) != 3 {
				t.Fatalf("made the requests %v, want 3", *requests)
			}
			for _, part := range []string{
				"AWSPriceListService.GetProducts", `"AmazonRDS"`, `"eu-west-1"`, `"Aurora PostgreSQL"`, `"Single-AZ"`, `"No license required"`,
				`"Database Instance"`, `"TERM_MATCH"`,
			} {
				if !strings.Contains((*requests)[0], part) {
					t.Errorf("the request %s lacks %s", (*requests)[0], part)
				}
			}
		})
	}
	endpoint, _ := newPricingServer(t, []string{"<html>"})
	client := newTestClient(t, endpoint, func(o *Options) { o.PricingRegion = "eu-central-1" })
	_, err := listPrices(t.Context(), client.factory.pricing, priceKey{region: "eu-west-1", engine: "MySQL", deployment: "Single-AZ"})
	expectCause(t, err, scaling.ErrUnavailable)
}

// TestObserve_WorksWithoutPrices: prices that cannot be read do not affect the other data and are read again at their retry
// interval.
func TestObserve_WorksWithoutPrices(t *testing.T) {
	s := simulateAllKinds(t, func(o *Options) { o.PricingRegion = "us-east-1" })
	s.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "GetProducts", Code: "AccessDeniedException", Message: "nope", HTTPStatus: 400})
	// observe observes the given number of times, every 21 minutes, and returns the number of GetProducts requests.
	observe := func(times int, hasPrices bool) int {
		s.ResetCalls()
		for range times {
			if o := s.observe(t, ordersCluster); len(o.Prices) > 0 != hasPrices || o.Orderable == nil || len(firstInstanceCPU(o)) == 0 {
				t.Fatalf("%d prices, %d samples", len(o.Prices), len(firstInstanceCPU(o)))
			}
			s.clock.Step(21 * time.Minute)
		}
		return s.CountCalls("GetProducts")
	}
	if n := observe(6, false); n != 2 {
		t.Errorf("made %d requests in two hours, want 2", n)
	}
	s.ClearFaults()
	first := observe(1, true) // more than an hour after the last error
	if n := observe(67, true); first == 0 || n != 0 {
		t.Errorf("made %d requests after the error and %d in the next 23 hours, want some and 0", first, n)
	}
	withoutPricing := simulateAllKinds(t)
	if o := withoutPricing.observe(t, ordersCluster); o.Prices != nil || withoutPricing.CountCalls("GetProducts") != 0 {
		t.Errorf("%d prices without a pricing region", len(o.Prices))
	}
}
