package rdssim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
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

// admin answers GET /_sim/state?region=R, GET /_sim/calls, POST /_sim/faults and DELETE /_sim/faults, to this machine alone.
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
		var f Fault
		decoder := json.NewDecoder(in.Body)
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&f)
		if err == nil {
			err = f.validate()
		}
		if err != nil {
			http.Error(out, fmt.Sprintf(`%v; want a fault such as {"kind": "Throttle", "operation": "ModifyDBInstance", "times": 1}`, err),
				http.StatusBadRequest)
			return
		}
		s.Inject(f)
		out.WriteHeader(http.StatusNoContent)
	case "DELETE /_sim/faults":
		s.Heal()
		out.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(out, in)
	}
}

func writeJSON(out http.ResponseWriter, value any) {
	out.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // a caller that has gone away gets nothing
}
