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
type pricedRegion struct{ code, usagePrefix string }

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
	singleAZ, multiAZ              = "Single-AZ", "Multi-AZ"
	ebsStorage, ioOptimizedStorage = "EBS Only", "Aurora IO Optimization Mode"
)

// The prices are simulated. They double with size as AWS's do, and are near two that are known: Aurora PostgreSQL on
// db.r6g.large at 0.26 USD an hour, and PostgreSQL on db.t3.micro at 0.018.
var (
	// vcpuHourPriceUSD is USD an hour of a vCPU on x86, by the letter that a family begins with.
	vcpuHourPriceUSD = map[byte]float64{'c': 0.078, 'm': 0.0885, 'r': 0.128, 'x': 0.27, 'z': 0.17}
	// defaultVCPUHourPriceUSD is that of other families.
	defaultVCPUHourPriceUSD = 0.1
	// burstableGiBHourPriceUSD is USD an hour of a GiB of the t families, whose small sizes have as many vCPUs as larger ones.
	burstableGiBHourPriceUSD = 0.018
)

// What multiplies a price: Graviton, Aurora, its I/O-Optimized storage, and a standby.
const (
	armFactor, auroraFactor, ioOptimizedFactor, multiAZFactor = 0.9, 1.13, 1.3, 2
)

// product is one instance class for one engine, in one region and deployment.
type product struct {
	region                 pricedRegion
	engine, databaseEngine string
	class                  catalog.Class
	deployment             string
	ioOptimized            bool
	usageType, storage     string
}

// allProducts yields each product, in the same order every time.
func allProducts(yield func(product) bool) {
	classes := catalog.All()
	for _, region := range pricedRegions {
		for _, e := range pricedEngines {
			aurora := strings.HasPrefix(e.engine, "aurora")
			for _, class := range classes {
				if !class.Supports(e.engine) {
					continue
				}
				p := product{
					region: region, engine: e.engine, databaseEngine: e.name, class: class, deployment: singleAZ, storage: ebsStorage,
					usageType: region.usagePrefix + "InstanceUsage:" + class.Name,
				}
				variant := p
				if aurora {
					variant.ioOptimized, variant.storage, variant.usageType = true, ioOptimizedStorage, region.usagePrefix+"InstanceUsageIOOptimized:"+class.Name
				} else {
					variant.deployment, variant.usageType = multiAZ, region.usagePrefix+"Multi-AZUsage:"+class.Name
				}
				if !yield(p) || !yield(variant) {
					return
				}
			}
		}
	}
}

// hourlyPriceUSD is in USD an hour.
func (p product) hourlyPriceUSD() float64 {
	family := p.class.Family
	price := defaultVCPUHourPriceUSD
	if familyPrice, ok := vcpuHourPriceUSD[family[0]]; ok {
		price = familyPrice
	}
	price *= float64(p.class.VCPU)
	if p.class.Burstable {
		price = burstableGiBHourPriceUSD * float64(p.class.MemoryBytes) / (1 << 30)
	}
	if p.class.Architecture == "arm64" {
		price *= armFactor
	}
	if strings.HasPrefix(p.engine, "aurora") {
		price *= auroraFactor
	}
	if p.ioOptimized {
		price *= ioOptimizedFactor
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
		return p.databaseEngine
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
		return p.usageType
	}
}

// matches says whether a product has what every filter asks for. The price list compares without regard to case.
func (p product) matches(filters []productFilter) bool {
	for _, f := range filters {
		if !strings.EqualFold(p.attribute(f.Field), f.Value) {
			return false
		}
	}
	return true
}

// The offer term and rate codes of on-demand prices by the hour, which are the same for every product.
const (
	onDemandTermCode = "JRTCKXETXF"
	hourlyRateCode   = "6YS6EN2CT7"
)

// The documents are named as the price list has them (Price List API reference, "Reading the price list file").
type (
	productDocument struct {
		Product     productElement        `json:"product"`
		ServiceCode string                `json:"serviceCode"`
		Terms       map[string]offerTerms `json:"terms"`
	}
	productElement struct {
		SKU           string            `json:"sku"`
		ProductFamily string            `json:"productFamily"`
		Attributes    map[string]string `json:"attributes"`
	}
	offerTerms map[string]offerTerm
	offerTerm  struct {
		SKU             string                    `json:"sku"`
		OfferTermCode   string                    `json:"offerTermCode"`
		EffectiveDate   string                    `json:"effectiveDate"`
		PriceDimensions map[string]priceDimension `json:"priceDimensions"`
	}
	priceDimension struct {
		RateCode     string            `json:"rateCode"`
		Description  string            `json:"description"`
		Unit         string            `json:"unit"`
		BeginRange   string            `json:"beginRange"`
		EndRange     string            `json:"endRange"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	}
)

// priceListDocument is a product as the price list has it.
func (p product) priceListDocument() productDocument {
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
	sku, price := p.sku(), p.hourlyPriceUSD()
	term := sku + "." + onDemandTermCode
	rate := term + "." + hourlyRateCode
	return productDocument{
		ServiceCode: rdsServiceCode,
		Product:     productElement{SKU: sku, ProductFamily: p.attribute("productFamily"), Attributes: attributes},
		Terms: map[string]offerTerms{"OnDemand": {term: {
			SKU: sku, OfferTermCode: onDemandTermCode, EffectiveDate: "2024-01-01T00:00:00Z",
			PriceDimensions: map[string]priceDimension{rate: {
				RateCode: rate, Unit: "Hrs", BeginRange: "0", EndRange: "Inf",
				Description: fmt.Sprintf("$%g per RDS %s %s instance hour (or partial hour) running %s (simulated)",
					price, p.class.Name, p.deployment, p.databaseEngine),
				PricePerUnit: map[string]string{"USD": strconv.FormatFloat(price, 'f', 10, 64)},
			}},
		}}},
	}
}

// sku is unique to a product.
func (p product) sku() string {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, p.region.code, "/", p.engine, "/", p.usageType) // a hash takes everything
	return fmt.Sprintf("%016X", hash.Sum64())
}
