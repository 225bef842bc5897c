package model

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// offers says whether a class can be had for an engine at all.
func offers(engine, version, name string) error {
	class, err := catalog.Lookup(name)
	if err == nil && class.Supports(engine) {
		return nil
	}
	return invalidCombination("RDS does not support creating a DB instance with the following combination: "+
		"DBInstanceClass=%s, Engine=%s, EngineVersion=%s, LicenseModel=%s. For supported combinations of instance class and "+
		"database engine version, see the documentation.", name, engine, version, license(engine))
}

// license is the licence model that an engine has when a request names none.
func license(engine string) string {
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
