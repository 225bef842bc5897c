package state

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestAddCapacityShortage(t *testing.T) {
	const zoneA, zoneB = "eu-west-1a", "eu-west-1b"
	o := scaling.Observation{Instances: []scaling.Instance{{Identifier: "orders-1", AvailabilityZone: zoneA}}}
	expires := now.Add(30 * time.Minute)
	in := func(zone string) scaling.CapacityShortage {
		return scaling.CapacityShortage{InstanceClass: xlarge, Zone: zone, ExpiresAt: expires}
	}
	for _, test := range []struct {
		name   string
		action scaling.Action
		cause  error
		want   []scaling.CapacityShortage
		zone   string
		retry  bool
	}{
		{
			"resize is short in the instance's zone and is not repeated", scaling.ModifyInstanceClass, scaling.ErrNoCapacity,
			[]scaling.CapacityShortage{in(zoneA)}, zoneA, false,
		},
		{
			"reader is tried in another zone", scaling.CreateReader, &scaling.NoCapacityError{Zone: zoneB, Err: scaling.ErrNoCapacity},
			[]scaling.CapacityShortage{in(zoneB)}, zoneB, true,
		},
		{
			"reader without another zone to try is short everywhere", scaling.CreateReader,
			&scaling.NoCapacityError{Zone: zoneB, LastZone: true, Err: scaling.ErrNoCapacity},
			[]scaling.CapacityShortage{in(zoneB), in("")}, zoneB, false,
		},
		{
			"reader in a zone that AWS chose is short everywhere, once", scaling.CreateReader,
			&scaling.NoCapacityError{LastZone: true, Err: errors.New("no capacity")},
			[]scaling.CapacityShortage{in("")}, "", false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			call := scaling.Call{Action: test.action, Instance: "orders-1", InstanceClass: xlarge}
			got := AddCapacityShortage(nil, call, test.cause, o, now)
			if !slices.Equal(got.Shortages, test.want) || got.Zone != test.zone || got.TryAnotherZone != test.retry {
				t.Errorf("got %+v, want %+v in %q, another zone %t", got, test.want, test.zone, test.retry)
			}
		})
	}
}

func TestAddCapacityShortage_KeepsTheNewest(t *testing.T) {
	var all []scaling.CapacityShortage
	for n := range 70 {
		call := scaling.Call{Action: scaling.ModifyInstanceClass, InstanceClass: xlarge}
		all = AddCapacityShortage(all, call, scaling.ErrNoCapacity, scaling.Observation{}, now.Add(time.Duration(n)*time.Second)).Shortages
	}
	if len(all) != 64 || !all[63].ExpiresAt.Equal(now.Add(69*time.Second+30*time.Minute)) {
		t.Errorf("%d shortages are remembered, the last until %s; want 64 with the newest last", len(all), all[len(all)-1].ExpiresAt)
	}
}

func TestActiveShortages(t *testing.T) {
	until := func(expires time.Time) scaling.CapacityShortage {
		return scaling.CapacityShortage{InstanceClass: xlarge, ExpiresAt: expires}
	}
	all := []scaling.CapacityShortage{until(now), until(now.Add(time.Second)), until(now.Add(-time.Hour))}
	if got := ActiveShortages(all, now); len(got) != 1 || got[0] != all[1] {
		t.Errorf("active shortages are %v, want the one that expires in a second", got)
	}
}
