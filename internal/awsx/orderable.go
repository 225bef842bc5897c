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
	// offeredEvery is how often the orderable classes of an engine's version are read: AWS adds some every few months.
	offeredEvery = 6 * time.Hour
	// offeredErrorEvery is how long after an error they are read again.
	offeredErrorEvery = 5 * time.Minute
	// offersPage is the largest page of DescribeOrderableDBInstanceOptions (RDS API reference).
	offersPage = 1000
)

// offer is what orderable classes depend on within a region.
type offer struct {
	engine, version string
	// whole says that it is for a Multi-AZ DB cluster, which has fewer.
	whole bool
}

func compareOffers(a, b offer) int {
	return cmp.Or(cmp.Compare(a.engine, b.engine), cmp.Compare(a.version, b.version), cmp.Compare(fmt.Sprint(a.whole), fmt.Sprint(b.whole)))
}

// orderable lists the instance classes that AWS offers for an engine's version, sorted. There is one option for each
// combination of class, storage and licence, so that a class may come many times.
func orderable(ctx context.Context, client databases, o offer) ([]string, error) {
	classes := []string{}
	pages := rds.NewDescribeOrderableDBInstanceOptionsPaginator(client, &rds.DescribeOrderableDBInstanceOptionsInput{
		Engine: aws.String(o.engine), EngineVersion: aws.String(o.version), MaxRecords: aws.Int32(offersPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, option := range page.OrderableDBInstanceOptions {
			if !o.whole || aws.ToBool(option.SupportsClusters) {
				classes = append(classes, aws.ToString(option.DBInstanceClass))
			}
		}
	}
	slices.Sort(classes)
	return slices.Compact(classes), nil
}
