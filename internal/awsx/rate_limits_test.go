package awsx

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"k8s.io/utils/clock"
)

func TestRateLimits_DelayAboveBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits, startedAt := newRateLimits(clock.RealClock{}), time.Now()
		for range changesBurst {
			if err := limits.wait(t.Context(), "ModifyDBInstance"); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(startedAt); waited != 0 {
			t.Errorf("the burst took %s", waited)
		}
		for range 3 {
			if err := limits.wait(t.Context(), "ModifyDBInstance"); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(startedAt); waited != 3*time.Second/changesPerSecond {
			t.Errorf("three requests above the burst took %s", waited)
		}
		// Another operation has its own limit, and one without a limit never waits.
		for _, operation := range []string{"DeleteDBInstance", "AssumeRole"} {
			if err := limits.wait(t.Context(), operation); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(startedAt); waited != 3*time.Second/changesPerSecond {
			t.Errorf("other operations waited too: %s", waited)
		}
	})
}

func TestRateLimits_WaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := newRateLimits(clock.RealClock{})
		for range changesBurst {
			if err := limits.wait(t.Context(), "FailoverDBCluster"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := limits.wait(ctx, "FailoverDBCluster"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// The canceled reservation is available to the next request.
		startedAt := time.Now()
		if err := limits.wait(t.Context(), "FailoverDBCluster"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(startedAt); waited > time.Second/changesPerSecond {
			t.Errorf("the canceled reservation was not returned: the next request waited %s", waited)
		}
	})
}

func TestRateLimits_CoverOperations(t *testing.T) {
	limits := newRateLimits(clock.RealClock{})
	for _, api := range []reflect.Type{
		reflect.TypeFor[rdsReadAPI](), reflect.TypeFor[rdsWriteAPI](), reflect.TypeFor[cloudwatch.GetMetricDataAPIClient](),
		reflect.TypeFor[applicationautoscaling.DescribeScalableTargetsAPIClient](), reflect.TypeFor[pricing.GetProductsAPIClient](),
	} {
		for operation := range api.Methods() {
			if limits.limiters[operation.Name] == nil {
				t.Errorf("%s has no limit", operation.Name)
			}
		}
	}
}
