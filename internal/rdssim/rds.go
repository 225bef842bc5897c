package rdssim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// rds carries out an operation of RDS (API version 2014-10-31).
func (s *Server) rds(r *request) (any, *model.Fault) {
	operation, known := map[string]func(*request) (any, *model.Fault){
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

// clusters lists what the caller's account has in the region.
func (s *Server) clusters(r *request) []*model.Cluster {
	return slices.DeleteFunc(s.options.World.Clusters(r.caller.region), func(c *model.Cluster) bool {
		return c.AccountID != r.caller.account
	})
}

func (s *Server) instances(r *request) []*model.Instance {
	return slices.DeleteFunc(s.options.World.Instances(r.caller.region), func(i *model.Instance) bool {
		return i.AccountID != r.caller.account
	})
}

// cluster finds one of the caller's.
func (s *Server) cluster(r *request, id string) (*model.Cluster, *model.Fault) {
	for _, c := range s.clusters(r) {
		if c.Identifier == id {
			return c, nil
		}
	}
	return nil, &model.Fault{Code: "DBClusterNotFoundFault", HTTPStatus: http.StatusNotFound,
		Message: fmt.Sprintf("DBCluster %s not found.", id)}
}

func (s *Server) instance(r *request, id string) (*model.Instance, *model.Fault) {
	for _, i := range s.instances(r) {
		if i.Identifier == id {
			return i, nil
		}
	}
	return nil, &model.Fault{Code: "DBInstanceNotFound", Message: fmt.Sprintf("DBInstance %s not found.", id), HTTPStatus: http.StatusNotFound}
}

// filters reads Filters: values by name. A resource passes when it has one of the values of every filter.
func filters(f form, known ...string) (map[string][]string, *model.Fault) {
	out := map[string][]string{}
	for _, item := range f.items("Filters.Filter") {
		name, values := f.Get(item+"Name"), f.list(item+"Values.Value")
		if !slices.Contains(known, name) {
			return nil, &model.Fault{Code: "InvalidParameterValue", Message: "Unrecognized filter name: " + name, HTTPStatus: http.StatusBadRequest}
		}
		if len(values) > 100 {
			return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
				Message: "Only up to 100 unique filter values may be specified per filter."}
		}
		out[name] = values
	}
	return out, nil
}

func passes(filters map[string][]string, has map[string]string) bool {
	for name, values := range filters {
		if !slices.Contains(values, has[name]) {
			return false
		}
	}
	return true
}

// defaultRecords is how many records a page has that asks for no number (RDS API reference, MaxRecords).
const defaultRecords = 100

// page cuts a list to MaxRecords from Marker on. Markers are opaque to callers.
func page[T any](f form, all []T, most int) (part []T, marker string, failed *model.Fault) {
	size, first := defaultRecords, 0
	if n, failed := f.number("MaxRecords"); failed != nil || n != nil && (*n < 20 || *n > most) {
		return nil, "", &model.Fault{Code: "InvalidParameterValue", HTTPStatus: http.StatusBadRequest,
			Message: fmt.Sprintf("Invalid value for MaxRecords. Must be between 20 and %d", most)}
	} else if n != nil {
		size = *n
	}
	if f.Has("Marker") && f.Get("Marker") != "" {
		decoded, err := base64.StdEncoding.DecodeString(f.Get("Marker"))
		_, scanned := fmt.Sscanf(string(decoded), "from-%d", &first)
		if err != nil || scanned != nil || first < 0 || first > len(all) {
			return nil, "", &model.Fault{Code: "InvalidParameterValue", Message: "Invalid Marker", HTTPStatus: http.StatusBadRequest}
		}
	}
	last := min(first+size, len(all))
	if last < len(all) {
		marker = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "from-%d", last))
	}
	return all[first:last], marker, nil
}

func (s *Server) describeClusters(r *request) (any, *model.Fault) {
	if denied := s.allow(r, "rds:DescribeDBClusters", "*", nil); denied != nil {
		return nil, denied
	}
	want, failed := filters(r.form, "clone-group-id", "db-cluster-id", "db-cluster-resource-id", "domain", "engine")
	if failed != nil {
		return nil, failed
	}
	all := s.clusters(r)
	if id := r.form.Get("DBClusterIdentifier"); id != "" {
		one, failed := s.cluster(r, id)
		if failed != nil {
			return nil, failed
		}
		all = []*model.Cluster{one}
	}
	all = slices.DeleteFunc(all, func(c *model.Cluster) bool {
		return !passes(want, map[string]string{"db-cluster-id": c.Identifier, "db-cluster-resource-id": c.ResourceID, "engine": c.Engine})
	})
	part, marker, failed := page(r.form, all, 100)
	if failed != nil {
		return nil, failed
	}
	out := &describeDBClustersResult{Marker: marker}
	for _, c := range part {
		out.DBClusters.DBCluster = append(out.DBClusters.DBCluster, s.clusterXML(r, c))
	}
	return out, nil
}

func (s *Server) describeInstances(r *request) (any, *model.Fault) {
	if denied := s.allow(r, "rds:DescribeDBInstances", "*", nil); denied != nil {
		return nil, denied
	}
	want, failed := filters(r.form, "db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine")
	if failed != nil {
		return nil, failed
	}
	all := s.instances(r)
	if id := r.form.Get("DBInstanceIdentifier"); id != "" {
		one, failed := s.instance(r, id)
		if failed != nil {
			return nil, failed
		}
		all = []*model.Instance{one}
	}
	all = slices.DeleteFunc(all, func(i *model.Instance) bool {
		return !passes(want, map[string]string{
			"db-cluster-id": i.Cluster, "db-instance-id": i.Identifier, "dbi-resource-id": i.ResourceID, "engine": i.Engine,
		})
	})
	part, marker, failed := page(r.form, all, 100)
	if failed != nil {
		return nil, failed
	}
	out := &describeDBInstancesResult{Marker: marker}
	for _, i := range part {
		out.DBInstances.DBInstance = append(out.DBInstances.DBInstance, instanceXML(i))
	}
	return out, nil
}

func (s *Server) describeEvents(r *request) (any, *model.Fault) {
	if denied := s.allow(r, "rds:DescribeEvents", "*", nil); denied != nil {
		return nil, denied
	}
	from, to, failed := eventTimes(r.form, s.options.World.Now())
	if failed != nil {
		return nil, failed
	}
	source, kind := r.form.Get("SourceIdentifier"), r.form.Get("SourceType")
	if source != "" && kind == "" {
		return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
			Message: "SourceIdentifier may not be specified without SourceType"}
	}
	var all []eventElement
	for _, e := range s.options.World.Events(r.caller.region, from, to) {
		if accountOf(e.ARN) != r.caller.account || source != "" && e.Source != source || kind != "" && e.Type != kind {
			continue
		}
		all = append(all, eventElement{
			Date: stamp(e.At), Message: e.Message, SourceArn: e.ARN, SourceIdentifier: e.Source, SourceType: e.Type,
			EventCategories: []string{e.Category},
		})
	}
	out := &describeEventsResult{}
	out.Events.Event, out.Marker, failed = page(r.form, all, 100)
	return out, failed
}

// eventTimes is the stretch of time that DescribeEvents asks for: until now and for an hour, unless it says otherwise.
func eventTimes(f form, now time.Time) (from, to time.Time, failed *model.Fault) {
	to, failed = f.moment("EndTime", now)
	if failed != nil {
		return from, to, failed
	}
	length := time.Hour
	if n, failed := f.number("Duration"); failed != nil {
		return from, to, failed
	} else if n != nil {
		length = time.Duration(*n) * time.Minute
	}
	from, failed = f.moment("StartTime", to.Add(-length))
	return from, to, failed
}
