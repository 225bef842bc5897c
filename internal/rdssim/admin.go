package rdssim

import (
	"encoding/json"
	"net/http"
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

// admin answers GET /_sim/state?region=R, GET /_sim/calls, POST /_sim/faults and DELETE /_sim/faults.
func (s *Server) admin(out http.ResponseWriter, in *http.Request) {
	switch in.Method + " " + in.URL.Path {
	case "GET /_sim/state":
		region := in.URL.Query().Get("region")
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
		if err := decoder.Decode(&f); err != nil || f.Kind == "" {
			http.Error(out, "want a fault such as {\"kind\": \"Throttle\", \"operation\": \"ModifyDBInstance\", \"times\": 1}", http.StatusBadRequest)
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
