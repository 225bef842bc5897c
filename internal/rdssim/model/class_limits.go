package model

import (
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// FeatureInsights is Performance Insights, the feature that AWS does not offer for the smallest classes (RDS user guide, "Amazon RDS DB
// engine, Region, and instance class support for Performance Insights").
const FeatureInsights = "PerformanceInsights"

// classLimit is what AWS does not offer of a class in a region.
type classLimit struct{ zones, features []string }

// SetClassLimit makes a class unavailable in some availability zones of a region, and without some features, from now on. Existing
// instances keep it.
func (w *World) SetClassLimit(region, class string, zones, features []string) {
	w.classLimits[region+"/"+class] = classLimit{zones, features}
}

// ClassZones returns the availability zones of a region in which a class is offered.
func (w *World) ClassZones(region, class string) []string {
	return slices.DeleteFunc(AvailabilityZones(region), func(zone string) bool {
		return slices.Contains(w.classLimits[region+"/"+class].zones, zone)
	})
}

// SupportsFeature reports whether AWS offers a class with a feature for an engine.
func (w *World) SupportsFeature(region, engine string, class catalog.Class, feature string) bool {
	isSmall := class.Burstable && slices.Contains([]string{"micro", "small"}, class.Size)
	if feature == FeatureInsights && isSmall && (engine == "mysql" || engine == "mariadb") {
		return false
	}
	return !slices.Contains(w.classLimits[region+"/"+class.Name].features, feature)
}

// checkClassLimit returns the error with which AWS refuses a new instance because of its zone or of Performance Insights. The text for
// the zone is not known from AWS; that for Performance Insights is from public issues.
func (w *World) checkClassLimit(region, engine, version, name, zone string, insights bool) error {
	class, unknown := catalog.Lookup(name)
	if unknown != nil {
		return nil //nolint:nilerr // checkOrderable refuses it
	}
	if insights && !w.SupportsFeature(region, engine, class, FeatureInsights) {
		return invalidCombination("Performance Insights not supported for this configuration, please disable this feature.")
	}
	if !slices.Contains(w.ClassZones(region, name), zone) {
		return invalidCombination("RDS does not support creating a DB instance with the following combination: DBInstanceClass=%s, "+
			"Engine=%s, EngineVersion=%s, AvailabilityZone=%s.", name, engine, version, zone)
	}
	return nil
}
