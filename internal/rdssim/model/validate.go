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

// Validate says what is wrong with a scenario, and where.
func (s Scenario) Validate() error {
	switch {
	case s.Start.IsZero() || !s.Start.Truncate(time.Minute).Equal(s.Start.Time):
		return errors.New(`start: want a time on a whole minute, such as "2024-02-05T03:00:00Z"`)
	case !accountPattern.MatchString(s.AccountID):
		return fmt.Errorf("accountID: %q does not have 12 digits", s.AccountID)
	case s.PublishDelay.Duration < 0 || s.RefuseAfterAvailable.Duration < 0:
		return errors.New("publishDelay and refuseAfterAvailable: want durations such as 75s, not below 0s")
	case s.Retention.Duration != 0 && s.Retention.Duration < 24*time.Hour:
		return errors.New("keep: want a day at least, such as 24h")
	case s.MinCreateDuration.Duration < 0 || s.MaxCreateDuration.Duration < s.MinCreateDuration.Duration:
		return errors.New("createLeast and createMost: want durations such as 3m, the least one first")
	}
	identifiers := identifierSet{}
	for n, d := range s.Databases {
		if err := d.validate(s, identifiers); err != nil {
			return fmt.Errorf("databases[%d] %q: %w", n, d.Identifier, err)
		}
	}
	for n, shortage := range s.CapacityShortages {
		if err := shortage.validate(s); err != nil {
			return fmt.Errorf("shortages[%d]: %w", n, err)
		}
	}
	for n, class := range s.UnorderableClasses {
		if err := class.validate(s); err != nil {
			return fmt.Errorf("withdrawals[%d]: %w", n, err)
		}
	}
	for n, g := range s.MetricGaps {
		if g.Region == "" || g.Until.sinceStart(s.Start.Time) <= g.From.sinceStart(s.Start.Time) {
			return fmt.Errorf("metricGaps[%d]: want a region, and an until that is after from", n)
		}
	}
	return nil
}

// identifierSet are those that have been taken, by region and kind.
type identifierSet map[string]bool

// reserve says whether a name was free, and takes it.
func (n identifierSet) reserve(region, kind, name string) bool {
	key := region + "/" + kind + "/" + name
	exists := n[key]
	n[key] = true
	return !exists && name != ""
}

func (d Database) validate(s Scenario, identifiers identifierSet) error {
	if d.Identifier == "" || d.Region == "" || d.Engine == "" || d.EngineVersion == "" {
		return errors.New("it needs an identifier, a region, an engine and an engineVersion")
	}
	if d.AccountID != "" && !accountPattern.MatchString(d.AccountID) {
		return fmt.Errorf("accountID: %q does not have 12 digits", d.AccountID)
	}
	if err := errors.Join(d.validateWindows(), d.validateKind(identifiers)); err != nil {
		return err
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
	last := time.Duration(0)
	for n, u := range d.Upgrades {
		at := u.At.sinceStart(s.Start.Time)
		if u.EngineVersion == "" || !isPositive(u.CostFactor) || at < last {
			return fmt.Errorf("upgrades[%d]: want an engineVersion, a costFactor above 0, and a time not before the start or the "+
				"upgrade before", n)
		}
		last = at
	}
	return d.Load.validate(s, len(d.Instances)+len(d.Replicas) > 0)
}

// validateMultiAZ checks a Multi-AZ DB cluster: a writer and two readable standbys of one class (RDS user guide, "Multi-AZ DB
// cluster deployments").
func (d Database) validateMultiAZ(identifiers identifierSet) error {
	switch {
	case d.Engine != "postgres" && d.Engine != "mysql":
		return fmt.Errorf("%s: Multi-AZ DB clusters are of postgres or mysql", d.Engine)
	case len(d.Instances) != 3 || d.Class != "" || d.MultiAZ || len(d.Replicas) > 0 || d.Backups:
		return errors.New("instances: a Multi-AZ DB cluster has three, and neither class, multiAZ, replicas nor backups itself")
	case !identifiers.reserve(d.Region, "cluster", d.Identifier):
		return fmt.Errorf("%s has another cluster of this identifier", d.Region)
	}
	for _, m := range d.Instances {
		if class, err := catalog.Lookup(m.Class); m.Class != d.Instances[0].Class || err != nil || !SupportsMultiAZCluster(class) {
			return fmt.Errorf("instances: %q is not the class of all, or is not offered for Multi-AZ DB clusters", m.Class)
		}
	}
	return nil
}

func (d Database) validateWindows() error {
	if d.MaintenanceWindow != "" && !isValidMaintenanceWindow(d.MaintenanceWindow) {
		return fmt.Errorf("maintenanceWindow: %q is not one such as %s", d.MaintenanceWindow, defaultMaintenanceWindow)
	}
	if d.BackupWindow != "" && !isValidBackupWindow(d.BackupWindow) {
		return fmt.Errorf("backupWindow: %q is not one such as %s", d.BackupWindow, defaultBackupWindow)
	}
	return nil
}

// validateKind checks that it is an Aurora cluster, a Multi-AZ DB cluster or a plain instance, and has what such a one has.
func (d Database) validateKind(identifiers identifierSet) error {
	switch {
	case isAurora(d.Engine):
		return d.validateAurora(identifiers)
	case len(d.Instances) > 0:
		return d.validateMultiAZ(identifiers)
	case d.Class == "":
		return fmt.Errorf("%s: a plain instance has a class, and a Multi-AZ DB cluster three instances", d.Engine)
	case d.AutoScaling != nil:
		return errors.New("autoScaling: it counts the readers of Aurora clusters alone")
	case d.StorageType != "":
		return fmt.Errorf("storageType: %q is not %s or %s, which are a cluster's", d.StorageType, storageAuroraStandard, storageAuroraIOOptimized)
	}
	return nil
}

func (d Database) validateAurora(identifiers identifierSet) error {
	switch {
	case len(d.Instances) == 0 || d.Class != "" || d.MultiAZ:
		return fmt.Errorf("%s: a cluster has instances, each with a class, and neither class nor multiAZ itself", d.Engine)
	case d.Serverless != nil && (d.Serverless.Min < 0 || d.Serverless.Max < d.Serverless.Min || catalog.ServerlessClassName(d.Serverless.Max) == ""):
		return errors.New("serverless: want a minCapacity from 0, and a maxCapacity that is a multiple of 4 up to 256")
	case len(d.Replicas) > 0:
		return errors.New("replicas: those of a cluster are its instances")
	case d.Backups:
		return errors.New("backups: those of Aurora do not show")
	case d.StorageType != "" && d.StorageType != storageAuroraStandard && d.StorageType != storageAuroraIOOptimized:
		return fmt.Errorf("storageType: %q is not %s or %s, which are a cluster's", d.StorageType, storageAuroraStandard, storageAuroraIOOptimized)
	case !identifiers.reserve(d.Region, "cluster", d.Identifier):
		return fmt.Errorf("%s has another cluster of this identifier", d.Region)
	}
	return nil
}

// allInstances are the instances, be they of a cluster or the plain one.
func (d Database) allInstances() []Member {
	if len(d.Instances) > 0 {
		return d.Instances
	}
	return append([]Member{{Identifier: d.Identifier, Class: d.Class, Tags: d.Tags}}, d.Replicas...)
}

func (m Member) validate(d Database, identifiers identifierSet) error {
	class, err := catalog.Lookup(m.Class)
	if d.Serverless != nil && m.Class == serverlessClass {
		class, err = catalog.Lookup(catalog.ServerlessClassName(d.Serverless.Max))
	}
	switch {
	case err != nil:
		return err
	case !class.Supports(d.Engine):
		return fmt.Errorf("%s does not run on %s", d.Engine, m.Class)
	case m.PromotionTier != nil && !isValidPromotionTier(*m.PromotionTier):
		return fmt.Errorf("promotionTier: %d is not from 0 to %d", *m.PromotionTier, maxPromotionTier)
	case !identifiers.reserve(d.Region, "instance", m.Identifier):
		return fmt.Errorf("it needs an identifier that no other instance in %s has", d.Region)
	}
	return nil
}

func (l Load) validate(s Scenario, readers bool) error {
	if err := l.Writer.validate(s); err != nil {
		return fmt.Errorf("load.writer.%w", err)
	}
	if err := l.Readers.validate(s); err != nil {
		return fmt.Errorf("load.readers.%w", err)
	}
	if !readers && !l.Readers.isEmpty() {
		return errors.New("load.readers: a plain instance without replicas has no readers; its load is the writer's")
	}
	return nil
}

func (c Curve) isEmpty() bool { return c.countSources() == 0 }

// countSources counts where the demand is from.
func (c Curve) countSources() int {
	n := 0
	for _, given := range []bool{len(c.Points) > 0, c.Recording != nil, c.Series != nil} {
		if given {
			n++
		}
	}
	return n
}

func (c Curve) validate(s Scenario) error {
	switch {
	case c.countSources() > 1:
		return errors.New("points: a load has points, even ones or a recording, not two of these")
	case c.Recording != nil && (c.Recording.File == "" || c.Recording.Scale < 0 || c.Recording.From.Duration < 0):
		return errors.New("recording: want a file, and scale and from not below 0")
	case c.NoisePercent < 0 || c.NoisePercent > 100:
		return fmt.Errorf("noisePercent: %g is not from 0 to 100", c.NoisePercent)
	}
	if err := c.Series.validate(); err != nil {
		return err
	}
	last := time.Duration(math.MinInt64)
	for n, p := range c.Points {
		at := p.At.sinceStart(s.Start.Time)
		if math.IsNaN(p.VCPUs) || math.IsInf(p.VCPUs, 0) || p.VCPUs < 0 || at <= last {
			return fmt.Errorf("points[%d]: want vcpus of at least 0, and a time after the point before", n)
		}
		last = at
	}
	for n, m := range c.Multipliers {
		if !isPositive(m.Factor) || n > 0 && m.From.sinceStart(s.Start.Time) < c.Multipliers[n-1].From.sinceStart(s.Start.Time) {
			return fmt.Errorf("multipliers[%d]: want a factor above 0, and a time that is not before the one before", n)
		}
	}
	return nil
}

func (e *RegularSeries) validate() error {
	switch {
	case e == nil:
	case e.Interval.Duration < tickInterval || len(e.VCPUs) == 0:
		return fmt.Errorf("even: want vcpus, and every at least %s", tickInterval)
	case slices.ContainsFunc(e.VCPUs, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) || v < 0 }):
		return errors.New("even: want vcpus of at least 0")
	}
	return nil
}

func (shortage CapacityShortage) validate(s Scenario) error {
	if _, err := catalog.Lookup(shortage.Class); err != nil {
		return err
	}
	if shortage.Until != nil && shortage.Until.sinceStart(s.Start.Time) <= shortage.From.sinceStart(s.Start.Time) {
		return errors.New("until is not after from")
	}
	return nil
}

func (x UnorderableClass) validate(s Scenario) error {
	if x.Region == "" {
		return errors.New("it needs a region")
	}
	return CapacityShortage{Class: x.Class, From: x.From, Until: x.Until}.validate(s)
}

func (u ScheduledMaintenance) validate(s Scenario, d Database) error {
	member := slices.ContainsFunc(d.Instances, func(m Member) bool { return m.Identifier == u.Instance })
	switch {
	case u.Instance != "" && !member:
		return fmt.Errorf("instance: %q is not a member of the cluster", u.Instance)
	case u.Action == "" || u.OptInStatus != "" && u.OptInStatus != OptInImmediate && u.OptInStatus != OptInNextWindow:
		return fmt.Errorf("want an action such as system-update, and optIn %s, %s or none", OptInImmediate, OptInNextWindow)
	case u.Until != nil && u.Until.sinceStart(s.Start.Time) <= u.From.sinceStart(s.Start.Time):
		return errors.New("until is not after from")
	}
	return nil
}

func isPositive(f float64) bool { return f > 0 && !math.IsInf(f, 0) }

func isAurora(engine string) bool { return strings.HasPrefix(engine, "aurora") }
