package model

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// OrderableClasses returns the classes that DescribeOrderableDBInstanceOptions lists for an engine in a region: those of the
// catalog that support the engine and are not set unorderable. As in AWS, a capacity shortage does not show here.
func (w *World) OrderableClasses(region, engine string) []catalog.Class {
	return slices.DeleteFunc(catalog.All(), func(c catalog.Class) bool {
		return !c.Supports(engine) || w.unorderable[region+"/"+c.Name]
	})
}

// SetUnorderable makes a class unorderable in a region until SetOrderable. Existing instances keep it.
func (w *World) SetUnorderable(region, class string) { w.unorderable[region+"/"+class] = true }

// SetOrderable makes a class orderable in a region again.
func (w *World) SetOrderable(region, class string) { delete(w.unorderable, region+"/"+class) }

// AvailabilityZones returns the availability zones of a region.
func AvailabilityZones(region string) []string {
	return []string{region + "a", region + "b", region + "c"}
}

// checkOrderable returns the error with which AWS refuses a class that cannot be ordered for an engine in a region.
func (w *World) checkOrderable(region, engine, version, name string) error {
	class, err := catalog.Lookup(name)
	if err == nil && class.Supports(engine) && !w.unorderable[region+"/"+name] {
		return nil
	}
	return invalidCombination("RDS does not support creating a DB instance with the following combination: "+
		"DBInstanceClass=%s, Engine=%s, EngineVersion=%s, LicenseModel=%s. For supported combinations of instance class and "+
		"database engine version, see the documentation.", name, engine, version, DefaultLicenseModel(engine))
}

// DefaultLicenseModel returns the license model of an engine if a request names none.
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

// SetCapacityShortage makes AWS lack capacity of a class until ClearCapacityShortage, in the given availability zones or,
// without any, in all.
func (w *World) SetCapacityShortage(class string, zones ...string) {
	w.capacityShortages[class] = zones
}

// ClearCapacityShortage ends the capacity shortage of a class.
func (w *World) ClearCapacityShortage(class string) { delete(w.capacityShortages, class) }

// hasCapacityShortage reports whether AWS lacks capacity of a class in a zone.
func (w *World) hasCapacityShortage(class, zone string) bool {
	zones, found := w.capacityShortages[class]
	return found && (len(zones) == 0 || slices.Contains(zones, zone))
}
