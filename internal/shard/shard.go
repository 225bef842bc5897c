// Package shard divides the scopes of the fleet, each an AWS account and region, among several operators by rendezvous hashing. It is
// pure: it reads no clock, no network and no environment.
package shard

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// MaxTotal is the maximum number of shards. It is below every number that the random end of a Deployment's pod name can be: that has five
// characters and neither 0 nor 1 (k8s.io/apimachinery/pkg/util/rand), so that it is never taken for the ordinal of a StatefulSet.
const MaxTotal = 1000

// Assignment says which scopes an operator takes. The zero value takes all.
type Assignment struct {
	// Index is the number of this shard, from 0 to Total-1.
	Index int
	// Total is the number of shards; 0 and 1 mean that the fleet is not divided.
	Total int
}

// IsDivided reports whether other shards take some of the scopes.
func (a Assignment) IsDivided() bool { return a.Total > 1 }

// Owns reports whether this shard takes a scope.
func (a Assignment) Owns(scope string) bool {
	return !a.IsDivided() || Owner(scope, a.Total) == a.Index
}

// String is the assignment for messages: "shard 1 of 3 (numbered from 0)", or "all scopes".
func (a Assignment) String() string {
	if !a.IsDivided() {
		return "all scopes"
	}
	return fmt.Sprintf("shard %d of %d (numbered from 0)", a.Index, a.Total)
}

// Owner returns the shard that takes a scope: the one with the highest score (Thaler and Ravishankar, "Using name-based mappings to
// increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998). A shard that is added takes about 1/total of the scopes, and no
// scope moves between the others.
//
// All shards of an installation must agree, also while they are upgraded one after the other. So neither this function nor the text of a
// scope may change between versions; a test compares them with recorded values.
func Owner(scope string, total int) int {
	owner, highest := 0, uint64(0)
	for index := range total {
		if s := score(scope, index); s > highest {
			owner, highest = index, s
		}
	}
	return owner
}

// score is the weight of a scope at a shard: FNV-1a of both, and the finalizer of MurmurHash3 (fmix64), because the high bits of FNV-1a
// hardly depend on the last bytes of its input.
func score(scope string, index int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(scope))
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(index))
	h.Write(number[:])
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// FromPodName returns the assignment of a pod of a StatefulSet, whose name ends with a hyphen and its ordinal.
func FromPodName(podName string, total int) (Assignment, error) {
	const remedy = "Run the shards as a StatefulSet, as config/sharded does, or set --shard"
	if podName == "" {
		return Assignment{}, fmt.Errorf("--total-shards is %d, and the number of this shard is not known: neither --shard nor the environment "+
			"variable POD_NAME is set, and the host has no name. %s", total, remedy)
	}
	text := podName[strings.LastIndex(podName, "-")+1:]
	ordinal, err := strconv.Atoi(text)
	if err != nil || !strings.Contains(podName, "-") || strconv.Itoa(ordinal) != text {
		return Assignment{}, fmt.Errorf("--total-shards is %d, and the name of the pod, %q, does not end with the ordinal of a StatefulSet, "+
			"such as dbscaler-0. %s", total, podName, remedy)
	}
	if ordinal >= total {
		return Assignment{}, fmt.Errorf("the pod %q has the ordinal %d, and --total-shards is %d: there is no such shard. Set --total-shards to "+
			"the number of replicas of the StatefulSet, whose ordinals must start at 0, or set --shard", podName, ordinal, total)
	}
	return Assignment{Index: ordinal, Total: total}, nil
}
