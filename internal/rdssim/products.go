package rdssim

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// pricedRegion is a region that has prices, with the prefix of its usage types.
type pricedRegion struct{ code, prefix string }

// pricedRegions have prices; the simulated prices are the same in each.
var pricedRegions = []pricedRegion{
	{"us-east-1", ""}, {"us-east-2", "USE2-"}, {"us-west-1", "USW1-"}, {"us-west-2", "USW2-"}, {"ca-central-1", "CAN1-"},
	{"sa-east-1", "SAE1-"}, {"eu-west-1", "EU-"}, {"eu-west-2", "EUW2-"}, {"eu-west-3", "EUW3-"}, {"eu-central-1", "EUC1-"},
	{"eu-north-1", "EUN1-"}, {"ap-northeast-1", "APN1-"}, {"ap-southeast-1", "APS1-"}, {"ap-southeast-2", "APS2-"},
	{"ap-south-1", "APS3-"},
}

// pricedEngines are the engines that have prices, by the names of the price list. Oracle and SQL Server have none here: their
// prices depend on editions and licences.
var pricedEngines = []struct{ engine, name string }{
	{"aurora-postgresql", "Aurora PostgreSQL"}, {"aurora-mysql", "Aurora MySQL"}, {"postgres", "PostgreSQL"}, {"mysql", "MySQL"},
	{"mariadb", "MariaDB"},
}

// The deployment options, and the storage of the two products that Aurora has of a class.
const (
	singleAZ, multiAZ            = "Single-AZ", "Multi-AZ"
	plainStorage, optimizedStore = "EBS Only", "Aurora IO Optimization Mode"
)

// The prices are simulated. They double with size as AWS's do, and are near two that are known: Aurora PostgreSQL on
// db.r6g.large at 0.26 USD an hour, and PostgreSQL on db.t3.micro at 0.018.
var (
	// hourly is USD an hour of a vCPU on x86, by the letter that a family begins with.
	hourly = map[byte]float64{'c': 0.078, 'm': 0.0885, 'r': 0.128, 'x': 0.27, 'z': 0.17}
	// hourlyElse is that of other families.
	hourlyElse = 0.1
	// burstableGiB is USD an hour of a GiB of the t families, whose small sizes have as many vCPUs as larger ones.
	burstableGiB = 0.018
)

// What multiplies a price: Graviton, Aurora, its I/O-Optimized storage, and a standby.
const (
	armFactor, auroraFactor, optimizedFactor, multiAZFactor = 0.9, 1.13, 1.3, 2
)

// product is one instance class for one engine, in one region and deployment.
type product struct {
	region             pricedRegion
	engine, name       string
	class              catalog.Class
	deployment         string
	optimized          bool
	usagetype, storage string
}

// products yields each product, in the same order every time.
func products(yield func(product) bool) {
	classes := catalog.All()
	for _, region := range pricedRegions {
		for _, e := range pricedEngines {
			aurora := strings.HasPrefix(e.engine, "aurora")
			for _, c := range classes {
				if !c.Supports(e.engine) {
					continue
				}
				p := product{
					region: region, engine: e.engine, name: e.name, class: c, deployment: singleAZ, storage: plainStorage,
					usagetype: region.prefix + "InstanceUsage:" + c.Name,
				}
				other := p
				if aurora {
					other.optimized, other.storage, other.usagetype = true, optimizedStore, region.prefix+"InstanceUsageIOOptimized:"+c.Name
				} else {
					other.deployment, other.usagetype = multiAZ, region.prefix+"Multi-AZUsage:"+c.Name
				}
				if !yield(p) || !yield(other) {
					return
				}
			}
		}
	}
}

// price is in USD an hour.
func (p product) price() float64 {
	family := p.class.Family
	price := hourlyElse
	if known, ok := hourly[family[0]]; ok {
		price = known
	}
	price *= float64(p.class.VCPU)
	if p.class.Burstable {
		price = burstableGiB * float64(p.class.MemoryBytes) / (1 << 30)
	}
	if p.class.Architecture == "arm64" {
		price *= armFactor
	}
	if strings.HasPrefix(p.engine, "aurora") {
		price *= auroraFactor
	}
	if p.optimized {
		price *= optimizedFactor
	}
	if p.deployment == multiAZ {
		price *= multiAZFactor
	}
	return math.Round(price*1e4) / 1e4
}

// productFields are what products can be filtered by.
var productFields = []string{
	"databaseEngine", "deploymentOption", "instanceType", "licenseModel", "productFamily", "regionCode", "servicecode", "storage",
	"usagetype",
}

// attribute is one of the productFields.
func (p product) attribute(field string) string {
	switch field {
	case "databaseEngine":
		return p.name
	case "deploymentOption":
		return p.deployment
	case "instanceType":
		return p.class.Name
	case "licenseModel":
		return "No license required"
	case "productFamily":
		return "Database Instance"
	case "regionCode":
		return p.region.code
	case "servicecode":
		return rdsServiceCode
	case "storage":
		return p.storage
	default:
		return p.usagetype
	}
}

// passes says whether a product has what every filter asks for. The price list compares without regard to case.
func (p product) passes(filters []productFilter) bool {
	for _, f := range filters {
		if !strings.EqualFold(p.attribute(f.Field), f.Value) {
			return false
		}
	}
	return true
}

// The offer term and rate codes of on-demand prices by the hour, which are the same for every product.
const (
	onDemandTerm = "JRTCKXETXF"
	hourlyRate   = "6YS6EN2CT7"
)

// The documents are named as the price list has them (Price List API reference, "Reading the price list file").
type (
	productDocument struct {
		Product     productElement         `json:"product"`
		ServiceCode string                 `json:"serviceCode"`
		Terms       map[string]onDemandMap `json:"terms"`
	}
	productElement struct {
		SKU           string            `json:"sku"`
		ProductFamily string            `json:"productFamily"`
		Attributes    map[string]string `json:"attributes"`
	}
	onDemandMap map[string]termElement
	termElement struct {
		SKU             string                      `json:"sku"`
		OfferTermCode   string                      `json:"offerTermCode"`
		EffectiveDate   string                      `json:"effectiveDate"`
		PriceDimensions map[string]dimensionOfPrice `json:"priceDimensions"`
	}
	dimensionOfPrice struct {
		RateCode     string            `json:"rateCode"`
		Description  string            `json:"description"`
		Unit         string            `json:"unit"`
		BeginRange   string            `json:"beginRange"`
		EndRange     string            `json:"endRange"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	}
)

// document is a product as the price list has it.
func (p product) document() productDocument {
	attributes := map[string]string{
		"vcpu": strconv.Itoa(p.class.VCPU), "memory": fmt.Sprintf("%g GiB", float64(p.class.MemoryBytes)/(1<<30)),
		"instanceTypeFamily": strings.ToUpper(p.class.Family), "locationType": "AWS Region",
		"servicename": "Amazon Relational Database Service",
	}
	for _, field := range productFields {
		if field != "productFamily" { // which stands beside the attributes
			attributes[field] = p.attribute(field)
		}
	}
	sku, price := p.sku(), p.price()
	term := sku + "." + onDemandTerm
	rate := term + "." + hourlyRate
	return productDocument{
		ServiceCode: rdsServiceCode,
		Product:     productElement{SKU: sku, ProductFamily: p.attribute("productFamily"), Attributes: attributes},
		Terms: map[string]onDemandMap{"OnDemand": {term: {
			SKU: sku, OfferTermCode: onDemandTerm, EffectiveDate: "2024-01-01T00:00:00Z",
			PriceDimensions: map[string]dimensionOfPrice{rate: {
				RateCode: rate, Unit: "Hrs", BeginRange: "0", EndRange: "Inf",
				Description: fmt.Sprintf("$%g per RDS %s %s instance hour (or partial hour) running %s (simulated)",
					price, p.class.Name, p.deployment, p.name),
				PricePerUnit: map[string]string{"USD": strconv.FormatFloat(price, 'f', 10, 64)},
			}},
		}}},
	}
}

// sku is unique to a product.
func (p product) sku() string {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, p.region.code, "/", p.engine, "/", p.usagetype) // a hash takes everything
	return fmt.Sprintf("%016X", hash.Sum64())
}
