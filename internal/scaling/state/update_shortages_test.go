package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// A reader with insufficient-capacity is a shortage of its class in its zone for some hours.
func TestUpdateShortages(t *testing.T) {
	failed := func(status, zone string) scaling.Observation {
		return scaling.Observation{Instances: []scaling.Instance{{
			Identifier: "engine-dbscaler-x-1", Class: large, Status: status, AvailabilityZone: zone,
			Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
		}}}
	}
	shortage := func(zone string, left time.Duration) scaling.CapacityShortage {
		return scaling.CapacityShortage{InstanceClass: large, Zone: zone, ExpiresAt: now.Add(left)}
	}
	for _, test := range []struct {
		name        string
		known       []scaling.CapacityShortage
		observation scaling.Observation
		want        []scaling.CapacityShortage
	}{
		{"new", nil, failed("insufficient-capacity", "a"), []scaling.CapacityShortage{shortage("a", 3*time.Hour)}},
		{"AWS chose the zone", nil, failed("insufficient-capacity", ""), []scaling.CapacityShortage{shortage("", 3*time.Hour)}},
		{"failed for another reason", nil, failed("incompatible-network", "a"), nil},
		{"known", []scaling.CapacityShortage{shortage("a", 2*time.Hour)}, failed("insufficient-capacity", "a"), []scaling.CapacityShortage{shortage("a", 2*time.Hour)}},
		{"known for a short time", []scaling.CapacityShortage{shortage("a", time.Hour)}, failed("insufficient-capacity", "a"),
			[]scaling.CapacityShortage{shortage("a", 3*time.Hour)}},
		{"known in another zone", []scaling.CapacityShortage{shortage("b", time.Hour)}, failed("insufficient-capacity", "a"),
			[]scaling.CapacityShortage{shortage("b", time.Hour), shortage("a", 3*time.Hour)}},
		{"expired", []scaling.CapacityShortage{shortage("a", 0)}, scaling.Observation{}, nil},
	} {
		if got := UpdateShortages(test.known, test.observation, now); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
	if got := UpdateShortages(slices.Repeat([]scaling.CapacityShortage{shortage("b", time.Hour)}, 64), failed("insufficient-capacity", "a"), now); len(got) != 64 ||
		got[63].Zone != "a" {
		t.Errorf("%d shortages are kept", len(got))
	}
}
