package rdssim

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

type parameterElement struct {
	ParameterName  string `xml:"ParameterName"`
	ParameterValue string `xml:"ParameterValue"`
	Source         string `xml:"Source"`
	ApplyType      string `xml:"ApplyType"`
	ApplyMethod    string `xml:"ApplyMethod"`
	IsModifiable   bool   `xml:"IsModifiable"`
}

type describeParametersResult struct {
	Parameters struct{ Parameter []parameterElement }
	Marker     string `xml:"Marker,omitempty"`
}

type clusterEndpointElement struct {
	DBClusterEndpointIdentifier string   `xml:"DBClusterEndpointIdentifier,omitempty"`
	DBClusterIdentifier         string   `xml:"DBClusterIdentifier"`
	Endpoint                    string   `xml:"Endpoint"`
	EndpointType                string   `xml:"EndpointType"`
	CustomEndpointType          string   `xml:"CustomEndpointType,omitempty"`
	Status                      string   `xml:"Status"`
	StaticMembers               []string `xml:"StaticMembers>member"`
	ExcludedMembers             []string `xml:"ExcludedMembers>member"`
}

type describeClusterEndpointsResult struct {
	DBClusterEndpoints struct{ DBClusterEndpointList []clusterEndpointElement }
	Marker             string `xml:"Marker,omitempty"`
}

type switchoverElement struct {
	SourceMember string `xml:"SourceMember"`
	TargetMember string `xml:"TargetMember"`
	Status       string `xml:"Status"`
}

type blueGreenElement struct {
	BlueGreenDeploymentIdentifier string              `xml:"BlueGreenDeploymentIdentifier"`
	BlueGreenDeploymentName       string              `xml:"BlueGreenDeploymentName"`
	Source                        string              `xml:"Source"`
	Target                        string              `xml:"Target"`
	SwitchoverDetails             []switchoverElement `xml:"SwitchoverDetails>member"`
	Status                        string              `xml:"Status"`
	CreateTime                    string              `xml:"CreateTime"`
}

type describeBlueGreenResult struct {
	BlueGreenDeployments []blueGreenElement `xml:"BlueGreenDeployments>member"`
	Marker               string             `xml:"Marker,omitempty"`
}

// modelError returns the *model.APIError that an error of the model is.
func modelError(err error) *model.APIError {
	var apiErr *model.APIError
	if errors.As(err, &apiErr) {
		return apiErr
	}
	return &model.APIError{Code: "InternalFailure", Message: err.Error(), HTTPStatus: http.StatusInternalServerError}
}

func (s *Server) describeParameters(r *request) (any, *model.APIError) {
	return s.listParameters(r, "rds:DescribeDBParameters", "DBParameterGroupName", false)
}

func (s *Server) describeClusterParameters(r *request) (any, *model.APIError) {
	return s.listParameters(r, "rds:DescribeDBClusterParameters", "DBClusterParameterGroupName", true)
}

// listParameters lists the parameters that a user has set in a group. The simulator has no defaults of engines.
func (s *Server) listParameters(r *request, action, nameKey string, isCluster bool) (any, *model.APIError) {
	if denied := s.authorize(r, action, "*", nil); denied != nil {
		return nil, denied
	}
	source := r.form.Get("Source")
	switch {
	case r.form.Get(nameKey) == "":
		return nil, badRequest("InvalidParameterValue", "The parameter %s must be provided and must not be blank.", nameKey)
	case !slices.Contains([]string{"", "user", "system", "engine-default"}, source):
		return nil, badRequest("InvalidParameterValue", "Invalid source: %s", source)
	}
	parameters, err := s.options.World.Parameters(r.caller.region, r.form.Get(nameKey), isCluster)
	if err != nil {
		return nil, modelError(err)
	}
	var all []parameterElement
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if source == "" || source == "user" {
			all = append(all, parameterElement{name, parameters[name], "user", "static", "pending-reboot", true})
		}
	}
	out := &describeParametersResult{}
	var apiErr *model.APIError
	out.Parameters.Parameter, out.Marker, apiErr = paginate(r.form, all, 100)
	return out, apiErr
}

// describeClusterEndpoints lists the endpoints of clusters: the writer's, the reader's, and the custom ones.
func (s *Server) describeClusterEndpoints(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeDBClusterEndpoints", "*", nil); denied != nil {
		return nil, denied
	}
	criteria, apiErr := parseFilters(r.form, "db-cluster-endpoint-type", "db-cluster-endpoint-custom-type", "db-cluster-endpoint-id",
		"db-cluster-endpoint-status")
	if apiErr != nil {
		return nil, apiErr
	}
	var all []clusterEndpointElement
	for _, c := range s.viewClusters(r, nil) {
		if id := r.form.Get("DBClusterIdentifier"); id != "" && id != c.Identifier {
			continue
		}
		for _, e := range newClusterEndpointElements(c) {
			if matchesFilters(criteria, map[string]string{
				"db-cluster-endpoint-type": strings.ToLower(e.EndpointType), "db-cluster-endpoint-custom-type": strings.ToLower(e.CustomEndpointType),
				"db-cluster-endpoint-id": e.DBClusterEndpointIdentifier, "db-cluster-endpoint-status": e.Status,
			}) {
				all = append(all, e)
			}
		}
	}
	out := &describeClusterEndpointsResult{}
	out.DBClusterEndpoints.DBClusterEndpointList, out.Marker, apiErr = paginate(r.form, all, 100)
	return out, apiErr
}

func newClusterEndpointElements(c *model.Cluster) []clusterEndpointElement {
	domain := "simulated." + c.Region + ".rds.amazonaws.com"
	out := []clusterEndpointElement{
		{DBClusterIdentifier: c.Identifier, Endpoint: c.Identifier + ".cluster-" + domain, EndpointType: "WRITER", Status: "available"},
		{DBClusterIdentifier: c.Identifier, Endpoint: c.Identifier + ".cluster-ro-" + domain, EndpointType: "READER", Status: "available"},
	}
	for _, e := range c.CustomEndpoints {
		out = append(out, clusterEndpointElement{
			DBClusterEndpointIdentifier: e.Identifier, DBClusterIdentifier: c.Identifier, Endpoint: customEndpointAddress(c, e),
			EndpointType: "CUSTOM", CustomEndpointType: e.Type, Status: "available", StaticMembers: e.StaticMembers,
			ExcludedMembers: e.ExcludedMembers,
		})
	}
	return out
}

// customEndpointAddress returns the DNS name of a custom endpoint.
func customEndpointAddress(c *model.Cluster, e model.CustomEndpoint) string {
	return e.Identifier + ".cluster-custom-simulated." + c.Region + ".rds.amazonaws.com"
}

func (s *Server) describeBlueGreen(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeBlueGreenDeployments", "*", nil); denied != nil {
		return nil, denied
	}
	criteria, apiErr := parseFilters(r.form, "blue-green-deployment-identifier", "blue-green-deployment-name", "source", "target")
	if apiErr != nil {
		return nil, apiErr
	}
	var all []blueGreenElement
	for _, d := range s.options.World.BlueGreenDeployments(r.caller.region) {
		if d.AccountID != r.caller.account || !matchesFilters(criteria, map[string]string{
			"blue-green-deployment-identifier": d.Identifier, "blue-green-deployment-name": d.Name, "source": d.Source(), "target": d.Target(),
		}) {
			continue
		}
		e := blueGreenElement{
			BlueGreenDeploymentIdentifier: d.Identifier, BlueGreenDeploymentName: d.Name, Source: d.Source(), Target: d.Target(), Status: d.Status,
			CreateTime: formatTime(d.CreatedAt), SwitchoverDetails: []switchoverElement{{d.Source(), d.Target(), d.Status}},
		}
		for _, m := range d.Members() {
			e.SwitchoverDetails = append(e.SwitchoverDetails, switchoverElement{m[0], m[1], d.Status})
		}
		all = append(all, e)
	}
	out := &describeBlueGreenResult{}
	out.BlueGreenDeployments, out.Marker, apiErr = paginate(r.form, all, 100)
	return out, apiErr
}
