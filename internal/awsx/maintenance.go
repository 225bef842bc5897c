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
	// maintenanceInterval is how often pending maintenance is read. AWS announces it days ahead.
	maintenanceInterval = 15 * time.Minute
	// maintenanceRetryInterval is how soon it is read again after an error.
	maintenanceRetryInterval = time.Minute
)

// listPendingMaintenance returns the pending maintenance of a scope, by the ARN of the cluster or instance.
func listPendingMaintenance(ctx context.Context, client rdsReadAPI) (map[string][]scaling.PendingMaintenance, error) {
	pending := map[string][]scaling.PendingMaintenance{}
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
				pending[arn] = append(pending[arn], scaling.PendingMaintenance{
					Action:      aws.ToString(action.Action),
					ScheduledAt: scheduledTime(action),
				})
			}
		}
	}
	return pending, nil
}

// scheduledTime is when AWS will carry out an action; zero when no date is set. CurrentApplyDate takes the other dates
// into account: AutoAppliedAfterDate alone may have passed days before the window in which AWS acts (RDS API reference,
// PendingMaintenanceAction).
func scheduledTime(action types.PendingMaintenanceAction) time.Time {
	if action.CurrentApplyDate != nil {
		return action.CurrentApplyDate.UTC()
	}
	var earliest time.Time
	for _, date := range []*time.Time{action.AutoAppliedAfterDate, action.ForcedApplyDate} {
		if date != nil && (earliest.IsZero() || date.Before(earliest)) {
			earliest = date.UTC()
		}
	}
	return earliest
}
