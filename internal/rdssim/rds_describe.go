package rdssim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// handleRDS carries out an operation of RDS (API version 2014-10-31).
func (s *Server) handleRDS(r *request) (any, *model.APIError) {
	operation, known := map[string]func(*request) (any, *model.APIError){
		"DescribeDBClusters":                 s.describeClusters,
		"DescribeDBInstances":                s.describeInstances,
		"DescribeEvents":                     s.describeEvents,
		"DescribePendingMaintenanceActions":  s.describePendingMaintenance,
		"DescribeOrderableDBInstanceOptions": s.describeOrderable,
		"ListTagsForResource":                s.listTags,
		"AddTagsToResource":                  s.addTags,
		"RemoveTagsFromResource":             s.removeTags,
		"ModifyDBInstance":                   s.modifyInstance,
		"ModifyDBCluster":                    s.modifyCluster,
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

// listClusters lists what the caller's account has in the region.
func (s *Server) listClusters(r *request) []*model.Cluster {
	return slices.DeleteFunc(s.options.World.Clusters(r.caller.region), func(c *model.Cluster) bool {
		return c.AccountID != r.caller.account
	})
}

func (s *Server) listInstances(r *request) []*model.Instance {
	return slices.DeleteFunc(s.options.World.Instances(r.caller.region), func(i *model.Instance) bool {
		return i.AccountID != r.caller.account
	})
}

// findCluster finds one of the caller's.
func (s *Server) findCluster(r *request, id string) (*model.Cluster, *model.APIError) {
	for _, c := range s.listClusters(r) {
		if c.Identifier == id {
			return c, nil
		}
	}
	return nil, &model.APIError{Code: "DBClusterNotFoundFault", HTTPStatus: http.StatusNotFound,
		Message: fmt.Sprintf("DBCluster %s not found.", id)}
}

func (s *Server) findInstance(r *request, id string) (*model.Instance, *model.APIError) {
	for _, i := range s.listInstances(r) {
		if i.Identifier == id {
			return i, nil
		}
	}
	return nil, &model.APIError{Code: "DBInstanceNotFound", Message: fmt.Sprintf("DBInstance %s not found.", id), HTTPStatus: http.StatusNotFound}
}

// parseFilters reads Filters: values by name. A resource passes when it has one of the values of every filter.
func parseFilters(f form, known ...string) (map[string][]string, *model.APIError) {
	out := map[string][]string{}
	for _, item := range f.itemPrefixes("Filters.Filter") {
		name, values := f.Get(item+"Name"), f.list(item+"Values.Value")
		if !slices.Contains(known, name) {
			return nil, &model.APIError{Code: "InvalidParameterValue", Message: "Unrecognized filter name: " + name, HTTPStatus: http.StatusBadRequest}
		}
		if len(values) > 100 {
			return nil, &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
				Message: "Only up to 100 unique filter values may be specified per filter."}
		}
		out[name] = values
	}
	return out, nil
}

func matchesFilters(filters map[string][]string, attributes map[string]string) bool {
	for name, values := range filters {
		if !slices.Contains(values, attributes[name]) {
			return false
		}
	}
	return true
}

// defaultPageSize is how many records a page has that asks for no number (RDS API reference, MaxRecords).
const defaultPageSize = 100

// paginate cuts a list to MaxRecords from Marker on. Markers are opaque to callers.
func paginate[T any](f form, all []T, maxSize int) (part []T, marker string, failed *model.APIError) {
	size, offset := defaultPageSize, 0
	if n, failed := f.optionalInt("MaxRecords"); failed != nil || n != nil && (*n < 20 || *n > maxSize) {
		return nil, "", &model.APIError{Code: "InvalidParameterValue", HTTPStatus: http.StatusBadRequest,
			Message: fmt.Sprintf("Invalid value for MaxRecords. Must be between 20 and %d", maxSize)}
	} else if n != nil {
		size = *n
	}
	if f.Has("Marker") && f.Get("Marker") != "" {
		decoded, err := base64.StdEncoding.DecodeString(f.Get("Marker"))
		_, scanned := fmt.Sscanf(string(decoded), "from-%d", &offset)
		if err != nil || scanned != nil || offset < 0 || offset > len(all) {
			return nil, "", &model.APIError{Code: "InvalidParameterValue", Message: "Invalid Marker", HTTPStatus: http.StatusBadRequest}
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
	criteria, failed := parseFilters(r.form, "clone-group-id", "db-cluster-id", "db-cluster-resource-id", "domain", "engine")
	if failed != nil {
		return nil, failed
	}
	all := s.listClusters(r)
	if id := r.form.Get("DBClusterIdentifier"); id != "" {
		cluster, failed := s.findCluster(r, id)
		if failed != nil {
			return nil, failed
		}
		all = []*model.Cluster{cluster}
	}
	all = slices.DeleteFunc(all, func(c *model.Cluster) bool {
		return !matchesFilters(criteria, map[string]string{"db-cluster-id": c.Identifier, "db-cluster-resource-id": c.ResourceID, "engine": c.Engine})
	})
	part, marker, failed := paginate(r.form, all, 100)
	if failed != nil {
		return nil, failed
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
	criteria, failed := parseFilters(r.form, "db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine")
	if failed != nil {
		return nil, failed
	}
	all := s.listInstances(r)
	if id := r.form.Get("DBInstanceIdentifier"); id != "" {
		instance, failed := s.findInstance(r, id)
		if failed != nil {
			return nil, failed
		}
		all = []*model.Instance{instance}
	}
	all = slices.DeleteFunc(all, func(i *model.Instance) bool {
		return !matchesFilters(criteria, map[string]string{
			"db-cluster-id": i.Cluster, "db-instance-id": i.Identifier, "dbi-resource-id": i.ResourceID, "engine": i.Engine,
		})
	})
	part, marker, failed := paginate(r.form, all, 100)
	if failed != nil {
		return nil, failed
	}
	out := &describeDBInstancesResult{Marker: marker}
	for _, i := range part {
		out.DBInstances.DBInstance = append(out.DBInstances.DBInstance, newInstanceElement(i))
	}
	return out, nil
}

func (s *Server) describeEvents(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeEvents", "*", nil); denied != nil {
		return nil, denied
	}
	from, to, failed := parseEventPeriod(r.form, s.options.World.Now())
	if failed != nil {
		return nil, failed
	}
	source, kind := r.form.Get("SourceIdentifier"), r.form.Get("SourceType")
	if source != "" && kind == "" {
		return nil, &model.APIError{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "SourceIdentifier may not be specified without SourceType"}
	}
	var all []eventElement
	for _, e := range s.options.World.Events(r.caller.region, from, to) {
		if accountFromARN(e.ARN) != r.caller.account || source != "" && e.SourceIdentifier != source || kind != "" && e.SourceType != kind {
			continue
		}
		all = append(all, eventElement{
			Date: formatTime(e.Time), Message: e.Message, SourceArn: e.ARN, SourceIdentifier: e.SourceIdentifier, SourceType: e.SourceType,
			EventCategories: []string{e.Category},
		})
	}
	out := &describeEventsResult{}
	out.Events.Event, out.Marker, failed = paginate(r.form, all, 100)
	return out, failed
}

// parseEventPeriod is the stretch of time that DescribeEvents asks for: until now and for an hour, unless it says otherwise.
func parseEventPeriod(f form, now time.Time) (from, to time.Time, failed *model.APIError) {
	to, failed = f.timeOrDefault("EndTime", now)
	if failed != nil {
		return from, to, failed
	}
	duration := time.Hour
	if n, failed := f.optionalInt("Duration"); failed != nil {
		return from, to, failed
	} else if n != nil {
		duration = time.Duration(*n) * time.Minute
	}
	from, failed = f.timeOrDefault("StartTime", to.Add(-duration))
	return from, to, failed
}
