package model

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// Orderable lists the classes that can be ordered for an engine in a region, as DescribeOrderableDBInstanceOptions has them:
// those of the catalogue that nobody has withdrawn. That a class is scarce does not show here, nor does it in AWS.
func (w *World) Orderable(region, engine string) []catalog.Class {
	return slices.DeleteFunc(catalog.All(), func(c catalog.Class) bool {
		return !c.Supports(engine) || w.withdrawn[region+"/"+c.Name]
	})
}

// Withdraw takes a class out of what can be ordered in a region. Instances that have it keep it. Offer ends it.
func (w *World) Withdraw(region, class string) { w.withdrawn[region+"/"+class] = true }

// Offer lets a class be ordered in a region again.
func (w *World) Offer(region, class string) { delete(w.withdrawn, region+"/"+class) }

// Zones are the availability zones of a region.
func Zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }

// orders says whether a class can be ordered for an engine in a region.
func (w *World) orders(region, engine, version, name string) error {
	class, err := catalog.Lookup(name)
	if err == nil && class.Supports(engine) && !w.withdrawn[region+"/"+name] {
		return nil
	}
	return invalidCombination("RDS does not support creating a DB instance with the following combination: "+
		"DBInstanceClass=%s, Engine=%s, EngineVersion=%s, LicenseModel=%s. For supported combinations of instance class and "+
		"database engine version, see the documentation.", name, engine, version, License(engine))
}

// License is the licence model that an engine has when a request names none.
func License(engine string) string {
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

// Scarce lets AWS run out of a class, in the availability zones named or in all when none is. Plenty ends it.
func (w *World) Scarce(class string, zones ...string) { w.scarce[class] = zones }

// Plenty lets AWS have a class again.
func (w *World) Plenty(class string) { delete(w.scarce, class) }

// lacks says whether AWS has no capacity of a class in a zone.
func (w *World) lacks(class, zone string) bool {
	without, scarce := w.scarce[class]
	return scarce && (len(without) == 0 || slices.Contains(without, zone))
}
