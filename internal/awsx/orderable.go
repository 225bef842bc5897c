package awsx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

const (
	// orderableInterval is how often the orderable classes of an engine's version are read: AWS adds some every few months.
	orderableInterval = 6 * time.Hour
	// orderableRetryInterval is how long after an error they are read again.
	orderableRetryInterval = 5 * time.Minute
	// orderablePageSize is the largest page of DescribeOrderableDBInstanceOptions (RDS API reference).
	orderablePageSize = 1000
)

// orderableKey is what orderable classes depend on within a region.
type orderableKey struct {
	engine, version string
	// isMultiAZCluster says that it is for a Multi-AZ DB cluster, which has fewer.
	isMultiAZCluster bool
}

func compareOrderableKeys(a, b orderableKey) int {
	return cmp.Or(cmp.Compare(a.engine, b.engine), cmp.Compare(a.version, b.version), cmp.Compare(fmt.Sprint(a.isMultiAZCluster), fmt.Sprint(b.isMultiAZCluster)))
}

// listOrderableClasses lists the instance classes that AWS offers for an engine's version, sorted. There is one option for each
// combination of class, storage and licence, so that a class may come many times.
func listOrderableClasses(ctx context.Context, client rdsReadAPI, o orderableKey) ([]string, error) {
	classes := []string{}
	pages := rds.NewDescribeOrderableDBInstanceOptionsPaginator(client, &rds.DescribeOrderableDBInstanceOptionsInput{
		Engine: aws.String(o.engine), EngineVersion: aws.String(o.version), MaxRecords: aws.Int32(orderablePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, option := range page.OrderableDBInstanceOptions {
			if !o.isMultiAZCluster || aws.ToBool(option.SupportsClusters) {
				classes = append(classes, aws.ToString(option.DBInstanceClass))
			}
		}
	}
	slices.Sort(classes)
	return slices.Compact(classes), nil
}
