// Package pricelist reads what instances cost from a file of the installation, for where the Pricing API is not to be asked
// or a contract says otherwise.
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

// priceEntry is what an hour of one instance of a class costs.
type priceEntry struct {
	// InstanceClass is the class, for example db.r6g.large.
	InstanceClass string `json:"instanceClass"`
	// HourlyPriceUSD is the price in US dollars, for example "0.26".
	HourlyPriceUSD string `json:"usdPerHour"`
	// Region and Engine bind the price to one of each; empty means any.
	Region string `json:"region,omitempty"`
	Engine string `json:"engine,omitempty"`

	hourlyPrice scaling.Money
}

// List is the prices of a file. It is read again when the file has changed.
type List struct {
	path string
	log  logr.Logger

	mu         sync.Mutex
	modifiedAt time.Time
	entries    []priceEntry
}

// Open reads a list. The error says what is wrong with the file, and where.
func Open(path string, log logr.Logger) (*List, error) {
	l := &List{path: path, log: log}
	return l, l.reload()
}

// ClassPrices lists the prices for an engine in a region, by class. Of several entries for a class the last one counts.
func (l *List) ClassPrices(region, engine string) map[string]scaling.Money {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.reload(); err != nil {
		l.log.Error(err, "the price list cannot be read; the prices that were read before stay in force")
	}
	out := map[string]scaling.Money{}
	for _, e := range l.entries {
		if (e.Region == "" || e.Region == region) && (e.Engine == "" || e.Engine == engine) {
			out[e.InstanceClass] = e.hourlyPrice
		}
	}
	return out
}

// reload reads the file if it has changed since it was last looked at.
func (l *List) reload() error {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(l.modifiedAt) {
		return nil
	}
	l.modifiedAt = info.ModTime() // a file that is wrong is told once, not at every look
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
		if _, err := catalog.Lookup(e.InstanceClass); err != nil {
			return nil, fmt.Errorf("prices[%d].instanceClass: %w", n, err)
		}
		price, err := scaling.ParseUSD(e.HourlyPriceUSD)
		if err != nil || price == 0 {
			return nil, fmt.Errorf("prices[%d].usdPerHour: %q of %s is no amount in US dollars above zero, such as 0.26",
				n, e.HourlyPriceUSD, e.InstanceClass)
		}
		e.hourlyPrice = price
	}
	return file.Prices, nil
}
