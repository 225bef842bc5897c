package awsx

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// orderableInterval is how often the orderable classes of an engine version are read: AWS adds some every few months.
	orderableInterval = 6 * time.Hour
	// orderableRetryInterval is how soon they are read again after an error.
	orderableRetryInterval = 5 * time.Minute
	// orderablePageSize is the largest page of DescribeOrderableDBInstanceOptions (RDS API reference).
	orderablePageSize = 1000
)

// orderableKey is what the orderable classes depend on within a region.
type orderableKey struct {
	engine, version string
	// isMultiAZCluster selects the classes for a Multi-AZ DB cluster, of which there are fewer.
	isMultiAZCluster bool
}

func orderableKeyFor(o scaling.Observation) orderableKey {
	return orderableKey{engine: o.Engine, version: o.EngineVersion, isMultiAZCluster: o.ResizedAsUnit && !o.Serverless}
}

func compareOrderableKeys(a, b orderableKey) int {
	return cmp.Or(cmp.Compare(a.engine, b.engine), cmp.Compare(a.version, b.version), compareBools(a.isMultiAZCluster, b.isMultiAZCluster))
}

// listOrderableClasses returns the instance classes that AWS offers for an engine version, sorted. The API returns one
// option per combination of class, storage and licence, so it may return a class several times.
func listOrderableClasses(ctx context.Context, client rdsReadAPI, key orderableKey) ([]string, error) {
	classes := []string{}
	pages := rds.NewDescribeOrderableDBInstanceOptionsPaginator(client, &rds.DescribeOrderableDBInstanceOptionsInput{
		Engine: aws.String(key.engine), EngineVersion: aws.String(key.version), MaxRecords: aws.Int32(orderablePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, option := range page.OrderableDBInstanceOptions {
			if !key.isMultiAZCluster || aws.ToBool(option.SupportsClusters) {
				classes = append(classes, aws.ToString(option.DBInstanceClass))
			}
		}
	}
	slices.Sort(classes)
	return slices.Compact(classes), nil
}
