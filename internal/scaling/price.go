package scaling

import (
	"math"
	"strconv"
	"strings"
)

// PricePerACU is the class under which prices have the hourly price of one Aurora capacity unit (ACU) of Aurora Serverless v2.
const PricePerACU = "db.serverless"

// parseACUs returns a capacity of Aurora Serverless v2, in ACUs, from its form as a class (catalog.ServerlessClassName).
func parseACUs(class string) (float64, bool) {
	number, found := strings.CutSuffix(class, " ACU")
	if !found { // almost always: parsing would make an error of it
		return 0, false
	}
	acus, err := strconv.ParseFloat(number, 64)
	return acus, err == nil
}

// ClassPrice is the hourly price of one instance of a class: that of the policy, or else the observed one; false when neither
// has it. The price of a maximum capacity of Aurora Serverless v2 is that of an instance which uses all of it.
func ClassPrice(p *Policy, o *Observation, class string) (Money, bool) {
	if acus, isCapacity := parseACUs(class); isCapacity {
		price, known := ClassPrice(p, o, PricePerACU)
		return Money(math.Round(acus * float64(price))), known
	}
	if price, known := p.Prices[class]; known {
		return price, true
	}
	price, known := o.Prices[class]
	return price, known
}

// HourlyCost is the hourly price of all instances of the target if a pool had another shape; false when the price of one of the
// classes is not known.
func HourlyCost(p *Policy, o *Observation, pool Pool, to Shape) (Money, bool) {
	pricePerInstance, known := ClassPrice(p, o, to.InstanceClass)
	total := Money(to.Count) * pricePerInstance
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer == (pool == Writer) {
			continue
		}
		price, priceKnown := ClassPrice(p, o, i.Class)
		total += price
		known = known && priceKnown
	}
	return total, known
}
