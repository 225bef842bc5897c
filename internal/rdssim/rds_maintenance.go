package rdssim

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

type pendingDetail struct {
	Action               string `xml:"Action"`
	Description          string `xml:"Description,omitempty"`
	AutoAppliedAfterDate string `xml:"AutoAppliedAfterDate,omitempty"`
	ForcedApplyDate      string `xml:"ForcedApplyDate,omitempty"`
	CurrentApplyDate     string `xml:"CurrentApplyDate,omitempty"`
	OptInStatus          string `xml:"OptInStatus,omitempty"`
}

type pendingElement struct {
	ResourceIdentifier string          `xml:"ResourceIdentifier"`
	Details            []pendingDetail `xml:"PendingMaintenanceActionDetails>PendingMaintenanceAction"`
}

type describePendingResult struct {
	PendingMaintenanceActions struct{ ResourcePendingMaintenanceActions []pendingElement }
	Marker                    string `xml:"Marker,omitempty"`
}

// describePendingMaintenance lists each cluster or instance once, with what is pending on it. A cluster's identifier finds the
// cluster and not its instances.
func (s *Server) describePendingMaintenance(r *request) (any, *model.Fault) {
	if denied := s.allow(r, "rds:DescribePendingMaintenanceActions", "*", nil); denied != nil {
		return nil, denied
	}
	want, failed := filters(r.form, "db-cluster-id", "db-instance-id")
	if failed != nil {
		return nil, failed
	}
	for name, values := range want {
		want[name] = resourceNames(values)
	}
	var all []pendingElement
	for _, m := range s.options.World.PendingMaintenance(r.caller.region) {
		parts := strings.Split(m.ARN, ":") // arn:aws:rds:region:account:kind:identifier
		is := map[string]string{map[string]string{"db": "db-instance-id", "cluster": "db-cluster-id"}[parts[5]]: parts[6]}
		only := r.form.Get("ResourceIdentifier")
		if only != "" && only != m.ARN || parts[4] != r.caller.account || !passes(want, is) {
			continue
		}
		detail := pendingDetail{
			Action: m.Action, Description: m.Description, AutoAppliedAfterDate: stamp(m.AutoAppliedAfter),
			ForcedApplyDate: stamp(m.ForcedApply), CurrentApplyDate: stamp(m.CurrentApply), OptInStatus: m.OptIn,
		}
		n := slices.IndexFunc(all, func(e pendingElement) bool { return e.ResourceIdentifier == m.ARN })
		if n < 0 {
			n, all = len(all), append(all, pendingElement{ResourceIdentifier: m.ARN})
		}
		all[n].Details = append(all[n].Details, detail)
	}
	out := &describePendingResult{}
	out.PendingMaintenanceActions.ResourcePendingMaintenanceActions, out.Marker, failed = page(r.form, all, defaultRecords)
	return out, failed
}

// resourceNames are the identifiers behind values of a filter, which takes ARNs as well.
func resourceNames(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, v[strings.LastIndex(v, ":")+1:])
	}
	return out
}
