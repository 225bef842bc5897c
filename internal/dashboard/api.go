package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/internal/view"
)

// dayLength is how much of the past is shown.
const dayLength = 24 * time.Hour

// About is what the page has to know about the server.
type About struct {
	Version string `json:"version"`
	Cluster string `json:"cluster"`
	// Time is that of the policies, and StartTime that of the start of the server.
	Time      time.Time `json:"time"`
	StartTime time.Time `json:"startTime"`
	// Scope says which policies are shown, and Notices what the user may not see.
	Scope   string   `json:"scope"`
	Notices []string `json:"notices,omitempty"`
	// Measures says whether the load is read from AWS, and Ledger names the ledger.
	Measures bool   `json:"measures"`
	Ledger   string `json:"ledger,omitempty"`
	// RefreshSeconds is how often the page reads again.
	RefreshSeconds float64 `json:"refreshSeconds"`
}

// policiesDocument has the names of the JSON output of status and top.
type policiesDocument[T any] struct {
	Policies []T `json:"policies"`
}

// errorDocument is the answer when something cannot be read.
type errorDocument struct {
	Error string `json:"error"`
}

// api answers the requests for data.
type api struct {
	server *Server
	start  func(run func(ctx context.Context))
}

func (a *api) snapshot(w http.ResponseWriter, r *http.Request) *snapshot {
	out, err := a.server.read(r.Context(), a.start)
	if err != nil {
		writeJSON(w, http.StatusBadGateway, errorDocument{err.Error()})
		return nil
	}
	return out
}

func (a *api) about(w http.ResponseWriter, r *http.Request) {
	s := a.server
	about := About{
		Version: s.Version, Cluster: s.Cluster, Time: s.Clock.Now().UTC(), StartTime: s.startedAt, Measures: s.Measure != nil,
		Ledger: s.LedgerFile, RefreshSeconds: s.Refresh.Seconds(),
	}
	if snapshot := a.snapshot(w, r); snapshot != nil {
		about.Scope, about.Notices = snapshot.scope, snapshot.notices
		writeJSON(w, http.StatusOK, about)
	}
}

// fleet answers with the JSON of kubectl dbscaler top.
func (a *api) fleet(w http.ResponseWriter, r *http.Request) {
	order := view.SortFleet(r.URL.Query().Get("sort"))
	switch order {
	case view.SortByRisk, view.SortByHeadroom, view.SortByCost:
	case "":
		order = view.SortByRisk
	default:
		writeJSON(w, http.StatusBadRequest, errorDocument{fmt.Sprintf("sort is %q: it must be risk, headroom or cost", order)})
		return
	}
	if s := a.snapshot(w, r); s != nil {
		writeJSON(w, http.StatusOK, policiesDocument[view.Risk]{view.NewFleet(s.views, order)})
	}
}

// policies answers with the JSON of kubectl dbscaler status.
func (a *api) policies(w http.ResponseWriter, r *http.Request) {
	if s := a.snapshot(w, r); s != nil {
		writeJSON(w, http.StatusOK, policiesDocument[view.Policy]{s.views})
	}
}

// policy answers with the JSON of kubectl dbscaler status POLICY.
func (a *api) policy(w http.ResponseWriter, r *http.Request) {
	if in, found := a.input(w, r); found {
		writeJSON(w, http.StatusOK, policiesDocument[view.Policy]{[]view.Policy{view.NewPolicy(in)}})
	}
}

// day answers with the day of a database.
func (a *api) day(w http.ResponseWriter, r *http.Request) {
	in, found := a.input(w, r)
	if !found {
		return
	}
	day := view.DayInput{Input: in, Length: dayLength, SeenSince: a.server.startedAt}
	day.Seen = a.server.cache.seenDecisions(client.ObjectKeyFromObject(in.Object))
	if a.server.ledger == nil {
		writeJSON(w, http.StatusOK, view.NewDay(day))
		return
	}
	var out view.Day
	err := a.server.ledger.withDay(in.Object.Namespace+"/"+in.Object.Name, in.Now.Add(-dayLength), func(l *view.LedgerDay, note string) {
		day.Ledger = l
		if out = view.NewDay(day); note != "" {
			out.Unknown = append(out.Unknown, note)
		}
	})
	if err != nil {
		day.Ledger = nil
		out = view.NewDay(day)
		out.Unknown = append([]string{err.Error()}, out.Unknown...)
	}
	writeJSON(w, http.StatusOK, out)
}

// input is what the view of the policy of a request is made of.
func (a *api) input(w http.ResponseWriter, r *http.Request) (view.Input, bool) {
	s := a.snapshot(w, r)
	if s == nil {
		return view.Input{}, false
	}
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	n, found := s.byName[key]
	if !found {
		writeJSON(w, http.StatusNotFound, errorDocument{fmt.Sprintf("there is no DBScalingPolicy %s in %s: it was deleted, or you may not see "+
			"it", key, s.scope)})
		return view.Input{}, false
	}
	in := s.inputs[n]
	in.Now = a.server.Clock.Now()
	in.Events, in.EventsUnknown = a.server.Source.Events(r.Context(), in.Object)
	return in, true
}

// writeJSON answers with JSON in the layout of the commands of the plugin.
func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
