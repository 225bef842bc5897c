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

// adminPrefix is where the simulator itself is talked to. AWS has nothing there.
const adminPrefix = "/_sim/"

// state is what GET /_sim/state answers.
type state struct {
	Time      time.Time                 `json:"time"`
	Clusters  []*model.Cluster          `json:"clusters"`
	Instances []*model.Instance         `json:"instances"`
	Minutes   map[string][]model.Minute `json:"lastHour,omitempty"`
}

// withdrawal is what POST /_sim/withdrawn takes.
type withdrawal struct {
	Region string `json:"region"`
	Class  string `json:"class"`
}

// upkeep is what POST /_sim/maintenance takes. Its fields are those of model.Maintenance.
type upkeep struct {
	ARN              string    `json:"arn"`
	Action           string    `json:"action"`
	Description      string    `json:"description"`
	AutoAppliedAfter time.Time `json:"autoAppliedAfter"`
	ForcedApply      time.Time `json:"forcedApply"`
	CurrentApply     time.Time `json:"currentApply"`
	OptIn            string    `json:"optIn"`
}

// registration is what POST /_sim/scalable-targets takes.
type registration struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	model.AutoScaling
}

// admin answers GET /_sim/state?region=R and GET /_sim/calls, POST and DELETE /_sim/faults, POST /_sim/withdrawn and
// DELETE /_sim/withdrawn?region=R&class=C, POST /_sim/maintenance and DELETE /_sim/maintenance?arn=A&action=N, POST
// /_sim/scalable-targets and DELETE /_sim/scalable-targets?region=R&cluster=C, to this machine alone.
func (s *Server) admin(out http.ResponseWriter, in *http.Request) {
	if from, err := netip.ParseAddrPort(in.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
		http.Error(out, "the simulator is administered over the loopback interface", http.StatusForbidden)
		return
	}
	switch in.Method + " " + in.URL.Path {
	case "GET /_sim/state":
		region := in.URL.Query().Get("region")
		if region == "" {
			http.Error(out, "name a region: /_sim/state?region=eu-west-1", http.StatusBadRequest)
			return
		}
		var now state
		s.Do(func(w *model.World) {
			now = state{Time: w.Now(), Clusters: w.Clusters(region), Instances: w.Instances(region), Minutes: map[string][]model.Minute{}}
			for _, c := range now.Clusters {
				minutes := w.Minutes(region, c.Identifier)
				now.Minutes[c.Identifier] = minutes[max(0, len(minutes)-60):]
			}
		})
		writeJSON(out, now)
	case "GET /_sim/calls":
		writeJSON(out, s.Calls())
	case "POST /_sim/faults":
		take(out, in, `{"kind": "Throttle", "operation": "ModifyDBInstance", "times": 1}`, func(f Fault) error {
			if err := f.validate(); err != nil {
				return err
			}
			s.Inject(f)
			return nil
		})
	case "DELETE /_sim/faults":
		s.Heal()
		out.WriteHeader(http.StatusNoContent)
	case "POST /_sim/withdrawn":
		take(out, in, `{"region": "eu-west-1", "class": "db.r6g.xlarge"}`, s.withdraw)
	case "DELETE /_sim/withdrawn":
		s.Do(func(w *model.World) { w.Offer(in.URL.Query().Get("region"), in.URL.Query().Get("class")) })
		out.WriteHeader(http.StatusNoContent)
	case "POST /_sim/maintenance":
		take(out, in, `{"arn": "arn:aws:rds:eu-west-1:123456789012:db:orders-1", "action": "system-update"}`, s.maintain)
	case "DELETE /_sim/maintenance":
		s.Do(func(w *model.World) { w.Maintained(in.URL.Query().Get("arn"), in.URL.Query().Get("action")) })
		out.WriteHeader(http.StatusNoContent)
	case "POST /_sim/scalable-targets":
		take(out, in, `{"region": "eu-west-1", "cluster": "orders", "minCapacity": 1, "maxCapacity": 4}`, s.register)
	case "DELETE /_sim/scalable-targets":
		s.Do(func(w *model.World) { w.Deregister(in.URL.Query().Get("region"), in.URL.Query().Get("cluster")) })
		out.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(out, in)
	}
}

// take reads a body and does what it says. The example is for who sends another.
func take[T any](out http.ResponseWriter, in *http.Request, example string, do func(T) error) {
	var value T
	decoder := json.NewDecoder(in.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	if err == nil {
		err = do(value)
	}
	if err != nil {
		http.Error(out, fmt.Sprintf("%v; want a body such as %s", err, example), http.StatusBadRequest)
		return
	}
	out.WriteHeader(http.StatusNoContent)
}

func (s *Server) withdraw(x withdrawal) error {
	if _, err := catalog.Lookup(x.Class); err != nil || x.Region == "" {
		return cmp.Or(err, errors.New("it needs a region"))
	}
	s.Do(func(w *model.World) { w.Withdraw(x.Region, x.Class) })
	return nil
}

func (s *Server) maintain(u upkeep) error {
	if u.Action == "" {
		return errors.New("it needs an action")
	}
	var err error
	s.Do(func(w *model.World) { err = w.Maintain(model.Maintenance(u)) })
	return err
}

func (s *Server) register(x registration) error {
	var err error
	s.Do(func(w *model.World) { err = w.Register(x.Region, x.Cluster, x.AutoScaling) })
	return err
}

func writeJSON(out http.ResponseWriter, value any) {
	out.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // a caller that has gone away gets nothing
}
