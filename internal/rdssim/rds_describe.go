package rdssim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// handleRDS executes an operation of RDS (API version 2014-10-31).
func (s *Server) handleRDS(r *request) (any, *model.APIError) {
	operation, known := map[string]func(*request) (any, *model.APIError){
		"DescribeDBClusters":                 s.describeClusters,
		"DescribeDBInstances":                s.describeInstances,
		"DescribeEvents":                     s.describeEvents,
		"DescribePendingMaintenanceActions":  s.describePendingMaintenance,
		"DescribeOrderableDBInstanceOptions": s.describeOrderable,
		"DescribeDBParameters":               s.describeParameters,
		"DescribeDBClusterParameters":        s.describeClusterParameters,
		"DescribeDBClusterEndpoints":         s.describeClusterEndpoints,
		"DescribeBlueGreenDeployments":       s.describeBlueGreen,
		"DescribeAccountAttributes":          s.describeAccountAttributes,
		"ListTagsForResource":                s.listTags,
		"AddTagsToResource":                  s.addTags,
		"RemoveTagsFromResource":             s.removeTags,
		"ModifyDBInstance":                   s.modifyInstance,
		"ModifyDBCluster":                    s.modifyCluster,
		"CreateDBCluster":                    s.createCluster,
		"DeleteDBCluster":                    s.deleteCluster,
		"CreateDBInstance":                   s.createInstance,
		"CreateDBInstanceReadReplica":        s.createReplica,
		"DeleteDBInstance":                   s.deleteInstance,
		"FailoverDBCluster":                  s.failoverCluster,
		"RebootDBInstance":                   s.rebootInstance,
	}[r.operation]
	if !known {
		return nil, invalidAction(r.operation)
	}
	return operation(r)
}

// listInstances returns the instances of the caller's account in the region.
func (s *Server) listInstances(r *request) []*model.Instance {
	return slices.DeleteFunc(s.options.World.Instances(r.caller.region), func(i *model.Instance) bool {
		return i.AccountID != r.caller.account
	})
}

// findCluster returns a cluster of the caller's account.
func (s *Server) findCluster(r *request, id string) (*model.Cluster, *model.APIError) {
	if c, err := s.options.World.Cluster(r.caller.region, id); err == nil && c.AccountID == r.caller.account {
		return c, nil
	}
	return nil, &model.APIError{Code: "DBClusterNotFoundFault", HTTPStatus: http.StatusNotFound,
		Message: fmt.Sprintf("DBCluster %s not found.", id)}
}

// findInstance returns an instance of the caller's account.
func (s *Server) findInstance(r *request, id string) (*model.Instance, *model.APIError) {
	if i, err := s.options.World.Instance(r.caller.region, id); err == nil && i.AccountID == r.caller.account {
		return i, nil
	}
	return nil, &model.APIError{Code: "DBInstanceNotFound", HTTPStatus: http.StatusNotFound,
		Message: fmt.Sprintf("DBInstance %s not found.", id)}
}

// parseFilters returns the values of the request's filters, by name.
func parseFilters(f form, known ...string) (map[string][]string, *model.APIError) {
	out := map[string][]string{}
	for _, item := range f.itemPrefixes("Filters.Filter") {
		name, values := f.Get(item+"Name"), f.list(item+"Values.Value")
		if !slices.Contains(known, name) {
			return nil, badRequest("InvalidParameterValue", "Unrecognized filter name: %s", name)
		}
		if len(values) > 100 {
			return nil, badRequest("InvalidParameterCombination",
				"Only up to 100 unique filter values may be specified per filter.")
		}
		out[name] = values
	}
	return out, nil
}

// matchesFilters reports whether a resource has one of the values of every filter.
func matchesFilters(filters map[string][]string, attributes map[string]string) bool {
	for name, values := range filters {
		if !slices.Contains(values, attributes[name]) {
			return false
		}
	}
	return true
}

// defaultPageSize is the default of MaxRecords (RDS API reference).
const defaultPageSize = 100

// paginate returns the page of a list that MaxRecords and Marker select, and the marker of the next page. Markers are opaque to
// clients.
func paginate[T any](f form, all []T, maxSize int) (part []T, marker string, apiErr *model.APIError) {
	size, offset := defaultPageSize, 0
	if n, apiErr := f.optionalInt("MaxRecords"); apiErr != nil || n != nil && (*n < 20 || *n > maxSize) {
		return nil, "", badRequest("InvalidParameterValue",
			"Invalid value for MaxRecords. Must be between 20 and %d", maxSize)
	} else if n != nil {
		size = *n
	}
	if f.Has("Marker") && f.Get("Marker") != "" {
		decoded, err := base64.StdEncoding.DecodeString(f.Get("Marker"))
		_, scanned := fmt.Sscanf(string(decoded), "from-%d", &offset)
		if err != nil || scanned != nil || offset < 0 || offset > len(all) {
			return nil, "", badRequest("InvalidParameterValue", "Invalid Marker")
		}
	}
	last := min(offset+size, len(all))
	if last < len(all) {
		marker = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "from-%d", last))
	}
	return all[offset:last], marker, nil
}

func (s *Server) describeClusters(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeDBClusters", "*", nil); denied != nil {
		return nil, denied
	}
	criteria, apiErr := parseFilters(r.form, "clone-group-id", "db-cluster-id", "db-cluster-resource-id", "domain", "engine")
	if apiErr != nil {
		return nil, apiErr
	}
	all := s.viewClusters(r, criteria)
	if id := r.form.Get("DBClusterIdentifier"); id != "" {
		cluster, apiErr := s.findCluster(r, id)
		if apiErr != nil {
			return nil, apiErr
		}
		all = []*model.Cluster{cluster}
	}
	all = slices.DeleteFunc(all, func(c *model.Cluster) bool {
		return len(criteria) > 0 && !matchesFilters(criteria, map[string]string{
			"db-cluster-id": c.Identifier, "db-cluster-resource-id": c.ResourceID, "engine": c.Engine,
		})
	})
	part, marker, apiErr := paginate(r.form, all, 100)
	if apiErr != nil {
		return nil, apiErr
	}
	out := &describeDBClustersResult{Marker: marker}
	for _, c := range part {
		out.DBClusters.DBCluster = append(out.DBClusters.DBCluster, s.newClusterElement(r, c))
	}
	return out, nil
}

func (s *Server) describeInstances(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeDBInstances", "*", nil); denied != nil {
		return nil, denied
	}
	criteria, apiErr := parseFilters(r.form, "db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine")
	if apiErr != nil {
		return nil, apiErr
	}
	all := s.viewInstances(r, criteria)
	if id := r.form.Get("DBInstanceIdentifier"); id != "" {
		instance, apiErr := s.findInstance(r, id)
		if apiErr != nil {
			return nil, apiErr
		}
		all = []*model.Instance{instance}
	}
	all = slices.DeleteFunc(all, func(i *model.Instance) bool {
		return len(criteria) > 0 && !matchesFilters(criteria, map[string]string{
			"db-cluster-id": i.Cluster, "db-instance-id": i.Identifier, "dbi-resource-id": i.ResourceID, "engine": i.Engine,
		})
	})
	part, marker, apiErr := paginate(r.form, all, 100)
	if apiErr != nil {
		return nil, apiErr
	}
	out := &describeDBInstancesResult{Marker: marker}
	for _, view := range part {
		i, err := s.options.World.Instance(r.caller.region, view.Identifier) // with its replicas
		if err != nil {
			return nil, modelError(err)
		}
		out.DBInstances.DBInstance = append(out.DBInstances.DBInstance, newInstanceElement(i))
	}
	return out, nil
}
