package rdssim

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// priceListProduct is a product document of the price list.
type priceListProduct struct {
	Product struct {
		SKU, ProductFamily string
		Attributes         map[string]string
	}
	Terms struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]struct {
				Unit, Description string
				PricePerUnit      map[string]string
			}
		}
	}
}

// hourlyPriceUSD returns the price in USD per hour.
func (p priceListProduct) hourlyPriceUSD(t *testing.T) float64 {
	t.Helper()
	for _, term := range p.Terms.OnDemand {
		for _, dimension := range term.PriceDimensions {
			price, err := strconv.ParseFloat(dimension.PricePerUnit["USD"], 64)
			if err != nil || dimension.Unit != "Hrs" || !strings.Contains(dimension.Description, "(simulated)") {
				t.Errorf("%s: got price %+v, %v", p.Product.SKU, dimension, err)
			}
			return price
		}
	}
	t.Errorf("%s has no price", p.Product.SKU)
	return 0
}

// pricingClient returns a client of the price list in a region.
func (c *testServer) pricingClient(region string) *pricing.Client {
	return pricing.NewFromConfig(c.Config, func(o *pricing.Options) { o.Region = region })
}

func termFilters(terms map[string]string) []pricingtypes.Filter {
	var out []pricingtypes.Filter
	for field, value := range terms {
		out = append(out, pricingtypes.Filter{Type: pricingtypes.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)})
	}
	return out
}

// listProducts returns the products of all pages that match the terms.
func (c *testServer) listProducts(t *testing.T, terms map[string]string) ([]priceListProduct, error) {
	t.Helper()
	var out []priceListProduct
	for all := pricing.NewGetProductsPaginator(c.pricingClient("us-east-1"), &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonRDS"), FormatVersion: aws.String("aws_v1"), Filters: termFilters(terms), MaxResults: aws.Int32(100),
	}); all.HasMorePages(); {
		page, err := all.NextPage(t.Context())
		if err != nil {
			return nil, err
		}
		if len(page.PriceList) > 100 || *page.FormatVersion != "aws_v1" {
			t.Errorf("got a page of %d products in format %s", len(page.PriceList), *page.FormatVersion)
		}
		for _, text := range page.PriceList {
			var p priceListProduct
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		if len(terms) == 0 {
			break // there are too many products to list
		}
	}
	return out, nil
}

// findProduct returns the only product that matches the terms, and its price.
func (c *testServer) findProduct(t *testing.T, terms map[string]string) (priceListProduct, float64) {
	t.Helper()
	found, err := c.listProducts(t, terms)
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: got %d products, %v, want 1", terms, len(found), err)
	}
	return found[0], found[0].hourlyPriceUSD(t)
}

func TestGetProducts(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	aurora := map[string]string{
		"regionCode": "eu-west-1", "databaseEngine": "Aurora PostgreSQL", "deploymentOption": "Single-AZ", "licenseModel": "No license required",
		"productFamily": "Database Instance",
	}
	all, err := c.listProducts(t, aurora)
	if err != nil {
		t.Fatal(err)
	}
	skus, usage := map[string]bool{}, map[string]int{}
	for _, p := range all {
		skus[p.Product.SKU] = true
		usage[p.Product.Attributes["instanceType"]]++
		if p.Product.Attributes["regionCode"] != "eu-west-1" || p.Product.ProductFamily != "Database Instance" || p.hourlyPriceUSD(t) <= 0 {
			t.Fatalf("got product %+v", p)
		}
	}
	if len(all) < 160 || len(skus) != len(all) || usage["db.r6g.large"] != 2 || usage["db.m6g.large"] != 0 {
		t.Errorf("got %d products with %d SKUs: %v", len(all), len(skus), usage)
	}

	with := func(more ...string) map[string]string {
		out := map[string]string{"regionCode": "us-east-1"}
		for n := 0; n < len(more); n += 2 {
			out[more[n]] = more[n+1]
		}
		return out
	}
	auroraOn := func(class, storage string) (priceListProduct, float64) {
		return c.findProduct(t, with("databaseEngine", "Aurora PostgreSQL", "instanceType", class, "storage", storage))
	}
	standard, large := auroraOn("db.r6g.large", "EBS Only")
	optimized, optimizedPrice := auroraOn("db.r6g.large", "Aurora IO Optimization Mode")
	_, xlarge := auroraOn("db.r6g.xlarge", "EBS Only")
	if standard.Product.Attributes["usagetype"] != "InstanceUsage:db.r6g.large" ||
		optimized.Product.Attributes["usagetype"] != "InstanceUsageIOOptimized:db.r6g.large" {
		t.Errorf("got usage types %v and %v", standard.Product.Attributes, optimized.Product.Attributes)
	}
	_, single := c.findProduct(t, with("databaseEngine", "PostgreSQL", "instanceType", "db.m6g.large", "deploymentOption", "Single-AZ"))
	_, multi := c.findProduct(t, with("databaseEngine", "PostgreSQL", "instanceType", "db.m6g.large", "deploymentOption", "Multi-AZ"))
	_, micro := c.findProduct(t, with("databaseEngine", "PostgreSQL", "instanceType", "db.t3.micro", "deploymentOption", "Single-AZ"))
	for name, test := range map[string]struct{ got, want float64 }{
		"db.r6g.large": {large, 0.26}, "double the size": {xlarge, 2 * large}, "I/O-Optimized": {optimizedPrice, 1.3 * large},
		"Multi-AZ": {multi, 2 * single}, "db.t3.micro": {micro, 0.018},
	} {
		if math.Abs(test.got-test.want) > 0.001 {
			t.Errorf("%s: got %g, want %g", name, test.got, test.want)
		}
	}
	euWest1, _ := c.findProduct(t, map[string]string{"usagetype": "EU-InstanceUsage:db.r6g.large", "databaseEngine": "Aurora MySQL"})
	if euWest1.Product.Attributes["regionCode"] != "eu-west-1" {
		t.Errorf("got product %+v, want one of eu-west-1", euWest1)
	}
	if none, err := c.listProducts(t, map[string]string{"regionCode": "mars-north-1"}); err != nil || len(none) != 0 {
		t.Errorf("region without prices: got %d products, %v", len(none), err)
	}
}

func TestGetProducts_RefusesInvalidRequest(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	const invalid = "InvalidParameterException"
	for name, test := range map[string]struct {
		region string
		edit   func(*pricing.GetProductsInput)
		want   string
	}{
		"unknown field": {"us-east-1", func(in *pricing.GetProductsInput) {
			in.Filters = termFilters(map[string]string{"color": "red"})
		}, invalid},
		"unsupported filter type": {"us-east-1", func(in *pricing.GetProductsInput) {
			in.Filters = []pricingtypes.Filter{{Type: "CONTAINS", Field: aws.String("regionCode"), Value: aws.String("eu")}}
		}, invalid},
		"unsupported service":     {"us-east-1", func(in *pricing.GetProductsInput) { in.ServiceCode = aws.String("AmazonEC2") }, invalid},
		"unsupported format":      {"us-east-1", func(in *pricing.GetProductsInput) { in.FormatVersion = aws.String("aws_v2") }, invalid},
		"page too large":          {"us-east-1", func(in *pricing.GetProductsInput) { in.MaxResults = aws.Int32(101) }, invalid},
		"invalid token":           {"us-east-1", func(in *pricing.GetProductsInput) { in.NextToken = aws.String("x") }, "InvalidNextTokenException"},
		"region without endpoint": {"eu-west-1", func(*pricing.GetProductsInput) {}, "UnknownEndpoint"},
		"region with endpoint":    {"eu-central-1", func(*pricing.GetProductsInput) {}, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonRDS")}
			test.edit(in)
			_, err := c.pricingClient(test.region).GetProducts(t.Context(), in)
			if got := errorCode(err); got != test.want {
				t.Errorf("got %s, want %s: %v", got, test.want, err)
			}
			var typed *pricingtypes.InvalidParameterException
			if test.want == invalid && (!errors.As(err, &typed) || typed.ErrorMessage() == "") {
				t.Errorf("the SDK does not decode the error: %v", err)
			}
		})
	}
	_, err := c.pricingClient("us-east-1").DescribeServices(t.Context(), &pricing.DescribeServicesInput{})
	if errorCode(err) != "UnknownOperationException" {
		t.Errorf("unsupported operation: got %v", err)
	}
}
