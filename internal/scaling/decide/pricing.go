package decide

import "github.com/dbscaler/dbscaler/internal/scaling"

// pricing compares the candidates of a pool by cost.
type pricing struct {
	// pricesKnown says that every current class and every class of the ladder has a price. Otherwise cost is counted in vCPUs,
	// since prices within a family are proportional to them, and families cannot be compared.
	pricesKnown bool
	// currentFamily is the family of the largest current instance; empty without instances, or when no class of the ladder is of
	// that family.
	currentFamily string
	// currentCost is the cost of the pool now: in millionths of a US dollar per hour, or in vCPUs.
	currentCost float64
}

// newPricing compares the classes of the ladder with those of the current instances.
func newPricing(p *scaling.Policy, o *scaling.Observation, instances []poolInstance, ladder []ladderClass) pricing {
	result := pricing{pricesKnown: true}
	largest := 0.0
	for n := range instances {
		price, known := scaling.ClassPrice(p, o, instances[n].Class)
		result.pricesKnown = result.pricesKnown && known
		result.currentCost += float64(price)
		if instances[n].vcpus > largest {
			largest, result.currentFamily = instances[n].vcpus, instances[n].family
		}
	}
	familyOnLadder := false
	for n := range ladder {
		class := &ladder[n]
		result.pricesKnown = result.pricesKnown && class.priceKnown
		familyOnLadder = familyOnLadder || class.spec.Family == result.currentFamily
	}
	if !familyOnLadder {
		result.currentFamily = ""
	}
	if !result.pricesKnown {
		result.currentCost = totalVCPUs(instances)
	}
	return result
}

// cost is the cost of a candidate, in the unit of currentCost.
func (p *pricing) cost(c *candidate) float64 {
	if p.pricesKnown {
		return float64(c.HourlyCost)
	}
	return c.VCPUs
}

// isIncomparable reports whether the price of a class cannot be compared with that of the current classes: it is of another
// family, and prices are missing.
func (p *pricing) isIncomparable(class *ladderClass) bool {
	return !p.pricesKnown && p.currentFamily != "" && class.spec.Family != p.currentFamily
}
