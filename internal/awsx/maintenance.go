package awsx

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// maintenanceInterval is how often pending maintenance is read. AWS announces it days before.
	maintenanceInterval = 15 * time.Minute
	// maintenanceRetryInterval is how long after an error it is read again.
	maintenanceRetryInterval = time.Minute
)

// listPendingMaintenance lists what AWS is about to do in a scope, by the ARN of the cluster or instance.
func listPendingMaintenance(ctx context.Context, client rdsReadAPI) (map[string][]scaling.PendingMaintenance, error) {
	out := map[string][]scaling.PendingMaintenance{}
	pages := rds.NewDescribePendingMaintenanceActionsPaginator(client, &rds.DescribePendingMaintenanceActionsInput{
		MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, resource := range page.PendingMaintenanceActions {
			arn := aws.ToString(resource.ResourceIdentifier)
			for _, action := range resource.PendingMaintenanceActionDetails {
				out[arn] = append(out[arn], scaling.PendingMaintenance{
					Action:      aws.ToString(action.Action),
					ScheduledAt: scheduledTime(action),
				})
			}
		}
	}
	return out, nil
}

// scheduledTime is when an action will be carried out; zero when nothing says so. CurrentApplyDate takes the other dates into account:
// AutoAppliedAfterDate alone may have passed days before the window in which AWS acts (RDS API reference,
// PendingMaintenanceAction).
func scheduledTime(action types.PendingMaintenanceAction) time.Time {
	if action.CurrentApplyDate != nil {
		return action.CurrentApplyDate.UTC()
	}
	var first time.Time
	for _, m := range []*time.Time{action.AutoAppliedAfterDate, action.ForcedApplyDate} {
		if m != nil && (first.IsZero() || m.Before(first)) {
			first = m.UTC()
		}
	}
	return first
}
