package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// costItem is what a database of a rehearsal uses at most at the same time.
type costItem struct {
	database, class string
	// engine is the engine in the price list; empty when the price list has no price per instance.
	engine string
	count  float64
	// hourlyUSD is the price that is assumed when the price list cannot be read: on-demand prices of us-east-1, rounded up by about
	// a half for the most expensive regions.
	hourlyUSD float64
}

// costItems lists the largest classes: a resized instance is billed at its new class. Serverless is counted at its largest maximum,
// in ACUs, of which an idle database uses a few percent. The price of a Multi-AZ DB cluster is a guess on the high side.
var costItems = []costItem{
	{auroraName, auroraClass, "Aurora PostgreSQL", 1, 0.11},
	{auroraName, largerAuroraClass, "Aurora PostgreSQL", 1, 0.22},
	{rdsName, rdsClass, "PostgreSQL", 1, 0.03},
	{rdsName, largerRDSClass, "PostgreSQL", 1, 0.05},
	{serverlessName, "ACU", "", largerMaxACUs, 0.20},
	{multiAZName, largerMultiAZClass, "", 1, 1.00},
}

// showCost prints the estimated cost.
func (r *rehearsal) showCost(ctx context.Context) {
	total, source := 0.0, "the AWS price list"
	var lines strings.Builder
	for _, name := range r.only {
		sum := 0.0
		for _, item := range costItems {
			if item.database != name {
				continue
			}
			price, err := r.target.hourlyPrice(ctx, item)
			if err != nil {
				price, source = item.hourlyUSD, "a table of rounded prices, because the price list cannot be read"
			}
			sum += price * item.count
		}
		total += sum
		fmt.Fprintf(&lines, "  %-11s about %.2f USD an hour\n", name, sum)
	}
	limit := r.timeout + cleanupTimeout
	fmt.Fprintf(r.out, "Estimated cost in %s, while all databases exist:\n%s  together    about %.2f USD an hour, at most about %.2f "+
		"USD in the %s of --timeout and cleanup\nThe prices are from %s. Serverless is counted at its maximum capacity; capacity units and "+
		"the Multi-AZ DB cluster are always from the table.\nStorage, I/O, backups and metrics add a few cents. A rehearsal usually takes "+
		"about an hour.\n",
		r.target.place(), lines.String(), total, total*limit.Hours(), limit, source)
}

// hourlyPrice returns the on-demand price of one instance in USD. It returns the assumed price of an item that is not in the price list.
func (t *target) hourlyPrice(ctx context.Context, item costItem) (float64, error) {
	if item.engine == "" {
		return item.hourlyUSD, nil
	}
	filters := []types.Filter{}
	for field, value := range map[string]string{
		"productFamily": "Database Instance", "regionCode": t.region, "databaseEngine": item.engine, "instanceType": item.class,
		"deploymentOption": "Single-AZ",
	} {
		filters = append(filters, types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)})
	}
	products, err := t.pricing.GetProducts(ctx, &pricing.GetProductsInput{ServiceCode: aws.String("AmazonRDS"), Filters: filters})
	if err != nil {
		return 0, err
	}
	highest := 0.0
	for _, text := range products.PriceList {
		var product struct {
			Terms struct {
				OnDemand map[string]struct {
					PriceDimensions map[string]struct {
						PricePerUnit map[string]string `json:"pricePerUnit"`
					} `json:"priceDimensions"`
				} `json:"OnDemand"`
			} `json:"terms"`
		}
		if err := json.Unmarshal([]byte(text), &product); err != nil {
			return 0, err
		}
		for _, term := range product.Terms.OnDemand {
			for _, dimension := range term.PriceDimensions {
				if price, err := strconv.ParseFloat(dimension.PricePerUnit["USD"], 64); err == nil {
					highest = max(highest, price)
				}
			}
		}
	}
	if highest == 0 {
		return 0, fmt.Errorf("the price list has no %s with %s in %s", item.class, item.engine, t.region)
	}
	return highest, nil
}
