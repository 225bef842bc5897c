package rdssim

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// pricedRegion is a region that has prices. usagePrefix begins its usage types.
type pricedRegion struct{ code, usagePrefix string }

// pricedRegions are the regions with prices. The simulated prices are the same in all of them.
var pricedRegions = []pricedRegion{
	{"us-east-1", ""}, {"us-east-2", "USE2-"}, {"us-west-1", "USW1-"}, {"us-west-2", "USW2-"}, {"ca-central-1", "CAN1-"},
	{"sa-east-1", "SAE1-"}, {"eu-west-1", "EU-"}, {"eu-west-2", "EUW2-"}, {"eu-west-3", "EUW3-"}, {"eu-central-1", "EUC1-"},
	{"eu-north-1", "EUN1-"}, {"ap-northeast-1", "APN1-"}, {"ap-southeast-1", "APS1-"}, {"ap-southeast-2", "APS2-"},
	{"ap-south-1", "APS3-"},
}

// pricedEngines are the engines with prices, and their names in the price list. Oracle and SQL Server have none, because their
// prices depend on editions and licenses.
var pricedEngines = []struct{ engine, databaseEngine string }{
	{"aurora-postgresql", "Aurora PostgreSQL"}, {"aurora-mysql", "Aurora MySQL"}, {"postgres", "PostgreSQL"}, {"mysql", "MySQL"},
	{"mariadb", "MariaDB"},
}

// The deployment options, and the storage attributes of the two products of a class for Aurora.
const (
	singleAZ, multiAZ              = "Single-AZ", "Multi-AZ"
	ebsStorage, ioOptimizedStorage = "EBS Only", "Aurora IO Optimization Mode"
)

// The prices are simulated. As in AWS they double with size. They are close to two known prices: Aurora PostgreSQL on
// db.r6g.large at 0.26 USD per hour, and PostgreSQL on db.t3.micro at 0.018.
var (
	// vcpuHourPriceUSD is the price of a vCPU hour on x86, by the first letter of the family.
	vcpuHourPriceUSD = map[byte]float64{'c': 0.078, 'm': 0.0885, 'r': 0.128, 'x': 0.27, 'z': 0.17}
	// defaultVCPUHourPriceUSD is the price for other families.
	defaultVCPUHourPriceUSD = 0.1
	// burstableGiBHourPriceUSD is the price of a GiB hour for the t families, whose small sizes have as many vCPUs as larger
	// ones.
	burstableGiBHourPriceUSD = 0.018
	// acuHourPriceUSD is the price of an Aurora capacity unit.
	acuHourPriceUSD = 0.12
)

// The factors on a price: Graviton, Aurora, its I/O-Optimized storage, and a standby.
const (
	armFactor, auroraFactor, ioOptimizedFactor, multiAZFactor = 0.9, 1.13, 1.3, 2
)

// product is an instance class for an engine, in a region and with a deployment option.
type product struct {
	region                 pricedRegion
	engine, databaseEngine string
	class                  catalog.Class
	deployment             string
	ioOptimized            bool
	usageType, storage     string
	// isServerless says that it is an Aurora capacity unit of Serverless v2 instead of an instance class.
	isServerless bool
}

// allProducts yields all products in a fixed order.
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
					region: region, engine: e.engine, databaseEngine: e.databaseEngine, class: class, deployment: singleAZ, storage: ebsStorage,
					usageType: region.usagePrefix + "InstanceUsage:" + class.Name,
				}
				variant := p
				if aurora {
					variant.ioOptimized, variant.storage = true, ioOptimizedStorage
					variant.usageType = region.usagePrefix + "InstanceUsageIOOptimized:" + class.Name
				} else {
					variant.deployment, variant.usageType = multiAZ, region.usagePrefix+"Multi-AZUsage:"+class.Name
				}
				if !yield(p) || !yield(variant) {
					return
				}
			}
			if !aurora {
				continue
			}
			acu := product{
				region: region, engine: e.engine, databaseEngine: e.databaseEngine, isServerless: true,
				usageType: region.usagePrefix + "Aurora:ServerlessV2Usage",
			}
			variant := acu
			variant.ioOptimized, variant.usageType = true, region.usagePrefix+"Aurora:ServerlessV2IOOptimizedUsage"
			if !yield(acu) || !yield(variant) {
				return
			}
		}
	}
}

// hourlyPriceUSD returns the price in USD per hour.
func (p product) hourlyPriceUSD() float64 {
	if p.isServerless {
		if p.ioOptimized {
			return ioOptimizedFactor * acuHourPriceUSD
		}
		return acuHourPriceUSD
	}
	family := p.class.Family
	price := defaultVCPUHourPriceUSD
	if familyPrice, ok := vcpuHourPriceUSD[family[0]]; ok {
		price = familyPrice
	}
	price *= p.class.VCPU
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

// productFields are the fields by which products can be filtered.
var productFields = []string{
	"databaseEngine", "deploymentOption", "instanceType", "licenseModel", "productFamily", "regionCode", "servicecode", "storage",
	"usagetype",
}

// attribute returns the value of one of the productFields.
func (p product) attribute(field string) string {
	switch field {
	case "databaseEngine":
		return p.databaseEngine
	case "deploymentOption":
		return p.deployment
	case "instanceType":
		return p.class.Name
	case "licenseModel":
		if p.isServerless {
			return ""
		}
		return "No license required"
	case "productFamily":
		if p.isServerless {
			return "ServerlessV2"
		}
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

// matches reports whether a product matches all filters. The price list ignores case.
func (p product) matches(filters []productFilter) bool {
	for _, f := range filters {
		if !strings.EqualFold(p.attribute(f.Field), f.Value) {
			return false
		}
	}
	return true
}

// The offer term code and the rate code of hourly on-demand prices. They are the same for all products.
const (
	onDemandTermCode = "JRTCKXETXF"
	hourlyRateCode   = "6YS6EN2CT7"
)

// The documents have the field names of the price list (Price List API reference, "Reading the price list file").
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

// priceListDocument returns the product as a document of the price list.
func (p product) priceListDocument() productDocument {
	attributes := map[string]string{
		"vcpu": strconv.FormatFloat(p.class.VCPU, 'f', -1, 64), "memory": fmt.Sprintf("%g GiB", float64(p.class.MemoryBytes)/(1<<30)),
		"instanceTypeFamily": strings.ToUpper(p.class.Family), "locationType": "AWS Region",
		"servicename": "Amazon Relational Database Service",
	}
	for _, field := range productFields {
		if field != "productFamily" && p.attribute(field) != "" { // the family is a field of its own in the document
			attributes[field] = p.attribute(field)
		}
	}
	if p.isServerless {
		delete(attributes, "vcpu")
		delete(attributes, "memory")
		delete(attributes, "instanceTypeFamily")
	}
	sku, price, unit := p.sku(), p.hourlyPriceUSD(), "Hrs"
	if p.isServerless {
		unit = "ACU-Hr"
	}
	term := sku + "." + onDemandTermCode
	rate := term + "." + hourlyRateCode
	return productDocument{
		ServiceCode: rdsServiceCode,
		Product:     productElement{SKU: sku, ProductFamily: p.attribute("productFamily"), Attributes: attributes},
		Terms: map[string]offerTerms{"OnDemand": {term: {
			SKU: sku, OfferTermCode: onDemandTermCode, EffectiveDate: "2024-01-01T00:00:00Z",
			PriceDimensions: map[string]priceDimension{rate: {
				RateCode: rate, Unit: unit, BeginRange: "0", EndRange: "Inf",
				Description: fmt.Sprintf("$%g per RDS %s %s instance hour (or partial hour) running %s (simulated)",
					price, p.class.Name, p.deployment, p.databaseEngine),
				PricePerUnit: map[string]string{"USD": strconv.FormatFloat(price, 'f', 10, 64)},
			}},
		}}},
	}
}

// sku returns a unique ID of the product.
func (p product) sku() string {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, p.region.code, "/", p.engine, "/", p.usageType) // a hash never returns an error
	return fmt.Sprintf("%016X", hash.Sum64())
}
