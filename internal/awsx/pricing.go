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
	// priceRetryInterval is how long after an error they are read again.
	priceRetryInterval = time.Hour
)

// PricingRegions are the regions that have an endpoint of the Pricing API (AWS Billing user guide, "AWS Price List API").
var PricingRegions = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// priceKey is what the price of a class depends on.
type priceKey struct {
	region, engine, deployment string
	// ioOptimized says that the cluster's storage is I/O-Optimized, with which instances cost more and requests nothing.
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

// priceListEngines is what the price list calls the engines whose price includes the licence. Of others the licence would have to be
// known.
var priceListEngines = map[string]string{
	"aurora-postgresql": "Aurora PostgreSQL", "aurora-mysql": "Aurora MySQL",
	"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB",
}

// priceKeyFor says what the prices of a target depend on, and false when they cannot be looked up.
func (t *topology) priceKeyFor(target scaling.Target, region string) (priceKey, bool) {
	p := priceKey{region: region, deployment: "Single-AZ"}
	var engine string
	if target.Kind == scaling.DBCluster {
		cluster := t.clusters[target.Identifier]
		engine, p.ioOptimized = aws.ToString(cluster.Engine), aws.ToString(cluster.StorageType) == "aurora-iopt1"
	} else {
		instance := t.instances[target.Identifier]
		engine = aws.ToString(instance.Engine)
		if aws.ToBool(instance.MultiAZ) {
			p.deployment = "Multi-AZ"
		}
	}
	if target.Kind == scaling.DBCluster && !isAurora(engine) {
		return p, false // a Multi-AZ DB cluster is sold as a whole, and prices are of instances
	}
	name, known := priceListEngines[engine]
	p.engine = name
	return p, known
}

// priceListEntry is the part of an entry of the price list that is read (AWS Price List API reference, GetProducts).
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

// locationTypeRegion is the location of what runs in a region itself.
const locationTypeRegion = "AWS Region"

// ioOptimizedUsage marks the usage types of instances of I/O-Optimized clusters.
const ioOptimizedUsage = "IOOptimized"

// listPrices reads what an hour of each class costs. A class for which the list has two prices is left out: nobody may guess.
func listPrices(ctx context.Context, client pricing.GetProductsAPIClient, p priceKey) (map[string]scaling.Money, error) {
	filter := func(field, value string) types.Filter {
		return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
	}
	pages := pricing.NewGetProductsPaginator(client, &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonRDS"), FormatVersion: aws.String("aws_v1"),
		Filters: []types.Filter{
			filter("productFamily", "Database Instance"), filter("regionCode", p.region), filter("databaseEngine", p.engine),
			filter("deploymentOption", p.deployment), filter("licenseModel", "No license required"),
		},
	})
	found, doubtful := map[string]scaling.Money{}, map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, text := range page.PriceList {
			var l priceListEntry
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				return nil, fmt.Errorf("%w: an entry of the price list cannot be read: %w", scaling.ErrUnavailable, err)
			}
			a := l.Product.Attributes
			class := a.InstanceType
			elsewhere := a.LocationType != "" && a.LocationType != locationTypeRegion // on Outposts and in Local Zones
			if class == "" || elsewhere || strings.Contains(a.UsageType, ioOptimizedUsage) != p.ioOptimized {
				continue
			}
			price, known := l.hourlyPrice()
			if before, twice := found[class]; !known || twice && before != price {
				doubtful[class] = true
			}
			found[class] = price
		}
	}
	maps.DeleteFunc(found, func(class string, _ scaling.Money) bool { return doubtful[class] })
	return found, nil
}

// hourlyPrice is the one price of an hour in dollars, and false when there is none or more than one.
func (l priceListEntry) hourlyPrice() (price scaling.Money, known bool) {
	for _, term := range l.Terms.OnDemand {
		for _, dimension := range term.PriceDimensions {
			money, err := scaling.ParseUSD(dimension.PricePerUnit["USD"])
			if err != nil || dimension.Unit != "Hrs" || money == 0 || known && money != price {
				return 0, false
			}
			price, known = money, true
		}
	}
	return price, known
}
