package awsx

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// maintenanceEvery is how often pending maintenance is read. AWS announces it days before.
	maintenanceEvery = 15 * time.Minute
	// maintenanceErrorEvery is how long after an error it is read again.
	maintenanceErrorEvery = time.Minute
)

// pendingMaintenance lists what AWS is about to do in a scope, by the ARN of the cluster or instance.
func pendingMaintenance(ctx context.Context, client databases) (map[string][]scaling.Maintenance, error) {
	out := map[string][]scaling.Maintenance{}
	pages := rds.NewDescribePendingMaintenanceActionsPaginator(client, &rds.DescribePendingMaintenanceActionsInput{
		MaxRecords: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, resource := range page.PendingMaintenanceActions {
			arn := aws.ToString(resource.ResourceIdentifier)
			for _, action := range resource.PendingMaintenanceActionDetails {
				out[arn] = append(out[arn], scaling.Maintenance{
					Action: aws.ToString(action.Action),
					Due:    earliest(action.CurrentApplyDate, action.AutoAppliedAfterDate, action.ForcedApplyDate),
				})
			}
		}
	}
	return out, nil
}

// earliest is the first of some moments; zero when none is set.
func earliest(moments ...*time.Time) time.Time {
	var first time.Time
	for _, m := range moments {
		if m != nil && (first.IsZero() || m.Before(first)) {
			first = m.UTC()
		}
	}
	return first
}
