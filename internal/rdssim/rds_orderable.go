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
	SupportedEngineModes []string      `xml:"SupportedEngineModes>member"`
	AvailabilityZones    []zoneElement `xml:"AvailabilityZones>AvailabilityZone"`
	MultiAZCapable       bool          `xml:"MultiAZCapable"`
	ReadReplicaCapable   bool          `xml:"ReadReplicaCapable"`
	SupportsClusters     bool          `xml:"SupportsClusters"`
	Vpc                  bool          `xml:"Vpc"`
}

type describeOrderableResult struct {
	OrderableDBInstanceOptions struct{ OrderableDBInstanceOption []orderableElement }
	Marker                     string `xml:"Marker,omitempty"`
}

// maxOrderableOptions is the maximum page size (RDS API reference, DescribeOrderableDBInstanceOptions).
const maxOrderableOptions = 1000

// describeOrderable returns one option for each class: in the simulator a class has one license model and one storage type, and
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
	aurora, storage := strings.HasPrefix(engine, "aurora"), "gp3"
	if aurora {
		storage = "aurora"
	}
	var zones []zoneElement
	for _, zone := range model.AvailabilityZones(r.caller.region) {
		zones = append(zones, zoneElement{zone})
	}
	var all []orderableElement
	for _, c := range s.options.World.OrderableClasses(r.caller.region, engine) {
		if class != "" && class != c.Name || license != model.DefaultLicenseModel(engine) {
			continue
		}
		all = append(all, orderableElement{
			DBInstanceClass: c.Name, Engine: engine, EngineVersion: r.form.Get("EngineVersion"), LicenseModel: license,
			StorageType: storage, SupportedEngineModes: []string{"provisioned"}, AvailabilityZones: zones,
			MultiAZCapable: !aurora, ReadReplicaCapable: true, Vpc: true, SupportsClusters: aurora || model.SupportsMultiAZCluster(c),
		})
	}
	out := &describeOrderableResult{}
	var apiErr *model.APIError
	out.OrderableDBInstanceOptions.OrderableDBInstanceOption, out.Marker, apiErr = paginate(r.form, all, maxOrderableOptions)
	return out, apiErr
}
