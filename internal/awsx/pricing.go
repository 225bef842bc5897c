package awsx

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// priceInterval is how often prices are read.
	priceInterval = 24 * time.Hour
	// priceRetryInterval is how soon they are read again after an error.
	priceRetryInterval = time.Hour
)

// PricingRegions are the regions that have an endpoint of the Pricing API (AWS Billing user guide, "AWS Price List API"), without that of
// the China partition, cn-northwest-1, whose prices are in CNY. The GovCloud partition has none.
var PricingRegions = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// priceKey is what the price of an instance class depends on.
type priceKey struct {
	region, engine, deployment string
	// ioOptimized reports that the cluster's storage is I/O-Optimized: instances cost more, and I/O requests cost nothing.
	ioOptimized bool
}

func comparePriceKeys(a, b priceKey) int {
	return cmp.Or(cmp.Compare(a.engine, b.engine), cmp.Compare(a.deployment, b.deployment), compareBools(a.ioOptimized, b.ioOptimized))
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// priceListEngines are the price list's names of the engines whose price includes the licence. The price of other engines
// depends on a licence that the operator does not know.
var priceListEngines = map[string]string{
	"aurora-postgresql": "Aurora PostgreSQL", "aurora-mysql": "Aurora MySQL",
	"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB",
}

// priceKeyFor returns what the prices of a target depend on, and false when they cannot be looked up.
func (t *topology) priceKeyFor(target scaling.Target, region string) (priceKey, bool) {
	p := priceKey{region: region, deployment: "Single-AZ"}
	var engine string
	if target.Kind == scaling.DBCluster {
		cluster := t.cluster(target.Identifier)
		engine, p.ioOptimized = aws.ToString(cluster.Engine), aws.ToString(cluster.StorageType) == "aurora-iopt1"
	} else {
		instance := t.instance(target.Identifier)
		engine = aws.ToString(instance.Engine)
		if aws.ToBool(instance.MultiAZ) {
			p.deployment = "Multi-AZ"
		}
	}
	if target.Kind == scaling.DBCluster && !isAurora(engine) {
		return p, false // the price list has no price per instance for a Multi-AZ DB cluster
	}
	name, known := priceListEngines[engine]
	p.engine = name
	return p, known
}

// priceListEntry holds the fields of a price list entry that are used (AWS Price List API reference, GetProducts).
type priceListEntry struct {
	Product struct {
		Attributes struct {
			InstanceType string `json:"instanceType"`
			UsageType    string `json:"usagetype"`
			LocationType string `json:"locationType"`
		} `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]struct {
				Unit         string            `json:"unit"`
				PricePerUnit map[string]string `json:"pricePerUnit"`
			} `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

// acuUsage and ioOptimizedACUUsage end the usage types of Aurora capacity units of Serverless v2.
const acuUsage, ioOptimizedACUUsage = "Aurora:ServerlessV2Usage", "Aurora:ServerlessV2IOOptimizedUsage"

// hourUnit and acuHourUnit are the units of the prices of instances and of Aurora capacity units.
const hourUnit, acuHourUnit = "Hrs", "ACU-Hr"

// locationTypeRegion is the location type of instances in a region itself.
const locationTypeRegion = "AWS Region"

// ioOptimizedUsage is part of the usage types of instances in I/O-Optimized clusters.
const ioOptimizedUsage = "IOOptimized"

// listPrices returns the hourly on-demand price by instance class, for Aurora with that of an Aurora capacity unit as
// scaling.PricePerACU. It leaves out a class with more than one price.
func listPrices(ctx context.Context, client pricing.GetProductsAPIClient, p priceKey) (map[string]scaling.Money, error) {
	prices, ambiguous := map[string]scaling.Money{}, map[string]bool{}
	addPrice := func(class string, entry priceListEntry, unit string) {
		price, known := entry.hourlyPrice(unit)
		if other, found := prices[class]; !known || found && other != price {
			ambiguous[class] = true
		}
		prices[class] = price
	}
	instances := []types.Filter{
		newFilter("productFamily", "Database Instance"), newFilter("regionCode", p.region), newFilter("databaseEngine", p.engine),
		newFilter("deploymentOption", p.deployment), newFilter("licenseModel", "No license required"),
	}
	err := forEachProduct(ctx, client, instances, func(entry priceListEntry) {
		attributes := entry.Product.Attributes
		if attributes.InstanceType != "" && strings.Contains(attributes.UsageType, ioOptimizedUsage) == p.ioOptimized {
			addPrice(attributes.InstanceType, entry, hourUnit)
		}
	})
	if err == nil && strings.HasPrefix(p.engine, "Aurora") {
		capacityUnits := []types.Filter{
			newFilter("productFamily", "ServerlessV2"), newFilter("regionCode", p.region), newFilter("databaseEngine", p.engine),
		}
		usage := acuUsage
		if p.ioOptimized {
			usage = ioOptimizedACUUsage
		}
		err = forEachProduct(ctx, client, capacityUnits, func(entry priceListEntry) {
			if strings.HasSuffix(entry.Product.Attributes.UsageType, usage) {
				addPrice(scaling.PricePerACU, entry, acuHourUnit)
			}
		})
	}
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(prices, func(class string, _ scaling.Money) bool { return ambiguous[class] })
	return prices, nil
}

func newFilter(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

// forEachProduct calls handle with each product of RDS in a Region itself that matches the filters. Entries of Outposts and Local Zones
// have another location type.
func forEachProduct(
	ctx context.Context, client pricing.GetProductsAPIClient, filters []types.Filter, handle func(priceListEntry),
) error {
	pages := pricing.NewGetProductsPaginator(client, &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonRDS"), FormatVersion: aws.String("aws_v1"), Filters: filters,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, text := range page.PriceList {
			var entry priceListEntry
			if err := json.Unmarshal([]byte(text), &entry); err != nil {
				return &awsError{
					cause: scaling.ErrUnavailable, operation: "pricing:GetProducts", err: err,
					detail: fmt.Sprintf("an entry of the price list cannot be decoded: %s", err),
				}
			}
			if location := entry.Product.Attributes.LocationType; location == "" || location == locationTypeRegion {
				handle(entry)
			}
		}
	}
	return nil
}

// hourlyPrice returns the on-demand price per hour in US dollars, and false when there is none in that unit or more than one.
func (e priceListEntry) hourlyPrice(unit string) (price scaling.Money, known bool) {
	for _, term := range e.Terms.OnDemand {
		for _, dimension := range term.PriceDimensions {
			money, err := scaling.ParseUSD(dimension.PricePerUnit["USD"])
			if err != nil || dimension.Unit != unit || money == 0 || known && money != price {
				return 0, false
			}
			price, known = money, true
		}
	}
	return price, known
}
