package view

import (
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// cost is the price of the present instances, and of those after the change that is in progress or decided.
func (b *builder) cost() Cost {
	var out Cost
	if budget := b.policy.Guardrails.MaxHourlyCost; budget > 0 {
		out.BudgetUSD = dollars(budget)
	}
	o := b.observation
	o.Prices = b.prices()
	if len(o.Instances) == 0 {
		return out
	}
	total := scaling.Money(0)
	for n := range o.Instances {
		class := o.Instances[n].Class
		price, known := scaling.ClassPrice(&b.policy, &o, class)
		if !known && !slices.Contains(out.UnpricedClasses, class) {
			out.UnpricedClasses = append(out.UnpricedClasses, class)
		}
		total += price
	}
	if len(out.UnpricedClasses) > 0 {
		return out
	}
	out.HourlyUSD = dollars(total)
	pool, to, changes := b.change()
	if !changes || pool == scaling.MinCapacity {
		return out
	}
	if after, known := scaling.HourlyCost(&b.policy, &o, pool, to); known {
		out.AfterUSD = dollars(after)
	} else {
		out.UnpricedClasses = append(out.UnpricedClasses, to.InstanceClass)
	}
	if b.operation != nil {
		if before, known := scaling.HourlyCost(&b.policy, &o, pool, b.operation.From); known {
			out.BeforeUSD = dollars(before)
		}
	}
	return out
}

// change is the pool that changes and its next shape, by the operation in progress or else by the decision.
func (b *builder) change() (scaling.Pool, scaling.Shape, bool) {
	if b.operation != nil {
		return b.operation.Pool, b.operation.To, true
	}
	d := b.status.Decision
	if d == nil || d.Desired == nil || d.Desired.Replicas == nil {
		return "", scaling.Shape{}, false
	}
	return scaling.Pool(d.Pool), scaling.Shape{InstanceClass: d.Desired.InstanceClass, Count: int(*d.Desired.Replicas)}, true
}

// prices are the hourly prices of one instance by class that are known besides those of the spec: the observed ones, or those that the
// candidates of the decision show.
func (b *builder) prices() map[string]scaling.Money {
	if len(b.observation.Prices) > 0 {
		return b.observation.Prices
	}
	prices := map[string]scaling.Money{}
	if d := b.status.Decision; d != nil {
		for _, a := range d.Alternatives {
			total, err := scaling.ParseUSD(a.HourlyCostUSD)
			if err == nil && a.Shape.InstanceClass != "" && a.Shape.Replicas != nil && *a.Shape.Replicas > 0 {
				prices[a.Shape.InstanceClass] = total / scaling.Money(*a.Shape.Replicas)
			}
		}
	}
	return prices
}
