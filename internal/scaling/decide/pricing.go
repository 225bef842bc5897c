package decide

import (
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// pricing says how the candidates of a pool compare in cost.
type pricing struct {
	// pricesKnown says that every class in question has a price. Otherwise cost is counted in vCPUs, to which prices within a
	// family are proportional, and other families cannot be compared.
	pricesKnown bool
	// currentFamily is the family of the largest of the present instances; empty without any, or when none of the ladder is of it.
	currentFamily string
	// currentCost is what the pool costs: in millionths of a dollar an hour, or in vCPUs.
	currentCost float64
}

func newPricing(p *scaling.Policy, o *scaling.Observation, instances []poolInstance, ladder []ladderClass) pricing {
	m := pricing{pricesKnown: true}
	most := 0.0
	for n := range instances {
		money, known := scaling.ClassPrice(p, o, instances[n].Class)
		m.pricesKnown = m.pricesKnown && known
		m.currentCost += float64(money)
		if class, err := catalog.Lookup(instances[n].Class); err == nil && instances[n].vcpus > most {
			most, m.currentFamily = instances[n].vcpus, class.Family
		}
	}
	familyOnLadder := false
	for _, r := range ladder {
		m.pricesKnown = m.pricesKnown && r.priceKnown
		familyOnLadder = familyOnLadder || r.spec.Family == m.currentFamily
	}
	if !familyOnLadder {
		m.currentFamily = ""
	}
	if !m.pricesKnown {
		m.currentCost = totalVCPUs(instances)
	}
	return m
}

// cost compares shapes: of two that would do, the one that costs less is better.
func (m pricing) cost(c *candidate) float64 {
	if m.pricesKnown {
		return float64(c.HourlyCost)
	}
	return c.VCPUs
}

// isIncomparable says whether nobody knows how the price of a class compares with the present one's.
func (m pricing) isIncomparable(r ladderClass) bool {
	return !m.pricesKnown && m.currentFamily != "" && r.spec.Family != m.currentFamily
}
