package scaling

// ClassPrice is the hourly price of one instance of a class: that of the policy, or else the observed one; false when neither
// has it.
func ClassPrice(p *Policy, o *Observation, class string) (Money, bool) {
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
