package decide

import (
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// market says how the candidates of a pool compare in cost.
type market struct {
	// inMoney says that every class in question has a price. Otherwise cost is counted in vCPUs, to which prices within a
	// family are proportional, and other families cannot be compared.
	inMoney bool
	// home is the family of the largest of the present instances; empty without any, or when none of the ladder is of it.
	home string
	// now is what the pool costs: in millionths of a dollar an hour, or in vCPUs.
	now float64
}

func newMarket(p *scaling.Policy, o *scaling.Observation, all []member, classes []rung) market {
	m := market{inMoney: true}
	most := 0.0
	for n := range all {
		money, known := scaling.Price(p, o, all[n].Class)
		m.inMoney = m.inMoney && known
		m.now += float64(money)
		if class, err := catalog.Lookup(all[n].Class); err == nil && all[n].vcpus > most {
			most, m.home = all[n].vcpus, class.Family
		}
	}
	athome := false
	for _, r := range classes {
		m.inMoney = m.inMoney && r.priced
		athome = athome || r.class.Family == m.home
	}
	if !athome {
		m.home = ""
	}
	if !m.inMoney {
		m.now = capacity(all)
	}
	return m
}

// cost compares shapes: of two that would do, the one that costs less is better.
func (m market) cost(c *candidate) float64 {
	if m.inMoney {
		return float64(c.Price)
	}
	return c.VCPUs
}

// foreign says whether nobody knows how the price of a class compares with the present one's.
func (m market) foreign(r rung) bool { return !m.inMoney && m.home != "" && r.class.Family != m.home }
