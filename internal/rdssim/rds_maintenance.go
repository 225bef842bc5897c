package rdssim

import (
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

type pendingMaintenanceDetail struct {
	Action               string `xml:"Action"`
	Description          string `xml:"Description,omitempty"`
	AutoAppliedAfterDate string `xml:"AutoAppliedAfterDate,omitempty"`
	ForcedApplyDate      string `xml:"ForcedApplyDate,omitempty"`
	CurrentApplyDate     string `xml:"CurrentApplyDate,omitempty"`
	OptInStatus          string `xml:"OptInStatus,omitempty"`
}

type pendingMaintenanceElement struct {
	ResourceIdentifier string                     `xml:"ResourceIdentifier"`
	Details            []pendingMaintenanceDetail `xml:"PendingMaintenanceActionDetails>PendingMaintenanceAction"`
}

type describePendingMaintenanceResult struct {
	PendingMaintenanceActions struct{ ResourcePendingMaintenanceActions []pendingMaintenanceElement }
	Marker                    string `xml:"Marker,omitempty"`
}

// describePendingMaintenance lists each cluster or instance once, with its pending actions. The identifier of a cluster does
// not match its instances.
func (s *Server) describePendingMaintenance(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribePendingMaintenanceActions", "*", nil); denied != nil {
		return nil, denied
	}
	criteria, apiErr := parseFilters(r.form, "db-cluster-id", "db-instance-id")
	if apiErr != nil {
		return nil, apiErr
	}
	for name, values := range criteria {
		criteria[name] = identifiersFromARNs(values)
	}
	var all []pendingMaintenanceElement
	for _, m := range s.options.World.PendingMaintenance(r.caller.region) {
		parts := strings.Split(m.ARN, ":") // arn:aws:rds:region:account:kind:identifier
		attributes := map[string]string{map[string]string{"db": "db-instance-id", "cluster": "db-cluster-id"}[parts[5]]: parts[6]}
		requestedARN := r.form.Get("ResourceIdentifier")
		if requestedARN != "" && requestedARN != m.ARN || parts[4] != r.caller.account || !matchesFilters(criteria, attributes) {
			continue
		}
		detail := pendingMaintenanceDetail{
			Action: m.Action, Description: m.Description, AutoAppliedAfterDate: formatTime(m.AutoAppliedAfterDate),
			ForcedApplyDate: formatTime(m.ForcedApplyDate), CurrentApplyDate: formatTime(m.CurrentApplyDate), OptInStatus: m.OptInStatus,
		}
		n := slices.IndexFunc(all, func(e pendingMaintenanceElement) bool { return e.ResourceIdentifier == m.ARN })
		if n < 0 {
			n, all = len(all), append(all, pendingMaintenanceElement{ResourceIdentifier: m.ARN})
		}
		all[n].Details = append(all[n].Details, detail)
	}
	out := &describePendingMaintenanceResult{}
	out.PendingMaintenanceActions.ResourcePendingMaintenanceActions, out.Marker, apiErr = paginate(r.form, all, defaultPageSize)
	return out, apiErr
}

// identifiersFromARNs returns the identifiers in the values of a filter, which may be identifiers or ARNs.
func identifiersFromARNs(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, v[strings.LastIndex(v, ":")+1:])
	}
	return out
}
