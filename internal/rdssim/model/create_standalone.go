package model

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// defaultEngineVersions are the engines of which databases can be created, and the version that a request without one gets.
var defaultEngineVersions = map[string]string{
	"aurora-postgresql": "16.6", "aurora-mysql": "8.0.mysql_aurora.3.08.0", "postgres": "17.2", "mysql": "8.0.40", "mariadb": "10.11.10",
}

// CreateStandaloneRequest is a CreateDBInstance request for an instance that belongs to no cluster.
type CreateStandaloneRequest struct {
	Identifier, Engine, EngineVersion, Class string
	AllocatedGiB                             int
	StorageType                              string
	Credentials                              MasterCredentials
	SubnetGroup                              string
	AvailabilityZone                         string
	MultiAZ                                  bool
	// RetentionDays is the BackupRetentionPeriod; nil means the default of one day, and 0 disables automated backups.
	RetentionDays       *int
	MaintenanceWindow   string
	PerformanceInsights bool
	DeletionProtection  bool
	Tags                map[string]string
}

// CreateStandalone is CreateDBInstance for an instance that belongs to no cluster. The error is an *APIError.
func (w *World) CreateStandalone(region, accountID string, c CreateStandaloneRequest) (*Instance, error) {
	c.EngineVersion = cmp.Or(c.EngineVersion, defaultEngineVersions[c.Engine])
	zone := cmp.Or(c.AvailabilityZone, AvailabilityZones(region)[0])
	if err := w.checkCreateStandalone(region, accountID, c, zone); err != nil {
		return nil, err
	}
	settings := InstanceSettings{
		SecurityGroups: []string{defaultSecurityGroup}, BackupRetentionDays: 1,
		Storage: Storage{Type: c.StorageType, AllocatedGiB: c.AllocatedGiB},
	}
	if c.RetentionDays != nil {
		settings.BackupRetentionDays, settings.NoAutomatedBackups = *c.RetentionDays, *c.RetentionDays == 0
	}
	s := &instanceState{
		clientWeight: 1,
		Instance: Instance{
			Identifier: c.Identifier, Region: region, AccountID: accountID, ResourceID: w.newResourceID("db"),
			Engine: c.Engine, EngineVersion: c.EngineVersion, Class: c.Class, Status: statusCreating, PromotionTier: defaultPromotionTier,
			MultiAZ: c.MultiAZ, AvailabilityZone: zone, DBSubnetGroup: defaultSubnetGroup, ParameterGroup: "default." + c.Engine,
			BackupWindow: defaultBackupWindow, MaintenanceWindow: cmp.Or(c.MaintenanceWindow, defaultMaintenanceWindow),
			PerformanceInsights: c.PerformanceInsights, CACertificate: defaultCertificate, DeletionProtection: c.DeletionProtection,
			Settings: settings.withDefaults(), Tags: maps.Clone(c.Tags),
		},
		group: w.addCreatedGroup(region, c.Identifier), outageCount: 1,
	}
	if c.MultiAZ {
		s.SecondaryAvailabilityZone = standbyZone(region, zone)
	}
	w.addInstance(s)
	w.startCreate(s)
	return s.copy(), nil
}

// checkCreateStandalone returns the error with which AWS refuses the request, if it does.
func (w *World) checkCreateStandalone(region, accountID string, c CreateStandaloneRequest, zone string) error {
	if err := c.validate(); err != nil {
		return err
	}
	if err := checkSubnetGroup(c.SubnetGroup); err != nil {
		return err
	}
	if _, exists := w.instances[region+"/"+c.Identifier]; exists {
		return &APIError{"DBInstanceAlreadyExists", "DB instance already exists", 400}
	}
	if err := w.checkOrderable(region, c.Engine, c.EngineVersion, c.Class); err != nil {
		return err
	}
	if !slices.Contains(AvailabilityZones(region), zone) {
		return invalidValue("Invalid Availability Zone: %s", zone)
	}
	if err := w.checkInstanceQuota(&Cluster{Identifier: c.Identifier, Region: region, AccountID: accountID}); err != nil {
		return err
	}
	if w.hasCapacityShortage(c.Class, zone) {
		return insufficientCapacity("Cannot create the DB instance because there are no instances of the requested class available in the "+
			"availability zone %s. Please try your request again at a later time.", zone)
	}
	return nil
}

// The range of the allocated storage of gp2 and gp3 in GiB (RDS API reference, CreateDBInstance, AllocatedStorage).
const minAllocatedGiB, maxAllocatedGiB = 20, 65536

// validate checks a request without regard to the state of the databases.
func (c CreateStandaloneRequest) validate() error {
	_, knownEngine := defaultEngineVersions[c.Engine]
	storage := cmp.Or(c.StorageType, storageGP3)
	switch {
	case !isValidIdentifier(c.Identifier):
		return invalidIdentifier("DBInstanceIdentifier")
	case isAurora(c.Engine):
		return invalidCombination("The parameter DBClusterIdentifier is required to create a DB instance with the engine %s.", c.Engine)
	case !knownEngine:
		return invalidValue("Invalid DB engine: %s", c.Engine)
	case storage != storageGP2 && storage != storageGP3:
		return invalidCombination("The simulator creates instances with gp2 and gp3 storage only.")
	case c.AllocatedGiB < minAllocatedGiB || c.AllocatedGiB > maxAllocatedGiB:
		return invalidCombination("Invalid storage size for engine name %s and storage type %s: %d", c.Engine, storage, c.AllocatedGiB)
	case c.RetentionDays != nil && (*c.RetentionDays < 0 || *c.RetentionDays > maxBackupRetentionDays):
		return invalidValue("Invalid backup retention period: %d. Retention period must be between 0 and %d.", *c.RetentionDays,
			maxBackupRetentionDays)
	case c.MaintenanceWindow != "" && !isValidMaintenanceWindow(c.MaintenanceWindow):
		return invalidValue("Invalid maintenance window: %s. The format is ddd:hh24:mi-ddd:hh24:mi, at least 30 minutes.",
			c.MaintenanceWindow)
	}
	if err := c.Credentials.check(c.Engine); err != nil {
		return err
	}
	return checkRequestTags(c.Tags)
}

// MasterCredentials are the master user of a new database. The simulator checks and then forgets them.
type MasterCredentials struct{ Username, Password string }

var (
	usernamePattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,62}$`)
	passwordPattern = regexp.MustCompile(`^[!-~]+$`) // printable ASCII
)

// minPasswordLength is the minimum length of a master password (RDS API reference, CreateDBInstance, MasterUserPassword).
const minPasswordLength = 8

// check returns the error with which AWS refuses the credentials, if it does.
func (c MasterCredentials) check(engine string) error {
	switch {
	case c.Username == "":
		return invalidValue("The parameter MasterUsername must be provided and must not be blank.")
	case !usernamePattern.MatchString(c.Username):
		return invalidValue("The parameter MasterUsername is not a valid identifier.")
	case (engine == "postgres" || engine == "aurora-postgresql") && c.Username == "admin":
		return invalidValue("MasterUsername admin cannot be used as it is a reserved word used by the engine")
	case c.Password == "":
		return invalidValue("The parameter MasterUserPassword must be provided and must not be blank.")
	case len(c.Password) < minPasswordLength:
		return invalidValue("The parameter MasterUserPassword is not a valid password because it is shorter than %d characters.",
			minPasswordLength)
	case !passwordPattern.MatchString(c.Password) || strings.ContainsAny(c.Password, `/@"`):
		return invalidValue(`The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides ` +
			`'/', '@', '"', ' ' may be used.`)
	}
	return nil
}

// identifierPattern is the grammar of identifiers, and maxIdentifierLength their maximum length (RDS API reference,
// CreateDBInstance, DBInstanceIdentifier).
var identifierPattern = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)

const maxIdentifierLength = 63

func isValidIdentifier(identifier string) bool {
	return len(identifier) <= maxIdentifierLength && identifierPattern.MatchString(identifier)
}

// invalidIdentifier is the error of AWS for an identifier that breaks the grammar.
func invalidIdentifier(parameter string) *APIError {
	return invalidValue("The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII "+
		"letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", parameter)
}

// checkSubnetGroup returns the error of AWS for a subnet group that does not exist. The simulator has only the default group.
func checkSubnetGroup(name string) error {
	if name == "" || name == defaultSubnetGroup {
		return nil
	}
	return &APIError{"DBSubnetGroupNotFoundFault", fmt.Sprintf("DB subnet group '%s' does not exist.", name), 404}
}
