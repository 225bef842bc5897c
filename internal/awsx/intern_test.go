package awsx

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// TestInterner: equal strings, numbers, flags, structures and lists share memory wherever they are, and nothing else changes.
func TestInterner(t *testing.T) {
	newInstance := func(name string) types.DBInstance {
		return types.DBInstance{
			DBInstanceIdentifier: aws.String(name), Engine: aws.String("mysql"), MultiAZ: aws.Bool(true), InstanceCreateTime: aws.Time(testStart),
			Endpoint:      &types.Endpoint{Address: aws.String(name + ".example"), Port: aws.Int32(3306)},
			DBSubnetGroup: &types.DBSubnetGroup{Subnets: []types.Subnet{{SubnetAvailabilityZone: &types.AvailabilityZone{Name: aws.String("eu-west-1a")}}}},
			TagList:       []types.Tag{{Key: aws.String("team"), Value: aws.String("payments")}},
			EngineVersion: nil, PendingModifiedValues: &types.PendingModifiedValues{}, AllocatedStorage: aws.Int32(3306),
			LicenseModel:    aws.String("mysql"),
			DBInstanceClass: aws.String("db.r6g.large"),
		}
	}
	shared := interner{}
	a, b := newInstance("a"), newInstance("b")
	shared.intern(&a)
	shared.intern(&b)
	if want := newInstance("b"); !reflect.DeepEqual(b, want) {
		t.Errorf("got %+v, want %+v", b, want)
	}
	zone := func(i types.DBInstance) *string { return i.DBSubnetGroup.Subnets[0].SubnetAvailabilityZone.Name }
	if a.Engine != b.Engine || a.Engine != b.LicenseModel || zone(a) != zone(b) || a.TagList[0].Value != b.TagList[0].Value {
		t.Error("equal strings have different pointers")
	}
	if a.MultiAZ != b.MultiAZ || a.Endpoint.Port != b.AllocatedStorage || a.PendingModifiedValues != b.PendingModifiedValues {
		t.Error("equal flags, numbers or empty structures have different pointers")
	}
	if &a.TagList[0] != &b.TagList[0] {
		t.Error("equal lists are not shared")
	}
	c := newInstance("a")
	c.TagList[0].Value, c.DBSubnetGroup.Subnets[0].SubnetAvailabilityZone = aws.String("orders"), nil
	shared.intern(&c)
	if a.Endpoint == b.Endpoint || a.Endpoint != c.Endpoint || *c.TagList[0].Value != "orders" || *a.TagList[0].Value != "payments" ||
		c.DBSubnetGroup.Subnets[0].SubnetAvailabilityZone != nil || zone(a) == nil {
		t.Errorf("other values are shared, or equal structures are not: %+v, %+v, %+v", a, b, c)
	}
	if *a.DBInstanceIdentifier != "a" || *a.Endpoint.Address != "a.example" {
		t.Errorf("got the identifier %s and the address %s", *a.DBInstanceIdentifier, *a.Endpoint.Address)
	}
}
