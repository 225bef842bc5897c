package model

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

// Validate returns an error that names the first invalid field of a scenario.
func (s Scenario) Validate() error {
	switch {
	case s.Start.IsZero() || !s.Start.Truncate(time.Minute).Equal(s.Start.Time):
		return errors.New(`start: want a time on a whole minute, such as "2024-02-05T03:00:00Z"`)
	case !accountPattern.MatchString(s.AccountID):
		return fmt.Errorf("accountID %q: want 12 digits", s.AccountID)
	case s.StorageInitialization.Duration < 0:
		return fmt.Errorf("storageInitialization %s: want a duration >= 0s, such as 30m", s.StorageInitialization.Duration)
	case s.PublishDelay.Duration < 0 || s.RefuseAfterAvailable.Duration < 0:
		return fmt.Errorf("publishDelay %s and refuseAfterAvailable %s: want durations >= 0s, such as 75s",
			s.PublishDelay.Duration, s.RefuseAfterAvailable.Duration)
	case s.InstanceQuota < 0:
		return fmt.Errorf("instanceQuota %d: want a number >= 0", s.InstanceQuota)
	case s.Retention.Duration != 0 && s.Retention.Duration < 24*time.Hour:
		return fmt.Errorf("retention %s: want at least 24h", s.Retention.Duration)
	case s.MinCreateDuration.Duration < 0 || s.MaxCreateDuration.Duration < s.MinCreateDuration.Duration:
		return fmt.Errorf("minCreateDuration %s and maxCreateDuration %s: want 0s <= minCreateDuration <= maxCreateDuration",
			s.MinCreateDuration.Duration, s.MaxCreateDuration.Duration)
	}
	identifiers := identifierSet{}
	for n, d := range s.Databases {
		if err := d.validate(s, identifiers); err != nil {
			return fmt.Errorf("databases[%d] %q: %w", n, d.Identifier, err)
		}
	}
	if err := s.validateParameterGroups(); err != nil {
		return err
	}
	return s.validateLimits()
}

// validateLimits checks what AWS lacks in a scenario: capacity, classes and datapoints.
func (s Scenario) validateLimits() error {
	for n, shortage := range s.CapacityShortages {
		if err := shortage.validate(s); err != nil {
			return fmt.Errorf("capacityShortages[%d]: %w", n, err)
		}
	}
	for n, class := range s.UnorderableClasses {
		if err := class.validate(s); err != nil {
			return fmt.Errorf("unorderableClasses[%d]: %w", n, err)
		}
	}
	for n, g := range s.MetricGaps {
		if g.Region == "" || g.Until.sinceStart(s.Start.Time) <= g.From.sinceStart(s.Start.Time) {
			return fmt.Errorf("metricGaps[%d]: want a region, and until after from", n)
		}
	}
	return nil
}

// identifierSet is the set of identifiers in use, by region and kind.
type identifierSet map[string]bool

// reserve adds an identifier. It reports whether the identifier was unused and is not empty.
func (i identifierSet) reserve(region, kind, identifier string) bool {
	key := region + "/" + kind + "/" + identifier
	exists := i[key]
	i[key] = true
	return !exists && identifier != ""
}

// validate checks a database of a scenario, and reserves its identifiers.
func (d Database) validate(s Scenario, identifiers identifierSet) error {
	if d.Identifier == "" || d.Region == "" || d.Engine == "" || d.EngineVersion == "" {
		return errors.New("want an identifier, a region, an engine and an engineVersion")
	}
	if d.AccountID != "" && !accountPattern.MatchString(d.AccountID) {
		return fmt.Errorf("accountID %q: want 12 digits", d.AccountID)
	}
	err := errors.Join(d.validateWindows(), d.validateKind(identifiers), d.validateDeferred(), d.validateSettings(), d.IO.validate(),
		d.validateSteady())
	if err != nil {
		return err
	}
	if err := checkTags(d.Tags); err != nil {
		return fmt.Errorf("tags: %w", err)
	}
	for n, u := range d.Maintenance {
		if err := u.validate(s, d); err != nil {
			return fmt.Errorf("maintenance[%d]: %w", n, err)
		}
	}
	for n, m := range d.allInstances() {
		if err := m.validate(d, identifiers); err != nil {
			return fmt.Errorf("instance %d %q: %w", n, m.Identifier, err)
		}
	}
	previous := time.Duration(0)
	for n, u := range d.Upgrades {
		offset := u.At.sinceStart(s.Start.Time)
		if u.EngineVersion == "" || !isPositive(u.CostFactor) || offset < previous {
			return fmt.Errorf("upgrades[%d]: want an engineVersion, a costFactor above 0, and an instant not before the start or the "+
				"previous upgrade", n)
		}
		previous = offset
	}
	if weight := d.NewReplicaClientWeight; weight != nil && (!isValidWeight(*weight) || len(d.Instances) > 0) {
		return fmt.Errorf("newReplicaClientWeight %g: want a number that is not negative, of a standalone instance", *weight)
	}
	return d.Load.validate(s, len(d.Instances)+len(d.Replicas) > 0)
}

// validateMultiAZ checks a Multi-AZ DB cluster: a writer and two readable standbys of one class (RDS user guide, "Multi-AZ DB
// cluster deployments").
func (d Database) validateMultiAZ(identifiers identifierSet) error {
	switch {
	case d.Engine != "postgres" && d.Engine != "mysql":
		return fmt.Errorf("engine %s: want postgres or mysql for a Multi-AZ DB cluster", d.Engine)
	case len(d.Instances) != 3 || d.Class != "" || d.MultiAZ || len(d.Replicas) > 0 || d.Backups:
		return errors.New("instances: a Multi-AZ DB cluster has three, and no class, multiAZ, replicas or backups of its own")
	case !identifiers.reserve(d.Region, "cluster", d.Identifier):
		return fmt.Errorf("identifier: want one that no other cluster in %s has", d.Region)
	}
	for _, m := range d.Instances {
		if class, err := catalog.Lookup(m.Class); m.Class != d.Instances[0].Class || err != nil || !SupportsMultiAZCluster(class) {
			return fmt.Errorf("instances: class %q: want one class for all, of those that support Multi-AZ DB clusters", m.Class)
		}
	}
	return nil
}

// validateSettings checks the settings, which only a standalone instance has.
func (d Database) validateSettings() error {
	switch {
	case d.Settings == nil:
		return nil
	case len(d.Instances) > 0:
		return errors.New("settings: only a standalone instance has them")
	case d.Backups && d.Settings.NoAutomatedBackups:
		return errors.New("backups: want automated backups, and settings.noAutomatedBackups disables them")
	}
	return d.Settings.validate()
}

func (d Database) validateWindows() error {
	if d.MaintenanceWindow != "" && !isValidMaintenanceWindow(d.MaintenanceWindow) {
		return fmt.Errorf("maintenanceWindow %q: want at least 30 minutes in the format %s", d.MaintenanceWindow, defaultMaintenanceWindow)
	}
	if d.BackupWindow != "" && !isValidBackupWindow(d.BackupWindow) {
		return fmt.Errorf("backupWindow %q: want at least 30 minutes in the format %s", d.BackupWindow, defaultBackupWindow)
	}
	return nil
}

// validateKind checks the fields that depend on the kind: Aurora cluster, Multi-AZ DB cluster or standalone instance.
func (d Database) validateKind(identifiers identifierSet) error {
	switch {
	case isAurora(d.Engine):
		return d.validateAurora(identifiers)
	case len(d.Instances) > 0:
		return d.validateMultiAZ(identifiers)
	case d.Class == "":
		return fmt.Errorf("engine %s: want a class for a standalone instance, or three instances for a Multi-AZ DB cluster", d.Engine)
	case d.AutoScaling != nil:
		return errors.New("autoScaling: only Aurora clusters have it")
	case d.StorageType != "":
		return fmt.Errorf("storageType %q: only clusters have it", d.StorageType)
	}
	return nil
}

// validateAurora checks an Aurora cluster.
func (d Database) validateAurora(identifiers identifierSet) error {
	switch {
	case len(d.Instances) == 0 || d.Class != "" || d.MultiAZ:
		return fmt.Errorf("engine %s: a cluster has instances with a class each, and no class or multiAZ of its own", d.Engine)
	case d.Serverless != nil && d.Serverless.check(d.Engine, d.EngineVersion) != nil:
		return fmt.Errorf("serverless: %w", d.Serverless.check(d.Engine, d.EngineVersion))
	case len(d.Replicas) > 0:
		return errors.New("replicas: only a standalone instance has them; the readers of a cluster are its instances")
	case d.Backups:
		return errors.New("backups: only a standalone instance shows them")
	case d.StorageType != "" && d.StorageType != storageAuroraStandard && d.StorageType != storageAuroraIOOptimized:
		return fmt.Errorf("storageType %q: want %s or %s", d.StorageType, storageAuroraStandard, storageAuroraIOOptimized)
	case !identifiers.reserve(d.Region, "cluster", d.Identifier):
		return fmt.Errorf("identifier: want one that no other cluster in %s has", d.Region)
	}
	return nil
}

// allInstances returns the members of the cluster, or the standalone instance and its replicas.
func (d Database) allInstances() []Member {
	if len(d.Instances) > 0 {
		return d.Instances
	}
	return append([]Member{{Identifier: d.Identifier, Class: d.Class, Tags: d.Tags}}, d.Replicas...)
}

// validate checks an instance of a database, and reserves its identifier.
func (m Member) validate(d Database, identifiers identifierSet) error {
	class, err := catalog.Lookup(m.Class)
	if d.Serverless != nil && m.Class == serverlessClass {
		class, err = catalog.Lookup(catalog.ServerlessClassName(d.Serverless.Max))
	}
	switch {
	case err != nil:
		return err
	case !class.Supports(d.Engine):
		return fmt.Errorf("class %s: the engine %s does not support it", m.Class, d.Engine)
	case m.PromotionTier != nil && !isValidPromotionTier(*m.PromotionTier):
		return fmt.Errorf("promotionTier %d: want 0 to %d", *m.PromotionTier, maxPromotionTier)
	case m.ClientWeight != nil && (!isValidWeight(*m.ClientWeight) || len(d.Instances) > 0 || m.Identifier == d.Identifier):
		return fmt.Errorf("clientWeight %g: want a number that is not negative, of a read replica", *m.ClientWeight)
	case !identifiers.reserve(d.Region, "instance", m.Identifier):
		return fmt.Errorf("identifier: want one that no other instance in %s has", d.Region)
	}
	if err := checkTags(m.Tags); err != nil {
		return fmt.Errorf("tags: %w", err)
	}
	return nil
}

// validate checks a load. Without readers the database has no load.readers.
func (l Load) validate(s Scenario, hasReaders bool) error {
	if err := l.Writer.validate(s); err != nil {
		return fmt.Errorf("load.writer.%w", err)
	}
	if err := l.Readers.validate(s); err != nil {
		return fmt.Errorf("load.readers.%w", err)
	}
	if !hasReaders && l.Readers.countSources() > 0 {
		return errors.New("load.readers: a standalone instance without replicas has no readers; set load.writer")
	}
	return nil
}

// countSources returns how many of points, series, recording and daily are set.
func (c Curve) countSources() int {
	count := 0
	for _, isSet := range []bool{len(c.Points) > 0, c.Recording != nil, c.Series != nil, c.Daily != nil} {
		if isSet {
			count++
		}
	}
	return count
}

func (c Curve) validate(s Scenario) error {
	switch {
	case c.countSources() > 1:
		return errors.New("points: want only one of points, series, recording and daily")
	case c.Recording != nil && (c.Recording.File == "" || c.Recording.Scale < 0 || c.Recording.From.Duration < 0):
		return errors.New("recording: want a file, and scale and from >= 0")
	case c.NoisePercent < 0 || c.NoisePercent > 100:
		return fmt.Errorf("noisePercent %g: want 0 to 100", c.NoisePercent)
	}
	if err := errors.Join(c.Series.validate(), c.Daily.validate()); err != nil {
		return err
	}
	previous := time.Duration(math.MinInt64)
	for n, p := range c.Points {
		offset := p.At.sinceStart(s.Start.Time)
		if !isDemand(p.VCPUs) || offset <= previous {
			return fmt.Errorf("points[%d]: want vcpus >= 0, and an instant after the previous point", n)
		}
		previous = offset
	}
	for n, m := range c.Multipliers {
		if !isPositive(m.Factor) || n > 0 && m.From.sinceStart(s.Start.Time) < c.Multipliers[n-1].From.sinceStart(s.Start.Time) {
			return fmt.Errorf("multipliers[%d]: want a factor above 0, and an instant not before the previous multiplier", n)
		}
	}
	return nil
}

func (r *RegularSeries) validate() error {
	switch {
	case r == nil:
	case r.Interval.Duration < tickInterval || len(r.VCPUs) == 0:
		return fmt.Errorf("series: want vcpus, and an interval of at least %s", tickInterval)
	case slices.ContainsFunc(r.VCPUs, func(v float64) bool { return !isDemand(v) }):
		return errors.New("series: want vcpus >= 0")
	}
	return nil
}

func (d *DailyLoad) validate() error {
	if d != nil && (!isDemand(d.MeanVCPUs) || !(d.VariationPercent >= 0 && d.VariationPercent <= 100)) {
		return fmt.Errorf("daily: want meanVCPUs >= 0 and variationPercent from 0 to 100, not %g and %g", d.MeanVCPUs, d.VariationPercent)
	}
	return nil
}

func (c CapacityShortage) validate(s Scenario) error {
	if _, err := catalog.Lookup(c.Class); err != nil {
		return err
	}
	if c.Until != nil && c.Until.sinceStart(s.Start.Time) <= c.From.sinceStart(s.Start.Time) {
		return errors.New("until: want an instant after from")
	}
	return nil
}

func (u UnorderableClass) validate(s Scenario) error {
	if u.Region == "" {
		return errors.New("region: want one such as eu-west-1")
	}
	return CapacityShortage{Class: u.Class, From: u.From, Until: u.Until}.validate(s)
}

func (m ScheduledMaintenance) validate(s Scenario, d Database) error {
	isMember := slices.ContainsFunc(d.Instances, func(i Member) bool { return i.Identifier == m.Instance })
	switch {
	case m.Instance != "" && !isMember:
		return fmt.Errorf("instance %q: want a member of the cluster", m.Instance)
	case m.Action == "" || m.OptInStatus != "" && m.OptInStatus != OptInImmediate && m.OptInStatus != OptInNextWindow:
		return fmt.Errorf("want an action such as system-update, and optInStatus %s, %s or empty", OptInImmediate, OptInNextWindow)
	case m.Until != nil && m.Until.sinceStart(s.Start.Time) <= m.From.sinceStart(s.Start.Time):
		return errors.New("until: want an instant after from")
	}
	return nil
}

// isDemand reports whether a number can be a demand in vCPUs: finite and not negative.
func isDemand(vcpus float64) bool { return vcpus >= 0 && !math.IsInf(vcpus, 0) }

func isPositive(f float64) bool { return f > 0 && !math.IsInf(f, 0) }

func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora") }
