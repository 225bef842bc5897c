package scaling

// ClassPrice is what an hour of one instance of a class costs: as the policy says, or else as was observed. False when neither
// knows.
func ClassPrice(p *Policy, o *Observation, class string) (Money, bool) {
	if money, known := p.Prices[class]; known {
		return money, true
	}
	money, known := o.Prices[class]
	return money, known
}

// HourlyCost is what an hour of the whole target costs with a pool of another shape: all instances, those of the other pool
// as they are. False when the price of one of the classes is not known.
func HourlyCost(p *Policy, o *Observation, pool Pool, to Shape) (Money, bool) {
	pricePerInstance, known := ClassPrice(p, o, to.InstanceClass)
	total := Money(to.Count) * pricePerInstance
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer == (pool == Writer) {
			continue
		}
		money, priced := ClassPrice(p, o, i.Class)
		total += money
		known = known && priced
	}
	return total, known
}
