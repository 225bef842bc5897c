// Package pricelist reads instance prices from a file, for installations that do not use the Pricing API or that pay
// contract prices.
package pricelist

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// priceEntry is the hourly price of an instance class.
type priceEntry struct {
	// InstanceClass is the class, for example db.r6g.large.
	InstanceClass string `json:"instanceClass"`
	// HourlyPriceUSD is the price in US dollars, for example "0.26".
	HourlyPriceUSD string `json:"hourlyPriceUSD"`
	// Region and Engine limit the entry to one of each; empty means any.
	Region string `json:"region,omitempty"`
	Engine string `json:"engine,omitempty"`

	hourlyPrice scaling.Money
}

// List holds the prices of a file. It reads the file again after a change. It is safe for concurrent use.
type List struct {
	path string
	log  logr.Logger

	mu         sync.Mutex
	modifiedAt time.Time
	entries    []priceEntry
}

// Open reads a price list. The error names the path and, for an invalid entry, its index and field.
func Open(path string, log logr.Logger) (*List, error) {
	l := &List{path: path, log: log}
	return l, l.reload()
}

// ClassPrices returns the hourly prices for an engine in a region, by instance class. Of several entries for a class the last
// one applies. When the changed file cannot be read, the previous prices stay in force.
func (l *List) ClassPrices(region, engine string) map[string]scaling.Money {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.reload(); err != nil {
		l.log.Error(err, "cannot read the price list: the previous prices stay in force")
	}
	prices := map[string]scaling.Money{}
	for _, e := range l.entries {
		if (e.Region == "" || e.Region == region) && (e.Engine == "" || e.Engine == engine) {
			prices[e.InstanceClass] = e.hourlyPrice
		}
	}
	return prices
}

// reload reads the file if its modification time differs from that of the last read.
func (l *List) reload() error {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(l.modifiedAt) {
		return nil
	}
	l.modifiedAt = info.ModTime() // also for an invalid file, so that the error is logged once
	text, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	entries, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	l.entries = entries
	return nil
}

func parse(text []byte) ([]priceEntry, error) {
	var file struct {
		Prices []priceEntry `json:"prices"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, err
	}
	for n := range file.Prices {
		e := &file.Prices[n]
		if _, err := catalog.Lookup(e.InstanceClass); err != nil && e.InstanceClass != scaling.PricePerACU {
			return nil, fmt.Errorf("prices[%d].instanceClass: %w", n, err)
		}
		price, err := scaling.ParseUSD(e.HourlyPriceUSD)
		if err != nil || price == 0 {
			return nil, fmt.Errorf("prices[%d].hourlyPriceUSD: the price %q of %s is not an amount in US dollars above zero, such as 0.26",
				n, e.HourlyPriceUSD, e.InstanceClass)
		}
		e.hourlyPrice = price
	}
	return file.Prices, nil
}
