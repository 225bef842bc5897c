package model

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// OrderableClasses lists the classes that can be ordered for an engine in a region, as DescribeOrderableDBInstanceOptions has them:
// those of the catalogue that nobody has withdrawn. That a class is scarce does not show here, nor does it in AWS.
func (w *World) OrderableClasses(region, engine string) []catalog.Class {
	return slices.DeleteFunc(catalog.All(), func(c catalog.Class) bool {
		return !c.Supports(engine) || w.unorderable[region+"/"+c.Name]
	})
}

// SetUnorderable takes a class out of what can be ordered in a region. Instances that have it keep it. Offer ends it.
func (w *World) SetUnorderable(region, class string) { w.unorderable[region+"/"+class] = true }

// SetOrderable lets a class be ordered in a region again.
func (w *World) SetOrderable(region, class string) { delete(w.unorderable, region+"/"+class) }

// AvailabilityZones are the availability zones of a region.
func AvailabilityZones(region string) []string {
	return []string{region + "a", region + "b", region + "c"}
}

// checkOrderable says whether a class can be ordered for an engine in a region.
func (w *World) checkOrderable(region, engine, version, name string) error {
	class, err := catalog.Lookup(name)
	if err == nil && class.Supports(engine) && !w.unorderable[region+"/"+name] {
		return nil
	}
	return invalidCombination("RDS does not support creating a DB instance with the following combination: "+
		"DBInstanceClass=%s, Engine=%s, EngineVersion=%s, LicenseModel=%s. For supported combinations of instance class and "+
		"database engine version, see the documentation.", name, engine, version, DefaultLicenseModel(engine))
}

// DefaultLicenseModel is the licence model that an engine has when a request names none.
func DefaultLicenseModel(engine string) string {
	switch {
	case strings.HasSuffix(engine, "postgresql"), engine == "postgres":
		return "postgresql-license"
	case strings.HasPrefix(engine, "oracle"):
		return "bring-your-own-license"
	case strings.HasPrefix(engine, "sqlserver"):
		return "license-included"
	default:
		return "general-public-license"
	}
}

// SetCapacityShortage lets AWS run out of a class, in the availability zones named or in all when none is. Plenty ends it.
func (w *World) SetCapacityShortage(class string, zones ...string) {
	w.capacityShortages[class] = zones
}

// ClearCapacityShortage lets AWS have a class again.
func (w *World) ClearCapacityShortage(class string) { delete(w.capacityShortages, class) }

// hasCapacityShortage says whether AWS has no capacity of a class in a zone.
func (w *World) hasCapacityShortage(class, zone string) bool {
	zones, found := w.capacityShortages[class]
	return found && (len(zones) == 0 || slices.Contains(zones, zone))
}
