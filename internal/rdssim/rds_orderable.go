package rdssim

import (
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

type zoneElement struct {
	Name string `xml:"Name"`
}

type orderableElement struct {
	DBInstanceClass      string        `xml:"DBInstanceClass"`
	Engine               string        `xml:"Engine"`
	EngineVersion        string        `xml:"EngineVersion,omitempty"`
	LicenseModel         string        `xml:"LicenseModel"`
	StorageType          string        `xml:"StorageType"`
	NetworkTypes         []string      `xml:"SupportedNetworkTypes>member"`
	SupportedEngineModes []string      `xml:"SupportedEngineModes>member"`
	AvailabilityZones    []zoneElement `xml:"AvailabilityZones>AvailabilityZone"`
	MultiAZCapable       bool          `xml:"MultiAZCapable"`
	ReadReplicaCapable   bool          `xml:"ReadReplicaCapable"`
	SupportsClusters     bool          `xml:"SupportsClusters"`
	Vpc                  bool          `xml:"Vpc"`
	Insights             bool          `xml:"SupportsPerformanceInsights"`
	Monitoring           bool          `xml:"SupportsEnhancedMonitoring"`
	IAM                  bool          `xml:"SupportsIAMDatabaseAuthentication"`
	Encryption           bool          `xml:"SupportsStorageEncryption"`
	Iops                 bool          `xml:"SupportsIops"`
	LogVolume            bool          `xml:"SupportsDedicatedLogVolume"`
}

type describeOrderableResult struct {
	OrderableDBInstanceOptions struct{ OrderableDBInstanceOption []orderableElement }
	Marker                     string `xml:"Marker,omitempty"`
}

// maxOrderableOptions is the maximum page size (RDS API reference, DescribeOrderableDBInstanceOptions).
const maxOrderableOptions = 1000

// storageTypes returns the storage types of an engine.
func storageTypes(engine string) []string {
	if strings.HasPrefix(engine, "aurora") {
		return []string{"aurora", "aurora-iopt1"}
	}
	return []string{"gp2", "gp3", "io1", "io2", "standard"}
}

// describeOrderable returns one option for each class and storage type, as AWS does: in the simulator a class has one license model and
// supports every version of the engine.
func (s *Server) describeOrderable(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeOrderableDBInstanceOptions", "*", nil); denied != nil {
		return nil, denied
	}
	engine, class, license := r.form.Get("Engine"), r.form.Get("DBInstanceClass"), r.form.Get("LicenseModel")
	if engine == "" {
		return nil, badRequest("MissingParameter", "The request must contain the parameter Engine")
	}
	if license == "" {
		license = model.DefaultLicenseModel(engine)
	}
	aurora, world, region := strings.HasPrefix(engine, "aurora"), s.options.World, r.caller.region
	var all []orderableElement
	for _, c := range world.OrderableClasses(region, engine) {
		if class != "" && class != c.Name || license != model.DefaultLicenseModel(engine) {
			continue
		}
		var zones []zoneElement
		for _, zone := range world.ClassZones(region, c.Name) {
			zones = append(zones, zoneElement{zone})
		}
		for _, storage := range storageTypes(engine) {
			all = append(all, orderableElement{
				DBInstanceClass: c.Name, Engine: engine, EngineVersion: r.form.Get("EngineVersion"), LicenseModel: license,
				StorageType: storage, SupportedEngineModes: []string{"provisioned"}, AvailabilityZones: zones,
				MultiAZCapable: !aurora, ReadReplicaCapable: true, Vpc: true, SupportsClusters: aurora || model.SupportsMultiAZCluster(c),
				Insights:   world.SupportsFeature(region, engine, c, model.FeatureInsights),
				Monitoring: true, IAM: true, Encryption: true, Iops: strings.HasPrefix(storage, "io"), LogVolume: !aurora,
				NetworkTypes: []string{"IPV4", "DUAL"},
			})
		}
	}
	out := &describeOrderableResult{}
	var apiErr *model.APIError
	out.OrderableDBInstanceOptions.OrderableDBInstanceOption, out.Marker, apiErr = paginate(r.form, all, maxOrderableOptions)
	return out, apiErr
}
