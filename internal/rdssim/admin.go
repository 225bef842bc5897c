package rdssim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// adminPrefix is the path prefix of the admin API. AWS does not use it.
const adminPrefix = "/_sim/"

// stateResponse is the response of GET /_sim/state.
type stateResponse struct {
	Time      time.Time                        `json:"time"`
	Clusters  []*model.Cluster                 `json:"clusters"`
	Instances []*model.Instance                `json:"instances"`
	LastHour  map[string][]model.MinuteSummary `json:"lastHour,omitempty"`
}

// unorderableClassRequest is the body of POST /_sim/unorderable-classes.
type unorderableClassRequest struct {
	Region string `json:"region"`
	Class  string `json:"class"`
}

// maintenanceRequest is the body of POST /_sim/maintenance. Its fields are those of model.MaintenanceAction.
type maintenanceRequest struct {
	ARN                  string    `json:"arn"`
	Action               string    `json:"action"`
	Description          string    `json:"description"`
	AutoAppliedAfterDate time.Time `json:"autoAppliedAfterDate"`
	ForcedApplyDate      time.Time `json:"forcedApplyDate"`
	CurrentApplyDate     time.Time `json:"currentApplyDate"`
	OptInStatus          string    `json:"optInStatus"`
}

// pendingClusterChangesRequest is the body of POST /_sim/pending-cluster-changes. Without changes it cancels the pending ones.
type pendingClusterChangesRequest struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	model.ClusterPendingChanges
}

// parameterStatusRequest is the body of POST /_sim/parameter-status, with either an instance or a cluster.
type parameterStatusRequest struct {
	Region   string `json:"region"`
	Instance string `json:"instance"`
	Cluster  string `json:"cluster"`
	Status   string `json:"status"`
}

// scalableTargetRequest is the body of POST /_sim/scalable-targets.
type scalableTargetRequest struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	model.AutoScaling
}

// serveAdmin serves the admin API, to clients on the loopback interface only:
//
//	GET /_sim/state?region=R
//	GET /_sim/calls
//	GET /_sim/mutating-calls
//	GET /_sim/counts
//	GET /_sim/samples?region=R&instance=I&metric=M&since=T
//	POST /_sim/load
//	POST, DELETE /_sim/faults
//	POST /_sim/unorderable-classes, DELETE /_sim/unorderable-classes?region=R&class=C
//	POST /_sim/maintenance, DELETE /_sim/maintenance?arn=A&action=N
//	POST /_sim/pending-cluster-changes
//	POST /_sim/parameter-status
//	POST /_sim/client-weights
//	POST /_sim/scalable-targets, DELETE /_sim/scalable-targets?region=R&cluster=C
func (s *Server) serveAdmin(rw http.ResponseWriter, req *http.Request) {
	if remote, err := netip.ParseAddrPort(req.RemoteAddr); err != nil || !remote.Addr().Unmap().IsLoopback() {
		http.Error(rw, "the admin API answers only on the loopback interface", http.StatusForbidden)
		return
	}
	switch req.Method + " " + req.URL.Path {
	case "GET /_sim/state":
		region := req.URL.Query().Get("region")
		if region == "" {
			http.Error(rw, "region is missing: want /_sim/state?region=eu-west-1", http.StatusBadRequest)
			return
		}
		var response stateResponse
		s.WithWorld(func(w *model.World) {
			response = stateResponse{
				Time: w.Now(), Clusters: w.Clusters(region), Instances: w.Instances(region), LastHour: map[string][]model.MinuteSummary{},
			}
			for _, c := range response.Clusters {
				minutes := w.Minutes(region, c.Identifier)
				response.LastHour[c.Identifier] = minutes[max(0, len(minutes)-60):]
			}
		})
		writeJSON(rw, response)
	case "GET /_sim/calls":
		writeJSON(rw, s.Calls())
	case "GET /_sim/mutating-calls", "GET /_sim/counts", "GET /_sim/samples", "POST /_sim/load":
		s.serveLoadTest(rw, req)
	case "POST /_sim/faults":
		decodeAndApply(rw, req, `{"kind": "Throttle", "operation": "ModifyDBInstance", "times": 1}`, func(fault Fault) error {
			if err := fault.validate(); err != nil {
				return err
			}
			s.InjectFault(fault)
			return nil
		})
	case "DELETE /_sim/faults":
		s.ClearFaults()
		rw.WriteHeader(http.StatusNoContent)
	case "POST /_sim/unorderable-classes":
		decodeAndApply(rw, req, `{"region": "eu-west-1", "class": "db.r6g.xlarge"}`, s.setUnorderable)
	case "DELETE /_sim/unorderable-classes":
		s.WithWorld(func(w *model.World) { w.SetOrderable(req.URL.Query().Get("region"), req.URL.Query().Get("class")) })
		rw.WriteHeader(http.StatusNoContent)
	case "POST /_sim/maintenance":
		decodeAndApply(rw, req, `{"arn": "arn:aws:rds:eu-west-1:123456789012:db:orders-1", "action": "system-update"}`, s.addMaintenance)
	case "DELETE /_sim/maintenance":
		s.WithWorld(func(w *model.World) {
			w.RemovePendingMaintenance(req.URL.Query().Get("arn"), req.URL.Query().Get("action"))
		})
		rw.WriteHeader(http.StatusNoContent)
	case "POST /_sim/pending-cluster-changes":
		decodeAndApply(rw, req, `{"region": "eu-west-1", "cluster": "orders", "engineVersion": "16.2"}`, s.deferClusterChanges)
	case "POST /_sim/parameter-status":
		decodeAndApply(rw, req, `{"region": "eu-west-1", "instance": "orders-1", "status": "pending-reboot"}`, s.setParameterStatus)
	case "POST /_sim/client-weights":
		decodeAndApply(rw, req, `{"region": "eu-west-1", "instance": "ledger-read", "weight": 0}`, s.setClientWeight)
	case "POST /_sim/scalable-targets":
		decodeAndApply(rw, req, `{"region": "eu-west-1", "cluster": "orders", "minCapacity": 1, "maxCapacity": 4}`, s.registerScalableTarget)
	case "DELETE /_sim/scalable-targets":
		s.WithWorld(func(w *model.World) {
			w.DeregisterScalableTarget(req.URL.Query().Get("region"), req.URL.Query().Get("cluster"))
		})
		rw.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(rw, req)
	}
}

// decodeAndApply decodes a JSON body and applies it. On an error it answers 400 with an example of a valid body.
func decodeAndApply[T any](rw http.ResponseWriter, req *http.Request, example string, apply func(T) error) {
	var value T
	decoder := json.NewDecoder(req.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	if err == nil {
		err = apply(value)
	}
	if err != nil {
		http.Error(rw, fmt.Sprintf("%v; want a body such as %s", err, example), http.StatusBadRequest)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

func (s *Server) setUnorderable(class unorderableClassRequest) error {
	if _, err := catalog.Lookup(class.Class); err != nil || class.Region == "" {
		return cmp.Or(err, errors.New("region is missing"))
	}
	s.WithWorld(func(w *model.World) { w.SetUnorderable(class.Region, class.Class) })
	return nil
}

func (s *Server) addMaintenance(action maintenanceRequest) error {
	if action.Action == "" {
		return errors.New("action is missing")
	}
	var err error
	s.WithWorld(func(w *model.World) { err = w.AddPendingMaintenance(model.MaintenanceAction(action)) })
	return err
}

func (s *Server) deferClusterChanges(changes pendingClusterChangesRequest) error {
	var err error
	s.WithWorld(func(w *model.World) {
		err = w.DeferClusterChanges(changes.Region, changes.Cluster, changes.ClusterPendingChanges)
	})
	return err
}

func (s *Server) setParameterStatus(request parameterStatusRequest) error {
	if (request.Instance == "") == (request.Cluster == "") {
		return errors.New("want either an instance or a cluster")
	}
	var err error
	s.WithWorld(func(w *model.World) {
		if request.Cluster != "" {
			err = w.SetClusterParameterStatus(request.Region, request.Cluster, request.Status)
			return
		}
		err = w.SetParameterStatus(request.Region, request.Instance, request.Status)
	})
	return err
}

// clientWeightRequest is the body of POST /_sim/client-weights.
type clientWeightRequest struct {
	Region   string  `json:"region"`
	Instance string  `json:"instance"`
	Weight   float64 `json:"weight"`
}

func (s *Server) setClientWeight(request clientWeightRequest) error {
	var err error
	s.WithWorld(func(w *model.World) { err = w.SetClientWeight(request.Region, request.Instance, request.Weight) })
	return err
}

func (s *Server) registerScalableTarget(target scalableTargetRequest) error {
	var err error
	s.WithWorld(func(w *model.World) {
		err = w.RegisterScalableTarget(target.Region, target.Cluster, target.AutoScaling)
	})
	return err
}

func writeJSON(rw http.ResponseWriter, value any) {
	rw.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(rw)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // ignore that the client has disconnected
}
